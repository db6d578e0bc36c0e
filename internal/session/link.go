package session

import (
	"math"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
)

const firstInstant mono.Time = math.MinInt64

// link is what is known about the health of the current link. Two checks run side by side:
//
//   - the ping timer: a PING every interval, whatever else is heard; too many without PONG: stale;
//   - doubts: one PING (the probe) when something that is owed an answer stays silent, or somebody says so; not a byte after it: stale.
type link struct {
	since      mono.Time
	nextPing   mono.Time
	unanswered int
	drainBy    mono.Time

	dialled   time.Duration // how long it took to come about
	heard     mono.Time     // the last bytes
	owed      Debt          // also kept while there is no link
	owedSince mono.Time
	asked     mono.Time // since when owed is Answers
	probing   bool
	probedAt  mono.Time
	probeEnds mono.Time
}

// Debt is what a server owes.
type Debt uint8

const (
	Nothing Debt = iota
	Pongs        // to the ping timer, which has a patience of its own
	Answers      // replies, acks, pulls, PONGs to others
)

func (l *link) installed(now mono.Time, cfg *Config, dialled time.Duration) {
	l.since, l.dialled = now, dialled
	l.nextPing = after(now, cfg.PingInterval)
	l.unanswered = 0
	l.drainBy = mono.Never
	l.heard = max(l.heard, now)
	l.probing = false
}

func (m *Machine) linkDeadline() mono.Time {
	at := min(m.link.nextPing, m.link.drainBy, m.aside.at)
	switch {
	case m.link.probing:
		return min(at, m.link.probeEnds)
	case m.link.owed != Nothing && m.cfg.DoubtFor > 0:
		due, _ := m.doubtDue()
		return min(at, due)
	}
	return at
}

// doubtDue is when the silence behind what is owed is cause for doubt, and how long the link has then.
func (m *Machine) doubtDue() (at mono.Time, limit time.Duration) {
	l, cfg := &m.link, &m.cfg
	at = after(max(l.heard, l.owedSince), cfg.DoubtAfter)
	if l.owed == Answers && cfg.PingInterval > 0 && cfg.DoubtAfter > 0 {
		if soon := max(l.heard, l.asked).Add(max(cfg.PingInterval, minDoubt)); soon <= at {
			return soon, cfg.probeLimit(l.dialled)
		}
	}
	return at, cfg.DoubtFor
}

// linkDue does one of the things that are due on a link.
func (m *Machine) linkDue(now mono.Time) {
	l := &m.link
	switch {
	case l.probing && now >= l.probeEnds:
		m.lost(now, natserr.StaleConnection)
	case now >= l.drainBy:
		m.last = natserr.DrainTimeout
		m.tell(TellError, natserr.DrainTimeout)
		m.end(nil, true)
	case now >= m.aside.at:
		m.dialAside(now)
	case now >= l.nextPing:
		l.nextPing = after(now, m.cfg.PingInterval)
		l.unanswered++
		if l.unanswered > m.cfg.MaxPingsOut {
			m.lost(now, natserr.StaleConnection)
			return
		}
		m.do(SendPing)
	default:
		_, limit := m.doubtDue()
		m.probe(now, after(now, limit))
	}
}

// probe sends the PING after which the link has until ends for its next byte. A probe that is out already may only get less time.
func (m *Machine) probe(now, ends mono.Time) {
	l := &m.link
	if l.probing {
		l.probeEnds = min(l.probeEnds, ends)
		return
	}
	l.probing, l.probedAt, l.probeEnds = true, now, ends
	m.do(SendPing)
}

// Pong reports the answer to a liveness PING.
func (m *Machine) Pong(now mono.Time) []Action {
	m.begin()
	if m.phase == up {
		m.link.unanswered = 0
		m.Heard(now)
	}
	return m.out
}

// Heard reports that bytes arrived at now, which may lie in the past: it is enough to report the last read in front of a Tick.
func (m *Machine) Heard(now mono.Time) {
	l := &m.link
	l.heard = max(l.heard, now)
	if l.probing && now >= l.probedAt {
		l.probing = false
	}
}

// Owed reports what is outstanding. It counts in every state, and stays until the next call.
func (m *Machine) Owed(now mono.Time, owed Debt) {
	l := &m.link
	if l.owed == Nothing {
		l.owedSince = now
	}
	if l.owed != Answers {
		l.asked = now
	}
	l.owed = owed
}

// Doubt says that an expected answer is late. It sends a PING at once, unless one of these is out or something was
// heard just now, and the link has a short time for its next byte.
func (m *Machine) Doubt(now mono.Time) []Action {
	m.begin()
	if m.phase == up && m.cfg.DoubtFor > 0 && now >= m.link.heard.Add(recent) {
		m.probe(now, now.Add(m.cfg.probeLimit(m.link.dialled)))
	}
	return m.out
}

// ServerError reports a -ERR on the current link.
func (m *Machine) ServerError(now mono.Time, text string) []Action {
	m.begin()
	if m.phase != up {
		return m.out
	}
	e, effect := classify(text)
	err := plain(e)
	if effect == lost {
		m.lost(now, err)
		return m.out
	}
	m.last = err
	m.tell(TellError, err)
	switch {
	case effect == auth:
		if s := m.pool.Current(); s.Refused(err) && !m.cfg.IgnoreAuthAbort {
			m.end(err, true)
		}
	case effect == unknown && m.cfg.AllowReconnect && (m.patient || !m.draining()):
		m.lost(now, err)
	case effect == unknown:
		m.end(err, true)
	}
	return m.out
}
