package test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	natsgo "github.com/nats-io/nats.go"
	natsgojs "github.com/nats-io/nats.go/jetstream"
)

// foreign are buckets b as nats.go sees them, in the newer and the older API.
type foreign struct {
	newer natsgojs.KeyValue
	older natsgo.KeyValue
}

func withForeign(t *testing.T, srv *natstest.Server, name string) foreign {
	t.Helper()
	nc, err := natsgo.Connect(srv.URL())
	must(t, err)
	t.Cleanup(nc.Close)
	js := got[natsgojs.JetStream](t)(natsgojs.New(nc))
	old := got[natsgo.JetStreamContext](t)(nc.JetStream())
	return foreign{got[natsgojs.KeyValue](t)(js.KeyValue(t.Context(), name)), got[natsgo.KeyValue](t)(old.KeyValue(name))}
}

// foreignEntry is what both of its APIs have.
type foreignEntry interface {
	Key() string
	Value() []byte
	Revision() uint64
}

func foreignText(e foreignEntry, op int) string {
	return entry{key: e.Key(), value: string(e.Value()), revision: e.Revision(), op: uint8(op)}.String()
}

// What one library writes the other one reads, in all four combinations of APIs, markers and history included.
func TestKVInteroperates(t *testing.T) {
	eachKV(t, kvConfig{history: 10}, func(t *testing.T, g *kvStage) {
		ctx := t.Context()
		f := withForeign(t, g.srv, "b")
		ours := watch(t, g.b, watchHow{})
		theirs := got[natsgojs.KeyWatcher](t)(f.newer.WatchAll(ctx))
		t.Cleanup(func() { _ = theirs.Stop() })
		ours.wants(t, mark)
		if e := await(t, "the mark", theirs.Updates()); e != nil {
			t.Errorf("theirs: got %v, want the mark", e)
		}
		want := []string{}
		step := func(text string, write func() error) {
			t.Helper()
			must(t, write())
			want = append(want, text)
			ours.wants(t, text)
			if e := await(t, text, theirs.Updates()); foreignText(e, int(e.Operation())) != text {
				t.Errorf("theirs: got %s, want %s", foreignText(e, int(e.Operation())), text)
			}
		}
		step("a=1@1", func() error { _, err := g.b.put("a", "1"); return err })
		step("a=2@2", func() error { _, err := f.newer.Update(ctx, "a", []byte("2"), 1); return err })
		step("a=3@3", func() error { _, err := g.b.update("a", "3", 2); return err })
		step("a=4@4", func() error { _, err := f.older.Update("a", []byte("4"), 3); return err })
		step("a-@5", func() error { return g.b.remove("a", false, 4) })
		step("a=6@6", func() error { _, err := f.newer.Create(ctx, "a", []byte("6")); return err })
		step("a-@7", func() error { return f.older.Delete("a", natsgo.LastRevision(6)) })
		step("a=8@8", func() error { _, err := g.b.create("a", "8"); return err })
		if have := texts(got[[]entry](t)(g.b.history("a"))); !slices.Equal(have, want) {
			t.Errorf("our history: got %q, want %q", have, want)
		}
		var have []string
		for _, e := range got[[]natsgojs.KeyValueEntry](t)(f.newer.History(ctx, "a")) {
			have = append(have, foreignText(e, int(e.Operation())))
		}
		if !slices.Equal(have, want) {
			t.Errorf("their history: got %q, want %q", have, want)
		}
		step("a--@9", func() error { return g.b.remove("a", true, 8) })
		step("b=x@10", func() error { _, err := f.older.PutString("b", "x"); return err })
		step("b--@11", func() error { return f.newer.Purge(ctx, "b") })
		step("c=y@12", func() error { _, err := g.b.put("c", "y"); return err })
		if keys := got[[]string](t)(g.b.keys(watchHow{})); !slices.Equal(keys, []string{"c"}) {
			t.Errorf("our keys: got %q", keys)
		}
		if keys := got[[]string](t)(f.newer.Keys(ctx)); !slices.Equal(keys, []string{"c"}) {
			t.Errorf("their keys: got %q", keys)
		}
		must(t, f.older.PurgeDeletes(natsgo.DeleteMarkersOlderThan(-1)))
		if n := got[uint64](t)(g.b.values()); n != 1 {
			t.Errorf("%d entries are left, want 1", n)
		}
	})
}

// A bucket that one library has created can be created by the other: the streams are the same.
func TestKVBucketsAreTheSame(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	ctx := t.Context()
	js := newJS(t, dial(t, srv.URL()))
	nc := got[*natsgo.Conn](t)(natsgo.Connect(srv.URL()))
	t.Cleanup(nc.Close)
	theirs := got[natsgojs.JetStream](t)(natsgojs.New(nc))
	for i, cfg := range []jetstream.KeyValueConfig{
		{},
		{History: 64, TTL: time.Hour, MaxBytes: 1 << 20, MaxValueSize: 1000, Description: "d", Compression: true},
		{TTL: time.Second, LimitMarkerTTL: time.Minute, Metadata: map[string]string{"a": "b"}, Storage: jetstream.MemoryStorage},
		{Mirror: &jetstream.StreamSource{Name: "ours0"}},
		{Sources: []*jetstream.StreamSource{{Name: "ours0"}, {Name: "KV_ours1"}}},
		{RePublish: &jetstream.RePublish{Source: ">", Destination: "re.>"}},
	} {
		config := func(name string) natsgojs.KeyValueConfig {
			c := natsgojs.KeyValueConfig{
				Bucket: name, History: cfg.History, TTL: cfg.TTL, MaxBytes: cfg.MaxBytes, MaxValueSize: cfg.MaxValueSize, Description: cfg.Description,
				Compression: cfg.Compression, LimitMarkerTTL: cfg.LimitMarkerTTL, Metadata: cfg.Metadata, Storage: natsgojs.StorageType(cfg.Storage),
			}
			if cfg.Mirror != nil {
				c.Mirror = &natsgojs.StreamSource{Name: cfg.Mirror.Name}
			}
			for _, s := range cfg.Sources {
				c.Sources = append(c.Sources, &natsgojs.StreamSource{Name: s.Name})
			}
			if cfg.RePublish != nil {
				c.RePublish = &natsgojs.RePublish{Source: cfg.RePublish.Source, Destination: fmt.Sprintf("re%d.>", i)}
			}
			return c
		}
		ours := cfg
		ours.Bucket = fmt.Sprint("ours", i)
		if cfg.RePublish != nil {
			ours.RePublish = &jetstream.RePublish{Source: cfg.RePublish.Source, Destination: fmt.Sprintf("re%d.>", i)}
		}
		_, err := js.CreateKeyValue(ctx, ours)
		must(t, err)
		if _, err := theirs.CreateKeyValue(ctx, config(ours.Bucket)); err != nil {
			t.Errorf("%d: theirs after ours: %v", i, err)
		}
		if i == 3 {
			continue // a mirror can be had once
		}
		c := config(fmt.Sprint("theirs", i))
		if c.RePublish != nil {
			c.RePublish.Destination = "other.>"
		}
		_, err = theirs.CreateKeyValue(context.WithoutCancel(ctx), c)
		must(t, err)
		ours.Bucket = c.Bucket
		if c.RePublish != nil {
			ours.RePublish.Destination = c.RePublish.Destination
		}
		if _, err := js.CreateKeyValue(ctx, ours); err != nil {
			t.Errorf("%d: ours after theirs: %v", i, err)
		}
	}
}
