package test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// TestOrderedStreamReplaced: an ordered consumer whose stream is deleted and made anew says so, and reads the new one from its first message on,
// whether or not it has seen that there was none, and whatever the new one has stored by then.
func TestOrderedStreamReplaced(t *testing.T) {
	t.Parallel()
	for name, seen := range map[string]bool{"without a link": false, "seen": true} {
		t.Run(name, func(t *testing.T) {
			g, p := behindProxy(t)
			last := g.store(t, 5)
			c := g.ordered(t)
			got := make(chan uint64, 20)
			told := make(chan error, 100)
			cc, err := c.Consume(func(m jetstream.Msg) { got <- sequenceOf(t, m) },
				jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { told <- err }))
			must(t, err)
			defer cc.Stop()
			wantSequences(t, got, 1, last)
			if !seen {
				p.Refuse()
				p.Cut()
				eventually(t, "the loss", g.nc.IsReconnecting)
			}
			must(t, g.steady.DeleteStream(t.Context(), "S"))
			if seen {
				for !errorsAre(await(t, "the news", told), jetstream.ErrStreamNotFound) {
				}
			}
			remake(t, g)
			g.store(t, 3)
			must(t, p.Heal())
			wantSequences(t, got, 1, 3)
			for !errorsAre(await(t, "the news", told), jetstream.ErrOrderedConsumerReset) {
			}
		})
	}
	t.Run("longer than the old one", func(t *testing.T) {
		g := withJetStream(t)
		g.store(t, 2)
		c := g.ordered(t)
		it := messages(t, c)
		for want := uint64(1); want <= 2; want++ {
			if m, err := it.Next(jetstream.NextMaxWait(patience)); err != nil || sequenceOf(t, m) != want {
				t.Fatalf("got %v, %v, want %d", m, err, want)
			}
		}
		lost := make(chan struct{}, 10)
		sub, err := g.nc.Subscribe("$JS.API.CONSUMER.CREATE.S.>", func(*nats.Msg) { lost <- struct{}{} })
		must(t, err)
		must(t, g.nc.Flush())
		defer func() { must(t, sub.Unsubscribe()) }()
		must(t, g.js.DeleteStream(t.Context(), "S"))
		await(t, "an attempt", lost)
		await(t, "another attempt", lost) // the first one found no stream
		remake(t, g)
		g.store(t, 5)
		for want := uint64(1); want <= 5; want++ {
			if m, err := it.Next(jetstream.NextMaxWait(patience)); err != nil || sequenceOf(t, m) != want {
				t.Fatalf("of the new stream: got %v, %v, want %d", m, err, want)
			}
		}
	})
	t.Run("batches", func(t *testing.T) {
		g := withJetStream(t)
		g.store(t, 5)
		c := g.ordered(t)
		if seqs, err := sequences(t, fetchOf(t, c, 5), nil); err != nil || len(seqs) != 5 {
			t.Fatalf("got %v, %v", seqs, err)
		}
		must(t, g.js.DeleteStream(t.Context(), "S"))
		if _, err := c.Fetch(1); !errorsAre(err, jetstream.ErrOrderedConsumerReset, jetstream.ErrStreamNotFound) {
			t.Errorf("no stream: %v", err)
		}
		remake(t, g)
		g.store(t, 2)
		if seqs, err := sequences(t, fetchOf(t, c, 2), nil); err != nil || !slices.Equal(seqs, []uint64{1, 2}) {
			t.Errorf("of the new stream: %v, %v, want 1 and 2", seqs, err)
		}
	})
}

func fetchOf(t *testing.T, c jetstream.Consumer, n int) jetstream.MessageBatch {
	t.Helper()
	b, err := c.Fetch(n, jetstream.FetchMaxWait(patience))
	must(t, err)
	return b
}

// remake makes the stream S of a stage once more. A server that still deletes the files of the old one refuses.
func remake(t *testing.T, g *jsStage) {
	t.Helper()
	eventually(t, "the new stream", func() bool {
		_, err := g.steady.CreateStream(context.Background(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
		return err == nil
	})
}

func wantSequences(t *testing.T, got <-chan uint64, from, to uint64) {
	t.Helper()
	for want := from; want <= to; want++ {
		if seq := await(t, "a message", got); seq != want {
			t.Errorf("got message %d, want %d", seq, want)
		}
	}
}

// TestStreamLosesItsEnd: a server comes back with an older store. Its stream ends before the last message that was read, and a consumer that starts
// behind that one would say nothing until the stream has grown so far. Readers of every kind read on where it ends, and say so.
func TestStreamLosesItsEnd(t *testing.T) {
	g := withJetStream(t, quickly())
	g.store(t, 5)
	older := filepath.Join(t.TempDir(), "older")
	swap := func(from, to string) {
		must(t, g.srv.Stop())
		must(t, os.RemoveAll(to))
		must(t, os.CopyFS(to, os.DirFS(from)))
		must(t, g.srv.Restart(true))
	}
	swap(g.srv.StoreDir(), older)
	const lost = "the stream has lost its end"
	type reader struct {
		got  chan uint64
		told chan error
	}
	fresh := func() reader { return reader{make(chan uint64, 20), make(chan error, 100)} }
	readers := map[string]reader{"pull": fresh(), "push": fresh(), "iterator": fresh()}

	pull := readers["pull"]
	cc, err := g.ordered(t).Consume(func(m jetstream.Msg) { pull.got <- sequenceOf(t, m) },
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { pull.told <- err }))
	must(t, err)
	defer cc.Stop()

	push := readers["push"]
	nc := dial(t, g.srv.URL(), quickly(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { push.told <- err }))
	_, err = legacyJS(t, nc).Subscribe("s.>", func(m *nats.Msg) {
		if meta, err := m.Metadata(); err == nil {
			push.got <- meta.Sequence.Stream
		}
	}, nats.OrderedConsumer())
	must(t, err)

	iterated := readers["iterator"]
	it := messages(t, g.ordered(t), jetstream.MessagesErrHandler(func(_ jetstream.MessagesContext, err error) { iterated.told <- err }))
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			m, err := it.Next()
			switch {
			case errors.Is(err, jetstream.ErrMsgIteratorClosed):
				return
			case err != nil:
				iterated.told <- err
			default:
				iterated.got <- sequenceOf(t, m)
			}
		}
	})
	defer reading.Wait()
	defer it.Stop()

	batches := g.ordered(t)
	last := g.store(t, 5)
	if seqs, err := sequences(t, fetchOf(t, batches, 10), nil); err != nil || len(seqs) != 10 {
		t.Fatalf("fetched %v, %v", seqs, err)
	}
	for name, r := range readers {
		t.Log(name)
		wantSequences(t, r.got, 1, last)
	}

	swap(older, g.srv.StoreDir())
	for name, r := range readers {
		t.Log(name)
		for err := await(t, "the news", r.told); !strings.Contains(err.Error(), lost); err = await(t, "the news", r.told) {
		}
	}
	eventually(t, "the look at the stream before a batch", func() bool {
		_, _ = batches.Next(jetstream.FetchMaxWait(time.Second)) // there is nothing
		return batches.CachedInfo().Config.OptStartSeq == 6
	})
	if seq := g.store(t, 3); seq != 8 {
		t.Fatalf("stored message %d, want 8", seq)
	}
	for name, r := range readers {
		t.Log(name)
		wantSequences(t, r.got, 6, 8)
	}
	if seqs, err := sequences(t, fetchOf(t, batches, 3), nil); err != nil || !slices.Equal(seqs, []uint64{6, 7, 8}) {
		t.Errorf("fetched %v, %v, want 6 to 8", seqs, err)
	}
}

// TestOrderedLookUnanswered: a stream was gone and is there again, and the question which one it is gets lost. Nothing is read before it is answered: the
// new stream has messages in front of the place where the old one was left.
func TestOrderedLookUnanswered(t *testing.T) {
	g := withJetStream(t, silent())
	tried, looked := make(chan struct{}, 100), make(chan struct{}, 100)
	var lost atomic.Bool
	porter := dial(t, g.srv.URL())
	_, err := porter.Subscribe("by.hand.>", func(m *nats.Msg) {
		operation := strings.TrimPrefix(m.Subject, "by.hand.")
		switch {
		case strings.HasPrefix(operation, "CONSUMER.CREATE."):
			tried <- struct{}{}
		case operation == "STREAM.INFO.S":
			looked <- struct{}{}
			if !lost.Swap(true) {
				return
			}
		}
		_ = porter.PublishMsg(&nats.Msg{Subject: "$JS.API." + operation, Reply: m.Reply, Data: m.Data})
	})
	must(t, err)
	must(t, porter.Flush())
	js, err := jetstream.NewWithAPIPrefix(g.nc, "by.hand")
	must(t, err)
	g.store(t, 2)
	c := got[jetstream.Consumer](t)(js.OrderedConsumer(t.Context(), "S", jetstream.OrderedConsumerConfig{}))
	await(t, "the first consumer", tried)
	seqs := make(chan uint64, 20)
	cc := got[jetstream.ConsumeContext](t)(c.Consume(func(m jetstream.Msg) { seqs <- sequenceOf(t, m) }))
	defer cc.Stop()
	wantSequences(t, seqs, 1, 2)
	must(t, g.js.DeleteStream(t.Context(), "S"))
	await(t, "an attempt", tried)
	await(t, "another attempt", tried) // the first one found no stream
	remake(t, g)
	g.store(t, 4)
	wantSequences(t, seqs, 1, 4)
	await(t, "the look that was lost", looked)
	await(t, "another look", looked)
}

// TestPushOrderedStreamReplaced: a push consumer sends at once, so that a stream which was gone is looked at before there is one.
func TestPushOrderedStreamReplaced(t *testing.T) {
	g := withJetStream(t, silent())
	js := legacyJS(t, g.nc)
	g.store(t, 2)
	seqs := make(chan uint64, 20)
	_, err := js.Subscribe("s.>", func(m *nats.Msg) {
		if meta, err := m.Metadata(); err == nil {
			seqs <- meta.Sequence.Stream
		}
	}, nats.OrderedConsumer())
	must(t, err)
	wantSequences(t, seqs, 1, 2)
	tried := make(chan struct{}, 100)
	got[*nats.Subscription](t)(dial(t, g.srv.URL()).Subscribe("$JS.API.CONSUMER.CREATE.S.>", func(*nats.Msg) { tried <- struct{}{} }))
	must(t, g.js.DeleteStream(t.Context(), "S"))
	await(t, "an attempt", tried)
	await(t, "another attempt", tried) // the first one found no stream
	remake(t, g)
	g.store(t, 4)
	wantSequences(t, seqs, 1, 4)
}
