package nats

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/gannet-io/nats/internal/obj"
)

// objectStore is the ObjectStore.
type objectStore struct {
	js    *js
	store *obj.Store
}

// context is that of a call: its own, or that of the JetStream context.
func (s *objectStore) context(o *objectOpts) context.Context {
	switch {
	case o.ctx != nil:
		return o.ctx
	case s.js.opts.ctx != nil:
		return s.js.opts.ctx
	}
	return context.Background()
}

func (s *objectStore) Put(meta *ObjectMeta, reader io.Reader, opts ...ObjectOpt) (*ObjectInfo, error) {
	if meta == nil {
		return nil, ErrBadObjectMeta
	}
	m := meta.meta()
	return s.put(opts, func(ctx context.Context) (*obj.Info, error) { return s.store.Put(ctx, &m, reader, nil) })
}

func (s *objectStore) put(opts []ObjectOpt, put func(context.Context) (*obj.Info, error)) (*ObjectInfo, error) {
	var o objectOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureObject(&o); err != nil {
			return nil, err
		}
	}
	info, err := put(s.context(&o))
	return newObjectInfo(info), objectFailure(err)
}

func (s *objectStore) PutBytes(name string, data []byte, opts ...ObjectOpt) (*ObjectInfo, error) {
	return s.Put(&ObjectMeta{Name: name}, bytes.NewReader(data), opts...)
}

func (s *objectStore) PutString(name string, data string, opts ...ObjectOpt) (*ObjectInfo, error) {
	return s.Put(&ObjectMeta{Name: name}, strings.NewReader(data), opts...)
}

func (s *objectStore) PutFile(file string, opts ...ObjectOpt) (*ObjectInfo, error) {
	return s.put(opts, func(ctx context.Context) (*obj.Info, error) { return s.store.PutFile(ctx, file) })
}

// open is Get in the store's types.
func (s *objectStore) open(name string, opts []GetObjectOpt) (*obj.Object, error) {
	var o objectOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureGetObject(&o); err != nil {
			return nil, err
		}
	}
	object, err := s.store.Get(s.context(&o), name, o.deleted)
	return object, objectFailure(err)
}

func (s *objectStore) Get(name string, opts ...GetObjectOpt) (ObjectResult, error) {
	object, err := s.open(name, opts)
	if err != nil {
		return nil, err
	}
	return &objectResult{object}, nil
}

func (s *objectStore) GetBytes(name string, opts ...GetObjectOpt) ([]byte, error) {
	object, err := s.open(name, opts)
	if err != nil {
		return nil, err
	}
	data, err := object.Bytes()
	return data, objectFailure(err)
}

func (s *objectStore) GetString(name string, opts ...GetObjectOpt) (string, error) {
	data, err := s.GetBytes(name, opts...)
	return string(data), err
}

func (s *objectStore) GetFile(name, file string, opts ...GetObjectOpt) error {
	object, err := s.open(name, opts)
	if err != nil {
		return err
	}
	return objectFailure(object.File(file))
}

func (s *objectStore) GetInfo(name string, opts ...GetObjectInfoOpt) (*ObjectInfo, error) {
	var o objectOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureGetInfo(&o); err != nil {
			return nil, err
		}
	}
	info, err := s.store.Info(s.context(&o), name, o.deleted)
	return newObjectInfo(info), objectFailure(err)
}

func (s *objectStore) UpdateMeta(name string, meta *ObjectMeta) error {
	if meta == nil {
		return ErrBadObjectMeta
	}
	m := meta.meta()
	return objectFailure(s.store.UpdateMeta(s.context(new(objectOpts)), name, &m))
}

func (s *objectStore) Delete(name string) error {
	return objectFailure(s.store.Delete(s.context(new(objectOpts)), name))
}

func (s *objectStore) AddLink(name string, object *ObjectInfo) (*ObjectInfo, error) {
	info, err := s.store.AddLink(s.context(new(objectOpts)), name, object.link())
	return newObjectInfo(info), objectFailure(err)
}

func (s *objectStore) AddBucketLink(name string, bucket ObjectStore) (*ObjectInfo, error) {
	to, own := bucket.(*objectStore)
	switch {
	case name == "":
		return nil, ErrNameRequired
	case bucket == nil:
		return nil, ErrBucketRequired
	case !own || to == nil:
		return nil, ErrBucketMalformed
	}
	info, err := s.store.AddBucketLink(s.context(new(objectOpts)), name, to.store.Bucket())
	return newObjectInfo(info), objectFailure(err)
}

func (s *objectStore) Seal() error {
	return objectFailure(s.store.Seal(s.context(new(objectOpts))))
}

func (s *objectStore) Watch(opts ...WatchOpt) (ObjectWatcher, error) {
	o, err := newWatchOpts(opts)
	if err != nil {
		return nil, err
	}
	w, err := obj.Watch(s.context(&objectOpts{ctx: o.ctx}), s.store, obj.WatchOpts{
		History: o.History, UpdatesOnly: o.UpdatesOnly, IgnoreDeletes: o.WatchOptions.IgnoreDeletes,
	}, newObjectInfo)
	if err != nil {
		return nil, objectFailure(err)
	}
	return objectWatcher{w}, nil
}

func (s *objectStore) List(opts ...ListObjectsOpt) ([]*ObjectInfo, error) {
	var o objectOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureListObjects(&o); err != nil {
			return nil, err
		}
	}
	all, err := s.store.List(s.context(&o), o.deleted)
	if err != nil {
		return nil, objectFailure(err)
	}
	infos := make([]*ObjectInfo, len(all))
	for i := range all {
		infos[i] = newObjectInfo(all[i])
	}
	return infos, nil
}

func (s *objectStore) Status() (ObjectStoreStatus, error) {
	info, err := s.js.StreamInfo(s.store.Stream())
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
