package nats

import "sync/atomic"

// barrier calls fn when all subscriptions that it waits for have passed it.
type barrier struct {
	fn   func()
	left atomic.Int64
}

func (b *barrier) release() {
	if b.left.Add(-1) == 0 {
		b.fn()
	}
}

// barrierMark is the place of a barrier in a queue: behind so many messages.
type barrierMark struct {
	at uint64
	b  *barrier
}

// Barrier calls fn once every asynchronous subscription has worked off what it has queued now, a callback that is running included. It
// does not wait: fn runs on the goroutine of the last callback, or before Barrier returns when nothing is queued. Subscriptions that end
// meanwhile do not hold it up. Errors: [ErrConnectionClosed], [ErrInvalidArg] for nil.
func (nc *Conn) Barrier(fn func()) error {
	switch {
	case nc.engine() == nil:
		return ErrInvalidConnection
	case fn == nil:
		return ErrInvalidArg
	case nc.IsClosed():
		return ErrConnectionClosed
	}
	b := &barrier{fn: fn}
	b.left.Store(1) // ours: fn must not run before all subscriptions were asked
	for _, s := range nc.subscriptions() {
		s.putBarrier(b)
	}
	b.release()
	return nil
}

// putBarrier puts b at the end of the queue, unless nothing is there.
func (s *Subscription) putBarrier(b *barrier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changedLocked() // before what is pending is looked at
	if s.cb == nil || s.is(subOver) || s.pendingLocked().msgs == 0 {
		return
	}
	b.left.Add(1)
	e := s.extrasLocked()
	e.barriers = append(e.barriers, barrierMark{s.arrived, b})
}

// passedLocked removes the barriers in front of which nothing is left, done being the number of messages done.
func (s *Subscription) passedLocked(done uint64) (passed []*barrier) {
	if s.extras == nil {
		return nil
	}
	marks := s.extras.barriers
	if len(marks) == 0 {
		return nil
	}
	for len(marks) > 0 && marks[0].at <= done {
		passed = append(passed, marks[0].b)
		marks = marks[1:]
	}
	s.extras.barriers = marks
	return passed
}

func (s *Subscription) nextBarrierLocked() (at uint64, ok bool) {
	if s.extras == nil || len(s.extras.barriers) == 0 {
		return 0, false
	}
	return s.extras.barriers[0].at, true
}
