package nats

// IsValid reports whether the subscription is active.
func (s *Subscription) IsValid() bool {
	return s != nil && s.conn != nil && !s.has(subOver)
}

// IsDraining reports whether [Subscription.Drain], or that of the connection, is under way.
func (s *Subscription) IsDraining() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.is(subDraining) && !s.is(subOver)
}

// look runs f under the lock if the subscription is active.
func (s *Subscription) look(f func()) error {
	if s == nil || s.conn == nil {
		return ErrBadSubscription
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subOver) {
		return ErrBadSubscription
	}
	f()
	return nil
}

// lookQueue is look for subscriptions with a queue of their own: those with a user's channel get ErrTypeSubscription.
func (s *Subscription) lookQueue(f func()) error {
	if s != nil && s.ch != nil && s.IsValid() {
		return ErrTypeSubscription
	}
	return s.look(f)
}

// Delivered counts the messages that a callback, NextMsg, or the channel has got. Errors: [ErrBadSubscription] when the subscription is over.
func (s *Subscription) Delivered() (n int64, err error) {
	err = s.look(func() {
		n = int64(s.doneLocked())
		if s.cb != nil && s.task.Busy() && s.pendingLocked().msgs > 0 {
			n++ // the one that a callback has in hand counts
		}
		n -= int64(s.droppedOldLocked())
	})
	return n, err
}

// Dropped counts the messages that were dropped for lack of room. Errors: [ErrBadSubscription] when the subscription is over.
func (s *Subscription) Dropped() (n int, err error) {
	err = s.look(func() { n = int(s.dropped) })
	return n, err
}

// Pending is the number of messages that wait, and of their bytes (headers and data). One that a callback has in hand counts. Errors, with
// -1: [ErrBadSubscription], [ErrTypeSubscription] for a channel subscription.
func (s *Subscription) Pending() (msgs, bytes int, err error) {
	return s.extent(s.pendingLocked)
}

// QueuedMsgs is the first result of [Subscription.Pending].
//
// Deprecated: use Pending.
func (s *Subscription) QueuedMsgs() (int, error) {
	msgs, _, err := s.Pending()
	return msgs, err
}

// MaxPending is the largest that [Subscription.Pending] has been, each of the two by itself. Errors: those of Pending.
func (s *Subscription) MaxPending() (msgs, bytes int, err error) {
	return s.extent(func() extent { return s.peak })
}

// ClearMaxPending lets [Subscription.MaxPending] begin anew at 0. Errors: those of [Subscription.Pending].
func (s *Subscription) ClearMaxPending() error {
	return s.lookQueue(func() { s.peak = extent{} })
}

// PendingLimits are the limits of [Subscription.Pending], beyond which messages are dropped; negative: none. Errors: those of Pending.
func (s *Subscription) PendingLimits() (msgs, bytes int, err error) {
	return s.extent(func() extent { return s.limits })
}

func (s *Subscription) extent(of func() extent) (msgs, bytes int, err error) {
	e := extent{-1, -1}
	err = s.lookQueue(func() { e = of() })
	return e.msgs, e.bytes, err
}

// SetPendingLimits sets the limits beyond which messages are dropped: 500,000 and 64 MiB to begin with; negative: none. A
// synchronous subscription also has [SyncQueueLen]. Errors: [ErrInvalidArg] for 0, and those of [Subscription.Pending].
func (s *Subscription) SetPendingLimits(msgLimit, bytesLimit int) error {
	bad := msgLimit == 0 || bytesLimit == 0
	err := s.lookQueue(func() {
		if !bad {
			s.limits = extent{msgLimit, bytesLimit}
			s.changedLocked()
			s.roomLocked()
		}
	})
	if err == nil && bad {
		return ErrInvalidArg
	}
	return err
}

// SetClosedHandler has fn called with the subject when the subscription is over, however that came; of an asynchronous subscription after
// its last callback. It is not called for one that is over already.
func (s *Subscription) SetClosedHandler(fn func(subject string)) {
	_ = s.look(func() { s.extrasLocked().closed = fn })
}

// subListener is one channel of StatusChanged.
type subListener struct {
	ch     chan SubStatus
	wanted uint8 // bit set of SubStatus
}

// StatusChanged returns a channel that gets the state of the subscription now and whenever it changes, as far as it is one of statuses;
// without any, all. A channel with 10 unread changes misses further ones. It is closed when the subscription is over.
func (s *Subscription) StatusChanged(statuses ...SubStatus) <-chan SubStatus {
	if len(statuses) == 0 {
		statuses = []SubStatus{SubscriptionActive, SubscriptionDraining, SubscriptionClosed, SubscriptionSlowConsumer}
	}
	l := subListener{ch: make(chan SubStatus, statusRoom)}
	for _, st := range statuses {
		if st >= 0 && st <= SubscriptionSlowConsumer {
			l.wanted |= 1 << st
		}
	}
	err := s.look(func() {
		l.tell(s.statusLocked())
		e := s.extrasLocked()
		e.listeners = append(e.listeners, l)
	})
	if err != nil {
		l.tell(SubscriptionClosed)
		close(l.ch)
	}
	return l.ch
}

func (s *Subscription) statusLocked() SubStatus {
	switch {
	case s.is(subOver):
		return SubscriptionClosed
	case s.is(subDraining):
		return SubscriptionDraining
	case s.is(subSlow):
		return SubscriptionSlowConsumer
	}
	return SubscriptionActive
}

func (l subListener) tell(st SubStatus) {
	if l.wanted&(1<<st) != 0 {
		select {
		case l.ch <- st:
		default:
		}
	}
}

func (s *Subscription) tellStatusLocked(st SubStatus) {
	if s.extras == nil {
		return
	}
	for _, l := range s.extras.listeners {
		l.tell(st)
	}
}
