// Package transport opens byte streams to servers: TCP, in-process, custom dialers, and TLS over any of them.
//
//	url ─► addresses ─► InProcess | Custom | Dialer ─► net.Conn ─► TLS ─► *tls.Conn
//	       (lookup)     each within its share of the timeout
//
// It knows nothing of NATS but its errors: what is said on the stream, and when TLS begins, is the engine's.
//
// Functions of the user's making may ignore contexts and may never return. They run on a goroutine of their own, which
// is abandoned when the time is over: a connection that comes too late is closed by that goroutine.
package transport
