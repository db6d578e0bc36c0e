package tour

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats/jetstream"
)

const (
	fetchWait  = 3 * time.Second        // of one request
	heartbeat  = 500 * time.Millisecond // of one request
	fetchSlack = 3 * time.Second        // beyond the request's time, before the tour calls a batch hung
)

// errHung is a batch that does not end.
var errHung = errors.New("the batch has not ended in time")

// batch is what a program sees of one Fetch.
type batch struct {
	messages int
	quiet    time.Duration // from the last message, or from the call, to the end
	err      error         // from Fetch, or from MessageBatch.Error
}

// fetch gives each message of one batch to handle and acks it. Errors are those of handle, of the context, and errHung; what the library
// says about the batch is in the batch.
func fetch(ctx context.Context, c jetstream.Consumer, n int, handle func(jetstream.Msg) error) (b batch, err error) {
	mark := time.Now()
	got, err := c.Fetch(n, jetstream.FetchMaxWait(fetchWait), jetstream.FetchHeartbeat(heartbeat))
	if err != nil {
		return batch{err: err, quiet: time.Since(mark)}, nil
	}
	hung := time.NewTimer(fetchWait + fetchSlack)
	defer hung.Stop()
	for {
		select {
		case msg, more := <-got.Messages():
			if !more {
				b.quiet, b.err = time.Since(mark), got.Error()
				return b, nil
			}
			if err := handle(msg); err != nil {
				return b, err
			}
			if err := msg.Ack(); err != nil {
				return b, fmt.Errorf("acking: %w", err)
			}
			b.messages++
			mark = time.Now()
			hung.Reset(fetchWait + fetchSlack)
		case <-hung.C:
			return b, errHung
		case <-ctx.Done():
			return b, ctx.Err()
		}
	}
}

// batchSize makes a handful of batches out of any number of pieces.
func batchSize(pieces int) int { return min(max(pieces/5, 1), 500) }
