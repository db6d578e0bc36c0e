package engine

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gannet-io/nats/internal/proto"
)

// recycler is a sink that gives the buffers of large payloads back, after it has looked at them.
type recycler struct {
	collector
	c    *Conn
	used map[*byte]int
	want func(n int) []byte
	bad  string
	n    int
}

func (r *recycler) Deliver(f *proto.Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if want := r.want(r.n); !f.Owned || !bytes.Equal(f.Data, want) || cap(f.Data) != len(f.Data) {
		r.bad = fmt.Sprintf("message %d: owned %v, %d bytes of room for %d, equal %v", r.n, f.Owned, cap(f.Data), len(f.Data), bytes.Equal(f.Data, want))
	}
	r.n++
	r.used[&f.Body[0]]++
	r.c.Recycle(f.Body)
}

// Buffers that come back are used again, also for smaller payloads, and what comes in them is right.
func TestRecycledBuffers(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	c, peer := s.connect(Events{})
	defer c.Close()
	payload := func(n int) []byte { return bytes.Repeat([]byte{byte('a' + n%26)}, 128<<10-n) }
	r := &recycler{collector: collector{more: make(chan struct{}, 1)}, c: c, used: make(map[*byte]int), want: payload}
	sub, err := c.Subscribe("in", "", r)
	if err != nil {
		t.Fatal(err)
	}
	const messages = 50
	for n := range messages {
		p := payload(n)
		peer.send(fmt.Sprintf("HMSG in %d %d %d\r\nNATS/1.0\r\n\r\n%s\r\n", sub.SID(), 12, 12+len(p), p))
	}
	r.await(t, func() bool { return r.n == messages })
	if r.bad != "" {
		t.Error(r.bad)
	}
	if len(r.used) > messages*3/4 { // under the race detector a pool drops some
		t.Errorf("%d messages took %d buffers", messages, len(r.used))
	}
	c.Recycle(nil)
	c.Recycle(make([]byte, 10))
	c.Recycle(make([]byte, maxSpare+1))
}
