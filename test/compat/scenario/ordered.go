package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var orderedConsumers = []stage.Scenario{
	{Name: "ordered, configurations", Rows: []string{"11.1", "11.11"}, Run: orderedConfigs,
		Differs: []stage.Difference{stage.Differs("11.1", "everything: created", "ack_policy=none deliver_policy=all headers_only=true inactive_threshold=7000000000 mem_storage=true metadata=map[a:b] name=everything_1 num_replicas=1 replay_policy=original")}},
	{Name: "ordered, deleted", Rows: []string{"11.3", "11.7"}, Run: orderedDeleted},
	{Name: "ordered, a gap", Rows: []string{"11.4"}, Run: orderedGap},
	{Name: "ordered, reconnect", Rows: []string{"11.5"}, Run: orderedReconnect},
	{Name: "ordered, heartbeats lost", Rows: []string{"11.2"}, Run: orderedHeartbeats},
	{Name: "ordered, one use", Rows: []string{"11.9"}, Run: orderedOneUse},
	{Name: "ordered, fetch", Rows: []string{"11.10"}, Run: orderedFetch},
	{Name: "ordered, it cannot be made again", Rows: []string{"11.7"}, Run: orderedNotAgain, Differs: []stage.Difference{
		stage.Differs("11.7", "consume, attempts under one name", "false"), stage.Lasts("11.7", "consume, pause", 10*time.Millisecond),
		stage.Differs("11.7", "messages, attempts under one name", "false"), stage.Lasts("11.7", "messages, pause", 10*time.Millisecond),
	}},
	{Name: "ordered, status messages", Rows: []string{"11.6"}, Run: orderedStatus, Differs: orderedStatusDiffers()},
}

// creates matches requests that make consumers.
var creates = stage.PublishedOn("$JS.API.CONSUMER.CREATE.")

// noteCreates notes the configurations of the consumers made from the nth on, and returns how many there are by now.
func (c *client) noteCreates(from int) int {
	c.s.Must(c.nc.Flush(), "flush")
	frames := c.s.Tap().Frames(creates)
	for _, f := range frames[min(from, len(frames)):] {
		var request struct{ Config map[string]any }
		if err := json.Unmarshal([]byte(f.Data), &request); err != nil {
			c.s.Note("created", "%q", f.Data)
			continue
		}
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(request.Config)) {
			value := request.Config[key]
			if n, ok := value.(float64); ok {
				value = int64(n)
			}
			parts = append(parts, fmt.Sprintf("%s=%v", key, value))
		}
		c.s.Note("created", "%s", strings.Join(parts, " "))
	}
	return len(frames)
}

func newOrdered(s *stage.Stage, opts ...nats.Option) (*client, jetstream.Consumer) {
	s.Peer().Stream("S", "s.>")
	c := newClient(s, opts...).jetStream(nil, nil)
	o, err := c.new.OrderedConsumer(s.Context(resolved), "S", jetstream.OrderedConsumerConfig{NamePrefix: "p"})
	s.Must(err, "ordered consumer")
	return c, o
}

func orderedConfigs(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.a", "1", "2", "3")
	c := newJetStreamClient(s)
	at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	n := 0
	for _, tc := range []struct {
		name string
		cfg  jetstream.OrderedConsumerConfig
	}{
		{"all", jetstream.OrderedConsumerConfig{}},
		{"filter", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"s.a"}}},
		{"filters", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"s.a", "s.b"}}},
		{"last", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPolicy}},
		{"new", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy}},
		{"last per subject", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy}},
		{"sequence", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 2}},
		{"time", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &at}},
		{"everything", jetstream.OrderedConsumerConfig{ReplayPolicy: jetstream.ReplayOriginalPolicy, HeadersOnly: true, InactiveThreshold: 7 * time.Second, Metadata: map[string]string{"a": "b"}}},
		{"no sequence", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy}},
	} {
		s.Part(tc.name)
		tc.cfg.NamePrefix = strings.ReplaceAll(tc.name, " ", "-")
		o, err := c.new.OrderedConsumer(s.Context(resolved), "S", tc.cfg)
		s.Error("made", err)
		n = c.noteCreates(n)
		if err != nil {
			continue
		}
		s.Note("name", "%s", o.CachedInfo().Name)
	}
	s.Part("")
	_, err := c.new.OrderedConsumer(s.Context(resolved), "T", jetstream.OrderedConsumerConfig{})
	s.Error("no stream", err)
	_, err = c.new.OrderedConsumer(s.Context(resolved), "S", jetstream.OrderedConsumerConfig{NamePrefix: "a.b"})
	s.Error("bad prefix", err)
	_, err = c.new.OrderedConsumer(s.Context(resolved), "S", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"s a"}})
	s.Error("bad filter", err)
}

// consumeOrdered notes messages and errors as events.
func consumeOrdered(s *stage.Stage, o jetstream.Consumer, opts ...jetstream.PullConsumeOpt) *events {
	got := newEvents()
	cc, err := o.Consume(func(m jetstream.Msg) { got.add("message " + string(m.Data())) },
		append(opts, jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { got.add("told " + s.Describe(err)) }))...)
	s.Must(err, "consume")
	s.Cleanup(cc.Stop)
	return got
}

func orderedDeleted(s *stage.Stage) {
	c, o := newOrdered(s)
	got := consumeOrdered(s, o)
	s.Peer().AwaitPull("S", "p_1")
	s.Peer().Store("s.a", "1", "2")
	s.Note("before", "%v", got.next(2))
	s.Must(c.new.DeleteConsumer(s.Context(resolved), "S", "p_1"), "delete")
	s.Tap().Await(1, stage.PublishedOn(pullSubject+"S.p_2"))
	s.Peer().Store("s.a", "3")
	s.Note("after", "%v", got.next(2))
	c.noteCreates(1)
	s.Note("name", "%s", o.CachedInfo().Name)
}

func orderedGap(s *stage.Stage) {
	c, o := newOrdered(s)
	got := consumeOrdered(s, o)
	s.Peer().AwaitPull("S", "p_1")
	s.Peer().Store("s.a", "1", "2")
	s.Note("before", "%v", got.next(2))
	s.Tap().Drop(func(f stage.Frame) bool { return !f.FromClient && f.Data == "3" })
	s.Peer().Store("s.a", "3")
	s.Pause(200 * time.Millisecond)
	s.Tap().Drop(nil)
	s.Peer().Store("s.a", "4")
	after := slices.DeleteFunc(got.next(2), func(e string) bool { return strings.HasPrefix(e, "told") })
	s.Note("after", "%v", after)
	c.noteCreates(1)
}

func orderedReconnect(s *stage.Stage) {
	back := make(chan struct{}, 1)
	c, o := newOrdered(s, nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	got := consumeOrdered(s, o)
	s.Peer().AwaitPull("S", "p_1")
	s.Peer().Store("s.a", "1", "2")
	s.Note("before", "%v", got.next(2))
	s.Proxy().Cut()
	stage.Take(s, back, "reconnect")
	s.Tap().Await(1, stage.PublishedOn(pullSubject+"S.p_2"))
	s.Peer().Store("s.a", "3")
	s.Note("after", "%v", got.next(1))
	c.noteCreates(1)
}

func orderedHeartbeats(s *stage.Stage) {
	c, o := newOrdered(s)
	got := consumeOrdered(s, o, jetstream.PullExpiry(4*time.Second), jetstream.PullHeartbeat(time.Second))
	s.Peer().AwaitPull("S", "p_1")
	s.Peer().Store("s.a", "1")
	s.Note("before", "%v", got.next(1))
	c.s.Tap().Drop(func(f stage.Frame) bool { return !f.FromClient && f.Status() == "100" })
	start := time.Now()
	s.Note("told", "%v", got.next(1))
	s.Time("told after", time.Since(start)-quiet)
	s.Tap().Drop(nil)
	s.Tap().Await(1, stage.PublishedOn(pullSubject+"S.p_2"))
	s.Peer().Store("s.a", "2")
	s.Note("after", "%v", got.next(1))
}

func orderedOneUse(s *stage.Stage) {
	c, o := newOrdered(s)
	none := func(jetstream.Msg) {}
	use := func(o jetstream.Consumer) {
		_, err := o.Consume(none)
		s.Error("consume", err)
		_, err = o.Messages()
		s.Error("messages", err)
		_, err = o.Fetch(1)
		s.Error("fetch", err)
		_, err = o.Next()
		s.Error("next", err)
	}
	s.Part("consuming")
	cc, err := o.Consume(none)
	s.Must(err, "consume")
	use(o)
	s.Part("stopped")
	cc.Stop()
	use(o)
	s.Part("fetching")
	o, err = c.new.OrderedConsumer(context.Background(), "S", jetstream.OrderedConsumerConfig{NamePrefix: "q"})
	s.Must(err, "ordered consumer")
	_, err = o.Fetch(1, jetstream.FetchMaxWait(10*time.Second))
	s.Must(err, "fetch")
	use(o)
}

func orderedFetch(s *stage.Stage) {
	c, o := newOrdered(s)
	s.Peer().Store("s.a", "1", "2", "3", "4", "5")
	for i, fetch := range []func() (jetstream.MessageBatch, error){
		func() (jetstream.MessageBatch, error) { return o.Fetch(2) },
		func() (jetstream.MessageBatch, error) { return o.FetchNoWait(2) },
		func() (jetstream.MessageBatch, error) {
			return o.Fetch(2, jetstream.FetchMaxWait(500*time.Millisecond))
		},
		func() (jetstream.MessageBatch, error) {
			return o.FetchBytes(1000, jetstream.FetchMaxWait(500*time.Millisecond))
		},
	} {
		s.Part(fmt.Sprint("batch ", i+1))
		c.noteBatch(fetch)
		s.Note("name", "%s", o.CachedInfo().Name)
	}
	s.Part("")
	_, err := o.Next(jetstream.FetchMaxWait(300 * time.Millisecond))
	s.Error("next", err)
	c.noteCreates(0)
}

// orderedStatusDiffers: a consumer in doubt is given up, and a bad request would be bad again.
func orderedStatusDiffers() []stage.Difference {
	all := []stage.Difference{
		stage.Differs("11.6", "consume, 400 Bad Request: events", "[told jetstream.ErrBadRequest closed]"),
		stage.Differs("11.6", "messages, 400 Bad Request: events", "[told jetstream.ErrBadRequest closed]"),
		stage.Differs("11.6", "messages, 400 Bad Request: made anew", "false"),
		stage.Differs("11.6", "messages, 400 Bad Request: afterwards", "[]"),
		stage.Differs("11.6", "messages, 503: made anew", "true"),
	}
	for _, way := range flowWays {
		for _, status := range []string{"409 Leadership Change", "409 Server Shutdown", "409 Exceeded MaxWaiting", "500 Trouble"} {
			all = append(all, stage.Differs("11.6", way+", "+status+": made anew", "true"))
		}
	}
	return all
}

// orderedStatus lets a status answer the request of each of many ordered consumers, in both ways to receive.
func orderedStatus(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	said := []string{
		"503", "408 Request Timeout\nNats-Pending-Messages: 500\nNats-Pending-Bytes: 0", "409 Consumer Deleted", "409 Leadership Change", "409 Server Shutdown",
		"409 Exceeded MaxWaiting", "400 Bad Request", "500 Trouble",
	}
	type try struct {
		key, prefix string
		*flow
	}
	var all []try
	for _, way := range flowWays {
		for i, status := range said {
			prefix := fmt.Sprintf("o%d%s", i, way)
			o, err := c.new.OrderedConsumer(s.Context(resolved), "S", jetstream.OrderedConsumerConfig{NamePrefix: prefix, FilterSubjects: []string{"s." + prefix}})
			s.Must(err, "ordered consumer")
			line, _, _ := strings.Cut(status, "\n")
			all = append(all, try{way + ", " + line, prefix, c.flow(way, o, func(jetstream.Msg) {})})
			request := s.Tap().Await(1, pullsOf(prefix+"_1"))
			s.Must(c.nc.Flush(), "flush") // the server knows the inbox
			s.Peer().Publish(request.Reply, "", status, "")
		}
	}
	s.Pause(time.Second)
	for _, t := range all {
		s.Part(t.key)
		s.Note("events", "%v", t.soFar())
		s.Note("made anew", "%v", len(s.Tap().Frames(stage.PublishedOn("$JS.API.CONSUMER.CREATE.S."+t.prefix+"_2"))) > 0)
		s.Peer().Publish("s."+t.prefix, "", "", "x")
	}
	s.Peer().Flush()
	s.Pause(time.Second)
	for _, t := range all {
		s.Part(t.key)
		s.Note("afterwards", "%v", t.soFar())
	}
}

// orderedNotAgain: the stream is gone for longer than the attempts last.
func orderedNotAgain(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	all := map[string]*flow{}
	for _, way := range flowWays {
		o, err := c.new.OrderedConsumer(s.Context(resolved), "S", jetstream.OrderedConsumerConfig{NamePrefix: way, MaxResetAttempts: 2})
		s.Must(err, "ordered consumer")
		all[way] = c.flow(way, o, func(jetstream.Msg) {})
		s.Peer().AwaitPull("S", way+"_1")
	}
	s.Peer().API("STREAM.DELETE.S", "")
	s.Pause(5 * time.Second)
	for _, way := range flowWays {
		events := all[way].soFar()
		s.Note(way, "told of the stream %v, closed %v", slices.ContainsFunc(events, func(e string) bool { return strings.Contains(e, "jetstream.ErrStreamNotFound") }),
			slices.Contains(events, "closed"))
		attempts := s.Tap().Frames(stage.PublishedOn("$JS.API.CONSUMER.CREATE.S." + way + "_2"))
		s.Note(way+", attempts under one name", "%v", len(attempts) == 2)
		s.Time(way+", pause", attempts[1].At.Sub(attempts[0].At))
	}
}
