package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

type account struct{ Owner, Balance string }

func TestKVTyped(t *testing.T) {
	_, b := withAtomicBucket(t)
	ctx := t.Context()
	kv := got[*jetstream.TypedKV[account]](t)(jetstream.NewTypedKV(b, jetstream.JSONCodec[account]()))
	rev := got[uint64](t)(kv.Create(ctx, "a", account{"alice", "1"}))
	rev = got[uint64](t)(kv.Update(ctx, "a", account{"alice", "2"}, rev))
	got[uint64](t)(kv.Put(ctx, "b", account{"bob", "3"}))
	e := got[jetstream.TypedEntry[account]](t)(kv.Get(ctx, "a"))
	if e.Value != (account{"alice", "2"}) || e.Key != "a" || e.Revision != rev || e.Created.IsZero() || e.Entry == nil {
		t.Errorf("got %+v", e)
	}
	_, err := kv.Get(ctx, "z")
	wantError(t, "absent", err, jetstream.ErrKeyNotFound)
	got[uint64](t)(kv.KeyValue().Put(ctx, "junk", []byte("{")))
	if e, err := kv.Get(ctx, "junk"); err == nil || e.Err != err || string(e.Entry.Value()) != "{" {
		t.Errorf("junk: got %+v, %v", e, err)
	}
	must(t, b.Delete(ctx, "b"))
	var seen []string
	done := errors.New("done")
	err = kv.Watch(ctx, ">", func(e *jetstream.TypedEntry[account]) error {
		if e == nil {
			return done
		}
		seen = append(seen, fmt.Sprintf("%s %s %v %v", e.Key, e.Value.Owner, e.Operation == jetstream.KeyValuePut, e.Err != nil))
		return nil
	})
	if want := []string{"a alice true false", "junk  true true", "b  false false"}; err != done || !slices.Equal(seen, want) {
		t.Errorf("watched %q, %v, want %q, %v", seen, err, want, done)
	}
	wantError(t, "no function", kv.Watch(ctx, ">", nil), jetstream.ErrHandlerRequired)
	_, err = jetstream.NewTypedKV[int](nil, jetstream.JSONCodec[int]())
	wantError(t, "no bucket", err, nats.ErrInvalidArg)
	_, err = jetstream.NewTypedKV[int](b, jetstream.KeyValueCodec[int]{})
	wantError(t, "no codec", err, nats.ErrInvalidArg)
	bad := got[*jetstream.TypedKV[chan int]](t)(jetstream.NewTypedKV(b, jetstream.JSONCodec[chan int]()))
	if _, err := bad.Put(ctx, "c", make(chan int)); err == nil {
		t.Error("a channel was encoded")
	}
}

// Writers that modify the same key at the same time lose nothing of each other.
func TestKVModify(t *testing.T) {
	_, b := withAtomicBucket(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kv := got[*jetstream.TypedKV[int]](t)(jetstream.NewTypedKV(b, jetstream.JSONCodec[int]()))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				if _, err := kv.Modify(ctx, "n", func(n int, _ bool) (int, error) { return n + 1, nil }); err != nil {
					t.Errorf("modify: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if e := got[jetstream.TypedEntry[int]](t)(kv.Get(ctx, "n")); e.Value != 40 {
		t.Errorf("got %d, want 40", e.Value)
	}
	no := errors.New("no")
	_, err := kv.Modify(ctx, "n", func(int, bool) (int, error) { return 0, no })
	wantError(t, "refused", err, no)
	_, err = kv.Modify(nil, "n", func(int, bool) (int, error) { return 0, nil })
	wantError(t, "nil context", err, nats.ErrInvalidContext)
}

func TestKVCache(t *testing.T) {
	nc, b := withAtomicBucket(t)
	ctx := t.Context()
	puts(t, newBucket{t, b}, "a=1", "x.b=2", "c=3", "c-")
	c := got[*jetstream.KeyValueCache](t)(jetstream.NewKeyValueCache(ctx, b))
	defer c.Stop()
	part := got[*jetstream.KeyValueCache](t)(jetstream.NewKeyValueCache(ctx, b, "x.*"))
	defer part.Stop()
	value := func(c *jetstream.KeyValueCache, key string) string {
		e, err := c.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return "none"
		}
		must(t, err)
		return string(e.Value())
	}
	for key, want := range map[string]string{"a": "1", "x.b": "2", "c": "none", "z": "none"} {
		if got := value(c, key); got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
		if got := value(part, key); got != want {
			t.Errorf("%s, of a part: got %s, want %s", key, got, want)
		}
	}
	if c.Len() != 2 || part.Len() != 1 {
		t.Errorf("got %d and %d keys, want 2 and 1", c.Len(), part.Len())
	}
	// What is written through it can be read at once, every time.
	for i := range 500 {
		want := fmt.Sprint(i)
		got[uint64](t)(c.Put(ctx, "own", []byte(want)))
		if got := value(c, "own"); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		if i%100 == 99 {
			got[uint64](t)(c.Delete(ctx, "own"))
			if got := value(c, "own"); got != "none" {
				t.Fatalf("deleted: got %s", got)
			}
			got[uint64](t)(c.Create(ctx, "own", []byte("again")))
		}
	}
	got[uint64](t)(b.Put(ctx, "a", []byte("9")))
	eventually(t, "what others write", func() bool { return value(c, "a") == "9" })
	must(t, b.Purge(ctx, "a"))
	eventually(t, "what others delete", func() bool { return value(c, "a") == "none" })
	_, err := c.Update(ctx, "x.b", []byte("no"), 99)
	wantError(t, "update", err, jetstream.ErrKeyRevisionMismatch)
	if got := value(c, "x.b"); got != "2" {
		t.Errorf("got %s of a write that failed, want 2", got)
	}
	c.Stop()
	c.Stop()
	if c.Err() != nil || value(c, "x.b") != "2" {
		t.Errorf("stopped: got %v", c.Err())
	}
	_, err = jetstream.NewKeyValueCache(ctx, nil)
	wantError(t, "no bucket", err, nats.ErrInvalidArg)
	_, err = jetstream.NewKeyValueCache(nil, b)
	wantError(t, "nil context", err, nats.ErrInvalidContext)
	_, err = jetstream.NewKeyValueCache(ctx, b, "a b")
	wantError(t, "bad filter", err, jetstream.ErrInvalidKey)
	nc.Close()
	eventually(t, "the end", func() bool { return part.Err() == nats.ErrConnectionClosed })
}

func TestKVCacheAllocs(t *testing.T) {
	_, b := withAtomicBucketAlone(t)
	ctx := t.Context()
	got[uint64](t)(b.Put(ctx, "a", []byte("1")))
	c := got[*jetstream.KeyValueCache](t)(jetstream.NewKeyValueCache(ctx, b))
	defer c.Stop()
	if n := testing.AllocsPerRun(1000, func() { _, _ = c.Get(ctx, "a") }); n != 0 {
		t.Errorf("got %v allocations a hit, want none", n)
	}
	// The best of several rounds: others may have the processor in between.
	best := time.Hour
	for range 10 {
		const runs = 20_000
		begin := time.Now()
		for range runs {
			_, _ = c.Get(ctx, "a")
		}
		best = min(best, time.Since(begin)/runs)
	}
	t.Logf("%v a hit", best)
	if best >= 300*time.Nanosecond && slower == 1 {
		t.Errorf("a hit takes %v, want less than 300ns", best)
	}
}
