package test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// allocations are those of this process for each of n operations of f.
func allocations(n int, f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n)
}

// TestJetStreamAllocations gates the whole way of messages, both to the server and from it. The server is a process of its own, and
// nothing runs beside this test, which is not parallel.
func TestJetStreamAllocations(t *testing.T) {
	if slower > 1 {
		t.Skip("the race detector allocates")
	}
	checkLeaks(t)
	srv := natstest.Run(t, natstest.AsProcess())
	g := jsStageAt(t, srv, srv.URL())
	const n = 10000
	ctx := context.Background()
	payload := make([]byte, 128)
	ids := make([]string, 2*n)
	for i := range ids {
		ids[i] = fmt.Sprint("id", i)
	}
	async := func(from int, opts func(i int) []jetstream.PublishOpt) {
		for i := from; i < from+n; i++ {
			_, err := g.js.PublishAsync("s.a", payload, opts(i)...)
			for err == jetstream.ErrTooManyStalledMsgs { // a slow machine
				_, err = g.js.PublishAsync("s.a", payload, opts(i)...)
			}
			must(t, err)
		}
		await(t, "acks", g.js.PublishAsyncComplete())
	}
	c := g.consumer(t)
	fetch := func() {
		for range n / 100 {
			b, err := c.Fetch(100)
			must(t, err)
			k := 0
			for m := range b.Messages() {
				must(t, m.Ack())
				k++
			}
			if err := b.Error(); err != nil || k != 100 {
				t.Fatalf("%d messages, %v", k, err)
			}
		}
	}
	for _, tc := range []struct {
		name string
		max  float64
		run  func(round int)
	}{
		{"synchronous publish", 2, func(int) {
			for range n {
				if _, err := g.js.Publish(ctx, "s.a", payload); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"asynchronous publish", 1.1, func(int) { async(0, func(int) []jetstream.PublishOpt { return []jetstream.PublishOpt{} }) }},
		{"asynchronous publish with an id", 4.1, func(round int) {
			async(round*n, func(i int) []jetstream.PublishOpt { return []jetstream.PublishOpt{jetstream.WithMsgID(ids[i])} })
		}},
		{"fetch of 100 with ack", 0.5, func(int) { fetch() }},
		{"next with ack", 2, func(int) {
			for range n / 10 {
				m, err := c.Next()
				must(t, err)
				must(t, m.Ack())
			}
		}},
	} {
		ops := n
		if tc.name == "next with ack" {
			ops = n / 10
		}
		tc.run(0)
		began := time.Now()
		if got := allocations(ops, func() { tc.run(1) }); got > tc.max {
			t.Errorf("%s: %.2f allocations, want at most %v", tc.name, got, tc.max)
		} else {
			t.Logf("%s: %.2f allocations, %v", tc.name, got, time.Since(began)/time.Duration(ops))
		}
	}
}
