package nats

import "github.com/gannet-io/nats/internal/proto"

// send hands a message to the user's channel, or drops it when there is no room. Under the lock, so that nothing is sent after
// Unsubscribe has returned; a send that does not wait is allowed there.
func (s *Subscription) send(f *proto.Frame) {
	if s.trySend(f) {
		s.conn.reportError(s, ErrSlowConsumer)
	}
}

// trySend reports whether this was the first message dropped in a row.
func (s *Subscription) trySend(f *proto.Frame) (firstDrop bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.is(subOver):
		return false
	case cap(s.ch) > 0 && len(s.ch) == cap(s.ch): // saves building it
		return s.dropLocked()
	}
	s.in.msgs++
	m := s.build(f)
	if !offer(s.ch, m) {
		return s.dropLocked()
	}
	s.arrived++
	s.keepingUpLocked()
	return false
}

// offer sends m if there is room. A user's channel that was closed has none: that must not end the reader.
func offer(ch chan *Msg, m *Msg) (sent bool) {
	defer func() {
		if !sent {
			_ = recover()
		}
	}()
	select {
	case ch <- m:
		return true
	default:
		return false
	}
}
