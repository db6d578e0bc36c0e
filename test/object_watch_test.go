package test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// seen receives until n names, nil counting as one, have come.
func seen(t testing.TB, updates <-chan *jetstream.ObjectInfo, n int) (names []string) {
	t.Helper()
	limit := time.After(patience)
	for len(names) < n {
		select {
		case i, ok := <-updates:
			switch {
			case !ok:
				return append(names, "closed")
			case i == nil:
				names = append(names, "nil")
			case i.Deleted:
				names = append(names, i.Name+" deleted")
			default:
				names = append(names, i.Name)
			}
		case <-limit:
			t.Fatalf("only %q came, want %d", names, n)
		}
	}
	return names
}

func TestObjectWatch(t *testing.T) {
	g := withObjects(t)
	w := got[jetstream.ObjectWatcher](t)(g.b.Watch(t.Context()))
	if names := seen(t, w.Updates(), 1); names[0] != "nil" {
		t.Errorf("an empty bucket: got %q, want nil", names)
	}
	for _, name := range []string{"a", "b", "c"} {
		got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), name, noise(1, 200<<10)))
	}
	if names, want := seen(t, w.Updates(), 3), []string{"a", "b", "c"}; !slices.Equal(names, want) { // before b is replaced: the stream keeps one
		t.Errorf("got %q, want %q", names, want)
	}
	must(t, g.b.Delete(t.Context(), "b"))
	must(t, g.b.UpdateMeta(t.Context(), "c", jetstream.ObjectMeta{Name: "d"}))
	if names, want := seen(t, w.Updates(), 2), []string{"b deleted", "d"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	must(t, w.Stop())
	must(t, w.Stop())
	if names := seen(t, w.Updates(), 1); names[0] != "closed" {
		t.Errorf("after Stop: got %q, want closed", names)
	}
	for name, tc := range map[string]struct {
		opts []jetstream.WatchOpt
		want []string
	}{
		"all":            {nil, []string{"a", "b deleted", "d", "nil"}},
		"ignore deletes": {[]jetstream.WatchOpt{jetstream.IgnoreDeletes(), nil}, []string{"a", "d", "nil"}},
		"history":        {[]jetstream.WatchOpt{jetstream.IncludeHistory()}, []string{"a", "b deleted", "d", "nil"}},
	} {
		w := got[jetstream.ObjectWatcher](t)(g.b.Watch(t.Context(), tc.opts...))
		if names := seen(t, w.Updates(), len(tc.want)); !slices.Equal(names, tc.want) {
			t.Errorf("%s: got %q, want %q", name, names, tc.want)
		}
		must(t, w.Stop())
	}
}

// Watches end with their context, their connection, their bucket, and say why.
func TestObjectWatchEnds(t *testing.T) {
	type reason interface{ Error() error }
	for name, tc := range map[string]struct {
		end  func(t *testing.T, g *objectStage, cancel context.CancelFunc)
		want error
	}{
		"context":    {func(_ *testing.T, _ *objectStage, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"connection": {func(_ *testing.T, g *objectStage, _ context.CancelFunc) { g.nc.Close() }, nats.ErrConnectionClosed},
		"bucket": {func(t *testing.T, g *objectStage, _ context.CancelFunc) {
			must(t, g.js.DeleteObjectStore(t.Context(), "B"))
		}, jetstream.ErrStreamNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			g := withObjects(t)
			for i := range 100 { // more than the channel holds: the watcher waits for its reader, who never comes
				got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), fmt.Sprint(i), nil))
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := got[jetstream.ObjectWatcher](t)(g.b.Watch(ctx))
			unread := got[jetstream.ObjectWatcher](t)(g.b.Watch(ctx))
			_ = unread
			if names := seen(t, w.Updates(), 101); names[100] != "nil" {
				t.Errorf("got %q at the end, want nil", names[100])
			}
			tc.end(t, g, cancel)
			if names := seen(t, w.Updates(), 1); names[0] != "closed" {
				t.Errorf("got %q, want closed", names)
			}
			if err := w.(reason).Error(); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			cancel()
		})
	}
}

// What nobody reads ends with the connection all the same, and leaves nothing: a watch without an end of its own, and an object that is not closed.
func TestObjectsNobodyReads(t *testing.T) {
	var w jetstream.ObjectWatcher
	var o jetstream.ObjectResult
	t.Cleanup(func() { runtime.KeepAlive(w); runtime.KeepAlive(o) }) // behind the look for leaks: nothing ends because it was collected
	g := withObjects(t)
	for i := range 100 { // more than a watch holds
		got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), fmt.Sprint(i), nil))
	}
	got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "large", noise(1, 4<<20)))
	w = got[jetstream.ObjectWatcher](t)(g.b.Watch(context.Background()))
	o = got[jetstream.ObjectResult](t)(g.b.Get(context.Background(), "large"))
	eventually(t, "a full channel", func() bool { return len(w.Updates()) == cap(w.Updates()) })
	if n, err := o.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("Read: got %d, %v, want 1 byte", n, err)
	}
	g.nc.Close()
}

// A watch misses nothing when its link breaks again and again.
func TestObjectWatchOverShortLinks(t *testing.T) {
	g, p := withObjectProxy(t)
	b := got[jetstream.ObjectStore](t)(newJS(t, dial(t, g.srv.URL())).ObjectStore(t.Context(), "B"))
	w := got[jetstream.ObjectWatcher](t)(g.b.Watch(t.Context()))
	seen(t, w.Updates(), 1)
	var want []string
	for i := range 60 {
		if i%15 == 5 {
			p.Cut()
		}
		name := fmt.Sprint(i)
		got[*jetstream.ObjectInfo](t)(b.PutBytes(t.Context(), name, nil))
		want = append(want, name)
	}
	if names := seen(t, w.Updates(), 60); !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	must(t, w.Stop())
}

func TestObjectList(t *testing.T) {
	g := withObjects(t)
	if _, err := g.b.List(t.Context()); err != jetstream.ErrNoObjectsFound {
		t.Errorf("an empty bucket: got %v, want %v", err, jetstream.ErrNoObjectsFound)
	}
	var want []string
	for i := range 300 {
		name := fmt.Sprint("o/", i)
		got[*jetstream.ObjectInfo](t)(g.b.PutString(t.Context(), name, name))
		want = append(want, name)
	}
	must(t, g.b.Delete(t.Context(), "o/0"))
	names := func(infos []*jetstream.ObjectInfo) (all []string) {
		for _, i := range infos {
			all = append(all, i.Name)
		}
		return all
	}
	if all := names(got[[]*jetstream.ObjectInfo](t)(g.b.List(t.Context()))); !slices.Equal(all, want[1:]) {
		t.Errorf("got %d: %q", len(all), all)
	}
	if all := names(got[[]*jetstream.ObjectInfo](t)(g.b.List(t.Context(), jetstream.ListObjectsShowDeleted(), nil))); !slices.Equal(all, append(want[1:], "o/0")) {
		t.Errorf("with deleted ones: got %d: %q", len(all), all)
	}
	if n := got[*jetstream.StreamInfo](t)(g.admin.Info(t.Context())).State.Consumers; n != 0 {
		eventually(t, "the consumers to go", func() bool { return got[*jetstream.StreamInfo](t)(g.admin.Info(t.Context())).State.Consumers == 0 })
	}
}
