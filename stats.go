package nats

import "github.com/gannet-io/nats/internal/engine"

// Statistics count what a connection has received and sent. In a [Conn] they are live, and their fields must be read with package
// sync/atomic while it is in use; [Conn.Stats] returns a copy.
type Statistics struct {
	InMsgs     uint64 // messages received, also those that were dropped
	OutMsgs    uint64 // messages accepted for sending
	InBytes    uint64 // headers and data of InMsgs
	OutBytes   uint64 // headers and data of OutMsgs
	Reconnects uint64 // links after the first
}

// Stats returns a copy of the counters.
func (nc *Conn) Stats() Statistics {
	if eng := nc.engine(); eng != nil {
		return Statistics(eng.Stats())
	}
	return Statistics{}
}

// counters are the same fields as the engine knows them.
func (s *Statistics) counters() *engine.Counters { return (*engine.Counters)(s) }
