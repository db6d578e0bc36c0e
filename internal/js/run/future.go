package run

import "sync"

// Future is the two channels of a PubAckFuture, for the PubAck type of either API. The zero value is unresolved and ready
// to use, its methods may be called concurrently, and it must not be copied.
type Future[A any] struct {
	mu   sync.Mutex
	ack  *A
	err  error
	ok   chan *A
	fail chan error
	done bool
}

// Ok is a channel that gets the ack, once, if the publish succeeds. Each call returns the same channel; it is never closed.
func (f *Future[A]) Ok() <-chan *A {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ok == nil {
		f.ok = make(chan *A, 1)
		if f.done && f.err == nil {
			f.ok <- f.ack
		}
	}
	return f.ok
}

// Err is a channel that gets the error, once, if the publish fails. Each call returns the same channel; it is never closed.
func (f *Future[A]) Err() <-chan error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail == nil {
		f.fail = make(chan error, 1)
		if f.done && f.err != nil {
			f.fail <- f.err
		}
	}
	return f.fail
}

// Resolve gives one of the channels its value: err, or ack when err is nil. It never blocks. Calls after the first do nothing.
func (f *Future[A]) Resolve(ack *A, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return
	}
	f.ack, f.err, f.done = ack, err, true
	switch {
	case err != nil && f.fail != nil:
		f.fail <- err // cannot block: one place, one value
	case err == nil && f.ok != nil:
		f.ok <- ack
	}
}

// Outcome is what Resolve was told, whether or not the channels have been read; done is false before.
func (f *Future[A]) Outcome() (ack *A, err error, done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ack, f.err, f.done
}
