package test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// TestKVAllocations gates reading and watching. The server is a process of its own, and nothing runs beside this test, which is not parallel.
func TestKVAllocations(t *testing.T) {
	if slower > 1 {
		t.Skip("the race detector allocates")
	}
	checkLeaks(t)
	srv := natstest.Run(t, natstest.AsProcess())
	js := newJS(t, dial(t, srv.URL()))
	ctx := context.Background()
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.MemoryStorage}))
	const n = 10_000
	for i := range n {
		got[jetstream.PubAckFuture](t)(js.PublishAsync(fmt.Sprintf("$KV.b.orders.%d", i), make([]byte, 128)))
	}
	await(t, "the keys", js.PublishAsyncComplete())
	read := func() {
		for range n / 10 {
			got[jetstream.KeyValueEntry](t)(b.Get(ctx, "orders.1"))
		}
	}
	watched := func() {
		w := got[jetstream.KeyWatcher](t)(b.WatchAll(ctx))
		for e := range w.Updates() {
			if e == nil {
				break
			}
		}
		must(t, w.Stop())
	}
	for name, gate := range map[string]struct {
		f    func()
		n    int
		most float64
	}{"a get": {read, n / 10, 8}, "a key of a watch": {watched, n, 0.5}} {
		gate.f() // what is allocated once
		if got := allocations(gate.n, gate.f); got > gate.most {
			t.Errorf("%s: got %.2f allocations, want at most %.2f", name, got, gate.most)
		}
	}
}
