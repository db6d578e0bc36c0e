package nats

import (
	"github.com/gannet-io/nats/internal/proto"
)

// intake is what the reader knows of a subscription between two Settle calls. Nobody else touches it.
//
// The room that was left when the reader last looked is enough to accept messages without the lock: consumers only
// make more. A look under the lock decides when it is used up, so limits hold for each single message; taking the lock for every message cost
// 20 ns more.
type intake struct {
	fill  *chunk // takes the next message; nil: none does
	first *chunk // the first chunk of this run that is not in the queue yet
	last  string // subject of the last message in fill, if it is not the subscription's own

	roomMsgs, roomBytes int
	msgs, bytes         int    // of this run
	epoch               uint32 // for which the room was measured
	line                uint32 // of the last message of this run: see proto.Frame.Line
	each                int32  // moving average of the bytes of a message
	own                 bool   // the last message of this run has the subscription's own subject
	burst               bool   // the last run had more than one message
	single              bool   // a chunk for each message, so that each can be dropped
}

// Deliver takes one message. It is called by the engine's reader.
func (p *inlet) Deliver(f *proto.Frame) {
	s := (*Subscription)(p)
	size := len(f.Header) + len(f.Data)
	if s.ch != nil {
		s.feed(f)
		return
	}
	in := &s.in
	if in.roomMsgs <= 0 || in.roomBytes < size || in.epoch != s.epoch.Load() {
		if !s.admit(size) {
			return
		}
	}
	in.roomMsgs--
	in.roomBytes -= size
	in.msgs++
	in.bytes += size
	s.build(f)
}

// Settle puts the messages of the run into the queue and wakes who waits for them.
func (p *inlet) Settle() {
	s := (*Subscription)(p)
	in := &s.in
	if in.msgs == 0 {
		return
	}
	ready := false
	if s.ch == nil {
		ready = s.enqueue()
	} else if s.out.n > 0 {
		s.pour()
	}
	in.burst = in.msgs > 1
	in.msgs, in.bytes, in.first = 0, 0, nil
	if in.fill.built() {
		in.fill = nil // the consumers' alone
	}
	if ready {
		s.conn.eng.ReadySoon(&s.task)
	}
}

// enqueue reports whether the dispatcher must be told. It need not be while something is queued: its worker looks again.
func (s *Subscription) enqueue() (ready bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subOver) {
		return false
	}
	in := &s.in
	pending := s.pendingLocked()
	idle := s.linkLocked()
	s.arrived += uint64(in.msgs)
	s.arrivedBytes += uint64(in.bytes)
	s.peak = extent{max(s.peak.msgs, pending.msgs+in.msgs), max(s.peak.bytes, pending.bytes+in.bytes)}
	for n := in.msgs; n > 0 && s.waiters != nil; n-- {
		s.popWaiterLocked().wake()
	}
	return idle && s.cb != nil
}

// linkLocked puts the messages of the run into the queue, and reports whether the consumer was done with all that was there.
func (s *Subscription) linkLocked() (idle bool) {
	first, last := s.in.first, s.tail
	for c := first; c != nil; c = c.next {
		c.n = c.filled
	}
	if first != nil {
		s.tail = s.in.fill
	}
	if last == nil {
		s.place.begin(first.n, first.next != nil, false)
		s.head = first
		return true
	}
	more := last.filled - last.n
	last.n = last.filled
	if first != nil {
		last.next = first
	}
	return last == s.head && s.place.add(more, first != nil).left() == 0
}

// lendLocked opens the place, and with it the chunk at head, if nothing else is to be looked at.
func (s *Subscription) lendLocked() {
	if s.head == nil || s.place.load().open() || !s.simpleLocked() {
		return
	}
	s.lent.Store(s.head) // first: whoever finds it open, finds the chunk
	s.place.open()
}

// pendingLocked counts what is queued, and what a callback has in hand. What waits in the user's channel has been delivered.
func (s *Subscription) pendingLocked() extent {
	if s.ch != nil {
		return extent{}
	}
	done := s.place.load().done()
	p := extent{int(s.arrived - s.gone - uint64(done)), int(s.arrivedBytes - s.goneBytes)}
	if c := s.head; c != nil {
		for _, size := range c.sizes[:done] {
			p.bytes -= int(size)
		}
	}
	return p
}
