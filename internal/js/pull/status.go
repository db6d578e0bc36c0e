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
	m.clean = terminal(s)
	return m.finish(s.Code, string(s.Description))
}

// terminal tells the statuses after which the server has forgotten the request. One that shuts down has not: nats-server 2.15 still serves
// it for 50 ms, and ends it a second time when the consumer is deleted meanwhile.
func terminal(s wire.Status) bool {
	switch s.Number {
	case 400, 404, 408, 409, 423, 503:
		return s.Code != wire.ServerShutdown
	}
	return false
}
