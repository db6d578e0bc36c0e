package jetstream

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// PubAckFuture is an asynchronous publish. It ends once: with an ack, or with an error. Its methods may be called concurrently.
//
// The errors: [ErrNoStreamResponse] when no stream answered any attempt; an [*APIError] when the stream refused; [ErrInvalidJSAck];
// [ErrAsyncPublishTimeout] when no answer came in time; nats.ErrDisconnected when the connection was lost before the answer;
// nats.ErrConnectionClosed; [ErrJetStreamPublisherClosed] after CleanupPublisher.
type PubAckFuture interface {
	// Ok is a channel that gets the ack, once. It is never closed.
	Ok() <-chan *PubAck

	// Err is a channel that gets the error, once. It is never closed.
	Err() <-chan error

	// Msg is the message as it was published: the caller's own, if there is one.
	Msg() *nats.Msg
}

// MsgAckHandler is called with the ack of an asynchronous publish. It may call every method.
type MsgAckHandler func(js JetStream, msg *nats.Msg, ack *PubAck)

// MsgErrHandler is called when an asynchronous publish has failed, with the error of its future. It may call every method,
// for instance publish the message again.
type MsgErrHandler func(js JetStream, msg *nats.Msg, err error)

// WithPublishAsyncAckHandler has cb called for every ack of an asynchronous publish, one after the other, in the order in which
// they came. A handler that blocks holds up no acks, only further calls of the handlers of this JetStream.
func WithPublishAsyncAckHandler(cb MsgAckHandler) JetStreamOpt {
	return func(o *JetStreamOptions) error {
		o.async().onAck = cb
		return nil
	}
}

// WithPublishAsyncErrHandler has cb called for every asynchronous publish that fails, in one row with the calls of
// [WithPublishAsyncAckHandler].
func WithPublishAsyncErrHandler(cb MsgErrHandler) JetStreamOpt {
	return func(o *JetStreamOptions) error {
		o.async().onErr = cb
		return nil
	}
}

// WithPublishAsyncMaxPending is how many asynchronous publishes may be pending, 4000 by default. Less than 1 is
// [ErrInvalidOption].
func WithPublishAsyncMaxPending(max int) JetStreamOpt {
	return func(o *JetStreamOptions) error {
		if max < 1 {
			return fmt.Errorf("%w: max ack pending should be >= 1", ErrInvalidOption)
		}
		o.async().maxPending = max
		return nil
	}
}

// WithPublishAsyncTimeout is how long an asynchronous publish waits for its ack, counted from the call; 30 s by default.
// Then its future ends with [ErrAsyncPublishTimeout], never early, and at most 50 ms late. With zero or less it waits for as long as the connection lives.
func WithPublishAsyncTimeout(dur time.Duration) JetStreamOpt {
	return func(o *JetStreamOptions) error {
		if dur <= 0 {
			dur = -1
		}
		o.async().timeout = dur
		return nil
	}
}

// future is the PubAckFuture: the message, the ack and what waits for it in one object.
type future struct {
	pending run.Pending
	msg     atomic.Pointer[nats.Msg] // the caller's; nil: there is none, and nobody has asked
	end     run.Future[PubAck]
}

func (f *future) Ok() <-chan *PubAck { return f.end.Ok(publicAck) }
func (f *future) Err() <-chan error  { return f.end.Err(publicAck) }

func publicAck(a wire.PubAck) PubAck { return PubAck(a) }

// Msg makes the message if the caller has published none: most programs never ask for it.
func (f *future) Msg() *nats.Msg {
	if m := f.msg.Load(); m != nil {
		return m
	}
	subject, block, data := f.pending.Message()
	m := &nats.Msg{Subject: subject, Data: data}
	if len(block) > 0 {
		h, _ := proto.ParseHeader(block) // we have made it
		m.Header = h
	}
	f.msg.CompareAndSwap(nil, m)
	return f.msg.Load()
}

// Pending is for the publisher.
func (f *future) Pending() *run.Pending { return &f.pending }

// Resolved is for the publisher, which calls it once, under its lock.
func (f *future) Resolved(ack wire.StreamAck, code wire.Code, refused *wire.APIError, err error) {
	if code == wire.OK {
		f.end.Resolve(ack, nil, publicAck)
		return
	}
	f.end.Resolve(ack, failed(opPublishAsync, code, refused, err), publicAck)
}
