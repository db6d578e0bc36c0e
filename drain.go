package nats

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Drain ends the subscription without losing what has arrived: no new messages come, those that the server has sent are delivered, then it is over.
// It does not wait; [Subscription.SetClosedHandler] and [Subscription.StatusChanged] tell of the end. Errors: [ErrBadSubscription],
// [ErrConnectionClosed]. Calling it again does nothing.
func (s *Subscription) Drain() error {
	if s == nil || s.conn == nil {
		return ErrBadSubscription
	}
	began, err := s.beginDrain()
	if !began {
		return err
	}
	s.stopServer()
	if err := s.conn.eng.OnPong(func(error) { s.complete() }); err != nil {
		return err
	}
	return nil
}

func (s *Subscription) beginDrain() (began bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.is(subConnOver):
		return false, ErrConnectionClosed
	case s.is(subOver | subDraining):
		return false, nil
	}
	s.state |= subDraining
	s.tellStatusLocked(SubscriptionDraining)
	return true, nil
}

// stopServer asks the server for no more. A subscription whose limit has come needs none of it.
func (s *Subscription) stopServer() {
	if s.cons != nil {
		s.cons.stopServer()
	} else {
		_ = s.conn.eng.StopServer(&s.own)
	}
}

// complete says that everything the server sent has arrived: its PONG has, or the link is gone and nothing more will come.
func (s *Subscription) complete() {
	s.mark(subComplete)
	s.check()
}

// whenOver calls f when the subscription is over; at once if it is.
func (s *Subscription) whenOver(f func()) {
	if err := s.look(func() { e := s.extrasLocked(); e.ended = append(e.ended, f) }); err != nil {
		f()
	}
}

// drainFlush bounds the last flush of a drain.
const drainFlush = 5 * time.Second

// Drain closes the connection without losing what has arrived: all subscriptions are drained while publishing goes on, then publishing ends
// and what was published is written, then the connection is closed. It does not wait; [ClosedHandler] tells of the end. After
// [DrainTimeout] the error handler gets [ErrDrainTimeout], and the connection closes all the same. Calling it again does nothing.
//
// Errors: [ErrConnectionClosed]. Without a link: [ErrConnectionReconnecting], and the connection is closed, once callbacks have worked off
// what had arrived.
func (nc *Conn) Drain() error {
	eng := nc.engine()
	if eng == nil {
		return ErrInvalidConnection
	}
	if s := nc.Status(); s == RECONNECTING || s == CONNECTING {
		nc.giveUp()
		return ErrConnectionReconnecting
	}
	began, err := eng.BeginDrain()
	if began {
		go nc.drain()
	}
	return err
}

// drain is the goroutine of Conn.Drain. It ends with the connection.
func (nc *Conn) drain() {
	limit := time.NewTimer(nc.Opts.DrainTimeout)
	defer limit.Stop()
	subs := nc.subscriptions()
	for _, s := range subs {
		if began, _ := s.beginDrain(); began {
			s.stopServer()
		}
	}
	over := allOver(subs)
	// One PING behind all UNSUBs is enough.
	_ = nc.eng.OnPong(func(error) {
		for _, s := range subs {
			s.complete()
		}
	})
	for _, over := range append(nc.eng.DrainHolds(), over) {
		select {
		case <-over:
			continue
		case <-limit.C:
			nc.reportError(nil, ErrDrainTimeout)
		case <-nc.eng.Done():
			return
		}
		break
	}
	nc.eng.EndSubs()
	ctx, cancel := context.WithTimeout(context.Background(), drainFlush)
	defer cancel()
	if _, err := nc.eng.Flush(ctx); err != nil && !errors.Is(err, ErrConnectionClosed) {
		nc.reportError(nil, err)
	}
	nc.Close()
}

// giveUp closes a connection that has no link. What callbacks have in their queues is worked off first.
func (nc *Conn) giveUp() {
	var busy []*Subscription
	for _, s := range nc.subscriptions() {
		if s.cb == nil {
			continue
		}
		if began, _ := s.beginDrain(); began {
			busy = append(busy, s)
		}
	}
	over := allOver(busy)
	for _, s := range busy {
		s.complete()
	}
	select {
	case <-over:
		nc.Close()
	default:
		// Drain may have been called by one of these callbacks: it must not wait for itself.
		go nc.closeAfter(over)
	}
}

// closeAfter ends with the connection.
func (nc *Conn) closeAfter(over <-chan struct{}) {
	limit := time.NewTimer(nc.Opts.DrainTimeout)
	defer limit.Stop()
	select {
	case <-over:
	case <-limit.C:
		nc.reportError(nil, ErrDrainTimeout)
	case <-nc.eng.Done():
	}
	nc.Close()
}

// allOver returns a channel that is closed when all of subs are over.
func allOver(subs []*Subscription) <-chan struct{} {
	over := make(chan struct{})
	var left atomic.Int64
	left.Store(int64(len(subs)) + 1)
	done := func() {
		if left.Add(-1) == 0 {
			close(over)
		}
	}
	for _, s := range subs {
		s.whenOver(done)
	}
	done()
	return over
}
