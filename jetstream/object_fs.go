package jetstream

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// ObjectFS is a bucket as a file system, for reading: [fs.FS] with ReadDir, Stat and ReadFile. ctx bounds all that is done with it and with
// its files.
//
// The slashes in the names of objects make directories. Objects whose names are no valid paths (see [fs.ValidPath]) and links are not seen. An
// object hides those whose names continue its own with a slash. Files are [*ObjectFile]; a directory is a look at the bucket's list, which
// takes the longer the more objects there are.
//
// Errors: nats.ErrInvalidContext, [ErrBucketRequired] when store is nil, and [ErrBucketMalformed] when it is not of this package.
func ObjectFS(ctx context.Context, store ObjectStore) (fs.FS, error) {
	s, err := ownStore(ctx, store)
	if err != nil {
		return nil, err
	}
	return &objectFS{ctx, s}, nil
}

type objectFS struct {
	ctx   context.Context
	store *objectStore
}

var (
	_ fs.ReadDirFS  = (*objectFS)(nil)
	_ fs.StatFS     = (*objectFS)(nil)
	_ fs.ReadFileFS = (*objectFS)(nil)
)

func (o *objectFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if name != "." {
		file, err := OpenObject(o.ctx, o.store, name)
		if err == nil {
			return file, nil
		}
		if err != ErrObjectNotFound && err != ErrBadObjectMeta {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
	entries, err := o.entries(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &objectDir{name: name, entries: entries}, nil
}

func (o *objectFS) Stat(name string) (fs.FileInfo, error) {
	file, err := o.Open(name)
	if err != nil {
		err.(*fs.PathError).Op = "stat"
		return nil, err
	}
	defer file.Close()
	return file.Stat()
}

func (o *objectFS) ReadDir(name string) ([]fs.DirEntry, error) {
	file, err := o.Open(name)
	if err != nil {
		err.(*fs.PathError).Op = "readdir"
		return nil, err
	}
	defer file.Close()
	dir, ok := file.(*objectDir)
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotADirectory}
	}
	return dir.entries, nil
}

func (o *objectFS) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	file, err := o.Open(name)
	if err != nil {
		err.(*fs.PathError).Op = "read"
		return nil, err
	}
	defer file.Close()
	object, ok := file.(*ObjectFile)
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errADirectory}
	}
	stream, err := o.store.store.Reopen(o.ctx, object.ranges)
	if err == nil {
		var data []byte
		if data, err = stream.Bytes(); err == nil {
			return data, nil
		}
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: objectFailure(err)}
}

var (
	errNotADirectory = errors.New("not a directory")
	errADirectory    = errors.New("is a directory")
)

// entries are what a directory has, sorted; fs.ErrNotExist when no object is below it. The root is always there.
func (o *objectFS) entries(dir string) ([]fs.DirEntry, error) {
	all, err := o.store.List(o.ctx)
	if err != nil && err != ErrNoObjectsFound {
		return nil, err
	}
	prefix := dir + "/"
	if dir == "." {
		prefix = ""
	}
	found := make(map[string]fs.DirEntry)
	for _, info := range all {
		rest, below := strings.CutPrefix(info.Name, prefix)
		if !below || !fs.ValidPath(info.Name) || info.Name == "." || info.Opts != nil && info.Opts.Link != nil {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		if !deeper {
			found[first] = objectFileInfo{info}
		} else if found[first] == nil {
			found[first] = objectDirInfo(first)
		}
	}
	if len(found) == 0 && dir != "." {
		return nil, fs.ErrNotExist
	}
	entries := make([]fs.DirEntry, 0, len(found))
	for _, e := range found {
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// objectDir is an open directory: as it was when it was opened.
type objectDir struct {
	name    string
	entries []fs.DirEntry
	read    int
}

var _ fs.ReadDirFile = (*objectDir)(nil)

func (d *objectDir) Close() error { return nil }
func (d *objectDir) Stat() (fs.FileInfo, error) {
	return objectDirInfo(d.name[strings.LastIndexByte(d.name, '/')+1:]), nil
}

func (d *objectDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errADirectory}
}

func (d *objectDir) ReadDir(n int) ([]fs.DirEntry, error) {
	left := d.entries[d.read:]
	if n > 0 {
		if len(left) == 0 {
			return nil, io.EOF
		}
		left = left[:min(n, len(left))]
	}
	d.read += len(left)
	return slices.Clone(left), nil
}

// objectDirInfo is a directory, by its name.
type objectDirInfo string

func (i objectDirInfo) Name() string               { return string(i) }
func (i objectDirInfo) Size() int64                { return 0 }
func (i objectDirInfo) Mode() fs.FileMode          { return fs.ModeDir | 0o555 }
func (i objectDirInfo) Type() fs.FileMode          { return fs.ModeDir }
func (i objectDirInfo) ModTime() time.Time         { return time.Time{} }
func (i objectDirInfo) IsDir() bool                { return true }
func (i objectDirInfo) Sys() any                   { return nil }
func (i objectDirInfo) Info() (fs.FileInfo, error) { return i, nil }
func (i objectDirInfo) String() string             { return fs.FormatDirEntry(i) }
