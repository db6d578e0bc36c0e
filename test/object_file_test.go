package test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

func TestObjectFS(t *testing.T) {
	g := withObjects(t)
	files := map[string][]byte{
		"readme": noise(1, 100), "dir/a": noise(2, 300<<10), "dir/b": nil, "dir/deeper/c": noise(3, 10), "other/d": noise(4, 128<<10), "ü ö": noise(5, 1),
	}
	var names []string
	for name, data := range files {
		got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), name, data))
		names = append(names, name)
	}
	// What a file system cannot show.
	for _, name := range []string{"/abs", "a//b", "x/../y", ".", "dir/b/hidden", "trailing/"} {
		got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), name, []byte("x")))
	}
	got[*jetstream.ObjectInfo](t)(g.b.AddLink(t.Context(), "link", got[*jetstream.ObjectInfo](t)(g.b.GetInfo(t.Context(), "readme"))))
	files["dir/b/hidden"] = nil

	fsys := got[fs.FS](t)(jetstream.ObjectFS(t.Context(), g.b))
	must(t, fstest.TestFS(fsys, names...))
	for _, name := range names {
		wantBytes(t, name, got[[]byte](t)(fs.ReadFile(fsys, name)), files[name])
	}
	if _, err := fs.Stat(fsys, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: got %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := fs.ReadDir(fsys, "readme"); err == nil {
		t.Error("a file was read as a directory")
	}
	if _, err := fs.ReadFile(fsys, "dir"); err == nil {
		t.Error("a directory was read as a file")
	}
}

func TestObjectRanges(t *testing.T) {
	g := withObjects(t)
	data := noise(7, 1<<20+5)
	_, err := g.b.Put(t.Context(), jetstream.ObjectMeta{Name: "x", Opts: &jetstream.ObjectMetaOptions{ChunkSize: 10_007}}, bytes.NewReader(data))
	must(t, err)
	before := g.nc.Stats().InBytes
	f := got[*jetstream.ObjectFile](t)(jetstream.OpenObject(t.Context(), g.b, "x"))
	b := make([]byte, 100)
	n, err := f.ReadAt(b, 900_000)
	if n != 100 || err != nil {
		t.Fatalf("ReadAt: got %d, %v", n, err)
	}
	wantBytes(t, "ReadAt", b, data[900_000:900_100])
	if in := g.nc.Stats().InBytes - before; in > 100_000 {
		t.Errorf("100 bytes took %d over the wire", in)
	}
	must(t, iotest.TestReader(f, data))
	must(t, f.Close())
	for what, err := range map[string]error{
		"Close": f.Close(), "Read": second(f.Read(b)), "ReadAt": second(f.ReadAt(b, 0)), "Seek": second(f.Seek(0, io.SeekStart)),
	} {
		if err != fs.ErrClosed {
			t.Errorf("%s after Close: got %v, want %v", what, err, fs.ErrClosed)
		}
	}
	f = got[*jetstream.ObjectFile](t)(jetstream.OpenObject(t.Context(), g.b, "x"))
	defer f.Close()
	for what, err := range map[string]error{
		"ReadAt": second(f.ReadAt(b, -1)), "Seek": second(f.Seek(-1, io.SeekStart)), "whence": second(f.Seek(0, 7)), "overflow": second(f.Seek(1<<63-1, io.SeekEnd)),
	} {
		if !errors.Is(err, nats.ErrInvalidArg) {
			t.Errorf("%s: got %v, want %v", what, err, nats.ErrInvalidArg)
		}
	}
	got[int](t)(f.ReadAt(b, 0))
	unread := got[*jetstream.ObjectFile](t)(jetstream.OpenObject(t.Context(), g.b, "x"))
	defer unread.Close()
	must(t, g.b.Delete(t.Context(), "x"))
	for what, f := range map[string]*jetstream.ObjectFile{"whose chunks are known": f, "whose chunks are not": unread} {
		if _, err := f.ReadAt(b, 900_000); !errors.Is(err, jetstream.ErrObjectNotFound) {
			t.Errorf("a deleted object, %s: got %v, want %v", what, err, jetstream.ErrObjectNotFound)
		}
	}
	var zero jetstream.ObjectFile
	if _, err := zero.Read(b); err != fs.ErrClosed {
		t.Errorf("the zero value: got %v, want %v", err, fs.ErrClosed)
	}
}

func TestObjectPutProgress(t *testing.T) {
	g := withObjects(t)
	var last uint64
	info, err := jetstream.PutObject(t.Context(), g.b, jetstream.ObjectMeta{Name: "x"}, bytes.NewReader(noise(1, 1<<20+1)), func(stored uint64) {
		if stored <= last {
			t.Errorf("%d stored after %d", stored, last)
		}
		last = stored
	})
	must(t, err)
	if last != info.Size {
		t.Errorf("%d of %d stored at the end", last, info.Size)
	}
}
