package ingest

import (
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// FlowAck says that the batch's messages up to n are stored, and that the next ack comes every messages later. It answers a ping, too:
// then the server has everything that was sent.
func (m *Machine) FlowAck(now mono.Time, n, every uint64) []Action {
	m.out = m.out[:0]
	switch m.phase {
	case Starting, Asking, Open, Committing:
	default:
		return m.out
	}
	m.store(now, n)
	m.every = max(min(every, m.cfg.Every), 1)
	m.again, m.asks = mono.Never, 0
	switch m.phase {
	case Starting, Asking:
		m.phase = Open
	}
	m.asked = now
	if m.sent < m.limit() && !m.held {
		m.progress = now // nothing is late: the rest is acked when the interval is full
	}
	m.goOn(now)
	return m.out
}

// Gap says that the server lacks a message of the batch. It has ended the batch and will ack the prefix.
func (m *Machine) Gap(now mono.Time) []Action {
	m.out = m.out[:0]
	m.ended(now)
	return m.out
}

// Refused says that the stream does not take the batch's message n. The server has ended the batch and will ack the prefix.
func (m *Machine) Refused(now mono.Time, n uint64, err *wire.APIError) []Action {
	m.out = m.out[:0]
	if m.phase != Idle && m.phase != Over {
		m.refuse(n, err)
	}
	m.ended(now)
	return m.out
}

// refuse notes the first of the messages that the stream does not take.
func (m *Machine) refuse(n uint64, err *wire.APIError) {
	if at := m.base + n; m.refused == nil || at < m.badMsg {
		m.refused, m.badMsg = err, at
	}
}

func (m *Machine) ended(now mono.Time) {
	switch m.phase {
	case Starting, Open, Asking, Committing:
		m.phase, m.asked, m.again, m.asks = Ending, now, mono.Never, 0
	}
}

// Ack is the end of the batch: its messages up to n are stored, and none behind it.
func (m *Machine) Ack(now mono.Time, n uint64) []Action {
	m.out = m.out[:0]
	if m.phase == Idle || m.phase == Over {
		return m.out
	}
	m.store(now, n)
	m.sent = m.acked
	if m.refused != nil && m.badMsg == m.acked+1 {
		m.finish(wire.ServerRefused, m.refused)
		return m.out
	}
	// What was refused behind a message that is missing will be refused again.
	m.phase, m.again, m.asks = Idle, mono.Never, 0
	m.goOn(now)
	return m.out
}

// Failed is an error instead of an ack of the batch's message n. If that is the first one there is no batch. Otherwise the stream did not look
// at the batch, and will miss the message: the question makes it do so.
func (m *Machine) Failed(now mono.Time, n uint64, err *wire.APIError) []Action {
	m.out = m.out[:0]
	switch m.phase {
	case Starting:
		if n == 1 {
			m.sent = m.acked
			m.finish(wire.ServerRefused, err)
		}
	case Open, Committing:
		m.refuse(n, err)
		m.ask(now)
	}
	return m.out
}

// Unknown says that the server does not know the batch. ping: it answers a question, not a message that came behind the end.
func (m *Machine) Unknown(now mono.Time, ping bool) []Action {
	m.out = m.out[:0]
	switch m.phase {
	case Asking:
		if ping {
			m.forgotten(now)
		}
	case Open, Committing:
		// The end itself may have got lost: ask, the answer is certain.
		m.ask(now)
	}
	return m.out
}

// forgotten: nobody knows what is stored behind acked.
func (m *Machine) forgotten(now mono.Time) {
	m.risk = max(m.risk, m.sent)
	if !m.cfg.Repeat {
		m.finish(wire.BatchForgotten, nil)
		return
	}
	m.phase, m.sent, m.again, m.asks = Idle, m.acked, mono.Never, 0
	m.goOn(now)
}

// Nobody says that no stream answers at the moment: it has no leader.
func (m *Machine) Nobody(now mono.Time) []Action {
	m.out = m.out[:0]
	switch m.phase {
	case Starting:
		// The first message was not stored, and there is no batch.
		m.phase, m.sent = Idle, m.acked
		m.later(now)
	case Open, Committing, Asking, Ending:
		m.phase = Asking
		m.later(now)
	}
	return m.out
}

// Down says that the link is lost, and with it what was under way.
func (m *Machine) Down(now mono.Time) []Action {
	m.out = m.out[:0]
	m.up = false
	switch m.phase {
	case Starting, Open, Committing, Ending:
		m.phase = Asking
	}
	m.again = mono.Never
	return m.out
}

// Up says that there is a link.
func (m *Machine) Up(now mono.Time) []Action {
	m.out = m.out[:0]
	m.up, m.pause, m.asks = true, 0, 0
	switch m.phase {
	case Asking:
		m.ask(now)
	case Idle:
		m.goOn(now)
	}
	return m.out
}

// Closed says that the connection is over.
func (m *Machine) Closed(mono.Time) []Action {
	m.out = m.out[:0]
	if m.phase != Over {
		m.finish(wire.ConnectionClosed, nil)
	}
	return m.out
}

// Abandon ends the machine without a commit.
func (m *Machine) Abandon(mono.Time) []Action {
	m.out = m.out[:0]
	if m.phase != Over {
		m.finish(wire.Canceled, nil)
	}
	return m.out
}
