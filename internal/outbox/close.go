package outbox

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// Close refuses everything from now on and wakes whoever waits, with natserr.ConnectionClosed. What was accepted before
// is written while writes progress: Close gives up after idle without progress, and after total at the latest. It
// returns what was not written, and what is unconfirmed if the link failed or was given up. Without a link it returns
// at once. Afterwards nothing is written any more and Run ends; the socket is the caller's to close. A second Close
// returns no loss, at once.
func (b *Box) Close(idle, total time.Duration) (loss Loss) {
	began := mono.Now()
	w, first := b.shut()
	if !first {
		return Loss{}
	}
	// The last tenth is for the write under way to come back.
	if w != nil && b.finish(w, idle, began.Add(total-total/10)) {
		return Loss{}
	}
	if w := b.detach(); w != nil {
		b.interruptUntilReturned(w, began.Add(total))
		loss = b.settle(w, 0)
	}
	rest := b.discard()
	loss.Dropped += rest.Dropped
	loss.Unconfirmed += rest.Unconfirmed
	return loss
}

// shut begins the end; first is false if it has begun before.
func (b *Box) shut() (w *wire, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false
	}
	b.closed, b.fit = true, -1
	b.room.tell()
	b.rouseLocked(true)
	return b.wire, true
}

// finish waits until everything is written and takes the link away, or returns false: the link has failed, was taken
// away, or makes no progress.
func (b *Box) finish(w *wire, idle time.Duration, limit mono.Time) bool {
	began := mono.Now()
	var timer pause
	defer timer.stop()
	for {
		s := b.status(w)
		if s.done || s.over {
			return s.done
		}
		left := min(limit, max(s.since, began).Add(idle)).Sub(mono.Now())
		if left <= 0 {
			return false
		}
		select {
		case <-s.quiet:
		case <-timer.start(min(left, max(idle/5, time.Millisecond))):
			if w.exact {
				interrupt(w) // the writer returns with what it has done so far, and goes on
			}
		}
	}
}

// ending is how far the last writing has come.
type ending struct {
	done, over bool
	since      mono.Time
	quiet      <-chan struct{}
}

func (b *Box) status(w *wire) ending {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wire == w && !w.failed && b.waitingLocked() == 0 {
		b.detachLocked()
		b.parked = nil // nothing remains
		return ending{done: true}
	}
	return ending{over: b.wire != w || w.failed, since: w.since, quiet: b.quiet.wait()}
}

// interrupt ends the write under way with what it has taken.
func interrupt(w *wire) { _ = w.link.SetWriteDeadline(time.Unix(1, 0)) }

// interruptUntilReturned makes the last write return, so that it is known what it took. A deadline that comes between
// the writer's own and its write would be lost, so it is set again.
func (b *Box) interruptUntilReturned(w *wire, limit mono.Time) {
	for {
		interrupt(w)
		left := limit.Sub(mono.Now())
		b.awaitReturn(w, min(left, 2*time.Millisecond))
		if returned, _ := b.returned(w); returned || left <= 0 {
			return
		}
	}
}

// discard throws the kept publishes away and counts them. Those that were to be sent again may have arrived.
func (b *Box) discard() (loss Loss) {
	b.mu.Lock()
	defer b.mu.Unlock()
	number := b.plain - uint64(plainIn(&b.active))
	b.active.publishes(0, func(_ []byte, hasReply bool) {
		if !hasReply {
			number++
		}
		if !hasReply && number <= b.reached {
			loss.Unconfirmed++
		} else {
			loss.Dropped++
		}
	})
	b.active, b.spare = batch{}, batch{}
	return loss
}
