package test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// withLocks makes a bucket for locks, and returns it as seen over a proxy, and over a connection of its own.
func withLocks(t *testing.T) (b, other jetstream.KeyValue, p *natstest.Proxy) {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	p = natstest.NewProxy(t, srv.URL())
	other = got[jetstream.KeyValue](t)(newJS(t, dial(t, srv.URL())).CreateKeyValue(t.Context(), jetstream.KeyValueConfig{
		Bucket: "locks", LimitMarkerTTL: time.Second, Storage: jetstream.MemoryStorage,
	}))
	return got[jetstream.KeyValue](t)(newJS(t, dial(t, p.URL(), quickly(), silent())).KeyValue(t.Context(), "locks")), other, p
}

func TestKVLock(t *testing.T) {
	b, other, _ := withLocks(t)
	ctx := t.Context()
	cfg := jetstream.LockConfig{TTL: time.Second, Holder: "one"}
	first := got[*jetstream.KeyValueLock](t)(jetstream.AcquireLock(ctx, b, "l", cfg))
	if !first.Held() || first.Err() != nil {
		t.Error("it is not held")
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := jetstream.AcquireLock(short, other, "l", cfg)
	wantError(t, "a second holder", err, context.DeadlineExceeded)
	second := make(chan *jetstream.KeyValueLock, 1)
	go func() {
		l, err := jetstream.AcquireLock(context.Background(), other, "l", cfg)
		if err != nil {
			t.Errorf("second: %v", err)
		}
		second <- l
	}()
	// It is renewed: it lives longer than its TTL.
	eventually(t, "several renewals", func() bool {
		e, err := other.Get(ctx, "l")
		return err == nil && e.Revision() >= first.Fence()+5
	})
	if len(second) != 0 || !first.Held() {
		t.Error("a lock that is renewed was taken")
	}
	must(t, first.Release(ctx))
	must(t, first.Release(ctx))
	if first.Held() || first.Err() != jetstream.ErrLockLost {
		t.Errorf("released: got %v", first.Err())
	}
	l := await(t, "the second holder", second)
	if l.Fence() <= first.Fence() {
		t.Errorf("fence %d is not above %d", l.Fence(), first.Fence())
	}
	must(t, l.Release(ctx))
}

// A holder that is cut off learns of it before anybody else can be the holder.
func TestKVLockIsLost(t *testing.T) {
	b, other, p := withLocks(t)
	ctx := t.Context()
	cfg := jetstream.LockConfig{TTL: time.Second}
	first := got[*jetstream.KeyValueLock](t)(jetstream.AcquireLock(ctx, b, "l", cfg))
	p.Hole(natstest.Both)
	second := got[*jetstream.KeyValueLock](t)(jetstream.AcquireLock(ctx, other, "l", cfg))
	if first.Held() {
		t.Error("two holders")
	}
	if second.Fence() <= first.Fence() {
		t.Errorf("fence %d is not above %d", second.Fence(), first.Fence())
	}
	await(t, "the loss", first.Lost())
	wantError(t, "lost", first.Err(), jetstream.ErrLockLost)
	wantError(t, "release", first.Release(ctx), jetstream.ErrLockLost)
	must(t, p.Heal())
	must(t, other.Delete(ctx, "l")) // somebody takes it away
	await(t, "the loss", second.Lost())
	wantError(t, "lost", second.Err(), jetstream.ErrLockLost)
	wantError(t, "release", second.Release(ctx), jetstream.ErrLockLost)
}

// Cuts alone do not cost a lock.
func TestKVLockSurvivesCuts(t *testing.T) {
	b, other, p := withLocks(t)
	ctx := t.Context()
	l := got[*jetstream.KeyValueLock](t)(jetstream.AcquireLock(ctx, b, "l", jetstream.LockConfig{TTL: 2 * time.Second}))
	for range 5 {
		e := got[jetstream.KeyValueEntry](t)(other.Get(ctx, "l"))
		p.Cut()
		eventually(t, "a renewal", func() bool {
			now, err := other.Get(ctx, "l")
			return err == nil && now.Revision() > e.Revision()
		})
	}
	if !l.Held() {
		t.Errorf("lost: %v", l.Err())
	}
	must(t, l.Release(ctx))
}

// A renewal that was stored, and whose answer was lost, does not keep its holder from releasing the lock.
func TestKVLockReleaseBehindARenewal(t *testing.T) {
	b, other, p := withLocks(t)
	ctx := t.Context()
	l := got[*jetstream.KeyValueLock](t)(jetstream.AcquireLock(ctx, b, "l", jetstream.LockConfig{TTL: 3 * time.Second}))
	p.Hole(natstest.ServerToClient)
	eventually(t, "a renewal", func() bool { return got[jetstream.KeyValueEntry](t)(other.Get(ctx, "l")).Revision() > l.Fence() })
	must(t, p.Heal())
	must(t, l.Release(ctx))
	_, err := other.Get(ctx, "l")
	wantError(t, "the key", err, jetstream.ErrKeyNotFound)
}

func TestKVElection(t *testing.T) {
	b, other, _ := withLocks(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var leaders, most, last atomic.Int64
	led := make(chan struct{}, 100)
	end := make(chan error, 3)
	enough := errors.New("enough")
	for _, bucket := range []jetstream.KeyValue{b, other, b} {
		go func() {
			end <- jetstream.RunElected(ctx, bucket, "leader", jetstream.LockConfig{TTL: time.Second}, func(ctx context.Context, fence uint64) error {
				most.Store(max(most.Load(), leaders.Add(1)))
				defer leaders.Add(-1)
				if int64(fence) <= last.Swap(int64(fence)) {
					t.Errorf("fence %d does not rise", fence)
				}
				led <- struct{}{}
				return enough
			})
		}()
	}
	for range 3 {
		wantError(t, "a leader", await(t, "a leader", end), enough)
	}
	if most.Load() != 1 {
		t.Errorf("%d leaders at a time, want 1", most.Load())
	}
	// A leader that loses its key is told, and leads again.
	go func() {
		end <- jetstream.RunElected(ctx, b, "leader", jetstream.LockConfig{TTL: time.Second}, func(ctx context.Context, _ uint64) error {
			led <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	for range 3 {
		<-led
	}
	await(t, "a leader", led)
	must(t, other.Delete(ctx, "leader"))
	await(t, "the leader again", led)
	cancel()
	wantError(t, "the end", await(t, "the end", end), context.Canceled)
}

func TestKVLockArguments(t *testing.T) {
	b, _, p := withLocks(t)
	ctx := t.Context()
	plain := got[jetstream.KeyValue](t)(newJS(t, dial(t, p.URL())).CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "plain", Storage: jetstream.MemoryStorage}))
	for name, tc := range map[string]struct {
		err  error
		want error
	}{
		"nil context":  {second(jetstream.AcquireLock(nil, b, "l", jetstream.LockConfig{})), nats.ErrInvalidContext},
		"nil bucket":   {second(jetstream.AcquireLock(ctx, nil, "l", jetstream.LockConfig{})), nats.ErrInvalidArg},
		"bad key":      {second(jetstream.AcquireLock(ctx, b, "l l", jetstream.LockConfig{})), jetstream.ErrInvalidKey},
		"short TTL":    {second(jetstream.AcquireLock(ctx, b, "l", jetstream.LockConfig{TTL: 1})), jetstream.ErrInvalidOption},
		"negative TTL": {second(jetstream.AcquireLock(ctx, b, "l", jetstream.LockConfig{TTL: -1})), jetstream.ErrInvalidOption},
		"no leader":    {jetstream.RunElected(ctx, b, "l", jetstream.LockConfig{}, nil), jetstream.ErrHandlerRequired},
	} {
		wantError(t, name, tc.err, tc.want)
	}
	_, err := jetstream.AcquireLock(ctx, plain, "l", jetstream.LockConfig{})
	wantCode(t, "a bucket without TTLs", err, 10166)
}
