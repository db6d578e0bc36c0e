package nats

import (
	"crypto/tls"
	"net"
	"net/url"

	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
)

// What is known of the current server. These answer at once whatever the network does. Those that name the server return zero
// values unless the connection is CONNECTED.

// connectedURL is nil unless the connection is CONNECTED.
func (nc *Conn) connectedURL() *url.URL {
	if nc.Status() != CONNECTED {
		return nil
	}
	return nc.eng.URL()
}

// ConnectedUrl is the URL of the current server, credentials included; empty unless the connection is CONNECTED.
func (nc *Conn) ConnectedUrl() string {
	if u := nc.connectedURL(); u != nil {
		return u.String()
	}
	return ""
}

// ConnectedUrlRedacted is [Conn.ConnectedUrl] with the password replaced.
func (nc *Conn) ConnectedUrlRedacted() string {
	if u := nc.connectedURL(); u != nil {
		return u.Redacted()
	}
	return ""
}

// ConnectedAddr is the network address of the current server; empty unless the connection is CONNECTED.
func (nc *Conn) ConnectedAddr() string {
	if nc.Status() == CONNECTED {
		if _, remote := nc.eng.Addrs(); remote != nil {
			return remote.String()
		}
	}
	return ""
}

// LocalAddr is the connection's own network address; empty unless it is CONNECTED.
func (nc *Conn) LocalAddr() string {
	if nc.Status() == CONNECTED {
		if local, _ := nc.eng.Addrs(); local != nil {
			return local.String()
		}
	}
	return ""
}

// lastInfo is the last INFO of the current or the last server.
func (nc *Conn) lastInfo() proto.Info {
	if eng := nc.engine(); eng != nil {
		return eng.Info()
	}
	return proto.Info{}
}

// currentInfo is zero unless the connection is CONNECTED.
func (nc *Conn) currentInfo() proto.Info {
	if nc.Status() != CONNECTED {
		return proto.Info{}
	}
	return nc.eng.Info()
}

// ConnectedServerId is the id of the current server; empty unless the connection is CONNECTED.
func (nc *Conn) ConnectedServerId() string { return nc.currentInfo().ID }

// ConnectedServerName is the name of the current server; empty unless the connection is CONNECTED.
func (nc *Conn) ConnectedServerName() string { return nc.currentInfo().Name }

// ConnectedServerVersion is the version of the current server; empty unless the connection is CONNECTED.
func (nc *Conn) ConnectedServerVersion() string { return nc.currentInfo().Version }

// ConnectedClusterName is the name of the current server's cluster; empty without one, and unless the connection is CONNECTED.
func (nc *Conn) ConnectedClusterName() string { return nc.currentInfo().Cluster }

// ConnectedDomain is the JetStream domain of the current server; empty without one, and unless the connection is CONNECTED.
func (nc *Conn) ConnectedDomain() string { return nc.currentInfo().Domain }

// ConnectedServerJetStream reports whether the current server has JetStream, and its API level; false and 0 unless the connection is
// CONNECTED.
func (nc *Conn) ConnectedServerJetStream() (enabled bool, level int) {
	i := nc.currentInfo()
	return i.JetStream, i.APILevel
}

// RemoteAccount is the account of the connection on the current server; empty where the server does not tell, and unless the connection
// is CONNECTED.
func (nc *Conn) RemoteAccount() string { return nc.currentInfo().RemoteAccount }

// IsSystemAccount reports whether the connection's account is the system account; false unless the connection is CONNECTED.
func (nc *Conn) IsSystemAccount() bool { return nc.currentInfo().IsSystemAccount }

// What was last known of a server; it outlives the link.

// HeadersSupported reports whether messages may have headers: what the current server says, or the last one when there is no link.
func (nc *Conn) HeadersSupported() bool { return nc.lastInfo().Headers }

// AuthRequired reports whether the current server, or the last one, asks for credentials.
func (nc *Conn) AuthRequired() bool { return nc.lastInfo().AuthRequired }

// TLSRequired reports whether the current server, or the last one, asks for TLS.
func (nc *Conn) TLSRequired() bool { return nc.lastInfo().TLSRequired }

// MaxPayload is the largest message, header and data in bytes, that the current server takes, or the last one when there is no link.
func (nc *Conn) MaxPayload() int64 { return nc.lastInfo().MaxPayload }

// GetClientID is the number that the server gave to the connection. Errors: [ErrConnectionClosed], [ErrClientIDNotSupported].
func (nc *Conn) GetClientID() (uint64, error) {
	i := nc.lastInfo()
	switch {
	case nc.engine() == nil, nc.IsClosed():
		return 0, ErrConnectionClosed
	case i.CID == 0:
		return 0, ErrClientIDNotSupported
	}
	return i.CID, nil
}

// GetClientIP is the address that the server sees the connection come from. Errors: [ErrConnectionClosed],
// [ErrClientIPNotSupported].
func (nc *Conn) GetClientIP() (net.IP, error) {
	i := nc.lastInfo()
	switch {
	case nc.engine() == nil, nc.IsClosed():
		return nil, ErrConnectionClosed
	case i.ClientIP == "":
		return nil, ErrClientIPNotSupported
	}
	return net.ParseIP(i.ClientIP), nil
}

// TLSConnectionState is the state of the link's TLS. Errors: [ErrDisconnected] without a link, [ErrConnectionNotTLS].
func (nc *Conn) TLSConnectionState() (tls.ConnectionState, error) {
	if !nc.IsConnected() {
		return tls.ConnectionState{}, ErrDisconnected
	}
	state, ok := nc.eng.TLSState()
	if !ok {
		return tls.ConnectionState{}, ErrConnectionNotTLS
	}
	return state, nil
}

// Buffered is the number of bytes that were accepted for sending and not yet written. After Close: -1 and [ErrConnectionClosed].
func (nc *Conn) Buffered() (int, error) {
	if nc.engine() == nil || nc.IsClosed() {
		return -1, ErrConnectionClosed
	}
	return nc.eng.Buffered(), nil
}

// NumSubscriptions counts the active subscriptions.
func (nc *Conn) NumSubscriptions() int {
	if eng := nc.engine(); eng != nil {
		return eng.NumSubscriptions()
	}
	return 0
}

// The server pool.

func (nc *Conn) pool() []pool.Server {
	if eng := nc.engine(); eng != nil {
		return eng.Servers()
	}
	return nil
}

// Servers are the URLs of the pool, without credentials.
func (nc *Conn) Servers() []string { return urlsOf(nc.pool(), func(pool.Server) bool { return true }) }

// DiscoveredServers are those of [Conn.Servers] that other servers named.
func (nc *Conn) DiscoveredServers() []string {
	return urlsOf(nc.pool(), func(s pool.Server) bool { return s.Discovered })
}

func urlsOf(servers []pool.Server, want func(pool.Server) bool) (urls []string) {
	for _, s := range servers {
		if want(s) {
			bare := *s.URL
			bare.User = nil
			urls = append(urls, bare.String())
		}
	}
	return urls
}

// ServerPool is a copy of the pool, credentials included.
func (nc *Conn) ServerPool() []Server { return publicServers(nc.pool()) }

// SetServerPool replaces the pool, discovered servers included, by these URLs in this order; the current link stays, and the next
// attempt to connect goes by the new list. Counts of failures begin anew. Errors: [ErrConnectionClosed]; a URL that cannot be
// read; an empty list; WebSocket URLs among others.
func (nc *Conn) SetServerPool(servers []string) error {
	eng := nc.engine()
	if eng == nil {
		return ErrInvalidConnection
	}
	return eng.Replace(servers)
}
