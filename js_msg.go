package nats

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

// MsgMetadata is what a stream's message says about itself, in its reply subject.
type MsgMetadata struct {
	// Sequence of the message in the consumer and in the stream.
	Sequence SequencePair
	// NumDelivered is how many times the message has been delivered, this time included.
	NumDelivered uint64
	// NumPending is the number of messages that the consumer has still to deliver.
	NumPending uint64
	// Timestamp is when the message was stored.
	Timestamp time.Time
	// Stream that the message is in.
	Stream string
	// Consumer that delivered it.
	Consumer string
	// Domain of the stream; empty: not told.
	Domain string
}

// Metadata returns what a stream's message says about itself, without asking the server. Errors: [ErrMsgNotBound],
// [ErrMsgNoReply], and [ErrNotJSMessage] when a consumer did not send it.
func (m *Msg) Metadata() (*MsgMetadata, error) {
	if _, err := m.conn(); err != nil {
		return nil, err
	}
	meta, ok := wire.ParseAckSubject(m.Reply)
	if !ok {
		return nil, ErrNotJSMessage
	}
	return &MsgMetadata{
		Sequence:     SequencePair{Consumer: meta.ConsumerSeq, Stream: meta.StreamSeq},
		NumDelivered: meta.Delivered,
		NumPending:   meta.Pending,
		Timestamp:    meta.Timestamp,
		Stream:       meta.Stream,
		Consumer:     meta.Consumer,
		Domain:       meta.Domain,
	}, nil
}

// Ack tells the consumer that the message was handled. It does not wait for the server, so that an error only means that
// nothing was sent, unless an [AckWait] or a [Context] asks for a confirmation.
//
// Errors of it and its siblings: [ErrMsgNotBound] for a message that was not received, [ErrMsgNoReply],
// [ErrCantAckIfConsumerAckNone], and [ErrMsgAlreadyAckd] after any of them but InProgress; then nothing is sent.
func (m *Msg) Ack(opts ...AckOpt) error { return m.ack(wire.Ack, final, opts) }

// AckSync is Ack that waits until the server has confirmed it, 5 seconds at most unless an option says otherwise.
func (m *Msg) AckSync(opts ...AckOpt) error { return m.ack(wire.Ack, final|confirmed, opts) }

// Nak asks for the message to be delivered again, at once.
func (m *Msg) Nak(opts ...AckOpt) error { return m.ack(wire.Nak, final, opts) }

// NakWithDelay asks for the message to be delivered again after delay; 0 and less is [Msg.Nak].
func (m *Msg) NakWithDelay(delay time.Duration, opts ...AckOpt) error {
	return m.ack(wire.AppendNakDelay(nil, delay), final, opts)
}

// Term asks for the message not to be delivered again.
func (m *Msg) Term(opts ...AckOpt) error { return m.ack(wire.Term, final, opts) }

// InProgress starts the ack wait of the message anew. It may be called any number of times before the message is acknowledged.
func (m *Msg) InProgress(opts ...AckOpt) error { return m.ack(wire.InProgress, 0, opts) }

// ackMode says how an acknowledgement is sent.
type ackMode uint8

const (
	final     ackMode = 1 << iota // no other one may follow
	confirmed                     // the server has to answer
)

func (m *Msg) ack(body []byte, mode ackMode, opts []AckOpt) error {
	nc, err := m.conn()
	if err != nil {
		return err
	}
	if c := m.Sub.cons; c != nil && c.ackNone {
		return ErrCantAckIfConsumerAckNone
	}
	o, err := newAckOpts(opts)
	if err != nil {
		return err
	}
	if !subject.ValidPublish(m.Reply) {
		return ErrBadSubject
	}
	if mode&final == 0 {
		if atomic.LoadUint32(&m.acked) != 0 {
			return ErrMsgAlreadyAckd
		}
		return o.send(nc, m.Reply, body, mode)
	}
	// Of several at once, one goes out.
	if !atomic.CompareAndSwapUint32(&m.acked, 0, 1) {
		return ErrMsgAlreadyAckd
	}
	if err := o.send(nc, m.Reply, body, mode); err != nil {
		atomic.StoreUint32(&m.acked, 0)
		return err
	}
	return nil
}

// noAckOpts spares an ack without options the object. It is never written to.
var noAckOpts ackOpts

// newAckOpts applies the options; nil ones are skipped.
func newAckOpts(opts []AckOpt) (*ackOpts, error) {
	if len(opts) == 0 {
		return &noAckOpts, nil
	}
	o := new(ackOpts)
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureAck(o); err != nil {
			return nil, err
		}
	}
	switch {
	case o.wait < 0:
		return nil, fmt.Errorf("%w: AckWait of %v", ErrInvalidArg, o.wait)
	case o.wait > 0 && o.ctx != nil:
		return nil, ErrContextAndTimeout
	}
	return o, nil
}

// send publishes an acknowledgement, or makes a request of it when somebody wants to wait for the answer.
func (o *ackOpts) send(nc *Conn, reply string, body []byte, mode ackMode) error {
	if mode&confirmed == 0 && o.ctx == nil && o.wait == 0 {
		return nc.eng.PublishNow(reply, "", nil, body)
	}
	ctx, wait := o.ctx, o.wait
	if ctx == nil {
		ctx = context.Background()
	}
	if _, bounded := ctx.Deadline(); !bounded && wait == 0 {
		wait = api.DefaultTimeout
	}
	_, err := nc.eng.Request(ctx, wait, reply, nil, body)
	return err
}
