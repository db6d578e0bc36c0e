package nats

import "time"

// Resilient makes the connection of a service that is never to give up. It sets together:
//
//   - Reconnecting goes on for ever, and so does the first connect: as with [MaxReconnects](-1) and [RetryOnFailedConnect](true), so [Connect]
//     returns a connection in RECONNECTING when no server can be reached at first; [ConnectContext] waits for one. Refused credentials are a
//     failure like any other.
//   - When a link is lost another server of the pool is dialled at once. Pauses come between passes over the pool and are random: up to 100 ms
//     before the first, up to twice as much before each further one, up to [ReconnectWait] (2 s). So the clients of a server that
//     went away do not come back in step.
//   - A dead link is found after 3 s: 1 s of silence while anything is outstanding, published messages included, then a PING, and 2 s for
//     its answer. An idle link is left to [PingInterval], which when it is 1 s or less makes this faster as well.
//   - A server in lame duck mode is left for another one of the pool, within half a second at random: the new link is made first, what was published
//     before is confirmed on the old link, and what is published meanwhile goes to the new one. [DisconnectErrHandler] gets [ErrLameDuck].
//
// What another option says stands, whatever the order of the options: [MaxReconnects], [RetryOnFailedConnect], [NoReconnect], and
// [ReconnectWait], [ReconnectJitter] or [CustomReconnectDelay], which set the pauses alone. Without this option everything is as in nats.go.
func Resilient() Option { return set(func(o *Options) { o.resilient = true }) }

// What Resilient brings.
const (
	resilientDoubtAfter = time.Second
	resilientDoubtFor   = 2 * time.Second
	resilientLeave      = 500 * time.Millisecond
)

// choice is a set of options that were given, for those which must not be overruled.
type choice uint8

const (
	choseMaxReconnect choice = 1 << iota
	choseRetry
	choseNoReconnect
)

// fillResilient sets what nobody chose.
func (o *Options) fillResilient() {
	if !o.resilient {
		return
	}
	if o.chosen&choseMaxReconnect == 0 && (o.MaxReconnect == 0 || o.MaxReconnect == DefaultMaxReconnect) {
		o.MaxReconnect = -1
	}
	if o.chosen&choseRetry == 0 {
		o.RetryOnFailedConnect = true
	}
	if o.chosen&choseNoReconnect == 0 {
		o.AllowReconnect = true
	}
	o.IgnoreAuthErrorAbort = true
}
