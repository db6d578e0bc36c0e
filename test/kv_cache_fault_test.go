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
	"github.com/gannet-io/nats/natstest"
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
func caches(t *testing.T, seed uint64) {
	s := newStorm(t, seed, "KV_c")
	s.bucket(jetstream.KeyValueConfig{Bucket: "c"})
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
	s.blow(func() bool { return flows(&done, 10) }, func() {})
	close(stop)
	wg.Wait()
	s.calm()
	last := lastOf(s.stored("c"))
	for _, u := range users {
		wantLast(t, fmt.Sprint("user ", u.id), u, last)
		u.cache.Stop()
		for n := range sharedKeys { // from now on the leader answers
			u.readShared(fmt.Sprint("shared.", n))
		}
		t.Logf("user %d: %d reads", u.id, u.reads.Load())
	}
	t.Logf("%d writes", done.Load())
}

// What was written through a cache is there at once, and stays, although the watch brings older revisions of the key behind the acks.
func TestKVCacheIsAhead(t *testing.T) {
	c := withCache(t)
	var writers, readers sync.WaitGroup
	var over atomic.Bool
	var floor atomic.Uint64
	readers.Go(func() {
		for !over.Load() {
			least := floor.Load()
			e, err := c.Get(t.Context(), "k")
			switch {
			case least == 0:
			case err != nil:
				t.Errorf("got %v behind the write @%d", err, least)
				return
			case e.Revision() < least:
				t.Errorf("got @%d behind the write @%d", e.Revision(), least)
				return
			}
		}
	})
	for range 8 {
		writers.Go(func() {
			for n := range 1000 / slower {
				revision, err := c.Put(t.Context(), "k", fmt.Append(nil, n))
				if err != nil {
					t.Error(err)
					return
				}
				for old := floor.Load(); revision > old && !floor.CompareAndSwap(old, revision); old = floor.Load() {
				}
			}
		})
	}
	writers.Wait()
	over.Store(true)
	readers.Wait()
}

// withCache is a cache of a bucket on a server.
func withCache(t *testing.T) *jetstream.KeyValueCache {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	js := newJS(t, dial(t, natstest.Run(t).URL()))
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.MemoryStorage}))
	c := got[*jetstream.KeyValueCache](t)(jetstream.NewKeyValueCache(t.Context(), b))
	t.Cleanup(c.Stop)
	return c
}

func (u *cacheUser) get(key string) (entry, error) {
	e, err := u.cache.Get(context.Background(), key)
	if err != nil {
		return entry{}, err
	}
	return entry{key: key, value: string(e.Value()), revision: e.Revision()}, nil
}
