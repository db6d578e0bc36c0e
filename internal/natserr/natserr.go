// Package natserr holds the error values that the engine returns. Package nats exports these very values, so that
// users can compare with == and with [errors.Is].
package natserr

import "errors"

// The core errors. Their texts are part of the contract: users match on them.
var (
	AccountAuthExpired            = errors.New("nats: account authentication expired")
	AuthExpired                   = errors.New("nats: authentication expired")
	AuthRevoked                   = errors.New("nats: authentication revoked")
	Authorization                 = errors.New("nats: authorization violation")
	BadHeaderMsg                  = errors.New("nats: message could not decode headers")
	BadQueueName                  = errors.New("nats: invalid queue name")
	BadSubject                    = errors.New("nats: invalid subject")
	BadSubscription               = errors.New("nats: invalid subscription")
	ConnectionClosed              = errors.New("nats: connection closed")
	ConnectionDraining            = errors.New("nats: connection draining")
	ConnectionReconnecting        = errors.New("nats: connection reconnecting")
	Disconnected                  = errors.New("nats: server is disconnected")
	DrainTimeout                  = errors.New("nats: draining connection timed out")
	HeadersNotSupported           = errors.New("nats: headers not supported by this server")
	InvalidArg                    = errors.New("nats: invalid argument")
	JSONParse                     = errors.New("nats: connect message, json parse error")
	MaxAccountConnectionsExceeded = errors.New("nats: maximum account active connections exceeded")
	MaxConnectionsExceeded        = errors.New("nats: server maximum connections exceeded")
	MaxMessages                   = errors.New("nats: maximum messages delivered")
	MaxPayload                    = errors.New("nats: maximum payload exceeded")
	MaxSubscriptionsExceeded      = errors.New("nats: server maximum subscriptions exceeded")
	MixingWebSocketSchemes        = errors.New("nats: mixing of websocket and non websocket URLs is not allowed")
	NkeysNotSupported             = errors.New("nats: nkeys not supported by the server")
	NoEchoNotSupported            = errors.New("nats: no echo option not supported by this server")
	NoInfoReceived                = errors.New("nats: protocol exception, INFO not received")
	NoResponders                  = errors.New("nats: no responders available for request")
	NoServers                     = errors.New("nats: no servers available for connection")
	PermissionViolation           = errors.New("nats: permissions violation")
	ReconnectBufExceeded          = errors.New("nats: outbound buffer limit exceeded")
	SecureConnRequired            = errors.New("nats: secure connection required")
	SecureConnWanted              = errors.New("nats: secure connection not available")
	ServerNotInPool               = errors.New("nats: selected server is not in the pool")
	StaleConnection               = errors.New("nats: stale connection")
	Timeout                       = errors.New("nats: timeout")
	TLS                           = errors.New("nats: tls error")
)
