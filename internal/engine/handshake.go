package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
	"github.com/gannet-io/nats/internal/transport"
)

// open dials srv and shakes hands: INFO, TLS, CONNECT and PING, PONG; for a WebSocket TLS and the opening request come
// first. It runs on a goroutine of its own.
func (c *Conn) open(ctx context.Context, srv *pool.Server) (*link, error) {
	conn, err := transport.Dial(ctx, srv.URL, c.cfg.Net)
	if err != nil {
		return nil, err
	}
	h := &handshake{c: c, link: &link{
		conn: conn, server: srv, url: srv.URL, reading: make(chan struct{}), writing: make(chan struct{}),
	}}
	if timeout := c.cfg.Net.Timeout; timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	// The context ends whatever read or write is under way; a deadline alone would not know of an aborted dial.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err = h.run(ctx)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close() // the socket itself, not the TLS that may lie over it by now
		if ctx.Err() != nil && !errors.Is(err, natserr.TLS) {
			return nil, natserr.Timeout
		}
		return nil, err
	}
	return h.link, nil
}

type handshake struct {
	*link
	c   *Conn
	buf []byte // unread bytes
	f   proto.Frame
}

func (h *handshake) run(ctx context.Context) error {
	secure, webSocket := false, h.wantsWebSocket()
	if h.wantsTLS() && (h.c.cfg.TLSFirst || webSocket) {
		if err := h.upgrade(ctx); err != nil {
			return err
		}
		secure = true
	}
	if webSocket {
		if err := h.openWebSocket(ctx); err != nil {
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
		if err := h.upgrade(ctx); err != nil {
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

func (h *handshake) openWebSocket(ctx context.Context) error {
	conn, err := transport.WebSocket(ctx, h.conn, h.url, h.c.cfg.WebSocket)
	if err != nil {
		return err
	}
	h.conn = conn
	return nil
}

func (h *handshake) upgrade(ctx context.Context) error {
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
		n, op, err := h.parser.Next(h.buf, &h.f)
		if err != nil {
			return op, err
		}
		if op != proto.OpNone {
			h.buf = h.buf[n:]
			return op, nil
		}
		if cap(h.buf)-len(h.buf) < 512 {
			grown := make([]byte, len(h.buf), 2*len(h.buf)+2048)
			copy(grown, h.buf)
			h.buf = grown
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
	hello, err := h.c.cfg.Hello(&h.info, h.url)
	if err != nil {
		return err
	}
	hello.TLSRequired = secure
	hello.Headers, hello.NoResponders = h.info.Headers, h.info.Headers
	hello.Protocol = 1
	_, err = h.conn.Write(append(proto.AppendConnect(make([]byte, 0, 512), &hello), ping...))
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
