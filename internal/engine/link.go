package engine

import (
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
	"github.com/gannet-io/nats/internal/transport"
)

// link is one socket on which the handshake is done.
type link struct {
	conn   net.Conn
	server *pool.Server
	url    *url.URL
	info   proto.Info
	parser proto.Parser
	store  []byte // the handshake's buffer, and then the reader's
	rest   []byte // a part of it: what came behind the PONG of the handshake
	in     reader
	first  [smallBuffer]byte // the first store
	lean   transport.Lean    // conn, or what lies beneath it, if it is TCP

	ahead    map[uint64]bool       // SIDs of subscriptions that the server knows already
	timers   []*time.Timer         // the supervisor's and the writer's, stopped with the link. Guarded by mu
	mu       sync.Mutex            // a leaf
	writeErr atomic.Pointer[error] // why the writer failed; the reader goes on for a while

	running atomic.Int32 // the reader and the writer, before they begin too
	ended   latch        // neither runs any more
}

// oneEnded is what the reader and the writer do last.
func (l *link) oneEnded() {
	if l.running.Add(-1) == 0 {
		l.ended.close()
		l.in.c.mail.nudge() // the supervisor may wait
	}
}

// install makes the socket of a successful dial the connection, and replays on it. Under Conn.mu, so that a Subscribe comes
// either before the replay or after it.
func (s *supervisor) install(id uint64) {
	d := s.dialing(id)
	s.forget(d) // the dial is over
	l := d.link
	s.link = l
	c := s.c
	c.heard.Store(int64(mono.Now()))
	c.current.Store(l)
	c.setInfo(&l.info)
	s.lame = l.info.LameDuck
	s.merge(l.info, !s.installed)
	s.installed = true
	c.release(l)
	c.ev.Reading(true)
	go l.in.run()
	go func() {
		defer l.oneEnded()
		c.out.Run()
	}()
}

// release has the outbox write to l: subscriptions first, what was kept behind them, and then the PINGs that wait, which so
// confirm it.
func (c *Conn) release(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.Release(l.conn, transport.Exact(l.conn), c.replayLocked(nil, l.ahead), l)
	for i := range c.pongs {
		p := &c.pongs[i]
		p.sent = c.pingLocked()
	}
}

// closeLink ends the current link, and what depends on it: nothing is written any more, the socket is closed, reader and
// writer are waited for (they block in Read and Write only), and the outbox says what was lost.
func (s *supervisor) closeLink() {
	l := s.link
	if l == nil {
		return
	}
	s.hold()
	settle := s.settle
	s.link, s.settle = nil, nil
	l.stopTimers()
	c := s.c
	_ = transport.Shut(l.conn)
	c.ev.Reading(false)
	s.awaitEnd(l, shutLimit)
	loss := settle()
	reason := natserr.Disconnected
	if c.Status() == session.Closed {
		reason = natserr.ConnectionClosed
	}
	c.mux.fail(reason, false, false)
	if reason != natserr.ConnectionClosed {
		c.mux.failTracked(c.out.Era())
	}
	c.failPongs(reason, false)
	c.tellLoss(loss, s.cause)
}

// hold keeps what is published from now on for the next link.
func (s *supervisor) hold() {
	if s.link != nil && s.settle == nil {
		s.c.current.Store(nil)
		s.settle = s.c.out.Hold()
	}
}

// shutLimit bounds the wait for a Read or Write of a closed connection. It is used up only by a user's own net.Conn that does
// not end its calls when it is closed; whatever such a Read still brings is dropped.
const shutLimit = time.Second

// awaitEnd waits for the reader and the writer. What came by mail meanwhile is looked at afterwards in any case.
func (s *supervisor) awaitEnd(l *link, limit time.Duration) {
	end := mono.Now().Add(limit) // before the timer is set: it must not be early
	s.timer.Reset(limit)
	for l.running.Load() > 0 && mono.Now() < end {
		<-s.c.mail.wake
	}
	s.c.mail.nudge() // the wait may have swallowed the sign of what came
}

func (s *supervisor) ping() {
	sent := mono.Now()
	_ = s.c.onPong(ponger{timer: true, fn: func(err error) {
		if err == nil {
			s.c.health.rtt.Store(int64(mono.Now().Sub(sent)))
			s.c.mail.post(func() { s.act(s.machine.Pong(mono.Now())) })
		}
	}}, session.Pongs)
}
