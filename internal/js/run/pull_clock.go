package run

import (
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/session"
)

// armLocked makes the timer fire at the given time or before. It is moved only earlier: a batch that is answered never
// touches it, and a run of messages neither.
func (p *Puller[M]) armLocked(now, at mono.Time) {
	if !p.closed {
		p.alarm.ringAt(now, at, p)
	}
}

// wake is the timer: it tells the batches of the connection's changes and of the time.
func (p *Puller[M]) wake() {
	p.tick()
	p.work()
}

func (p *Puller[M]) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	now := mono.Now()
	p.alarm.rang()
	next := mono.Never
	for i := len(p.active) - 1; i >= 0; i-- { // backwards: a batch that ends is replaced by the last one
		b := p.active[i]
		p.tellLocked(now, b)
		p.bereaveLocked(now, b)
		if b.machine.Deadline() <= now {
			p.applyLocked(now, b, b.machine.Tick(now))
		}
		next = min(next, b.machine.Deadline(), b.again, b.bereftAt)
	}
	next = min(next, p.sweepLocked(now))
	p.armLocked(now, next)
}

// tellLocked tells b what happened to the connection. What was asked on a lost connection is void, and so is the
// subscription that the answer would have come on: were it kept, a server that still knows the request would serve both.
func (p *Puller[M]) tellLocked(now mono.Time, b *Batch[M]) {
	if b.downs != p.downs {
		b.downs = p.downs
		b.serial++
		p.releaseLocked(now, b.slot, false)
		b.slot = nil
		p.applyLocked(now, b, b.machine.Disconnected(now))
	}
	again := now >= b.again
	if again {
		b.again = mono.Never
	}
	if p.up && (again || b.ups != p.ups) {
		b.ups = p.ups
		p.applyLocked(now, b, b.machine.Reconnected(now))
	}
}

// watchLocked begins to follow the connection's status.
func (p *Puller[M]) watchLocked() {
	if p.unwatch != nil || p.closed {
		return
	}
	p.watch++
	n := p.watch
	p.unwatch = p.link.Watch(func(s session.Status, _ error) { p.statusChanged(n, s) })
	p.deafen = p.link.OnDeleted(p.noteDeletion)
	// A change from here on waits for mu.
	s := p.link.Status()
	p.up, p.leaving = up(s), draining(s)
}

func (p *Puller[M]) unwatchLocked() {
	if p.unwatch != nil {
		p.unwatch()
		p.deafen()
		p.unwatch, p.deafen = nil, nil
	}
}

// up reports whether a connection of status s has a link.
func up(s session.Status) bool {
	return s == session.Connected || draining(s)
}

func draining(s session.Status) bool {
	return s == session.DrainingSubs || s == session.DrainingPubs
}

// statusChanged runs on the supervisor of the connection, so it leaves the batches to the timer.
func (p *Puller[M]) statusChanged(watch int, s session.Status) {
	if s == session.Closed {
		p.linkClosed()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watch != watch || p.closed {
		return
	}
	p.leaving = draining(s)
	switch isUp := up(s); {
	case isUp && !p.up:
		p.ups++
	case !isUp && p.up:
		p.downs++
	case !p.leaving:
		return
	}
	p.up = up(s)
	now := mono.Now()
	p.armLocked(now, now)
}

// linkClosed ends every batch: the connection is over.
func (p *Puller[M]) linkClosed() {
	p.closeAll()
	p.work()
}

func (p *Puller[M]) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	close(p.quit)
	now := mono.Now()
	for len(p.active) > 0 {
		b := p.active[len(p.active)-1]
		p.applyLocked(now, b, b.machine.Closed(now))
	}
	p.free = nil
	p.unwatchLocked()
	p.alarm.stop()
}
