package engine

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/outbox"
	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
	"github.com/gannet-io/nats/internal/transport"
)

// Conn is one connection. Its methods may be called concurrently, and from any callback. The zero value has no network: it
// runs callbacks and workers until Close, which is of use in tests.
type Conn struct {
	cfg   Config
	ev    Listener // nil in a zero Conn
	out   *outbox.Box
	mux   mux
	disp  dispatcher
	calls callbackQueue
	watch watchers
	holds drainHolds
	last  farewells
	mail  mailbox
	super *supervisor
	gone  latch          // the supervisor has ended
	end   sync.WaitGroup // for the same

	callers sync.Pool // of *caller; each connection's own, since a channel belongs to the clock it was made under
	spares  sync.Pool // of *[]byte: see Recycle

	gate    atomic.Int64 // see admit
	status  atomic.Uint32
	heard   atomic.Int64  // mono.Time of the last read that brought something
	owed    atomic.Uint32 // session.Debt that the supervisor knows of, or will
	pulls   atomic.Int64  // answers that others than the mux wait for: Owe
	info    atomic.Pointer[proto.Info]
	current atomic.Pointer[link]
	servers atomic.Pointer[serverList]
	lists   []serverList // not used yet. The supervisor's
	lastErr atomic.Pointer[error]
	health  health

	connecting sync.WaitGroup // over when Connect has its result
	connectErr error          // that result
	answered   atomic.Bool    // it is there, or will be in a moment
	closing    atomic.Bool
	hanging    atomic.Bool // Close is ending the link: its failure is no news

	mu       sync.Mutex // subscriptions and PINGs, in the order in which they go out
	subs     table
	pongs    []ponger
	scratch  []byte
	finished bool
}

// assembly is a connection with what belongs to it alone: one object, where six cost as much as three system calls.
type assembly struct {
	conn    Conn
	super   supervisor
	machine session.Machine
	servers pool.Pool
	out     outbox.Box
	posts   [2][4]func()  // the first memory of the mailbox
	lists   [2]serverList // the first copies of servers
}

// Connect dials and returns when the handshake is done; with cfg.Session.RetryFailed it returns once the first pass over the
// servers is over, connected or not. When ctx ends first, so does the attempt.
func Connect(ctx context.Context, cfg Config, ev Listener) (*Conn, error) {
	a := new(assembly)
	if err := a.servers.Init(cfg.URLs, cfg.First, cfg.Shuffle); err != nil {
		return nil, err
	}
	c := &a.conn
	c.cfg, c.ev = cfg, ev
	if c.cfg.Session.Rand == nil {
		c.cfg.Session.Rand = rand.Int64N
	}
	if c.cfg.Counters == nil {
		c.cfg.Counters = new(Counters)
	}
	c.cfg.Session.CustomDelay = cfg.Delay != nil
	c.cfg.Session.ChooseServer = cfg.Choose != nil
	c.out = &a.out
	c.out.Init(outbox.Config{
		Keep: cfg.Keep, WriteTimeout: cfg.WriteTimeout, Patience: 5 * time.Millisecond, Counters: c.cfg.Counters,
		ConfirmBytes: cfg.ConfirmBytes, ConfirmAfter: cfg.ConfirmAfter, Resend: cfg.Resend, BeforeWrite: c.owePublish(),
		Asks: &c.mux,
	})
	c.mux.init(c)
	c.calls.conn = c
	c.mail.wake, c.mail.queue = make(chan struct{}, 1), a.posts[0][:0]
	c.gate.Store(gateUnknown)
	c.status.Store(uint32(session.Connecting))
	c.info.Store(&noInfo)
	c.lists = a.lists[:]
	c.setServers(&a.servers)
	c.connecting.Add(1)
	c.end.Add(1)
	a.machine.Init(c.cfg.Session, &a.servers)
	c.super = &a.super
	c.super.init(c, &a.machine, &a.servers, a.posts[1][:0])
	go c.super.run()
	if err := c.await(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

var noInfo proto.Info

// await waits for the result of Connect. When it is an error, nothing remains.
func (c *Conn) await(ctx context.Context) error {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() {
			err := fmt.Errorf("nats: connect: %w", ctx.Err())
			if last := c.LastError(); last != nil {
				err = fmt.Errorf("%w: %w", err, last)
			}
			c.connectResult(err)
		})
		defer stop()
	}
	c.connecting.Wait()
	if c.connectErr != nil {
		c.Close()
	}
	return c.connectErr
}

// connectResult tells Connect how it went; the first result counts.
func (c *Conn) connectResult(err error) {
	if !c.answered.Swap(true) {
		c.connectErr = err
		c.connecting.Done()
	}
}

// What a user's Close may take: it goes on while writes progress.
const (
	closeIdle  = 250 * time.Millisecond
	closeTotal = 2 * time.Second
	closeRead  = 100 * time.Millisecond
)

// Close ends the connection: what was accepted is written while writes progress, then every waiter is told. It is
// idempotent, may be called from any callback, and returns within about two seconds whatever the network does.
func (c *Conn) Close() { c.CloseWithin(closeIdle, closeTotal) }

// CloseWithin is Close with other bounds: it gives up writing after idle without progress, and after total at the latest. It returns what the
// error handler is told of too; only the first Close has something to return.
func (c *Conn) CloseWithin(idle, total time.Duration) (lost LossError) {
	if c.super == nil {
		c.disp.close()
		return lost
	}
	if !c.closing.Swap(true) {
		loss := c.beginClose(idle, total)
		lost.Unconfirmed, lost.Dropped = loss.Unconfirmed, loss.Dropped
	}
	c.end.Wait()
	return lost
}

func (c *Conn) beginClose(idle, total time.Duration) outbox.Loss {
	c.last.say()
	c.gate.Store(gateClosed)
	c.hanging.Store(true)
	loss := c.out.Close(idle, total)
	if published, _ := c.out.Stats(); published > 0 && loss == (outbox.Loss{}) && total > closeRead {
		c.hangUp()
	}
	c.mail.post(func() {
		if !c.super.over {
			c.tellLoss(loss, nil)
			c.super.act(c.super.machine.Close(mono.Now()))
		}
	})
	return loss
}

// hangUp ends our half of the stream and lets the server end its own: a socket that is closed with unread bytes in it is
// reset, which can destroy what was just written.
func (c *Conn) hangUp() {
	l := c.current.Load()
	if l == nil {
		return
	}
	if half, ok := l.conn.(interface{ CloseWrite() error }); ok {
		go func() { _ = half.CloseWrite() }() // over TLS it may block until the socket is closed, which is next
		timer := time.NewTimer(closeRead)
		defer timer.Stop()
		select {
		case <-l.ended.done():
		case <-timer.C:
		}
	}
}

// Done is closed when everything has ended but callbacks that are still running.
func (c *Conn) Done() <-chan struct{} { return c.gone.done() }

// BeginDrain moves to DRAINING_SUBS: Subscribe is refused from now on. Errors: natserr.ConnectionClosed, and
// natserr.ConnectionReconnecting while there is no link. began is false when the connection is draining already.
func (c *Conn) BeginDrain() (began bool, err error) {
	result := make(chan error, 1)
	ok := c.mail.post(func() {
		if c.super.over {
			result <- natserr.ConnectionClosed
			return
		}
		before := c.Status()
		actions, err := c.super.machine.Drain(mono.Now())
		c.super.act(actions)
		began = err == nil && before != c.Status()
		result <- err
	})
	if !ok {
		return false, natserr.ConnectionClosed
	}
	err = <-result
	return began, err
}

// BeginShutdown is BeginDrain that needs no link: one that is missing, or gets lost, is waited for, until Close. Error:
// natserr.ConnectionClosed.
func (c *Conn) BeginShutdown() (began bool, err error) {
	result := make(chan error, 1)
	ok := c.mail.post(func() {
		if c.super.over {
			result <- natserr.ConnectionClosed
			return
		}
		before := c.Status()
		actions, err := c.super.machine.Shutdown(mono.Now())
		c.super.act(actions)
		began = err == nil && before != c.Status()
		result <- err
	})
	if !ok {
		return false, natserr.ConnectionClosed
	}
	err = <-result
	return began, err
}

// EndSubs moves from DRAINING_SUBS to DRAINING_PUBS: Publish is refused from now on.
func (c *Conn) EndSubs() {
	c.last.say()
	done := make(chan struct{})
	ok := c.mail.post(func() {
		defer close(done)
		if !c.super.over {
			c.super.act(c.super.machine.DrainPubs(mono.Now()))
		}
	})
	if ok {
		<-done
	}
}

// ForceReconnect gives up the current link and reconnects without a pause, or ends the current pause. It does not wait.
// After Close it returns natserr.ConnectionClosed.
func (c *Conn) ForceReconnect() error {
	ok := c.mail.post(func() {
		if !c.super.over {
			c.super.act(c.super.machine.ForceReconnect(mono.Now()))
		}
	})
	if !ok {
		return natserr.ConnectionClosed
	}
	return nil
}

// Doubt says that an expected answer is late: the link is probed with a PING whose answer is due soon.
func (c *Conn) Doubt() {
	c.mail.post(func() {
		if !c.super.over {
			c.super.machine.Heard(mono.Time(c.heard.Load()))
			c.super.act(c.super.machine.Doubt(mono.Now()))
		}
	})
}

// Owe adds n to the number of answers that are outstanding beside the engine's own: pulls, for instance. While there
// are any, a silent link is probed.
func (c *Conn) Owe(n int) {
	if c.pulls.Add(int64(n)) > 0 {
		c.owe()
	}
}

// owe has the supervisor watch the link while answers are outstanding. It posts once, not for every request: the
// supervisor looks at the numbers itself when the time has come.
func (c *Conn) owe() { c.owes(session.Answers) }

func (c *Conn) owes(d session.Debt) {
	if c.raise(d) {
		c.mail.post(func() { c.super.machine.Owed(mono.Now(), session.Debt(c.owed.Load())) })
	}
}

// raise reports whether so much was not known before.
func (c *Conn) raise(d session.Debt) bool {
	for {
		known := c.owed.Load()
		if known >= uint32(d) {
			return false
		}
		if c.owed.CompareAndSwap(known, uint32(d)) {
			return true
		}
	}
}

func (c *Conn) owing() session.Debt {
	timer, others := c.waitForPong()
	switch {
	case others || c.pulls.Load() > 0 || c.mux.outstanding() > 0 || c.owesPublish() && c.out.Unconfirmed():
		return session.Answers
	case timer:
		return session.Pongs
	}
	return session.Nothing
}

// owesPublish: where publishes are to be confirmed, or count themselves, silence behind them is cause for doubt.
func (c *Conn) owesPublish() bool {
	return c.cfg.OwedPublish || c.cfg.ConfirmBytes > 0 || c.cfg.ConfirmAfter > 0 || c.cfg.Resend > 0
}

// owePublish is what the writer calls before it writes.
func (c *Conn) owePublish() func() {
	if c.owesPublish() {
		return c.owe
	}
	return nil
}

// waitForPong says who waits for PONGs.
func (c *Conn) waitForPong() (timer, others bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pongs {
		timer, others = timer || p.timer, others || !p.timer
	}
	return timer, others
}

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

// Events to the user's functions, by way of the callback goroutine.

func (c *Conn) tell(e Event, err error) {
	if c.heeds(e) {
		c.Callback(func() { c.ev.Happened(e, err) })
	}
}

// tellNews is tell for what servers say as often as they like.
func (c *Conn) tellNews(e Event) {
	if c.heeds(e) {
		c.News(func() { c.ev.Happened(e, nil) })
	}
}

// heeds reports whether e must be told: somebody listens, or may begin to in one of the callbacks that come before. Most connections have
// none, and no goroutine for them.
func (c *Conn) heeds(e Event) bool { return c.ev.Listens(e) || c.calls.busy() }

func (c *Conn) tellError(sink Sink, err error) {
	c.Callback(func() { c.ev.Report(sink, err) })
}
