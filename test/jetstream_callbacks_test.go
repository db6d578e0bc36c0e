package test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// jsCallbacks are the functions of the user that both JetStream APIs call. Each arranges for body to be called once from there, and returns what is used
// in its callback, to be stopped in it.
var jsCallbacks = map[string]func(t *testing.T, g *jsStage, body func()) (used any){
	"Consume": func(t *testing.T, g *jsStage, body func()) any {
		g.publish(t, 3)
		return got[jetstream.ConsumeContext](t)(g.consumer(t).Consume(func(jetstream.Msg) { body() }))
	},
	"error handler of Consume": func(t *testing.T, g *jsStage, body func()) any {
		c := g.consumer(t)
		must(t, g.s.DeleteConsumer(t.Context(), "c"))
		return got[jetstream.ConsumeContext](t)(c.Consume(func(jetstream.Msg) {}, jetstream.ConsumeErrHandler(func(jetstream.ConsumeContext, error) { body() })))
	},
	"error handler of Messages": func(t *testing.T, g *jsStage, body func()) any {
		c := g.consumer(t)
		must(t, g.s.DeleteConsumer(t.Context(), "c"))
		return got[jetstream.MessagesContext](t)(c.Messages(jetstream.MessagesErrHandler(func(jetstream.MessagesContext, error) { body() })))
	},
	"ordered Consume": func(t *testing.T, g *jsStage, body func()) any {
		g.publish(t, 3)
		return got[jetstream.ConsumeContext](t)(g.ordered(t).Consume(func(jetstream.Msg) { body() }))
	},
	"error handler of ordered Consume": func(t *testing.T, g *jsStage, body func()) any {
		c := g.ordered(t)
		cc := got[jetstream.ConsumeContext](t)(c.Consume(func(jetstream.Msg) {}, jetstream.PullExpiry(time.Second),
			jetstream.ConsumeErrHandler(func(jetstream.ConsumeContext, error) { body() })))
		must(t, g.s.DeleteConsumer(t.Context(), c.CachedInfo().Name))
		return cc
	},
	"push Consume": func(t *testing.T, g *jsStage, body func()) any {
		g.publish(t, 3)
		return got[jetstream.ConsumeContext](t)(g.push(t).Consume(func(jetstream.Msg) { body() }))
	},
	"error handler of push Consume": func(t *testing.T, g *jsStage, body func()) any {
		c := g.push(t)
		must(t, g.s.DeleteConsumer(t.Context(), "p"))
		return got[jetstream.ConsumeContext](t)(c.Consume(func(jetstream.Msg) {}, jetstream.ConsumeErrHandler(func(jetstream.ConsumeContext, error) { body() })))
	},
	"ack handler": func(t *testing.T, g *jsStage, body func()) any {
		js := newJS(t, g.nc, jetstream.WithPublishAsyncAckHandler(func(jetstream.JetStream, *nats.Msg, *jetstream.PubAck) { body() }))
		got[jetstream.PubAckFuture](t)(js.PublishAsync("s.a", nil))
		return js
	},
	"async error handler": func(t *testing.T, g *jsStage, body func()) any {
		js := newJS(t, g.nc, jetstream.WithPublishAsyncErrHandler(func(jetstream.JetStream, *nats.Msg, error) { body() }))
		got[jetstream.PubAckFuture](t)(js.PublishAsync("nowhere", nil, jetstream.WithRetryAttempts(0)))
		return js
	},
	"trace": func(t *testing.T, g *jsStage, body func()) any {
		js := newJS(t, g.nc, jetstream.WithClientTrace(&jetstream.ClientTrace{
			RequestSent:      func(string, []byte) { body() },
			ResponseReceived: func(string, []byte, nats.Header) { body() },
		}))
		go func() { _, _ = js.AccountInfo(context.Background()) }()
		return js
	},
	"progress of an object": func(t *testing.T, g *jsStage, body func()) any {
		b := got[jetstream.ObjectStore](t)(g.js.CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: "P"}))
		go func() {
			_, _ = jetstream.PutObject(context.Background(), b, jetstream.ObjectMeta{Name: "x"}, strings.NewReader("x"), func(uint64) { body() })
		}()
		return nil
	},
	"leader": func(t *testing.T, g *jsStage, body func()) any {
		b := got[jetstream.KeyValue](t)(g.js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "L", LimitMarkerTTL: time.Second}))
		go func() {
			_ = jetstream.RunElected(context.Background(), b, "k", jetstream.LockConfig{}, func(context.Context, uint64) error { body(); return nil })
		}()
		return nil
	},
	"old Subscribe": func(t *testing.T, g *jsStage, body func()) any {
		g.publish(t, 3)
		return got[*nats.Subscription](t)(legacyJS(t, g.nc).Subscribe("s.a", func(*nats.Msg) { body() }))
	},
	"old ordered Subscribe": func(t *testing.T, g *jsStage, body func()) any {
		g.publish(t, 3)
		return got[*nats.Subscription](t)(legacyJS(t, g.nc).Subscribe("s.a", func(*nats.Msg) { body() }, nats.OrderedConsumer()))
	},
}

func (g *jsStage) push(t *testing.T) jetstream.PushConsumer {
	return got[jetstream.PushConsumer](t)(g.s.CreatePushConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "p", DeliverSubject: "deliver", IdleHeartbeat: 100 * time.Millisecond}))
}

// everything uses all of JetStream once. It is not called on the test's goroutine.
func (g *jsStage) everything() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	do := func(what string, f func() (any, error)) (v any) {
		if err == nil {
			if v, err = f(); err != nil {
				err = fmt.Errorf("%s: %w", what, err)
			}
		}
		return v
	}
	do("publish", func() (any, error) { return g.js.Publish(ctx, "s.x", nil) })
	do("async publish", func() (any, error) { return g.js.PublishAsync("s.x", nil) })
	g.js.PublishAsyncPending()
	g.js.PublishAsyncComplete()
	do("info", func() (any, error) { return g.s.Info(ctx) })
	do("consumer", func() (any, error) {
		c, err := g.s.CreateConsumer(ctx, jetstream.ConsumerConfig{FilterSubject: "s.x"})
		if err != nil {
			return nil, err
		}
		if _, err := c.Next(); err != nil {
			return nil, err
		}
		return c.FetchNoWait(1)
	})
	do("ordered consumer", func() (any, error) {
		c, err := g.s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{"s.x"}})
		if err != nil {
			return nil, err
		}
		return c.Next()
	})
	do("bucket", func() (any, error) {
		b, err := g.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "B"})
		if err != nil {
			return nil, err
		}
		if _, err := b.Put(ctx, "k", nil); err != nil {
			return nil, err
		}
		w, err := b.WatchAll(ctx)
		if err != nil {
			return nil, err
		}
		<-w.Updates()
		_ = w.Stop() // always nil
		return b.Keys(ctx)
	})
	do("objects", func() (any, error) {
		b, err := g.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "O"})
		if err != nil {
			return nil, err
		}
		if _, err := b.PutString(ctx, "x", "x"); err != nil {
			return nil, err
		}
		if _, err := b.GetString(ctx, "x"); err != nil {
			return nil, err
		}
		return b.List(ctx)
	})
	do("flush", func() (any, error) { return nil, g.nc.FlushWithContext(ctx) })
	return err
}

// Every method of JetStream, and the end of what calls, may be called from every callback.
func TestJetStreamAnyMethodFromAnyCallback(t *testing.T) {
	for name, arrange := range jsCallbacks {
		for _, last := range []string{"Stop", "Drain", "Close"} {
			t.Run(name+", "+last, func(t *testing.T) {
				g := withJetStream(t, silent())
				var begun atomic.Bool // not a Once: a trace calls itself
				ready, done := make(chan any, 1), make(chan struct{})
				used := arrange(t, g, func() {
					if begun.Swap(true) {
						return
					}
					defer close(done)
					used := <-ready
					if js, ok := used.(jetstream.JetStream); ok { // the one that calls
						g.js = js
					}
					if err := g.everything(); err != nil {
						t.Error(err)
					}
					switch drains, ok := used.(interface{ Drain() }); {
					case last == "Close":
						g.nc.Close()
					case last == "Drain" && ok:
						drains.Drain()
					case last == "Drain":
						_ = g.nc.Drain() // not while it is draining
					default:
						finishOne(used)
					}
				})
				ready <- used
				await(t, "the end of the callback", done)
				finishOne(used)
				within(t, "Close afterwards", 3*time.Second, g.nc.Close)
			})
		}
	}
}

func finishOne(v any) {
	if v != nil {
		stop(v)
	}
}
