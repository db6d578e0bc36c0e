package nats

import (
	"sync"
	"sync/atomic"
	"time"
)

// standstill is the wait of a connection's reader for room in a subscription. There is none while there is no link: what was
// read from the last one must not hold up the next.
type standstill struct {
	barred atomic.Bool

	mu   sync.Mutex
	over chan struct{} // of the wait under way; nil: there is none
}

// begin returns a channel that is closed when the wait has to end.
func (st *standstill) begin() <-chan struct{} {
	st.mu.Lock()
	defer st.mu.Unlock()
	over := make(chan struct{})
	if st.over != nil {
		close(st.over) // of a reader whose link is lost
	}
	if st.over = over; st.barred.Load() {
		close(over)
		st.over = nil
	}
	return over
}

// bar ends the wait under way and allows no other, or allows them again.
func (st *standstill) bar(barred bool) {
	st.barred.Store(barred)
	if !barred {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.over != nil {
		close(st.over)
		st.over = nil
	}
}

// awaitRoom has the reader wait as long as the policy allows, until ok says that there is room.
func (s *Subscription) awaitRoom(look func() (ok, hopeless bool)) bool {
	slow, over := s.beginStall()
	if slow == nil {
		return false
	}
	defer s.endStall(slow, time.Now())
	s.conn.eng.ReadyNow()
	for {
		// Looked for behind beginStall: whoever makes room from there on says so.
		if ok, hopeless := look(); ok || hopeless {
			return ok
		}
		select {
		case <-slow.room:
		case <-slow.stop:
			return false
		case <-slow.timer.C:
			return false
		case <-over:
			return false
		}
	}
}

// beginStall starts the clock of a wait; nil: there is nothing to wait for. over is closed when the connection does not allow it any more.
func (s *Subscription) beginStall() (slow *slowness, over <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slow = s.slowLocked()
	if slow == nil || slow.policy.Wait == 0 || s.is(subOver|subSlow) || s.conn.still.barred.Load() {
		return nil, nil
	}
	slow.stalled = true
	slow.waits++
	s.changedLocked() // a worker comes to claim its next turn after the callback that is running, and there tells of the room
	if slow.timer == nil {
		slow.timer = time.NewTimer(slow.policy.Wait)
	} else {
		slow.timer.Reset(slow.policy.Wait)
	}
	return slow, s.conn.still.begin()
}

func (s *Subscription) endStall(slow *slowness, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slow.stalled = false
	slow.timer.Stop()
	slow.waited += time.Since(began)
	select {
	case <-slow.room:
	default:
	}
}

// awaitReceiver waits for the program to receive from its channel, as long as the policy allows. Nothing is sent after Unsubscribe has
// returned, which waits for sending.
func (s *Subscription) awaitReceiver(m *Msg) (sent bool) {
	slow, over := s.beginStall()
	if slow == nil {
		return false
	}
	defer s.endStall(slow, time.Now())
	s.conn.eng.ReadyNow()
	if sent = slow.hand(s.ch, m, over); sent {
		s.handed()
	}
	return sent
}

func (slow *slowness) hand(ch chan *Msg, m *Msg, over <-chan struct{}) (sent bool) {
	slow.sending.Lock()
	defer slow.sending.Unlock()
	defer func() {
		if !sent {
			_ = recover() // of a channel that was closed
		}
	}()
	select {
	case <-slow.stop:
		return false
	default:
	}
	select {
	case ch <- m:
		return true
	case <-slow.stop:
	case <-slow.timer.C:
	case <-over:
	}
	return false
}

func (s *Subscription) handed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived++
	s.keepingUpLocked()
}

// sent waits for a send that began before stop was closed: it ends at once.
func (slow *slowness) sent() {
	slow.sending.Lock()
	defer slow.sending.Unlock()
}

// tellRoom has the reader look again, if it waits.
func (slow *slowness) tellRoom() {
	if !slow.stalled {
		return
	}
	select {
	case slow.room <- struct{}{}:
	default:
	}
}

// roomLocked is called where messages leave the queue.
func (s *Subscription) roomLocked() {
	if slow := s.slowLocked(); slow != nil {
		slow.tellRoom()
	}
}
