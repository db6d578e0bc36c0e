package nats

import "errors"

// Unsubscribe ends the subscription. What is queued is dropped; to work it off use [Subscription.Drain]. Nothing is sent to a channel after
// it has returned, and at most the callback that was about to begin runs. Errors: [ErrBadSubscription] when it is over already, [ErrConnectionClosed].
//
// A consumer that the subscription made is deleted; that takes a request to the server, unless there is no link, and its errors
// are those of [JetStreamManager]'s DeleteConsumer.
func (s *Subscription) Unsubscribe() error {
	switch {
	case s == nil:
		return ErrBadSubscription
	case s.conn == nil:
		return ErrConnectionClosed
	}
	ordered := s.orderedConsumer()
	if s.finish(0) {
		if ordered != "" {
			return s.awaitDelete(ordered)
		}
		return s.deleteConsumer()
	}
	if s.has(subConnOver) || s.conn.IsClosed() {
		return ErrConnectionClosed
	}
	return ErrBadSubscription
}

// AutoUnsubscribe ends the subscription after max messages, counted from its beginning; those that were dropped count. 0 or
// less is Unsubscribe at once. Errors: those of [Subscription.Unsubscribe].
func (s *Subscription) AutoUnsubscribe(max int) error {
	if s == nil || s.conn == nil {
		return ErrBadSubscription
	}
	if max <= 0 {
		return s.Unsubscribe()
	}
	if err := s.limit(uint64(max)); err != nil {
		return err
	}
	if s.cons != nil {
		s.limitConsumer(uint64(max))
		return nil
	}
	// A subscription that the engine has taken out already has reached an earlier limit, or is being drained.
	if err := s.conn.eng.UnsubscribeAfter(&s.own, uint64(max)); err != nil && !errors.Is(err, ErrBadSubscription) {
		return err
	}
	s.check()
	return nil
}

func (s *Subscription) limit(max uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.is(subConnOver):
		return ErrConnectionClosed
	case s.is(subOver):
		return ErrBadSubscription
	}
	s.max = max
	s.changedLocked()
	return nil
}

// Closed is called by the engine: the connection is closed, or the last message of the limit has come.
func (p *inlet) Closed(err error) {
	s := (*Subscription)(p)
	if err == ErrMaxMessages {
		s.mark(subCut)
		s.check()
		return
	}
	s.finish(subConnOver)
}

// mark adds to what is known of s.
func (s *Subscription) mark(flags subState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state |= flags
	s.changedLocked()
}

func (s *Subscription) has(flags subState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.is(flags)
}

// check ends the subscription if its time has come. A callback that is running ends it afterwards.
func (s *Subscription) check() {
	if s.ended() {
		s.finish(0)
	}
}

func (s *Subscription) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endedLocked()
}

// endedLocked reports whether the limit has been delivered, or everything of a drain.
func (s *Subscription) endedLocked() bool {
	if s.is(subOver) {
		return false
	}
	return s.maxedLocked() || s.is(subComplete) && s.pendingLocked().msgs == 0
}

// maxedLocked reports whether the limit has been delivered: also when some of its messages were dropped.
func (s *Subscription) maxedLocked() bool {
	switch {
	case s.max == 0:
		return false
	case s.doneLocked() >= s.max:
		return true
	}
	return s.is(subCut) && s.arrived+s.dropped-s.droppedOldLocked() >= s.max && s.pendingLocked().msgs == 0
}

// doneLocked counts the messages that the user is done with.
func (s *Subscription) doneLocked() uint64 {
	switch {
	case s.ch != nil:
		return s.arrived
	case s.isPull():
		return s.cons.fetched.Load()
	}
	return s.gone + uint64(s.place.load().done())
}

// finish ends the subscription for good, and reports whether it was not over yet. how says what is known beside. Not under a lock; it does not
// block, and runs no user code except that of passed barriers.
func (s *Subscription) finish(how subState) bool {
	end, first := s.seal(how)
	if !first {
		return false
	}
	s.conn.unlist(s)
	if end.slow != nil {
		end.slow.sent()
	}
	if s.cons != nil {
		s.endConsumer(how)
	} else if how&subConnOver == 0 {
		_ = s.conn.eng.Unsubscribe(&s.own) // fails when the connection is closed, which ends it too
	}
	if s.cb != nil {
		s.conn.eng.Ready(&s.task) // the closed handler comes after the last callback
	} else if end.closed != nil {
		s.conn.eng.Callback(func() { end.closed(s.Subject) })
	}
	for _, f := range end.ended {
		f()
	}
	for _, m := range end.barriers {
		s.conn.eng.Callback(m.b.release)
	}
	return true
}

// seal makes the end known, and returns what is to be done about it.
func (s *Subscription) seal(how subState) (end extras, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subOver) {
		s.state |= how
		return end, false
	}
	if s.maxedLocked() {
		how |= subMaxed
	}
	s.state |= subOver | how
	s.changedLocked()
	if c := s.head; c != nil {
		c.next = nil // a message that the program keeps shall not keep the queue
	}
	s.head, s.tail = nil, nil
	s.lent.Store(nil)
	s.tellStatusLocked(SubscriptionClosed)
	s.wakeAllLocked()
	if s.extras == nil {
		return end, true
	}
	end = *s.extras
	if end.slow != nil {
		close(end.slow.stop)
	}
	for _, l := range s.extras.listeners {
		close(l.ch)
	}
	s.extras.listeners, s.extras.ended, s.extras.barriers = nil, nil, nil
	if s.cb != nil && end.closed != nil {
		s.state |= subClosedCue
	}
	return end, true
}

// refuse remembers that the server denied the subscription.
func (s *Subscription) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subOver) {
		return
	}
	s.extrasLocked().refused = err
	s.place.close()
	s.wakeAllLocked()
}
