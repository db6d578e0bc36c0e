package outbox

import (
	"math"

	"github.com/gannet-io/nats/internal/mono"
)

// question is a PING in the stream whose PONG has not come.
type question struct {
	mark uint64 // the publishes in front of it
	at   int64  // where it ends, see wire.base
	own  bool   // asked by the box itself, for nobody else
}

// retained is a batch that was written and may yet have to be sent again.
type retained struct {
	batch
	last uint64 // number of its last publish without reply subject
}

var pingOp = []byte("PING\r\n")

// pingEvery is how many bytes of operations may lie between two PINGs of the box's own.
func (c *Config) pingEvery() int {
	every := c.ConfirmBytes
	if c.Resend > 0 && (every <= 0 || every > c.Resend/4) {
		every = max(c.Resend/4, 1)
	}
	if every <= 0 {
		return math.MaxInt
	}
	return every
}

// Ping appends a PING for the caller, whose PONG confirms the publishes in front of it. Never waits; false under the conditions of
// [Box.Control].
func (b *Box) Ping() (sent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.controlLocked(pingOp) {
		return false
	}
	b.askedLocked(b.wire, b.plain, false)
	return true
}

// Pong says that a PONG has come: the server has seen all publishes in front of the oldest PING without one. own means that the box had
// sent that PING for itself: nobody else waits for the answer. ok is false for a PONG that nobody asked for.
func (b *Box) Pong() (own, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.wire
	if w == nil {
		w = b.parked // its reader is still at work
	}
	if w == nil || len(w.questions) == 0 {
		return false, false
	}
	q := w.questions[0]
	w.questions = append(w.questions[:0], w.questions[1:]...)
	w.answered = max(w.answered, q.at)
	b.confirmLocked(q.mark)
	switch { // the window has moved
	case b.cfg.Resend <= 0:
	case w == b.wire:
		b.rouseLocked(true)
	case w.leaving && !w.stopped:
		b.wakeLocked(w)
	}
	return q.own, true
}

// confirmLocked notes that all publishes up to mark have arrived, and lets go of what was retained of them.
func (b *Box) confirmLocked(mark uint64) {
	b.confirmed = max(b.confirmed, min(mark, b.plain))
	w := b.wire
	if w == nil {
		return
	}
	n := 0
	for n < len(w.retained) && w.retained[n].last <= b.confirmed {
		if cap(b.spare.buf) == 0 {
			b.spare = w.retained[n].emptied()
		}
		n++
	}
	if n > 0 {
		kept := copy(w.retained, w.retained[n:])
		clear(w.retained[kept:])
		w.retained = w.retained[:kept]
	}
}

// Unconfirmed reports whether there are publishes of which nobody knows yet whether they have arrived.
func (b *Box) Unconfirmed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.plain > b.confirmed
}

// Resent is how many publishes were sent again because a link took their confirmation with it.
func (b *Box) Resent() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resent
}

// askedLocked notes a PING that was just appended behind mark publishes.
func (b *Box) askedLocked(w *wire, mark uint64, own bool) {
	w.questions = append(w.questions, question{mark: mark, at: w.base + int64(len(w.flight.buf)+len(b.active.buf)), own: own})
	b.unpinged, b.pinged, b.waits = 0, mark, false
}

// pingLocked has the box ask for itself.
func (b *Box) pingLocked(mark uint64) {
	if b.wire == nil {
		return // a Release comes, and asks along what was kept
	}
	b.active.add(pingOp)
	b.askedLocked(b.wire, mark, true)
}

// dueLocked asks when Config.ConfirmAfter has passed since the writer first saw a publish without a PING behind it. It returns the instant at
// which that will be so, [mono.Never] when nothing is to be confirmed.
func (b *Box) dueLocked() mono.Time {
	if b.cfg.ConfirmAfter <= 0 || b.plain <= b.pinged {
		return mono.Never
	}
	now := mono.Now()
	if !b.waits {
		b.waits, b.unasked = true, now
	}
	due := b.unasked.Add(b.cfg.ConfirmAfter)
	if due > now {
		return due
	}
	b.pingLocked(b.plain)
	return mono.Never
}

// fullLocked reports whether w has taken as much as may be unconfirmed: then nothing is written until the PONG of a PING
// that is written comes. Without such a PING the window is open however much was taken, so that it cannot close for ever.
func (b *Box) fullLocked(w *wire) bool {
	if b.cfg.Resend <= 0 || b.closed || len(w.questions) == 0 {
		return false
	}
	written := w.base + int64(w.sent)
	return written-w.answered >= int64(b.cfg.Resend) && w.questions[0].at <= written
}

// askAlongLocked puts PINGs between the publishes that were kept for the link b.wire, so that a link that is lost in the replay
// takes no more than one distance with it.
func (b *Box) askAlongLocked() {
	b.unpinged = 0
	if len(b.active.buf) < b.every {
		return
	}
	kept := b.active
	number := b.plain - uint64(plainIn(&kept))
	b.active = batch{}
	b.active.reserve(len(kept.buf) + len(kept.buf)/b.every*len(pingOp) + len(pingOp))
	kept.publishes(0, func(op []byte, hasReply bool) {
		if !hasReply {
			number++
		}
		b.active.add(op)
		if b.unpinged += len(op); b.unpinged >= b.every {
			b.pingLocked(number)
		}
	})
}

// plainIn counts the publishes without reply subject that are kept.
func plainIn(a *batch) (n int) {
	a.publishes(0, func(_ []byte, hasReply bool) {
		if !hasReply {
			n++
		}
	})
	return n
}

// again calls keep for each publish that w has taken and that is to be sent once more: those without reply subject behind
// number confirmed. boundary is where in w.flight begins what was not taken. What has a reply subject is not
// repeated: its answer, or that none comes, tells.
func (w *wire) again(boundary int, confirmed uint64, keep func(op []byte)) {
	number := w.plain - uint64(plainIn(&w.flight)+plainIn(&w.rest))
	for i := range w.retained {
		number -= uint64(plainIn(&w.retained[i].batch))
	}
	tail := 0
	w.flight.publishes(boundary, func([]byte, bool) { tail++ })
	each := func(op []byte, hasReply bool) {
		if hasReply {
			return
		}
		if number++; number > confirmed {
			keep(op)
		}
	}
	for i := range w.retained {
		w.retained[i].publishes(0, each)
	}
	var flight [][]byte
	var replies []bool
	w.flight.publishes(0, func(op []byte, hasReply bool) {
		flight, replies = append(flight, op), append(replies, hasReply)
	})
	for i := range len(flight) - tail {
		each(flight[i], replies[i])
	}
}
