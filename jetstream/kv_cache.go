package jetstream

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/kv"
	"github.com/gannet-io/nats/internal/subject"
)

// KeyValueCache keeps the last entries of a bucket, or of some of its keys, in memory, as a watch brings them. A Get asks nobody and does not
// allocate. It may be used concurrently.
//
// What others write is seen when the watch brings it: moments later, and while the link is down not before it is back. What is written through
// the cache is seen at once by whoever reads through it. Entries that expire stay, unless the bucket has LimitMarkerTTL. Once the watch has ended,
// reads go to the bucket's leader; [KeyValueCache.Err] says why it did. [NewKeyValueCache] makes it; the zero value reads and writes nothing, with
// nats.ErrInvalidArg.
type KeyValueCache struct {
	b       *keyValue
	filters []string
	watch   KeyWatcher
	ended   atomic.Bool // the watch has ended: what is kept is of no use
	done    chan struct{}

	mu   sync.RWMutex
	kept map[string]KeyValueEntry // with deletions that the watch has not brought yet
	own  map[string]uint64        // revisions written here that the watch has not brought yet
	seen uint64                   // the highest revision that the watch has brought
}

// errNoCache is for the zero value.
var errNoCache = fmt.Errorf("%w: the cache was not made by NewKeyValueCache", nats.ErrInvalidArg)

// NewKeyValueCache makes a cache of the keys that match filters; none: of all keys. It returns when the entries that are there have been read, which ctx
// bounds. Stop ends it. Errors: those of [KeyValue.WatchFiltered], that of the context, and the reason why the watch ended.
func NewKeyValueCache(ctx context.Context, b KeyValue, filters ...string) (*KeyValueCache, error) {
	own, err := ownBucket(b)
	if err != nil {
		return nil, err
	}
	if ctx == nil {
		return nil, errNilContext
	}
	w, err := own.WatchFiltered(context.WithoutCancel(ctx), filters)
	if err != nil {
		return nil, err
	}
	c := &KeyValueCache{
		b: own, filters: slices.Clone(filters), watch: w, done: make(chan struct{}), kept: make(map[string]KeyValueEntry), own: make(map[string]uint64),
	}
	ready := make(chan struct{})
	go c.run(ready)
	select {
	case <-ready:
		return c, nil
	case <-c.done:
		return nil, c.Err()
	case <-ctx.Done():
		c.Stop()
		return nil, ctx.Err()
	}
}

// run is the cache's goroutine. It ends with the watch.
func (c *KeyValueCache) run(ready chan struct{}) {
	defer close(c.done)
	defer c.ended.Store(true)
	for e := range c.watch.Updates() {
		if e == nil {
			close(ready)
			continue
		}
		c.brought(e)
	}
}

// brought takes in what the watch brings. Revisions rise, so nothing older follows.
func (c *KeyValueCache) brought(e KeyValueEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = e.Revision()
	key := e.Key()
	if wrote, waits := c.own[key]; waits {
		if e.Revision() < wrote {
			return // what was written here is newer
		}
		delete(c.own, key)
	}
	if e.Operation() == KeyValuePut {
		c.kept[key] = e
	} else {
		delete(c.kept, key)
	}
}

// Get returns the last value of a key that the cache knows of. [ErrKeyNotFound] when it has none. Reads of keys that the cache does not keep, and all
// reads after the watch has ended, are answered by the bucket's leader; ctx is for them.
func (c *KeyValueCache) Get(ctx context.Context, key string) (KeyValueEntry, error) {
	if c.b == nil {
		return nil, errNoCache
	}
	if c.ended.Load() {
		return c.ask(ctx, key)
	}
	switch e := c.lookup(key); {
	case e != nil && e.Operation() == KeyValuePut:
		return e, nil
	case e == nil && !c.covers(key):
		return c.ask(ctx, key)
	}
	return nil, ErrKeyNotFound
}

// ask reads at the leader: a replica may not know yet what was written or read here before.
func (c *KeyValueCache) ask(ctx context.Context, key string) (KeyValueEntry, error) {
	e, err := c.b.store.GetAtLeader(ctx, key)
	return newEntry(e), err
}

func (c *KeyValueCache) lookup(key string) KeyValueEntry {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.kept[key]
}

// covers reports whether the cache keeps a key.
func (c *KeyValueCache) covers(key string) bool {
	return kv.ValidKey(key) && (len(c.filters) == 0 ||
		slices.ContainsFunc(c.filters, func(f string) bool { return subject.Match(f, key) }))
}

// Put is [KeyValue.Put], with its errors.
func (c *KeyValueCache) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	if c.b == nil {
		return 0, errNoCache
	}
	revision, err := c.b.store.Put(ctx, key, value, 0)
	return c.wrote(key, value, kv.Put, revision, err)
}

// Create is [KeyValue.Create], with its errors.
func (c *KeyValueCache) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	if c.b == nil {
		return 0, errNoCache
	}
	revision, err := c.b.store.Create(ctx, key, value, 0)
	return c.wrote(key, value, kv.Put, revision, err)
}

// Update is [KeyValue.Update], with its errors.
func (c *KeyValueCache) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if c.b == nil {
		return 0, errNoCache
	}
	revision, err := c.b.store.Update(ctx, key, value, revision, 0)
	return c.wrote(key, value, kv.Put, revision, err)
}

// Delete is [KeyValue.Delete], with its errors, and returns the revision of the deletion.
func (c *KeyValueCache) Delete(ctx context.Context, key string) (uint64, error) {
	if c.b == nil {
		return 0, errNoCache
	}
	revision, err := c.b.store.Remove(ctx, key, kv.Removal{Op: kv.Delete})
	return c.wrote(key, nil, kv.Delete, revision, err)
}

// wrote keeps what was written here until the watch brings it, or something newer.
func (c *KeyValueCache) wrote(key string, value []byte, op kv.Op, revision uint64, err error) (uint64, error) {
	if err != nil || !c.covers(key) {
		return revision, err
	}
	e := newEntry(&kv.Entry{
		Bucket: c.b.Bucket(), Key: key, Value: bytes.Clone(value), Revision: revision, UnixNano: time.Now().UnixNano(), Op: op,
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if revision > c.seen && revision > c.own[key] {
		c.own[key] = revision
		c.kept[key] = e
	}
	return revision, nil
}

// Len is the number of keys that the cache knows a value of.
func (c *KeyValueCache) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.kept) - c.deletionsLocked()
}

func (c *KeyValueCache) deletionsLocked() (n int) {
	for key := range c.own {
		if e := c.kept[key]; e != nil && e.Operation() != KeyValuePut {
			n++
		}
	}
	return n
}

// Stop ends the cache. Reads go to the server then. Again does nothing.
func (c *KeyValueCache) Stop() {
	if c.watch == nil {
		return
	}
	_ = c.watch.Stop() // always nil
	<-c.done
}

// Err says why the watch ended, like [KeyWatcherErr].
func (c *KeyValueCache) Err() error { return KeyWatcherErr(c.watch) }
