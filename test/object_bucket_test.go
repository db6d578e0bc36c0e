package test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	natsgojs "github.com/nats-io/nats.go/jetstream"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// stores are the names that each API gives of buckets, sorted, and what is behind them.
func (m *manager) stores(t *testing.T) (newer, older []string) {
	t.Helper()
	names := m.js.ObjectStoreNames(t.Context())
	for name := range names.Name() {
		newer = append(newer, name)
	}
	must(t, names.Error())
	all := m.js.ObjectStores(t.Context())
	for s := range all.Status() {
		newer = append(newer, s.Bucket()+" "+s.Description())
	}
	must(t, all.Error())
	for name := range m.old.ObjectStoreNames() {
		older = append(older, name)
	}
	for s := range m.old.ObjectStores() {
		older = append(older, s.Bucket()+" "+s.Description())
	}
	slices.Sort(newer)
	slices.Sort(older)
	return newer, older
}

// Every field of a bucket's configuration is in the bucket, and the status says so; the bucket is the one that nats.go would have made.
func TestObjectBucketsAreTheSame(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	theirs := got[*natsgo.Conn](t)(natsgo.Connect(m.srv.URL()))
	t.Cleanup(theirs.Close)
	newer := jetstream.ObjectStoreConfig{
		Bucket: "ours", Description: "d", TTL: time.Hour, MaxBytes: 1 << 20, Storage: jetstream.MemoryStorage, Replicas: 1, Compression: true,
		Metadata: map[string]string{"k": "v"},
	}
	older := nats.ObjectStoreConfig{Bucket: "old", Description: newer.Description, TTL: newer.TTL, MaxBytes: newer.MaxBytes, Storage: nats.MemoryStorage,
		Replicas: 1, Compression: true, Metadata: newer.Metadata}
	for i, v := 0, reflect.ValueOf(newer); i < v.NumField(); i++ {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Placement" {
			t.Errorf("%s is not tested", name)
		}
	}
	b := got[jetstream.ObjectStore](t)(m.js.CreateObjectStore(ctx, newer))
	o := got[nats.ObjectStore](t)(m.old.CreateObjectStore(&older))
	got[natsgojs.ObjectStore](t)(got[natsgojs.JetStream](t)(natsgojs.New(theirs)).CreateObjectStore(ctx, natsgojs.ObjectStoreConfig{
		Bucket: "theirs", Description: "d", TTL: time.Hour, MaxBytes: 1 << 20, Storage: natsgojs.MemoryStorage, Replicas: 1, Compression: true,
		Metadata: map[string]string{"k": "v"},
	}))
	config := func(bucket string) string {
		s := got[jetstream.Stream](t)(m.js.Stream(ctx, "OBJ_"+bucket))
		data, err := json.Marshal(s.CachedInfo().Config)
		must(t, err)
		return strings.ReplaceAll(string(data), bucket, "B")
	}
	want := config("theirs")
	for _, bucket := range []string{"ours", "old"} {
		if have := config(bucket); have != want {
			t.Errorf("%s: got %s, want %s", bucket, have, want)
		}
	}
	s := got[jetstream.ObjectStoreStatus](t)(b.Status(ctx))
	if s.Bucket() != "ours" || s.Description() != "d" || s.TTL() != time.Hour || s.Storage() != jetstream.MemoryStorage || s.Replicas() != 1 || s.Sealed() ||
		s.BackingStore() != "JetStream" || s.Metadata()["k"] != "v" || !s.IsCompressed() {
		t.Errorf("status: %+v", s.(*jetstream.ObjectBucketStatus).StreamInfo().Config)
	}
	os := got[nats.ObjectStoreStatus](t)(o.Status())
	if os.Bucket() != "old" || os.Description() != "d" || os.TTL() != time.Hour || os.Storage() != nats.MemoryStorage || os.Replicas() != 1 || os.Sealed() ||
		os.BackingStore() != "JetStream" || os.Metadata()["k"] != "v" || !os.IsCompressed() {
		t.Errorf("status, older API: %+v", os.(*nats.ObjectBucketStatus).StreamInfo().Config)
	}
	lists := []string{"OBJ_old", "OBJ_ours", "OBJ_theirs", "old d", "ours d", "theirs d"}
	if n, o := m.stores(t); !slices.Equal(n, lists) || !slices.Equal(o, lists) {
		t.Errorf("lists: %q, older API %q, want %q", n, o, lists)
	}
	must(t, m.js.DeleteObjectStore(ctx, "ours"))
	must(t, m.old.DeleteObjectStore("old"))
	if n, _ := m.stores(t); !slices.Equal(n, []string{"OBJ_theirs", "theirs d"}) {
		t.Errorf("after two deletions: %q", n)
	}
}

// An update changes what the configuration says, and nothing that it has no word for.
func TestObjectBucketUpdate(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	cfg := jetstream.ObjectStoreConfig{Bucket: "B", Description: "one", Metadata: map[string]string{"k": "v"}, Storage: jetstream.MemoryStorage}
	b := got[jetstream.ObjectStore](t)(m.js.CreateOrUpdateObjectStore(ctx, cfg))
	got[*jetstream.ObjectInfo](t)(b.PutString(ctx, "x", "kept"))
	stream := got[jetstream.Stream](t)(m.js.Stream(ctx, "OBJ_B")).CachedInfo().Config
	stream.AllowBatchPublish, stream.AllowMsgTTL = true, true
	got[jetstream.Stream](t)(m.js.UpdateStream(ctx, stream))
	for i, put := range []func() error{
		func() error { return second(m.js.UpdateObjectStore(ctx, cfg)) },
		func() error { return second(m.js.CreateOrUpdateObjectStore(ctx, cfg)) },
	} {
		cfg.Description, cfg.MaxBytes, cfg.Metadata = fmt.Sprint("two ", i), int64(i+1)<<20, nil
		must(t, put())
		have := got[jetstream.Stream](t)(m.js.Stream(ctx, "OBJ_B")).CachedInfo().Config
		if have.Description != cfg.Description || have.MaxBytes != cfg.MaxBytes || have.Metadata["k"] != "" {
			t.Errorf("after the update: %+v", have)
		}
		if !have.AllowBatchPublish || !have.AllowMsgTTL || !have.AllowRollup || !have.AllowDirect {
			t.Errorf("the update has switched something off: %+v", have)
		}
	}
	if s := got[string](t)(b.GetString(ctx, "x")); s != "kept" {
		t.Errorf("got %q", s)
	}
	must(t, b.Seal(ctx))
	if s := got[jetstream.ObjectStoreStatus](t)(b.Status(ctx)); !s.Sealed() {
		t.Error("it is not sealed")
	}
	if _, err := b.PutString(ctx, "y", "late"); err == nil {
		t.Error("a sealed bucket takes an object")
	}
	if s := got[string](t)(b.GetString(ctx, "x")); s != "kept" {
		t.Errorf("after sealing: got %q", s)
	}
}

// The file verbs, links and deleted objects of both APIs, each on what the other has put.
func TestObjectVerbsOfBothAPIs(t *testing.T) {
	g := withObjects(t)
	ctx := t.Context()
	old := got[nats.ObjectStore](t)(legacyJS(t, g.nc).ObjectStore("B"))
	far := got[jetstream.ObjectStore](t)(g.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "far", Storage: jetstream.MemoryStorage}))
	dir := t.TempDir()
	data := noise(1, 300<<10)
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	must(t, os.WriteFile(in, data, 0o600))
	newInfo := got[*jetstream.ObjectInfo](t)(g.b.PutFile(ctx, in))
	must(t, old.GetFile(in, out))
	wantBytes(t, "newer to older", got[[]byte](t)(os.ReadFile(out)), data)
	oldInfo := got[*nats.ObjectInfo](t)(old.PutFile(out))
	must(t, os.Remove(out))
	must(t, g.b.GetFile(ctx, out, in))
	wantBytes(t, "older to newer", got[[]byte](t)(os.ReadFile(in)), data)
	if newInfo.Digest != oldInfo.Digest || newInfo.Name != in || oldInfo.Name != out {
		t.Errorf("%+v, older API %+v", newInfo, oldInfo)
	}
	sum := sha256.Sum256(data)
	if d := got[[]byte](t)(jetstream.DecodeObjectDigest(newInfo.Digest)); !slices.Equal(d, sum[:]) {
		t.Errorf("the digest is %x, want %x", d, sum)
	}
	if d := got[[]byte](t)(nats.DecodeObjectDigest(oldInfo.Digest)); !slices.Equal(d, sum[:]) {
		t.Errorf("older API: the digest is %x, want %x", d, sum)
	}

	got[*nats.ObjectInfo](t)(old.AddLink("old link", oldInfo))
	got[*jetstream.ObjectInfo](t)(far.AddLink(ctx, "far link", newInfo))
	bucketLink := got[*nats.ObjectInfo](t)(old.AddBucketLink("old bucket link", got[nats.ObjectStore](t)(legacyJS(t, g.nc).ObjectStore("far"))))
	if l := bucketLink.Opts.Link; l.Bucket != "far" || l.Name != "" {
		t.Errorf("a link to a bucket: %+v", l)
	}
	wantBytes(t, "through the older link", got[[]byte](t)(g.b.GetBytes(ctx, "old link")), data)
	wantBytes(t, "through the far link", got[[]byte](t)(far.GetBytes(ctx, "far link")), data)
	r := got[jetstream.ObjectResult](t)(far.Get(ctx, "far link"))
	if i := got[*jetstream.ObjectInfo](t)(r.Info()); i.Bucket != "B" || i.Name != in {
		t.Errorf("the link leads to %+v", i)
	}
	must(t, r.Close())
	if _, err := g.b.Get(ctx, "old bucket link"); err != jetstream.ErrCantGetBucket {
		t.Errorf("a link to a bucket: %v", err)
	}

	must(t, old.Delete(in))
	must(t, g.b.Delete(ctx, out))
	for _, name := range []string{in, out} {
		if i := got[*nats.ObjectInfo](t)(old.GetInfo(name, nats.GetObjectInfoShowDeleted())); !i.Deleted || i.Size != 0 {
			t.Errorf("older API: %+v", i)
		}
		if i := got[*jetstream.ObjectInfo](t)(g.b.GetInfo(ctx, name, jetstream.GetObjectInfoShowDeleted())); !i.Deleted {
			t.Errorf("%+v", i)
		}
		if s := got[string](t)(g.b.GetString(ctx, name, jetstream.GetObjectShowDeleted())); s != "" {
			t.Errorf("a deleted object has %d bytes", len(s))
		}
		if s := got[string](t)(old.GetString(name, nats.GetObjectShowDeleted())); s != "" {
			t.Errorf("older API: a deleted object has %d bytes", len(s))
		}
	}
	live := got[[]*nats.ObjectInfo](t)(old.List())
	all := got[[]*nats.ObjectInfo](t)(old.List(nats.ListObjectsShowDeleted()))
	if len(live) != 2 || len(all) != 4 {
		t.Errorf("older API: %d objects, %d with deleted ones", len(live), len(all))
	}
	g.wantChunks(t)
}
