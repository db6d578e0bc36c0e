package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

// prepare checks the next message of the batch and encodes its headers, with those of the options and of the batch.
func (b *Batch) prepare(ctx context.Context, msg *nats.Msg, opts []PublishOpt, commit string) ([]byte, *pubOpts, error) {
	switch {
	case ctx == nil:
		return nil, nil, errNilContext
	case b.js == nil:
		return nil, nil, errNoBatch
	case b.over:
		return nil, nil, ErrBatchClosed
	case msg == nil:
		return nil, nil, nats.ErrInvalidMsg
	case !subject.ValidPublish(msg.Subject):
		return nil, nil, nats.ErrBadSubject
	}
	o, err := newPubOpts(opts)
	if err != nil {
		return nil, nil, err
	}
	h := make(nats.Header, len(msg.Header)+3)
	maps.Copy(h, msg.Header)
	o.write(h)
	switch {
	case o.stall > 0:
		return nil, nil, fmt.Errorf("%w: stall wait cannot be set in a batch", ErrInvalidOption)
	case h.Get(wire.HdrExpectedLastMsgID) != "":
		return nil, nil, fmt.Errorf("%w: expected last message id cannot be set in a batch", ErrInvalidOption)
	case h.Get(wire.HdrExpectedLastSeq) != "" && b.n > 0:
		return nil, nil, fmt.Errorf("%w: expected last sequence is for the first message of a batch", ErrInvalidOption)
	}
	h.Set(wire.HdrBatchID, b.id)
	h.Set(wire.HdrBatchSeq, strconv.FormatUint(b.n+1, 10))
	h.Del(wire.HdrBatchCommit)
	if commit != "" {
		h.Set(wire.HdrBatchCommit, commit)
	}
	block, err := b.js.eng.EncodeHeader(h)
	return block, o, err
}

// begin sends the first message and waits for the server's word, which is empty if it takes the batch.
func (b *Batch) begin(ctx context.Context, msg *nats.Msg, block []byte, retry pubwin.Retry) error {
	ctx, cancel := b.js.bounded(ctx)
	defer cancel()
	answer, err := b.ask(ctx, msg, block, retry)
	switch {
	case err != nil && notSent(err):
		return err
	case err == nil && len(answer) == 0:
		return nil
	case err == nil:
		_, err = batchAnswer(answer)
	}
	return b.failed(err, false)
}

// commit sends the message that ends the batch.
func (b *Batch) commit(ctx context.Context, msg *nats.Msg, opts []PublishOpt, kind string) (*BatchAck, error) {
	block, o, err := b.prepare(ctx, msg, opts, kind)
	if err != nil {
		return nil, err
	}
	retry := o.retry
	if b.n > 0 {
		retry = pubwin.Retry{} // a stream that has gone has forgotten the batch
	}
	ctx, cancel := b.js.bounded(ctx)
	defer cancel()
	answer, err := b.ask(ctx, msg, block, retry)
	if err != nil {
		if notSent(err) {
			return nil, err
		}
		return nil, b.failed(err, !errors.Is(err, ErrNoStreamResponse))
	}
	ack, err := batchAnswer(answer)
	if err != nil {
		return nil, b.failed(err, errors.Is(err, ErrInvalidJSAck))
	}
	b.over = true
	return ack, nil
}

// failed closes the batch.
func (b *Batch) failed(err error, mayBeStored bool) error {
	b.over = true
	return &BatchError{BatchID: b.id, MayBeStored: mayBeStored, Err: err}
}

// notSent are errors of a message that the connection did not take: the batch is as it was.
func notSent(err error) bool {
	return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrHeadersNotSupported)
}

// ask sends one message and waits for its answer, or the end of the link. While nobody listens it tries again as retry says.
func (b *Batch) ask(ctx context.Context, msg *nats.Msg, block []byte, retry pubwin.Retry) ([]byte, error) {
	for {
		reply, err := b.js.eng.RequestOnce(ctx, 0, msg.Subject, block, msg.Data)
		switch {
		case err == nil:
			return reply.Data, nil
		case !errors.Is(err, nats.ErrNoResponders):
			return nil, err
		case !retry.Again():
			return nil, ErrNoStreamResponse
		}
		if err := api.Pause(ctx, retry.Wait); err != nil {
			return nil, err
		}
	}
}

// bounded gives ctx the default timeout if it has no deadline.
func (js *jetStream) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	patience := js.opts.DefaultTimeout
	if patience <= 0 {
		patience = api.DefaultTimeout
	}
	return context.WithTimeout(ctx, patience)
}

// batchAnswer reads the answer to a commit.
func batchAnswer(data []byte) (*BatchAck, error) {
	var answer struct {
		BatchAck
		Error *wire.APIError `json:"error"`
	}
	if json.Unmarshal(data, &answer) != nil {
		return nil, ErrInvalidJSAck
	}
	if answer.Error != nil {
		return nil, failure(answer.Error, nil, batchErrors...)
	}
	if answer.Stream == "" {
		return nil, ErrInvalidJSAck
	}
	return &answer.BatchAck, nil
}
