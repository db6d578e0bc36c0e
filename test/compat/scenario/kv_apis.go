package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

// kvEntry is what the entries of both APIs have.
type kvEntry interface {
	Bucket() string
	Key() string
	Value() []byte
	Revision() uint64
	Created() time.Time
	Delta() uint64
}

// kvText shows an entry; op is its operation.
func kvText(e kvEntry, op fmt.Stringer) string {
	return fmt.Sprintf("%s/%s=%q@%d %s", e.Bucket(), e.Key(), e.Value(), e.Revision(), op)
}

// kvWatch says how to watch.
type kvWatch struct{ history, updates, ignoreDeletes, metaOnly bool }

// kvBucket is a bucket in one of the APIs. Entries come as text.
type kvBucket struct {
	get          func(key string) (string, error)
	revision     func(key string, revision uint64) (string, error)
	put          func(key, value string) (uint64, error)
	create       func(key, value string) (uint64, error)
	update       func(key, value string, last uint64) (uint64, error)
	remove       func(key string) error
	removeLast   func(key string, last uint64) error
	purge        func(key string) error
	purgeLast    func(key string, last uint64) error
	keys         func() ([]string, error)
	list         func() ([]string, error)
	history      func(key string) ([]string, error)
	purgeDeletes func(age time.Duration) error
	status       func() (string, error)
	// watch calls each with the updates, or "mark", until there is none for a while.
	watch func(how kvWatch, keys []string, each func(string)) error
}

// kvOf are the buckets of one API.
type kvOf struct {
	*client
	api    string
	create func(name string, history uint8, ttl time.Duration, mirror string, sources ...string) (*kvBucket, error)
	open   func(name string) (*kvBucket, error)
	delete func(name string) error
	names  func() []string
}

// eachKV plays f for both APIs, with a bucket "b" of ten revisions.
func eachKV(f func(o *kvOf, b *kvBucket)) func(*stage.Stage) {
	return func(s *stage.Stage) {
		c := newJetStreamClient(s)
		for _, api := range []struct {
			name string
			of   func(*client) *kvOf
		}{{"old", oldKV}, {"new", newKV}} {
			s.Part(api.name)
			o := api.of(c)
			o.api = api.name
			b, err := o.create("b", 10, 0, "")
			s.Must(err, "create bucket")
			f(o, b)
			s.Part("")
			for _, name := range o.names() {
				s.Must(o.delete(name), "delete bucket")
			}
		}
	}
}

// idle is how long a watch without an update lasts.
const idle = 300 * time.Millisecond

func oldKV(c *client) *kvOf {
	return &kvOf{
		client: c,
		create: func(name string, history uint8, ttl time.Duration, mirror string, sources ...string) (*kvBucket, error) {
			cfg := &nats.KeyValueConfig{Bucket: name, History: history, TTL: ttl, Storage: nats.MemoryStorage}
			if mirror != "" {
				cfg.Mirror = &nats.StreamSource{Name: mirror}
			}
			for _, src := range sources {
				cfg.Sources = append(cfg.Sources, &nats.StreamSource{Name: src})
			}
			b, err := c.old.CreateKeyValue(cfg)
			return oldBucketOf(b), err
		},
		open: func(name string) (*kvBucket, error) {
			b, err := c.old.KeyValue(name)
			return oldBucketOf(b), err
		},
		delete: c.old.DeleteKeyValue,
		names: func() (names []string) {
			for name := range c.old.KeyValueStoreNames() {
				names = append(names, name)
			}
			return names
		},
	}
}

func oldBucketOf(b nats.KeyValue) *kvBucket {
	if b == nil {
		return nil
	}
	text := func(e nats.KeyValueEntry, err error) (string, error) {
		if err != nil || e == nil {
			return "none", err
		}
		return kvText(e, e.Operation()), nil
	}
	return &kvBucket{
		get:        func(key string) (string, error) { return text(b.Get(key)) },
		revision:   func(key string, rev uint64) (string, error) { return text(b.GetRevision(key, rev)) },
		put:        func(key, value string) (uint64, error) { return b.Put(key, []byte(value)) },
		create:     func(key, value string) (uint64, error) { return b.Create(key, []byte(value)) },
		update:     func(key, value string, last uint64) (uint64, error) { return b.Update(key, []byte(value), last) },
		remove:     func(key string) error { return b.Delete(key) },
		removeLast: func(key string, last uint64) error { return b.Delete(key, nats.LastRevision(last)) },
		purge:      func(key string) error { return b.Purge(key) },
		purgeLast:  func(key string, last uint64) error { return b.Purge(key, nats.LastRevision(last)) },
		keys:       func() ([]string, error) { return b.Keys() },
		list: func() (keys []string, err error) {
			l, err := b.ListKeys()
			if err != nil {
				return nil, err
			}
			for key := range l.Keys() {
				keys = append(keys, key)
			}
			return keys, nil
		},
		history: func(key string) (entries []string, err error) {
			all, err := b.History(key)
			for _, e := range all {
				entries = append(entries, kvText(e, e.Operation()))
			}
			return entries, err
		},
		purgeDeletes: func(age time.Duration) error { return b.PurgeDeletes(nats.DeleteMarkersOlderThan(age)) },
		status: func() (string, error) {
			st, err := b.Status()
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%s values=%d history=%d ttl=%v %s compressed=%v", st.Bucket(), st.Values(), st.History(), st.TTL(), st.BackingStore(), st.IsCompressed()), nil
		},
		watch: func(how kvWatch, keys []string, each func(string)) error {
			var opts []nats.WatchOpt
			if how.history {
				opts = append(opts, nats.IncludeHistory())
			}
			if how.updates {
				opts = append(opts, nats.UpdatesOnly())
			}
			if how.ignoreDeletes {
				opts = append(opts, nats.IgnoreDeletes())
			}
			if how.metaOnly {
				opts = append(opts, nats.MetaOnly())
			}
			w, err := b.WatchFiltered(keys, opts...)
			if err != nil {
				return err
			}
			return follow(w.Updates(), func(e nats.KeyValueEntry) string {
				if e == nil {
					return "mark"
				}
				return kvText(e, e.Operation())
			}, each, w.Stop)
		},
	}
}

// follow reads updates until there is none for a while.
func follow[E any](updates <-chan E, text func(E) string, each func(string), stop func() error) error {
	for {
		select {
		case e, open := <-updates:
			if !open {
				each("closed")
				return nil
			}
			each(text(e))
			continue
		case <-time.After(idle):
		}
		if err := stop(); err != nil {
			return err
		}
		select {
		case _, open := <-updates:
			each(fmt.Sprintf("stopped, open=%v", open))
		case <-time.After(resolved):
			each("not closed")
		}
		return nil
	}
}

func newKV(c *client) *kvOf {
	ctx := context.Background()
	return &kvOf{
		client: c,
		create: func(name string, history uint8, ttl time.Duration, mirror string, sources ...string) (*kvBucket, error) {
			cfg := jetstream.KeyValueConfig{Bucket: name, History: history, TTL: ttl, Storage: jetstream.MemoryStorage}
			if mirror != "" {
				cfg.Mirror = &jetstream.StreamSource{Name: mirror}
			}
			for _, src := range sources {
				cfg.Sources = append(cfg.Sources, &jetstream.StreamSource{Name: src})
			}
			b, err := c.new.CreateKeyValue(ctx, cfg)
			return newBucketOf(b), err
		},
		open: func(name string) (*kvBucket, error) {
			b, err := c.new.KeyValue(ctx, name)
			return newBucketOf(b), err
		},
		delete: func(name string) error { return c.new.DeleteKeyValue(ctx, name) },
		names: func() (names []string) {
			for name := range c.new.KeyValueStoreNames(ctx).Name() {
				names = append(names, name)
			}
			return names
		},
	}
}

func newBucketOf(b jetstream.KeyValue) *kvBucket {
	if b == nil {
		return nil
	}
	ctx := context.Background()
	text := func(e jetstream.KeyValueEntry, err error) (string, error) {
		if err != nil || e == nil {
			return "none", err
		}
		return kvText(e, e.Operation()), nil
	}
	return &kvBucket{
		get:        func(key string) (string, error) { return text(b.Get(ctx, key)) },
		revision:   func(key string, rev uint64) (string, error) { return text(b.GetRevision(ctx, key, rev)) },
		put:        func(key, value string) (uint64, error) { return b.Put(ctx, key, []byte(value)) },
		create:     func(key, value string) (uint64, error) { return b.Create(ctx, key, []byte(value)) },
		update:     func(key, value string, last uint64) (uint64, error) { return b.Update(ctx, key, []byte(value), last) },
		remove:     func(key string) error { return b.Delete(ctx, key) },
		removeLast: func(key string, last uint64) error { return b.Delete(ctx, key, jetstream.LastRevision(last)) },
		purge:      func(key string) error { return b.Purge(ctx, key) },
		purgeLast:  func(key string, last uint64) error { return b.Purge(ctx, key, jetstream.LastRevision(last)) },
		keys:       func() ([]string, error) { return b.Keys(ctx) },
		list: func() (keys []string, err error) {
			l, err := b.ListKeys(ctx)
			if err != nil {
				return nil, err
			}
			for key := range l.Keys() {
				keys = append(keys, key)
			}
			return keys, nil
		},
		history: func(key string) (entries []string, err error) {
			all, err := b.History(ctx, key)
			for _, e := range all {
				entries = append(entries, kvText(e, e.Operation()))
			}
			return entries, err
		},
		purgeDeletes: func(age time.Duration) error { return b.PurgeDeletes(ctx, jetstream.DeleteMarkersOlderThan(age)) },
		status: func() (string, error) {
			st, err := b.Status(ctx)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%s values=%d history=%d ttl=%v %s compressed=%v", st.Bucket(), st.Values(), st.History(), st.TTL(), st.BackingStore(), st.IsCompressed()), nil
		},
		watch: func(how kvWatch, keys []string, each func(string)) error {
			var opts []jetstream.WatchOpt
			if how.history {
				opts = append(opts, jetstream.IncludeHistory())
			}
			if how.updates {
				opts = append(opts, jetstream.UpdatesOnly())
			}
			if how.ignoreDeletes {
				opts = append(opts, jetstream.IgnoreDeletes())
			}
			if how.metaOnly {
				opts = append(opts, jetstream.MetaOnly())
			}
			w, err := b.WatchFiltered(ctx, keys, opts...)
			if err != nil {
				return err
			}
			return follow(w.Updates(), func(e jetstream.KeyValueEntry) string {
				if e == nil {
					return "mark"
				}
				return kvText(e, e.Operation())
			}, each, w.Stop)
		},
	}
}
