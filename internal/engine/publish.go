package engine

import (
	"context"
	"math"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
)

// The gate is what Publish must know, in one word: the largest message in bytes, doubled, plus one when the server
// understands headers; negative when nothing may be published any more.
const (
	gateClosed   = -1
	gateDraining = -3
	gateUnknown  = math.MaxInt64 // before the first server has told
)

func openGate(maxPayload int64, headers bool) int64 {
	if maxPayload <= 0 || maxPayload > math.MaxInt64>>1 {
		maxPayload = math.MaxInt64 >> 1
	}
	g := maxPayload << 1
	if headers {
		g |= 1
	}
	return g
}

// admit says whether a message of this size may be published now.
func (c *Conn) admit(hdr, data int) error {
	g := c.gate.Load()
	if int64(hdr)+int64(data) <= g>>1 && (hdr == 0 || g&1 == 1) {
		return nil
	}
	switch {
	case g == gateClosed:
		return natserr.ConnectionClosed
	case g == gateDraining:
		return natserr.ConnectionDraining
	case hdr > 0 && g&1 == 0:
		return natserr.HeadersNotSupported
	}
	return natserr.MaxPayload
}

// Publish sends one message; hdr is an encoded block or empty. It and data are copied before Publish returns. The
// caller checked the subjects. It waits only while the outbox is full. Errors: natserr.ConnectionClosed,
// natserr.ConnectionDraining, natserr.MaxPayload, natserr.HeadersNotSupported, natserr.ReconnectBufExceeded, and natserr.Timeout
// when no room came in time.
func (c *Conn) Publish(subject, reply string, hdr, data []byte) error {
	if err := c.admit(len(hdr), len(data)); err != nil {
		return err
	}
	return c.out.Publish(subject, reply, hdr, data)
}

// PublishData is Publish without reply subject and header block, which it costs less than.
func (c *Conn) PublishData(subject string, data []byte) error {
	if err := c.admit(0, len(data)); err != nil {
		return err
	}
	return c.out.PublishData(subject, data)
}

// PublishWithin is Publish that waits for room no longer than ctx allows; then it returns the context's error.
func (c *Conn) PublishWithin(ctx context.Context, subject string, hdr, data []byte) error {
	if err := c.admit(len(hdr), len(data)); err != nil {
		return err
	}
	by := mono.Never
	if end, ok := ctx.Deadline(); ok {
		by = mono.Now().Add(time.Until(end))
	}
	err := c.out.PublishBy(subject, "", hdr, data, by, ctx.Done())
	switch {
	case err != natserr.Timeout:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case by <= mono.Now(): // the context's own timer may be a moment behind
		return context.DeadlineExceeded
	}
	return err
}

// PublishNow is Publish that never waits: for acks, for flow control, and for code that runs on the reader.
func (c *Conn) PublishNow(subject, reply string, hdr, data []byte) error {
	if err := c.admit(len(hdr), len(data)); err != nil {
		return err
	}
	return c.out.PublishNow(subject, reply, hdr, data)
}

// PublishVolatile sends what is worthless after a disconnect, such as a pull request. It returns false, and sends
// nothing, while there is no link; and it is dropped when the link is lost before it was written.
func (c *Conn) PublishVolatile(subject, reply string, hdr, data []byte) bool {
	return c.admit(len(hdr), len(data)) == nil && c.out.PublishVolatile(subject, reply, hdr, data)
}
