package test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// What goes beyond plain keys works in another domain too, where writes go through the API's prefix.
func TestKVBeyondInADomain(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t, natstest.WithConfig(func(o *server.Options) { o.JetStreamDomain = "hub" }))
	ctx := t.Context()
	js := got[jetstream.JetStream](t)(jetstream.NewWithDomain(dial(t, srv.URL()), "hub"))
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: "b", Storage: jetstream.MemoryStorage, AllowAtomicPublish: true, LimitMarkerTTL: time.Second,
	}))
	tx := jetstream.NewKeyValueTx(b)
	tx.Put("a", []byte("1"))
	tx.Create("b", []byte("2"))
	if revisions := got[[]uint64](t)(tx.Commit(ctx)); len(revisions) != 2 || revisions[1] != 2 {
		t.Errorf("revisions %v", revisions)
	}
	if found := got[map[string]jetstream.KeyValueEntry](t)(jetstream.GetValues(ctx, b, ">")); len(found) != 2 || string(found["b"].Value()) != "2" {
		t.Errorf("got %v", found)
	}
	got[uint64](t)(jetstream.PutWithTTL(ctx, b, "c", []byte("3"), time.Hour))
	cache := got[*jetstream.KeyValueCache](t)(jetstream.NewKeyValueCache(ctx, b))
	defer cache.Stop()
	if e := got[jetstream.KeyValueEntry](t)(cache.Get(ctx, "c")); string(e.Value()) != "3" {
		t.Errorf("the cache has %q", e.Value())
	}
	l := got[*jetstream.KeyValueLock](t)(jetstream.AcquireLock(ctx, b, "lock", jetstream.LockConfig{TTL: 2 * time.Second}))
	if !l.Held() {
		t.Errorf("the lock: %v", l.Err())
	}
	must(t, l.Release(ctx))
	o := got[jetstream.ObjectStore](t)(js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "o", Storage: jetstream.MemoryStorage}))
	data := noise(1, 300<<10)
	got[*jetstream.ObjectInfo](t)(o.PutBytes(ctx, "x", data))
	wantBytes(t, "an object", got[[]byte](t)(o.GetBytes(ctx, "x")), data)
	f := got[*jetstream.ObjectFile](t)(jetstream.OpenObject(ctx, o, "x"))
	part := make([]byte, 100)
	got[int](t)(f.ReadAt(part, 200<<10))
	wantBytes(t, "a range", part, data[200<<10:200<<10+100])
	must(t, f.Close())
}
