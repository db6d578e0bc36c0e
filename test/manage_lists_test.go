package test

import (
	"context"
	"errors"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// The older API's lists are channels that cannot say why they end. So the error handler is told, unless the caller himself ended it.
func TestOlderListsTell(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t, natstest.WithoutJetStream())
	for name, c := range map[string]struct {
		list func(js nats.JetStreamContext, opts ...nats.JSOpt) int
		opts []nats.JSOpt
		want error
	}{
		"streams":        {list: func(js nats.JetStreamContext, o ...nats.JSOpt) int { return listed(js.Streams(o...)) }, want: nats.ErrNoResponders},
		"stream names":   {list: func(js nats.JetStreamContext, o ...nats.JSOpt) int { return listed(js.StreamNames(o...)) }, want: nats.ErrNoResponders},
		"consumers":      {list: func(js nats.JetStreamContext, o ...nats.JSOpt) int { return listed(js.Consumers("S", o...)) }, want: nats.ErrNoResponders},
		"no name":        {list: func(js nats.JetStreamContext, o ...nats.JSOpt) int { return listed(js.ConsumerNames("", o...)) }, want: nats.ErrStreamNameRequired},
		"bad option":     {list: func(js nats.JetStreamContext, o ...nats.JSOpt) int { return listed(js.Streams(o...)) }, opts: []nats.JSOpt{nats.MaxWait(-1)}, want: nats.ErrInvalidArg},
		"buckets":        {list: func(js nats.JetStreamContext, _ ...nats.JSOpt) int { return listed(js.KeyValueStores()) }, want: nats.ErrNoResponders},
		"object stores":  {list: func(js nats.JetStreamContext, _ ...nats.JSOpt) int { return listed(js.ObjectStores()) }, want: nats.ErrNoResponders},
		"who has enough": {list: func(js nats.JetStreamContext, o ...nats.JSOpt) int { return listed(js.Streams(o...)) }, opts: []nats.JSOpt{nats.Context(over(t))}},
	} {
		t.Run(name, func(t *testing.T) {
			var told journal
			nc := dial(t, srv.URL(), told.handler())
			if n := c.list(legacyJS(t, nc), c.opts...); n != 0 {
				t.Errorf("listed %d", n)
			}
			if c.want == nil {
				must(t, nc.Barrier(func() { told.add("all is told") }))
				eventually(t, "the end", func() bool { return told.has("all is told") })
				if errs := told.errors(); len(errs) != 0 {
					t.Errorf("told %v", errs)
				}
				return
			}
			eventually(t, "the error handler", func() bool { return told.hasErr(c.want) })
			if errs := told.errors(); len(errs) != 1 || !errors.Is(nc.LastError(), c.want) {
				t.Errorf("told %v, the last error is %v", errs, nc.LastError())
			}
		})
	}
}

// listed counts what comes on a channel.
func listed[T any](ch <-chan T) (n int) {
	for range ch {
		n++
	}
	return n
}

// over is a context that has ended.
func over(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
