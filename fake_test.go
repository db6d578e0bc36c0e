package nats

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/proto"
)

// unlinked is a connection whose engine has no network: it runs workers and callbacks, and that is all.
func unlinked(t testing.TB, set ...Option) *Conn {
	o := GetDefaultOptions()
	for _, f := range set {
		if err := f(&o); err != nil {
			panic(err)
		}
	}
	told := o.AsyncErrorCB
	o.fill()
	o.AsyncErrorCB = told // the default one asks the engine
	nc := &Conn{Opts: o, eng: &engine.Conn{}}
	t.Cleanup(nc.eng.Close) // ends the workers
	return nc
}

// heard collects what the error handler is told.
type heard struct {
	mu   sync.Mutex
	errs []error
	more chan struct{}
}

func (h *heard) option() Option {
	h.more = make(chan struct{}, 1000)
	return ErrorHandler(func(_ *Conn, _ *Subscription, err error) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.errs = append(h.errs, err)
		h.more <- struct{}{}
	})
}

func (h *heard) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.errs)
}

// attach makes a subscription on an unlinked connection.
func attach(nc *Conn, s *Subscription) *Subscription {
	s.conn = nc
	s.limits = extent{DefaultSubPendingMsgsLimit, DefaultSubPendingBytesLimit}
	if s.cb != nil {
		s.task.Bind((*turns)(s))
	}
	nc.list(s)
	return s
}

func syncSub(nc *Conn, subject string) *Subscription {
	return attach(nc, &Subscription{Subject: subject, typ: uint8(SyncSubscription)})
}

func asyncSub(nc *Conn, subject string, cb MsgHandler) *Subscription {
	return attach(nc, &Subscription{Subject: subject, cb: cb, typ: uint8(AsyncSubscription)})
}

func chanSub(nc *Conn, subject string, ch chan *Msg) *Subscription {
	return attach(nc, &Subscription{Subject: subject, ch: ch, typ: uint8(ChanSubscription)})
}

func frame(subject, data string) *proto.Frame {
	return &proto.Frame{Subject: []byte(subject), Data: []byte(data)}
}

// push delivers frames in one run.
func push(s *Subscription, frames ...*proto.Frame) {
	for _, f := range frames {
		(*inlet)(s).Deliver(f)
	}
	(*inlet)(s).Settle()
}

// pushN delivers n messages "0", "1", ... in one run.
func pushN(s *Subscription, n int) {
	for i := range n {
		(*inlet)(s).Deliver(frame(s.Subject, fmt.Sprint(i)))
	}
	(*inlet)(s).Settle()
}

// patience is how long a test waits for something that should come at once.
const patience = 10 * time.Second

func receive[T any](t *testing.T, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("no %s within %v", what, patience)
	}
	return v
}
