package engine

import (
	"sync/atomic"

	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// Sub is one subscription as the engine knows it.
type Sub struct {
	sink           Sink
	sid            uint64
	subject, queue string
	received       atomic.Uint64 // written by the reader only
	answers        bool          // somebody waits for each message: what comes together makes publishes that come together
	uncounted      bool          // the server does not count all of them for its limit. The reader's
	max            atomic.Uint64 // total number of messages after which it ends; 0: none
	before         uint64        // received when the current SUB was sent. Guarded by Conn.mu
	stopped        bool          // UNSUB was sent for good: not replayed. Guarded by Conn.mu
}

// SID is the subscription's number on the wire.
func (s *Sub) SID() uint64 { return s.sid }

// Received is the number of messages handed to the sink so far.
func (s *Sub) Received() uint64 { return s.received.Load() }

// Subscribe registers sink and sends SUB, or has it sent after the reconnect. The caller checked subject and queue.
// Errors: natserr.ConnectionClosed, natserr.ConnectionDraining.
func (c *Conn) Subscribe(subject, queue string, sink Sink) (*Sub, error) {
	s := new(Sub)
	if err := c.SubscribeAs(s, subject, queue, sink); err != nil {
		return nil, err
	}
	return s, nil
}

// SubscribeAs is Subscribe for who has the Sub as a part of something larger: s is new.
func (c *Conn) SubscribeAs(s *Sub, subject, queue string, sink Sink) error {
	s.sink, s.subject, s.queue = sink, subject, queue
	if err := c.register(s); err != nil {
		return err
	}
	c.out.Relieve()
	return nil
}

func (c *Conn) register(s *Sub) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.finished:
		return natserr.ConnectionClosed
	case c.Status() == session.DrainingSubs, c.Status() == session.DrainingPubs:
		return natserr.ConnectionDraining
	}
	c.subscribeLocked(s)
	return nil
}

func (c *Conn) subscribeLocked(s *Sub) {
	c.subs.add(s)
	c.scratch = proto.AppendSub(c.scratch[:0], s.subject, s.queue, s.sid)
	c.control(c.scratch)
}

// control sends a protocol line that is made anew after a reconnect. On a link that has used up even the outbox's reserve
// for such lines it cannot be left out silently: that link is given up.
func (c *Conn) control(op []byte) (sent bool) {
	return c.out.Control(op) || c.refusedControl()
}

// refusedControl gives up a link that did not take a protocol line.
func (c *Conn) refusedControl() bool {
	if l := c.current.Load(); l != nil {
		c.linkFailed(l, natserr.StaleConnection)
	}
	return false
}

// Unsubscribe removes the subscription at once; again does nothing. A message that the reader had in hand may still reach
// the sink while it runs; Closed is not called any more.
func (c *Conn) Unsubscribe(s *Sub) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return natserr.ConnectionClosed
	}
	if c.subs.remove(s) && !s.stopped {
		c.unsubLocked(s, 0)
	}
	return nil
}

func (c *Conn) unsubLocked(s *Sub, max uint64) {
	c.scratch = proto.AppendUnsub(c.scratch[:0], s.sid, max)
	c.control(c.scratch)
}

// UnsubscribeAfter ends the subscription when max messages in total have been received. When they have been already it
// ends now, with Closed(natserr.MaxMessages).
func (c *Conn) UnsubscribeAfter(s *Sub, max uint64) error {
	over, err := c.limit(s, max)
	if over {
		s.sink.Closed(natserr.MaxMessages)
	}
	return err
}

func (c *Conn) limit(s *Sub, max uint64) (over bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case max == 0:
		return false, natserr.InvalidArg
	case c.finished:
		return false, natserr.ConnectionClosed
	case c.subs.lookup(s.sid) != s:
		return false, natserr.BadSubscription
	}
	s.max.Store(max)
	if s.received.Load() >= max {
		c.unsubLocked(s, 0)
		return c.subs.remove(s), nil
	}
	// The server counts from its SUB, which after a reconnect was sent anew with the rest.
	c.unsubLocked(s, s.leftLocked())
	return false, nil
}

// leftLocked is how many messages the server may still send on the current SUB; 0: no limit.
func (s *Sub) leftLocked() uint64 {
	max := s.max.Load()
	if max == 0 {
		return 0
	}
	return min(max-min(s.before, max-1), mostCounted)
}

// mostCounted is the largest number that nats-server 2.15 reads in an UNSUB: with a larger one it would end the subscription at once.
const mostCounted = 999_999_999

// StopServer sends UNSUB but keeps the subscription for what is on its way: the beginning of a drain. It is not replayed.
func (c *Conn) StopServer(s *Sub) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.finished:
		return natserr.ConnectionClosed
	case c.subs.lookup(s.sid) != s:
		return natserr.BadSubscription
	}
	if !s.stopped {
		s.stopped = true
		c.unsubLocked(s, 0)
	}
	return nil
}

// ended takes a subscription that has reached its limit out of the table; the reader calls it. The server has done the same,
// unless it counts less.
func (c *Conn) ended(s *Sub) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	removed := c.subs.remove(s)
	if removed && s.uncounted && !s.stopped {
		c.unsubLocked(s, 0)
	}
	return removed
}

// replayLocked writes SUB (and what is left of a limit) for every subscription that a new server must know. Those of ahead it knows; who has
// ended meanwhile is taken back.
func (c *Conn) replayLocked(dst []byte, ahead map[uint64]bool) []byte {
	for sid := range ahead {
		if s := c.subs.lookup(sid); s == nil || s.stopped {
			dst = proto.AppendUnsub(dst, sid, 0)
		}
	}
	c.subs.each(func(s *Sub) {
		if s.stopped {
			return
		}
		s.before = s.received.Load()
		if !ahead[s.sid] {
			dst = proto.AppendSub(dst, s.subject, s.queue, s.sid)
		}
		if left := s.leftLocked(); left > 0 {
			dst = proto.AppendUnsub(dst, s.sid, left)
		}
	})
	return dst
}

// NumSubscriptions counts the subscriptions of the user: the reply mux's own is not one.
func (c *Conn) NumSubscriptions() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mux.sub != nil && !c.finished {
		return c.subs.live - 1
	}
	return c.subs.live
}
