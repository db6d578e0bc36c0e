package engine

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/transport"
)

// dialing is one attempt to make a link. It is the object in which the link itself is made.
type dialing struct {
	id     uint64
	target pool.Server // a copy: others may change theirs
	aside  bool        // it is kept until the current link has been left
	link   *link       // once it has succeeded: &made. The supervisor's
	made   link

	ctx    context.Context // ends with abort
	cancel context.CancelFunc

	mu   sync.Mutex
	conn net.Conn // while hands are shaken on it
}

// abort gives the attempt up, whatever it waits for. It does nothing to a link that was made.
func (d *dialing) abort() {
	d.cancel()
	if conn := d.shaking(); conn != nil {
		_ = conn.SetDeadline(time.Unix(1, 0))
	}
}

func (d *dialing) shaking() net.Conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conn
}

// shakes notes the connection that an abort has to interrupt; nil: there is none any more. An abort that comes before is seen in what it
// returns.
func (d *dialing) shakes(conn net.Conn) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = conn
	return d.ctx.Err()
}

// dial starts a dial; its result comes by mail.
func (s *supervisor) dial(id uint64, srv *pool.Server) {
	d := &dialing{id: id, target: *srv}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	s.dials = append(s.dials, d)
	go s.c.dial(d)
}

func (c *Conn) dial(d *dialing) {
	l, err := c.open(d)
	if !c.mail.post(func() { c.super.dialed(d, l, err) }) && l != nil {
		_ = transport.Shut(l.conn)
	}
}

func (s *supervisor) dialed(d *dialing, l *link, err error) {
	if s.over || s.dialing(d.id) == nil {
		// It was aborted while its result was on the way.
		if l != nil {
			_ = transport.Shut(l.conn)
		}
		return
	}
	d.link = l
	s.act(s.machine.DialDone(mono.Now(), d.id, err))
	s.c.setServers(s.pool)
	if (s.link != l || l == nil) && !d.aside {
		s.abort(d.id)
	}
}

// dialing is nil for a dial that has ended.
func (s *supervisor) dialing(id uint64) *dialing {
	for _, d := range s.dials {
		if d.id == id {
			return d
		}
	}
	return nil
}

// forget takes a dial off the list and frees its context.
func (s *supervisor) forget(d *dialing) {
	s.dials = slices.DeleteFunc(s.dials, func(x *dialing) bool { return x == d })
	d.abort()
}

func (s *supervisor) abort(id uint64) {
	d := s.dialing(id)
	if d == nil {
		return
	}
	s.forget(d)
	if d.link != nil {
		_ = transport.Shut(d.link.conn)
	}
}
