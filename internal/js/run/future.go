package run

import (
	"sync"
	"sync/atomic"

	"github.com/gannet-io/nats/internal/js/wire"
)

// Future is the end of an asynchronous publish and the two channels of a PubAckFuture, for the PubAck type of either API. The zero
// value is unresolved and ready to use, its methods may be called concurrently, and it must not be copied.
//
// There is one for each message of a window, and most programs look at none of them: what only a look needs is made by it,
// and the end costs no lock. The public functions that are passed in make the API's own ack.
type Future[A any] struct {
	// What the ack has in common with others, and what not. Written before state is set.
	like     *wire.PubAck
	sequence uint64
	out      atomic.Pointer[outlet[A]] // nil: nobody has looked, and it has not failed
	state    atomic.Uint32
}

// States of a Future.
const (
	unresolved uint32 = iota
	acked
	ackedAgain // the ack of a duplicate
	failed
)

// outlet is what somebody looks at. Who makes it looks at state afterwards, and who sets state looks for it: one of them fills it.
type outlet[A any] struct {
	once sync.Once
	ok   chan *A
	fail chan error
	ack  A
	err  error // written before state is set
}

// Ok is a channel that gets the ack, once, if the publish succeeds. Each call returns the same channel; it is never closed.
func (f *Future[A]) Ok(public func(wire.PubAck) A) <-chan *A { return f.look(public).ok }

// Err is a channel that gets the error, once, if the publish fails. Each call returns the same channel; it is never closed.
func (f *Future[A]) Err(public func(wire.PubAck) A) <-chan error { return f.look(public).fail }

// Resolve gives one of the channels its value: err, or ack when err is nil. It never blocks. Calls after the first do nothing; two
// at once are not allowed.
func (f *Future[A]) Resolve(ack wire.StreamAck, err error, public func(wire.PubAck) A) {
	state := acked
	switch {
	case f.state.Load() != unresolved:
		return
	case err != nil:
		state = failed
		f.outlet().err = err
	case ack.Duplicate:
		state = ackedAgain
	}
	f.like, f.sequence = ack.Like, ack.Sequence
	f.state.Store(state)
	if o := f.out.Load(); o != nil {
		f.fill(o, public)
	}
}

// Outcome is what Resolve was told, whether or not the channels have been read: err, or the ack that Ok gives out; done is false before.
func (f *Future[A]) Outcome(public func(wire.PubAck) A) (ack *A, err error, done bool) {
	switch f.state.Load() {
	case unresolved:
		return nil, nil, false
	case failed:
		return nil, f.out.Load().err, true
	}
	return &f.look(public).ack, nil, true
}

func (f *Future[A]) look(public func(wire.PubAck) A) *outlet[A] {
	o := f.outlet()
	if f.state.Load() != unresolved {
		f.fill(o, public)
	}
	return o
}

func (f *Future[A]) outlet() *outlet[A] {
	if o := f.out.Load(); o != nil {
		return o
	}
	f.out.CompareAndSwap(nil, &outlet[A]{ok: make(chan *A, 1), fail: make(chan error, 1)})
	return f.out.Load()
}

// fill sends to the channels: each has one place.
func (f *Future[A]) fill(o *outlet[A], public func(wire.PubAck) A) {
	o.once.Do(func() {
		state := f.state.Load()
		if state == failed {
			o.fail <- o.err
			return
		}
		o.ack = public(wire.StreamAck{Like: f.like, Sequence: f.sequence, Duplicate: state == ackedAgain}.PubAck())
		o.ok <- &o.ack
	})
}
