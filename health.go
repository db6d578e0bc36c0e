package nats

import "time"

// Health is the state of a connection at one moment, as a readiness probe wants it: see [Conn.Health].
type Health struct {
	// Status is the state, and Since when it began.
	Status Status
	Since  time.Time
	// Server is the URL of the current server, without credentials; empty while there is no link.
	Server string
	// RTT is the last round trip that was measured, by a PING of the connection's own, [Conn.RTT] or a flush; 0 before the first.
	RTT time.Duration
	// Silence is the time since the last bytes came from a server.
	Silence time.Duration
	// Outstanding are the requests, JetStream publishes, pulls and PINGs that wait for an answer.
	Outstanding int
	// PendingBytes were accepted for sending and are not written.
	PendingBytes int
	// Unconfirmed says that there are published messages of which it is not known whether they have arrived.
	Unconfirmed bool
	// Subscriptions are active, SlowSubscriptions of them are dropping messages.
	Subscriptions     int
	SlowSubscriptions int
	// Dropped counts the messages that active subscriptions have dropped.
	Dropped uint64
	// DroppedReports counts what the error handler was not told because too much waited for it, see [*DroppedReportsError].
	DroppedReports uint64
	// LostUnconfirmed and LostDropped add up what every [*LossError] said.
	LostUnconfirmed uint64
	LostDropped     uint64
	// LeftConsumers counts the consumers that readers have left on servers: watches, object reads, ordered consumers, and subscriptions that made
	// one. Their deletion is asked for again while no leader or no link answers; counted are those for which nobody has granted it by the time at
	// which the server must have done it by itself, after their inactive threshold, and those that it does not permit. [Logger] tells each.
	LeftConsumers uint64
	// Resent counts the messages that [ResendUnconfirmed] has sent again.
	Resent uint64
	// Reconnects counts the links after the first.
	Reconnects uint64
	// LastError is that of [Conn.LastError].
	LastError error
}

// Ready reports whether the connection is CONNECTED.
func (h Health) Ready() bool { return h.Err() == nil }

// Err says why the connection is not ready: [ErrDisconnected] while there is no link, [ErrConnectionDraining], [ErrConnectionClosed]; nil when
// it is.
func (h Health) Err() error {
	switch h.Status {
	case CONNECTED:
		return nil
	case CLOSED:
		return ErrConnectionClosed
	case DRAINING_SUBS, DRAINING_PUBS:
		return ErrConnectionDraining
	}
	return ErrDisconnected
}

// Health describes the connection. It answers at once whatever the network does: it sends nothing and looks at numbers that are there; only those
// of subscriptions are added up, at some nanoseconds each. Of a nil or zero *Conn it is the zero Health, which is not ready.
func (nc *Conn) Health() Health {
	eng := nc.engine()
	if eng == nil {
		return Health{}
	}
	e := eng.Health()
	h := Health{
		Status: nc.Status(), Since: time.Now().Add(-e.Since), RTT: e.RTT, Silence: e.Heard, Outstanding: e.Outstanding,
		PendingBytes: e.Pending, Unconfirmed: e.Unconfirmed, Subscriptions: eng.NumSubscriptions(),
		DroppedReports: e.DroppedNews, LostUnconfirmed: e.LostUnconfirmed, LostDropped: e.LostDropped, Resent: e.Resent,
		LeftConsumers: e.LeftConsumers, Reconnects: nc.Stats().Reconnects, LastError: nc.LastError(),
	}
	if u := eng.URL(); u != nil {
		h.Server = bareURL(u)
	}
	for _, s := range nc.subscriptions() {
		slow, dropped := s.droppings()
		h.Dropped += dropped
		if slow {
			h.SlowSubscriptions++
		}
	}
	return h
}

// droppings are the messages dropped so far, and whether the last one was.
func (s *Subscription) droppings() (slow bool, dropped uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.is(subSlow), uint64(s.dropped)
}
