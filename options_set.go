package nats

import (
	"net"
	"time"
)

// set makes an option that cannot fail.
func set(f func(*Options)) Option {
	return func(o *Options) error {
		f(o)
		return nil
	}
}

// The connection itself.

// Name gives the connection a name, for the server's monitoring.
func Name(name string) Option { return set(func(o *Options) { o.Name = name }) }

// InProcessServer connects to a server in the same process, without the network.
func InProcessServer(server InProcessConnProvider) Option {
	return set(func(o *Options) { o.InProcessServer = server })
}

// InProcessConnProvider is a server in the same process, as nats-server's Server.
type InProcessConnProvider interface {
	// InProcessConn opens one more connection. It is called at every connect; its error ends that attempt.
	InProcessConn() (net.Conn, error)
}

// Timeout bounds a dial, and once more the handshake after it. The default is 2 s, for each server. For the dials of a [CustomDialer], and for
// [InProcessServer], it counts only above 30 s.
func Timeout(t time.Duration) Option { return set(func(o *Options) { o.Timeout = t }) }

// CustomDialer opens connections. A Dial takes the time that it needs; one that has not returned after 30 s, or after [Timeout] if that is longer, has
// failed, and a connection that comes later is closed. So it is at once when the connection is closed, or the context of ConnectContext ends.
// Dials that may hang should have a shorter bound of their own: with one server, nothing else is tried meanwhile.
type CustomDialer interface {
	// Dial opens a connection, of network "tcp" to a host and port. It may be called by several goroutines. Its error ends that attempt.
	Dial(network, address string) (net.Conn, error)
}

// SetCustomDialer has d open the connections; nil, the default: the library does.
func SetCustomDialer(d CustomDialer) Option { return set(func(o *Options) { o.CustomDialer = d }) }

// Dialer has d open the connections. If d has a Timeout of its own it takes the place of the connection's; the handshake has the latter.
//
// Deprecated: use [SetCustomDialer].
func Dialer(d *net.Dialer) Option { return set(func(o *Options) { o.Dialer = d }) }

// MultipathTCP switches multipath TCP on or off, where the system has it. Without this option the dialer decides.
func MultipathTCP(on bool) Option { return set(func(o *Options) { o.AllowMultipathTCP = &on }) }

// SkipHostLookup leaves the resolution of host names to the dialer. Otherwise each address of a name is tried, with its share of Timeout.
func SkipHostLookup() Option { return set(func(o *Options) { o.SkipHostLookup = true }) }

// NoEcho asks the server not to deliver the connection's own messages to it. Connect fails with [ErrNoEchoNotSupported]
// when the server cannot.
func NoEcho() Option { return set(func(o *Options) { o.NoEcho = true }) }

// CustomInboxPrefix begins the inboxes of this connection with p in place of _INBOX. The option fails when p is empty, has an empty
// token, white space or wildcards, or ends with a dot.
func CustomInboxPrefix(p string) Option {
	return func(o *Options) error {
		o.InboxPrefix = p
		return checkInboxPrefix(p)
	}
}

// UseOldRequestStyle makes a subscription for each request in place of one for all of the connection.
func UseOldRequestStyle() Option { return set(func(o *Options) { o.UseOldRequestStyle = true }) }

// SkipSubjectValidation leaves the check of a subject's tokens to the server. White space is refused all the same.
func SkipSubjectValidation() Option {
	return set(func(o *Options) { o.SkipSubjectValidation = true })
}

// PermissionErrOnSubscribe has NextMsg of a subscription that the server denied return [ErrPermissionViolation], wrapped, in place
// of waiting for messages that will not come.
func PermissionErrOnSubscribe(enabled bool) Option {
	return set(func(o *Options) { o.PermissionErrOnSubscribe = enabled })
}

// The server pool.

// DontRandomize keeps the order of the servers. They are shuffled otherwise.
func DontRandomize() Option { return set(func(o *Options) { o.NoRandomize = true }) }

// IgnoreDiscoveredServers keeps servers that other servers name out of the pool.
func IgnoreDiscoveredServers() Option {
	return set(func(o *Options) { o.IgnoreDiscoveredServers = true })
}

// Reconnecting.

// NoReconnect closes the connection for good when its link is lost.
func NoReconnect() Option {
	return set(func(o *Options) { o.AllowReconnect, o.chosen = false, o.chosen|choseNoReconnect })
}

// RetryOnFailedConnect makes a failed Connect the beginning of reconnecting: Connect returns a connection in RECONNECTING, and no error.
// [ConnectHandler] tells of the success.
func RetryOnFailedConnect(retry bool) Option {
	return set(func(o *Options) { o.RetryOnFailedConnect, o.chosen = retry, o.chosen|choseRetry })
}

// MaxReconnects is the number of failures in a row after which a server leaves the pool; negative: never. The default is 60. The connection
// is closed when no server is left.
func MaxReconnects(max int) Option {
	return set(func(o *Options) { o.MaxReconnect, o.chosen = max, o.chosen|choseMaxReconnect })
}

// ReconnectWait is the pause after each pass over the pool, and rules alone: without this option a few quick attempts come first, and
// then pauses of 2 s.
func ReconnectWait(t time.Duration) Option {
	return set(func(o *Options) { o.ReconnectWait, o.ownPace = t, true })
}

// ReconnectJitter is added to the pause, uniformly from 0; forTLS for TLS connections: 100 ms and 1 s by default. As with [ReconnectWait], there
// are no quick first attempts then.
func ReconnectJitter(jitter, forTLS time.Duration) Option {
	return set(func(o *Options) { o.ReconnectJitter, o.ReconnectJitterTLS, o.ownPace = jitter, forTLS, true })
}

// ReconnectDelayHandler makes the pause after passes fruitless passes over the pool.
type ReconnectDelayHandler func(passes int) time.Duration

// CustomReconnectDelay makes the pauses, in place of [ReconnectWait] and [ReconnectJitter].
func CustomReconnectDelay(cb ReconnectDelayHandler) Option {
	return set(func(o *Options) { o.CustomReconnectDelayCB, o.ownPace = cb, true })
}

// ReconnectBufSize is the number of bytes kept for sending while there is no link; negative: publishing fails then. The default is 8 MiB.
func ReconnectBufSize(size int) Option { return set(func(o *Options) { o.ReconnectBufSize = size }) }

// ReconnectOnFlusherError reconnects after a failed write. That is always so here: the option is kept so that programs compile.
func ReconnectOnFlusherError() Option {
	return set(func(o *Options) { o.ReconnectOnFlusherError = true })
}

// Liveness and limits.

// PingInterval is the time between two liveness checks; 0 or less: none. The default is 2 minutes.
//
// With 5 s or less it also says how long an answer that is outstanding may stay silent (a reply, an ack, a flush, a pull) before the link is
// probed, and two fifths of it, if that is no less than the link took to come about, how long the probe waits for the next byte: with 1 s a
// dead link is found after 1.4 s. With more, or without such an answer in sight, these are 5 s and 10 s.
func PingInterval(t time.Duration) Option { return set(func(o *Options) { o.PingInterval = t }) }

// MaxPingsOutstanding is the number of unanswered PINGs that are tolerated. The default, also for 0, is 2.
func MaxPingsOutstanding(max int) Option { return set(func(o *Options) { o.MaxPingsOut = max }) }

// FlusherTimeout bounds one write to the socket: a longer one ends the link. The default is 1 minute.
func FlusherTimeout(t time.Duration) Option { return set(func(o *Options) { o.FlusherTimeout = t }) }

// WriteBufferSize is kept so that programs compile: buffers of connections size themselves, from 4 KiB to 64 KiB.
func WriteBufferSize(size int) Option { return set(func(o *Options) { o.WriteBufferSize = size }) }

// DrainTimeout bounds [Conn.Drain]. The default is 30 s.
func DrainTimeout(t time.Duration) Option { return set(func(o *Options) { o.DrainTimeout = t }) }

// SyncQueueLen is the number of messages that may wait in a synchronous subscription, whatever its pending limits say. The default is 65,536.
// Nothing is allocated up front.
func SyncQueueLen(max int) Option { return set(func(o *Options) { o.SubChanLen = max }) }

// NoCallbacksAfterClientClose suppresses the callbacks that a Close by the program would lead to.
func NoCallbacksAfterClientClose() Option {
	return set(func(o *Options) { o.NoCallbacksAfterClientClose = true })
}
