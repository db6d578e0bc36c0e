package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/wire"
)

// batchAttempts is how often PublishBatch begins anew after messages have been lost on the way.
const batchAttempts = 3

// PublishBatch publishes msgs as one [Batch]: the stream stores all of them, in this order, or none. It leaves them as they are.
// When messages of the batch are lost with a link or a leader, so that nothing was stored, it begins anew, within the context's deadline or the
// default timeout, three attempts in all. It repeats a commit that nobody answered only if the first message has a message id, by
// which the stream recognises the batch within its duplicate window; then the ack may say Duplicate. The id must belong to this batch
// alone.
//
// nats.ErrInvalidArg when there are no messages, or js was not made by this package; other errors are those of [Batch.AddMsg] and
// [Batch.CommitMsg].
func PublishBatch(ctx context.Context, js JetStream, msgs ...*nats.Msg) (*BatchAck, error) {
	own, ok := js.(*jetStream)
	switch {
	case ctx == nil:
		return nil, errNilContext
	case !ok || own == nil:
		return nil, errForeignJS
	case len(msgs) == 0:
		return nil, fmt.Errorf("%w: a batch needs a message", nats.ErrInvalidArg)
	}
	ctx, cancel := own.bounded(ctx)
	defer cancel()
	known := msgs[0] != nil && msgs[0].Header.Get(wire.HdrMsgID) != ""
	stored := "" // the batch of an attempt that may be stored
	for attempt := 1; ; attempt++ {
		b, ack, err := own.publishBatch(ctx, msgs)
		var failed *BatchError
		switch {
		case err == nil:
			return ack, nil
		case stored != "" && errors.Is(err, ErrBatchDuplicate):
			return &BatchAck{BatchID: stored, Count: uint64(len(msgs)), Duplicate: true}, nil
		case !errors.As(err, &failed):
			failed = &BatchError{Err: err}
		case failed.MayBeStored && known:
			stored = b.id
		}
		if attempt < batchAttempts && ctx.Err() == nil && failed.worthAnother(stored != "") {
			continue
		}
		if stored != "" { // whatever went wrong since then: the first copy can be why
			err = &BatchError{BatchID: stored, MayBeStored: true, Err: failed.Err}
		}
		return nil, err
	}
}

// worthAnother reports whether a batch that failed is begun anew: it was lost on the way, or it would be recognised.
func (e *BatchError) worthAnother(known bool) bool {
	if e.MayBeStored {
		return known
	}
	return errors.Is(e.Err, ErrBatchIncomplete) || errors.Is(e.Err, nats.ErrDisconnected)
}

func (js *jetStream) publishBatch(ctx context.Context, msgs []*nats.Msg) (*Batch, *BatchAck, error) {
	b, err := NewBatch(js)
	if err != nil {
		return nil, nil, err
	}
	last := len(msgs) - 1
	for _, m := range msgs[:last] {
		if err := b.AddMsg(ctx, m); err != nil {
			return b, nil, err
		}
	}
	ack, err := b.CommitMsg(ctx, msgs[last])
	return b, ack, err
}
