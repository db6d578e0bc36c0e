package test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// withAtomicBucket makes a bucket that allows everything.
func withAtomicBucket(t *testing.T) (*nats.Conn, jetstream.KeyValue) {
	t.Helper()
	t.Parallel()
	return withAtomicBucketAlone(t)
}

// withAtomicBucketAlone is withAtomicBucket for a test that counts allocations: nothing runs beside it.
func withAtomicBucketAlone(t *testing.T) (*nats.Conn, jetstream.KeyValue) {
	t.Helper()
	checkLeaks(t)
	srv := natstest.Run(t)
	nc := dial(t, srv.URL())
	return nc, got[jetstream.KeyValue](t)(newJS(t, nc).CreateKeyValue(t.Context(), jetstream.KeyValueConfig{
		Bucket: "b", History: 5, LimitMarkerTTL: time.Second, AllowAtomicPublish: true, Storage: jetstream.MemoryStorage,
	}))
}

func TestKVGetValues(t *testing.T) {
	_, b := withAtomicBucket(t)
	ctx := t.Context()
	puts(t, newBucket{t, b}, "a=1", "b.x=2", "b.y=3", "a=4", "c=5", "c-")
	for want, keys := range map[string][]string{
		"[a=4@4]": {"a", "c", "z"}, "[b.x=2@2 b.y=3@3]": {"b.*"}, "[a=4@4 b.x=2@2 b.y=3@3]": {">"}, "[a=4@4 b.y=3@3]": {"a", "b.y", "a"}, "[]": {"z"},
	} {
		found := got[map[string]jetstream.KeyValueEntry](t)(jetstream.GetValues(ctx, b, keys...))
		var have []string
		for key, e := range found {
			one, _ := newEntry(e, nil)
			if key != one.key || one.created.IsZero() || one.bucket != "b" {
				t.Errorf("%q: got %+v", key, one)
			}
			have = append(have, one.String())
		}
		slices.Sort(have)
		if fmt.Sprint(have) != want {
			t.Errorf("%q: got %v, want %s", keys, have, want)
		}
	}
	for name, tc := range map[string]struct {
		err  error
		want error
	}{
		"no keys":     {second(jetstream.GetValues(ctx, b)), nats.ErrInvalidArg},
		"bad key":     {second(jetstream.GetValues(ctx, b, "a b")), jetstream.ErrInvalidKey},
		"no bucket":   {second(jetstream.GetValues(ctx, nil, "a")), nats.ErrInvalidArg},
		"nil context": {second(jetstream.GetValues(nil, b, "a")), nats.ErrInvalidContext},
	} {
		wantError(t, name, tc.err, tc.want)
	}
}

func TestKVTransactions(t *testing.T) {
	_, b := withAtomicBucket(t)
	ctx := t.Context()
	v := newBucket{t, b}
	puts(t, v, "alice=100", "bob=100", "gone=1")
	w := watch(t, v, watchHow{updates: true})
	tx := jetstream.NewKeyValueTx(b)
	tx.Update("alice", []byte("70"), 1)
	tx.Update("bob", []byte("130"), 2)
	tx.Create("log.1", []byte("30"))
	tx.Put("last", []byte("1"))
	tx.Delete("gone", 3)
	if tx.Len() != 5 {
		t.Errorf("got %d writes, want 5", tx.Len())
	}
	if revs := got[[]uint64](t)(tx.Commit(ctx)); !slices.Equal(revs, []uint64{4, 5, 6, 7, 8}) {
		t.Errorf("got revisions %v", revs)
	}
	w.wants(t, "alice=70@4", "bob=130@5", "log.1=30@6", "last=1@7", "gone-@8")
	_, err := tx.Commit(ctx)
	wantError(t, "again", err, jetstream.ErrBatchClosed)

	for name, spoil := range map[string]func(tx *jetstream.KeyValueTx){
		"update": func(tx *jetstream.KeyValueTx) { tx.Update("bob", nil, 2) },
		"create": func(tx *jetstream.KeyValueTx) { tx.Create("bob", nil) },
		"delete": func(tx *jetstream.KeyValueTx) { tx.Delete("bob", 2) },
	} {
		for _, first := range []bool{true, false} {
			tx := jetstream.NewKeyValueTx(b)
			if first {
				spoil(tx)
			}
			tx.Put("alice", []byte("lost"))
			if !first {
				spoil(tx)
			}
			_, err := tx.Commit(ctx)
			wantError(t, name, err, jetstream.ErrKeyRevisionMismatch)
			var failed *jetstream.BatchError
			if !errors.As(err, &failed) || failed.MayBeStored {
				t.Errorf("%s: got %v, want a batch that is not stored", name, err)
			}
		}
	}
	if e := got[entry](t)(v.get("alice")); e.value != "70" {
		t.Errorf("got %v: half a transaction was stored", e)
	}
	bad := jetstream.NewKeyValueTx(b)
	bad.Put("a b", nil)
	bad.Put("c", nil)
	_, err = bad.Commit(ctx)
	wantError(t, "bad key", err, jetstream.ErrInvalidKey)
	_, err = jetstream.NewKeyValueTx(b).Commit(ctx)
	wantError(t, "empty", err, nats.ErrInvalidArg)
	none := jetstream.NewKeyValueTx(nil)
	none.Put("a", nil)
	_, err = none.Commit(ctx)
	wantError(t, "no bucket", err, nats.ErrInvalidArg)
	_, err = new(jetstream.KeyValueTx).Commit(ctx)
	wantError(t, "zero value", err, nats.ErrInvalidArg)
	last := jetstream.NewKeyValueTx(b)
	last.Put("a", nil)
	_, err = last.Commit(nil)
	wantError(t, "nil context", err, nats.ErrInvalidContext)
}

func TestKVTTLOfWrites(t *testing.T) {
	nc, _ := withAtomicBucket(t)
	ctx := t.Context()
	b := got[jetstream.KeyValue](t)(newJS(t, nc).CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "h", LimitMarkerTTL: time.Minute, Storage: jetstream.MemoryStorage}))
	w := watch(t, newBucket{t, b}, watchHow{updates: true})
	rev := got[uint64](t)(jetstream.PutWithTTL(ctx, b, "a", []byte("1"), time.Hour))
	rev = got[uint64](t)(jetstream.UpdateWithTTL(ctx, b, "a", []byte("2"), rev, time.Second))
	got[uint64](t)(jetstream.PutWithTTL(ctx, b, "b", []byte("3"), 0))
	for w.next(t) != "b=3@3" { // entries that were replaced may be gone
	}
	w.wants(t, "a--@4")
	_, err := jetstream.PutWithTTL(ctx, b, "a", nil, -1)
	wantError(t, "negative", err, jetstream.ErrInvalidOption)
	_, err = jetstream.UpdateWithTTL(ctx, b, "a", nil, rev, time.Second)
	wantError(t, "old revision", err, jetstream.ErrKeyRevisionMismatch)
	_, err = jetstream.PutWithTTL(ctx, nil, "a", nil, 0)
	wantError(t, "no bucket", err, nats.ErrInvalidArg)
	_, err = jetstream.UpdateWithTTL(ctx, nil, "a", nil, 0, 0)
	wantError(t, "no bucket", err, nats.ErrInvalidArg)
}
