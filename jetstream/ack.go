package jetstream

import (
	"context"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/wire"
)

// States of message.ending.
const (
	unacked uint32 = iota
	acked          // a final acknowledgement was sent, or is being sent
)

func (m *message) Ack() error  { return m.end(wire.Ack) }
func (m *message) Nak() error  { return m.end(wire.Nak) }
func (m *message) Term() error { return m.end(wire.Term) }

func (m *message) NakWithDelay(delay time.Duration) error {
	return m.end(wire.AppendNakDelay(nil, delay))
}

func (m *message) TermWithReason(reason string) error {
	return m.end(wire.AppendTermReason(nil, reason))
}

func (m *message) InProgress() error {
	switch {
	case m.reply == "":
		return ErrMsgNoReply
	case m.ending.Load() != unacked:
		return ErrMsgAlreadyAckd
	}
	return m.from.js.conn.PublishNow(m.reply, "", nil, wire.InProgress)
}

func (m *message) DoubleAck(ctx context.Context) error {
	if ctx == nil {
		return errNilContext
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.begin(); err != nil {
		return err
	}
	budget, ownTime := m.from.js.budget(ctx)
	_, err := m.from.js.conn.Request(ctx, budget, m.reply, nil, wire.Ack)
	if err != nil {
		m.ending.Store(unacked)
	}
	if ownTime && err == nats.ErrTimeout {
		return context.DeadlineExceeded
	}
	return err
}

// end sends a final acknowledgement. It never waits, not even for room in the connection's buffer: it may be called for the messages that a
// server with a full connection is waiting to get rid of.
func (m *message) end(body []byte) error {
	if err := m.begin(); err != nil {
		return err
	}
	err := m.from.js.conn.PublishNow(m.reply, "", nil, body)
	if err != nil {
		m.ending.Store(unacked)
	}
	return err
}

// begin claims the right to acknowledge.
func (m *message) begin() error {
	if m.reply == "" {
		return ErrMsgNoReply
	}
	if !m.ending.CompareAndSwap(unacked, acked) {
		return ErrMsgAlreadyAckd
	}
	return nil
}

// budget is the time that stands in for the deadline that ctx does not have; own is false and budget 0 when it has one.
func (js *jetStream) budget(ctx context.Context) (budget time.Duration, own bool) {
	if _, has := ctx.Deadline(); has {
		return 0, false
	}
	return js.opts.DefaultTimeout, true
}
