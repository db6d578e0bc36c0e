package nats

import "net/http"

// WebSocketHeadersHandler makes the headers of the opening request of a WebSocket connection.
type WebSocketHeadersHandler func() (http.Header, error)

// Compression asks for compression of a WebSocket connection. It has no meaning for others.
func Compression(enabled bool) Option { return set(func(o *Options) { o.Compression = enabled }) }

// ProxyPath is the path of a WebSocket connection. It has no meaning for others.
func ProxyPath(path string) Option { return set(func(o *Options) { o.ProxyPath = path }) }

// WebSocketConnectionHeaders are sent with the opening request of a WebSocket connection. Not together with
// [WebSocketConnectionHeadersHandler]: [ErrWebSocketHeadersAlreadySet].
func WebSocketConnectionHeaders(headers http.Header) Option {
	return set(func(o *Options) { o.WebSocketConnectionHeaders = headers })
}

// WebSocketConnectionHeadersHandler makes the headers of the opening request at every connect. Not together with
// [WebSocketConnectionHeaders]: [ErrWebSocketHeadersAlreadySet].
func WebSocketConnectionHeadersHandler(cb WebSocketHeadersHandler) Option {
	return set(func(o *Options) { o.WebSocketConnectionHeadersHandler = cb })
}
