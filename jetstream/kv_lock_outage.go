package jetstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gannet-io/nats"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/kv"
)

// outages are errors that end by themselves, as long as the connection reconnects: nobody leads the bucket, or the link is lost.
var outages = []error{
	ErrNoStreamResponse, nats.ErrNoResponders, context.DeadlineExceeded, nats.ErrTimeout, nats.ErrDisconnected, nats.ErrReconnectBufExceeded,
}

// unavailable is the code of refusals that pass, among API errors.
const unavailable = 503

// isOutage reports whether what failed may succeed later without anybody doing anything.
func isOutage(err error) bool {
	if slices.ContainsFunc(outages, func(o error) bool { return errors.Is(err, o) }) {
		return true
	}
	var refused *APIError
	return errors.As(err, &refused) && refused.Code == unavailable
}

// outlast waits a little behind an attempt that failed with err, and returns nil when another one makes sense. first: it is the first
// attempt that failed, which is told to the connection's error handler.
func (l *KeyValueLock) outlast(ctx context.Context, err error, first bool) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !isOutage(err):
		return err
	}
	l.doubtful = true
	if first {
		l.b.js.report(fmt.Errorf("lock %s of bucket %s: %w", l.key, l.b.Bucket(), err))
	}
	if errors.Is(err, ErrNoStreamResponse) && l.bucketIsGone(ctx) {
		return ErrBucketNotFound
	}
	return api.Pause(ctx, l.retryWait())
}

// bucketIsGone asks those who lead all streams: a bucket without a leader does not answer, and neither does one that was deleted.
func (l *KeyValueLock) bucketIsGone(ctx context.Context) bool {
	ctx, cancel := l.b.js.bounded(ctx)
	defer cancel()
	_, err := l.b.js.bucketInfo(ctx, l.b.Bucket())
	return err == ErrBucketNotFound
}

// retryWait is the pause between attempts in an outage.
func (l *KeyValueLock) retryWait() time.Duration { return min(l.ttl/10, 200*time.Millisecond) }

// resume takes the lock over from an attempt of its own that was stored although nobody said so; [ErrKeyExists] when somebody else
// holds it. What is stored lasts for a TTL from its renewal on.
func (l *KeyValueLock) resume(ctx context.Context) (fence, revision uint64, begin time.Time, err error) {
	e, err := l.b.store.Newest(ctx, l.key)
	if err != nil {
		return 0, 0, begin, err
	}
	if !l.isOwn(e) {
		return 0, 0, begin, ErrKeyExists
	}
	begin = time.Now()
	revision, err = l.b.store.Update(ctx, l.key, l.value, e.Revision, l.ttl)
	if errors.Is(err, ErrKeyRevisionMismatch) {
		err = ErrKeyExists
	}
	return e.Revision, revision, begin, err
}

// isOwn reports whether an entry was written by this holder.
func (l *KeyValueLock) isOwn(e *kv.Entry) bool {
	return e != nil && e.Op == kv.Put && bytes.Equal(e.Value, l.value)
}

// remove deletes the key, whose revision is known to have been this one. A renewal that Release has cut short may have been stored, or may still be
// under way at the server.
func (l *KeyValueLock) remove(ctx context.Context, revision uint64) error {
	ctx, cancel := l.b.js.bounded(ctx)
	defer cancel()
	for {
		_, err := l.b.store.Remove(ctx, l.key, kv.Removal{Op: kv.Purge, Last: revision, TTL: l.ttl})
		if !errors.Is(err, ErrKeyRevisionMismatch) {
			return err
		}
		e, failed := l.b.store.Newest(ctx, l.key)
		switch {
		case failed != nil:
			return failed
		case !l.isOwn(e): // its time was over, and it is somebody else's perhaps
			return fmt.Errorf("%w: %w", ErrLockLost, err)
		case e.Revision == revision: // what is under way keeps the server from it
			if err := api.Pause(ctx, l.retryWait()); err != nil {
				return err
			}
		}
		revision = e.Revision
	}
}
