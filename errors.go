package nats

import (
	"errors"
	"fmt"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/natserr"
)

// The state of the connection. Calls return these values bare: == and [errors.Is] both work.
var (
	ErrConnectionClosed       = natserr.ConnectionClosed       // closed for good, by Close, Drain, or because reconnecting was given up
	ErrConnectionDraining     = natserr.ConnectionDraining     // subscribing while draining, publishing in DRAINING_PUBS
	ErrConnectionReconnecting = natserr.ConnectionReconnecting // Drain without a link
	ErrDisconnected           = natserr.Disconnected           // there is no link, or it was lost before the answer came
	ErrDrainTimeout           = natserr.DrainTimeout           // to the error handler: DrainTimeout was over first
	ErrStaleConnection        = natserr.StaleConnection        // PINGs went unanswered
	ErrReconnectBufExceeded   = natserr.ReconnectBufExceeded   // ReconnectBufSize is used up; the message was not accepted
	ErrInvalidConnection      = errors.New("nats: invalid connection")
)

// Connecting.
var (
	ErrNoServers                   = natserr.NoServers // no server could be reached, or none is left in the pool
	ErrNoInfoReceived              = natserr.NoInfoReceived
	ErrJsonParse                   = natserr.JSONParse
	ErrSecureConnRequired          = natserr.SecureConnRequired
	ErrSecureConnWanted            = natserr.SecureConnWanted // TLS was asked for and the server has none
	ErrTLS                         = natserr.TLS              // every failed TLS handshake wraps it
	ErrMultipleTLSConfigs          = errors.New("nats: multiple tls.Configs not allowed")
	ErrClientCertOrRootCAsRequired = errors.New("nats: at least one of certCB or rootCAsCB must be set")
	ErrMixingWebsocketSchemes      = natserr.MixingWebSocketSchemes
	ErrServerNotInPool             = natserr.ServerNotInPool // ReconnectToServer chose a server that is not in the pool
	ErrNoEchoNotSupported          = natserr.NoEchoNotSupported
	ErrWebSocketHeadersAlreadySet  = errors.New("nats: websocket connection headers already set")
)

// Credentials, and refusals by the server. What the server says wraps these with its own words.
var (
	ErrAuthorization                 = natserr.Authorization
	ErrAuthExpired                   = natserr.AuthExpired
	ErrAuthRevoked                   = natserr.AuthRevoked
	ErrAccountAuthExpired            = natserr.AccountAuthExpired
	ErrPermissionViolation           = natserr.PermissionViolation // to the error handler; the connection stays
	ErrMaxConnectionsExceeded        = natserr.MaxConnectionsExceeded
	ErrMaxAccountConnectionsExceeded = natserr.MaxAccountConnectionsExceeded
	ErrMaxSubscriptionsExceeded      = natserr.MaxSubscriptionsExceeded

	ErrTokenAlreadySet    = errors.New("nats: token and token handler both set")
	ErrUserInfoAlreadySet = errors.New("nats: cannot set user info callback and user/pass")
	ErrNoUserCB           = errors.New("nats: user callback not defined")
	ErrUserButNoSigCB     = errors.New("nats: user callback defined without a signature handler")
	ErrNkeyButNoSigCB     = errors.New("nats: nkey defined without a signature handler")
	ErrNkeyAndUser        = errors.New("nats: user callback and nkey defined")
	ErrNkeysNotSupported  = natserr.NkeysNotSupported // the server sent no nonce to sign
)

// Messages and arguments. When a call returns one of them, nothing was sent.
var (
	ErrBadSubject          = natserr.BadSubject
	ErrBadQueueName        = natserr.BadQueueName
	ErrBadHeaderMsg        = natserr.BadHeaderMsg // a header key is invalid; to the error handler: a received block is unreadable
	ErrHeadersNotSupported = natserr.HeadersNotSupported
	ErrMaxPayload          = natserr.MaxPayload // header and data exceed what the server takes
	ErrInvalidMsg          = errors.New("nats: invalid message or message nil")
	ErrInvalidArg          = natserr.InvalidArg
	ErrInvalidContext      = errors.New("nats: invalid context") // the context is nil
	ErrNoDeadlineContext   = errors.New("nats: context requires a deadline")
	ErrBadTimeout          = errors.New("nats: timeout invalid")
	ErrMsgNotBound         = errors.New("nats: message is not bound to subscription/connection")
	ErrMsgNoReply          = errors.New("nats: message does not have a reply")
)

// Waiting for messages and answers.
var (
	ErrTimeout              = natserr.Timeout
	ErrNoResponders         = natserr.NoResponders    // nobody listens on the subject of a request
	ErrBadSubscription      = natserr.BadSubscription // the subscription is over, or an argument of Subscribe is nil
	ErrTypeSubscription     = errors.New("nats: invalid subscription type")
	ErrSyncSubRequired      = errors.New("nats: illegal call on an async subscription")
	ErrMaxMessages          = natserr.MaxMessages // AutoUnsubscribe's number has been delivered
	ErrSlowConsumer         = errors.New("nats: slow consumer, messages dropped")
	ErrConnectionNotTLS     = errors.New("nats: connection is not tls")
	ErrClientIDNotSupported = errors.New("nats: client ID not supported by this server")
	ErrClientIPNotSupported = errors.New("nats: client IP not supported by this server")
)

// LossError goes to the asynchronous error handler when a link is lost, or the connection is closed, and accepted
// messages may be lost with it. No message is lost without one.
type LossError struct {
	// Unconfirmed publishes without a reply subject were written to the link after the last answer of the server: each of
	// them may or may not have arrived.
	Unconfirmed int
	// Dropped publishes were accepted and never written, and could not be kept: they are lost.
	Dropped int
	// Cause is why the link was lost; nil at Close.
	Cause error
}

// Error has both numbers.
func (e *LossError) Error() string {
	return fmt.Sprintf("nats: link lost: %d publishes unconfirmed, %d dropped", e.Unconfirmed, e.Dropped)
}

// Unwrap is the cause.
func (e *LossError) Unwrap() error { return e.Cause }

// public turns what only the engine has a type for into this package's own type.
func public(err error) error {
	if loss, ok := err.(*engine.LossError); ok {
		return &LossError{Unconfirmed: loss.Unconfirmed, Dropped: loss.Dropped, Cause: loss.Cause}
	}
	return err
}
