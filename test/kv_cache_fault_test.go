package test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
)

// cacheUser reads and writes through one cache, several at a time.
type cacheUser struct {
	t     *testing.T
	id    int
	cache *jetstream.KeyValueCache
	done  *atomic.Int64 // acknowledged writes of all users
	reads atomic.Int64

	mu    sync.Mutex
	floor map[string]uint64 // of shared keys: the highest revision that was read or written here
}

const sharedKeys = 3

// atLeast is the floor of a key.
func (u *cacheUser) atLeast(key string) uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.floor[key]
}

func (u *cacheUser) raise(key string, revision uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.floor[key] = max(u.floor[key], revision)
}

// run writes to a key of its own and to those that all share, and reads them, until stop is closed.
func (u *cacheUser) run(g int, rng *rand.Rand, stop <-chan struct{}) {
	var own, value string
	var keys int
	tick := time.NewTicker(opPace * min(slower, 2))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if own == "" {
			own, value = fmt.Sprintf("own.%d.%d.%d", u.id, g, keys), ""
			keys++
		}
		u.readShared(fmt.Sprint("shared.", rng.IntN(sharedKeys)))
		u.readOwn(own, value)
		switch rng.IntN(6) {
		case 0:
			u.write(func(ctx context.Context) error {
				key := fmt.Sprint("shared.", rng.IntN(sharedKeys))
				revision, err := u.cache.Put(ctx, key, fmt.Append(nil, u.id, n))
				u.raise(key, revision)
				return err
			})
			continue
		case 1:
			value = ""
			if u.write(func(ctx context.Context) error { _, err := u.cache.Delete(ctx, own); return err }) != nil {
				own = "" // nobody knows what it is
			}
		default:
			value = fmt.Sprint(n)
			if u.write(func(ctx context.Context) error { _, err := u.cache.Put(ctx, own, []byte(value)); return err }) != nil {
				own = ""
			}
		}
		if own != "" {
			u.readOwn(own, value)
		}
	}
}

func (u *cacheUser) write(f func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), opFor)
	defer cancel()
	err := f(ctx)
	if err == nil {
		u.done.Add(1)
	}
	return err
}

// readOwn wants the value that was written last, "" for none.
func (u *cacheUser) readOwn(key, want string) {
	u.reads.Add(1)
	e, err := u.cache.Get(context.Background(), key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		if want != "" {
			u.t.Errorf("user %d: %s: not found, want %s", u.id, key, want)
		}
	case err != nil:
		u.t.Errorf("user %d: %s: %v", u.id, key, err)
	case string(e.Value()) != want:
		u.t.Errorf("user %d: %s: got %s, want %q", u.id, key, e.Value(), want)
	}
}

// readShared wants nothing that is older than what was read or written here before.
func (u *cacheUser) readShared(key string) {
	u.reads.Add(1)
	floor := u.atLeast(key)
	e, err := u.cache.Get(context.Background(), key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound) && floor == 0:
	case err != nil:
		u.t.Errorf("user %d: %s: %v, want @%d or later", u.id, key, err, floor)
	case e.Revision() < floor:
		u.t.Errorf("user %d: %s: got @%d, want @%d or later", u.id, key, e.Revision(), floor)
	default:
		u.raise(key, e.Revision())
	}
}

// Whatever happens to servers and links, who reads through a cache sees what was written through it, and nothing older than before.
func TestKVCacheUnderFaults(t *testing.T) {
	eachSeed(t, 1, func(t *testing.T, seed uint64) {
		s := newStorm(t, seed, "KV_c")
		s.insist("the bucket", func(ctx context.Context) error {
			_, err := s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "c", Replicas: 3})
			if errors.Is(err, jetstream.ErrBucketExists) {
				return nil
			}
			return err
		})
		stop := make(chan struct{})
		var done atomic.Int64
		var wg sync.WaitGroup
		var users []*cacheUser
		for i := range 3 {
			u := &cacheUser{t: t, id: i, done: &done, floor: map[string]uint64{}}
			js := newJS(t, s.dial(i), jetstream.WithDefaultTimeout(opFor))
			s.insist("a cache", func(ctx context.Context) error {
				b, err := js.KeyValue(ctx, "c")
				if err == nil {
					u.cache, err = jetstream.NewKeyValueCache(ctx, b)
				}
				return err
			})
			users = append(users, u)
			for g := range 2 {
				rng := rand.New(rand.NewPCG(seed, uint64(2*i+g)))
				wg.Go(func() { u.run(g, rng, stop) })
			}
		}
		s.blow(func() bool {
			n := done.Load()
			for end := time.Now().Add(2 * opFor); time.Now().Before(end); pause() {
				if done.Load() > n+10 {
					return true
				}
			}
			return false
		}, func() {})
		close(stop)
		wg.Wait()
		s.calm()
		last := map[string]entry{}
		for _, e := range s.stored("c") {
			last[e.key] = e
		}
		for _, u := range users {
			for key, e := range last {
				eventually(t, fmt.Sprintf("user %d: %v", u.id, e), func() bool {
					got, err := u.cache.Get(context.Background(), key)
					return err == nil && got.Revision() == e.revision || e.op != 0 && errors.Is(err, jetstream.ErrKeyNotFound)
				})
			}
			u.cache.Stop()
			for n := range sharedKeys { // from now on the leader answers
				u.readShared(fmt.Sprint("shared.", n))
			}
			t.Logf("user %d: %d reads", u.id, u.reads.Load())
		}
		t.Logf("%d writes", done.Load())
	})
}
