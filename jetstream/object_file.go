package jetstream

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/obj"
)

// ObjectFile is an object with the methods of a file that is open for reading: any part of it can be read without the parts before it. A
// Read that begins at the start streams the object and checks its digest at the end; other reads fetch the chunks that they need, and are
// not checked. Its methods may be called concurrently.
type ObjectFile struct {
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	store  *obj.Store
	info   *ObjectInfo
	ranges *obj.Ranges // nil: the zero value, which counts as closed

	mu     sync.Mutex
	offset int64
	stream *obj.Object // nil: Read goes by ranges; else it is at offset
	fresh  bool        // nothing was read yet
	closed bool
}

var (
	_ fs.File           = (*ObjectFile)(nil)
	_ io.ReadSeekCloser = (*ObjectFile)(nil)
	_ io.ReaderAt       = (*ObjectFile)(nil)
)

// OpenObject opens an object for reading in any order. Links are not followed. ctx bounds the reading, too. Errors: nats.ErrInvalidContext,
// [ErrBucketRequired] when store is nil, [ErrBucketMalformed] when it is not of this package, those of [ObjectStore.GetInfo], and
// [ErrBadObjectMeta] for links.
func OpenObject(ctx context.Context, store ObjectStore, name string) (*ObjectFile, error) {
	s, err := ownStore(ctx, store)
	if err != nil {
		return nil, err
	}
	info, err := s.store.Info(ctx, name, false)
	if err != nil {
		return nil, objectFailure(err)
	}
	ranges, err := s.store.Ranges(info)
	if err != nil {
		return nil, objectFailure(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	return &ObjectFile{ctx: ctx, cancel: cancel, store: s.store, info: newObjectInfo(info), ranges: ranges, fresh: true}, nil
}

func ownStore(ctx context.Context, store ObjectStore) (*objectStore, error) {
	s, own := store.(*objectStore)
	switch {
	case ctx == nil:
		return nil, errNilContext
	case store == nil:
		return nil, ErrBucketRequired
	case !own || s == nil:
		return nil, ErrBucketMalformed
	}
	return s, nil
}

// PutObject is [ObjectStore].Put that calls progress with the number of bytes that the stream has, each time there are more: on the calling
// goroutine. A nil progress is not called. Errors: those of Put, [ErrBucketRequired] when store is nil, and [ErrBucketMalformed] when it is
// not of this package.
func PutObject(ctx context.Context, store ObjectStore, meta ObjectMeta, reader io.Reader, progress func(stored uint64)) (*ObjectInfo, error) {
	s, err := ownStore(ctx, store)
	if err != nil {
		return nil, err
	}
	return s.put(ctx, meta, reader, progress)
}

// Object is the object. It is shared: do not change it.
func (f *ObjectFile) Object() *ObjectInfo { return f.info }

// Stat describes the object as a file, as it was when it was opened.
func (f *ObjectFile) Stat() (fs.FileInfo, error) {
	if f.info == nil {
		return nil, fs.ErrClosed
	}
	return objectFileInfo{f.info}, nil
}

// Read reads on. Errors: io.EOF, those of [ObjectResult], and fs.ErrClosed.
func (f *ObjectFile) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock() // held during the read: the next Read begins where this one ends
	switch {
	case f.closedLocked():
		return 0, fs.ErrClosed
	case len(b) == 0:
		return 0, nil
	}
	if err := f.beginLocked(); err != nil {
		return 0, err
	}
	var n int
	var err error
	if f.stream != nil {
		n, err = f.stream.Read(b)
	} else {
		n, err = f.ranges.ReadAt(f.ctx, b, f.offset)
		if n > 0 && err == io.EOF {
			err = nil
		}
	}
	f.offset += int64(n)
	return n, readFailure(err)
}

// beginLocked opens the stream for a first Read at the start.
func (f *ObjectFile) beginLocked() error {
	if !f.fresh {
		return nil
	}
	f.fresh = false
	if f.offset != 0 {
		return nil
	}
	stream, err := f.store.Reopen(f.ctx, f.ranges)
	f.stream = stream
	return objectFailure(err)
}

// ReadAt reads from off on. Errors: io.EOF when there is less than b has room for; an error that matches [ErrObjectNotFound] when the object
// was replaced or deleted; nats.ErrInvalidArg when off is negative; fs.ErrClosed; those of [ObjectResult].
func (f *ObjectFile) ReadAt(b []byte, off int64) (int, error) {
	if f.isClosed() {
		return 0, fs.ErrClosed
	}
	n, err := f.ranges.ReadAt(f.ctx, b, off)
	return n, readFailure(err)
}

// Seek says where the next Read begins: anywhere from 0 on, also behind the end. Errors: nats.ErrInvalidArg, fs.ErrClosed.
func (f *ObjectFile) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closedLocked() {
		return 0, fs.ErrClosed
	}
	base := int64(0)
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		base = f.offset
	case io.SeekEnd:
		base = int64(f.info.Size)
	default:
		return 0, fmt.Errorf("%w: whence %d", nats.ErrInvalidArg, whence)
	}
	to := base + offset
	if to < 0 || offset > 0 && to < base {
		return 0, fmt.Errorf("%w: offset %d", nats.ErrInvalidArg, offset)
	}
	if to != f.offset && f.stream != nil {
		_ = f.stream.Close()
		f.stream = nil
	}
	f.offset = to
	return to, nil
}

// Close ends reading, also by others. Again it is fs.ErrClosed.
func (f *ObjectFile) Close() error {
	if f.cancel != nil {
		f.cancel() // before the lock, which a Read holds that waits
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closedLocked() {
		return fs.ErrClosed
	}
	f.closed = true
	if f.stream != nil {
		return f.stream.Close()
	}
	return nil
}

func (f *ObjectFile) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closedLocked()
}

func (f *ObjectFile) closedLocked() bool { return f.closed || f.ranges == nil }

// objectFileInfo is an object as fs sees it.
type objectFileInfo struct{ info *ObjectInfo }

var (
	_ fs.FileInfo = objectFileInfo{}
	_ fs.DirEntry = objectFileInfo{}
)

func (i objectFileInfo) Name() string               { return path.Base(i.info.Name) }
func (i objectFileInfo) Size() int64                { return int64(i.info.Size) }
func (i objectFileInfo) Mode() fs.FileMode          { return 0o444 }
func (i objectFileInfo) Type() fs.FileMode          { return 0 }
func (i objectFileInfo) ModTime() time.Time         { return i.info.ModTime }
func (i objectFileInfo) IsDir() bool                { return false }
func (i objectFileInfo) Sys() any                   { return i.info }
func (i objectFileInfo) Info() (fs.FileInfo, error) { return i, nil }
func (i objectFileInfo) String() string             { return fs.FormatFileInfo(i) }
