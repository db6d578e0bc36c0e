package run

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
)

// Taken is what a Next returns. Code says what it is:
//
//   - wire.OK: Message;
//   - wire.Timeout, wire.Canceled: there was none before the limit, or before stop was closed;
//   - any other code: a failure of which the feed says that it disturbs; it goes on;
//   - Over: nothing more will come, and Code, with the server's Words, says why. Each further Next says wire.Canceled.
type Taken[M any] struct {
	Message M
	Code    wire.Code
	Words   string
	Lasting bool // of a failure
	Over    bool
}

// Take takes the next message if it is there; else, and at the end, Next says more. With a message at hand it costs less than half of a Next, which
// has many results.
func (f *Feed[M]) Take() (m M, ok bool) {
	f.mu.Lock()
	ok, work := f.queue.len() > 0, false
	if ok {
		m = f.popLocked()
		work = f.jobs.waiting()
	}
	f.mu.Unlock() // by hand: a defer in a generic method makes this twice as long
	if work {
		f.work()
	}
	return m, ok
}

// Next takes the next message, and waits for it until stop is closed or limit is over. A nil stop and a limit of 0 are none. A message that
// is there comes before anything else.
func (f *Feed[M]) Next(stop <-chan struct{}, limit time.Duration) Taken[M] {
	t, ready := f.next(false)
	if ready {
		return t
	}
	var after <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		after = timer.C
	}
	for !ready {
		select {
		case <-f.signal:
		case <-f.finished:
		case <-stop:
			return f.giveUp(wire.Canceled)
		case <-after:
			return f.giveUp(wire.Timeout)
		}
		t, ready = f.next(true)
	}
	return t
}

// popLocked takes the first message; the queue must not be empty.
func (f *Feed[M]) popLocked() M {
	h := f.queue.pop()
	f.taken.n, f.taken.size = 1, h.size
	f.countLocked()
	return h.m
}

// next looks whether there is something to return; else the caller is to wait.
func (f *Feed[M]) next(waiting bool) (t Taken[M], ready bool) {
	t, ready, work := f.tryNext(waiting)
	if work {
		f.work()
	}
	return t, ready
}

func (f *Feed[M]) tryNext(waiting bool) (t Taken[M], ready, work bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.queue.len() > 0:
		t.Message = f.popLocked()
	case f.ended:
		t = f.endLocked()
	case waiting && f.disturbed:
		t.Code, t.Words, t.Lasting = f.trouble.code, f.trouble.words, f.trouble.lasting
		f.disturbed = false
	default:
		if !waiting {
			f.waiting++
		}
		return t, false, false
	}
	if waiting {
		f.leaveWaitLocked()
	}
	return t, true, f.jobs.waiting()
}

// endLocked is what a Next returns at the end: the reason goes to one of them.
func (f *Feed[M]) endLocked() (t Taken[M]) {
	f.closeLocked()
	t.Over, t.Code = true, wire.Canceled
	if !f.known {
		f.known = true
		t.Code, t.Words = f.code, f.words
	}
	return t
}

// giveUp is the end of a Next that has waited in vain.
func (f *Feed[M]) giveUp(code wire.Code) Taken[M] {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leaveWaitLocked()
	return Taken[M]{Code: code}
}

// leaveWaitLocked hands on what is there to another one who waits.
func (f *Feed[M]) leaveWaitLocked() {
	if f.waiting--; f.waiting == 0 {
		f.disturbed = false
		return
	}
	if f.queue.len() > 0 || f.disturbed {
		f.signalLocked()
	}
}

func (f *Feed[M]) signalLocked() {
	select {
	case f.signal <- struct{}{}:
	default:
	}
}
