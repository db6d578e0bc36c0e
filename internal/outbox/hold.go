package outbox

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// settleGrace is how long settle waits for a write on a closed socket. Sockets return at once; a connection of the
// user's making might not.
const settleGrace = time.Second

// Release connects the box to a socket; a goroutine must call Run then. The box must be held, and what the last Hold
// returned have been called. first, if any, is written before the kept publishes; the box owns it from now on.
//
// exact says that a failed write of the link returns a true count and that an expired write deadline leaves the link
// usable (plain TCP): then publishers write themselves when the buffer is full. After Close, Release does nothing.
func (b *Box) Release(l Link, exact bool, first []byte, owner Owner) {
	if w := b.detach(); w != nil {
		b.settle(w, settleGrace) // the caller forgot it
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	w := &b.first
	if w.link != nil {
		w = new(wire)
	}
	b.wire = w
	*w = wire{
		link: l, exact: exact, owner: owner, wake: make(chan struct{}, 1),
		flight: batch{buf: first}, since: mono.Now(), base: -int64(len(first)),
		most: b.mostAtOnce(exact),
	}
	b.fit, b.writer = WriteSize, awake
	b.pinged, b.waits = b.confirmed, false
	b.askAlongLocked()
}

// mostAtOnce is the size of a write: all of it is in doubt when it fails on a link that is not exact, and it is the step of the window.
func (b *Box) mostAtOnce(exact bool) int {
	most := WriteSize
	if !exact {
		most = inexactSize
	}
	if b.cfg.Resend > 0 {
		most = min(most, max(b.cfg.Resend/4, 512))
	}
	return most
}

// Hold disconnects: no write begins any more, what was not written is kept for the next Release, and Run ends. Call it
// before the socket is closed, and settle after that: settle waits for the write under way, which the closed socket
// ends (for a second at most: then that piece counts as written), puts what remains in front of what was published
// meanwhile, and tells the loss. Hold without a link does nothing; only the first settle has a loss to tell.
func (b *Box) Hold() (settle func() Loss) {
	w := b.detach()
	if w == nil {
		return nothingLost
	}
	return func() Loss { return b.settle(w, settleGrace) }
}

func nothingLost() Loss { return Loss{} }

// detach takes the link away, if there is one, and returns the last one if it is not settled.
func (b *Box) detach() *wire {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wire != nil {
		b.detachLocked()
	} else if w := b.parked; w != nil && w.leaving {
		w.stopped = true
		b.wakeLocked(w)
	}
	return b.parked
}

// Leave takes the link away in peace: what was accepted so far is still written to it, with a PING behind it that the caller has the
// answer to (see [Box.Pong]); what is accepted from now on is kept for the next link. A Hold, and its settle, must follow. False:
// there is no link.
func (b *Box) Leave() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.wire
	if w == nil || b.closed || w.failed {
		return false
	}
	b.active.add(pingOp)
	b.askedLocked(w, b.plain, false)
	w.leaving = true
	w.rest, b.active, b.spare = b.active, b.spare, batch{}
	w.plain = b.plain
	b.era++
	b.wire, b.parked, b.fit = nil, w, -1
	if len(w.flight.buf) == 0 {
		w.flight, w.rest, w.last = w.rest, batch{}, w.plain
	}
	b.wakeLocked(w)
	b.room.tell()
	return true
}

func (b *Box) detachLocked() {
	w := b.wire
	w.stopped = true
	w.rest, b.active, b.spare = b.active, b.spare, batch{}
	w.plain = b.plain
	b.era++
	b.wire, b.parked, b.fit = nil, w, -1
	b.wakeLocked(w)
	b.room.tell()
	b.quiet.tell()
}

// settle works out what remains of w, which was detached, after waiting for its write. The lock is not held over the
// work, which may be megabytes; whoever comes second waits for the first.
func (b *Box) settle(w *wire, grace time.Duration) Loss {
	b.awaitReturn(w, grace)
	claimed, again, confirmed := b.claim(w)
	if !claimed {
		b.awaitSettled(w)
		return Loss{}
	}
	r := w.remains(b.cfg.Asks, again, confirmed)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mergeLocked(w, r)
}

// awaitReturn waits until no write on w is under way, for the grace at most.
func (b *Box) awaitReturn(w *wire, grace time.Duration) {
	timer := time.NewTimer(max(grace, 0))
	defer timer.Stop()
	for {
		returned, quiet := b.returned(w)
		if returned {
			return
		}
		select {
		case <-quiet:
		case <-timer.C:
			return
		}
	}
}

func (b *Box) returned(w *wire) (bool, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !w.busy || w.settled, b.quiet.wait()
}

// claim makes the caller the one who settles w, once. again says that what was written and not confirmed is sent again.
func (b *Box) claim(w *wire) (claimed, again bool, confirmed uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.settled {
		return false, false, 0
	}
	w.settled = true
	w.sent += w.asked // not 0 only if the write has not returned: it may have taken everything
	return true, b.cfg.Resend > 0 && !b.closed, b.confirmed
}

// awaitSettled waits for somebody who is settling w: that takes no longer than the work does.
func (b *Box) awaitSettled(w *wire) {
	for {
		settled, quiet := b.settledAlready(w)
		if settled {
			return
		}
		<-quiet
	}
}

func (b *Box) settledAlready(w *wire) (bool, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.parked != w, b.quiet.wait()
}

// remains is what a link that was settled leaves behind.
type remains struct {
	kept  batch // publishes only
	plain int   // of them, how many have no reply subject
	again int   // of those, how many were written before
}

// remains needs no lock: it is called by the one who settles, and nobody else touches the buffers any more (a write that
// never returned may read them).
func (w *wire) remains(asks Asks, again bool, confirmed uint64) (r remains) {
	r.kept.buf = make([]byte, 0, w.left())
	keep := func(op []byte, hasReply bool) {
		switch {
		case !hasReply:
			r.plain++
		case asks != nil && asks.Withdraw(proto.ReplyOf(op)):
			return
		}
		r.kept.add(op)
	}
	boundary := proto.Boundary(w.flight.buf, w.sent)
	if again {
		w.again(boundary, confirmed, func(op []byte) {
			r.again++
			keep(op, false)
		})
	}
	w.flight.publishes(boundary, keep)
	w.rest.publishes(0, keep)
	return r
}

// mergeLocked makes r the beginning of the active buffer, and says what is lost.
func (b *Box) mergeLocked(w *wire, r remains) (loss Loss) {
	b.parked = nil
	b.quiet.tell()
	// Publishes up to written have been written, those behind it are kept: see the package comment.
	written := w.plain - uint64(r.plain)
	loss.Unconfirmed = int(written - min(b.confirmed, written))
	b.confirmed = max(b.confirmed, written)
	b.reached = max(b.reached, written+uint64(r.again))
	b.resent += uint64(r.again)
	if b.cfg.Keep <= 0 {
		loss.Dropped = r.kept.ops
		b.confirmed = w.plain
		return loss
	}
	if r.kept.ops > 0 {
		since := b.active
		b.active = r.kept
		since.publishes(0, func(op []byte, _ bool) { b.active.add(op) })
	}
	return loss
}
