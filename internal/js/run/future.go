package run

import (
	"sync"

	"github.com/gannet-io/nats/internal/js/wire"
)

// Future is the end of an asynchronous publish and the two channels of a PubAckFuture, for the PubAck type of either API. The zero
// value is unresolved and ready to use, its methods may be called concurrently, and it must not be copied.
//
// There is one for each message of a window, and most programs look at none of them: what only a look needs is made by it.
// The public functions that are passed in make the API's own ack, under the future's lock.
type Future[A any] struct {
	mu   sync.Mutex
	done bool
	ack  wire.StreamAck
	err  error
	out  *outlet[A] // nil: nobody has looked
}

// outlet is what somebody looks at.
type outlet[A any] struct {
	ok   chan *A
	fail chan error
	has  bool // ack is made
	ack  A
}

// Ok is a channel that gets the ack, once, if the publish succeeds. Each call returns the same channel; it is never closed.
func (f *Future[A]) Ok(public func(wire.PubAck) A) <-chan *A {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.outletLocked()
	if o.ok == nil {
		o.ok = make(chan *A, 1)
		if f.done && f.err == nil {
			o.ok <- f.ackLocked(public)
		}
	}
	return o.ok
}

// Err is a channel that gets the error, once, if the publish fails. Each call returns the same channel; it is never closed.
func (f *Future[A]) Err() <-chan error {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.outletLocked()
	if o.fail == nil {
		o.fail = make(chan error, 1)
		if f.done && f.err != nil {
			o.fail <- f.err
		}
	}
	return o.fail
}

// Resolve gives one of the channels its value: err, or ack when err is nil. It never blocks. Calls after the first do nothing.
func (f *Future[A]) Resolve(ack wire.StreamAck, err error, public func(wire.PubAck) A) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return
	}
	f.ack, f.err, f.done = ack, err, true
	switch o := f.out; {
	case o == nil:
	case err != nil && o.fail != nil:
		o.fail <- err // cannot block: one place, one value
	case err == nil && o.ok != nil:
		o.ok <- f.ackLocked(public)
	}
}

// Outcome is what Resolve was told, whether or not the channels have been read: err, or the ack that Ok gives out; done is false before.
func (f *Future[A]) Outcome(public func(wire.PubAck) A) (ack *A, err error, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done && f.err == nil {
		ack = f.ackLocked(public)
	}
	return ack, f.err, f.done
}

func (f *Future[A]) outletLocked() *outlet[A] {
	if f.out == nil {
		f.out = new(outlet[A])
	}
	return f.out
}

// ackLocked is the ack as the user gets it, always the same one.
func (f *Future[A]) ackLocked(public func(wire.PubAck) A) *A {
	o := f.outletLocked()
	if !o.has {
		o.ack, o.has = public(f.ack.PubAck()), true
	}
	return &o.ack
}
