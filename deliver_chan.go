package nats

import "github.com/gannet-io/nats/internal/proto"

// feed gathers messages for a user's channel, so that the lock is taken once for several of them: for each one it cost 60 ns.
// They are few: a small channel shall have what came before it is full.
type feed struct {
	msgs [feedMsgs]*Msg
	n    int
}

const feedMsgs = 16

// feedAt is how many messages are gathered for a channel: one until there is room for many.
func feedAt(ch chan *Msg) int {
	if cap(ch) < 4*feedMsgs {
		return 1
	}
	return feedMsgs
}

// feed takes a message for the user's channel. It is called by the reader.
func (s *Subscription) feed(f *proto.Frame) {
	if s.out == nil {
		s.out = new(feed)
	}
	if s.out.n == 0 && cap(s.ch) > 0 && len(s.ch) == cap(s.ch) && s.dropFull() {
		return // saves building it
	}
	s.in.msgs++
	s.out.msgs[s.out.n] = s.build(f)
	if s.out.n++; s.out.n >= feedAt(s.ch) {
		s.pour()
	}
}

// dropFull drops a message because the channel is full; false: the subscription's policy may find room.
func (s *Subscription) dropFull() bool {
	dropped, trouble := s.tryDrop()
	if trouble != nil {
		s.conn.reportError(s, trouble)
	}
	return dropped
}

func (s *Subscription) tryDrop() (dropped bool, trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.is(subOver):
		return true, nil
	case s.slowLocked() != nil:
		return false, nil
	}
	if s.dropLocked() {
		trouble = s.slowErrorLocked(extent{})
	}
	return true, trouble
}

// pour sends what was gathered, and drops what there is no room for.
func (s *Subscription) pour() {
	for from := 0; from < s.out.n; {
		done, slow, trouble := s.send(s.out.msgs[from:s.out.n])
		from += done
		if trouble != nil {
			s.conn.reportError(s, trouble)
		}
		if slow {
			s.sendSlowly(s.out.msgs[from])
			from++
		}
	}
	clear(s.out.msgs[:s.out.n])
	s.out.n = 0
}

// send hands messages to the channel, under the lock, so that nothing is sent after Unsubscribe has returned; a send that does not wait is
// allowed there. It stops at a message without room if that is a matter of the policy. The error is to be told.
func (s *Subscription) send(msgs []*Msg) (done int, slow bool, trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subOver) {
		return len(msgs), false, nil
	}
	for done < len(msgs) {
		n := offer(s.ch, msgs[done:])
		done += n
		s.arrived += uint64(n)
		if n > 0 {
			s.keepingUpLocked()
		}
		switch {
		case done == len(msgs):
			return done, false, trouble
		case s.slowLocked() != nil:
			return done, true, trouble
		case s.dropLocked():
			trouble = s.slowErrorLocked(extent{})
		}
		done++
	}
	return done, false, trouble
}

// offer sends as many as there is room for. A user's channel that was closed has none: that must not end the reader.
func offer(ch chan *Msg, msgs []*Msg) (n int) {
	defer func() {
		if n < len(msgs) {
			_ = recover()
		}
	}()
	for n < len(msgs) {
		select {
		case ch <- msgs[n]:
			n++
		default:
			return n
		}
	}
	return n
}
