package micro

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gannet-io/nats"
)

func (s *service) Stop() error {
	for _, l := range s.halt() {
		_ = l.sub.Drain() // fails when the connection is closed, which ends it too
	}
	return nil
}

func (s *service) Stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// halt begins the end, once, and returns the lines to end.
func (s *service) halt() []*line {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.haltLocked()
	return slices.Clone(s.lines)
}

func (s *service) haltLocked() {
	s.stopped = true
	go s.guard()
}

// guard watches the end of the service, and ends with it, with the connection, or with the time that it may take.
func (s *service) guard() {
	limit := time.NewTimer(s.config.DrainTimeout)
	defer limit.Stop()
	select {
	case <-s.done:
	case <-s.eng.Done():
		s.cancel(nats.ErrConnectionClosed) // there is nobody to answer to
	case <-limit.C:
		s.giveUp()
	}
}

// giveUp ends a drain that takes too long: what waits is dropped, and contexts end. Handlers that do not look at their contexts go on.
func (s *service) giveUp() {
	for _, l := range s.all() {
		l.drop()
	}
	// Not before: a handler that returns would let the next one begin, and the numbers would be wrong.
	s.cancel(ErrServiceStopped)
}

// drop ends the subscription with what waits in it.
func (l *line) drop() {
	waiting, _, err := l.sub.Pending()
	if err != nil {
		return // over
	}
	_ = l.sub.Unsubscribe()
	waiting-- // the one that the callback has in hand
	if waiting <= 0 || l.ep == nil {
		return
	}
	told := fmt.Errorf("%w: %d requests dropped", nats.ErrDrainTimeout, waiting)
	l.ep.fail(waiting, told.Error())
	l.svc.tell(l.sub.Subject, told)
}

func (s *service) all() []*line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lines)
}

// abandon ends a service that did not start.
func (s *service) abandon() {
	for _, l := range s.fail() {
		_ = l.sub.Unsubscribe()
	}
	s.left() // of the start
}

func (s *service) fail() []*line {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped, s.failed = true, true
	return slices.Clone(s.lines)
}

// left is told that a line has ended, or the start. The last one ends the service.
func (s *service) left() {
	last, failed := s.leave()
	if !last {
		return
	}
	s.cancel(ErrServiceStopped)
	release(s)
	close(s.done)
	if done := s.config.DoneHandler; done != nil && !failed {
		s.eng.Callback(func() { done(s) })
	}
}

func (s *service) leave() (last, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	return s.open == 0, s.failed
}

// Shutdown stops a service and waits until all requests are handled and their answers are written to the server. It must not be called by a
// handler of the service without a goroutine of its own: it would wait for itself, until ctx ends. The DoneHandler may still be running when it returns.
//
// Errors: nats.ErrInvalidContext for nil, nats.ErrInvalidArg for a service that is not of this package, the context's own, and those of
// nats.Conn.FlushWithContext, nats.ErrConnectionClosed not among them. Without a deadline it waits for Config.DrainTimeout and 5 s more at most;
// then the error is nats.ErrDrainTimeout.
func Shutdown(ctx context.Context, svc Service) error {
	s, ok := svc.(*service)
	switch {
	case ctx == nil:
		return nats.ErrInvalidContext
	case !ok || s == nil:
		return nats.ErrInvalidArg
	}
	if _, bounded := ctx.Deadline(); !bounded {
		bound, cancel := context.WithTimeoutCause(ctx, s.config.DrainTimeout+shutdownFlush, nats.ErrDrainTimeout)
		defer cancel()
		ctx = bound
	}
	_ = s.Stop()
	select {
	case <-s.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.nc.FlushWithContext(ctx); err != nil && !s.nc.IsClosed() {
		return err
	}
	return nil
}

// shutdownFlush is what Shutdown allows beside the drain.
const shutdownFlush = 5 * time.Second
