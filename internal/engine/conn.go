package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/outbox"
	"github.com/gannet-io/nats/internal/pool"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// Conn is one connection. Its methods may be called concurrently, and from any callback. The zero value has no network: it
// runs callbacks and workers until Close, which is of use in tests.
type Conn struct {
	cfg     Config
	ev      Listener // nil in a zero Conn
	out     *outbox.Box
	mux     mux
	disp    dispatcher
	calls   callbackQueue
	watch   listeners[func(session.Status, error)]
	holds   drainHolds
	last    listeners[func()]
	deleted listeners[func(string)]
	mail    mailbox
	super   *supervisor
	gone    latch          // the supervisor has ended
	end     sync.WaitGroup // for the same

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
	keys    headerKeys

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
