package nats

// sendSlowly finds room for one message in the user's channel in the way of the policy, or drops it. It is called by the reader, and may wait.
func (s *Subscription) sendSlowly(one []Msg) {
	if s.awaitReceiver(&one[0]) {
		return
	}
	if trouble := s.forceSend(one); trouble != nil {
		s.conn.reportError(s, trouble)
	}
}

// forceSend drops what waits longest in the channel, or the one message. The error is to be told.
func (s *Subscription) forceSend(one []Msg) (trouble error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subOver) {
		return nil
	}
	slow := s.slowLocked()
	for offer(s.ch, one) == 0 {
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

// takeOld receives what the program has not; false: there is nothing, or the channel is closed.
func takeOld(ch chan *Msg) bool {
	select {
	case _, open := <-ch:
		return open
	default:
		return false
	}
}
