package nats

import (
	"errors"
	"fmt"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/natserr"
)

// The state of the connection. Calls return these values bare: == and [errors.Is] both work.
var (
	ErrConnectionClosed       = natserr.ConnectionClosed               // closed for good, by Close, Drain, or because reconnecting was given up
	ErrConnectionDraining     = natserr.ConnectionDraining             // subscribing while draining, publishing in DRAINING_PUBS
	ErrConnectionReconnecting = natserr.ConnectionReconnecting         // Drain without a link
	ErrDisconnected           = natserr.Disconnected                   // there is no link, or it was lost before the answer came
	ErrDrainTimeout           = natserr.DrainTimeout                   // to the error handler: DrainTimeout was over first
	ErrStaleConnection        = natserr.StaleConnection                // PINGs went unanswered
	ErrLameDuck               = natserr.LameDuck                       // to DisconnectErrHandler: Resilient has left a server in lame duck mode
	ErrReconnectBufExceeded   = natserr.ReconnectBufExceeded           // ReconnectBufSize is used up; the message was not accepted
	ErrInvalidConnection      = errors.New("nats: invalid connection") // the *Conn is nil or was not made by Connect
)

// Connecting.
var (
	ErrNoServers                   = natserr.NoServers                                                   // no server could be reached, or none is left in the pool
	ErrNoInfoReceived              = natserr.NoInfoReceived                                              // something answered that is no NATS server
	ErrJsonParse                   = natserr.JSONParse                                                   // INFO was unreadable
	ErrSecureConnRequired          = natserr.SecureConnRequired                                          // kept so that programs compile: TLS is made when a server requires it
	ErrSecureConnWanted            = natserr.SecureConnWanted                                            // TLS was asked for and the server has none
	ErrTLS                         = natserr.TLS                                                         // every failed TLS handshake wraps it
	ErrMultipleTLSConfigs          = errors.New("nats: multiple tls.Configs not allowed")                // from Secure
	ErrClientCertOrRootCAsRequired = errors.New("nats: at least one of certCB or rootCAsCB must be set") // from ClientTLSConfig
	ErrMixingWebsocketSchemes      = natserr.MixingWebSocketSchemes                                      // WebSocket URLs and others in one pool
	ErrServerNotInPool             = natserr.ServerNotInPool                                             // ReconnectToServer chose a server that is not in the pool
	ErrNoEchoNotSupported          = natserr.NoEchoNotSupported                                          // the server knows no NoEcho
	ErrWebSocketHeadersAlreadySet  = errors.New("nats: websocket connection headers already set")        // headers and a handler for them
)

// Credentials, and refusals by the server. What the server says wraps these with its own words.
var (
	ErrAuthorization                 = natserr.Authorization                 // credentials were refused, or there were none
	ErrAuthExpired                   = natserr.AuthExpired                   // the user's credentials have expired
	ErrAuthRevoked                   = natserr.AuthRevoked                   // the user's credentials were revoked
	ErrAccountAuthExpired            = natserr.AccountAuthExpired            // the account's have expired
	ErrPermissionViolation           = natserr.PermissionViolation           // to the error handler; the connection stays
	ErrMaxConnectionsExceeded        = natserr.MaxConnectionsExceeded        // the server takes no more connections
	ErrMaxAccountConnectionsExceeded = natserr.MaxAccountConnectionsExceeded // the account has no more connections
	ErrMaxSubscriptionsExceeded      = natserr.MaxSubscriptionsExceeded      // to the error handler; the connection stays

	ErrTokenAlreadySet    = errors.New("nats: token and token handler both set")                  // Token and TokenHandler
	ErrUserInfoAlreadySet = errors.New("nats: cannot set user info callback and user/pass")       // UserInfo and UserInfoHandler
	ErrNoUserCB           = errors.New("nats: user callback not defined")                         // from UserJWT
	ErrUserButNoSigCB     = errors.New("nats: user callback defined without a signature handler") // UserJWT without a signature handler
	ErrNkeyButNoSigCB     = errors.New("nats: nkey defined without a signature handler")          // Nkey without a signature handler
	ErrNkeyAndUser        = errors.New("nats: user callback and nkey defined")                    // UserJWT and Nkey
	ErrNkeysNotSupported  = natserr.NkeysNotSupported                                             // the server sent no nonce to sign
)

// Messages and arguments. When a call returns one of them, nothing was sent.
var (
	ErrBadSubject          = natserr.BadSubject                                                  // empty, white space, or an empty token where that is not allowed
	ErrBadQueueName        = natserr.BadQueueName                                                // white space
	ErrBadHeaderMsg        = natserr.BadHeaderMsg                                                // a header key is invalid; to the error handler: a received block is unreadable
	ErrHeadersNotSupported = natserr.HeadersNotSupported                                         // the server knows no headers
	ErrMaxPayload          = natserr.MaxPayload                                                  // header and data exceed what the server takes
	ErrInvalidMsg          = errors.New("nats: invalid message or message nil")                  // the message is nil
	ErrInvalidArg          = natserr.InvalidArg                                                  // an argument makes no sense; the words around it say which
	ErrInvalidContext      = errors.New("nats: invalid context")                                 // the context is nil
	ErrNoDeadlineContext   = errors.New("nats: context requires a deadline")                     // the context has no deadline and would wait for ever
	ErrBadTimeout          = errors.New("nats: timeout invalid")                                 // 0 or less
	ErrMsgNotBound         = errors.New("nats: message is not bound to subscription/connection") // the message is nil or was not received
	ErrMsgNoReply          = errors.New("nats: message does not have a reply")                   // the message has no reply subject
)

// Waiting for messages and answers.
var (
	ErrTimeout              = natserr.Timeout                                            // the time was over first
	ErrNoResponders         = natserr.NoResponders                                       // nobody listens on the subject of a request
	ErrBadSubscription      = natserr.BadSubscription                                    // the subscription is over, or an argument of Subscribe is nil
	ErrTypeSubscription     = errors.New("nats: invalid subscription type")              // not for subscriptions of this type
	ErrSyncSubRequired      = errors.New("nats: illegal call on an async subscription")  // NextMsg of a subscription with a callback
	ErrMaxMessages          = natserr.MaxMessages                                        // AutoUnsubscribe's number has been delivered
	ErrSlowConsumer         = errors.New("nats: slow consumer, messages dropped")        // messages were dropped, since they came faster than they were taken
	ErrConnectionNotTLS     = errors.New("nats: connection is not tls")                  // the link has no TLS
	ErrClientIDNotSupported = errors.New("nats: client ID not supported by this server") // the server gave none
	ErrClientIPNotSupported = errors.New("nats: client IP not supported by this server") // the server gave none
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
	switch e := err.(type) {
	case *engine.LossError:
		return &LossError{Unconfirmed: e.Unconfirmed, Dropped: e.Dropped, Cause: e.Cause}
	case *engine.DroppedNews:
		return &DroppedReportsError{Count: e.Count}
	}
	return err
}

// DroppedReportsError goes to the asynchronous error handler when it has taken so long that reports had to be dropped: more than 1,024 waited. They
// are -ERRs of the server, slow consumers, discovered servers and lame ducks; losses, disconnects, reconnects and the end are never
// dropped. [Health] has the sum.
type DroppedReportsError struct {
	// Count is the number dropped since the last such error.
	Count uint64
}

// Error has the number.
func (e *DroppedReportsError) Error() string {
	return fmt.Sprintf("nats: %d reports dropped: callbacks are too slow", e.Count)
}
