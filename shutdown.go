package nats

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/gannet-io/nats/internal/engine"
)

// ErrShutdownInBackground is what [Conn.Shutdown] returns to a callback of the library, which it could only wait for in vain: the shutdown
// has begun and goes on by itself.
var ErrShutdownInBackground = errors.New("nats: shutdown goes on in the background: it was called by a callback")

// ShutdownError says what [Conn.Shutdown] could not finish. It matches Err.
type ShutdownError struct {
	// Subscriptions had not worked off what had arrived.
	Subscriptions int
	// Undelivered are the messages that waited in them.
	Undelivered int
	// Requests, JetStream publishes included, had no answer.
	Requests int
	// Unsent messages were accepted and not written: they are lost. UnsentBytes is their size on the wire.
	Unsent      int
	UnsentBytes int
	// Unconfirmed messages were written, and each may or may not have arrived.
	Unconfirmed int
	// Err is why: the context's error, or [ErrConnectionClosed] when something else ended the connection.
	Err error
}

// Error has the reason and all numbers that are not 0.
func (e *ShutdownError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "nats: shutdown not finished: %v", e.Err)
	for _, n := range []struct {
		count int
		what  string
	}{
		{e.Subscriptions, "subscriptions"}, {e.Undelivered, "messages undelivered"}, {e.Requests, "requests"},
		{e.Unsent, "messages unsent"}, {e.Unconfirmed, "messages unconfirmed"},
	} {
		if n.count > 0 {
			fmt.Fprintf(&b, ", %d %s", n.count, n.what)
		}
	}
	return b.String()
}

// Unwrap is Err.
func (e *ShutdownError) Unwrap() error { return e.Err }

// Shutdown ends the connection without losing anything, if ctx leaves the time: it drains all subscriptions while publishing goes on, then refuses
// publishes, has the server confirm what was published, waits for the answers of requests, and closes. It returns when the connection is
// closed, within some milliseconds of the end of ctx. nil means that everything was finished.
//
// Unlike [Conn.Drain] it waits, is not bounded by [DrainTimeout], and needs no link: while reconnecting, and when the link is lost meanwhile, it waits for
// the next one, so that what is buffered is not lost. The status is DRAINING_SUBS and DRAINING_PUBS also in that time.
//
// Errors: a [*ShutdownError] with what was not finished, [ErrInvalidContext] for a nil context, [ErrConnectionClosed] when the connection
// was closed before. While a Drain or another Shutdown is under way it waits for that one's end, or closes the connection
// when ctx ends. A callback of the library that calls it gets [ErrShutdownInBackground] at once; the error handler is told of what
// was not finished then, and [ClosedHandler] of the end.
func (nc *Conn) Shutdown(ctx context.Context) error {
	eng := nc.engine()
	switch {
	case eng == nil:
		return ErrInvalidConnection
	case ctx == nil:
		return ErrInvalidContext
	case nc.IsClosed():
		return ErrConnectionClosed
	}
	if !inCallback() {
		return nc.shutdown(ctx)
	}
	go func() { // ends with the connection
		if err := nc.shutdown(ctx); err != nil && err != ErrConnectionClosed {
			nc.reportError(nil, err)
		}
	}()
	return ErrShutdownInBackground
}

// inCallback reports whether the library has called the calling goroutine's function.
func inCallback() bool {
	var pcs [256]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for {
			f, more := frames.Next()
			if strings.HasPrefix(f.Function, internalPackages) {
				return true
			}
			if !more {
				break
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

const internalPackages = "github.com/gannet-io/nats/internal/"

func (nc *Conn) shutdown(ctx context.Context) error {
	before := nc.eng.Health()
	began, err := nc.eng.BeginShutdown()
	if err != nil {
		return err
	}
	undone := &ShutdownError{}
	if began {
		undone.Err = nc.finishAll(ctx, undone)
	} else {
		undone.Err = awaitAll(ctx, nc.eng)
	}
	undone.Requests, undone.UnsentBytes = nc.eng.Requests(), nc.eng.Buffered()
	if undone.Err == nil {
		nc.Close()
	} else {
		nc.closeWithin(shutdownIdle, shutdownIdle)
	}
	after := nc.eng.Health()
	undone.Unsent = int(after.LostDropped - before.LostDropped)
	undone.Unconfirmed = int(after.LostUnconfirmed - before.LostUnconfirmed)
	if undone.Unsent == 0 {
		undone.UnsentBytes = 0
	}
	if undone.Err == nil && *undone == (ShutdownError{}) {
		return nil
	}
	if undone.Err == nil {
		undone.Err = ErrDisconnected // a link that was lost on the way has taken something with it
	}
	return undone
}

// shutdownIdle is what writing gets when the time is over.
const shutdownIdle = 10 * time.Millisecond

// finishAll does all that Shutdown waits for. What is not finished when ctx, or the connection, ends is counted in undone.
func (nc *Conn) finishAll(ctx context.Context, undone *ShutdownError) error {
	subs := nc.drainSubs()
	over := allOver(subs)
	err := awaitAll(ctx, nc.eng, append(nc.eng.DrainHolds(), over)...)
	if err != nil {
		for _, s := range subs {
			if s.IsValid() {
				undone.Subscriptions++
				msgs, _, _ := s.Pending()
				undone.Undelivered += max(msgs, 0)
			}
		}
		return err
	}
	nc.eng.EndSubs()
	if err := nc.flushLast(ctx); err != nil {
		return err
	}
	return nc.awaitRequests(ctx)
}

// drainSubs begins to drain all subscriptions.
func (nc *Conn) drainSubs() []*Subscription {
	subs := nc.subscriptions()
	for _, s := range subs {
		if began, _ := s.beginDrain(); began {
			s.stopServer()
		}
	}
	// One PING behind all UNSUBs is enough. Without a link nothing more is to come.
	arrived := func(error) {
		for _, s := range subs {
			s.complete()
		}
	}
	if nc.eng.URL() == nil {
		arrived(nil)
	} else {
		_ = nc.eng.OnPong(arrived)
	}
	return subs
}

// flushLast has everything confirmed, over as many links as it takes.
func (nc *Conn) flushLast(ctx context.Context) error {
	for {
		if _, err := nc.eng.Flush(ctx); err != ErrDisconnected {
			return err
		}
	}
}

// requestPoll is how often Shutdown looks whether requests wait. Counting them costs nobody anything this way.
const requestPoll = 5 * time.Millisecond

func (nc *Conn) awaitRequests(ctx context.Context) error {
	if nc.eng.Requests() == 0 {
		return nil
	}
	tick := time.NewTicker(requestPoll)
	defer tick.Stop()
	for nc.eng.Requests() > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-nc.eng.Done():
			return ErrConnectionClosed
		}
	}
	return nil
}

// awaitAll waits until all channels are closed. Without any it waits for the end of the connection, which is no error then.
func awaitAll(ctx context.Context, eng *engine.Conn, channels ...<-chan struct{}) error {
	if len(channels) == 0 {
		select {
		case <-eng.Done():
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, done := range channels {
		select {
		case <-done:
			continue
		default:
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		case <-eng.Done():
			return ErrConnectionClosed
		}
	}
	return nil
}
