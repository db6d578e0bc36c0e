package test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

func TestObjectRead(t *testing.T) {
	g := withObjects(t)
	old := got[nats.ObjectStore](t)(legacyJS(t, g.nc).ObjectStore("B"))
	for _, size := range []int{0, 1, 4096, 128<<10 - 1, 128 << 10, 128<<10 + 1, 5<<20 + 7} {
		name := fmt.Sprint(size)
		data := noise(uint64(size), size)
		got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), name, data))

		wantBytes(t, name+" GetBytes", got[[]byte](t)(g.b.GetBytes(t.Context(), name)), data)
		wantBytes(t, name+" old GetBytes", got[[]byte](t)(old.GetBytes(name)), data)
		wantBytes(t, name+" GetString", []byte(got[string](t)(g.b.GetString(t.Context(), name))), data)
		wantBytes(t, name+" old GetString", []byte(got[string](t)(old.GetString(name))), data)

		r := got[jetstream.ObjectResult](t)(g.b.Get(t.Context(), name))
		if info := got[*jetstream.ObjectInfo](t)(r.Info()); info.Name != name || info.Size != uint64(size) {
			t.Errorf("%s: info of the result: %+v", name, info)
		}
		wantBytes(t, name+" Read", got[[]byte](t)(io.ReadAll(struct{ io.Reader }{r})), data)
		if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF || r.Error() != nil {
			t.Errorf("%s: behind the end: %d, %v, %v", name, n, err, r.Error())
		}
		must(t, r.Close())
		must(t, r.Close())

		var b bytes.Buffer
		or := got[nats.ObjectResult](t)(old.Get(name))
		_, err := io.Copy(&b, or)
		must(t, err)
		wantBytes(t, name+" Copy", b.Bytes(), data)

		small := got[jetstream.ObjectResult](t)(g.b.Get(t.Context(), name))
		wantBytes(t, name+" HalfReader", got[[]byte](t)(io.ReadAll(iotest.HalfReader(small))), data)

		for i, get := range []func(file string) error{
			func(file string) error { return g.b.GetFile(t.Context(), name, file) },
			func(file string) error { return old.GetFile(name, file) },
		} {
			file := filepath.Join(t.TempDir(), fmt.Sprint(i))
			must(t, os.WriteFile(file, []byte("before"), 0o600))
			must(t, get(file))
			wantBytes(t, name+" GetFile", got[[]byte](t)(os.ReadFile(file)), data)
			if mode := got[os.FileInfo](t)(os.Stat(file)).Mode(); mode != 0o600 {
				t.Errorf("%s: mode %v, want that of the file before", name, mode)
			}
		}
	}
}

// A file is replaced only by a whole object, and nothing lies beside it.
func TestObjectFileStays(t *testing.T) {
	g := withObjects(t)
	g.corrupt(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	must(t, os.WriteFile(file, []byte("before"), 0o644))
	if err := g.b.GetFile(t.Context(), "corrupt", file); err != jetstream.ErrDigestMismatch {
		t.Errorf("got %v, want %v", err, jetstream.ErrDigestMismatch)
	}
	wantBytes(t, "the file", got[[]byte](t)(os.ReadFile(file)), []byte("before"))
	if entries := got[[]os.DirEntry](t)(os.ReadDir(dir)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	up := got[*jetstream.ObjectInfo](t)(g.b.PutFile(t.Context(), file))
	if up.Name != file || up.Size != 6 {
		t.Errorf("PutFile: got %+v", up)
	}
	if _, err := g.b.PutFile(t.Context(), file+".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
}

// corrupt stores an object whose digest is that of something else.
func (g *objectStage) corrupt(t testing.TB) {
	t.Helper()
	g.rawObject(t, "corrupt", `{"name":"corrupt","bucket":"B","nuid":"N","size":3,"chunks":1,"digest":"SHA-256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE="}`, "abc")
}

// rawObject publishes chunks under the nuid N, and a meta message as it is.
func (g *objectStage) rawObject(t testing.TB, name, meta string, chunks ...string) {
	t.Helper()
	for _, c := range chunks {
		_, err := g.js.Publish(t.Context(), "$O.B.C.N", []byte(c))
		must(t, err)
	}
	subject := "$O.B.M." + base64.URLEncoding.EncodeToString([]byte(name))
	_, err := g.js.PublishMsg(t.Context(), &nats.Msg{Subject: subject, Data: []byte(meta), Header: nats.Header{"Nats-Rollup": {"sub"}}})
	must(t, err)
}

// Objects whose descriptions lie end in an error, at once or soon, and take no memory.
func TestObjectLies(t *testing.T) {
	g := withObjects(t)
	_, err := g.js.Publish(t.Context(), "$O.B.C.N", []byte("abc"))
	must(t, err)
	for name, tc := range map[string]struct {
		meta string
		want error
	}{
		"another digest":      {`"nuid":"N","size":3,"chunks":1,"digest":"SHA-256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE="`, jetstream.ErrDigestMismatch},
		"no digest":           {`"nuid":"N","size":3,"chunks":1`, jetstream.ErrInvalidDigestFormat},
		"a digest in no form": {`"nuid":"N","size":3,"chunks":1,"digest":"SHA-256"`, jetstream.ErrInvalidDigestFormat},
		"too large":           {`"nuid":"N","size":18446744073709551615,"chunks":4294967295,"digest":"SHA-256=AA=="`, jetstream.ErrDigestMismatch},
		"too small":           {`"nuid":"N","size":2,"chunks":1,"digest":"SHA-256=AA=="`, jetstream.ErrDigestMismatch},
		"no chunks":           {`"nuid":"M","size":2,"chunks":1,"digest":"SHA-256=AA=="`, jetstream.ErrDigestMismatch},
		"all chunks":          {`"nuid":">","size":3,"chunks":1,"digest":"SHA-256=AA=="`, jetstream.ErrBadObjectMeta},
		"no nuid":             {`"size":3,"chunks":1,"digest":"SHA-256=AA=="`, jetstream.ErrBadObjectMeta},
		"protocol":            {`"nuid":"x 1\r\nPUB a 0","size":3,"chunks":1`, jetstream.ErrBadObjectMeta},
		"a link to itself":    {`"options":{"link":{"bucket":"B","name":"a link to itself"}}`, jetstream.ErrBadObjectMeta},
		"a link to nowhere":   {`"options":{"link":{"bucket":"x.>","name":"y"}}`, jetstream.ErrInvalidStoreName},
		"no JSON":             {`"nuid":`, jetstream.ErrBadObjectMeta},
	} {
		g.rawObject(t, name, fmt.Sprintf(`{"name":%q,"bucket":"B",%s}`, name, tc.meta))
		began := time.Now()
		if data, err := g.b.GetBytes(t.Context(), name); !errors.Is(err, tc.want) || data != nil {
			t.Errorf("%s: got %d bytes, %v, want %v", name, len(data), err, tc.want)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
	for _, name := range []string{"all chunks", "no nuid", "protocol"} {
		must(t, g.b.Delete(t.Context(), name)) // must not take the chunks of others along
	}
	if n := g.chunks(t)["$O.B.C.N"]; n != 1 {
		t.Errorf("%d chunks are left of another object, want 1", n)
	}
}

// What a reader that stops, is cancelled, or is forgotten leaves: nothing.
func TestObjectReadersEnd(t *testing.T) {
	g := withObjects(t)
	got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", noise(1, 16<<20)))
	half := func(ctx context.Context) jetstream.ObjectResult {
		r := got[jetstream.ObjectResult](t)(g.b.Get(ctx, "x"))
		_, err := io.ReadFull(r, make([]byte, 1<<20))
		must(t, err)
		return r
	}
	over := func(what string, r jetstream.ObjectResult, want error) {
		t.Helper()
		_, err := io.Copy(io.Discard, r)
		if !errors.Is(err, want) || !errors.Is(r.Error(), want) {
			t.Errorf("%s: got %v, Error %v, want %v", what, err, r.Error(), want)
		}
	}
	r := half(t.Context())
	must(t, r.Close())
	over("closed", r, context.Canceled)

	ctx, cancel := context.WithCancel(t.Context())
	r = half(ctx)
	cancel()
	eventually(t, "the end of the context to be seen", func() bool { return r.Error() != nil })
	over("cancelled", r, context.Canceled)

	ctx, cancel = context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	r = got[jetstream.ObjectResult](t)(g.b.Get(ctx, "x"))
	<-ctx.Done()
	eventually(t, "the deadline to be seen", func() bool { return r.Error() != nil })
	over("late", r, nats.ErrTimeout)

	half(t.Context()) // forgotten
	eventually(t, "the consumers to go", func() bool {
		runtime.GC()
		return got[*jetstream.StreamInfo](t)(g.admin.Info(t.Context())).State.Consumers == 0
	})
	last := half(t.Context())
	g.nc.Close()
	over("connection closed", last, nats.ErrConnectionClosed)
}

// An object that is replaced or deleted while it is read: the reader is told, soon.
func TestObjectReplacedWhileRead(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, g *objectStage){
		"replaced": func(t *testing.T, g *objectStage) {
			_, err := g.b.PutBytes(t.Context(), "x", noise(2, 100))
			must(t, err)
		},
		"deleted": func(t *testing.T, g *objectStage) { must(t, g.b.Delete(t.Context(), "x")) },
	} {
		t.Run(name, func(t *testing.T) {
			g := withObjects(t)
			got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", noise(1, 128<<20)))
			r := got[jetstream.ObjectResult](t)(g.b.Get(t.Context(), "x"))
			_, err := io.ReadFull(r, make([]byte, 1<<20))
			must(t, err)
			change(t, g)
			began := time.Now()
			n, err := io.Copy(io.Discard, r)
			if took := time.Since(began); !errors.Is(err, jetstream.ErrObjectNotFound) || took > 5*time.Second {
				t.Errorf("got %v after %v and %d bytes, want %v", err, took, n, jetstream.ErrObjectNotFound)
			}
			if err != nil && !strings.HasPrefix(err.Error(), jetstream.ErrObjectNotFound.Error()+": ") {
				t.Errorf("the error reads %q", err)
			}
		})
	}
}

// A pause of the user is no silence, and takes no memory beyond what the server may send ahead.
func TestObjectSlowReader(t *testing.T) {
	g := withObjects(t)
	data := noise(1, 48<<20)
	got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", data))
	before := g.nc.Stats().InBytes
	r := got[jetstream.ObjectResult](t)(g.b.Get(t.Context(), "x"))
	first := make([]byte, 1<<20)
	_, err := io.ReadFull(r, first)
	must(t, err)
	var ahead uint64
	eventually(t, "the server to stop sending", func() bool {
		now := g.nc.Stats().InBytes - before
		still := now == ahead
		ahead = now
		return still
	})
	if ahead > 40<<20 {
		t.Errorf("the server sent %d MiB ahead", ahead>>20)
	}
	rest, err := io.ReadAll(r)
	must(t, err)
	wantBytes(t, "the object", append(first, rest...), data)
}
