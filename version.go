package nats

import "time"

// What the client says of itself in CONNECT.
const (
	Version    = "0.1.0" // of this library
	LangString = "go"
)

// Defaults of a connection. [GetDefaultOptions] holds them all.
const (
	DefaultURL  = "nats://127.0.0.1:4222" // where Connect dials when no server is named
	DefaultPort = 4222

	DefaultMaxReconnect       = 60                     // failed attempts in a row after which a server leaves the pool
	DefaultReconnectWait      = 2 * time.Second        // pause after each pass over the pool
	DefaultReconnectJitter    = 100 * time.Millisecond // added to the pause, uniformly from 0
	DefaultReconnectJitterTLS = time.Second            // the same for TLS connections
	DefaultReconnectBufSize   = 8 << 20                // bytes kept while disconnected

	DefaultTimeout        = 2 * time.Second // of a dial, and again of the handshake
	DefaultPingInterval   = 2 * time.Minute
	DefaultMaxPingOut     = 2 // unanswered PINGs that are tolerated
	DefaultDrainTimeout   = 30 * time.Second
	DefaultFlusherTimeout = time.Minute // of one write to the socket

	DefaultMaxChanLen           = 64 << 10 // messages that wait in a synchronous subscription
	DefaultSubPendingMsgsLimit  = 500_000
	DefaultSubPendingBytesLimit = 64 << 20
	DefaultWriteBufSize         = 32 << 10
	RequestChanLen              = 8 // kept for compatibility: replies after the first are ignored
)

// InboxPrefix begins the inboxes of [NewInbox] and of connections without [CustomInboxPrefix].
const InboxPrefix = inboxRoot + "."

const inboxRoot = "_INBOX"

// Errors of the server, as they stand in -ERR, in lower case. They arrive as the Err values of this package.
const (
	STALE_CONNECTION                   = "stale connection"
	PERMISSIONS_ERR                    = "permissions violation"
	AUTHORIZATION_ERR                  = "authorization violation"
	AUTHENTICATION_EXPIRED_ERR         = "user authentication expired"
	AUTHENTICATION_REVOKED_ERR         = "user authentication revoked"
	ACCOUNT_AUTHENTICATION_EXPIRED_ERR = "account authentication expired"
	MAX_CONNECTIONS_ERR                = "maximum connections exceeded"
	MAX_ACCOUNT_CONNECTIONS_ERR        = "maximum account active connections exceeded"
	MAX_SUBSCRIPTIONS_ERR              = "maximum subscriptions exceeded"
)

// MAX_CONTROL_LINE_SIZE is the length in bytes of a control line that every server accepts.
const MAX_CONTROL_LINE_SIZE = 4096
