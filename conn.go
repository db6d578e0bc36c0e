package nats

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/bridge"
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/session"
)

func init() {
	bridge.EngineOf = func(conn any) *engine.Conn { return conn.(*Conn).engine() }
}

// Conn is a connection to a NATS server, or rather to one of a pool: it reconnects by itself. [Connect] makes one. Its methods may be
// called concurrently and from any callback. Those of a nil or zero *Conn return [ErrInvalidConnection] or zero values.
type Conn struct {
	// Statistics are live, see there.
	Statistics
	// Opts are the options in use, see there for what may be changed.
	Opts Options

	eng    *engine.Conn
	ready  sync.WaitGroup // over when eng is set; callbacks wait for it
	logger *slog.Logger   // nil: none. It does not change
	quiet  atomic.Bool    // the program has called Close and wants no callbacks after it

	askers  sync.Pool // of *asker; not global: a fake clock's channels must stay with their clock
	replies atomic.Pointer[Subscription]

	still standstill // the reader's wait for a slow consumer

	badHeader atomic.Bool // a report of an unreadable header block is on its way

	mu        sync.Mutex // guards the callbacks in Opts, and what follows. It comes after no other lock
	listeners []statusListener
	subs      subList // every subscription that is not over
}

// engine returns nil for a connection that Connect did not make.
func (nc *Conn) engine() *engine.Conn {
	if nc == nil {
		return nil
	}
	return nc.eng
}

// Close ends the connection for good. What was accepted for sending is written, as long as writes progress, 2 s at most; what is lost
// all the same goes to the error handler as a [*LossError]. Every waiting call ends with [ErrConnectionClosed]. Calling it again
// does nothing. To work off subscriptions first, use [Conn.Drain].
func (nc *Conn) Close() {
	if nc.engine() != nil {
		nc.closeWithin(closeIdle, closeTotal)
	}
}

// What a Close may take: it goes on writing while writes progress.
const (
	closeIdle  = 250 * time.Millisecond
	closeTotal = 2 * time.Second
)

func (nc *Conn) closeWithin(idle, total time.Duration) {
	if nc.Opts.NoCallbacksAfterClientClose {
		nc.quiet.Store(true)
	}
	nc.dismissConsumers()
	nc.eng.CloseWithin(idle, total)
}

// ForceReconnect gives up the link and reconnects at once; while reconnecting it ends the current pause. It does not wait. Requests that
// are under way end with [ErrDisconnected]. After Close: [ErrConnectionClosed].
func (nc *Conn) ForceReconnect() error {
	eng := nc.engine()
	if eng == nil {
		return ErrInvalidConnection
	}
	return eng.ForceReconnect()
}

// Status is the state of the connection.
func (nc *Conn) Status() Status {
	if eng := nc.engine(); eng != nil {
		return Status(eng.Status())
	}
	return DISCONNECTED
}

// IsClosed reports whether the connection is closed for good.
func (nc *Conn) IsClosed() bool { return nc.Status() == CLOSED }

// IsReconnecting reports whether there is no link at the moment, the one before the first included where [RetryOnFailedConnect] waits
// for it.
func (nc *Conn) IsReconnecting() bool { return nc.Status() == RECONNECTING }

// IsConnected reports whether there is a link, draining or not.
func (nc *Conn) IsConnected() bool { return nc.Status() == CONNECTED || nc.IsDraining() }

// IsDraining reports whether the connection is on its way to close, see [Conn.Drain].
func (nc *Conn) IsDraining() bool {
	s := nc.Status()
	return s == DRAINING_SUBS || s == DRAINING_PUBS
}

// LastError is the last error that was reported asynchronously or ended a link; nil when there was none.
func (nc *Conn) LastError() error {
	if eng := nc.engine(); eng != nil {
		return public(eng.LastError())
	}
	return nil
}

// statusListener is one channel of StatusChanged.
type statusListener struct {
	ch     chan Status
	wanted uint32 // bit set of states
}

// statusRoom is how many changes a listener may leave unread.
const statusRoom = 10

// StatusChanged returns a channel that gets the state of the connection whenever it changes to one of statuses; without
// any, to CONNECTED, RECONNECTING, DISCONNECTED or CLOSED. A channel with 10 unread changes misses further ones.
// [Conn.RemoveStatusListener] closes it; it stays open after Close.
func (nc *Conn) StatusChanged(statuses ...Status) chan Status {
	if len(statuses) == 0 {
		statuses = []Status{CONNECTED, RECONNECTING, DISCONNECTED, CLOSED}
	}
	l := statusListener{ch: make(chan Status, statusRoom)}
	for _, s := range statuses {
		if s >= 0 && s <= DRAINING_PUBS {
			l.wanted |= 1 << s
		}
	}
	if nc == nil {
		return l.ch
	}
	nc.mu.Lock()
	defer nc.mu.Unlock()
	nc.listeners = append(nc.listeners, l)
	return l.ch
}

// RemoveStatusListener closes a channel of [Conn.StatusChanged]. Others are left alone.
func (nc *Conn) RemoveStatusListener(ch chan Status) {
	if nc == nil {
		return
	}
	nc.mu.Lock()
	defer nc.mu.Unlock()
	for i, l := range nc.listeners {
		if l.ch == ch {
			nc.listeners = append(nc.listeners[:i], nc.listeners[i+1:]...)
			close(ch)
			return
		}
	}
}

// statusChanged runs on the engine's supervisor.
func (nc *Conn) statusChanged(s session.Status) {
	nc.tellStatus(s)
	if s != session.Closed {
		return
	}
	for _, sub := range nc.subscriptions() {
		if sub.cons != nil || sub.has(subCut) { // the engine does not know it, or is done with it: it tells it nothing
			sub.finish(subConnOver)
		}
	}
}

func (nc *Conn) tellStatus(s session.Status) {
	nc.mu.Lock()
	defer nc.mu.Unlock()
	for _, l := range nc.listeners {
		if l.wanted&(1<<s) != 0 {
			select {
			case l.ch <- Status(s):
			default:
			}
		}
	}
}
