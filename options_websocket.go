package nats

import "net/http"

// WebSocketHeadersHandler makes the headers of the opening request of a WebSocket connection.
type WebSocketHeadersHandler func() (http.Header, error)

// Compression asks for compression of a WebSocket connection, if the server is set up for it. It has no meaning for others. It
// costs the client and the server far more time than it saves on a fast network.
func Compression(enabled bool) Option { return set(func(o *Options) { o.Compression = enabled }) }

// ProxyPath is the path of a WebSocket connection, in place of that of the server's URL. It may have a query. It has no meaning for
// other connections. A path that cannot be part of a URL: [ErrInvalidArg] from Connect.
func ProxyPath(path string) Option { return set(func(o *Options) { o.ProxyPath = path }) }

// WebSocketConnectionHeaders are sent with the opening request of a WebSocket connection. Not together with
// [WebSocketConnectionHeadersHandler]: [ErrWebSocketHeadersAlreadySet]. A name or value that no header can have:
// [ErrInvalidArg] from Connect. Those that make the request one for a WebSocket cannot be replaced, and Host is that of the URL.
func WebSocketConnectionHeaders(headers http.Header) Option {
	return set(func(o *Options) { o.WebSocketConnectionHeaders = headers })
}

// WebSocketConnectionHeadersHandler makes the headers of the opening request at every connect. Its error ends that attempt. Not
// together with [WebSocketConnectionHeaders]: [ErrWebSocketHeadersAlreadySet].
func WebSocketConnectionHeadersHandler(cb WebSocketHeadersHandler) Option {
	return set(func(o *Options) { o.WebSocketConnectionHeadersHandler = cb })
}

func (o *Options) webSocketHeaders() (http.Header, error) {
	if cb := o.WebSocketConnectionHeadersHandler; cb != nil {
		return cb()
	}
	return o.WebSocketConnectionHeaders, nil
}
