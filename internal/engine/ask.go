package engine

import (
	"context"
	"time"
	"unsafe"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// Ask publishes with a reply subject of its own and has w called with the first reply, or at the deadline
// ([mono.Never]: none). On an error nothing is registered and w is never called.
func (c *Conn) Ask(subject string, hdr, data []byte, w Waiter, deadline mono.Time, o AskOpts) (Token, error) {
	c.mux.open()
	if err := c.admit(len(hdr), len(data)); err != nil {
		return 0, err
	}
	t, err := c.mux.take(w, deadline, o.FailOnDisconnect)
	if err != nil {
		return 0, err
	}
	c.owe()
	var buf [96]byte
	reply := appendToken(append(buf[:0], c.mux.prefix...), t)
	// The outbox copies the reply subject and keeps nothing of it.
	replySubject := unsafe.String(unsafe.SliceData(reply), len(reply))
	if o.Now {
		err = c.out.PublishNow(subject, replySubject, hdr, data)
	} else {
		err = c.out.Publish(subject, replySubject, hdr, data)
	}
	if err != nil && c.mux.release(t) == nil {
		// The deadline, or the end of the connection, was faster: w has been told.
		return t, nil
	}
	return t, err
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
	deadline := mono.Never
	if timeout > 0 {
		deadline = mono.Now().Add(timeout)
	}
	w := c.caller()
	t, err := c.Ask(subject, hdr, data, w, deadline, AskOpts{Now: true})
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
