package nats

import (
	"sync"
	"time"
)

// slowness is what a subscription with a policy of its own has. It is guarded by Subscription.mu, but for timer and sending.
type slowness struct {
	policy     SlowPolicy
	droppedOld uint64
	waits      uint64
	waited     time.Duration

	// claimed is the chunk that a worker may be reading: its messages are not dropped.
	claimed *chunk
	stalled bool          // the reader waits for room
	room    chan struct{} // capacity 1: there may be some now
	stop    chan struct{} // closed when the subscription is over
	timer   *time.Timer   // the reader's
	sending sync.Mutex    // held by the reader while it waits for a user's channel; before Subscription.mu
}

// slowLocked is nil without a policy.
func (s *Subscription) slowLocked() *slowness {
	if s.extras == nil {
		return nil
	}
	return s.extras.slow
}

func (s *Subscription) setSlowLocked(p SlowPolicy) {
	e := s.extrasLocked()
	if e.slow == nil {
		e.slow = &slowness{room: make(chan struct{}, 1), stop: make(chan struct{})}
	}
	if s.cb != nil && e.slow.claimed == nil {
		e.slow.claimed = s.head // where its worker is, is known from its next turn on
	}
	e.slow.policy = p
	s.changedLocked()
	e.slow.tellRoom()
}

// droppedOldLocked counts the messages among those that arrived that were dropped later.
func (s *Subscription) droppedOldLocked() uint64 {
	if slow := s.slowLocked(); slow != nil {
		return slow.droppedOld
	}
	return 0
}

// admitSlowly finds room for a message in the way of the policy, or drops it. It is called by the reader, and may wait.
func (s *Subscription) admitSlowly(size int) bool {
	(*inlet)(s).Settle() // room is made of what has come
	if s.awaitRoom(func() (ok, hopeless bool) { return s.fits(size) }) {
		return true
	}
	ok, trouble := s.makeRoom(size)
	if trouble != nil {
		s.conn.reportError(s, trouble)
	}
	return ok
}

// fits measures the room again; hopeless: waiting will not help.
func (s *Subscription) fits(size int) (ok, hopeless bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subOver) || s.boundsLocked().bytes < size {
		return false, true
	}
	return s.fitsLocked(size), false
}

// makeRoom drops what waits longest until there is room, or the message itself. The error is to be told.
func (s *Subscription) makeRoom(size int) (ok bool, trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slow := s.slowLocked()
	if s.is(subOver) {
		return false, nil
	}
	if c := s.in.fill; c != nil && len(c.msgs) > 1 {
		s.in.fill = nil // it is in the queue, which may have to be taken apart
	}
	if slow.policy.DropOld && s.boundsLocked().bytes >= size {
		for !s.fitsLocked(size) && s.dropOldestLocked(slow) {
			slow.droppedOld++
			if s.dropLocked() {
				trouble = s.slowErrorLocked(extent{})
			}
		}
		if s.fitsLocked(size) {
			return true, trouble
		}
	}
	if s.dropLocked() {
		trouble = s.slowErrorLocked(extent{})
	}
	return false, trouble
}

// dropOldestLocked takes the oldest message that waits out of the queue; false: there is none.
func (s *Subscription) dropOldestLocked(slow *slowness) bool {
	head := s.head
	if head == nil || head != slow.claimed {
		m, _ := s.popLocked()
		return m != nil
	}
	c := head.next
	if c == nil || c.n == 0 {
		return false
	}
	rest := c.next
	if c.n > 1 { // from before the policy
		view := &chunk{next: c.next, n: c.n - 1, filled: c.filled - 1, msgs: c.msgs[1:c.n]}
		copy(view.sizes[:], c.sizes[1:c.n])
		if c.raw != nil {
			view.raw = new([chunkMsgs]string)
			copy(view.raw[:], c.raw[1:c.n])
		}
		rest = view
	}
	head.next = rest
	if s.tail == c {
		if s.tail = rest; rest == nil {
			s.tail = head
		}
	}
	s.gone++
	s.goneBytes += uint64(c.sizes[0])
	return true
}
