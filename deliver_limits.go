package nats

// admit measures the room, and says whether there is some for a message of this size. If not it is dropped.
func (s *Subscription) admit(size int) bool {
	ok, first := s.measure(size)
	if first {
		s.conn.reportError(s, ErrSlowConsumer)
	}
	return ok
}

// measure also says whether this is the first message dropped in a row.
func (s *Subscription) measure(size int) (ok, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := &s.in
	in.epoch = s.epoch.Load()
	in.roomMsgs, in.roomBytes = 0, 0
	if s.is(subOver) {
		return false, false
	}
	pending, bounds := s.pendingLocked(), s.boundsLocked()
	msgs := bounds.msgs - pending.msgs - in.msgs
	bytes := bounds.bytes - pending.bytes - in.bytes
	if msgs < 1 || bytes < size {
		return false, s.dropLocked()
	}
	s.keepingUpLocked()
	in.roomMsgs, in.roomBytes = msgs, bytes
	return true, false
}

// dropLocked counts a dropped message, and reports whether it is the first one in a row.
func (s *Subscription) dropLocked() bool {
	s.dropped++
	if s.is(subSlow) {
		return false
	}
	s.state |= subSlow
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
