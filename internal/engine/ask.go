package engine

import (
	"context"
	"strings"
	"time"
	"unsafe"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// Ask publishes with a reply subject of its own and has w called with the first reply, or at the deadline
// ([mono.Never]: none). On an error nothing is registered and w is never called.
func (c *Conn) Ask(subject string, hdr, data []byte, w Waiter, deadline mono.Time, o AskOpts) (Token, error) {
	if o.Inbox == "" {
		c.mux.open()
	}
	if err := c.admit(len(hdr), len(data)); err != nil {
		return 0, err
	}
	t, err := c.mux.take(w, deadline, o.FailOnDisconnect)
	if err != nil {
		return 0, err
	}
	c.owe()
	if o.Track != nil {
		return t, c.askTracked(t, subject, hdr, data, o)
	}
	var buf [replyRoom]byte
	reply := appendToken(append(buf[:0], c.mux.prefix...), t)
	// The outbox copies the reply subject and keeps nothing of it.
	replySubject := unsafe.String(unsafe.SliceData(reply), len(reply))
	switch {
	case o.Now:
		err = c.out.PublishNow(subject, replySubject, hdr, data)
	case o.Patient:
		// A copy: the box keeps the reply subject while it waits, and then buf would be an object in every Ask.
		err = c.out.PublishBy(subject, strings.Clone(replySubject), hdr, data, deadline, o.Quit)
	default:
		err = c.out.Publish(subject, replySubject, hdr, data)
	}
	if err != nil && c.mux.release(t) == nil {
		// The deadline, or the end of the connection, was faster: w has been told.
		return t, nil
	}
	return t, err
}

// askTracked sends the Ask t.
func (c *Conn) askTracked(t Token, subject string, hdr, data []byte, o AskOpts) error {
	err := c.mux.track(t, o.Track, subject, o.Inbox)
	if err == nil {
		reply := o.Inbox
		if reply == "" {
			var buf [replyRoom]byte
			reply = string(appendToken(append(buf[:0], c.mux.prefix...), t))
		}
		var era uint64
		if era, err = c.out.PublishAsk(subject, reply, hdr, data); err == nil {
			c.mux.placed(t, era)
			return nil
		}
	}
	if c.mux.release(t) == nil {
		return nil // it has been told
	}
	return err
}

// Forget gives up an Ask; true means that its waiter will not be called any more.
func (c *Conn) Forget(t Token) bool { return c.mux.release(t) != nil }

// Reply is an answer that owns its bytes.
type Reply struct {
	Subject      string
	Header, Data []byte
}

// Request asks and waits. timeout <= 0 leaves the bound to ctx, which must have one then. A 503 without payload is
// natserr.NoResponders. Other errors: natserr.Timeout, ctx.Err(), natserr.ConnectionClosed, and those of Publish.
func (c *Conn) Request(ctx context.Context, timeout time.Duration, subject string, hdr, data []byte) (Reply, error) {
	return c.request(c.caller(), AskOpts{Now: true}, ctx, timeout, subject, hdr, data)
}

// RequestOnce is Request that ends with natserr.Disconnected as soon as the link is lost that it went to. What was not written then is
// taken back. Made without a link, it waits for one. Errors beside those: the server's own, which match
// natserr.PermissionViolation, when it denies the subject.
func (c *Conn) RequestOnce(ctx context.Context, timeout time.Duration, subject string, hdr, data []byte) (Reply, error) {
	w := c.caller()
	reply, err := c.request(w, AskOpts{Track: &w.track}, ctx, timeout, subject, hdr, data)
	if lost, ok := err.(*LostAsk); ok {
		err = lost.Err
	}
	return reply, err
}

func (c *Conn) request(w *caller, o AskOpts, ctx context.Context, timeout time.Duration, subject string, hdr, data []byte) (Reply, error) {
	deadline := mono.Never
	if timeout > 0 {
		deadline = mono.Now().Add(timeout)
	}
	t, err := c.Ask(subject, hdr, data, w, deadline, o)
	if err != nil {
		c.callers.Put(w)
		return Reply{}, err
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		if c.Forget(t) {
			c.callers.Put(w)
			c.Doubt()
			return Reply{}, ctx.Err()
		}
		<-w.done // it is being told at this moment
	}
	reply, err := w.reply, w.err
	w.reply, w.err = Reply{}, nil
	c.callers.Put(w)
	return reply, err
}

// noResponders is the status of a message, without payload, that answers a request nobody listens to.
const noResponders = 503

// caller is a goroutine in Request. It goes back to the pool only when nobody can call it any more.
type caller struct {
	done  chan struct{}
	reply Reply
	err   error
	track Tracked
}

func (c *Conn) caller() *caller {
	if w, ok := c.callers.Get().(*caller); ok {
		return w
	}
	return &caller{done: make(chan struct{}, 1)}
}

func (w *caller) Reply(f *proto.Frame) {
	if len(f.Data) == 0 && proto.Status(f.Header) == noResponders {
		w.err = natserr.NoResponders
	} else {
		w.reply = copyReply(f)
	}
	w.done <- struct{}{}
}

func (w *caller) Fail(err error) {
	w.err = err
	w.done <- struct{}{}
}

// copyReply makes one block of what is to be kept.
func copyReply(f *proto.Frame) Reply {
	if f.Owned {
		return Reply{Subject: string(f.Subject), Header: f.Header, Data: f.Data}
	}
	b := make([]byte, 0, len(f.Subject)+len(f.Header)+len(f.Data))
	b = append(append(append(b, f.Subject...), f.Header...), f.Data...)
	s, h := len(f.Subject), len(f.Subject)+len(f.Header)
	return Reply{Subject: unsafe.String(unsafe.SliceData(b), s), Header: b[s:h:h], Data: b[h:len(b):len(b)]}
}
