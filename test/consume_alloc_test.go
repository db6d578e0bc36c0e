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
	for name, run := range map[string]func(c jetstream.Consumer){
		"Consume with ack": func(c jetstream.Consumer) {
			done, left := make(chan struct{}), n
			cc, err := c.Consume(func(m jetstream.Msg) {
				_ = m.Ack()
				if left--; left == 0 {
					close(done)
				}
			})
			must(t, err)
			await(t, "all messages", done)
			cc.Stop()
			await(t, "the end", cc.Closed())
		},
		"Messages with ack": func(c jetstream.Consumer) {
			it := messages(t, c)
			for range n {
				m, err := it.Next()
				must(t, err)
				_ = m.Ack()
			}
			it.Stop()
		},
	} {
		c := g.consumer(t, jetstream.ConsumerConfig{})
		began := time.Now()
		if got := allocations(n, func() { run(c) }); got > 1 {
			t.Errorf("%s: %.2f allocations, want at most 1", name, got)
		} else {
			t.Logf("%s: %.2f allocations, %v", name, got, time.Since(began)/n)
		}
	}
}
