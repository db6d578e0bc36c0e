package jetstream

import (
	"context"
	"errors"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
)

// modifyPause is between two attempts: a replica that has not heard of the other write yet would send them in circles.
const modifyPause = 5 * time.Millisecond

// modifyKey writes what change makes of the last entry of a key, nil when it has no value. It begins anew when somebody else was faster.
func modifyKey(ctx context.Context, b KeyValue, key string, change func(KeyValueEntry) ([]byte, error)) (uint64, error) {
	if ctx == nil {
		return 0, errNilContext
	}
	ctx, cancel := bounded(ctx, b)
	defer cancel()
	for {
		e, err := b.Get(ctx, key)
		if err != nil && !errors.Is(err, ErrKeyNotFound) {
			return 0, err
		}
		if err != nil {
			e = nil
		}
		data, err := change(e)
		if err != nil {
			return 0, err
		}
		var revision uint64
		if e == nil {
			revision, err = b.Create(ctx, key, data)
		} else {
			revision, err = b.Update(ctx, key, data, e.Revision())
		}
		if err == nil || !errors.Is(err, ErrKeyExists) && !errors.Is(err, ErrKeyRevisionMismatch) {
			return revision, err
		}
		if err := api.Pause(ctx, modifyPause); err != nil {
			return 0, err
		}
	}
}

// bounded gives ctx the default timeout of a bucket's JetStream if it has no deadline.
func bounded(ctx context.Context, b KeyValue) (context.Context, context.CancelFunc) {
	if own, err := ownBucket(b); err == nil {
		return own.js.bounded(ctx)
	}
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, api.DefaultTimeout)
}
