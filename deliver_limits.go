package nats

// admit measures the room, and says whether there is some for a message of this size. If not it is dropped.
func (s *Subscription) admit(size int) bool {
	ok, slow, trouble := s.measure(size)
	switch {
	case slow:
		return s.admitSlowly(size)
	case trouble != nil:
		s.conn.reportError(s, trouble)
	}
	return ok
}

// measure leaves a message without room to the policy of a subscription that has one. The error of a message that was dropped is to be told.
func (s *Subscription) measure(size int) (ok, slow bool, trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch policy := s.slowLocked(); {
	case s.is(subOver):
		s.in.roomMsgs, s.in.roomBytes = 0, 0
		return false, false, nil
	case s.fitsLocked(size):
		s.keepingUpLocked()
		return true, false, nil
	case policy != nil:
		return false, true, nil
	}
	if s.dropLocked() {
		trouble = s.slowErrorLocked(extent{s.in.msgs, s.in.bytes})
	}
	return false, false, trouble
}

// fitsLocked measures the room, and reports whether it is enough for a message of this size.
func (s *Subscription) fitsLocked(size int) bool {
	in := &s.in
	in.epoch = s.epoch.Load()
	in.roomMsgs, in.roomBytes = 0, 0
	if slow := s.slowLocked(); slow != nil {
		in.single = slow.policy.DropOld
	}
	pending, bounds := s.pendingLocked(), s.boundsLocked()
	msgs := bounds.msgs - pending.msgs - in.msgs
	bytes := bounds.bytes - pending.bytes - in.bytes
	if msgs < 1 || bytes < size {
		return false
	}
	in.roomMsgs, in.roomBytes = msgs, bytes
	return true
}

// dropLocked counts a dropped message, and reports whether it is the first one in a row.
func (s *Subscription) dropLocked() bool {
	s.dropped++
	if s.is(subSlow) {
		return false
	}
	s.state |= subSlow
	s.place.close() // NextMsg has to tell
	s.tellStatusLocked(SubscriptionSlowConsumer)
	s.wakeAllLocked()
	return true
}

// keepingUpLocked ends an episode of dropping.
func (s *Subscription) keepingUpLocked() {
	if s.is(subSlow) {
		s.state &^= subSlow
		s.tellStatusLocked(s.statusLocked())
	}
}
