package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
	"github.com/gannet-io/nats/internal/transport"
)

// open dials srv and shakes hands: INFO, TLS, CONNECT and PING, PONG; for a WebSocket TLS and the opening request come
// first. It runs on a goroutine of its own.
func (c *Conn) open(d *dialing) (*link, error) {
	conn, err := transport.Dial(d.ctx, d.target.URL, c.cfg.Net)
	if err != nil {
		return nil, err
	}
	h := handshake{c: c, d: d, link: &d.made}
	conn = h.lean.Over(conn)
	h.conn, h.server, h.url = conn, &d.target, d.target.URL
	h.running.Store(2)
	h.in.c, h.in.l = c, h.link
	h.store = h.first[:]
	h.buf = h.store[:0]
	err = h.within(c.cfg.Net.Timeout)
	if err != nil {
		_ = conn.Close() // the socket itself, not the TLS that may lie over it by now
		if h.overdue() && !errors.Is(err, natserr.TLS) {
			return nil, natserr.Timeout
		}
		return nil, err
	}
	return h.link, nil
}

type handshake struct {
	*link
	c     *Conn
	d     *dialing
	until time.Time // zero: there is no limit
	buf   []byte    // unread bytes; a part of link.store
}

// within shakes hands in the given time. Reads and writes are ended by the deadline of the connection, which an abort moves to the past.
func (h *handshake) within(limit time.Duration) error {
	conn := h.conn
	if limit > 0 {
		h.until = time.Now().Add(limit)
		_ = conn.SetDeadline(h.until)
	}
	if err := h.d.shakes(conn); err != nil {
		return err
	}
	if err := h.run(); err != nil {
		return err
	}
	if err := h.d.shakes(nil); err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Time{})
	return nil
}

// overdue reports whether the handshake was aborted, or has used up its time.
func (h *handshake) overdue() bool {
	return h.d.ctx.Err() != nil || !h.until.IsZero() && !time.Now().Before(h.until)
}

// limited is a context for those that want one.
func (h *handshake) limited() (context.Context, context.CancelFunc) {
	if h.until.IsZero() {
		return context.WithCancel(h.d.ctx)
	}
	return context.WithDeadline(h.d.ctx, h.until)
}

func (h *handshake) run() error {
	secure, webSocket := false, h.wantsWebSocket()
	if h.wantsTLS() && (h.c.cfg.TLSFirst || webSocket) {
		if err := h.upgrade(); err != nil {
			return err
		}
		secure = true
	}
	if webSocket {
		if err := h.openWebSocket(); err != nil {
			return err
		}
	}
	if err := h.awaitInfo(); err != nil {
		return err
	}
	switch wants := h.wantsTLS(); {
	case secure, webSocket: // what lies beneath a WebSocket may be a proxy's affair: INFO does not know
	case wants && !h.info.TLSRequired && !h.info.TLSAvailable:
		return natserr.SecureConnWanted
	case wants || h.info.TLSRequired:
		if len(h.buf) > 0 {
			return fmt.Errorf("%w: %d bytes in clear text behind INFO", natserr.TLS, len(h.buf))
		}
		if err := h.upgrade(); err != nil {
			return err
		}
		secure = true
	}
	if h.c.cfg.NoEcho && h.info.Proto < 1 {
		return natserr.NoEchoNotSupported
	}
	if err := h.connect(secure); err != nil {
		return err
	}
	if err := h.awaitPong(); err != nil {
		return err
	}
	h.rest = h.buf
	return nil
}

func (h *handshake) wantsTLS() bool {
	return h.c.cfg.Secure || h.url.Scheme == "tls" || h.url.Scheme == "wss"
}

// wantsWebSocket: a server in this process speaks the plain protocol, whatever the URL says.
func (h *handshake) wantsWebSocket() bool {
	return h.c.cfg.Net.InProcess == nil && (h.url.Scheme == "ws" || h.url.Scheme == "wss")
}

func (h *handshake) openWebSocket() error {
	ctx, cancel := h.limited()
	defer cancel()
	conn, err := transport.WebSocket(ctx, h.conn, h.url, h.c.cfg.WebSocket)
	if err != nil {
		return err
	}
	h.conn = conn
	return nil
}

func (h *handshake) upgrade() error {
	ctx, cancel := h.limited()
	defer cancel()
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if h.c.cfg.TLS != nil {
		own, err := h.c.cfg.TLS()
		if err != nil {
			return err
		}
		if own != nil {
			cfg = own
		}
	}
	name := h.url.Hostname()
	if h.server.TLSName != "" {
		name = h.server.TLSName
	}
	conn, err := transport.TLS(ctx, h.conn, cfg, name)
	if err != nil {
		return err
	}
	h.conn = conn
	return nil
}

// next reads until an operation is complete.
func (h *handshake) next() (proto.Op, error) {
	for {
		n, op, err := h.parser.Next(h.buf, &h.in.frame)
		if err != nil {
			return op, err
		}
		if op != proto.OpNone {
			h.buf = h.buf[n:]
			return op, nil
		}
		if cap(h.buf)-len(h.buf) < 512 {
			h.store = make([]byte, 2*smallBuffer+2*len(h.buf))
			h.buf = h.store[:copy(h.store, h.buf)]
		}
		got, err := h.conn.Read(h.buf[len(h.buf):cap(h.buf)])
		h.buf = h.buf[:len(h.buf)+got]
		if err != nil && got == 0 {
			return proto.OpNone, err
		}
	}
}

func (h *handshake) awaitInfo() error {
	op, err := h.next()
	switch {
	case err != nil:
		return err
	case op == proto.OpErr:
		return session.ParseServerError(string(h.parser.Arg()))
	case op != proto.OpInfo:
		return natserr.NoInfoReceived
	}
	return h.takeInfo()
}

func (h *handshake) takeInfo() error {
	info, err := proto.ParseInfo(h.parser.Arg())
	if err != nil {
		return fmt.Errorf("%w: %w", natserr.JSONParse, err)
	}
	h.info = info
	transport.LimitMessages(h.conn, info.MaxPayload)
	return nil
}

// connect sends CONNECT and PING in one write.
func (h *handshake) connect(secure bool) error {
	hello, err := h.c.cfg.Hello.Hello(&h.info, h.url)
	if err != nil {
		return err
	}
	hello.TLSRequired = secure
	hello.Headers, hello.NoResponders = h.info.Headers, h.info.Headers
	hello.Protocol = 1
	line := h.buf[len(h.buf):] // mostly there is room behind what is unread
	_, err = h.conn.Write(append(proto.AppendConnect(line, &hello), ping...))
	return err
}

// awaitPong reads up to the PONG that ends the handshake.
func (h *handshake) awaitPong() error {
	for {
		op, err := h.next()
		if err != nil {
			return err
		}
		switch op {
		case proto.OpPong:
			return nil
		case proto.OpErr:
			return session.ParseServerError(string(h.parser.Arg()))
		case proto.OpInfo:
			if err := h.takeInfo(); err != nil {
				return err
			}
		case proto.OpPing:
			if _, err := h.conn.Write(pong); err != nil {
				return err
			}
		case proto.OpMsg:
			return &proto.Error{Reason: "a message before the handshake was done"}
		}
	}
}

var ping, pong = []byte("PING\r\n"), []byte("PONG\r\n")
