package nats

import "github.com/gannet-io/nats/internal/proto"

// feed is what was gathered for a user's channel, so that the lock is taken once for several messages: for each one it cost 60 ns.
// They are few: a small channel shall have what came before it is full.
type feed struct {
	first *chunk // has the first of them at number at; the others follow, through the chunk's next
	at    int
	n     int
}

const feedMsgs = 16

// feedAt is how many messages are gathered for a channel: one until there is room for many.
func feedAt(ch chan *Msg) int {
	if cap(ch) < 4*feedMsgs {
		return 1
	}
	return feedMsgs
}

// add gathers the message on top of c.
func (o *feed) add(c *chunk) {
	if o.n == 0 {
		o.first, o.at = c, int(c.filled)-1
	}
	o.n++
}

// msgs are the next messages, as far as they are in one chunk.
func (o *feed) msgs() []Msg { return o.first.msgs[o.at:o.first.filled] }

// skip leaves messages out of msgs behind.
func (o *feed) skip(n int) {
	o.at += n
	o.n -= n
	switch {
	case o.n == 0:
		o.first = nil
	case o.at == int(o.first.filled):
		next := o.first.next
		o.first.next = nil // a message that the program keeps shall not keep what follows
		o.first, o.at = next, 0
	}
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
	s.build(f)
	if s.out.add(s.in.fill); s.out.n >= feedAt(s.ch) {
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
	for s.out.n > 0 {
		slow, trouble := s.send()
		if trouble != nil {
			s.conn.reportError(s, trouble)
		}
		if slow {
			s.sendSlowly(s.out.msgs()[:1])
			s.out.skip(1)
		}
	}
}

// send hands messages to the channel, under the lock, so that nothing is sent after Unsubscribe has returned; a send that does not wait is
// allowed there. It stops at a message without room if that is a matter of the policy. The error is to be told.
func (s *Subscription) send() (slow bool, trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := s.out; o.n > 0; {
		msgs := o.msgs()
		if s.is(subOver) {
			o.skip(len(msgs))
			continue
		}
		n := offer(s.ch, msgs)
		o.skip(n)
		s.arrived += uint64(n)
		if n > 0 {
			s.keepingUpLocked()
		}
		switch {
		case n == len(msgs):
			continue
		case s.slowLocked() != nil:
			return true, trouble
		case s.dropLocked():
			trouble = s.slowErrorLocked(extent{})
		}
		o.skip(1)
	}
	return false, trouble
}

// offer sends as many as there is room for. A user's channel that was closed has none: that must not end the reader.
func offer(ch chan *Msg, msgs []Msg) (n int) {
	defer func() {
		if n < len(msgs) {
			_ = recover()
		}
	}()
	for n < len(msgs) {
		select {
		case ch <- &msgs[n]:
			n++
		default:
			return n
		}
	}
	return n
}
