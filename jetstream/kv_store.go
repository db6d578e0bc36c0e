package jetstream

import (
	"context"

	"github.com/gannet-io/nats/internal/kv"
)

// keyValue is the KeyValue.
type keyValue struct {
	js    *jetStream
	store *kv.Store
}

func (b *keyValue) Bucket() string { return b.store.Bucket() }

func (b *keyValue) Get(ctx context.Context, key string) (KeyValueEntry, error) {
	e, err := b.store.Get(ctx, key)
	return newEntry(e), err
}

func (b *keyValue) GetRevision(ctx context.Context, key string, revision uint64) (KeyValueEntry, error) {
	e, err := b.store.GetRevision(ctx, key, revision)
	return newEntry(e), err
}

func (b *keyValue) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	return b.store.Put(ctx, key, value, 0)
}

func (b *keyValue) PutString(ctx context.Context, key, value string) (uint64, error) {
	return b.store.Put(ctx, key, []byte(value), 0)
}

func (b *keyValue) Create(ctx context.Context, key string, value []byte, opts ...KVCreateOpt) (uint64, error) {
	var o createOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureCreate(&o); err != nil {
			return 0, err
		}
	}
	return b.store.Create(ctx, key, value, o.ttl)
}

func (b *keyValue) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return b.store.Update(ctx, key, value, revision, 0)
}

func (b *keyValue) Delete(ctx context.Context, key string, opts ...KVDeleteOpt) error {
	return b.remove(ctx, key, kv.Delete, opts)
}

func (b *keyValue) Purge(ctx context.Context, key string, opts ...KVDeleteOpt) error {
	return b.remove(ctx, key, kv.Purge, opts)
}

func (b *keyValue) remove(ctx context.Context, key string, op kv.Op, opts []KVDeleteOpt) error {
	o, err := newDeleteOpts(op, opts)
	if err != nil {
		return err
	}
	_, err = b.store.Remove(ctx, key, o.Removal)
	return err
}

func (b *keyValue) Keys(ctx context.Context, opts ...WatchOpt) ([]string, error) {
	o, err := newWatchOpts(opts)
	if err != nil {
		return nil, err
	}
	return b.store.Keys(ctx, o.WatchOptions)
}

func (b *keyValue) History(ctx context.Context, key string, opts ...WatchOpt) ([]KeyValueEntry, error) {
	o, err := newWatchOpts(append(opts[:len(opts):len(opts)], IncludeHistory()))
	if err != nil {
		return nil, err
	}
	if err := checkFilters(key); err != nil {
		return nil, err
	}
	found, err := b.store.History(ctx, key, o.WatchOptions)
	if err != nil {
		return nil, err
	}
	entries := make([]KeyValueEntry, len(found))
	for i, e := range found {
		entries[i] = newEntry(e)
	}
	return entries, nil
}

func (b *keyValue) PurgeDeletes(ctx context.Context, opts ...KVPurgeOpt) error {
	var o purgeDeletesOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configurePurge(&o); err != nil {
			return err
		}
	}
	return b.store.PurgeDeletes(ctx, o.age)
}

func (b *keyValue) Status(ctx context.Context) (KeyValueStatus, error) {
	info, err := b.js.bucketInfo(ctx, b.Bucket())
	if err != nil {
		return nil, err
	}
	return &KeyValueBucketStatus{info: info, bucket: b.Bucket()}, nil
}
