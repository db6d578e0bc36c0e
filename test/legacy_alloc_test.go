package test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// TestLegacyAllocations gates the whole way of messages with the older API, as [TestJetStreamAllocations] does with the newer one.
func TestLegacyAllocations(t *testing.T) {
	if slower > 1 {
		t.Skip("the race detector allocates")
	}
	checkLeaks(t)
	srv := natstest.Run(t, natstest.AsProcess())
	g := legacyStageAt(t, srv, srv.URL())
	const n = 10000
	payload := make([]byte, 128)
	ids := make([]string, 2*n)
	for i := range ids {
		ids[i] = fmt.Sprint("id", i)
	}
	async := func(from int, opts func(i int) []nats.PubOpt) {
		for i := from; i < from+n; i++ {
			_, err := g.js.PublishAsync("s.a", payload, opts(i)...)
			for err == nats.ErrTooManyStalledMsgs { // a slow machine
				_, err = g.js.PublishAsync("s.a", payload, opts(i)...)
			}
			must(t, err)
		}
		await(t, "acks", g.js.PublishAsyncComplete())
	}
	sub := got[*nats.Subscription](t)(g.js.PullSubscribe("s.a", "c"))
	for _, tc := range []struct {
		name string
		max  float64
		run  func(round int)
	}{
		{"synchronous publish", 2, func(int) {
			for range n {
				if _, err := g.js.Publish("s.a", payload); err != nil {
					t.Fatal(err)
				}
			}
		}},
		{"asynchronous publish", 1.1, func(int) { async(0, func(int) []nats.PubOpt { return nil }) }},
		{"asynchronous publish with an id", 4.1, func(round int) {
			async(round*n, func(i int) []nats.PubOpt { return []nats.PubOpt{nats.MsgId(ids[i])} })
		}},
		{"fetch of 100 with ack", 0.5, func(int) {
			for range n / 100 {
				batch, err := sub.Fetch(100)
				if err != nil || len(batch) != 100 {
					t.Fatalf("%d messages, %v", len(batch), err)
				}
				for _, m := range batch {
					must(t, m.Ack())
				}
			}
		}},
	} {
		tc.run(0)
		began := time.Now()
		if got := allocations(n, func() { tc.run(1) }); got > tc.max {
			t.Errorf("%s: %.2f allocations, want at most %v", tc.name, got, tc.max)
		} else {
			t.Logf("%s: %.2f allocations, %v", tc.name, got, time.Since(began)/n)
		}
	}
}
