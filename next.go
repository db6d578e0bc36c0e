package nats

import (
	"context"
	"errors"
	"time"
)

// NextMsg returns the next message, and waits for one up to timeout; 0 or less does not wait. Several goroutines may call it: each message goes
// to one of them. It works on channel subscriptions too.
//
// Errors: [ErrTimeout]; [ErrSlowConsumer] once after messages were dropped; [ErrNoResponders] in place of a message that says so;
// [ErrMaxMessages] at the limit of AutoUnsubscribe; [ErrConnectionClosed]; [ErrBadSubscription] when the subscription is over otherwise;
// [ErrPermissionViolation], wrapped, see [PermissionErrOnSubscribe]; [ErrSyncSubRequired] on an asynchronous subscription.
func (s *Subscription) NextMsg(timeout time.Duration) (*Msg, error) {
	return s.await(timeout, nil)
}

// NextMsgWithContext is [Subscription.NextMsg] with a context, which needs no deadline. Errors beside those: [ErrInvalidContext] for nil, and the
// context's own.
func (s *Subscription) NextMsgWithContext(ctx context.Context) (*Msg, error) {
	if ctx == nil {
		return nil, ErrInvalidContext
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, err := s.await(forever, ctx.Done())
	if err == errDone {
		err = ctx.Err()
	}
	return m, err
}

// forever is no bound: time.Duration's own largest value would do, were it not for the timer.
const forever = time.Duration(1<<63 - 1)

// errDone stands for the end of the context, until its own error takes its place.
var errDone = errors.New("done")

// await is NextMsg with a bound, a context's end, or neither.
func (s *Subscription) await(timeout time.Duration, done <-chan struct{}) (*Msg, error) {
	if s == nil || s.conn == nil {
		return nil, ErrBadSubscription
	}
	if s.ch != nil {
		return s.awaitChan(timeout, done)
	}
	if m := s.quick(); m != nil {
		return delivered(m)
	}
	m, w, err := s.take(timeout > 0)
	if m == nil && w == nil {
		return nil, err
	}
	if m == nil {
		m, err = s.wait(w, timeout, done)
	}
	if m == nil {
		return nil, err
	}
	return delivered(m)
}

// wait is woken for each message that may be for w. Whoever was faster may have taken it: then it waits on.
func (s *Subscription) wait(w *waiter, timeout time.Duration, done <-chan struct{}) (m *Msg, err error) {
	expired := w.start(timeout)
	defer s.retire(w)
	for {
		select {
		case <-w.signal:
			if m, err = s.retake(w, true); m != nil || err != nil {
				return m, err
			}
			continue
		case <-expired:
			err = ErrTimeout
		case <-done:
			err = errDone
		}
		// It may have been woken in this very moment: then a message waits for it.
		if m, over := s.retake(w, false); m != nil || over != nil {
			return m, over
		}
		return nil, err
	}
}

// delivered is the last look at a message: no responders comes as an error.
func delivered(m *Msg) (*Msg, error) {
	if len(m.Data) == 0 && m.Header != nil && m.Header.Get(statusHeader) == statusNoResponders {
		return nil, ErrNoResponders
	}
	return m, nil
}

// The header that a status line becomes, and the status of a request that nobody listens to.
const (
	statusHeader       = "Status"
	statusNoResponders = "503"
)

// take returns the next message, why there will be none, or, if wanted, a waiter that has been put on the list.
func (s *Subscription) take(wait bool) (m *Msg, w *waiter, err error) {
	t := s.tryTake(nil, wait)
	return s.finishTake(t), t.w, t.err
}

// retake is take for a waiter that was woken or has lost its patience; again puts it back on the list.
func (s *Subscription) retake(w *waiter, again bool) (m *Msg, err error) {
	t := s.tryTake(w, again)
	if !again && t.err == ErrTimeout {
		t.err = nil
	}
	return s.finishTake(t), t.err
}

// taken is a message, why there will be none, or a waiter.
type taken struct {
	m     *Msg
	raw   string // its header block, if it is still to be decoded
	w     *waiter
	err   error
	ended bool // the subscription has come to its end with this message

	passed []*barrier // that this message was in front of
}

// finishTake does what is left to do without the lock.
func (s *Subscription) finishTake(t taken) *Msg {
	if t.raw != "" {
		t.m.Header = s.conn.parseHeader(s, t.raw, nil)
	}
	for _, b := range t.passed {
		b.release()
	}
	if t.ended {
		s.finish(0)
	}
	return t.m
}

func (s *Subscription) tryTake(w *waiter, wait bool) (t taken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropWaiterLocked(w)
	if t.err = s.troubleLocked(); t.err != nil {
		return t
	}
	if t.m, t.raw = s.popLocked(); t.m != nil {
		s.roomLocked()
		t.passed = s.passedLocked(s.doneLocked())
		t.ended = s.endedLocked()
		s.lendLocked()
		return t
	}
	if !wait {
		t.err = ErrTimeout
		return t
	}
	if w == nil {
		w = s.waiterLocked()
	}
	w.next, s.waiters = s.waiters, w
	t.w = w
	return t
}

// troubleLocked is why NextMsg cannot return a message; nil if it can.
func (s *Subscription) troubleLocked() error {
	switch {
	case s.is(subConnOver):
		return ErrConnectionClosed
	case s.is(subMaxed):
		return ErrMaxMessages
	case s.is(subOver):
		return ErrBadSubscription
	case s.Type() == AsyncSubscription:
		return ErrSyncSubRequired
	case s.Type() != SyncSubscription && s.Type() != ChanSubscription:
		return ErrTypeSubscription
	case s.extras != nil && s.extras.refused != nil:
		return s.extras.refused
	case s.is(subSlow):
		err := s.slowErrorLocked(extent{})
		s.keepingUpLocked()
		return err
	}
	return nil
}

// quick is take where one word tells everything: messages are there, and nothing else is to be looked at. The last message of a chunk is not
// taken so, since the chunk has to be left with it.
func (s *Subscription) quick() *Msg {
	if s.Type() != SyncSubscription {
		return nil
	}
	p := s.place.load()
	i, c := p.done(), s.lent.Load()
	if !p.open() || p.left() == 0 || p.left() == 1 && p.more() || c == nil || i+1 == len(c.msgs) || c.raw != nil || !s.place.takeAt(p) {
		return nil
	}
	return &c.msgs[i]
}

// popLocked takes the next message off the queue of a synchronous subscription. raw is its header block if that is still to be decoded.
func (s *Subscription) popLocked() (m *Msg, raw string) {
	s.advanceLocked()
	c := s.head
	if c == nil {
		return nil, ""
	}
	i, ok := s.place.take()
	if !ok {
		return nil, ""
	}
	if c.raw != nil {
		raw, c.raw[i] = c.raw[i], ""
	}
	s.advanceLocked()
	return &c.msgs[i], raw
}

// advanceLocked leaves chunks that are used up, so that neither the subscription nor a kept message holds what is not needed.
func (s *Subscription) advanceLocked() {
	for c := s.head; c != nil && s.place.load().left() == 0 && (c.next != nil || c.full()); {
		s.gone += uint64(c.n)
		for _, size := range c.sizes[:c.n] {
			s.goneBytes += uint64(size)
		}
		next := c.next
		c.next = nil
		s.head, c = next, next
		s.lent.Store(next)
		if next == nil {
			s.tail = nil
			s.place.begin(0, false, false)
		} else {
			s.place.begin(next.n, next.next != nil, s.simpleLocked())
		}
	}
}

// awaitChan is await on the user's channel.
func (s *Subscription) awaitChan(timeout time.Duration, done <-chan struct{}) (*Msg, error) {
	for {
		w, err := s.joinChan()
		if err != nil {
			return nil, err
		}
		m, again, err := s.waitChan(w, timeout, done)
		switch {
		case again:
			continue // the subscription has news: joinChan says which
		case err != nil:
			return nil, err
		}
		return delivered(m)
	}
}

// joinChan puts a waiter on the list, for the news that do not come through the channel.
func (s *Subscription) joinChan() (*waiter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	leftovers := s.is(subOver) && !s.is(subConnOver) && len(s.ch) > 0
	if err := s.troubleLocked(); err != nil && !leftovers {
		return nil, err
	}
	w := s.waiterLocked()
	w.next, s.waiters = s.waiters, w
	return w, nil
}

func (s *Subscription) waitChan(w *waiter, timeout time.Duration, done <-chan struct{}) (m *Msg, again bool, err error) {
	defer s.retire(w)
	select {
	case m, open := <-s.ch:
		return received(m, open)
	default:
	}
	if timeout <= 0 {
		return nil, false, ErrTimeout
	}
	select {
	case m, open := <-s.ch:
		return received(m, open)
	case <-w.signal:
		return nil, true, nil
	case <-w.start(timeout):
		return nil, false, ErrTimeout
	case <-done:
		return nil, false, errDone
	}
}

// received refuses what a closed channel yields.
func received(m *Msg, open bool) (*Msg, bool, error) {
	if !open || m == nil {
		return nil, false, ErrBadSubscription
	}
	return m, false, nil
}
