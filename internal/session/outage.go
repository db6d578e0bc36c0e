package session

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/pool"
)

// LinkFailed reports that the current link's reader or writer failed. The engine does not report links before the current one.
func (m *Machine) LinkFailed(now mono.Time, err error) []Action {
	m.begin()
	if m.phase == up {
		m.lost(now, err)
	}
	return m.out
}

// lost handles the end of the link: a reconnect, or the end where none is allowed or the connection drains.
func (m *Machine) lost(now mono.Time, err error) {
	if m.draining() && !m.patient || !m.cfg.AllowReconnect {
		m.emit(Disconnected, err)
		m.end(err, true)
		return
	}
	if now.Sub(m.link.since) >= steady {
		m.quick, m.jittered = 0, 0
	}
	m.disconnect(err, nil)
	m.pool.Retire(m.pool.Current(), m.cfg.MaxReconnect)
	if !m.takeAside(now) {
		m.outage(now)
	}
}

// disconnect leaves the link: from here on, the status is RECONNECTING, unless a shutdown goes on. pending is what requests are told, nil if they stay.
func (m *Machine) disconnect(err, pending error) {
	m.last = nil
	m.reached = false
	if m.draining() {
		m.tell(CloseLink, err)
	} else {
		m.emit(Reconnecting, err)
		m.do(CloseLink)
	}
	if pending != nil {
		m.tell(FailPending, pending)
	}
	m.tell(TellDisconnected, err)
}

// outage begins the attempts to connect again. Early passes go on where those of the last outage ended, unless the link between was
// a steady one.
func (m *Machine) outage(now mono.Time) {
	m.passes, m.left, m.early = 0, 0, false
	if !m.mayHurry() {
		m.quick = len(quickPauses)
		m.left = m.pool.Len()
		if m.pool.Contains(m.pool.Current()) {
			m.left-- // the lost server is the first attempt of this pass
		}
	}
	m.attempt(now)
}

// mayHurry allows the early passes. A server that just refused the credentials would refuse them again before
// anybody could have renewed them, and that ends the connection.
func (m *Machine) mayHurry() bool { return m.cfg.QuickFirst && !m.pool.Refusing() }

// attempt is the next attempt, after the user was asked for a server where he chooses.
func (m *Machine) attempt(now mono.Time) {
	switch {
	case m.pool.Len() == 0:
		m.giveUp()
	case m.cfg.ChooseServer:
		m.ask(now)
	default:
		m.proceed(now)
	}
}

func (m *Machine) ask(now mono.Time) {
	m.phase = choosing
	m.until = now.Add(askLimit)
	m.do(AskServer)
}

// Chosen answers AskServer: s is dialled after d. With nil, the machine makes the choice and the pause, and so it does for a server that is
// not in the pool, which is told as [natserr.ServerNotInPool]. Without an AskServer it is ignored.
func (m *Machine) Chosen(now mono.Time, s *pool.Server, d time.Duration) []Action {
	m.begin()
	if m.phase != choosing {
		return m.out
	}
	switch {
	case s == nil:
		m.proceed(now)
	case !m.pool.Contains(s):
		m.tell(TellReconnectFailed, natserr.ServerNotInPool)
		m.proceed(now)
	default:
		if s.Failures > 0 {
			d = max(d, minPause)
		}
		m.chosen = s
		m.rest(now, d)
		if d <= 0 {
			m.pauseOver(now)
		}
	}
	return m.out
}

// proceed dials the next server of the pass, or pauses in front of the next pass.
func (m *Machine) proceed(now mono.Time) {
	if m.left > 0 {
		m.phase = dialing
		m.dialNext(now)
	} else {
		m.pause(now)
	}
}

// pause begins the pause in front of a pass, or asks how long it is.
func (m *Machine) pause(now mono.Time) {
	m.passes++
	m.chosen = nil
	m.early = m.quick < len(quickPauses)
	switch {
	case m.early && m.quick == 0:
		m.quick++
		m.rest(now, m.cfg.random(quickJitter))
	case m.early:
		m.quick++
		m.rest(now, quickPauses[m.quick-1])
	case m.cfg.CustomDelay:
		m.phase = askedDelay
		m.until = now.Add(askLimit)
		m.out = append(m.out, Action{Kind: AskDelay, Passes: m.passes})
	case m.cfg.FullJitter:
		m.rest(now, max(minPause, m.cfg.random(m.bound())))
	default:
		m.rest(now, max(minPause, sum(m.cfg.Wait, m.cfg.random(m.cfg.Jitter))))
	}
}

// bound is what the next pause under FullJitter lies below.
func (m *Machine) bound() time.Duration {
	b := firstBound << min(m.jittered, 20)
	m.jittered++
	return min(b, m.cfg.Wait)
}

// sum is a+b without overflow; negative ones count as nothing.
func sum(a, b time.Duration) time.Duration {
	a, b = max(a, 0), max(b, 0)
	if a+b < a {
		return a
	}
	return a + b
}

func (m *Machine) rest(now mono.Time, d time.Duration) {
	m.phase = pausing
	m.until = min(now.Add(min(max(d, 0), maxPause)), mono.Never-1)
}

// Delay answers AskDelay. Without one it is ignored.
func (m *Machine) Delay(now mono.Time, d time.Duration) []Action {
	m.begin()
	if m.phase == askedDelay {
		m.rest(now, max(d, minPause))
	}
	return m.out
}

// pauseOver dials what the pause was in front of.
func (m *Machine) pauseOver(now mono.Time) {
	s := m.chosen
	m.chosen = nil
	switch {
	case s != nil && m.pool.Contains(s):
		m.pool.Select(s)
		m.dial(now, s, false)
	case m.pool.Len() == 0:
		m.giveUp()
	default:
		m.beginPass(now)
	}
}

// ForceReconnect leaves a link without waiting for its failure, also where reconnects are not allowed: what is pending ends
// with [natserr.Disconnected], and the first attempt comes at once. In a pause, it ends the pause. While dialling and draining it does nothing.
func (m *Machine) ForceReconnect(now mono.Time) []Action {
	m.begin()
	switch {
	case m.phase == pausing, m.phase == askedDelay:
		m.pauseOver(now)
	case m.phase == up && !m.draining():
		m.disconnect(nil, natserr.Disconnected)
		if m.takeAside(now) {
			return m.out
		}
		m.passes, m.quick, m.early = 0, len(quickPauses), false
		if m.mayHurry() {
			m.quick, m.early = 1, true
		}
		m.left = m.pool.Len()
		m.attempt(now)
	}
	return m.out
}
