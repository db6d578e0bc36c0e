package session

import (
	"slices"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/pool"
)

// Start begins the first pass. Only the first call has an effect.
func (m *Machine) Start(now mono.Time) []Action {
	m.begin()
	if m.phase != idle {
		return m.out
	}
	m.emit(Connecting, nil)
	m.beginPass(now)
	return m.out
}

// beginPass dials the first server of a pass over the whole pool.
func (m *Machine) beginPass(now mono.Time) {
	m.left = m.pool.Len()
	m.passErr, m.passLast = nil, 0
	m.phase = dialing
	m.dialNext(now)
}

// dialNext dials the next server of the pass, or ends the pass when there is none and nothing is in flight.
func (m *Machine) dialNext(now mono.Time) {
	var s *pool.Server
	if m.left > 0 {
		s = m.pool.Next(m.busy)
	}
	switch {
	case s != nil:
		m.left--
		m.dial(now, s, m.early)
	case len(m.dials) == 0:
		m.left = 0
		m.passEnded(now)
	default:
		m.left = 0
	}
}

func (m *Machine) busy(s *pool.Server) bool {
	return slices.ContainsFunc(m.dials, func(d dial) bool { return d.server == s })
}

func (m *Machine) dial(now mono.Time, s *pool.Server, early bool) {
	m.phase = dialing
	m.dialed++
	m.lastDial = now
	m.dials = append(m.dials, dial{number: m.dialed, server: s, since: now, early: early})
	m.out = append(m.out, Action{Kind: Dial, Dial: m.dialed, Server: s})
}

// DialDone reports the end of a dial: nil if its link is usable, with the handshake done, else why not. The result of a dial that was
// aborted is ignored.
func (m *Machine) DialDone(now mono.Time, number uint64, err error) []Action {
	m.begin()
	if m.aside.open && !m.aside.ready && m.aside.number == number {
		m.asideDone(now, err)
		return m.out
	}
	i := slices.IndexFunc(m.dials, func(d dial) bool { return d.number == number })
	if i < 0 {
		return m.out
	}
	d := m.dials[i]
	d.took = now.Sub(d.since)
	m.dials = slices.Delete(m.dials, i, i+1)
	if err == nil {
		m.install(now, d)
	} else {
		m.failed(now, d, err)
	}
	return m.out
}

func (m *Machine) install(now mono.Time, d dial) {
	m.abortDials()
	m.pool.Select(d.server)
	d.server.Succeeded()
	m.last = nil
	m.phase = up
	m.link.installed(now, &m.cfg, d.took)
	m.out = append(m.out, Action{Kind: Install, Dial: d.number, Server: d.server})
	if !m.draining() {
		m.emit(Connected, nil)
	}
	if m.connected {
		m.do(TellReconnected)
	} else {
		m.do(TellConnected)
	}
	m.connected = true
	m.answer(nil)
}

// abortDials gives up what is in flight.
func (m *Machine) abortDials() {
	for _, d := range m.dials {
		m.out = append(m.out, Action{Kind: Abort, Dial: d.number})
	}
	if m.aside.open {
		m.out = append(m.out, Action{Kind: Abort, Dial: m.aside.number})
	}
	m.aside = aside{at: mono.Never}
	m.dials = m.dials[:0]
	m.left = 0
}

// answer is Connect's result; later ones are dropped.
func (m *Machine) answer(err error) {
	if m.answered {
		return
	}
	m.answered = true
	if err != nil {
		m.tell(ConnectFailed, err)
	} else {
		m.do(ConnectDone)
	}
}

// failed judges the failure of d, which is no longer in flight, and goes on with the pass.
func (m *Machine) failed(now mono.Time, d dial, err error) {
	if d.number > m.passLast {
		m.passErr, m.passLast = err, d.number
	}
	m.reached = fromServer(err)
	if m.reached {
		m.last = err
	}
	reason := refusal(err)
	switch {
	case reason == nil:
		d.server.Failed(err)
	case m.refused(d.server, reason):
		m.end(err, false)
		return
	}
	if m.answered && !d.early {
		d.server.Failures++
		if reason == nil || !m.connected {
			m.tell(TellReconnectFailed, err)
		}
		m.pool.Retire(d.server, m.cfg.MaxReconnect)
	}
	m.goOn(now)
}

// refused applies the rule for refused credentials, and reports whether they end the connection.
func (m *Machine) refused(s *pool.Server, reason error) bool {
	again := s.Refused(reason)
	m.quick = len(quickPauses)
	if m.connected {
		m.tell(TellError, reason)
	}
	return again && m.answered && !m.cfg.IgnoreAuthAbort
}

// goOn continues after a failure.
func (m *Machine) goOn(now mono.Time) {
	switch {
	case len(m.dials) == 0 && m.pool.Len() == 0 && m.answered:
		m.giveUp()
	case len(m.dials) == 0 && m.answered && m.cfg.ChooseServer:
		m.ask(now)
	default:
		m.dialNext(now)
	}
}

// passEnded: every server of the pass has failed.
func (m *Machine) passEnded(now mono.Time) {
	if m.answered {
		m.pause(now)
		return
	}
	err := m.passErr
	if err == nil || portRefused(err) {
		err = natserr.NoServers
	}
	m.last = err
	if !m.cfg.RetryFailed {
		m.end(err, false)
		return
	}
	if !m.draining() {
		m.emit(Reconnecting, err)
	}
	m.answer(nil)
	m.tell(TellReconnectFailed, err)
	m.quick = 0
	m.outage(now)
}

// stagger says when the dials in flight have been silent for long enough to be joined by another.
func (m *Machine) stagger() mono.Time {
	if m.left == 0 || len(m.dials) == 0 || len(m.dials) >= maxDials || m.staggerBarred() {
		return mono.Never
	}
	return after(m.lastDial, m.cfg.Stagger)
}

// staggerBarred: where the user chooses the servers, one at a time is dialled.
func (m *Machine) staggerBarred() bool { return m.answered && m.cfg.ChooseServer }

func (m *Machine) dialDeadline() mono.Time {
	at := m.stagger()
	for _, d := range m.dials {
		at = min(at, after(d.since, m.cfg.DialLimit))
	}
	return at
}

// dialsDue ends the dials that took too long, else starts another one.
func (m *Machine) dialsDue(now mono.Time) {
	for i, d := range m.dials {
		if now >= after(d.since, m.cfg.DialLimit) {
			m.dials = slices.Delete(m.dials, i, i+1)
			m.out = append(m.out, Action{Kind: Abort, Dial: d.number})
			m.failed(now, d, natserr.Timeout)
			return // the others, if any, are still due
		}
	}
	if now >= m.stagger() {
		m.dialNext(now)
	}
}
