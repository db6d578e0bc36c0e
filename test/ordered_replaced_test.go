package test

import (
	"context"
	"slices"
	"testing"

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
