package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var pushes = []stage.Scenario{
	{Name: "push, heartbeats", Rows: []string{"10.1 new-push old-push", "11.2 new-push old-push"}, Run: pushHeartbeats},
	{Name: "push, flow control", Rows: []string{"10.2"}, Run: pushFlowControl},
	{Name: "push, the consumer is deleted", Rows: []string{"11.3 new-push"}, Run: pushDeleted},
	{Name: "push, a gap", Rows: []string{"11.4 new-push old-push"}, Run: pushGap},
	{Name: "push, reconnect", Rows: []string{"11.5 new-push"}, Run: pushReconnect},
	{Name: "push, groups", Rows: []string{"11.8 new-push"}, Run: pushGroup},
	{Name: "push, one at a time", Rows: []string{"11.9 new-push"}, Run: pushOneUse, Differs: []stage.Difference{
		stage.Differs("11.9", "after the end", "nil"),
	}},
	{Name: "push, inactive", Rows: []string{"10.16 new-push"}, Run: pushInactive},
	{Name: "old ordered, heartbeats lost", Rows: []string{"11.2 old-ordered", "11.7"}, Run: oldOrderedHeartbeats, Differs: []stage.Difference{
		stage.Lasts("11.2", "made anew after", 1750*time.Millisecond),
	}},
	{Name: "old ordered, deleted", Rows: []string{"11.3 old-ordered", "11.7"}, Run: oldOrderedDeleted},
	{Name: "old ordered, reconnect", Rows: []string{"11.5 old-ordered"}, Run: oldOrderedReconnect},
}

// pusher is a client whose subscriptions tell into events of their own, by the name of the API.
type pusher struct {
	*client
	got map[string]*events
}

var pushAPIs = []string{"old", "new"}

// newPusher makes a stream "S" on "s.>" and a client.
func newPusher(s *stage.Stage, opts ...nats.Option) *pusher {
	s.Peer().Stream("S", "s.>")
	p := &pusher{got: map[string]*events{"old": newEvents(), "new": newEvents()}}
	opts = append(opts, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if !strings.Contains(fmt.Sprintf("%T", err), "LossError") {
			p.got["old"].add("told " + s.Describe(err))
		}
	}))
	p.client = newClient(s, opts...).jetStream(nil, nil)
	return p
}

// consumer makes a push consumer on "s.<api>" that delivers to "d.<api>".
func (p *pusher) consumer(api string, more ...string) {
	fields := append([]string{fmt.Sprintf(`"deliver_subject":"d.%s","filter_subject":"s.%s"`, api, api)}, more...)
	p.s.Peer().Consumer("S", "P"+api, fields...)
}

// receive begins to receive from the consumer of an API, whose handler is called for each message.
func (p *pusher) receive(api string, handle func()) (stop func()) {
	if api == "old" {
		sub, err := p.old.Subscribe("s.old", func(m *nats.Msg) { p.got["old"].add("message " + string(m.Data)); handle() }, nats.Bind("S", "Pold"))
		p.s.Must(err, "subscribe")
		return func() { _ = sub.Unsubscribe() }
	}
	cons, err := p.new.PushConsumer(context.Background(), "S", "Pnew")
	p.s.Must(err, "push consumer")
	cc, err := cons.Consume(func(m jetstream.Msg) { p.got["new"].add("message " + string(m.Data())); _ = m.Ack(); handle() },
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { p.got["new"].add("told " + p.s.Describe(err)) }))
	p.s.Must(err, "consume")
	return cc.Stop
}

func idleHandler() {}

func isStatus(status string) func(stage.Frame) bool {
	return func(f stage.Frame) bool { return !f.FromClient && f.Status() == status }
}

func pushHeartbeats(s *stage.Stage) {
	p := newPusher(s)
	for _, api := range pushAPIs {
		p.consumer(api, `"idle_heartbeat":1000000000`)
		p.receive(api, idleHandler)
	}
	s.Pause(2500 * time.Millisecond)
	for _, api := range pushAPIs {
		s.Part(api)
		s.Note("told while heartbeats come", "%v", p.got[api].soFar())
		beats := s.Tap().Frames(func(f stage.Frame) bool { return isStatus("100")(f) && f.Subject == "d."+api })
		s.Note("heartbeats", "%v", len(beats) > 0)
		s.Note("heartbeat", "%s", headerKeys(beats[0]))
	}
	s.Tap().Drop(dropHeartbeats)
	lost := time.Now()
	for _, api := range pushAPIs {
		s.Part(api)
		first := stage.Take(s, p.got[api].ch, "an error")
		s.Note("lost", "%s", first)
		if api == "old" {
			s.Note("in time", "%v", time.Since(lost) < 5*time.Second)
		}
		second := stage.Take(s, p.got[api].ch, "another error")
		s.Note("lost for longer", "%s", second)
	}
	s.Tap().Drop(nil)
	for _, api := range pushAPIs {
		s.Part(api)
		p.got[api].soFar()
		s.Peer().Store("s."+api, "1")
		got := ""
		for !strings.HasPrefix(got, "message") { // one more error may have been on its way
			got = stage.Take(s, p.got[api].ch, "a message")
		}
		s.Note("afterwards", "%s", got)
	}
}

// headerKeys is the first line of a header, and the keys of the others.
func headerKeys(f stage.Frame) string {
	lines := strings.Split(strings.TrimSpace(f.Header), "\r\n")
	for i := 1; i < len(lines); i++ {
		lines[i], _, _ = strings.Cut(lines[i], ":")
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, ", ")
}

// pushFlowControl: the server asks when it has sent some MiB, and goes on when it was answered.
func pushFlowControl(s *stage.Stage) {
	p := newPusher(s)
	const total = 20
	for range total {
		for _, api := range pushAPIs {
			s.Peer().Store("s."+api, strings.Repeat("x", 256<<10))
		}
	}
	for _, api := range pushAPIs {
		p.consumer(api, `"flow_control":true,"idle_heartbeat":5000000000,"ack_policy":"none"`)
		n := make(chan struct{}, total)
		stop := p.receive(api, func() { n <- struct{}{} })
		for range total {
			stage.Take(s, n, "a message")
		}
		s.Must(p.nc.Flush(), "flush")
		s.Part(api)
		asked := s.Tap().Frames(func(f stage.Frame) bool {
			return isStatus("100")(f) && f.Subject == "d."+api && strings.Contains(f.Header, "FlowControl")
		})
		s.Note("asked", "%v", len(asked) > 0)
		answered := 0
		for _, f := range asked {
			for _, a := range s.Tap().Published(f.Reply) {
				if a.Data == "" && a.Header == "" {
					answered++
				}
			}
		}
		s.Note("answered all", "%v", answered == len(asked))
		if len(asked) > 0 {
			s.Note("question", "%s, reply %v", headerKeys(asked[0]), strings.HasPrefix(asked[0].Reply, "$JS.FC."))
		}
		stop()
	}
}

func pushDeleted(s *stage.Stage) {
	p := newPusher(s)
	p.consumer("new", `"idle_heartbeat":1000000000`)
	p.receive("new", idleHandler)
	s.Peer().Consumer("S", "Q", `"deliver_subject":"d.q"`)
	cons, err := p.new.PushConsumer(context.Background(), "S", "Q")
	s.Must(err, "push consumer")
	silent := newEvents()
	_, err = cons.Consume(func(jetstream.Msg) {}, jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { silent.add(s.Describe(err)) }))
	s.Must(err, "consume")
	for _, name := range []string{"Pnew", "Q"} {
		s.Peer().API("CONSUMER.DELETE.S."+name, "")
	}
	for i := range 2 {
		s.Note(fmt.Sprint("told ", i+1), "%s", stage.Take(s, p.got["new"].ch, "an error"))
	}
	s.Note("without heartbeats", "%v", silent.soFar())
}

func pushGap(s *stage.Stage) {
	p := newPusher(s)
	for _, api := range pushAPIs {
		p.consumer(api, `"idle_heartbeat":1000000000`)
		p.receive(api, idleHandler)
		s.Peer().Store("s."+api, "1", "2")
		s.Note(api+", before", "%v", p.got[api].next(2))
	}
	s.Tap().Drop(func(f stage.Frame) bool { return !f.FromClient && f.Data == "3" })
	for _, api := range pushAPIs {
		s.Peer().Store("s."+api, "3")
	}
	s.Tap().Await(2, func(f stage.Frame) bool { return f.Data == "3" })
	s.Tap().Drop(nil)
	s.Pause(1500 * time.Millisecond) // for a heartbeat
	for _, api := range pushAPIs {
		s.Note(api+", told", "%v", p.got[api].soFar())
		s.Peer().Store("s."+api, "4")
		s.Note(api+", afterwards", "%v", p.got[api].next(1))
	}
	s.Note("consumers made", "%d", len(s.Tap().Frames(creates)))
}

func pushReconnect(s *stage.Stage) {
	back := make(chan struct{}, 1)
	p := newPusher(s, nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	p.consumer("new", `"idle_heartbeat":1000000000`)
	p.receive("new", idleHandler)
	s.Peer().Store("s.new", "1")
	s.Note("before", "%v", p.got["new"].next(1))
	s.Proxy().Cut()
	stage.Take(s, back, "reconnect")
	s.Must(p.nc.Flush(), "flush")
	s.Peer().Store("s.new", "2", "3")
	s.Note("afterwards", "%v", p.got["new"].next(2))
	s.Note("requests", "%d", len(s.Tap().Published("$JS.API.")))
}

// pushGroup: the consumer says whether there is a group.
func pushGroup(s *stage.Stage) {
	p := newPusher(s)
	p.consumer("new", `"deliver_group":"g"`)
	for range 2 {
		p.receive("new", idleHandler)
	}
	s.Must(p.nc.Flush(), "flush")
	for _, f := range s.Tap().Frames(func(f stage.Frame) bool { return f.Op == "SUB" && f.Subject == "d.new" }) {
		s.Note("subscription", "%s %s", f.Subject, f.Queue)
	}
	s.Peer().Store("s.new", "1", "2", "3", "4")
	s.Note("once each", "%s", p.got["new"].sorted(4))
}

func pushOneUse(s *stage.Stage) {
	p := newPusher(s)
	p.consumer("new")
	cons, err := p.new.PushConsumer(context.Background(), "S", "Pnew")
	s.Must(err, "push consumer")
	none := func(jetstream.Msg) {}
	first, err := cons.Consume(none)
	s.Error("first", err)
	_, err = cons.Consume(none)
	s.Error("second", err)
	first.Stop()
	s.Note("closed", "%v", stage.Wait(first.Closed(), resolved))
	_, err = cons.Consume(none)
	s.Error("after the end", err)
	_, err = cons.Consume(nil)
	s.Error("no handler", err)
	s.Note("cached", "%s %s", cons.CachedInfo().Name, cons.CachedInfo().Config.DeliverSubject)
}

func pushInactive(s *stage.Stage) {
	p := newPusher(s)
	ctx := s.Context(resolved)
	cons, err := p.new.CreatePushConsumer(ctx, "S", jetstream.ConsumerConfig{Name: "I", DeliverSubject: "d.i", InactiveThreshold: time.Second})
	s.Must(err, "create")
	cc, err := cons.Consume(func(jetstream.Msg) {})
	s.Must(err, "consume")
	s.Pause(2500 * time.Millisecond)
	_, err = cons.Info(ctx)
	s.Error("in use", err)
	cc.Stop()
	s.Must(p.nc.Flush(), "flush")
	start := time.Now()
	for time.Since(start) < 5*time.Second {
		if _, err = cons.Info(ctx); err != nil {
			break
		}
		s.Pause(20 * time.Millisecond)
	}
	s.Error("gone", err)
	s.Time("after", time.Since(start))
}

// oldOrdered is an ordered subscription of the older API with heartbeats every second.
func (p *pusher) oldOrdered() {
	_, err := p.old.Subscribe("s.>", func(m *nats.Msg) { p.got["old"].add("message " + string(m.Data)) }, nats.OrderedConsumer(), nats.IdleHeartbeat(time.Second))
	p.s.Must(err, "subscribe")
	p.s.Peer().Store("s.a", "1", "2")
	p.s.Note("before", "%v", p.got["old"].next(2))
}

func oldOrderedHeartbeats(s *stage.Stage) {
	p := newPusher(s)
	p.oldOrdered()
	s.Tap().Drop(dropHeartbeats)
	start := time.Now()
	s.Tap().Await(2, creates)
	s.Time("made anew after", time.Since(start))
	s.Tap().Drop(nil)
	p.noteAnew()
}

// noteAnew notes how an ordered subscription goes on.
func (p *pusher) noteAnew() {
	all := p.s.Tap().Frames(creates)
	var request struct {
		Config struct {
			Policy string `json:"deliver_policy"`
			Start  uint64 `json:"opt_start_seq"`
		}
	}
	unmarshal(p.s, all[1].Data, &request)
	p.s.Note("anew", "%s %d, another inbox %v", request.Config.Policy, request.Config.Start, all[0].Data != all[1].Data)
	p.s.Peer().Store("s.a", "3")
	p.s.Note("afterwards", "%v", p.got["old"].next(1))
	p.s.Note("old ones deleted", "%v", len(p.s.Tap().Published("$JS.API.CONSUMER.DELETE.S.")) > 0)
}

func oldOrderedDeleted(s *stage.Stage) {
	p := newPusher(s)
	p.oldOrdered()
	var name string
	for n := range p.old.ConsumerNames("S") {
		name = n
	}
	start := time.Now()
	s.Peer().API("CONSUMER.DELETE.S."+name, "")
	s.Tap().Await(2, creates)
	s.Note("made anew in time", "%v", time.Since(start) < 5*time.Second)
	p.noteAnew()
}

func oldOrderedReconnect(s *stage.Stage) {
	back := make(chan struct{}, 1)
	p := newPusher(s, nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	p.oldOrdered()
	s.Proxy().Cut()
	s.Peer().Store("s.a", "3")
	stage.Take(s, back, "reconnect")
	s.Peer().Store("s.a", "4")
	s.Note("afterwards", "%v", p.got["old"].next(2))
}
