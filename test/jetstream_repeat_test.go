package test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// reads are the calls that may be executed twice.
func reads(g *jsStage, old nats.JetStreamContext) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"AccountInfo":  func(ctx context.Context) error { _, err := g.js.AccountInfo(ctx); return err },
		"Stream":       func(ctx context.Context) error { _, err := g.js.Stream(ctx, "S"); return err },
		"Info":         func(ctx context.Context) error { _, err := g.s.Info(ctx); return err },
		"GetMsg":       func(ctx context.Context) error { _, err := g.s.GetMsg(ctx, 1); return err },
		"GetLastMsg":   func(ctx context.Context) error { _, err := g.s.GetLastMsgForSubject(ctx, "s.a"); return err },
		"Consumer":     func(ctx context.Context) error { _, err := g.js.Consumer(ctx, "S", "c"); return err },
		"StreamNames":  func(ctx context.Context) error { l := g.js.StreamNames(ctx); drainNames(l.Name()); return l.Err() },
		"UpdateStream": func(ctx context.Context) error { _, err := g.js.UpdateStream(ctx, repeatConfig); return err },
		"CreateConsumer": func(ctx context.Context) error {
			_, err := g.s.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "c"})
			return err
		},
		"old StreamInfo":   func(ctx context.Context) error { _, err := old.StreamInfo("S", nats.Context(ctx)); return err },
		"old ConsumerInfo": func(ctx context.Context) error { _, err := old.ConsumerInfo("S", "c", nats.Context(ctx)); return err },
	}
}

var repeatConfig = jetstream.StreamConfig{
	Name: "S", Subjects: []string{"s.>"}, AllowDirect: true, AllowMsgTTL: true, AllowMsgSchedules: true,
}

func drainNames(names <-chan string) {
	for range names {
	}
}

// TestReadsSurviveOutages makes reads with 5 s of patience over a link that is cut again and again, for less than 1.1 s.
func TestReadsSurviveOutages(t *testing.T) {
	g, p := behindProxy(t)
	_, err := g.js.UpdateStream(t.Context(), repeatConfig)
	must(t, err)
	g.consumer(t)
	g.publish(t, 3)
	nc := dial(t, p.URL(), silent()) // as it comes: the default pace of reconnecting
	g.js = newJS(t, nc)
	old, err := nc.JetStream()
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	calls, longest := 0, time.Duration(0)
	for name, read := range reads(g, old) {
		for range 3 {
			wg.Go(func() {
				for ctx.Err() == nil {
					within, stop := context.WithTimeout(context.Background(), 5*time.Second)
					began := time.Now()
					err := read(within)
					stop()
					if err != nil {
						t.Errorf("%s: %v after %v", name, err, time.Since(began))
						return
					}
					mu.Lock()
					calls, longest = calls+1, max(longest, time.Since(began))
					mu.Unlock()
				}
			})
		}
	}
	for _, outage := range []time.Duration{0, 300 * time.Millisecond, time.Second, 0, 600 * time.Millisecond} {
		before := nc.Stats().Reconnects
		up := time.Now()
		// A link that is cut at once does not get the quick attempts again.
		eventually(t, "a steady link", func() bool { return time.Since(up) > 700*time.Millisecond })
		await(t, "traffic", p.Seen([]byte("PUB $JS.API"), natstest.ClientToServer))
		if outage > 0 {
			p.Refuse()
		}
		p.Cut()
		eventually(t, "the loss", func() bool { return nc.IsReconnecting() || nc.Stats().Reconnects > before })
		if outage > 0 {
			<-time.After(outage) // the length of the outage
			must(t, p.Heal())
		}
		eventually(t, "a reconnect", func() bool { return nc.Stats().Reconnects > before && nc.IsConnected() })
	}
	cancel()
	wg.Wait()
	t.Logf("%d calls, the longest took %v", calls, longest)
	// The attempt to connect 1.55 s after the loss finds the server; the next one would come after 3.5 s.
	if limit := 3 * time.Second * min(slower, 2); longest > limit {
		t.Errorf("the longest call took %v, want %v at most", longest, limit)
	}
}

// TestReadsSurviveARestart is the same with a server that goes away with its streams and comes back.
func TestReadsSurviveARestart(t *testing.T) {
	g := withJetStream(t, quickly(), silent())
	g.publish(t, 1)
	_ = g.srv.Stop()
	eventually(t, "the loss", g.nc.IsReconnecting)
	result := make(chan error, 1)
	go func() {
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		_, err := g.s.Info(ctx)
		result <- err
	}()
	must(t, g.srv.Restart(true))
	must(t, await(t, "the answer", result))
}

// TestDeletionIsNotRepeated cuts the link behind a deletion: whether it was carried out is not known, and the second one
// would be told that there is nothing.
func TestDeletionIsNotRepeated(t *testing.T) {
	g, p := behindProxy(t)
	asked := 0
	p.OnMatch([]byte("PUB $JS.API.STREAM.DELETE.S "), natstest.ClientToServer, func() { asked++; p.Hole(natstest.ServerToClient) })
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	result := make(chan error, 1)
	go func() { result <- g.js.DeleteStream(ctx, "S") }()
	eventually(t, "the deletion", func() bool {
		_, err := g.steady.Stream(t.Context(), "S")
		return errors.Is(err, jetstream.ErrStreamNotFound)
	})
	eventually(t, "the answer to be lost", func() bool { return p.Stats().Lost > 0 })
	must(t, p.Heal())
	if err := await(t, "the end of the call", result); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v: nothing else is known", err, context.DeadlineExceeded)
	}
	if asked != 1 {
		t.Errorf("asked %d times, want once", asked)
	}
}
