package test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// TestFetchedReasons: each reason why a batch has no more messages is another error.
func TestFetchedReasons(t *testing.T) {
	t.Parallel()
	short := jetstream.FetchMaxWait(200 * time.Millisecond)
	reasons := []error{
		jetstream.ErrNoMessages, jetstream.ErrMaxBytesExceeded, jetstream.ErrNoHeartbeat, jetstream.ErrConsumerDeleted, jetstream.ErrServerShutdown,
		nats.ErrNoResponders, nats.ErrConnectionClosed, context.DeadlineExceeded, context.Canceled,
	}
	for name, c := range map[string]struct {
		cfg   jetstream.ConsumerConfig
		opts  []jetstream.FetchOpt
		then  func(g *jsStage, p *natstest.Proxy, cancel func()) // while the batch waits
		got   int
		want  error  // one of reasons, or nats.ErrTimeout
		words string // of the server
	}{
		"empty":                   {opts: []jetstream.FetchOpt{short}, want: nats.ErrTimeout},
		"nothing fits":            {opts: []jetstream.FetchOpt{short, jetstream.FetchMaxBytes(1)}, want: jetstream.ErrMaxBytesExceeded},
		"two fit":                 {opts: []jetstream.FetchOpt{short, jetstream.FetchMaxBytes(120)}, got: 2, want: jetstream.ErrMaxBytesExceeded},
		"a limit of the consumer": {cfg: jetstream.ConsumerConfig{MaxRequestBatch: 5}, words: "Exceeded MaxRequestBatch of 5"},
		"heartbeats lost": {opts: []jetstream.FetchOpt{jetstream.FetchMaxWait(patience), jetstream.FetchHeartbeat(100 * time.Millisecond)},
			then: func(_ *jsStage, p *natstest.Proxy, _ func()) { p.Hole(natstest.Both) }, want: jetstream.ErrNoHeartbeat},
		"consumer deleted": {then: func(g *jsStage, _ *natstest.Proxy, _ func()) {
			_ = g.steady.DeleteConsumer(context.Background(), "S", "c")
		},
			want: jetstream.ErrConsumerDeleted},
		"stream deleted": {then: func(g *jsStage, _ *natstest.Proxy, _ func()) { _ = g.steady.DeleteStream(context.Background(), "S") }, want: jetstream.ErrConsumerDeleted},
		"server stopped": {then: func(g *jsStage, _ *natstest.Proxy, _ func()) { _ = g.srv.Stop() }, want: jetstream.ErrServerShutdown},
		"canceled":       {then: func(_ *jsStage, _ *natstest.Proxy, cancel func()) { cancel() }, want: context.Canceled},
		"closed":         {then: func(g *jsStage, _ *natstest.Proxy, _ func()) { g.nc.Close() }, want: nats.ErrConnectionClosed},
	} {
		t.Run(name, func(t *testing.T) {
			g, p := behindProxy(t)
			cfg := c.cfg
			cfg.Durable = "c"
			cons := g.consumer(t, cfg)
			if strings.HasSuffix(name, "fits") || strings.HasSuffix(name, "fit") {
				g.publish(t, 3)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.then != nil {
				steady, err := g.steady.Consumer(t.Context(), "S", "c")
				must(t, err)
				g.waitingThen(t, steady, func() { c.then(g, p, cancel) })
			}
			n, last := 0, error(nil)
			for _, err := range jetstream.Fetched(ctx, cons, 10, c.opts...) {
				if last = err; err == nil {
					n++
				}
			}
			switch {
			case n != c.got:
				t.Errorf("got %d messages and %v, want %d", n, last, c.got)
			case c.words != "" && (last == nil || !strings.Contains(last.Error(), c.words)):
				t.Errorf("got %v, want %q", last, c.words)
			case c.want != nil && !errors.Is(last, c.want):
				t.Errorf("got %v, want %v", last, c.want)
			}
			for _, other := range reasons {
				if other != c.want && errors.Is(last, other) {
					t.Errorf("%v matches %v too", last, other)
				}
			}
		})
	}
}
