package pull

import (
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// Deadline says when Tick is due; mono.Never when the batch is over.
func (m *Machine) Deadline() mono.Time {
	switch m.phase {
	case fresh, done:
		return mono.Never
	}
	if m.complete() || m.phase == lingering && m.delivered > 0 {
		return m.heard
	}
	at := m.cfg.Deadline
	switch m.phase {
	case paused:
		return min(at, m.askAt)
	case asked, offline:
		at = min(at, m.silence.missing(), m.unanswered())
		if m.phase == asked {
			at = min(at, m.silence.late())
		}
	}
	return at
}

// Tick does what is due at now. To be early is harmless.
func (m *Machine) Tick(now mono.Time) []Action {
	switch {
	case m.phase == fresh || m.phase == done:
		return nil
	case m.complete():
		// The last message of a request with a byte limit can be followed by a 409.
		m.clean = m.phase == asked && m.cfg.Request.MaxBytes == 0
		return m.finish(wire.OK, "")
	case now >= m.cfg.Deadline:
		return m.giveUp()
	case m.phase == lingering:
		if m.delivered > 0 { // late, but there it is
			return m.finish(wire.RequestTimeout, "")
		}
		return nil
	case m.phase == paused:
		if now < m.askAt {
			return nil
		}
		return m.ask(now)
	case now >= m.silence.missing(): // without a connection, too: a batch is to end, not to hope
		return m.finish(wire.NoHeartbeat, "")
	case now >= m.unanswered():
		return m.giveUp()
	case m.phase == asked && now >= m.silence.late():
		m.silence.doubted = true
		m.out[0] = Action{Kind: Doubt}
		return m.out[:1]
	}
	return nil
}

// unanswered is when the end of the request is overdue: its expiry and one second after the last frame. Heartbeats cannot put
// it off more than once; messages can, as each brings the end of the batch nearer. A batch that takes its expiry from
// the caller's deadline has that bound alone.
func (m *Machine) unanswered() mono.Time {
	if m.cfg.Request.Expires == 0 && !m.cfg.Request.NoWait {
		return mono.Never
	}
	span := m.expires + slack
	return max(m.fed, min(m.heard, m.start.Add(span))).Add(span)
}

// giveUp ends the batch by its own clock. A live server would have said something, so the link is doubtful.
func (m *Machine) giveUp() []Action {
	doubt := m.phase == asked && !m.silence.doubted
	acts := m.finish(m.overdue(), "")
	if doubt {
		m.out[1] = Action{Kind: Doubt}
		acts = m.out[:2]
	}
	return acts
}

// overdue names the end by the own clock. A batch without any word from the server must not look like an idle stream.
func (m *Machine) overdue() wire.Code {
	switch {
	case !m.word:
		return wire.NoAnswer
	case !m.online:
		return wire.Disconnected
	}
	return wire.Timeout
}
