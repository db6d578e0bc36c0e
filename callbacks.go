package nats

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// The callbacks in Opts are read under the lock when their event happens, on the engine's callback goroutine, and called outside it.

// listener is what the engine asks and tells the connection.
type listener Conn

func (l *listener) conn() *Conn { return (*Conn)(l) }

func (l *listener) Hello(info *proto.Info, server *url.URL) (proto.Connect, error) {
	return l.Opts.hello(info, server)
}

func (l *listener) Status(s session.Status) { l.conn().statusChanged(s) }

func (l *listener) Reading(on bool) { l.still.bar(!on) }

// Listens runs on the engine's supervisor.
func (l *listener) Listens(e engine.Event) bool {
	return l.logger != nil || locked(l.conn(), func(o *Options) bool { return o.handler(e) != nil })
}

func (l *listener) Happened(e engine.Event, err error) {
	nc := l.conn()
	nc.ready.Wait()
	if nc.logger != nil {
		nc.logEvent(e, err)
	}
	cb := locked(nc, func(o *Options) ConnErrHandler { return o.handler(e) })
	if cb != nil && !nc.quiet.Load() {
		cb(nc, public(err))
	}
}

func (l *listener) Report(sink engine.Sink, err error) { l.conn().asyncError(sink, err) }

// handler is the callback for e, nil if there is none.
func (o *Options) handler(e engine.Event) ConnErrHandler {
	var cb ConnHandler
	switch e {
	case engine.Connected:
		cb = o.ConnectedCB
	case engine.Disconnected:
		if o.DisconnectedErrCB != nil {
			return o.DisconnectedErrCB
		}
		cb = o.DisconnectedCB
	case engine.Reconnected:
		cb = o.ReconnectedCB
	case engine.ReconnectFailed:
		return o.ReconnectErrCB
	case engine.Closed:
		cb = o.ClosedCB
	case engine.Discovered:
		cb = o.DiscoveredServersCB
	case engine.LameDuck:
		cb = o.LameDuckModeHandler
	}
	if cb == nil {
		return nil
	}
	return func(nc *Conn, _ error) { cb(nc) }
}

func locked[T any](nc *Conn, pick func(*Options) T) T {
	nc.mu.Lock()
	defer nc.mu.Unlock()
	return pick(&nc.Opts)
}

// asyncError is the engine's report of an error, on the callback goroutine. A refused subscription is told too, if the user wants that.
func (nc *Conn) asyncError(sink engine.Sink, err error) {
	var sub *Subscription
	if s, ok := sink.(*inlet); ok {
		sub = (*Subscription)(s)
	}
	if errors.Is(err, ErrPermissionViolation) {
		nc.refused(sub, err)
		sub = nil
	}
	nc.tellError(sub, err)
}

// tellError calls the error handler; on the callback goroutine.
func (nc *Conn) tellError(sub *Subscription, err error) {
	nc.ready.Wait()
	nc.logError(sub, public(err))
	if cb := locked(nc, func(o *Options) ErrHandler { return o.AsyncErrorCB }); cb != nil && !nc.quiet.Load() {
		cb(nc, sub, public(err))
	}
}

// reportError queues an error for the error handler. It does not block, and drops the error when more than a thousand wait.
func (nc *Conn) reportError(sub *Subscription, err error) {
	nc.eng.SetLastError(err)
	nc.eng.News(func() { nc.tellError(sub, err) })
}

// refused tells the subscriptions that the server's words are about.
func (nc *Conn) refused(sub *Subscription, err error) {
	if !nc.Opts.PermissionErrOnSubscribe {
		return
	}
	if sub != nil {
		sub.refuse(err)
		return
	}
	subject, queue, ok := refusedSubject(err.Error())
	if !ok {
		return
	}
	for _, s := range nc.subscriptions() {
		if s.Subject == subject && s.Queue == queue {
			s.refuse(err)
		}
	}
}

// refusedSubject reads the subject and the queue group out of the server's words: Permissions Violation for Subscription to "s" using queue "q".
func refusedSubject(text string) (subject, queue string, ok bool) {
	_, rest, ok := strings.Cut(text, `Subscription to "`)
	if !ok {
		return "", "", false
	}
	subject, rest, ok = strings.Cut(rest, `"`)
	if !ok {
		return "", "", false
	}
	if _, q, has := strings.Cut(rest, `using queue "`); has {
		queue, _, ok = strings.Cut(q, `"`)
	}
	return subject, queue, ok
}

// printError is the error handler of those who set none.
func printError(nc *Conn, sub *Subscription, err error) {
	var where strings.Builder
	if id, e := nc.GetClientID(); e == nil {
		fmt.Fprintf(&where, " on connection [%d]", id)
	}
	if sub != nil {
		fmt.Fprintf(&where, " for subscription on %q", sub.Subject)
	}
	fmt.Fprintf(os.Stderr, "%v%s\n", err, where.String())
}

// Setters and getters of the callbacks. They may be used at any time.

// SetDisconnectHandler sets the callback for a lost link.
//
// Deprecated: use [Conn.SetDisconnectErrHandler].
func (nc *Conn) SetDisconnectHandler(cb ConnHandler) {
	nc.change(func(o *Options) { o.DisconnectedCB = cb })
}

// SetDisconnectErrHandler sets the callback for a lost link, see [DisconnectErrHandler]; nil: that of [DisconnectHandler], if there is one.
func (nc *Conn) SetDisconnectErrHandler(cb ConnErrHandler) {
	nc.change(func(o *Options) { o.DisconnectedErrCB = cb })
}

// DisconnectErrHandler returns the callback for a lost link, nil if none is set.
func (nc *Conn) DisconnectErrHandler() ConnErrHandler {
	return read(nc, func(o *Options) ConnErrHandler { return o.DisconnectedErrCB })
}

// SetReconnectHandler sets the callback for a reconnect, see [ReconnectHandler]; nil: none.
func (nc *Conn) SetReconnectHandler(cb ConnHandler) {
	nc.change(func(o *Options) { o.ReconnectedCB = cb })
}

// ReconnectHandler returns the callback for a reconnect, nil if none is set.
func (nc *Conn) ReconnectHandler() ConnHandler {
	return read(nc, func(o *Options) ConnHandler { return o.ReconnectedCB })
}

// SetDiscoveredServersHandler sets the callback for new servers in the pool, see [DiscoveredServersHandler]; nil: none.
func (nc *Conn) SetDiscoveredServersHandler(cb ConnHandler) {
	nc.change(func(o *Options) { o.DiscoveredServersCB = cb })
}

// DiscoveredServersHandler returns the callback for new servers in the pool, nil if none is set.
func (nc *Conn) DiscoveredServersHandler() ConnHandler {
	return read(nc, func(o *Options) ConnHandler { return o.DiscoveredServersCB })
}

// SetClosedHandler sets the callback for the end of the connection, see [ClosedHandler]; nil: none.
func (nc *Conn) SetClosedHandler(cb ConnHandler) { nc.change(func(o *Options) { o.ClosedCB = cb }) }

// ClosedHandler returns the callback for the end of the connection, nil if none is set.
func (nc *Conn) ClosedHandler() ConnHandler {
	return read(nc, func(o *Options) ConnHandler { return o.ClosedCB })
}

// SetErrorHandler sets the callback for asynchronous errors; nil drops them.
func (nc *Conn) SetErrorHandler(cb ErrHandler) { nc.change(func(o *Options) { o.AsyncErrorCB = cb }) }

// ErrorHandler returns the callback for asynchronous errors. If none was set it is one that writes to standard error.
func (nc *Conn) ErrorHandler() ErrHandler {
	return read(nc, func(o *Options) ErrHandler { return o.AsyncErrorCB })
}

func (nc *Conn) change(set func(*Options)) {
	if nc == nil {
		return
	}
	nc.mu.Lock()
	defer nc.mu.Unlock()
	set(&nc.Opts)
}

func read[T any](nc *Conn, get func(*Options) T) (v T) {
	if nc == nil {
		return v
	}
	return locked(nc, get)
}
