package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/nats-io/nuid"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/kv"
)

// LockConfig says how a lock is held.
type LockConfig struct {
	// TTL is how long the lock outlives a holder that is gone, in whole seconds of at least one; 0: 10 seconds. It is renewed three times in
	// that time.
	TTL time.Duration
	// Holder is a name to be read by people; empty: none.
	Holder string
}

// DefaultLockTTL is the TTL of a [LockConfig] without one.
const DefaultLockTTL = 10 * time.Second

// ErrLockLost: a lock was not renewed in time, or somebody has taken or deleted its key.
var ErrLockLost JetStreamError = &jsError{message: "lock lost"}

// errRenewing: the server is still busy with an earlier renewal (nats-server 2.15 refuses conditional writes meanwhile).
var errRenewing = errors.New("nats: an earlier renewal of the lock is on its way")

// KeyValueLock is a key that this program holds, in a bucket with LimitMarkerTTL. It may be used concurrently. [AcquireLock] makes it.
//
// No lock across a network can keep its holder from going on for a moment too long: a process may sleep between looking at the lock and acting. So
// each holder has a fence, which is larger than that of every holder before. Whoever is written to must remember the largest fence it has
// seen, and refuse smaller ones: then no two holders can write in turns.
type KeyValueLock struct {
	b     *keyValue
	key   string
	value []byte // tells this holder from all others
	ttl   time.Duration
	fence uint64
	stop  context.CancelFunc // ends the renewing
	ended chan struct{}      // the renewing has ended
	lost  chan struct{}

	doubtful bool // while it is acquired: an attempt had no answer, and may have been stored

	mu       sync.Mutex
	revision uint64
	until    time.Time // the server keeps the key at least as long
	err      error     // why it was lost
}

// AcquireLock waits until it holds key, as long as ctx allows. A holder that is gone is noticed when its TTL is over. It outlasts lost links and
// buckets that nobody leads for the moment: it tries on, and tells the connection's error handler of the first failure. Errors: that of ctx,
// [ErrInvalidKey], [ErrInvalidOption], [ErrBucketNotFound], nats.ErrInvalidArg when the bucket was not made by this package, an [*APIError] with
// the code 10166 when the bucket has no LimitMarkerTTL, and nats.ErrConnectionClosed.
func AcquireLock(ctx context.Context, b KeyValue, key string, cfg LockConfig) (*KeyValueLock, error) {
	l, err := newLock(b, key, cfg)
	switch {
	case err != nil:
		return nil, err
	case ctx == nil:
		return nil, errNilContext
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var freed KeyWatcher
	for failures := 0; ; {
		err := l.take(ctx)
		if err == nil {
			return l, nil
		}
		held := errors.Is(err, ErrKeyExists)
		if held && freed == nil {
			freed, err = l.b.Watch(ctx, key, MetaOnly())
			held = err == nil
		}
		if held {
			failures = 0
			err = l.await(ctx, freed)
		} else {
			failures++
			err = l.outlast(ctx, err, failures == 1)
		}
		if err != nil {
			return nil, err
		}
	}
}

func newLock(b KeyValue, key string, cfg LockConfig) (*KeyValueLock, error) {
	own, err := ownBucket(b)
	if err != nil {
		return nil, err
	}
	if cfg.TTL == 0 {
		cfg.TTL = DefaultLockTTL
	}
	if cfg.TTL < time.Second {
		return nil, fmt.Errorf("%w: TTL of a lock must be at least one second", ErrInvalidOption)
	}
	if !kv.ValidKey(key) {
		return nil, ErrInvalidKey
	}
	value, err := json.Marshal(struct {
		Holder string `json:"holder,omitempty"`
		ID     string `json:"id"`
	}{cfg.Holder, nuid.Next()})
	if err != nil {
		return nil, err
	}
	return &KeyValueLock{
		b: own, key: key, value: value, ttl: cfg.TTL.Truncate(time.Second), ended: make(chan struct{}), lost: make(chan struct{}),
	}, nil
}

// await waits until the key is free, perhaps. A key whose end leaves no marker is looked at again after its TTL.
func (l *KeyValueLock) await(ctx context.Context, w KeyWatcher) error {
	timer := time.NewTimer(l.ttl)
	defer timer.Stop()
	for {
		select {
		case e, open := <-w.Updates():
			switch {
			case !open:
				return KeyWatcherErr(w)
			case e != nil && e.Operation() != KeyValuePut:
				return nil
			}
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// take tries to become the holder.
func (l *KeyValueLock) take(ctx context.Context) error {
	begin := time.Now()
	revision, err := l.b.store.Create(ctx, l.key, l.value, l.ttl)
	fence := revision
	if l.doubtful && errors.Is(err, ErrKeyExists) {
		fence, revision, begin, err = l.resume(ctx)
	}
	if err != nil {
		return err // when nobody answered it may be ours all the same; if nobody takes it over it ends with its TTL
	}
	l.fence, l.revision, l.until = fence, revision, begin.Add(l.ttl)
	var renewing context.Context
	renewing, l.stop = context.WithCancel(context.Background())
	go l.renew(renewing)
	return nil
}

// Fence is larger than that of every holder before.
func (l *KeyValueLock) Fence() uint64 { return l.fence }

// Held reports whether the lock was held for certain a moment ago.
func (l *KeyValueLock) Held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err == nil && time.Now().Before(l.until)
}

// Lost is closed when the lock is lost or released.
func (l *KeyValueLock) Lost() <-chan struct{} { return l.lost }

// Err is nil while the lock is held, [ErrLockLost] wrapped with the cause when it was lost, and [ErrLockLost] itself after Release.
func (l *KeyValueLock) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop == nil { // not made by AcquireLock
		return ErrLockLost
	}
	return l.err
}

// Release gives the lock up. It returns an error that matches [ErrLockLost] when it was lost before, and an error when the key could not be deleted: then the
// lock ends with its TTL. Again does nothing.
func (l *KeyValueLock) Release(ctx context.Context) error {
	if ctx == nil {
		return errNilContext
	}
	if l.stop == nil { // not made by AcquireLock
		return ErrLockLost
	}
	l.stop()
	<-l.ended
	revision, err := l.end(ErrLockLost)
	if err != nil {
		if err == ErrLockLost {
			return nil
		}
		return err
	}
	return l.remove(ctx, revision)
}

// end notes why the lock is over; err is the reason that it has already.
func (l *KeyValueLock) end(reason error) (revision uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	l.err = reason
	close(l.lost)
	return l.revision, nil
}

// renew keeps the key alive until ctx ends. It is the lock's goroutine.
func (l *KeyValueLock) renew(ctx context.Context) {
	defer close(l.ended)
	wait := l.ttl / 3
	for api.Pause(ctx, wait) == nil {
		err := l.renewed(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			wait = l.ttl / 3
		case errors.Is(err, ErrKeyRevisionMismatch), errors.Is(err, nats.ErrConnectionClosed), !l.Held():
			_, _ = l.end(fmt.Errorf("%w: %w", ErrLockLost, err)) // nobody else ends it while this runs
			return
		default:
			wait = min(l.retryWait(), time.Until(l.deadline())) // that it is lost is told at once
		}
	}
}

// renewed writes the key once more.
func (l *KeyValueLock) renewed(ctx context.Context) error {
	ctx, cancel := context.WithDeadline(ctx, l.deadline())
	defer cancel()
	begin := time.Now()
	revision, err := l.b.store.Update(ctx, l.key, l.value, l.held(), l.ttl)
	if errors.Is(err, ErrKeyRevisionMismatch) {
		// An earlier attempt without an answer may have been stored.
		e, failed := l.b.store.Newest(ctx, l.key)
		if failed != nil {
			return failed
		}
		if !l.isOwn(e) {
			return err
		}
		begin = time.Now()
		revision, err = l.b.store.Update(ctx, l.key, l.value, e.Revision, l.ttl)
		if errors.Is(err, ErrKeyRevisionMismatch) {
			return errRenewing
		}
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.revision, l.until = revision, begin.Add(l.ttl)
	return nil
}

func (l *KeyValueLock) deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

func (l *KeyValueLock) held() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.revision
}

// RunElected runs lead as the one leader among all who call it with the same key, over and over, until ctx ends or lead returns while it holds the
// lock. lead's context ends when the leadership is lost; it must return then, and RunElected tries to become the leader again. lead gets the
// fence of its lock, see [KeyValueLock]. RunElected returns lead's error, that of ctx, or those of [AcquireLock].
func RunElected(ctx context.Context, b KeyValue, key string, cfg LockConfig, lead func(ctx context.Context, fence uint64) error) error {
	if lead == nil {
		return ErrHandlerRequired
	}
	for {
		l, err := AcquireLock(ctx, b, key, cfg)
		if err != nil {
			return err
		}
		over, err := l.lead(ctx, lead)
		if over || ctx.Err() != nil {
			return err
		}
	}
}

// lead runs f while the lock is held; over: it returned by itself.
func (l *KeyValueLock) lead(ctx context.Context, f func(context.Context, uint64) error) (over bool, err error) {
	leading, cancel := context.WithCancel(ctx)
	defer cancel()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-l.Lost():
			cancel()
		case <-leading.Done():
		}
	}()
	err = f(leading, l.fence)
	lost := l.Err() != nil
	cancel()
	<-watching
	bounded, done := l.b.js.bounded(context.WithoutCancel(ctx))
	defer done()
	_ = l.Release(bounded) // else it ends with its TTL
	return !lost, err
}
