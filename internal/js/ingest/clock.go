package ingest

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// ask sends a question, or leaves it to the next link. An answer that is late may be due to the link: whoever has heard of it lately knows better.
func (m *Machine) ask(now mono.Time) {
	m.phase, m.again = Asking, mono.Never
	if m.up {
		if m.asks > 0 || m.waits() {
			m.do(Action{Kind: Doubt})
		}
		m.do(Action{Kind: Ping, From: m.sent})
		m.asked, m.spoke = now, now
		m.asks++
	}
}

// later is when to try again what nobody answered.
func (m *Machine) later(now mono.Time) {
	m.pause = min(max(2*m.pause, firstPause), lastPause)
	m.again = now.Add(m.pause)
}

// waits reports whether something is to be stored or committed.
func (m *Machine) waits() bool { return m.accepted > m.acked || m.held }

// Deadline is when Tick is due.
func (m *Machine) Deadline() mono.Time {
	if m.phase == Over {
		return mono.Never
	}
	at := m.again
	if m.waits() {
		at = min(at, m.progress.Add(m.cfg.GiveUp))
	}
	switch m.phase {
	case Starting, Ending, Committing:
		at = min(at, m.asked.Add(overdue))
	case Asking:
		if m.up && m.again == mono.Never {
			at = min(at, m.asked.Add(overdue))
		}
	case Open:
		at = min(at, m.spoke.Add(m.patience()), m.asked.Add(keepAlive))
	}
	return at
}

// patience is how long an open batch may be quiet: not long when the next message waits for an ack.
func (m *Machine) patience() time.Duration {
	if m.sent >= m.limit() {
		return overdue
	}
	return keepAlive
}

// Tick does what is due.
func (m *Machine) Tick(now mono.Time) []Action {
	m.out = m.out[:0]
	if now < m.Deadline() {
		return m.out
	}
	if m.waits() && now >= m.progress.Add(m.cfg.GiveUp) {
		m.finish(wire.Timeout, m.refused)
		return m.out
	}
	if m.phase == Idle {
		m.again = mono.Never
		m.goOn(now)
		return m.out
	}
	m.ask(now)
	return m.out
}
