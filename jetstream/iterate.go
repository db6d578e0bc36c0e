package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/wire"
)

// All iterates over the messages of a consumer, of any kind, without end: it is [Consumer].Messages as a range loop. Each value is a message, or an
// error without a message. The loop goes on after
//
//   - [ErrNoHeartbeat]: two heartbeats were missing, or the consumer has not answered for that long; then the error matches what was told last,
//     too, nats.ErrNoResponders for instance;
//   - [ErrOrderedConsumerReset]: an ordered consumer cannot be made anew, with the reason.
//
// It ends with the error that is the last value:
//
//   - ctx.Err();
//   - [ErrConsumerDeleted], [ErrBadRequest];
//   - [ErrConnectionClosed], and nats.ErrConnectionDraining;
//   - [ErrInvalidOption], nats.ErrInvalidContext, [ErrOrderedConsumerConcurrentRequests] and its like, and nats.ErrInvalidArg for a nil consumer:
//     nothing was asked.
//
// After Drain of the connection, and after [StopAfter] messages, it ends without an error.
//
// A break leaves what has been received and not yielded to the server, which delivers it again after the ack wait; [PullMaxMessages] bounds it.
// A sequence may be used again: then it starts anew.
func All(ctx context.Context, consumer Consumer, opts ...PullMessagesOpt) iter.Seq2[Msg, error] {
	return func(yield func(Msg, error) bool) {
		switch {
		case ctx == nil:
			yield(nil, errNilContext)
			return
		case consumer == nil:
			yield(nil, errNilConsumer)
			return
		case ctx.Err() != nil:
			yield(nil, ctx.Err())
			return
		}
		var told lastTold
		it, err := consumer.Messages(append([]PullMessagesOpt{MessagesErrHandler(told.note)}, opts...)...)
		if err != nil {
			yield(nil, err)
			return
		}
		defer it.Stop()
		next := NextContext(ctx)
		for {
			m, err := it.Next(next)
			switch {
			case err == nil:
				told.forget()
			case err == ErrMsgIteratorClosed:
				return
			case errors.Is(err, ErrMsgIteratorClosed):
				err = ErrConnectionClosed
			case err == ErrNoHeartbeat:
				err = told.explain(err)
			}
			if !yield(m, err) || over(ctx, err) {
				return
			}
		}
	}
}

var errNilConsumer = fmt.Errorf("%w: consumer is nil", nats.ErrInvalidArg)

// over reports whether an error ends a sequence.
func over(ctx context.Context, err error) bool {
	return err != nil && !errors.Is(err, ErrNoHeartbeat) && !errors.Is(err, ErrOrderedConsumerReset) || ctx.Err() != nil
}

// lastTold is the last failure since the last message.
type lastTold struct {
	mu  sync.Mutex
	err error
}

func (t *lastTold) note(_ MessagesContext, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

func (t *lastTold) forget() { t.note(nil, nil) }

// explain adds what was told to err.
func (t *lastTold) explain(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil || errors.Is(t.err, err) {
		return err
	}
	return fmt.Errorf("%w: %w", err, t.err)
}

// Fetched iterates over one batch of at most so many messages: it is [Consumer].Fetch as a range loop that says why there were no more. A batch that
// is full ends without an error. Otherwise the last value is an error without a message:
//
//   - nats.ErrTimeout: the time, see [FetchMaxWait], is over, and the server has said so;
//   - [ErrNoMessages]: there are none now;
//   - [ErrMaxBytesExceeded]: the next message does not fit into [FetchMaxBytes] any more; a limit of the consumer, as its MaxRequestBatch: an error with the
//     server's words;
//   - [ErrNoHeartbeat]: two heartbeats were missing; [ErrNoAnswer], which is a nats.ErrTimeout too: without heartbeats, nobody answered;
//   - nats.ErrNoResponders: the consumer does not exist, or has no leader at the moment; [ErrConsumerDeleted] and the others of [MessageBatch];
//   - ctx.Err(), which ends the batch, with or without [FetchMaxWait]. [FetchContext] is refused.
//
// A break ends the batch. What has been received and not yielded, the server delivers again after the ack wait. A sequence may be used again: then it
// fetches the next batch.
func Fetched(ctx context.Context, consumer Consumer, batch int, opts ...FetchOpt) iter.Seq2[Msg, error] {
	return func(yield func(Msg, error) bool) {
		b, err := fetchIn(ctx, consumer, batch, opts)
		if err != nil {
			yield(nil, err)
			return
		}
		if own, ok := b.(*messageBatch); ok {
			defer own.batch.Stop()
		}
		left := batch
		for {
			select {
			case m, ok := <-b.Messages():
				if !ok {
					if err := shortfall(b, left); err != nil {
						yield(nil, err)
					}
					return
				}
				if left--; !yield(m, nil) {
					return
				}
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
	}
}

func fetchIn(ctx context.Context, consumer Consumer, batch int, opts []FetchOpt) (MessageBatch, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	if consumer == nil {
		return nil, errNilConsumer
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var o fetchOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	switch {
	case o.ctx != nil:
		return nil, invalid("a sequence has a context of its own")
	case o.wait == 0:
		opts = append([]FetchOpt{FetchContext(ctx)}, opts...)
	}
	return consumer.Fetch(batch, opts...)
}

// shortfall says why a batch that is over has no more messages; nil when none are missing.
func shortfall(b MessageBatch, missing int) error {
	err := b.Error()
	if err != nil || missing <= 0 {
		return err
	}
	if own, ok := b.(*messageBatch); ok {
		switch code, _ := own.batch.Result(); code {
		case wire.OK:
			return nil
		case wire.RequestTimeout:
			return nats.ErrTimeout
		case wire.MaxBytesExceeded:
			return ErrMaxBytesExceeded
		}
	}
	return ErrNoMessages
}
