package scenario

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// oldBucket and newBucket are a bucket in the terms of the newer API.
type (
	oldBucket struct{ b nats.ObjectStore }
	newBucket struct{ b jetstream.ObjectStore }
)

func oldMeta(m *jetstream.ObjectMeta) *nats.ObjectMeta {
	meta := &nats.ObjectMeta{Name: m.Name, Description: m.Description, Headers: m.Headers, Metadata: m.Metadata}
	if m.Opts != nil {
		meta.Opts = &nats.ObjectMetaOptions{ChunkSize: m.Opts.ChunkSize}
		if l := m.Opts.Link; l != nil {
			meta.Opts.Link = &nats.ObjectLink{Bucket: l.Bucket, Name: l.Name}
		}
	}
	return meta
}

func oldInfo(i *jetstream.ObjectInfo) *nats.ObjectInfo {
	if i == nil {
		return nil
	}
	return &nats.ObjectInfo{ObjectMeta: *oldMeta(&i.ObjectMeta), Bucket: i.Bucket, NUID: i.NUID, Size: i.Size, Deleted: i.Deleted, Chunks: i.Chunks, Digest: i.Digest}
}

func newInfo(i *nats.ObjectInfo) *jetstream.ObjectInfo {
	if i == nil {
		return nil
	}
	info := &jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: i.Name, Description: i.Description, Headers: i.Headers, Metadata: i.Metadata},
		Bucket:     i.Bucket, NUID: i.NUID, Size: i.Size, ModTime: i.ModTime, Chunks: i.Chunks, Digest: i.Digest, Deleted: i.Deleted,
	}
	if i.Opts != nil {
		info.Opts = &jetstream.ObjectMetaOptions{ChunkSize: i.Opts.ChunkSize}
		if l := i.Opts.Link; l != nil {
			info.Opts.Link = &jetstream.ObjectLink{Bucket: l.Bucket, Name: l.Name}
		}
	}
	return info
}

func (b *oldBucket) put(m *jetstream.ObjectMeta, r io.Reader) (*jetstream.ObjectInfo, error) {
	info, err := b.b.Put(oldMeta(m), r)
	return newInfo(info), err
}

func (b *newBucket) put(m *jetstream.ObjectMeta, r io.Reader) (*jetstream.ObjectInfo, error) {
	return b.b.Put(context.Background(), *m, r)
}

func (b *oldBucket) get(ctx context.Context, name string, deleted bool) (io.ReadCloser, error) {
	var opts []nats.GetObjectOpt
	if ctx != context.Background() {
		opts = append(opts, nats.Context(ctx))
	}
	if deleted {
		opts = append(opts, nats.GetObjectShowDeleted())
	}
	return b.b.Get(name, opts...)
}

func (b *newBucket) get(ctx context.Context, name string, deleted bool) (io.ReadCloser, error) {
	if deleted {
		return b.b.Get(ctx, name, jetstream.GetObjectShowDeleted())
	}
	return b.b.Get(ctx, name)
}

func (b *oldBucket) info(name string, deleted bool) (*jetstream.ObjectInfo, error) {
	var opts []nats.GetObjectInfoOpt
	if deleted {
		opts = append(opts, nats.GetObjectInfoShowDeleted())
	}
	info, err := b.b.GetInfo(name, opts...)
	return newInfo(info), err
}

func (b *newBucket) info(name string, deleted bool) (*jetstream.ObjectInfo, error) {
	if deleted {
		return b.b.GetInfo(context.Background(), name, jetstream.GetObjectInfoShowDeleted())
	}
	return b.b.GetInfo(context.Background(), name)
}

func (b *oldBucket) update(name string, meta jetstream.ObjectMeta) error {
	return b.b.UpdateMeta(name, oldMeta(&meta))
}

func (b *newBucket) update(name string, meta jetstream.ObjectMeta) error {
	return b.b.UpdateMeta(context.Background(), name, meta)
}

func (b *oldBucket) remove(name string) error { return b.b.Delete(name) }
func (b *newBucket) remove(name string) error { return b.b.Delete(context.Background(), name) }

func (b *oldBucket) link(name string, to *jetstream.ObjectInfo) (*jetstream.ObjectInfo, error) {
	info, err := b.b.AddLink(name, oldInfo(to))
	return newInfo(info), err
}

func (b *newBucket) link(name string, to *jetstream.ObjectInfo) (*jetstream.ObjectInfo, error) {
	return b.b.AddLink(context.Background(), name, to)
}

func (b *oldBucket) linkBucket(name string, to bucket) (*jetstream.ObjectInfo, error) {
	var store nats.ObjectStore
	if to != nil {
		store = to.(*oldBucket).b
	}
	info, err := b.b.AddBucketLink(name, store)
	return newInfo(info), err
}

func (b *newBucket) linkBucket(name string, to bucket) (*jetstream.ObjectInfo, error) {
	var store jetstream.ObjectStore
	if to != nil {
		store = to.(*newBucket).b
	}
	return b.b.AddBucketLink(context.Background(), name, store)
}

func (b *oldBucket) seal() error { return b.b.Seal() }
func (b *newBucket) seal() error { return b.b.Seal(context.Background()) }

func (b *oldBucket) list(deleted bool) (names []string, err error) {
	var opts []nats.ListObjectsOpt
	if deleted {
		opts = append(opts, nats.ListObjectsShowDeleted())
	}
	all, err := b.b.List(opts...)
	for _, i := range all {
		names = append(names, notice(newInfo(i)))
	}
	return names, err
}

func (b *newBucket) list(deleted bool) (names []string, err error) {
	var opts []jetstream.ListObjectsOpt
	if deleted {
		opts = append(opts, jetstream.ListObjectsShowDeleted())
	}
	all, err := b.b.List(context.Background(), opts...)
	for _, i := range all {
		names = append(names, notice(i))
	}
	return names, err
}

// notice is what a watcher says.
func notice(i *jetstream.ObjectInfo) string {
	switch {
	case i == nil:
		return "nil"
	case i.Deleted:
		return i.Name + " deleted"
	}
	return i.Name
}

func (b *oldBucket) watch(updatesOnly, ignoreDeletes bool) (func(time.Duration) (string, bool), func(), error) {
	var opts []nats.WatchOpt
	if updatesOnly {
		opts = append(opts, nats.UpdatesOnly())
	}
	if ignoreDeletes {
		opts = append(opts, nats.IgnoreDeletes())
	}
	w, err := b.b.Watch(opts...)
	if err != nil {
		return nil, nil, err
	}
	return func(wait time.Duration) (string, bool) {
		i, open, ok := within(w.Updates(), wait)
		if ok && !open {
			return "closed", true
		}
		return notice(newInfo(i)), ok
	}, func() { _ = w.Stop() }, nil
}

func (b *newBucket) watch(updatesOnly, ignoreDeletes bool) (func(time.Duration) (string, bool), func(), error) {
	var opts []jetstream.WatchOpt
	if updatesOnly {
		opts = append(opts, jetstream.UpdatesOnly())
	}
	if ignoreDeletes {
		opts = append(opts, jetstream.IgnoreDeletes())
	}
	w, err := b.b.Watch(context.Background(), opts...)
	if err != nil {
		return nil, nil, err
	}
	return func(wait time.Duration) (string, bool) {
		i, open, ok := within(w.Updates(), wait)
		if ok && !open {
			return "closed", true
		}
		return notice(i), ok
	}, func() { _ = w.Stop() }, nil
}

// within receives from a channel; ok is false when nothing came in time.
func within[T any](c <-chan T, wait time.Duration) (v T, open, ok bool) {
	limit := time.NewTimer(wait)
	defer limit.Stop()
	select {
	case v, open = <-c:
		return v, open, true
	case <-limit.C:
		return v, false, false
	}
}

func (b *oldBucket) status() (string, error) {
	st, err := b.b.Status()
	if err != nil {
		return "", err
	}
	return fmt.Sprint(st.Bucket(), st.Description(), st.TTL(), st.Storage(), st.Replicas(), st.Sealed(), st.Size(), st.BackingStore(), st.Metadata()["k"], st.IsCompressed()), nil
}

func (b *newBucket) status() (string, error) {
	st, err := b.b.Status(context.Background())
	if err != nil {
		return "", err
	}
	return fmt.Sprint(st.Bucket(), st.Description(), st.TTL(), st.Storage(), st.Replicas(), st.Sealed(), st.Size(), st.BackingStore(), st.Metadata()["k"], st.IsCompressed()), nil
}
