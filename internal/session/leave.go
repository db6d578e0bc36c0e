package session

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/pool"
)

// aside is a dial beside a link that is to be left: its server is a lame duck.
type aside struct {
	dial
	at    mono.Time // when to dial; Never: under way, or nothing to leave
	open  bool      // a dial is under way or ready
	ready bool
	tries int // servers tried since the last pause
}

// asidePause is the time between two rounds over the other servers, while the lame duck still serves.
const asidePause = time.Second

// LameDuck reports that the current server is about to end its links. With Config.LeaveWithin another server is dialled, at
// a random instant within that time so that not all clients of the server move at once, and the link goes on meanwhile.
func (m *Machine) LameDuck(now mono.Time) []Action {
	m.begin()
	if m.phase == up && !m.draining() && m.cfg.AllowReconnect && m.cfg.LeaveWithin > 0 && m.aside == (aside{at: mono.Never}) {
		m.aside.at = now.Add(m.cfg.random(m.cfg.LeaveWithin))
	}
	return m.out
}

// dialAside dials the next server that is not the current one.
func (m *Machine) dialAside(now mono.Time) {
	here, others := m.pool.Current(), m.pool.Len()
	if m.pool.Contains(here) {
		others--
	}
	if m.aside.server != nil {
		m.pool.Select(m.aside.server) // it has had its turn
	}
	s := m.pool.Next(func(s *pool.Server) bool { return s == here })
	m.pool.Select(here)
	if s == nil || m.aside.tries >= others {
		m.aside.tries, m.aside.at = 0, now.Add(asidePause)
		return
	}
	m.dialed++
	m.aside = aside{dial: dial{number: m.dialed, server: s, since: now}, at: mono.Never, open: true, tries: m.aside.tries + 1}
	m.out = append(m.out, Action{Kind: Dial, Dial: m.dialed, Server: s})
}

// asideDone is DialDone for a dial aside.
func (m *Machine) asideDone(now mono.Time, err error) {
	if err != nil {
		m.aside.server.Failed(err)
		m.aside.open = false
		m.dialAside(now)
		return
	}
	m.aside.ready, m.aside.took = true, now.Sub(m.aside.since)
	m.out = append(m.out, Action{Kind: Leave, Dial: m.aside.number})
}

// Left answers Leave: nothing more is to be expected of the link, and dial number takes its place.
func (m *Machine) Left(now mono.Time, number uint64) []Action {
	m.begin()
	if m.phase == up && m.aside.ready && m.aside.number == number {
		m.disconnect(natserr.LameDuck, nil)
		m.installAside(now)
	}
	return m.out
}

// installAside makes the dial aside, which is ready, the link.
func (m *Machine) installAside(now mono.Time) {
	d := m.aside.dial
	m.aside = aside{at: mono.Never}
	m.install(now, d)
}

// takeAside uses what a dial aside has come to when the link is lost before it was left. It reports whether that is all there is to do.
func (m *Machine) takeAside(now mono.Time) bool {
	a := m.aside
	if a.ready {
		m.installAside(now)
		return true
	}
	m.aside = aside{at: mono.Never}
	if !a.open || m.cfg.ChooseServer || !m.pool.Contains(a.server) {
		if a.open {
			m.out = append(m.out, Action{Kind: Abort, Dial: a.number})
		}
		return false
	}
	// It becomes the first dial of the first pass.
	m.passes, m.early, m.left = 0, false, max(m.pool.Len()-1, 0)
	m.passErr, m.passLast = nil, 0
	m.lastDial = now
	m.dials = append(m.dials, a.dial)
	m.phase = dialing
	return true
}
