package nats

// sendSlowly finds room in the user's channel in the way of the policy, or drops m. It is called by the reader, and may wait.
func (s *Subscription) sendSlowly(m *Msg) {
	if s.awaitReceiver(m) {
		return
	}
	if trouble := s.forceSend(m); trouble != nil {
		s.conn.reportError(s, trouble)
	}
}

// forceSend drops what waits longest in the channel, or m. The error is to be told.
func (s *Subscription) forceSend(m *Msg) (trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subOver) {
		return nil
	}
	slow := s.slowLocked()
	for !offerOne(s.ch, m) {
		old := slow.policy.DropOld && takeOld(s.ch)
		if s.dropLocked() {
			trouble = s.slowErrorLocked(extent{})
		}
		if !old {
			return trouble
		}
		slow.droppedOld++
	}
	s.arrived++
	return trouble
}

// offerOne is offer for one message.
func offerOne(ch chan *Msg, m *Msg) (sent bool) {
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

// takeOld receives what the program has not; false: there is nothing, or the channel is closed.
func takeOld(ch chan *Msg) bool {
	select {
	case _, open := <-ch:
		return open
	default:
		return false
	}
}
