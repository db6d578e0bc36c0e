package test

import (
	"sync/atomic"
	"testing"

	"github.com/gannet-io/nats"
)

// A subscription that is slow again and again must not pile up reports behind an error handler that blocks.
func TestSlowConsumerReportsAreBounded(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	p := newPeer(t)
	release := make(chan struct{})
	var told atomic.Int32
	nc := dial(t, p.url(), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) { <-release; told.Add(1) }))
	c := p.next()
	ch := make(chan *nats.Msg, 1)
	sub := got[*nats.Subscription](t)(nc.ChanSubscribe("a", ch))
	sid := c.sid("a")
	const episodes = 2000
	for range episodes {
		c.send("MSG a " + sid + " 0\r\n\r\nMSG a " + sid + " 0\r\n\r\n")
		must(t, nc.Flush())
		await(t, "a message", ch)
	}
	dropped := got[int](t)(sub.Dropped())
	closed := make(chan struct{})
	nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	nc.Close()
	close(release)
	await(t, "the closed handler", closed)
	if n := told.Load(); dropped != episodes || n > 1100 {
		t.Errorf("%d reports of %d dropped messages, want 1100 at most of %d", n, dropped, episodes)
	}
}
