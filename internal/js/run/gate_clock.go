package run

import (
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/session"
)

// armLocked makes the timer fire when a machine wants to look at the clock.
func (g *Gate) armLocked(now mono.Time) {
	g.armAtLocked(now, min(g.flow.Deadline(), g.renew.Deadline()))
}

func (g *Gate) armAtLocked(now, at mono.Time) {
	if !g.stopped {
		g.alarm.ringAt(now, at, g)
	}
}

// wake is the timer: it tells the machines of the connection's changes and of the time.
func (g *Gate) wake() {
	g.tick()
	g.work()
}

func (g *Gate) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return
	}
	g.alarm.rang()
	now := mono.Now()
	g.changesLocked(now)
	if g.flow.Deadline() <= now {
		g.flowLocked(g.flow.Tick(now))
	}
	if g.renew.Deadline() <= now {
		g.renewLocked(now, g.renew.Tick(now))
	}
	g.armLocked(now)
}

// changesLocked tells the machines what happened to the connection.
func (g *Gate) changesLocked(now mono.Time) {
	if g.leaving && !g.drained {
		g.drained = true
		g.jobs.add(gateJob{kind: gateDrain})
	}
	if g.downs > 0 {
		g.downs = 0
		g.flow.Disconnected()
		g.renewLocked(now, g.renew.Disconnected(now))
	}
	if g.up && g.ups > 0 {
		g.ups = 0
		g.flow.Reconnected(now)
		g.renewLocked(now, g.renew.Reconnected())
	}
}

// watch begins to follow the connection's status.
func (g *Gate) watch() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return
	}
	if g.cfg.Heartbeat > 0 {
		g.link.Owe(1) // a silent link is probed while somebody waits on it
	}
	g.unwatch = g.link.Watch(g.statusChanged)
	if g.cfg.Renew != nil {
		g.deafen = g.link.OnDeleted(g.noteDeletion)
	}
	// A change from here on waits for mu.
	g.up = up(g.link.Status())
}

// statusChanged runs on the supervisor of the connection, so it leaves the rest to the timer.
func (g *Gate) statusChanged(s session.Status, _ error) {
	if s == session.Closed {
		g.linkClosed()
		return
	}
	g.noteStatus(s)
}

func (g *Gate) noteStatus(s session.Status) {
	g.mu.Lock()
	defer g.mu.Unlock()
	leaves := draining(s) && g.cfg.Drain != nil && !g.leaving
	switch isUp := up(s); {
	case g.stopped:
		return
	case leaves:
		g.leaving = true
		g.link.HoldDrain(g.cfg.Hold)
	case isUp && !g.up:
		g.ups++
	case !isUp && g.up:
		g.downs++
		g.losses++
	default:
		return
	}
	g.up = up(s)
	now := mono.Now()
	g.armAtLocked(now, now)
}

// missed says that the server is silent.
func (g *Gate) missedLocked(now mono.Time) {
	if g.cfg.Renew == nil {
		g.tellLocked(GateNews{Code: wire.NoHeartbeat})
		return
	}
	g.renewLocked(now, g.renew.Broken(now, wire.NoHeartbeat, ""))
}
