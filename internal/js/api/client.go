package api

import (
	"context"
	"errors"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/natserr"
)

// DefaultTimeout bounds a call whose context has no deadline, when the client sets no Timeout.
const DefaultTimeout = 5 * time.Second

// ErrBadAnswer is wrapped by errors about answers that cannot be understood.
var ErrBadAnswer = errors.New("nats: bad jetstream answer")

// Link is what a client needs of a connection; *[engine.Conn] has it.
type Link interface {
	Request(ctx context.Context, timeout time.Duration, subject string, hdr, data []byte) (engine.Reply, error)
	Done() <-chan struct{}
}

// Client is the JetStream API behind one prefix, over one connection. It does not change once it is in use, so it may be
// copied to change its Timeout, and used concurrently.
type Client struct {
	Conn    Link
	Prefix  string        // ends with a dot: wire.Prefix
	Timeout time.Duration // for calls whose context has no deadline; zero or less: DefaultTimeout
	Header  []byte        // of every request, an encoded block; empty: none

	// Sent and Received trace requests and answers, on the calling goroutine; nil: nothing. The slices are borrowed.
	Sent     func(subject string, payload []byte)
	Received func(subject string, payload, hdr []byte)
}

// ask sends one request and waits for its answer, within the context's deadline or the client's timeout. A timeout of the
// latter kind is context.DeadlineExceeded too: it stands in for a deadline that the context does not have. When the link is lost
// meanwhile, a request that may be executed twice is sent again; others wait for their time, like any request.
func (c *Client) ask(ctx context.Context, subject string, payload []byte) (engine.Reply, error) {
	if ctx == nil {
		return engine.Reply{}, natserr.InvalidArg
	}
	if err := ctx.Err(); err != nil {
		return engine.Reply{}, err
	}
	link, fragile := c.Conn.(fragileLink)
	fragile = fragile && mayRepeat(subject)
	subject = c.Prefix + subject
	if c.Sent != nil {
		c.Sent(subject, payload)
	}
	var reply engine.Reply
	var err error
	if fragile {
		reply, err = repeat(ctx, link, c.patience(ctx), subject, c.Header, payload)
	} else {
		reply, err = c.Conn.Request(ctx, c.patience(ctx), subject, c.Header, payload)
	}
	if err != nil {
		if err == natserr.Timeout {
			err = context.DeadlineExceeded
		}
		return engine.Reply{}, err
	}
	if c.Received != nil {
		c.Received(subject, reply.Data, reply.Header)
	}
	return reply, nil
}

// Bound gives a context without a deadline the one that a call has then.
func (c *Client) Bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if wait := c.patience(ctx); wait > 0 {
		return context.WithTimeout(ctx, wait)
	}
	return context.WithCancel(ctx)
}

// patience is the timeout that stands in for a missing deadline, 0 when ctx has one.
func (c *Client) patience(ctx context.Context) time.Duration {
	if _, ok := ctx.Deadline(); ok {
		return 0
	}
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout
}
