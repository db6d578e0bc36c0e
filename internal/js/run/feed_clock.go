package run

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/session"
)

// retryUnsent is after how long a link is tried again that took no request, and is not down.
const retryUnsent = 100 * time.Millisecond

// armLocked makes the timer fire at the given time, or when again says so.
func (f *Feed[M]) armLocked(now, at mono.Time) {
	if !f.ended {
		f.alarm.ringAt(now, min(at, f.again, f.renewal.at, f.bereftAt), f)
	}
}

// wake is the timer: it tells the machine of the connection's changes and of the time.
func (f *Feed[M]) wake() {
	f.tick()
	f.work()
}

func (f *Feed[M]) tick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	f.alarm.rang()
	now := mono.Now()
	f.changesLocked(now)
	f.bereaveLocked(now)
	f.createLocked(now)
	if !f.ended && f.machine.Deadline() <= now {
		f.applyLocked(now, f.machine.Tick(now))
	}
	f.armLocked(now, f.machine.Deadline())
}

// changesLocked tells the machine what happened to the connection. What was asked on a lost one is void, and so is the inbox: were it
// kept, a server that still knows the request would serve both.
func (f *Feed[M]) changesLocked(now mono.Time) {
	if f.downs > 0 {
		f.downs = 0
		f.serial++
		last := f.slot
		f.releaseLocked()
		f.old = last // the reader may have some of its messages in hand
		f.applyLocked(now, f.machine.Disconnected(now))
		if f.cfg.Supplier != nil {
			f.renewLocked(now)
		}
	}
	again := now >= f.again
	if again {
		f.again = mono.Never
	}
	switch {
	case !f.up:
	case f.cfg.Supplier != nil && f.ups > 0:
		f.ups = 0
		f.renewal.row = 0
		f.renewLocked(now)
	case f.cfg.Supplier != nil && f.renewal.lost:
	case f.ups > 0 || again:
		f.ups = 0
		f.applyLocked(now, f.machine.Reconnected(now))
	}
	if f.leaving {
		f.applyLocked(now, f.machine.Drain(now))
	}
}

// statusChanged runs on the supervisor of the connection, so it leaves the rest to the timer.
func (f *Feed[M]) statusChanged(s session.Status, _ error) {
	if s == session.Closed {
		f.linkClosed()
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	if !f.leaving && draining(s) {
		f.p.link.HoldDrain(f.over) // so that what has arrived can be acknowledged
	}
	f.leaving = draining(s)
	switch isUp := up(s); {
	case isUp && !f.up:
		f.ups++
	case !isUp && f.up:
		f.downs++
	case !f.leaving:
		return
	}
	f.up = up(s)
	now := mono.Now()
	f.armLocked(now, now)
}

// linkClosed ends the feed: the connection is over.
func (f *Feed[M]) linkClosed() {
	f.close()
	f.work()
}

func (f *Feed[M]) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := mono.Now()
	f.applyLocked(now, f.machine.Closed(now))
}
