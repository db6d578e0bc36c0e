package nats

import "github.com/gannet-io/nats/internal/session"

// Status is the state of a connection.
type Status int

// The states of a connection. CLOSED is final.
const (
	DISCONNECTED  = Status(session.Disconnected) // lost, and not allowed to reconnect: CLOSED follows
	CONNECTED     = Status(session.Connected)    // there is a link
	CLOSED        = Status(session.Closed)       // for good
	RECONNECTING  = Status(session.Reconnecting) // no link; what is published is buffered
	CONNECTING    = Status(session.Connecting)   // before the first link
	DRAINING_SUBS = Status(session.DrainingSubs) // subscriptions work off what they have; publishing is still possible
	DRAINING_PUBS = Status(session.DrainingPubs) // what was published is written; CLOSED follows
)

// String is the name of the state in capitals, "unknown status" for a number without one.
func (s Status) String() string {
	if s < 0 || s > DRAINING_PUBS {
		return "unknown status"
	}
	return session.Status(s).String()
}

// SubStatus is the state of a subscription, see [Subscription.StatusChanged].
type SubStatus int

// The states of a subscription. SubscriptionClosed is final.
const (
	SubscriptionActive       SubStatus = iota // as made
	SubscriptionDraining                      // no new messages; what has arrived is delivered
	SubscriptionClosed                        // unsubscribed, drained, at its limit, or the connection is closed
	SubscriptionSlowConsumer                  // messages are being dropped
)

var subStatusNames = [...]string{"Active", "Draining", "Closed", "SlowConsumer"}

// String is the name of the state, "unknown status" for a number without one.
func (s SubStatus) String() string {
	if s < 0 || int(s) >= len(subStatusNames) {
		return "unknown status"
	}
	return subStatusNames[s]
}

// SubscriptionType says how a subscription hands out its messages.
type SubscriptionType int

// The types of a subscription.
const (
	AsyncSubscription SubscriptionType = iota // calls a function
	SyncSubscription                          // waits for NextMsg
	ChanSubscription                          // sends to a channel of the user
	NilSubscription                           // the type of a nil *Subscription
	PullSubscription                          // fetches from a JetStream consumer
)
