package nats

import "time"

// ConnHandler is called for an event of a connection. Handlers of one connection are called one after the other, on a goroutine
// of their own, and may call any method.
type ConnHandler func(*Conn)

// ConnErrHandler is called for an event of a connection that has a cause; the error may be nil.
type ConnErrHandler func(*Conn, error)

// ErrHandler is called for errors that no call can return. The subscription is nil when none is concerned.
type ErrHandler func(*Conn, *Subscription, error)

// ReconnectToServerHandler chooses a server of the pool for the next attempt to reconnect, and the pause before it; nil leaves the
// choice to the library.
type ReconnectToServerHandler func([]Server, ServerInfo) (*Server, time.Duration)

// ReconnectToServer has cb choose the server of each attempt to reconnect, from a copy of the pool and the last server's INFO. A server
// outside the pool is [ErrServerNotInPool] to [ReconnectErrHandler], and the library chooses.
func ReconnectToServer(cb ReconnectToServerHandler) Option {
	return set(func(o *Options) { o.ReconnectToServerCB = cb })
}

// ConnectHandler is called after the first connect, also one that came later, see [RetryOnFailedConnect].
func ConnectHandler(cb ConnHandler) Option { return set(func(o *Options) { o.ConnectedCB = cb }) }

// ClosedHandler is called when the connection is closed for good, last of all handlers.
func ClosedHandler(cb ConnHandler) Option { return set(func(o *Options) { o.ClosedCB = cb }) }

// DisconnectErrHandler is called when a link is lost: with the reason, or with nil after Close and [Conn.ForceReconnect].
func DisconnectErrHandler(cb ConnErrHandler) Option {
	return set(func(o *Options) { o.DisconnectedErrCB = cb })
}

// DisconnectHandler is called when a link is lost and there is no [DisconnectErrHandler].
//
// Deprecated: use [DisconnectErrHandler].
func DisconnectHandler(cb ConnHandler) Option {
	return set(func(o *Options) { o.DisconnectedCB = cb })
}

// ReconnectHandler is called after a reconnect, when subscriptions and buffered messages were sent again.
func ReconnectHandler(cb ConnHandler) Option { return set(func(o *Options) { o.ReconnectedCB = cb }) }

// ReconnectErrHandler is called for each failed attempt to reconnect, the quick first ones of [ReconnectWait] not among them.
func ReconnectErrHandler(cb ConnErrHandler) Option {
	return set(func(o *Options) { o.ReconnectErrCB = cb })
}

// DiscoveredServersHandler is called when servers were added to the pool because a server named them; see [Conn.DiscoveredServers].
func DiscoveredServersHandler(cb ConnHandler) Option {
	return set(func(o *Options) { o.DiscoveredServersCB = cb })
}

// LameDuckModeHandler is called when the server announces that it will shut down, once a link. Without [Resilient] nothing else happens
// until the server closes the link; [Conn.ForceReconnect] leaves at once.
func LameDuckModeHandler(cb ConnHandler) Option {
	return set(func(o *Options) { o.LameDuckModeHandler = cb })
}

// ErrorHandler is called for errors that no call can return: slow consumers, refused subscriptions, lost messages. Without it
// they are written to standard error.
func ErrorHandler(cb ErrHandler) Option { return set(func(o *Options) { o.AsyncErrorCB = cb }) }
