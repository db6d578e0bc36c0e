package engine

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/outbox"
	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// supervisor drives the session machine: it alone touches the machine, the pool, the dials and the link.
type supervisor struct {
	c       *Conn
	machine *session.Machine
	pool    *pool.Pool
	dials   []*dialing
	link    *link
	settle  func() outbox.Loss // between hold and closeLink
	lastErr error              // what the machine said last
	cause   error              // of the last change of status: why the link was lost

	installed bool // there has been a link
	lame      bool // the server of the link, as it said last
	over      bool

	timer *time.Timer // wakes the supervisor, as mail does
	posts []func()    // what came by mail last
	few   [2]*dialing // memory of dials, as long as it is enough
}

func (s *supervisor) init(c *Conn, m *session.Machine, p *pool.Pool, posts []func()) {
	s.c, s.machine, s.pool, s.posts = c, m, p, posts
	s.dials = s.few[:0]
}

// run handles events until the connection is over.
func (s *supervisor) run() {
	defer s.c.end.Done()
	defer s.c.gone.close()
	s.timer = time.AfterFunc(time.Hour, s.c.mail.nudge)
	defer s.timer.Stop()
	s.act(s.machine.Start(mono.Now()))
	for !s.over {
		s.posts = s.c.mail.take(s.posts)
		for _, fn := range s.posts {
			fn()
		}
		if s.over {
			break
		}
		if s.machine.Deadline() <= mono.Now() {
			s.tick()
			continue
		}
		s.timer.Reset(s.machine.Deadline().Sub(mono.Now()))
		<-s.c.mail.wake
	}
	// Whoever posted too late to be heard is told all the same: every function checks what it finds.
	for _, fn := range s.c.mail.shut() {
		fn()
	}
}

// tick tells the machine first what has happened without an event of its own.
func (s *supervisor) tick() {
	s.machine.Heard(mono.Time(s.c.heard.Load()))
	s.lookForDebts()
	s.act(s.machine.Tick(mono.Now()))
}

// act carries out what the machine decided, in order. Actions may lead to further events, but those come by mail, so nothing asks the
// machine again before it is done.
func (s *supervisor) act(actions []session.Action) {
	for _, a := range actions {
		s.do(a)
	}
	// Is and not ==: an error that came out of user code may not be comparable.
	if err := s.machine.LastError(); !errors.Is(err, s.lastErr) {
		s.lastErr = err
		s.c.lastErr.Store(&[]error{err}[0])
	}
}

func (s *supervisor) do(a session.Action) {
	c := s.c
	switch a.Kind {
	case session.Dial:
		s.dial(a.Dial, a.Server)
	case session.Abort:
		s.abort(a.Dial)
	case session.AskDelay:
		s.askDelay(a.Passes)
	case session.AskServer:
		s.askServer()
	case session.Install:
		s.install(a.Dial)
	case session.CloseLink:
		if a.Err != nil {
			s.cause = a.Err
		}
		s.closeLink()
	case session.Leave:
		s.leave(a.Dial)
	case session.SendPing:
		s.ping()
	case session.Emit:
		s.emit(a.Status, a.Err)
	case session.TellConnected:
		c.connectResult(nil)
		c.tell(Connected, nil)
	case session.TellDisconnected:
		c.tell(Disconnected, a.Err)
	case session.TellReconnected:
		atomic.AddUint64(&c.cfg.Counters.Reconnects, 1)
		c.tell(Reconnected, nil)
	case session.TellReconnectFailed:
		c.tell(ReconnectFailed, a.Err)
	case session.TellError:
		c.denied(a.Err)
		c.News(func() { c.ev.Report(nil, a.Err) })
	case session.TellClosed:
		c.tell(Closed, nil)
	case session.ConnectDone:
		if !c.cfg.AwaitLink || s.installed {
			c.connectResult(nil)
		}
	case session.ConnectFailed:
		c.connectResult(a.Err)
	case session.FailPending:
		c.mux.fail(a.Err, true, false)
		c.failPongs(a.Err, true)
	case session.Finish:
		s.finish(a.Err)
	}
}

// askDelay runs the user's function on a goroutine of its own: it may block or call back into the connection.
func (s *supervisor) askDelay(passes int) {
	go func() {
		d := s.c.cfg.Delay(passes)
		s.c.mail.post(func() {
			if !s.over {
				s.act(s.machine.Delay(mono.Now(), d))
			}
		})
	}()
}

// askServer runs the user's choice of the next server, in the same way.
func (s *supervisor) askServer() {
	servers, info := s.pool.Servers(), s.c.Info()
	go func() {
		u, d := s.c.cfg.Choose(servers, info)
		s.c.mail.post(func() {
			if s.over {
				return
			}
			choice := s.pool.Find(u)
			if u != nil && choice == nil {
				choice = &pool.Server{URL: u} // not in the pool: the machine says so
			}
			s.act(s.machine.Chosen(mono.Now(), choice, d))
		})
	}()
}

func (s *supervisor) emit(status session.Status, err error) {
	s.cause = err
	if status == session.Reconnecting || status == session.Disconnected {
		s.hold() // whoever sees the new status may rely on it
	}
	s.c.status.Store(uint32(status))
	s.c.health.since.Store(int64(mono.Now()))
	switch status {
	case session.DrainingPubs:
		s.c.gate.Store(gateDraining)
	case session.Closed:
		s.c.gate.Store(gateClosed)
	}
	s.c.ev.Status(status)
	s.c.tellWatchers(status, err)
}

// finish ends everything: waiters, subscriptions, workers. What is posted from now on is refused.
func (s *supervisor) finish(err error) {
	c := s.c
	s.closeLink()
	for len(s.dials) > 0 {
		s.abort(s.dials[0].id)
	}
	s.over = true
	c.gate.Store(gateClosed)
	c.tellLoss(c.out.Close(0, 0), err)
	c.mux.fail(natserr.ConnectionClosed, true, true)
	for _, sink := range c.finishSubs() {
		sink.Closed(natserr.ConnectionClosed)
	}
	c.failPongs(natserr.ConnectionClosed, true)
	c.disp.close()
	c.connectResult(natserr.ConnectionClosed) // if nobody has told Connect yet
}

func (c *Conn) finishSubs() (sinks []Sink) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finished = true
	var subs []*Sub
	c.subs.each(func(s *Sub) { subs = append(subs, s) })
	for _, s := range subs {
		c.subs.remove(s)
		sinks = append(sinks, s.sink)
	}
	return sinks
}

// merge takes over the servers that INFO names. Those of the first connect are no news.
func (s *supervisor) merge(info proto.Info, first bool) {
	if s.c.cfg.IgnoreDiscovered || len(info.ConnectURLs) == 0 {
		return
	}
	added := s.pool.Merge(info.ConnectURLs)
	s.c.setServers(s.pool)
	if len(added) > 0 && !first {
		s.c.tellNews(Discovered)
	}
}

// The reader's and writer's events. They are ignored when the link they speak of is not the current one any more.

func (c *Conn) linkFailed(l *link, err error) {
	c.mail.post(c.onLink(l, func(s *supervisor) {
		if !c.hanging.Load() { // then it is we who end the link
			s.act(s.machine.LinkFailed(mono.Now(), err))
		}
	}))
}

func (c *Conn) serverError(l *link, text string) {
	c.news(c.onLink(l, func(s *supervisor) { s.act(s.machine.ServerError(mono.Now(), text)) }))
}

// newInfo takes over an INFO behind the handshake. It runs on the reader, so that whoever sees the PONG of a flush sees what the server said
// before; what follows from it is the supervisor's.
func (c *Conn) newInfo(l *link, info proto.Info) {
	if c.current.Load() != l {
		return
	}
	before := c.info.Load()
	// What only the first INFO behind the handshake says must not be forgotten with the next.
	info.IsSystemAccount = info.IsSystemAccount || before.IsSystemAccount
	if info.RemoteAccount == "" {
		info.RemoteAccount = before.RemoteAccount
	}
	c.setInfo(&info)
	c.news(c.onLink(l, func(s *supervisor) {
		s.merge(info, false)
		told := s.lame
		if s.lame = info.LameDuck; s.lame && !told {
			c.tellNews(LameDuck)
			s.act(s.machine.LameDuck(mono.Now()))
		}
	}))
}

// news has the supervisor handle what a server tells, unless too much of it waits already.
func (c *Conn) news(fn func()) {
	if !c.mail.offer(fn) && c.Status() != session.Closed {
		c.calls.drop()
	}
}

func (c *Conn) onLink(l *link, f func(s *supervisor)) func() {
	return func() {
		if c.super.link == l && !c.super.over {
			f(c.super)
		}
	}
}
