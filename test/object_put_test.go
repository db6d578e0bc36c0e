package test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"testing/iotest"

	"github.com/gannet-io/nats/jetstream"
)

func TestObjectSizes(t *testing.T) {
	g := withObjects(t)
	const chunk = 128 << 10
	var all []*jetstream.ObjectInfo
	for _, size := range []int{0, 1, 4095, 4096, 4097, chunk - 1, chunk, chunk + 1, 3*chunk - 1, 3 * chunk, 3*chunk + 1, 5<<20 + 7} {
		name := fmt.Sprint(size)
		data := noise(uint64(size), size)
		info, err := g.b.Put(t.Context(), jetstream.ObjectMeta{Name: name}, iotest.HalfReader(bytes.NewReader(data)))
		must(t, err)
		sum := sha256.New()
		sum.Write(data)
		if want := jetstream.GetObjectDigestValue(sum); info.Digest != want {
			t.Errorf("%s: digest %s, want %s", name, info.Digest, want)
		}
		if want := uint32((size + chunk - 1) / chunk); info.Chunks != want || info.Size != uint64(size) || info.Opts.ChunkSize != chunk {
			t.Errorf("%s: got %d bytes in %d chunks of %d, want %d chunks", name, info.Size, info.Chunks, info.Opts.ChunkSize, want)
		}
		back := got[*jetstream.ObjectInfo](t)(g.b.GetInfo(t.Context(), name))
		if back.Digest != info.Digest || back.NUID != info.NUID || back.ModTime.IsZero() {
			t.Errorf("%s: GetInfo returned %+v, want %+v", name, back, info)
		}
		all = append(all, info)
	}
	g.wantChunks(t, all...)
}

func TestObjectReplaced(t *testing.T) {
	g := withObjects(t)
	var last *jetstream.ObjectInfo
	for i := range 5 {
		last = got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", noise(uint64(i), 300<<10)))
	}
	g.wantChunks(t, last)
	must(t, g.b.Delete(t.Context(), "x"))
	g.wantChunks(t)
	must(t, g.b.Delete(t.Context(), "x"))
	if _, err := g.b.GetInfo(t.Context(), "x"); err != jetstream.ErrObjectNotFound {
		t.Errorf("info of a deleted object: got %v, want %v", err, jetstream.ErrObjectNotFound)
	}
	info := got[*jetstream.ObjectInfo](t)(g.b.GetInfo(t.Context(), "x", jetstream.GetObjectInfoShowDeleted()))
	if !info.Deleted || info.Size != 0 || info.Chunks != 0 || info.Digest != "" {
		t.Errorf("marker: got %+v", info)
	}
}

// Whoever puts last wins, and nothing of the others is left.
func TestObjectPutsOfOneName(t *testing.T) {
	g := withObjects(t)
	const writers, rounds = 6, 5
	errs := make(chan error, writers)
	for w := range writers {
		go func() {
			var err error
			for i := range rounds {
				_, e := g.b.PutBytes(t.Context(), "x", noise(uint64(w*rounds+i), 200<<10))
				err = errors.Join(err, e)
			}
			errs <- err
		}()
	}
	for range writers {
		must(t, <-errs)
	}
	g.wantChunks(t, got[*jetstream.ObjectInfo](t)(g.b.GetInfo(t.Context(), "x")))
}

func TestObjectChunkSizes(t *testing.T) {
	g := withObjects(t)
	data := noise(1, 3<<20)
	for _, size := range []uint32{1 << 10, 1 << 20, 1<<20 - 100, 4 << 20, 1<<32 - 1} {
		info, err := g.b.Put(t.Context(), jetstream.ObjectMeta{Name: "x", Opts: &jetstream.ObjectMetaOptions{ChunkSize: size}}, bytes.NewReader(data))
		must(t, err)
		if info.Opts.ChunkSize != size {
			t.Errorf("chunk size %d, want %d", info.Opts.ChunkSize, size)
		}
		g.wantChunks(t, info)
	}
}
