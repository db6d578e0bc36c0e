package session

import (
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
)

// Drain begins the end of a connected connection: DRAINING_SUBS. While it drains already, nothing happens. Without a link the
// connection is closed and the error is [natserr.ConnectionReconnecting]; on a closed one it is [natserr.ConnectionClosed].
func (m *Machine) Drain(now mono.Time) ([]Action, error) {
	m.begin()
	switch {
	case m.phase == over:
		return m.out, natserr.ConnectionClosed
	case m.phase != up:
		m.end(nil, false)
		return m.out, natserr.ConnectionReconnecting
	case !m.draining():
		m.link.drainBy = after(now, m.cfg.DrainTimeout)
		m.emit(DrainingSubs, nil)
	}
	return m.out, nil
}

// Shutdown is Drain for those who wait: it begins in every state, and a link that is missing or lost is waited for while the status stays
// DRAINING_SUBS or DRAINING_PUBS. It has no bound of its own. The error is [natserr.ConnectionClosed].
func (m *Machine) Shutdown(mono.Time) ([]Action, error) {
	m.begin()
	switch {
	case m.phase == over:
		return m.out, natserr.ConnectionClosed
	case !m.draining():
		m.patient = true
		m.emit(DrainingSubs, nil)
	}
	return m.out, nil
}

// DrainPubs says that the subscriptions are empty: DRAINING_PUBS. Close is the next step, the engine's.
func (m *Machine) DrainPubs(mono.Time) []Action {
	m.begin()
	if (m.phase == up || m.patient && m.phase != over) && m.status == DrainingSubs {
		m.emit(DrainingPubs, nil)
	}
	return m.out
}

// Close ends the connection at the user's wish, in any state. A Connect that still waits gets [natserr.ConnectionClosed].
func (m *Machine) Close(mono.Time) []Action {
	m.begin()
	if m.phase != over {
		m.end(nil, m.phase == up)
	}
	return m.out
}

// giveUp ends a connection that has no server left.
func (m *Machine) giveUp() {
	m.last = natserr.NoServers
	m.end(natserr.NoServers, false)
}

// end closes the connection because of err, nil for the user's wish. hadLink tells the user of a disconnect, and so does a last
// attempt that got an answer: to the user of the callbacks, as to those of nats.go, that was a connection.
func (m *Machine) end(err error, hadLink bool) {
	if err != nil {
		m.last = err
	}
	gaveAnswer := m.reached && refusal(err) == nil
	m.abortDials()
	m.phase = over
	m.emit(Closed, err)
	m.do(CloseLink)
	m.tell(FailPending, natserr.ConnectionClosed)
	if m.answered && (hadLink || gaveAnswer) {
		m.tell(TellDisconnected, nil)
	}
	if m.answered {
		m.do(TellClosed)
	} else if err != nil {
		m.answer(err)
	} else {
		m.answer(natserr.ConnectionClosed)
	}
	m.tell(Finish, err)
}
