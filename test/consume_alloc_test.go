package test

import (
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// TestConsumeAllocations gates the way of a message from the server to its acknowledgement. The server is a process of its own, and nothing
// runs beside this test, which is not parallel.
func TestConsumeAllocations(t *testing.T) {
	if slower > 1 {
		t.Skip("the race detector allocates")
	}
	checkLeaks(t)
	srv := natstest.Run(t, natstest.AsProcess())
	g := jsStageAt(t, srv, srv.URL())
	const n = 20000
	payload := make([]byte, 128)
	for range n {
		_, err := g.js.PublishAsync("s.a", payload)
		for err == jetstream.ErrTooManyStalledMsgs { // a slow machine
			_, err = g.js.PublishAsync("s.a", payload)
		}
		must(t, err)
	}
	await(t, "acks", g.js.PublishAsyncComplete())
	consume := func(c jetstream.Consumer) {
		done, left := make(chan struct{}), n
		cc, err := c.Consume(func(m jetstream.Msg) {
			_ = m.Ack() // of an ordered consumer: an error
			if left--; left == 0 {
				close(done)
			}
		})
		must(t, err)
		await(t, "all messages", done)
		cc.Stop()
		await(t, "the end", cc.Closed())
	}
	next := func(c jetstream.Consumer) {
		it := messages(t, c)
		for range n {
			m, err := it.Next()
			must(t, err)
			_ = m.Ack()
		}
		it.Stop()
	}
	plain := func() jetstream.Consumer { return g.consumer(t, jetstream.ConsumerConfig{}) }
	ordered := func() jetstream.Consumer { return g.ordered(t) }
	for _, tc := range []struct {
		name string
		open func() jetstream.Consumer
		run  func(c jetstream.Consumer)
	}{
		{"Consume", plain, consume}, {"Messages", plain, next},
		{"ordered Consume", ordered, consume}, {"ordered Messages", ordered, next},
	} {
		c := tc.open()
		began := time.Now()
		if got := allocations(n, func() { tc.run(c) }); got > 0.5 {
			t.Errorf("%s: %.2f allocations, want at most 0.5", tc.name, got)
		} else {
			t.Logf("%s: %.2f allocations, %v", tc.name, got, time.Since(began)/n)
		}
	}
}
