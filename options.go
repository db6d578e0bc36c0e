package nats

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options are the settings of a connection. Most programs pass [Option] functions to [Connect] instead of filling one in.
//
// The zero value connects to [DefaultURL] once and does not reconnect; where 0 makes no sense, which is said with the field, it
// stands for the default. [GetDefaultOptions] is the usual starting point.
//
// [Conn.Opts] is the copy of a connection, and live: the callbacks are read from it when their event happens. Use the Set
// methods of [Conn] to change them, other fields are not looked at again.
type Options struct {
	// Url is one server, tried before those of Servers.
	Url string
	// Servers are the servers of the pool, as URLs or host:port.
	Servers []string
	// NoRandomize keeps the order of Servers, which are shuffled otherwise.
	NoRandomize bool
	// IgnoreDiscoveredServers keeps servers that other servers name out of the pool.
	IgnoreDiscoveredServers bool
	// SkipHostLookup leaves the resolution of host names to the dialer.
	SkipHostLookup bool

	// Name is shown in the server's monitoring.
	Name string
	// InboxPrefix begins the inboxes of this connection; empty: _INBOX. Without the final dot, and without wildcards.
	InboxPrefix string
	// NoEcho asks the server not to deliver the connection's own messages to it.
	NoEcho bool
	// Verbose has the server acknowledge each operation. For debugging.
	Verbose bool
	// Pedantic has the server check subjects strictly.
	Pedantic bool

	// Timeout bounds a dial, and once more the handshake after it; 0: 2 s. CustomDialer and InProcessServer have 30 s if that is longer.
	Timeout time.Duration
	// Dialer opens TCP connections; nil: one of the library's. Its own Timeout, if it has one, bounds the dial in place of the one above.
	//
	// Deprecated: use CustomDialer.
	Dialer *net.Dialer
	// CustomDialer opens connections in place of Dialer.
	CustomDialer CustomDialer
	// InProcessServer is a server in this process: it wins over every URL.
	InProcessServer InProcessConnProvider
	// AllowMultipathTCP switches multipath TCP on or off for the dialer; nil: the dialer's own setting.
	AllowMultipathTCP *bool

	// Secure requires TLS. So does a server URL with scheme tls or wss, and a TLSConfig.
	Secure bool
	// TLSConfig is used for TLS, as a copy; nil: an empty one.
	TLSConfig *tls.Config
	// TLSCertCB makes the client certificate, at every connect.
	TLSCertCB TLSCertHandler
	// RootCAsCB makes the set of certificate authorities, at every connect.
	RootCAsCB RootCAsHandler
	// TLSHandshakeFirst makes the TLS handshake before the server's INFO, as the server must be set up to expect.
	TLSHandshakeFirst bool

	// User and Password are the credentials, unless the server's URL has some.
	User     string
	Password string
	// UserInfo makes user and password at every connect, in place of User and Password.
	UserInfo UserInfoCB
	// Token is the credential, unless the server's URL has one.
	Token string
	// TokenHandler makes the token at every connect, in place of Token.
	TokenHandler AuthTokenHandler
	// Nkey is the public key that proves itself by SignatureCB.
	Nkey string
	// UserJWT makes the user's JWT at every connect.
	UserJWT UserJWTHandler
	// SignatureCB signs the server's nonce for Nkey or UserJWT.
	SignatureCB SignatureHandler
	// IgnoreAuthErrorAbort goes on reconnecting when a server refuses the credentials twice in a row.
	IgnoreAuthErrorAbort bool

	// AllowReconnect lets the connection reconnect.
	AllowReconnect bool
	// RetryOnFailedConnect makes a failed Connect the beginning of reconnecting.
	RetryOnFailedConnect bool
	// MaxReconnect is the number of failures in a row after which a server leaves the pool; negative: never.
	MaxReconnect int
	// ReconnectWait is the pause after each pass over the pool; 2 s in GetDefaultOptions. With that value, and the default jitter, a few
	// quick attempts come first.
	ReconnectWait time.Duration
	// ReconnectJitter is added to ReconnectWait, uniformly from 0; 100 ms in GetDefaultOptions.
	ReconnectJitter time.Duration
	// ReconnectJitterTLS is ReconnectJitter for TLS connections; 1 s in GetDefaultOptions.
	ReconnectJitterTLS time.Duration
	// CustomReconnectDelayCB makes the pause, in place of ReconnectWait and jitter.
	CustomReconnectDelayCB ReconnectDelayHandler
	// ReconnectToServerCB chooses the server of each attempt to reconnect.
	ReconnectToServerCB ReconnectToServerHandler
	// ReconnectBufSize is the number of bytes kept for sending while there is no link; 0: 8 MiB, negative: none.
	ReconnectBufSize int
	// ReconnectOnFlusherError reconnects after a failed write. A failed write ends the link in any case here: the field is
	// kept so that programs compile.
	ReconnectOnFlusherError bool

	// PingInterval is the time between two liveness checks; 0 or less: none.
	PingInterval time.Duration
	// MaxPingsOut is the number of unanswered PINGs that are tolerated; 0: 2.
	MaxPingsOut int
	// FlusherTimeout bounds one write to the socket; 0: 1 minute.
	FlusherTimeout time.Duration
	// WriteBufferSize is kept so that programs compile: buffers of connections size themselves.
	WriteBufferSize int
	// DrainTimeout bounds Drain; 0: 30 s.
	DrainTimeout time.Duration
	// SubChanLen is the number of messages that may wait in a synchronous subscription, whatever its pending limits say; 0: 65,536.
	SubChanLen int

	// UseOldRequestStyle makes a subscription for each request in place of one for all of the connection.
	UseOldRequestStyle bool
	// FailFastRequests ends requests with a *RequestError as soon as their link is lost or the server denies them.
	FailFastRequests bool
	// SlowConsumerErrors tells of slow consumers with a *SlowConsumerError in place of the bare ErrSlowConsumer.
	SlowConsumerErrors bool
	// SkipSubjectValidation leaves the check of a subject's tokens to the server. White space is refused all the same: it would
	// end the subject on the wire.
	SkipSubjectValidation bool
	// PermissionErrOnSubscribe has NextMsg of a subscription that the server denied return ErrPermissionViolation.
	PermissionErrOnSubscribe bool
	// NoCallbacksAfterClientClose suppresses the callbacks that a Close by the program would lead to.
	NoCallbacksAfterClientClose bool

	// Callbacks. They run one after the other on a goroutine of the connection and may call any of its methods.

	// ConnectedCB is called after the first connect.
	ConnectedCB ConnHandler
	// ClosedCB is called last of all.
	ClosedCB ConnHandler
	// DisconnectedErrCB is called when a link is lost; the error is nil after Close.
	DisconnectedErrCB ConnErrHandler
	// DisconnectedCB is called when a link is lost and DisconnectedErrCB is nil.
	//
	// Deprecated: use DisconnectedErrCB.
	DisconnectedCB ConnHandler
	// ReconnectedCB is called after a reconnect, when subscriptions and buffered messages were sent again.
	ReconnectedCB ConnHandler
	// ReconnectErrCB is called for each failed attempt to reconnect.
	ReconnectErrCB ConnErrHandler
	// DiscoveredServersCB is called when servers were added to the pool.
	DiscoveredServersCB ConnHandler
	// LameDuckModeHandler is called when the server announces that it will shut down.
	LameDuckModeHandler ConnHandler
	// AsyncErrorCB is called for errors that no call can return; nil: they are written to standard error.
	AsyncErrorCB ErrHandler

	// Compression asks for compression of a WebSocket connection.
	Compression bool
	// ProxyPath is the path of a WebSocket connection.
	ProxyPath string
	// WebSocketConnectionHeaders are sent with the opening request of a WebSocket connection.
	WebSocketConnectionHeaders http.Header
	// WebSocketConnectionHeadersHandler makes WebSocketConnectionHeaders at every connect.
	WebSocketConnectionHeadersHandler WebSocketHeadersHandler

	// Logger is told of the connection's events, see [Logger].
	Logger *slog.Logger
	// ConfirmBytes and ConfirmInterval have the server confirm what is published, see [ConfirmEvery]; 0: not by that measure.
	ConfirmBytes    int
	ConfirmInterval time.Duration
	// ResendBytes is the most that may be unconfirmed and is sent again after a lost link, see [ResendUnconfirmed]; 0: nothing is.
	ResendBytes int

	// resilient is set by Resilient, and chosen notes what that must not overrule.
	resilient bool
	chosen    choice

	// ownPace is set when a reconnect wait or jitter was asked for, even one that equals the default: it rules alone then.
	ownPace bool
}

// Option sets one of the [Options]. Nil options are skipped.
type Option func(*Options) error

// GetDefaultOptions returns the options that Connect starts from.
func GetDefaultOptions() Options {
	return Options{
		AllowReconnect:     true,
		MaxReconnect:       DefaultMaxReconnect,
		ReconnectWait:      DefaultReconnectWait,
		ReconnectJitter:    DefaultReconnectJitter,
		ReconnectJitterTLS: DefaultReconnectJitterTLS,
		Timeout:            DefaultTimeout,
		PingInterval:       DefaultPingInterval,
		MaxPingsOut:        DefaultMaxPingOut,
		SubChanLen:         DefaultMaxChanLen,
		ReconnectBufSize:   DefaultReconnectBufSize,
		DrainTimeout:       DefaultDrainTimeout,
		FlusherTimeout:     DefaultFlusherTimeout,
	}
}

// DefaultOptions are the default options as a variable.
//
// Deprecated: use [GetDefaultOptions]; a variable can be changed by any package.
var DefaultOptions = GetDefaultOptions()

// fill replaces zeros that mean a default.
func (o *Options) fill() {
	def := GetDefaultOptions()
	or(&o.Timeout, def.Timeout)
	or(&o.MaxPingsOut, def.MaxPingsOut)
	or(&o.SubChanLen, def.SubChanLen)
	or(&o.ReconnectBufSize, def.ReconnectBufSize)
	or(&o.WriteBufferSize, DefaultWriteBufSize)
	or(&o.DrainTimeout, def.DrainTimeout)
	or(&o.FlusherTimeout, def.FlusherTimeout)
	if o.AsyncErrorCB == nil {
		o.AsyncErrorCB = printError
	}
	o.fillResilient()
	// A pace that differs from the default was set by hand.
	o.ownPace = o.ownPace || o.CustomReconnectDelayCB != nil || o.ReconnectWait != def.ReconnectWait ||
		o.ReconnectJitter != def.ReconnectJitter || o.ReconnectJitterTLS != def.ReconnectJitterTLS
}

func or[T comparable](v *T, def T) {
	if zero := *new(T); *v == zero {
		*v = def
	}
}
