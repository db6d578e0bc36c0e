package nats

import (
	"context"

	"github.com/gannet-io/nats/internal/kv"
)

// keyValue is the KeyValue.
type keyValue struct {
	js    *js
	store *kv.Store
}

// ctx is what bounds calls that have no context of their own.
func (b *keyValue) ctx() context.Context { return b.or(nil) }

// or is own, or the JetStream context's.
func (b *keyValue) or(own context.Context) context.Context {
	switch {
	case own != nil:
		return own
	case b.js.opts.ctx != nil:
		return b.js.opts.ctx
	}
	return context.Background()
}

func (b *keyValue) Bucket() string { return b.store.Bucket() }

func (b *keyValue) Get(key string) (KeyValueEntry, error) {
	e, err := b.store.Get(b.ctx(), key)
	return newKVEntry(e), err
}

func (b *keyValue) GetRevision(key string, revision uint64) (KeyValueEntry, error) {
	e, err := b.store.GetRevision(b.ctx(), key, revision)
	return newKVEntry(e), err
}

func (b *keyValue) Put(key string, value []byte) (uint64, error) {
	return b.store.Put(b.ctx(), key, value, 0)
}

func (b *keyValue) PutString(key, value string) (uint64, error) {
	return b.store.Put(b.ctx(), key, []byte(value), 0)
}

func (b *keyValue) Create(key string, value []byte) (uint64, error) {
	return b.store.Create(b.ctx(), key, value, 0)
}

func (b *keyValue) Update(key string, value []byte, last uint64) (uint64, error) {
	return b.store.Update(b.ctx(), key, value, last, 0)
}

func (b *keyValue) Delete(key string, opts ...DeleteOpt) error { return b.remove(key, kv.Delete, opts) }
func (b *keyValue) Purge(key string, opts ...DeleteOpt) error  { return b.remove(key, kv.Purge, opts) }

func (b *keyValue) remove(key string, op kv.Op, opts []DeleteOpt) error {
	o := deleteOpts{kv.Removal{Op: op}}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureDelete(&o); err != nil {
			return err
		}
	}
	_, err := b.store.Remove(b.ctx(), key, o.Removal)
	return err
}

func (b *keyValue) Keys(opts ...WatchOpt) ([]string, error) {
	o, err := newWatchOpts(opts)
	if err != nil {
		return nil, err
	}
	return b.store.Keys(b.or(o.ctx), o.WatchOptions)
}

func (b *keyValue) History(key string, opts ...WatchOpt) ([]KeyValueEntry, error) {
	o, err := newWatchOpts(append(opts[:len(opts):len(opts)], IncludeHistory()))
	if err != nil {
		return nil, err
	}
	if err := checkFilters(key); err != nil {
		return nil, err
	}
	found, err := b.store.History(b.or(o.ctx), key, o.WatchOptions)
	if err != nil {
		return nil, err
	}
	entries := make([]KeyValueEntry, len(found))
	for i, e := range found {
		entries[i] = newKVEntry(e)
	}
	return entries, nil
}

func (b *keyValue) PurgeDeletes(opts ...PurgeOpt) error {
	var o purgeOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configurePurge(&o); err != nil {
			return err
		}
	}
	return b.store.PurgeDeletes(b.or(o.ctx), o.age)
}

func (b *keyValue) Status() (KeyValueStatus, error) {
	info, err := b.js.bucketInfo(b.Bucket())
	if err != nil {
		return nil, err
	}
	return &KeyValueBucketStatus{info: info, bucket: b.Bucket()}, nil
}
