package test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// TestOrderedRestart: the silence after restarts of 0.4 s, with default options.
func TestOrderedRestart(t *testing.T) {
	g := withJetStream(t, silent())
	f := followOrder(t, g.ordered(t), nil)
	it := messages(t, g.ordered(t, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy}))
	f.wants(t, g.store(t, 5))
	for range 2 {
		must(t, g.srv.Stop())
		<-time.After(400 * time.Millisecond)
		must(t, g.srv.Restart(true))
		f.continues(t, newJS(t, dial(t, g.srv.URL(), quickly(), silent())), time.Second)
	}
	take(t, it, 7)
	f.cc.Stop()
	it.Stop()
	g.leaves(t)
}

// TestOrderedCut: nothing is lost, doubled or late, whatever was on its way.
func TestOrderedCut(t *testing.T) {
	g, p := behindProxy(t)
	f := followOrder(t, g.ordered(t), nil)
	for range 5 {
		g.store(t, 20)
		p.Cut()
		f.continues(t, g.steady, time.Second)
	}
	if errs := f.errors(); len(errs) > 0 {
		t.Errorf("told %v", errs)
	}
	f.cc.Stop()
	g.leaves(t)
}

// TestOrderedDeadLink: bytes vanish, and nothing tells so but the missing heartbeats.
func TestOrderedDeadLink(t *testing.T) {
	g, p := behindProxy(t)
	c := g.ordered(t)
	f := followOrder(t, c, nil, brisk...)
	f.wants(t, g.store(t, 3))
	p.Hole(natstest.Both)
	began := time.Now()
	f.tells(t, jetstream.ErrNoHeartbeat)
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("found after %v", took)
	}
	last := g.store(t, 3)
	must(t, p.Heal())
	within(t, "what was stored meanwhile", time.Second, func() { f.wants(t, last) })
	f.cc.Stop()
	g.leaves(t)
}

// tells waits until an error was told.
func (f *follower) tells(t testing.TB, want error) {
	t.Helper()
	eventually(t, want.Error(), func() bool { return f.hasErr(want) })
}

// TestOrderedDeleted: the consumer is deleted during a pull, which the server ends, and between two, of which the second has no responders.
func TestOrderedDeleted(t *testing.T) {
	g := withJetStream(t)
	c := g.ordered(t)
	var hold atomic.Bool
	held, release := make(chan struct{}), make(chan struct{})
	f := followOrder(t, c, func(*follower, jetstream.Msg) {
		if hold.CompareAndSwap(true, false) {
			held <- struct{}{}
			<-release
		}
	}, jetstream.PullMaxMessages(10))
	remove := func() { must(t, g.s.DeleteConsumer(t.Context(), c.CachedInfo().Name)) }
	for range 3 {
		f.wants(t, g.store(t, 3))
		g.waitsFor(t, c)
		remove()
		f.continues(t, g.js, time.Second)
		// All that was asked for is there, and the first of it is being handled.
		g.waitsFor(t, c)
		hold.Store(true)
		last := g.store(t, 30)
		await(t, "the handler", held)
		eventually(t, "the messages", func() bool {
			info, err := c.Info(t.Context())
			return err == nil && info.NumWaiting == 0
		})
		remove()
		release <- struct{}{}
		within(t, "the rest", time.Second, func() { f.wants(t, last) })
	}
	f.tells(t, nats.ErrNoResponders)
	f.tells(t, jetstream.ErrConsumerDeleted)
	f.cc.Stop()
	g.leaves(t)
}

// TestOrderedStreamGone: it is told while there is no stream, and goes on with one of the same name.
func TestOrderedStreamGone(t *testing.T) {
	g := withJetStream(t)
	c1 := g.ordered(t, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy})
	c2 := g.ordered(t, jetstream.OrderedConsumerConfig{MaxResetAttempts: 1})
	f := followOrder(t, c1, nil)
	it := messages(t, c2)
	g.waitsFor(t, c1)
	g.waitsFor(t, c2)
	must(t, g.js.DeleteStream(t.Context(), "S"))
	f.tells(t, jetstream.ErrOrderedConsumerReset)
	f.tells(t, jetstream.ErrStreamNotFound)
	ends(t, it, jetstream.ErrOrderedConsumerReset, jetstream.ErrStreamNotFound)
	_, err := g.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	must(t, err)
	f.continues(t, g.js, 1200*time.Millisecond)
	if n := len(f.errors()); n > 20 {
		t.Errorf("%d errors were told", n)
	}
}

// TestOrderedFetchFaults: a batch that loses its link ends with an error, and the next one goes on behind what was read. Next tries again itself.
func TestOrderedFetchFaults(t *testing.T) {
	g, p := behindProxy(t)
	g.store(t, 3)
	c := g.ordered(t)
	b, err := c.Fetch(10, jetstream.FetchMaxWait(patience))
	must(t, err)
	for want := uint64(1); want <= 3; want++ {
		if seq := sequenceOf(t, await(t, "a message", b.Messages())); seq != want {
			t.Errorf("got %d, want %d", seq, want)
		}
	}
	p.Cut()
	if seqs, err := sequences(t, b, nil); len(seqs) > 0 || err != nats.ErrDisconnected {
		t.Errorf("cut: got %v, %v, want %v", seqs, err, nats.ErrDisconnected)
	}
	g.store(t, 2)
	b, err = c.Fetch(2, jetstream.FetchMaxWait(patience))
	if seqs, err := sequences(t, b, err); err != nil || len(seqs) != 2 || seqs[0] != 4 {
		t.Errorf("after the cut: got %v, %v, want 4 and 5", seqs, err)
	}
	for i, trouble := range []func(){
		func() { p.Cut() },
		func() { must(t, g.s.DeleteConsumer(context.Background(), c.CachedInfo().Name)) },
		func() { p.Cut(); p.Cut() },
	} {
		go func() {
			g.waitsFor(t, c)
			trouble()
			g.store(t, 1)
		}()
		if m, err := c.Next(jetstream.FetchMaxWait(patience)); err != nil || sequenceOf(t, m) != uint64(i+6) {
			t.Errorf("Next %d: got %v, %v, want message %d", i, m, err, i+6)
		}
	}
	// Without a stream it is told at once, without a link in time.
	must(t, g.steady.DeleteStream(t.Context(), "S"))
	if _, err := c.Fetch(1); !errorsAre(err, jetstream.ErrOrderedConsumerReset, jetstream.ErrStreamNotFound) {
		t.Errorf("no stream: got %v", err)
	}
	p.Refuse()
	p.Cut()
	within(t, "Next without a link", 600*time.Millisecond, func() {
		if _, err := c.Next(jetstream.FetchMaxWait(300 * time.Millisecond)); !errorsAre(err, nats.ErrTimeout) {
			t.Errorf("no link: got %v", err)
		}
	})
}

// waitsFor waits until the server has a pull of the ordered consumer.
func (g *jsStage) waitsFor(t testing.TB, c jetstream.Consumer) {
	eventually(t, "the pull", func() bool {
		now, err := g.steady.Consumer(context.Background(), "S", c.CachedInfo().Name)
		return err == nil && now.CachedInfo().NumWaiting > 0
	})
}

// TestOrderedUnsteadyLinks: over connections that live for a moment only, every message is delivered once, in order, to a Consume, to an
// iterator, and to batches.
func TestOrderedUnsteadyLinks(t *testing.T) {
	g := withJetStream(t)
	const n = 3000
	p := natstest.NewProxy(t, g.srv.URL())
	js := newJS(t, dial(t, p.URL(), quickly(), silent()))
	over := func() *jsStage { return &jsStage{s: got[jetstream.Stream](t)(js.Stream(t.Context(), "S"))} }()
	f := followOrder(t, over.ordered(t), nil, append(brisk, jetstream.PullMaxMessages(50))...)
	it := messages(t, over.ordered(t), jetstream.PullMaxMessages(50))
	batches := over.ordered(t)
	p.Lifetime(20*time.Millisecond*min(slower, 4), 150*time.Millisecond*min(slower, 4)) // long enough for a consumer to be made
	p.Cut()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range n {
			if _, err := g.js.Publish(context.Background(), "s.a", fmt.Append(nil, i)); err != nil {
				t.Errorf("publish: %v", err)
				return
			}
		}
	}()
	read := make(chan string, 1)
	go func() {
		seq, failures := uint64(0), 0
		for seq < n && failures < 5000 {
			b, err := batches.Fetch(100, jetstream.FetchMaxWait(time.Second))
			if err != nil {
				failures++
				continue
			}
			for m := range b.Messages() {
				meta, _ := m.Metadata()
				if meta.Sequence.Stream != seq+1 {
					read <- fmt.Sprintf("batch: %d behind %d", meta.Sequence.Stream, seq)
					return
				}
				seq++
			}
		}
		read <- fmt.Sprint(seq)
	}()
	for seq := uint64(1); seq <= n; {
		m, err := it.Next(jetstream.NextMaxWait(patience))
		must(t, err)
		if got := sequenceOf(t, m); got != seq {
			t.Fatalf("iterator: got %d, want %d", got, seq)
		}
		seq++
	}
	await(t, "publishes", done)
	f.wants(t, n)
	if got := await(t, "the batches", read); got != fmt.Sprint(n) {
		t.Errorf("batches came to %s, want %d", got, n)
	}
	if js.Conn().Stats().Reconnects == 0 {
		t.Error("the connection was never cut: this test shows nothing")
	}
}

// TestOrderedSlowHandler: nothing is asked for beyond the bound, and a cut meanwhile loses nothing.
func TestOrderedSlowHandler(t *testing.T) {
	g, p := behindProxy(t)
	g.store(t, 300)
	block := make(chan struct{})
	var blocked atomic.Bool
	c := g.ordered(t)
	f := followOrder(t, c, func(*follower, jetstream.Msg) {
		if blocked.CompareAndSwap(false, true) {
			<-block
		}
	}, jetstream.PullMaxMessages(50))
	eventually(t, "the first message", blocked.Load)
	for range 3 {
		p.Cut()
		g.store(t, 10)
	}
	close(block)
	f.wants(t, 330)
}

// TestOrderedLeaderChange: the stream's leader steps down and is killed under ordered consumers, which live on one server.
func TestOrderedLeaderChange(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cl := natstest.Cluster(t, 3, natstest.AsProcess())
	js := newJS(t, dial(t, cl.URL(), quickly(), silent()))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	s, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Replicas: 3})
	must(t, err)
	g := &jsStage{js: js, steady: js, s: s}
	c := g.ordered(t)
	f := followOrder(t, c, nil, brisk...)
	f.wants(t, g.store(t, 10))
	for range 3 {
		must(t, cl.StepDown("S"))
		f.continues(t, js, 2*time.Second)
	}
	t.Logf("told %v", f.errors())
	// The only server that has the consumer is stopped.
	must(t, cl.ConsumerLeader("S", c.CachedInfo().Name).Stop())
	f.continues(t, js, 6*time.Second)
	t.Logf("told %v", f.errors())
	f.cc.Stop()
}
