package jetstream

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/obj"
)

// objectStore is the ObjectStore.
type objectStore struct {
	js    *jetStream
	store *obj.Store
}

func (s *objectStore) Put(ctx context.Context, meta ObjectMeta, reader io.Reader) (*ObjectInfo, error) {
	return s.put(ctx, meta, reader, nil)
}

func (s *objectStore) put(ctx context.Context, meta ObjectMeta, reader io.Reader, progress func(uint64)) (*ObjectInfo, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	m := meta.meta()
	info, err := s.store.Put(ctx, &m, reader, progress)
	return newObjectInfo(info), objectFailure(err)
}

func (s *objectStore) PutBytes(ctx context.Context, name string, data []byte) (*ObjectInfo, error) {
	return s.Put(ctx, ObjectMeta{Name: name}, bytes.NewReader(data))
}

func (s *objectStore) PutString(ctx context.Context, name string, data string) (*ObjectInfo, error) {
	return s.Put(ctx, ObjectMeta{Name: name}, strings.NewReader(data))
}

func (s *objectStore) PutFile(ctx context.Context, file string) (*ObjectInfo, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	info, err := s.store.PutFile(ctx, file)
	return newObjectInfo(info), objectFailure(err)
}

// open is Get in the store's types.
func (s *objectStore) open(ctx context.Context, name string, opts []GetObjectOpt) (*obj.Object, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	var o getObjectOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	object, err := s.store.Get(ctx, name, o.deleted)
	return object, objectFailure(err)
}

func (s *objectStore) Get(ctx context.Context, name string, opts ...GetObjectOpt) (ObjectResult, error) {
	object, err := s.open(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	return &objectResult{object}, nil
}

func (s *objectStore) GetBytes(ctx context.Context, name string, opts ...GetObjectOpt) ([]byte, error) {
	object, err := s.open(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	data, err := object.Bytes()
	return data, objectFailure(err)
}

func (s *objectStore) GetString(ctx context.Context, name string, opts ...GetObjectOpt) (string, error) {
	data, err := s.GetBytes(ctx, name, opts...)
	return string(data), err
}

func (s *objectStore) GetFile(ctx context.Context, name, file string, opts ...GetObjectOpt) error {
	object, err := s.open(ctx, name, opts)
	if err != nil {
		return err
	}
	return objectFailure(object.File(file))
}

func (s *objectStore) GetInfo(ctx context.Context, name string, opts ...GetObjectInfoOpt) (*ObjectInfo, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	var o getObjectInfoOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	info, err := s.store.Info(ctx, name, o.deleted)
	return newObjectInfo(info), objectFailure(err)
}

func (s *objectStore) UpdateMeta(ctx context.Context, name string, meta ObjectMeta) error {
	if ctx == nil {
		return errNilContext
	}
	m := meta.meta()
	return objectFailure(s.store.UpdateMeta(ctx, name, &m))
}

func (s *objectStore) Delete(ctx context.Context, name string) error {
	if ctx == nil {
		return errNilContext
	}
	return objectFailure(s.store.Delete(ctx, name))
}

func (s *objectStore) AddLink(ctx context.Context, name string, object *ObjectInfo) (*ObjectInfo, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	info, err := s.store.AddLink(ctx, name, object.link())
	return newObjectInfo(info), objectFailure(err)
}

func (s *objectStore) AddBucketLink(ctx context.Context, name string, bucket ObjectStore) (*ObjectInfo, error) {
	to, own := bucket.(*objectStore)
	switch {
	case ctx == nil:
		return nil, errNilContext
	case name == "":
		return nil, ErrNameRequired
	case bucket == nil:
		return nil, ErrBucketRequired
	case !own || to == nil:
		return nil, ErrBucketMalformed
	}
	info, err := s.store.AddBucketLink(ctx, name, to.store.Bucket())
	return newObjectInfo(info), objectFailure(err)
}

func (s *objectStore) Seal(ctx context.Context) error {
	if ctx == nil {
		return errNilContext
	}
	return objectFailure(s.store.Seal(ctx))
}

func (s *objectStore) Watch(ctx context.Context, opts ...WatchOpt) (ObjectWatcher, error) {
	o, err := newWatchOpts(opts)
	switch {
	case err != nil:
		return nil, err
	case ctx == nil:
		return nil, errNilContext
	}
	w, err := obj.Watch(ctx, s.store, obj.WatchOpts{
		History: o.History, UpdatesOnly: o.UpdatesOnly, IgnoreDeletes: o.WatchOptions.IgnoreDeletes,
	}, newObjectInfo)
	if err != nil {
		return nil, objectFailure(err)
	}
	return objectWatcher{w}, nil
}

func (s *objectStore) List(ctx context.Context, opts ...ListObjectsOpt) ([]*ObjectInfo, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	var o listObjectOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	all, err := s.store.List(ctx, o.deleted)
	if err != nil {
		return nil, objectFailure(err)
	}
	infos := make([]*ObjectInfo, len(all))
	for i := range all {
		infos[i] = newObjectInfo(all[i])
	}
	return infos, nil
}

func (s *objectStore) Status(ctx context.Context) (ObjectStoreStatus, error) {
	info, err := s.js.streamInfo(ctx, s.store.Stream(), wire.StreamInfoRequest{})
	if err != nil {
		return nil, err
	}
	return newObjectStatus(info), nil
}

// objectResult is the ObjectResult.
type objectResult struct{ object *obj.Object }

func (r *objectResult) Read(b []byte) (int, error) {
	n, err := r.object.Read(b)
	return n, readFailure(err)
}

// WriteTo makes io.Copy write each chunk as it is.
func (r *objectResult) WriteTo(w io.Writer) (int64, error) {
	n, err := r.object.WriteTo(w)
	return n, objectFailure(err)
}

func (r *objectResult) Close() error               { return r.object.Close() }
func (r *objectResult) Error() error               { return objectFailure(r.object.Err()) }
func (r *objectResult) Info() (*ObjectInfo, error) { return newObjectInfo(r.object.Info()), nil }

// readFailure is objectFailure for what ends a Read; io.EOF has to stay what it is.
func readFailure(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return objectFailure(err)
}

// objectWatcher is the ObjectWatcher.
type objectWatcher struct{ *obj.Watcher[*ObjectInfo] }

func (w objectWatcher) Stop() error {
	w.Watcher.Stop()
	return nil
}

// Error is why the watch ended by itself; nil while it goes on, and after Stop.
func (w objectWatcher) Error() error { return objectFailure(w.Err()) }
