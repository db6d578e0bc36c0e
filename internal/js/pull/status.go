package pull

import (
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// Status takes a status message of the consumer. Without a request that is out it is a late one, and ignored.
func (m *Machine) Status(now mono.Time, s wire.Status) []Action {
	if m.phase != asked {
		return nil
	}
	m.frame(now)
	switch s.Code {
	case wire.IdleHeartbeat, wire.FlowControl:
		return nil
	case wire.OtherStatus:
		if s.Number < 400 {
			return nil
		}
	case wire.NoMessages, wire.RequestTimeout:
		if m.delivered > 0 {
			break
		}
		if m.noWait { // nothing there: now wait for it
			m.noWait = false
			return m.ask(now)
		}
		if s.Code == wire.RequestTimeout && m.cfg.Linger {
			return m.expired()
		}
	}
	m.clean = terminal(s.Number)
	return m.finish(s.Code, string(s.Description))
}

// terminal tells the statuses after which the server has forgotten the request.
func terminal(number int) bool {
	switch number {
	case 400, 404, 408, 409, 423, 503:
		return true
	}
	return false
}
