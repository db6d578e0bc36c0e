// Package transport opens byte streams to servers: TCP, in-process, custom dialers, TLS over any of them, and WebSocket over
// either.
//
//	url ─► addresses ─► InProcess | Custom | Dialer ─► net.Conn ─► TLS ─► *tls.Conn ─► WebSocket ─► net.Conn
//	       (lookup)     each within its share of the timeout
//
// A TCP connection goes on as a [Lean], also beneath TLS and WebSocket.
//
// It knows nothing of NATS but its errors: what is said on the stream, and when TLS and WebSocket begin, is the engine's.
//
// Functions of the user's making may ignore contexts and may never return. When dialing they run on a goroutine of their own,
// which is abandoned when the time is over: a connection that comes too late is closed by that goroutine.
//
// # WebSocket
//
// A WebSocket (RFC 6455) is a byte stream cut into binary messages whose borders mean nothing. The library for it sits
// between two layers of this package:
//
//	webSocket   net.Conn: messages to bytes, errors as those of other connections
//	*websocket.Conn       frames, masks, compression (RFC 7692), control frames
//	frames                one write for a frame, larger reads, knows what a read need not wait for
//	net.Conn              TCP or TLS, opened here and not by net/http: no proxy, no redirect
package transport
