package engine

import (
	"crypto/tls"
	"net"
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
	"github.com/gannet-io/nats/internal/transport"
)

// Getters. They answer at once, whatever the network does.

// Status is the state of the connection.
func (c *Conn) Status() session.Status { return session.Status(c.status.Load()) }

// LastError is the last error that was reported asynchronously or ended a link; nil when there was none.
func (c *Conn) LastError() error {
	if p := c.lastErr.Load(); p != nil {
		return *p
	}
	return nil
}

// SetLastError is for errors that the façade finds.
func (c *Conn) SetLastError(err error) {
	if err != nil {
		c.lastErr.Store(&err)
	}
}

// Info is the last INFO of the current or the last server.
func (c *Conn) Info() proto.Info { return *c.info.Load() }

// setInfo takes info over.
func (c *Conn) setInfo(info *proto.Info) {
	c.info.Store(info)
	for {
		g := c.gate.Load()
		if g < 0 || c.gate.CompareAndSwap(g, openGate(info.MaxPayload, info.Headers)) {
			return
		}
	}
}

// URL is that of the server connected to, nil when there is none. It must not be changed.
func (c *Conn) URL() *url.URL {
	if l := c.current.Load(); l != nil {
		return l.url
	}
	return nil
}

// Servers is a copy of the pool.
func (c *Conn) Servers() []pool.Server { return slices.Clone(c.servers.Load().list) }

// Replace gives the pool a new list of servers, in this order; the current link stays. Errors: natserr.ConnectionClosed, and
// those of [pool.Pool.Replace].
func (c *Conn) Replace(urls []string) error {
	result := make(chan error, 1)
	ok := c.mail.post(func() {
		err := c.super.pool.Replace(urls)
		c.setServers(c.super.pool)
		result <- err
	})
	if !ok {
		return natserr.ConnectionClosed
	}
	return <-result
}

// serverList is a copy of the pool; a single server needs no memory of its own.
type serverList struct {
	list []pool.Server
	one  [1]pool.Server
}

func (c *Conn) setServers(p *pool.Pool) {
	l := c.newList()
	l.list = p.AppendServers(l.one[:0])
	c.servers.Store(l)
}

// newList makes an empty list; those in use before may still be read. Most connections get by with the first two, which are there.
func (c *Conn) newList() *serverList {
	if len(c.lists) == 0 {
		return new(serverList)
	}
	l := &c.lists[0]
	c.lists = c.lists[1:]
	return l
}

// Addrs are the two ends of the current socket, nil when there is none.
func (c *Conn) Addrs() (local, remote net.Addr) {
	if l := c.current.Load(); l != nil {
		return l.conn.LocalAddr(), l.conn.RemoteAddr()
	}
	return nil, nil
}

// TLSState is the state of the current socket's TLS; false without a socket or without TLS.
func (c *Conn) TLSState() (state tls.ConnectionState, ok bool) {
	if l := c.current.Load(); l != nil {
		return transport.TLSState(l.conn)
	}
	return state, false
}

// Buffered is the number of bytes that have been accepted and not yet written.
func (c *Conn) Buffered() int { return c.out.Buffered() }

// Stats is a consistent copy of the counters.
func (c *Conn) Stats() Counters {
	n := c.cfg.Counters
	msgs, bytes := c.out.Stats()
	return Counters{
		InMsgs: atomic.LoadUint64(&n.InMsgs), InBytes: atomic.LoadUint64(&n.InBytes),
		OutMsgs: msgs, OutBytes: bytes, Reconnects: atomic.LoadUint64(&n.Reconnects),
	}
}
