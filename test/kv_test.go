package test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/nats-io/nats-server/v2/server"
)

func TestKVWritesAndReads(t *testing.T) {
	eachKV(t, kvConfig{history: 5}, func(t *testing.T, g *kvStage) {
		b, errs := g.b, g.api.errs
		begin := time.Now().Add(-time.Second)
		if rev := got[uint64](t)(b.put("a.b", "1")); rev != 1 {
			t.Errorf("put: got revision %d, want 1", rev)
		}
		if rev := got[uint64](t)(b.create("c", "2")); rev != 2 {
			t.Errorf("create: got revision %d, want 2", rev)
		}
		if rev := got[uint64](t)(b.update("a.b", "3", 1)); rev != 3 {
			t.Errorf("update: got revision %d, want 3", rev)
		}
		e := got[entry](t)(b.get("a.b"))
		if e.String() != "a.b=3@3" || e.bucket != "b" || e.delta != 0 {
			t.Errorf("got %+v, want a.b=3@3 in b", e)
		}
		if e.created.Before(begin) || e.created.After(time.Now().Add(time.Second)) {
			t.Errorf("created %v, want about now", e.created)
		}
		for rev, want := range map[uint64]string{0: "a.b=3@3", 1: "a.b=1@1", 3: "a.b=3@3"} {
			if e := got[entry](t)(b.revision("a.b", rev)); e.String() != want {
				t.Errorf("revision %d: got %v, want %s", rev, e, want)
			}
		}
		for name, key := range map[string]struct {
			key string
			rev uint64
		}{"absent": {"x", 0}, "of another key": {"c", 1}, "not there": {"a.b", 99}} {
			_, err := b.revision(key.key, key.rev)
			wantError(t, name, err, errs.notFound)
			if err != errs.notFound {
				t.Errorf("%s: %v is not the very value", name, err)
			}
		}
		if n := got[uint64](t)(b.values()); n != 3 {
			t.Errorf("got %d values, want 3", n)
		}
	})
}

func TestKVExpectations(t *testing.T) {
	eachKV(t, kvConfig{history: 5}, func(t *testing.T, g *kvStage) {
		b, errs := g.b, g.api.errs
		puts(t, b, "a=1")
		_, err := b.create("a", "2")
		wantError(t, "create", err, errs.exists)
		if err != nil && !strings.HasSuffix(err.Error(), "key exists") {
			t.Errorf("create: the text %q does not end in key exists", err)
		}
		_, err = b.update("a", "2", 99)
		wantError(t, "update", err, errs.mismatch)
		wantError(t, "update", err, errs.exists)
		wantCode(t, "update", err, 10071)
		for _, purge := range []bool{false, true} {
			err = b.remove("a", purge, 99)
			wantError(t, "remove", err, errs.mismatch)
			wantCode(t, "remove", err, 10071)
		}
		must(t, b.remove("a", false, 1)) // 2
		_, err = b.get("a")
		wantError(t, "get", err, errs.notFound)
		_, err = b.revision("a", 2)
		wantError(t, "revision", err, errs.notFound)
		if rev := got[uint64](t)(b.create("a", "3")); rev != 3 { // behind a deletion
			t.Errorf("create: got revision %d, want 3", rev)
		}
		must(t, b.remove("a", true, 3)) // 4, and nothing before
		if rev := got[uint64](t)(b.create("a", "5")); rev != 5 {
			t.Errorf("create: got revision %d, want 5", rev)
		}
		if got := texts(got[[]entry](t)(b.history("a"))); !slices.Equal(got, []string{"a--@4", "a=5@5"}) {
			t.Errorf("got history %q", got)
		}
		must(t, b.remove("never", false, 0))
	})
}

// wantCode reports an error that does not hold the API error of either package with this code.
func wantCode(t testing.TB, what string, err error, code int) {
	t.Helper()
	var older *nats.APIError
	var newer *jetstream.APIError
	switch {
	case errors.As(err, &older) && int(older.ErrorCode) == code:
	case errors.As(err, &newer) && int(newer.ErrorCode) == code:
	default:
		t.Errorf("%s: %v holds no API error %d", what, err, code)
	}
}

func TestKVNames(t *testing.T) {
	eachKV(t, kvConfig{}, func(t *testing.T, g *kvStage) {
		b, errs := g.b, g.api.errs
		long := strings.Repeat("k", 200)
		for _, key := range []string{"a", "a.b", "A-Z_0/=", "-", "_", "/", "=", long} {
			rev := got[uint64](t)(b.put(key, key))
			if e := got[entry](t)(b.get(key)); e.key != key || e.value != key || e.revision != rev {
				t.Errorf("%q: got %+v", key, e)
			}
		}
		for _, key := range []string{"", ".a", "a.", "a..b", ".", "a b", " a", "a\r\n", "a\tb", "a*", "*", "a>", ">", "ä", "a\x00", "a\x7f", "a\\b", "a:b", "a$b"} {
			for what, call := range map[string]func() error{
				"get":      func() error { _, err := b.get(key); return err },
				"revision": func() error { _, err := b.revision(key, 1); return err },
				"put":      func() error { _, err := b.put(key, ""); return err },
				"create":   func() error { _, err := b.create(key, ""); return err },
				"update":   func() error { _, err := b.update(key, "", 1); return err },
				"delete":   func() error { return b.remove(key, false, 0) },
				"purge":    func() error { return b.remove(key, true, 0) },
			} {
				wantError(t, fmt.Sprintf("%s %q", what, key), call(), errs.invalidKey)
			}
		}
		for _, key := range []string{"", ".a", "a.", "a..b", "a b", "a.>.b", ">.a", "a\r\n", "ä"} {
			_, err := b.watch(watchHow{}, key)
			wantError(t, fmt.Sprintf("watch %q", key), err, errs.invalidKey)
			_, err = b.history(key)
			wantError(t, fmt.Sprintf("history %q", key), err, errs.invalidKey)
		}
		for _, name := range []string{"", "a b", "a.b", "a*", ">", "a/b", "ä", "a\r\n"} {
			_, err := g.api.create(t, g.nc, kvConfig{bucket: name})
			wantError(t, fmt.Sprintf("create %q", name), err, errs.invalidBucket)
			_, err = g.api.open(t, g.nc, name)
			wantError(t, fmt.Sprintf("open %q", name), err, errs.invalidBucket)
			wantError(t, fmt.Sprintf("delete %q", name), g.api.delete(t, g.nc, name), errs.invalidBucket)
		}
		if n := got[uint64](t)(b.values()); n != 8 {
			t.Errorf("%d values are stored, want 8", n)
		}
	})
}

func TestKVBuckets(t *testing.T) {
	eachKV(t, kvConfig{history: 3}, func(t *testing.T, g *kvStage) {
		errs := g.api.errs
		_, err := g.api.create(t, g.nc, kvConfig{bucket: "b", history: 3})
		must(t, err) // the same
		_, err = g.api.create(t, g.nc, kvConfig{bucket: "b", history: 4})
		wantError(t, "another history", err, errs.bucketExists)
		_, err = g.api.create(t, g.nc, kvConfig{bucket: "c", history: 65})
		wantError(t, "history of 65", err, errs.tooLarge)
		_, err = g.api.open(t, g.nc, "c")
		wantError(t, "open", err, errs.bucketNotFound)
		_, err = newJS(t, g.nc).CreateStream(t.Context(), jetstream.StreamConfig{Name: "KV_plain", Subjects: []string{"plain"}})
		must(t, err)
		_, err = g.api.open(t, g.nc, "plain")
		wantError(t, "open", err, errs.badBucket)
		for _, name := range []string{"d", "e"} {
			got[bucket](t)(g.api.create(t, g.nc, kvConfig{bucket: name}))
		}
		if got := g.api.names(t, g.nc); !slices.Equal(got, []string{"b", "d", "e"}) {
			t.Errorf("got buckets %q", got)
		}
		must(t, g.api.delete(t, g.nc, "d"))
		if got := g.api.names(t, g.nc); !slices.Equal(got, []string{"b", "e"}) {
			t.Errorf("got buckets %q", got)
		}
		_, err = g.b.values()
		must(t, err)
		must(t, g.api.delete(t, g.nc, "b"))
		_, err = g.b.values()
		wantError(t, "status", err, errs.bucketNotFound)
	})
}

func TestKVMirrorsAndSources(t *testing.T) {
	eachKV(t, kvConfig{history: 2}, func(t *testing.T, g *kvStage) {
		other := got[bucket](t)(g.api.create(t, g.nc, kvConfig{bucket: "o"}))
		sum := got[bucket](t)(g.api.create(t, g.nc, kvConfig{bucket: "s", sources: []string{"b"}}))
		copied := got[bucket](t)(g.api.create(t, g.nc, kvConfig{bucket: "t", sources: []string{"KV_o"}}))
		puts(t, g.b, "a=1", "b=2")
		puts(t, other, "c=3")
		mirror := got[bucket](t)(g.api.create(t, g.nc, kvConfig{bucket: "m", mirror: "b", history: 2}))
		mirror = got[bucket](t)(g.api.open(t, g.nc, "m"))
		eventually(t, "the mirror", func() bool { _, err := mirror.get("b"); return err == nil })
		if e := got[entry](t)(mirror.get("a")); e.String() != "a=1@1" || e.bucket != "m" {
			t.Errorf("mirror: got %+v, want a=1@1 of m", e)
		}
		puts(t, mirror, "a=4")                                                                                   // goes to the origin
		eventually(t, "the origin", func() bool { e, err := g.b.get("a"); return err == nil && e.value == "4" }) // the mirror may answer for it
		eventually(t, "the mirror", func() bool { e, err := mirror.get("a"); return err == nil && e.value == "4" })
		watched := watch(t, mirror, watchHow{})
		watched.wants(t, "b=2@2", "a=4@3", mark)
		eventually(t, "the sources", func() bool {
			a, errA := sum.get("a")
			b, errB := sum.get("b")
			c, errC := copied.get("c")
			return errors.Join(errA, errB, errC) == nil && a.value+b.value+c.value == "423"
		})
		puts(t, sum, "d=5") // stays
		if _, err := g.b.get("d"); !errors.Is(err, g.api.errs.notFound) {
			t.Errorf("origin: got %v, want %v", err, g.api.errs.notFound)
		}
		if e := got[entry](t)(sum.get("d")); e.value != "5" {
			t.Errorf("got %v, want 5", e)
		}
	})
}

// A context in another domain writes through the API's prefix, which the server there maps back.
func TestKVInADomain(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t, natstest.WithConfig(func(o *server.Options) { o.JetStreamDomain = "hub" }))
	nc := dial(t, srv.URL())
	ctx := t.Context()
	js, err := jetstream.NewWithDomain(nc, "hub")
	must(t, err)
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.MemoryStorage}))
	if rev := got[uint64](t)(b.Put(ctx, "a", []byte("1"))); rev != 1 {
		t.Errorf("got revision %d, want 1", rev)
	}
	if _, err := b.Create(ctx, "a", nil); !errors.Is(err, jetstream.ErrKeyExists) {
		t.Errorf("got %v, want %v", err, jetstream.ErrKeyExists)
	}
	if e := got[jetstream.KeyValueEntry](t)(b.Get(ctx, "a")); string(e.Value()) != "1" {
		t.Errorf("got %q, want 1", e.Value())
	}
	m := got[jetstream.KeyValue](t)(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: "m", Mirror: &jetstream.StreamSource{Name: "b", Domain: "hub"}, Storage: jetstream.MemoryStorage,
	}))
	if rev := got[uint64](t)(m.Put(ctx, "a", []byte("2"))); rev != 2 {
		t.Errorf("mirror: got revision %d, want 2", rev)
	}
	eventually(t, "the origin", func() bool { e, err := b.Get(ctx, "a"); return err == nil && string(e.Value()) == "2" })
	watch(t, newBucket{t, b}, watchHow{}).wants(t, "a=2@2", mark)
	old, err := nc.JetStream(nats.Domain("hub"))
	must(t, err)
	ob := got[nats.KeyValue](t)(old.KeyValue("b"))
	if rev := got[uint64](t)(ob.Put("a", []byte("3"))); rev != 3 {
		t.Errorf("older API: got revision %d, want 3", rev)
	}
}

func TestKVConfigOfABucket(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	js := newJS(t, dial(t, srv.URL()))
	ctx := t.Context()
	cfg := jetstream.KeyValueConfig{
		Bucket: "b", Description: "d", MaxValueSize: 100, History: 7, TTL: time.Minute, MaxBytes: 1 << 20, Storage: jetstream.MemoryStorage,
		Replicas: 1, Compression: true, LimitMarkerTTL: time.Hour, Metadata: map[string]string{"a": "1"},
	}
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(ctx, cfg))
	s := got[jetstream.KeyValueStatus](t)(b.Status(ctx))
	have := s.Config()
	if s.Metadata()["a"] != "1" {
		t.Errorf("got metadata %v", s.Metadata())
	}
	have.Metadata = cfg.Metadata
	if fmt.Sprint(have) != fmt.Sprint(cfg) {
		t.Errorf("got  %+v\nwant %+v", have, cfg)
	}
	if s.TTL() != time.Minute || s.History() != 7 || s.BackingStore() != "JetStream" || !s.IsCompressed() || s.LimitMarkerTTL() != time.Hour || s.Bucket() != "b" {
		t.Errorf("got status %v %v %v %v %v %v", s.TTL(), s.History(), s.BackingStore(), s.IsCompressed(), s.LimitMarkerTTL(), s.Bucket())
	}
	_, err := b.Put(ctx, "a", make([]byte, 101))
	wantError(t, "a large value", err, jetstream.ErrStreamMessageExceedsMaximum)
	cfg.History = 9
	b = got[jetstream.KeyValue](t)(js.UpdateKeyValue(ctx, cfg))
	if s := got[jetstream.KeyValueStatus](t)(b.Status(ctx)); s.History() != 9 {
		t.Errorf("got history %d, want 9", s.History())
	}
	_, err = js.UpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "c"})
	wantError(t, "update", err, jetstream.ErrBucketNotFound)
	b = got[jetstream.KeyValue](t)(js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "c", Storage: jetstream.MemoryStorage}))
	if b.Bucket() != "c" {
		t.Errorf("got bucket %q, want c", b.Bucket())
	}
	err = js.DeleteKeyValue(ctx, "x")
	wantError(t, "delete", err, jetstream.ErrBucketNotFound)
	wantError(t, "delete", err, jetstream.ErrStreamNotFound)
	var names []string
	l := js.KeyValueStores(ctx)
	for s := range l.Status() {
		names = append(names, s.Bucket())
	}
	if must(t, l.Error()); !slices.Equal(names, []string{"b", "c"}) {
		t.Errorf("got buckets %q", names)
	}
}

func TestKVWithoutJetStream(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	_, err := newJS(t, nc).CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b"})
	wantError(t, "newer", err, jetstream.ErrJetStreamNotEnabled)
	_, err = legacyJS(t, nc).CreateKeyValue(&nats.KeyValueConfig{Bucket: "b"})
	wantError(t, "older", err, nats.ErrJetStreamNotEnabled)
}

func TestKVHostileArguments(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	nc := dial(t, srv.URL())
	js, old := newJS(t, nc), legacyJS(t, nc)
	ctx := t.Context()
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "b", LimitMarkerTTL: time.Hour, Storage: jetstream.MemoryStorage}))
	ob := got[nats.KeyValue](t)(old.KeyValue("b"))
	var none jetstream.KeyWatcher
	for name, tc := range map[string]struct {
		call func() error
		want error
	}{
		"KeyValue(nil)":       {func() error { _, err := js.KeyValue(nil, "b"); return err }, nats.ErrInvalidContext},
		"CreateKeyValue(nil)": {func() error { _, err := js.CreateKeyValue(nil, jetstream.KeyValueConfig{Bucket: "b"}); return err }, nats.ErrInvalidContext},
		"CreateOrUpdate(nil)": {func() error {
			_, err := js.CreateOrUpdateKeyValue(nil, jetstream.KeyValueConfig{Bucket: "b"})
			return err
		}, nats.ErrInvalidContext},
		"DeleteKeyValue(nil)":     {func() error { return js.DeleteKeyValue(nil, "b") }, nats.ErrInvalidContext},
		"KeyValueStores(nil)":     {func() error { return js.KeyValueStores(nil).Error() }, nats.ErrInvalidContext},
		"KeyValueStoreNames(nil)": {func() error { return js.KeyValueStoreNames(nil).Error() }, nats.ErrInvalidContext},
		"Get(nil)":                {func() error { _, err := b.Get(nil, "a"); return err }, nats.ErrInvalidContext},
		"GetRevision(nil)":        {func() error { _, err := b.GetRevision(nil, "a", 1); return err }, nats.ErrInvalidContext},
		"Put(nil)":                {func() error { _, err := b.Put(nil, "a", nil); return err }, nats.ErrInvalidContext},
		"PutString(nil)":          {func() error { _, err := b.PutString(nil, "a", ""); return err }, nats.ErrInvalidContext},
		"Create(nil)":             {func() error { _, err := b.Create(nil, "a", nil, nil); return err }, nats.ErrInvalidContext},
		"Update(nil)":             {func() error { _, err := b.Update(nil, "a", nil, 1); return err }, nats.ErrInvalidContext},
		"Delete(nil)":             {func() error { return b.Delete(nil, "a", nil) }, nats.ErrInvalidContext},
		"Purge(nil)":              {func() error { return b.Purge(nil, "a", nil) }, nats.ErrInvalidContext},
		"Watch(nil)":              {func() error { _, err := b.Watch(nil, "a", nil); return err }, nats.ErrInvalidContext},
		"WatchAll(nil)":           {func() error { _, err := b.WatchAll(nil); return err }, nats.ErrInvalidContext},
		"WatchFiltered(nil)":      {func() error { _, err := b.WatchFiltered(nil, nil); return err }, nats.ErrInvalidContext},
		"Keys(nil)":               {func() error { _, err := b.Keys(nil); return err }, nats.ErrInvalidContext},
		"ListKeys(nil)":           {func() error { _, err := b.ListKeys(nil); return err }, nats.ErrInvalidContext},
		"ListKeysFiltered(nil)":   {func() error { _, err := b.ListKeysFiltered(nil, "a"); return err }, nats.ErrInvalidContext},
		"History(nil)":            {func() error { _, err := b.History(nil, "a", nil); return err }, nats.ErrInvalidContext},
		"PurgeDeletes(nil)":       {func() error { return b.PurgeDeletes(nil, nil) }, nats.ErrInvalidContext},
		"Status(nil)":             {func() error { _, err := b.Status(nil); return err }, nats.ErrInvalidContext},
		"KeyWatcherErr(nil)":      {func() error { return jetstream.KeyWatcherErr(none) }, nil},
		"KeyListerErr(nil)":       {func() error { return jetstream.KeyListerErr(nil) }, nil},
		"KeyTTL(-1)":              {func() error { _, err := b.Create(ctx, "t", nil, jetstream.KeyTTL(-1)); return err }, jetstream.ErrInvalidOption},
		"PurgeTTL(-1)":            {func() error { return b.Purge(ctx, "t", jetstream.PurgeTTL(-1)) }, jetstream.ErrInvalidOption},
		"Delete with a TTL":       {func() error { return b.Delete(ctx, "t", jetstream.PurgeTTL(time.Minute)) }, jetstream.ErrTTLOnDeleteNotSupported},
		"history and updates": {func() error {
			_, err := b.WatchAll(ctx, jetstream.IncludeHistory(), jetstream.UpdatesOnly())
			return err
		}, jetstream.ErrInvalidOption},
		"updates and history": {func() error {
			_, err := b.WatchAll(ctx, jetstream.UpdatesOnly(), jetstream.IncludeHistory())
			return err
		}, jetstream.ErrInvalidOption},
		"negative marker TTL": {func() error {
			_, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "c", LimitMarkerTTL: -1})
			return err
		}, jetstream.ErrInvalidOption},
		"nil source": {func() error {
			_, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "c", Sources: []*jetstream.StreamSource{nil}})
			return err
		}, jetstream.ErrInvalidOption},
		"mirror and sources": {func() error {
			_, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "c", Mirror: &jetstream.StreamSource{Name: "b"}, Sources: []*jetstream.StreamSource{{Name: "b"}}})
			return err
		}, jetstream.ErrInvalidOption},
		"older CreateKeyValue(nil)": {func() error { _, err := old.CreateKeyValue(nil); return err }, nats.ErrKeyValueConfigRequired},
		"older nil source": {func() error {
			_, err := old.CreateKeyValue(&nats.KeyValueConfig{Bucket: "c", Sources: []*nats.StreamSource{nil}})
			return err
		}, nats.ErrInvalidArg},
		"older nil context":         {func() error { _, err := ob.WatchAll(nats.Context(nil)); return err }, nats.ErrInvalidContext},
		"older PurgeDeletes":        {func() error { return ob.PurgeDeletes(nats.Context(nil)) }, nats.ErrInvalidContext},
		"older history and updates": {func() error { _, err := ob.WatchAll(nats.IncludeHistory(), nats.UpdatesOnly()); return err }, nats.ErrInvalidArg},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, name, tc.call(), tc.want) })
	}
	if s := got[jetstream.KeyValueStatus](t)(b.Status(ctx)); s.Values() != 0 {
		t.Errorf("%d values are stored, want none", s.Values())
	}
	if n := nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left, want none", n)
	}
	var zero jetstream.KeyValueBucketStatus
	_ = zero.Config()
	var oldZero nats.KeyValueBucketStatus
	_ = oldZero.Config()
}
