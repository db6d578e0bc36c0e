package nats

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// PubAckFuture is an asynchronous publish. It ends once: with an ack, or with an error. Its methods may be called concurrently.
//
// The errors: [ErrNoResponders] when no stream answered any attempt; an [*APIError] when the stream refused; [ErrInvalidJSAck];
// [ErrAsyncPublishTimeout] when no answer came in time; [ErrDisconnected] when the connection was lost before the answer;
// [ErrConnectionClosed]; [ErrJetStreamPublisherClosed] after CleanupPublisher. After the last four and ErrInvalidJSAck the message may be
// stored or not.
type PubAckFuture interface {
	// Ok is a channel that gets the ack, once. It is never closed.
	Ok() <-chan *PubAck

	// Err is a channel that gets the error, once. It is never closed.
	Err() <-chan error

	// Msg is the message as it was published: the caller's own, if there is one.
	Msg() *Msg
}

// MsgErrHandler is called when an asynchronous publish has failed, with the error of its future. It may call every method, for
// instance publish the message again.
type MsgErrHandler func(js JetStream, msg *Msg, err error)

// PublishAsyncErrHandler has cb called for every asynchronous publish that fails, one call after the other. A handler that blocks holds
// up nothing but its own further calls.
func PublishAsyncErrHandler(cb MsgErrHandler) JSOpt {
	return jsOptFn(func(o *jsOpts) error {
		o.asyncFailed = cb
		return nil
	})
}

// PublishAsyncMaxPending is how many asynchronous publishes may be pending, 4000 by default. Less than 1 is an error.
func PublishAsyncMaxPending(max int) JSOpt {
	return jsOptFn(func(o *jsOpts) error {
		if max < 1 {
			return errMaxPending
		}
		o.asyncMax = max
		return nil
	})
}

var errMaxPending = errors.New("nats: max ack pending should be >= 1")

// PublishAsyncTimeout is how long an asynchronous publish waits for its ack, counted from the call; 30 s by default. Then its future
// ends with [ErrAsyncPublishTimeout], never early, and at most 50 ms late. With zero or less it waits for as long as the link lives.
func PublishAsyncTimeout(dur time.Duration) JSOpt {
	return jsOptFn(func(o *jsOpts) error {
		if dur <= 0 {
			dur = -1
		}
		o.asyncTimeout = dur
		return nil
	})
}

// newPublisher makes the publisher of j.
func (j *js) newPublisher() *run.Publisher {
	cfg := run.PublisherConfig{Conn: j.nc.eng, MaxPending: j.opts.asyncMax, AckTimeout: j.opts.asyncTimeout}
	if cfg.MaxPending == 0 {
		cfg.MaxPending = run.DefaultMaxPending
	}
	if cfg.AckTimeout == 0 {
		cfg.AckTimeout = run.DefaultAckTimeout
	}
	if failed := j.opts.asyncFailed; failed != nil {
		cfg.OnError = func(r run.Result) {
			f := r.(*pubFuture)
			_, err, _ := f.end.Outcome(newPubAck)
			failed(j, f.Msg(), err)
		}
	}
	return run.NewPublisher(cfg)
}

// pubFuture is the PubAckFuture: the message, the ack and what waits for it in one object.
type pubFuture struct {
	pending run.Pending
	msg     atomic.Pointer[Msg] // the caller's; nil: there is none, and nobody has asked
	end     run.Future[PubAck]
}

func (f *pubFuture) Ok() <-chan *PubAck { return f.end.Ok(newPubAck) }
func (f *pubFuture) Err() <-chan error  { return f.end.Err(newPubAck) }

// Msg makes the message if the caller has published none: most programs never ask for it.
func (f *pubFuture) Msg() *Msg {
	if m := f.msg.Load(); m != nil {
		return m
	}
	subject, block, data := f.pending.Message()
	m := &Msg{Subject: subject, Data: data}
	if len(block) > 0 {
		h, _ := proto.ParseHeader(block) // we have made it
		m.Header = h
	}
	f.msg.CompareAndSwap(nil, m)
	return f.msg.Load()
}

// Pending is for the publisher.
func (f *pubFuture) Pending() *run.Pending { return &f.pending }

// Resolved is for the publisher, which calls it once, under its lock.
func (f *pubFuture) Resolved(ack wire.StreamAck, code wire.Code, refused *wire.APIError, err error) {
	if code == wire.OK {
		f.end.Resolve(ack, nil, newPubAck)
		return
	}
	f.end.Resolve(ack, jsEnded(opPublishAsync, code, refused, err), newPubAck)
}
