package pull

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// ask sends a request for what the batch still lacks, or waits for the connection.
func (m *Machine) ask(now mono.Time) []Action {
	if !m.online {
		if m.phase = offline; m.cfg.FailOnDisconnect {
			return m.finish(wire.Disconnected, "")
		}
		return nil
	}
	r := m.cfg.Request
	left := m.timeLeft(now)
	if left == 0 && (r.Expires > 0 || !r.NoWait) {
		return m.expired()
	}
	m.phase, m.sent = asked, true
	r.NoWait = r.NoWait || m.noWait
	r.Expires = left
	r.Batch = m.room
	if r.MaxBytes > 0 {
		r.MaxBytes = m.byteRoom
	}
	r.Heartbeat = heartbeatFor(r.Heartbeat, left)
	m.silence.beat = r.Heartbeat
	m.silence.heard(now)
	m.out[0] = Action{Kind: Ask, Request: r}
	return m.out[:1]
}

// timeLeft is what a request at now may take: 0 for a no-wait request without an expiry, and when the time is over.
func (m *Machine) timeLeft(now mono.Time) time.Duration {
	r := &m.cfg.Request
	if r.Expires > 0 {
		return max(m.start.Add(r.Expires).Sub(now), 0)
	}
	if r.NoWait {
		return 0
	}
	rest := max(m.cfg.Deadline.Sub(now), 0)
	return rest - min(rest/10, 5*time.Second)
}

// expired is the end of a batch without a request that could still be sent.
func (m *Machine) expired() []Action {
	if m.cfg.Linger && m.delivered == 0 && m.cfg.Deadline != mono.Never {
		m.phase = lingering
		return nil
	}
	return m.finish(m.overdue(), "")
}
