package micro

import (
	"sync/atomic"

	"github.com/gannet-io/nats"
)

// line is one subscription of a service, an endpoint's or one for control requests, until its last request is done.
type line struct {
	svc  *service
	ep   *endpoint          // nil: control requests
	sub  *nats.Subscription // set before the line is in service.lines
	open atomic.Int64       // the subscription, and the requests that are handled outside of its callback
	over atomic.Bool        // the subscription is over
}

// begin subscribes. After an error nothing is left.
func (l *line) begin(subj, queue string, limits *extent, cb nats.MsgHandler) error {
	s := l.svc
	if !s.reserve() {
		return ErrServiceStopped
	}
	l.open.Store(1)
	sub, err := s.nc.QueueSubscribe(subj, queue, cb)
	if err == nil && limits != nil {
		if err = sub.SetPendingLimits(limits.msgs, limits.bytes); err != nil {
			_ = sub.Unsubscribe()
		}
	}
	if err != nil {
		s.left()
		return err
	}
	l.sub = sub
	stopped := s.enter(l)
	sub.SetClosedHandler(func(string) { l.ended() })
	if !sub.IsValid() {
		l.ended() // the connection was closed before the handler was set
	}
	if stopped {
		_ = sub.Drain()
	}
	return nil
}

// extent is a number of messages and of their bytes.
type extent struct{ msgs, bytes int }

// ended is told that the subscription has delivered its last message. If the service did not want that, the connection did, and ends all others.
func (l *line) ended() {
	if !l.over.Swap(true) {
		l.svc.halt()
		l.release()
	}
}

// hold keeps the line open for a request. It is for the subscription's callback only.
func (l *line) hold() { l.open.Add(1) }

// release ends a hold; the last one ends the line.
func (l *line) release() {
	if l.open.Add(-1) == 0 {
		l.svc.left()
	}
}

// reserve counts a line that is about to begin; false: the service has been stopped.
func (s *service) reserve() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.open++
	return true
}

// enter lists a line; stopped: the service has been stopped meanwhile and does not know it.
func (s *service) enter(l *line) (stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, l)
	if l.ep != nil {
		s.endpoints = append(s.endpoints, l.ep)
	}
	return s.stopped
}
