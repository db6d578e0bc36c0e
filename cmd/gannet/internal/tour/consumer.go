package tour

import (
	"context"
	"errors"
	"fmt"

	"github.com/gannet-io/nats/jetstream"
)

// newConsumer makes an ephemeral consumer over the link.
func (t *tour) newConsumer(ctx context.Context, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	c, err := t.js.CreateConsumer(ctx, t.stream, cfg)
	if err != nil {
		return nil, fmt.Errorf("creating a consumer: %w", err)
	}
	return c, nil
}

// mayHaveMore returns an error if pieces are missing and the server has nothing for the consumer any more. It is asked after an empty batch.
func (t *tour) mayHaveMore(ctx context.Context, c jetstream.Consumer, r *reading) error {
	if r.complete() {
		return nil
	}
	info, err := t.consumerInfo(ctx, c.CachedInfo().Name)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return nil // the next Fetch will tell
	case err == nil && info.NumPending == 0 && info.NumAckPending == 0:
		return fmt.Errorf("the stream has nothing more for the consumer, and %s missing", some(r.missing(), "line"))
	}
	return err
}

// consumerInfo asks over the direct connection, which is no activity of the consumer.
func (t *tour) consumerInfo(ctx context.Context, name string) (*jetstream.ConsumerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	c, err := t.directJS.Consumer(ctx, t.stream, name)
	if err != nil {
		return nil, fmt.Errorf("asking about the consumer: %w", err)
	}
	return c.CachedInfo(), nil
}
