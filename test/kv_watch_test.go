package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

func TestKVWatch(t *testing.T) {
	eachKV(t, kvConfig{history: 3}, func(t *testing.T, g *kvStage) {
		puts(t, g.b, "a=1", "a.x=2", "a=3", "b.x=4", "b.y=5", "b.y-", "c=7", "c--")
		for name, tc := range map[string]struct {
			how  watchHow
			keys []string
			want []string
		}{
			"all":             {watchHow{}, nil, []string{"a.x=2@2", "a=3@3", "b.x=4@4", "b.y-@6", "c--@8", mark}},
			"all by wildcard": {watchHow{}, []string{">"}, []string{"a.x=2@2", "a=3@3", "b.x=4@4", "b.y-@6", "c--@8", mark}},
			"one":             {watchHow{}, []string{"a"}, []string{"a=3@3", mark}},
			"by wildcard":     {watchHow{}, []string{"*.x"}, []string{"a.x=2@2", "b.x=4@4", mark}},
			"many":            {watchHow{}, []string{"a", "b.*"}, []string{"a=3@3", "b.x=4@4", "b.y-@6", mark}},
			"the same twice":  {watchHow{}, []string{"a", "a"}, []string{"a=3@3", mark}},
			"absent":          {watchHow{}, []string{"z"}, []string{mark}},
			"history":         {watchHow{history: true}, []string{"a"}, []string{"a=1@1", "a=3@3", mark}},
			"all history":     {watchHow{history: true}, nil, []string{"a=1@1", "a.x=2@2", "a=3@3", "b.x=4@4", "b.y=5@5", "b.y-@6", "c--@8", mark}},
			"no deletions":    {watchHow{ignoreDeletes: true}, nil, []string{"a.x=2@2", "a=3@3", "b.x=4@4", mark}},
			"only deletions":  {watchHow{ignoreDeletes: true}, []string{"c"}, []string{mark}},
			"without values":  {watchHow{metaOnly: true}, []string{"b.*"}, []string{"b.x=@4", "b.y-@6", mark}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				watch(t, g.b, tc.how, tc.keys...).wants(t, tc.want...)
			})
		}
	})
}

func TestKVWatchFollows(t *testing.T) {
	eachKV(t, kvConfig{history: 1}, func(t *testing.T, g *kvStage) {
		puts(t, g.b, "a=1")
		w := watch(t, g.b, watchHow{})
		ignoring := watch(t, g.b, watchHow{ignoreDeletes: true}, "a")
		updates := watch(t, g.b, watchHow{updates: true}, "a")
		w.wants(t, "a=1@1", mark)
		ignoring.wants(t, "a=1@1", mark)
		for _, step := range [][2]string{{"a=2", "a=2@2"}, {"b=3", "b=3@3"}, {"a-", "a-@4"}, {"a--", "a--@5"}, {"a=6", "a=6@6"}} {
			puts(t, g.b, step[0]) // one at a time: an entry that is replaced before it was sent is gone
			w.wants(t, step[1])
			if step[0][0] == 'a' {
				updates.wants(t, step[1])
			}
			if step[0] == "a=2" || step[0] == "a=6" {
				ignoring.wants(t, step[1])
			}
		}
		for _, w := range []*watching{w, ignoring, updates} {
			w.stop()
			w.stop()
			if err := w.ends(t, patience); err != nil {
				t.Errorf("stopped: got %v, want nil", err)
			}
		}
	})
}

func TestKVWatchResumes(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	g := kvStageAt(t, srv, srv.URL(), kvAPIs["newer"], kvConfig{history: 3})
	puts(t, g.b, "a=1", "b=2", "a=3", "b-", "a=5")
	watch(t, g.b, watchHow{resume: 3}).wants(t, "a=3@3", "b-@4", "a=5@5", mark)
	watch(t, g.b, watchHow{resume: 3}, "b").wants(t, "b-@4", mark)
	w := watch(t, g.b, watchHow{resume: 99})
	w.wants(t, mark)
	w = watch(t, g.b, watchHow{resume: 5, updates: true})
	w.wants(t, "a=5@5")
	puts(t, g.b, "a=6")
	w.wants(t, "a=6@6")
}

func TestKVWatchEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(t *testing.T, g *kvStage, cancel context.CancelFunc)
		want error
	}{
		"context": {func(_ *testing.T, _ *kvStage, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"close":   {func(_ *testing.T, g *kvStage, _ context.CancelFunc) { g.nc.Close() }, nats.ErrConnectionClosed},
		"drain":   {func(t *testing.T, g *kvStage, _ context.CancelFunc) { must(t, g.nc.Drain()) }, nats.ErrConnectionClosed},
	} {
		t.Run(name, func(t *testing.T) {
			eachKV(t, kvConfig{}, func(t *testing.T, g *kvStage) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				w := watch(t, g.b, watchHow{ctx: ctx})
				w.wants(t, mark)
				tc.end(t, g, cancel)
				within(t, "the end", time.Second, func() { wantError(t, "the end", w.ends(t, patience), tc.want) })
			})
		})
	}
}

// A bucket that is deleted ends its watches with what the server said.
func TestKVWatchOfADeletedBucket(t *testing.T) {
	t.Parallel()
	for name, api := range kvAPIs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			srv := natstest.Run(t)
			g := kvStageAt(t, srv, srv.URL(), api, kvConfig{}, silent())
			w := watch(t, g.b, watchHow{})
			w.wants(t, mark)
			must(t, api.delete(t, g.nc, "b"))
			// Nobody says that a consumer is gone: its heartbeats fail to come, twice.
			wantError(t, "the end", w.ends(t, 15*time.Second), api.errs.bucketNotFound)
		})
	}
}

// A watch that nobody reads costs little, holds up nobody, and ends all the same.
func TestKVWatchUnread(t *testing.T) {
	const n = 5000
	for name, end := range map[string]func(g *kvStage, w jetstream.KeyWatcher, old nats.KeyWatcher, cancel context.CancelFunc){
		"stop": func(_ *kvStage, w jetstream.KeyWatcher, old nats.KeyWatcher, _ context.CancelFunc) {
			_, _ = w.Stop(), old.Stop()
		},
		"context": func(_ *kvStage, _ jetstream.KeyWatcher, _ nats.KeyWatcher, cancel context.CancelFunc) { cancel() },
		"close":   func(g *kvStage, _ jetstream.KeyWatcher, _ nats.KeyWatcher, _ context.CancelFunc) { g.nc.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			srv := natstest.Run(t)
			g := kvStageAt(t, srv, srv.URL(), kvAPIs["newer"], kvConfig{})
			js := newJS(t, g.nc)
			for i := range n {
				got[jetstream.PubAckFuture](t)(js.PublishAsync(fmt.Sprintf("$KV.b.k%d", i), make([]byte, 100), jetstream.WithStallWait(patience)))
			}
			await(t, "the keys", js.PublishAsyncComplete())
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			w := got[jetstream.KeyWatcher](t)(g.b.(newBucket).WatchAll(ctx))
			ob := got[nats.KeyValue](t)(legacyJS(t, g.nc).KeyValue("b"))
			old := got[nats.KeyWatcher](t)(ob.WatchAll(nats.Context(ctx)))
			eventually(t, "full channels", func() bool { return len(w.Updates()) == 256 && len(old.Updates()) == 256 })
			// Others go on.
			within(t, "a write and a read", time.Second, func() {
				puts(t, g.b, "other=1")
				got[entry](t)(g.b.get("other"))
			})
			other := watch(t, g.b, watchHow{}, "other")
			other.wants(t, "other=1@5001", mark)
			end(g, w, old, cancel)
			for what, closed := range map[string]func() bool{
				"newer": func() bool { return drained(w.Updates()) }, "older": func() bool { return drained(old.Updates()) },
			} {
				eventually(t, "the end of the watch in the API that is "+what, closed)
			}
		})
	}
}

// drained reports whether a channel is closed, and empties it.
func drained[E any](c <-chan E) bool {
	for {
		select {
		case _, open := <-c:
			if !open {
				return true
			}
		default:
			return false
		}
	}
}

// A slow reader gets everything in order.
func TestKVWatchSlowly(t *testing.T) {
	eachKV(t, kvConfig{history: 64}, func(t *testing.T, g *kvStage) {
		const n = 3000
		js := newJS(t, g.nc)
		for i := range n {
			got[jetstream.PubAckFuture](t)(js.PublishAsync(fmt.Sprintf("$KV.b.k%d", i), fmt.Append(nil, i)))
		}
		await(t, "the keys", js.PublishAsyncComplete())
		w := watch(t, g.b, watchHow{})
		for i := range n {
			if i%500 == 250 {
				pause()
			}
			if u, want := w.next(t), fmt.Sprintf("k%d=%d@%d", i, i, i+1); u != want {
				t.Fatalf("got %s, want %s", u, want)
			}
		}
		w.wants(t, mark)
	})
}

func TestKVKeysAndHistory(t *testing.T) {
	eachKV(t, kvConfig{history: 3}, func(t *testing.T, g *kvStage) {
		errs := g.api.errs
		_, err := g.b.keys(watchHow{})
		wantError(t, "keys", err, errs.noKeys)
		_, err = g.b.history("a")
		wantError(t, "history", err, errs.notFound)
		for range seq(got2(t)(g.b.list())) {
			t.Error("got a key of an empty bucket")
		}
		puts(t, g.b, "b=1", "a=2", "b=3", "c=4", "c-", "d=6", "d--", "b=8", "b=9")
		if keys := got[[]string](t)(g.b.keys(watchHow{})); !slices.Equal(keys, []string{"a", "b"}) {
			t.Errorf("got keys %q", keys)
		}
		if keys := slices.Collect(seq(got2(t)(g.b.list()))); !slices.Equal(keys, []string{"a", "b"}) {
			t.Errorf("listed %q", keys)
		}
		for key, want := range map[string][]string{
			"b": {"b=3@3", "b=8@8", "b=9@9"}, "c": {"c=4@4", "c-@5"}, "d": {"d--@7"}, "*": {"a=2@2", "b=3@3", "c=4@4", "c-@5", "d--@7", "b=8@8", "b=9@9"},
		} {
			if have := texts(got[[]entry](t)(g.b.history(key))); !slices.Equal(have, want) {
				t.Errorf("history of %s: got %q, want %q", key, have, want)
			}
		}
	})
}

// got2 is the list of a lister; an error ends the test.
func got2(t testing.TB) func(keys <-chan string, stop func(), err error) <-chan string {
	return func(keys <-chan string, _ func(), err error) <-chan string {
		t.Helper()
		must(t, err)
		return keys
	}
}

func TestKVListKeysFiltered(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	g := kvStageAt(t, srv, srv.URL(), kvAPIs["newer"], kvConfig{})
	puts(t, g.b, "a.1=x", "b.1=x", "a.2=x", "c=x", "a.1-")
	b := g.b.(newBucket)
	for want, filters := range map[string][]string{"[a.2]": {"a.*"}, "[b.1 a.2]": {"a.>", "b.1"}, "[b.1 a.2 c]": nil, "[]": {"z"}} {
		l := got[jetstream.KeyLister](t)(b.ListKeysFiltered(t.Context(), filters...))
		if keys := fmt.Sprint(slices.Collect(seq(l.Keys()))); keys != want || jetstream.KeyListerErr(l) != nil {
			t.Errorf("%q: got %s, %v, want %s", filters, keys, jetstream.KeyListerErr(l), want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Keys(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestKVPurgeDeletes(t *testing.T) {
	eachKV(t, kvConfig{history: 5}, func(t *testing.T, g *kvStage) {
		fill := func() { puts(t, g.b, "a=1", "b=2", "b-", "c=3", "c--", "d=4") }
		left := func(want uint64) {
			t.Helper()
			if n := got[uint64](t)(g.b.values()); n != want {
				t.Errorf("%d entries are left, want %d", n, want)
			}
		}
		fill()
		left(5)
		must(t, g.b.purgeDeletes(0)) // younger than half an hour: the markers stay
		left(4)
		must(t, g.b.purgeDeletes(time.Hour))
		left(4)
		must(t, g.b.purgeDeletes(-1))
		left(2)
		if keys := got[[]string](t)(g.b.keys(watchHow{})); !slices.Equal(keys, []string{"a", "d"}) {
			t.Errorf("got keys %q", keys)
		}
		puts(t, g.b, "b-", "b=9")
		must(t, g.b.purgeDeletes(-1))
		if e := got[entry](t)(g.b.get("b")); e.value != "9" {
			t.Errorf("got %v: a key that lives was purged", e)
		}
	})
}

// Entries with a TTL expire, and watches see it when the bucket leaves markers.
func TestKVMarkers(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	nc := dial(t, srv.URL())
	ctx := t.Context()
	js := newJS(t, nc)
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "b", History: 3, LimitMarkerTTL: time.Second, Storage: jetstream.MemoryStorage}))
	v := newBucket{t, b}
	w := watch(t, v, watchHow{})
	w.wants(t, mark)
	got[uint64](t)(b.Create(ctx, "a", []byte("1"), jetstream.KeyTTL(time.Second)))
	got[uint64](t)(b.Create(ctx, "b", []byte("2")))
	w.wants(t, "a=1@1", "b=2@2") // what is purged before it was delivered never comes
	must(t, b.Purge(ctx, "b", jetstream.PurgeTTL(time.Second)))
	// A machine that is busy may purge behind the second that "a" has.
	if got := []string{w.next(t), w.next(t)}; !slices.Equal(got, []string{"b--@3", "a--@4"}) && !slices.Equal(got, []string{"a--@3", "b--@4"}) {
		t.Errorf("watched %q, want the markers of b and a", got)
	}
	_, err := b.Get(ctx, "a")
	wantError(t, "expired", err, jetstream.ErrKeyNotFound)
	if rev := got[uint64](t)(b.Create(ctx, "a", []byte("5"))); rev < 5 { // behind a marker of the server
		t.Errorf("got revision %d", rev)
	}
	w2 := watch(t, v, watchHow{ignoreDeletes: true}, "a")
	if u := w2.next(t); u[:4] != "a=5@" {
		t.Errorf("watched %s", u)
	}
	eventually(t, "the purge's marker to expire", func() bool {
		_, err := b.History(ctx, "b")
		return errors.Is(err, jetstream.ErrKeyNotFound)
	})
}

// A bucket that is deleted through the connection of a watch ends it without a look at heartbeats, which come every 5 s.
func TestKVWatchOwnDeletion(t *testing.T) {
	eachKV(t, kvConfig{}, func(t *testing.T, g *kvStage) {
		w := watch(t, g.b, watchHow{})
		w.wants(t, mark)
		must(t, g.api.delete(t, g.nc, "b"))
		wantError(t, "a watch of a deleted bucket", w.ends(t, 8*time.Second), g.api.errs.bucketNotFound) // after 2 s, on a machine that is not busy
	})
}
