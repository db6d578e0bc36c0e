package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/gannet-io/nats/internal/natserr"
)

// TLS wraps nc and completes the handshake within ctx. cfg is not changed; nil is an empty one. ServerName defaults to
// host, the server's host name without port. Failures wrap natserr.TLS and what crypto/tls or ctx said; nc is closed
// then.
func TLS(ctx context.Context, nc net.Conn, cfg *tls.Config, host string) (*tls.Conn, error) {
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName = host
	}
	secure := tls.Client(nc, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("%w: %w", natserr.TLS, err)
	}
	return secure, nil
}

// TLSState is the state of the TLS on nc, also beneath a WebSocket; false without TLS.
func TLSState(nc net.Conn) (state tls.ConnectionState, ok bool) {
	if w, ok := nc.(*webSocket); ok {
		nc = w.Conn
	}
	if secure, ok := nc.(*tls.Conn); ok {
		return secure.ConnectionState(), true
	}
	return state, false
}

// Exact reports whether a failed write on nc returns a true count and an expired write deadline leaves it usable: plain
// TCP and Unix sockets only.
func Exact(nc net.Conn) bool {
	switch nc.(type) {
	case *net.TCPConn, *Lean, *net.UnixConn:
		return true
	}
	return false
}

// Shut closes nc without a farewell. Closing a TLS connection says goodbye to the peer first, and takes 5 seconds if
// the peer does not read.
func Shut(nc net.Conn) error {
	if secure, ok := nc.(*tls.Conn); ok {
		return secure.NetConn().Close()
	}
	return nc.Close()
}
