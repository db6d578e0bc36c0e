package test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

func TestOrderedConsume(t *testing.T) {
	g := withJetStream(t)
	const n = 2000
	for range n {
		_, err := g.js.PublishAsync("s.a", []byte("x"))
		must(t, err)
	}
	await(t, "acks", g.js.PublishAsyncComplete())
	c := g.ordered(t, jetstream.OrderedConsumerConfig{NamePrefix: "p"})
	if got := c.CachedInfo().Name; got != "p_1" {
		t.Errorf("named %q, want p_1", got)
	}
	f := followOrder(t, c, nil)
	f.wants(t, n)
	f.wants(t, g.store(t, 10))
	info, err := c.Info(t.Context())
	must(t, err)
	cfg := info.Config
	if cfg.AckPolicy != jetstream.AckNonePolicy || cfg.Replicas != 1 || !cfg.MemoryStorage || cfg.InactiveThreshold != 5*time.Minute {
		t.Errorf("configuration %+v", cfg)
	}
	subs := g.nc.NumSubscriptions()
	f.cc.Stop()
	await(t, "Closed", f.cc.Closed())
	if got := g.nc.NumSubscriptions(); got != subs-1 {
		t.Errorf("%d subscriptions after Stop, %d before", got, subs)
	}
	g.leaves(t)
	if errs := f.errors(); len(errs) > 0 {
		t.Errorf("told %v", errs)
	}
}

// TestOrderedStart: where it begins, whoever asks, and that nothing is lost when the consumer is gone before it has delivered anything.
func TestOrderedStart(t *testing.T) {
	g := withJetStream(t)
	streams := 0
	for name, tc := range map[string]struct {
		cfg  jetstream.OrderedConsumerConfig // filters are completed by the stream's name, the time is that of the fourth message
		want []uint64                        // 7 is published once the consumer is made
	}{
		"all":                       {jetstream.OrderedConsumerConfig{}, []uint64{1, 2, 3, 4, 5, 6, 7}},
		"last":                      {jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPolicy}, []uint64{6, 7}},
		"new":                       {jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy}, []uint64{7}},
		"last per subject":          {jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy}, []uint64{4, 5, 6, 7}},
		"last per filtered subject": {jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubjects: []string{".c"}}, []uint64{4, 7}},
		"last of nothing":           {jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubjects: []string{".d", ".c"}}, []uint64{4, 7}},
		"sequence":                  {jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: 5}, []uint64{5, 6, 7}},
		"time":                      {jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy}, []uint64{4, 5, 6, 7}},
		"filter":                    {jetstream.OrderedConsumerConfig{FilterSubjects: []string{".b"}}, []uint64{2, 5}},
		"filters":                   {jetstream.OrderedConsumerConfig{FilterSubjects: []string{".a", ".c"}}, []uint64{1, 3, 4, 6, 7}},
	} {
		for _, how := range []string{"messages", "messages of another one", "fetch", "next"} {
			streams++
			s := g.letters(t, fmt.Sprint("T", streams), &tc.cfg)
			c, err := s.OrderedConsumer(t.Context(), tc.cfg)
			must(t, err)
			if how == "messages of another one" {
				must(t, s.DeleteConsumer(t.Context(), c.CachedInfo().Name))
			}
			_, err = g.js.Publish(t.Context(), s.CachedInfo().Config.Name+".c", nil)
			must(t, err)
			var seqs []uint64
			switch how {
			case "fetch":
				for range 3 {
					b, err := c.FetchNoWait(4)
					more, err := sequences(t, b, err)
					must(t, err)
					seqs = append(seqs, more...)
				}
			case "next":
				for len(seqs) == 0 || seqs[len(seqs)-1] != tc.want[len(tc.want)-1] {
					m, err := c.Next(jetstream.FetchMaxWait(patience))
					must(t, err)
					seqs = append(seqs, sequenceOf(t, m))
				}
			default:
				it := messages(t, c)
				for len(seqs) == 0 || seqs[len(seqs)-1] != tc.want[len(tc.want)-1] {
					m, err := it.Next(jetstream.NextMaxWait(patience))
					if err != nil {
						t.Fatalf("%s, %s: %v after %v", name, how, err, seqs)
					}
					seqs = append(seqs, sequenceOf(t, m))
				}
			}
			if how != "messages" && tc.cfg.DeliverPolicy == jetstream.DeliverLastPerSubjectPolicy {
				seqs = append([]uint64{4}, seqs...) // it is not the last of its subject any more
			}
			if !slices.Equal(seqs, tc.want) {
				t.Errorf("%s, %s: got %v, want %v", name, how, seqs, tc.want)
			}
		}
	}
}

// letters makes a stream of six messages, on subjects that end in .a, .b and .c, and completes cfg for it.
func (g *jsStage) letters(t *testing.T, name string, cfg *jetstream.OrderedConsumerConfig) jetstream.Stream {
	t.Helper()
	s, err := g.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Storage: jetstream.MemoryStorage})
	must(t, err)
	for _, letter := range []string{".a", ".b", ".a", ".c", ".b", ".a"} {
		_, err := g.js.Publish(t.Context(), name+letter, nil)
		must(t, err)
	}
	m, err := s.GetMsg(t.Context(), 4)
	must(t, err)
	cfg.OptStartTime = &m.Time
	cfg.FilterSubjects = slices.Clone(cfg.FilterSubjects)
	for i, f := range cfg.FilterSubjects {
		cfg.FilterSubjects[i] = name + f[len(f)-2:]
	}
	return s
}

// TestOrderedOneUse: a handle serves one Consume or Messages, or batches, one at a time.
func TestOrderedOneUse(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 3)
	none := func(jetstream.Msg) {}
	uses := map[string]func(c jetstream.Consumer) error{
		"consume":  func(c jetstream.Consumer) error { _, err := c.Consume(none); return err },
		"messages": func(c jetstream.Consumer) error { _, err := c.Messages(); return err },
		"fetch":    func(c jetstream.Consumer) error { _, err := c.Fetch(10, jetstream.FetchMaxWait(time.Hour)); return err },
		"bytes":    func(c jetstream.Consumer) error { _, err := c.FetchBytes(10000); return err },
		"no wait":  func(c jetstream.Consumer) error { _, err := c.FetchNoWait(1); return err },
		"next":     func(c jetstream.Consumer) error { _, err := c.Next(jetstream.FetchMaxWait(patience)); return err },
	}
	fetches := []string{"fetch", "bytes", "no wait", "next"}
	for _, first := range []string{"consume", "messages", "fetch", "bytes"} {
		for name, use := range uses {
			c := g.ordered(t)
			must(t, uses[first](c))
			want := jetstream.ErrOrderedConsumerConcurrentRequests
			switch before, now := slices.Contains(fetches, first), slices.Contains(fetches, name); {
			case before && !now:
				want = jetstream.ErrOrderConsumerUsedAsFetch
			case !before && now:
				want = jetstream.ErrOrderConsumerUsedAsConsume
			}
			if err := use(c); err != want {
				t.Errorf("%s after %s: got %v, want %v", name, first, err, want)
			}
		}
	}
	// What could not begin is no use.
	c := g.ordered(t)
	if _, err := c.Consume(nil); err != jetstream.ErrHandlerRequired {
		t.Errorf("got %v, want %v", err, jetstream.ErrHandlerRequired)
	}
	if _, err := c.Messages(jetstream.PullExpiry(1)); !errors.Is(err, jetstream.ErrInvalidOption) {
		t.Errorf("got %v, want %v", err, jetstream.ErrInvalidOption)
	}
	if _, err := c.Fetch(0); !errors.Is(err, nats.ErrInvalidArg) {
		t.Errorf("got %v, want %v", err, nats.ErrInvalidArg)
	}
	must(t, uses["messages"](c))
}

func TestOrderedErrors(t *testing.T) {
	g := withJetStream(t)
	for name, tc := range map[string]struct {
		stream string
		cfg    jetstream.OrderedConsumerConfig
		want   error
	}{
		"no stream":      {"", jetstream.OrderedConsumerConfig{}, jetstream.ErrStreamNameRequired},
		"bad stream":     {"a.b", jetstream.OrderedConsumerConfig{}, jetstream.ErrInvalidStreamName},
		"unknown stream": {"T", jetstream.OrderedConsumerConfig{}, jetstream.ErrStreamNotFound},
		"bad prefix":     {"S", jetstream.OrderedConsumerConfig{NamePrefix: "a.b"}, jetstream.ErrInvalidConsumerName},
		"bad filter":     {"S", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"s a"}}, jetstream.ErrInvalidSubject},
		"bad filters":    {"S", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"s.a", "s\r\n"}}, jetstream.ErrInvalidSubject},
		"overlap":        {"S", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"s.a", "s.>"}}, jetstream.ErrOverlappingFilterSubjects},
		"no sequence":    {"S", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy}, &jetstream.APIError{ErrorCode: 10094}},
		"no time":        {"S", jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy}, &jetstream.APIError{ErrorCode: 10094}},
		"bad policy":     {"S", jetstream.OrderedConsumerConfig{DeliverPolicy: 99}, nil},
	} {
		c, err := g.js.OrderedConsumer(t.Context(), tc.stream, tc.cfg)
		if c != nil || err == nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, %v, want %v", name, c, err, tc.want)
		}
	}
	if _, err := g.js.OrderedConsumer(nil, "S", jetstream.OrderedConsumerConfig{}); err == nil { //nolint:staticcheck // a nil context is what is tested
		t.Error("nil context: got no error")
	}
	g.leaves(t)
}

// TestOrderedFetch: each batch goes on where the last one ended, with a consumer of its own.
func TestOrderedFetch(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 10)
	c := g.ordered(t, jetstream.OrderedConsumerConfig{NamePrefix: "p"})
	steps := []struct {
		name  string
		fetch func() (jetstream.MessageBatch, error)
		want  []uint64
	}{
		{"fetch", func() (jetstream.MessageBatch, error) { return c.Fetch(3) }, []uint64{1, 2, 3}},
		{"no wait", func() (jetstream.MessageBatch, error) { return c.FetchNoWait(3) }, []uint64{4, 5, 6}},
		{"bytes", func() (jetstream.MessageBatch, error) { return c.FetchBytes(130) }, []uint64{7, 8}},
		{"the rest", func() (jetstream.MessageBatch, error) {
			return c.Fetch(30, jetstream.FetchMaxWait(time.Second)) // in which a consumer has to be made
		}, []uint64{9, 10}},
		{"nothing", func() (jetstream.MessageBatch, error) { return c.FetchNoWait(3) }, nil},
	}
	for i, step := range steps {
		b, err := step.fetch()
		seqs, err := sequences(t, b, err)
		must(t, err)
		if !slices.Equal(seqs, step.want) {
			t.Errorf("%s: got %v, want %v", step.name, seqs, step.want)
		}
		if got, want := c.CachedInfo().Name, fmt.Sprint("p_", i+2); got != want {
			t.Errorf("%s: consumer %q, want %q", step.name, got, want)
		}
	}
	if _, err := c.Next(jetstream.FetchMaxWait(time.Second)); err != nats.ErrTimeout {
		t.Errorf("next: got %v, want %v", err, nats.ErrTimeout)
	}
	g.leaves(t, "p_7")
	// A context.
	ctx, cancel := context.WithCancel(t.Context())
	b, err := c.Fetch(10, jetstream.FetchContext(ctx))
	must(t, err)
	cancel()
	if seqs, err := sequences(t, b, nil); len(seqs) > 0 || err != context.Canceled {
		t.Errorf("canceled: got %v, %v, want %v", seqs, err, context.Canceled)
	}
	if b, err = c.Fetch(10, jetstream.FetchContext(ctx)); err != nil || b.Error() != context.Canceled {
		t.Errorf("canceled before: got %v", err)
	}
	g.publish(t, 1)
	if m, err := c.Next(); err != nil || sequenceOf(t, m) != 11 {
		t.Errorf("got %v, %v, want message 11", m, err)
	}
	g.nc.Close()
	if _, err := c.Fetch(1); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("closed: got %v, want %v", err, nats.ErrConnectionClosed)
	}
}

// TestOrderedStops: Stop and Drain from anywhere end it, and nothing is left at the server.
func TestOrderedStops(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 100)
	for name, stop := range map[string]func(cc jetstream.ConsumeContext){
		"stop":           func(cc jetstream.ConsumeContext) { cc.Stop() },
		"drain":          func(cc jetstream.ConsumeContext) { cc.Drain() },
		"stop and drain": func(cc jetstream.ConsumeContext) { cc.Stop(); cc.Drain(); cc.Stop() },
	} {
		f := followOrder(t, g.ordered(t), func(f *follower, m jetstream.Msg) {
			if sequenceOf(t, m) == 10 {
				stop(f.cc)
			}
		})
		await(t, name+" in the handler", f.cc.Closed())
		if at := f.at(); name == "stop" && at != 11 || name == "drain" && at <= 11 {
			t.Errorf("%s: ended before message %d", name, at)
		}
		// In the error handler.
		c := g.ordered(t)
		begun := make(chan struct{}, 100)
		cc, err := c.Consume(func(jetstream.Msg) { begun <- struct{}{} },
			jetstream.ConsumeErrHandler(func(cc jetstream.ConsumeContext, err error) { stop(cc) }))
		must(t, err)
		await(t, "a message", begun)
		must(t, g.s.DeleteConsumer(t.Context(), c.CachedInfo().Name))
		await(t, name+" in the error handler", cc.Closed())
	}
	f := followOrder(t, g.ordered(t), nil, jetstream.StopAfter(20))
	await(t, "the end after 20", f.cc.Closed())
	if at := f.at(); at != 21 {
		t.Errorf("StopAfter ended before message %d, want 21", at)
	}
	g.leaves(t)
	// An iterator.
	it := messages(t, g.ordered(t))
	take(t, it, 10)
	it.Drain()
	rest := uint64(0)
	for m, err := it.Next(); err == nil; m, err = it.Next() {
		rest = sequenceOf(t, m)
	}
	if rest <= 10 {
		t.Errorf("drained to message %d", rest)
	}
	g.leaves(t)
}

// TestOrderedCloseCleansUp: closing or draining the connection has the server delete the consumers, in use or not, and so does the end of a handle
// that was forgotten.
func TestOrderedCloseCleansUp(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 5)
	for name, end := range map[string]func(nc *nats.Conn){
		"close": func(nc *nats.Conn) { nc.Close() },
		"drain": func(nc *nats.Conn) { must(t, nc.Drain()) },
	} {
		nc := dial(t, g.srv.URL())
		js := newJS(t, nc)
		var all []jetstream.Consumer
		for range 3 {
			c, err := js.OrderedConsumer(t.Context(), "S", jetstream.OrderedConsumerConfig{})
			must(t, err)
			all = append(all, c)
		}
		var handled atomic.Int32
		cc, err := all[0].Consume(func(jetstream.Msg) { handled.Add(1) })
		must(t, err)
		_, err = all[1].Next()
		must(t, err)
		eventually(t, "the messages", func() bool { return handled.Load() == 5 })
		eventually(t, name+": three consumers at the server", func() bool { // a replaced one is deleted without an answer
			names, err := consumerNames(g.js)
			return err == nil && len(names) == 3
		})
		runtime.KeepAlive(all) // the consumer of a forgotten handle is deleted
		end(nc)
		await(t, name, cc.Closed())
		g.leaves(t)
	}
}
