package nats

import "time"

// waiter is a call of NextMsg that waits. A subscription keeps the last one for the next call: with a single reader nothing is
// allocated after the first wait.
type waiter struct {
	signal chan struct{} // capacity 1
	timer  *time.Timer
	next   *waiter // guarded by Subscription.mu
}

// wake has it look again. It is on the list at most once, and is woken when it is taken off, so there is room.
func (w *waiter) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// start starts the clock; the channel is nil without a bound.
func (w *waiter) start(timeout time.Duration) <-chan time.Time {
	if timeout == forever {
		return nil
	}
	if w.timer == nil {
		w.timer = time.NewTimer(timeout)
	} else {
		w.timer.Reset(timeout)
	}
	return w.timer.C
}

// waiterLocked is the spare waiter or a new one.
func (s *Subscription) waiterLocked() *waiter {
	if w := s.spare; w != nil {
		s.spare = nil
		return w
	}
	return &waiter{signal: make(chan struct{}, 1)}
}

func (s *Subscription) popWaiterLocked() *waiter {
	w := s.waiters
	s.waiters, w.next = w.next, nil
	return w
}

// dropWaiterLocked takes w off the list if it is on it.
func (s *Subscription) dropWaiterLocked(w *waiter) {
	for p := &s.waiters; *p != nil; p = &(*p).next {
		if *p == w {
			*p, w.next = w.next, nil
			return
		}
	}
}

func (s *Subscription) wakeAllLocked() {
	for s.waiters != nil {
		s.popWaiterLocked().wake()
	}
}

// retire takes w off the list and keeps it. A wake that it did not answer goes to the next one: a message may be behind it.
func (s *Subscription) retire(w *waiter) {
	if w.timer != nil {
		w.timer.Stop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropWaiterLocked(w)
	select {
	case <-w.signal:
		if s.waiters != nil {
			s.popWaiterLocked().wake()
		}
	default:
	}
	s.spare = w
}
