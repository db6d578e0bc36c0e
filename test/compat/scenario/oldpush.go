package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/test/compat/stage"
)

var oldPush = []stage.Scenario{
	{Name: "old push, consumers", Rows: []string{"6.6", "11.1", "11.8"}, Run: oldPushConsumers},
	{Name: "old push, refused", Rows: []string{"11.8", "16.5"}, Run: oldPushRefused, Differs: []stage.Difference{
		stage.Differs("16.3", "a bad subject: subscribe", "nats.ErrBadSubject"),
	}},
	{Name: "old push, acks", Rows: []string{"8.9"}, Run: oldPushAcks},
	{Name: "old push, ends", Rows: []string{"11.8"}, Run: oldPushEnds},
	{Name: "old push, inactive", Long: true, Rows: []string{"10.16"}, Run: oldPushInactive},
	{Name: "old push, deleted", Long: true, Rows: []string{"11.2", "11.3"}, Run: oldPushDeleted},
	{Name: "old push, reconnect", Rows: []string{"11.5"}, Run: oldPushReconnect},
	{Name: "old ordered, a gap", Rows: []string{"11.4 old-ordered", "11.7"}, Run: oldOrderedGap},
}

// oldConsumer shows the configuration with which a consumer was made, but for names that are random.
func oldConsumer(cfg nats.ConsumerConfig, random bool) string {
	cfg.Metadata = nil
	if random {
		cfg.Name = ""
	}
	if strings.HasPrefix(cfg.DeliverSubject, "_INBOX.") {
		cfg.DeliverSubject = "inbox"
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return err.Error()
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return err.Error()
	}
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		value := fields[key]
		if n, ok := value.(float64); ok {
			value = int64(n)
		}
		parts = append(parts, fmt.Sprintf("%s=%v", key, value))
	}
	return strings.Join(parts, " ")
}

func oldPushConsumers(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.a", "1", "2", "3")
	c := newJetStreamClient(s)
	cb := func(*nats.Msg) {}
	ch := make(chan *nats.Msg, 77)
	for _, tc := range []struct {
		name      string
		random    bool
		subscribe func() (*nats.Subscription, error)
	}{
		{"callback", true, func() (*nats.Subscription, error) { return c.old.Subscribe("s.a", cb) }},
		{"sync", true, func() (*nats.Subscription, error) { return c.old.SubscribeSync("s.a") }},
		{"channel", true, func() (*nats.Subscription, error) { return c.old.ChanSubscribe("s.a", ch) }},
		{"group", false, func() (*nats.Subscription, error) { return c.old.QueueSubscribe("s.a", "q", cb) }},
		{"sync group", false, func() (*nats.Subscription, error) { return c.old.QueueSubscribeSync("s.a", "p") }},
		{"channel group", false, func() (*nats.Subscription, error) { return c.old.ChanQueueSubscribe("s.a", "r", ch) }},
		{"durable", false, func() (*nats.Subscription, error) { return c.old.Subscribe("s.a", cb, nats.Durable("d")) }},
		{"named", false, func() (*nats.Subscription, error) { return c.old.Subscribe("s.a", cb, nats.ConsumerName("n")) }},
		{"filters", true, func() (*nats.Subscription, error) {
			return c.old.Subscribe("", cb, nats.BindStream("S"), nats.ConsumerFilterSubjects("s.a", "s.b"))
		}},
		{"all of a stream", true, func() (*nats.Subscription, error) { return c.old.Subscribe("", cb, nats.BindStream("S")) }},
		{"acks none", true, func() (*nats.Subscription, error) { return c.old.SubscribeSync("s.a", nats.AckNone()) }},
		{"options", true, func() (*nats.Subscription, error) {
			return c.old.Subscribe("s.a", cb, nats.AckAll(), nats.AckWait(7*time.Second), nats.MaxDeliver(3), nats.MaxAckPending(9), nats.IdleHeartbeat(2*time.Second),
				nats.EnableFlowControl(), nats.HeadersOnly(), nats.RateLimit(1<<20), nats.Description("x"), nats.InactiveThreshold(time.Minute), nats.ConsumerReplicas(1),
				nats.ConsumerMemoryStorage(), nats.DeliverSubject("mine"), nats.StartSequence(2))
		}},
		{"ordered", true, func() (*nats.Subscription, error) { return c.old.Subscribe("s.a", cb, nats.OrderedConsumer()) }},
		{"ordered, heartbeat", true, func() (*nats.Subscription, error) {
			return c.old.SubscribeSync("s.a", nats.OrderedConsumer(), nats.IdleHeartbeat(2*time.Second), nats.HeadersOnly(), nats.DeliverLast())
		}},
	} {
		s.Part(tc.name)
		sub, err := tc.subscribe()
		s.Error("subscribe", err)
		if err != nil {
			continue
		}
		info, err := sub.ConsumerInfo()
		s.Must(err, "info")
		s.Note("consumer", "%s", oldConsumer(info.Config, tc.random))
		pending, err := sub.InitialConsumerPending()
		s.Note("pending", "%d %s", pending, s.Describe(err))
		s.Note("type", "%d", sub.Type())
		s.Error("unsubscribe", sub.Unsubscribe())
		_, err = c.old.ConsumerInfo("S", info.Name)
		s.Error("afterwards", err)
	}
}

func oldPushRefused(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	for _, cfg := range []nats.ConsumerConfig{
		{Durable: "pull"},
		{Durable: "group", DeliverSubject: "dg", DeliverGroup: "g"},
		{Durable: "push", DeliverSubject: "dp", AckWait: 7 * time.Second, FilterSubject: "s.a"},
	} {
		cfg.AckPolicy = nats.AckExplicitPolicy
		_, err := c.old.AddConsumer("S", &cfg)
		s.Must(err, "consumer")
	}
	cb := func(*nats.Msg) {}
	_, err := c.old.Subscribe("s.a", cb, nats.Durable("bound"))
	s.Must(err, "bound")
	for _, tc := range []struct {
		name, queue, subject string
		cb                   nats.MsgHandler
		opts                 []nats.SubOpt
	}{
		{name: "no callback", subject: "s.a"},
		{name: "no subject", cb: cb},
		{name: "a bad subject", subject: "s a", cb: cb},
		{name: "no stream", subject: "nowhere", cb: cb},
		{name: "a pull consumer", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "pull")}},
		{name: "bound", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.Durable("bound")}},
		{name: "not there", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "none")}},
		{name: "without its group", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "group")}},
		{name: "another group", queue: "h", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "group")}},
		{name: "no group", queue: "h", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "push")}},
		{name: "another ack wait", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "push"), nats.AckWait(9 * time.Second)}},
		{name: "another subject", subject: "s.b", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "push")}},
		{name: "not looked up", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.Bind("S", "push"), nats.SkipConsumerLookup()}},
		{name: "a group with a dot", queue: "q.a", subject: "s.a", cb: cb},
		{name: "a group with heartbeats", queue: "q", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.IdleHeartbeat(time.Second)}},
		{name: "flow control alone", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.EnableFlowControl()}},
		{name: "ordered group", queue: "q", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer()}},
		{name: "ordered durable", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.Durable("x")}},
		{name: "ordered acks", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.AckExplicit()}},
		{name: "ordered deliveries", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.MaxDeliver(5)}},
		{name: "ordered subject", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.DeliverSubject("x")}},
		{name: "ordered bound", subject: "s.a", cb: cb, opts: []nats.SubOpt{nats.OrderedConsumer(), nats.Bind("S", "push")}},
	} {
		s.Part(tc.name)
		_, err := c.old.QueueSubscribe(tc.subject, tc.queue, tc.cb, tc.opts...)
		s.Error("subscribe", err)
		if err != nil && !strings.HasPrefix(s.Describe(err), "nats.") {
			s.ErrorText("text", err)
		}
	}
}

func oldPushAcks(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.a", "1")
	c := newJetStreamClient(s)
	for _, tc := range []struct {
		name string
		cb   func(m *nats.Msg) error
		opts []nats.SubOpt
	}{
		{"by itself", func(*nats.Msg) error { return nil }, nil},
		{"manual", func(*nats.Msg) error { return nil }, []nats.SubOpt{nats.ManualAck()}},
		{"none", func(*nats.Msg) error { return nil }, []nats.SubOpt{nats.AckNone()}},
		{"by the program", func(m *nats.Msg) error { return m.Nak() }, nil},
		{"all", func(*nats.Msg) error { return nil }, []nats.SubOpt{nats.AckAll()}},
	} {
		s.Part(tc.name)
		done := make(chan *nats.Msg, 1)
		early := make(chan int, 100)
		sub, err := c.old.Subscribe("s.a", func(m *nats.Msg) {
			_ = c.nc.Flush()
			early <- len(s.Tap().Published(m.Reply))
			err := tc.cb(m)
			select {
			case done <- m:
				s.Must(err, "callback")
			default:
			}
		}, tc.opts...)
		s.Must(err, "subscribe")
		m := stage.Take(s, done, "message")
		s.Note("acks before the callback ends", "%d", <-early)
		over := make(chan struct{})
		s.Must(c.nc.Barrier(func() { close(over) }), "barrier")
		s.Join(over)
		s.Must(c.nc.Flush(), "flush")
		bodies := s.Tap().Published(m.Reply)
		if len(bodies) > 0 {
			s.Note("acks", "%d, first %q", min(len(bodies), 1), bodies[0].Data)
		} else {
			s.Note("acks", "none")
		}
		s.Must(sub.Unsubscribe(), "unsubscribe")
	}
}

func oldPushEnds(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	cb := func(*nats.Msg) {}
	first, err := c.old.QueueSubscribe("s.a", "q", cb)
	s.Must(err, "first")
	second, err := c.old.QueueSubscribe("s.a", "q", cb)
	s.Must(err, "second")
	exists := func(name string) error {
		_, err := c.old.ConsumerInfo("S", name)
		return err
	}
	s.Error("the second one ends", second.Unsubscribe())
	s.Error("the group's consumer", exists("q"))
	s.Error("the first one ends", first.Unsubscribe())
	s.Error("the group's consumer then", exists("q"))
	drained, err := c.old.Subscribe("s.a", cb, nats.Durable("d"))
	s.Must(err, "durable")
	s.Error("drain", drained.Drain())
	s.Pause(300 * time.Millisecond)
	s.Error("drained", exists("d"))
	_, err = c.old.AddConsumer("S", &nats.ConsumerConfig{Durable: "own", DeliverSubject: "x", AckPolicy: nats.AckExplicitPolicy})
	s.Must(err, "consumer")
	bound, err := c.old.Subscribe("", cb, nats.Bind("S", "own"))
	s.Must(err, "bound")
	s.Error("unsubscribe", bound.Unsubscribe())
	s.Error("bound", exists("own"))
	ephemeral, err := c.old.SubscribeSync("s.a")
	s.Must(err, "sync")
	s.Error("auto", ephemeral.AutoUnsubscribe(1))
	s.Peer().Store("s.a", "1", "2")
	_, err = ephemeral.NextMsg(5 * time.Second)
	s.Error("a message", err)
	_, err = ephemeral.NextMsg(time.Second)
	s.Error("one more", err)
}

func oldPushInactive(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	other := newJetStreamClient(s)
	sub, err := c.old.SubscribeSync("s.a", nats.InactiveThreshold(time.Second), nats.ConsumerName("n"))
	s.Must(err, "subscribe")
	s.Pause(1500 * time.Millisecond)
	info, err := sub.ConsumerInfo()
	s.Must(err, "info")
	s.Note("in use", "%s", info.Config.InactiveThreshold)
	start := time.Now()
	c.nc.Close()
	for {
		if _, err := other.old.ConsumerInfo("S", "n"); err != nil {
			s.Error("gone", err)
			break
		}
		s.Pause(20 * time.Millisecond)
	}
	s.Time("after", time.Since(start))
}

func oldPushDeleted(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	got := newEvents()
	c := newClient(s, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { got.add("told " + s.Describe(err)) })).jetStream(nil, nil)
	_, err := c.old.Subscribe("s.a", func(*nats.Msg) {}, nats.Durable("quiet"))
	s.Must(err, "without heartbeats")
	sub, err := c.old.Subscribe("s.a", func(*nats.Msg) {}, nats.Durable("loud"), nats.IdleHeartbeat(time.Second))
	s.Must(err, "with heartbeats")
	s.Must(c.old.DeleteConsumer("S", "quiet"), "delete")
	s.Must(c.old.DeleteConsumer("S", "loud"), "delete")
	s.Note("told", "%v", got.next(2))
	s.Note("valid", "%v", sub.IsValid())
	_, err = sub.ConsumerInfo()
	s.Error("info", err)
}

func oldPushReconnect(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	back := make(chan struct{}, 1)
	c := newClient(s, nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} })).jetStream(nil, nil)
	got := newEvents()
	_, err := c.old.Subscribe("s.a", func(m *nats.Msg) { got.add("message " + string(m.Data)) }, nats.Durable("d"))
	s.Must(err, "subscribe")
	s.Peer().Store("s.a", "1")
	s.Note("before", "%v", got.next(1))
	s.Proxy().Cut()
	stage.Take(s, back, "reconnect")
	s.Peer().Store("s.a", "2", "3")
	s.Note("after", "%v", got.next(2))
	s.Note("consumers made", "%d", len(s.Tap().Frames(creates)))
}

func oldOrderedGap(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	got := newEvents()
	_, err := c.old.Subscribe("s.a", func(m *nats.Msg) { got.add("message " + string(m.Data)) }, nats.OrderedConsumer())
	s.Must(err, "subscribe")
	s.Peer().Store("s.a", "1", "2")
	s.Note("before", "%v", got.next(2))
	s.Tap().Drop(func(f stage.Frame) bool { return !f.FromClient && f.Data == "3" })
	s.Peer().Store("s.a", "3")
	s.Pause(200 * time.Millisecond)
	s.Tap().Drop(nil)
	s.Peer().Store("s.a", "4")
	s.Note("after", "%v", got.next(2))
	s.Note("consumers made", "%d", len(s.Tap().Frames(creates)))
}
