package test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// counted follows a watch of keys whose values count 1, 2, 3 … one write a key: every number comes once, in order.
type counted struct {
	t    testing.TB
	w    jetstream.KeyWatcher
	last atomic.Int64
	done chan struct{}
}

func follow(t testing.TB, w jetstream.KeyWatcher) *counted {
	c := &counted{t: t, w: w, done: make(chan struct{})}
	go c.run()
	t.Cleanup(func() { _ = w.Stop(); <-c.done })
	return c
}

func (c *counted) run() {
	defer close(c.done)
	for e := range c.w.Updates() {
		if e == nil {
			continue
		}
		n, err := strconv.ParseInt(string(e.Value()), 10, 64)
		if last := c.last.Load(); err != nil || n != last+1 || e.Key() != fmt.Sprint("k", n) {
			c.t.Errorf("behind %d came %s=%s", last, e.Key(), e.Value())
			return
		}
		c.last.Store(n)
	}
}

func (c *counted) wants(n int64) {
	c.t.Helper()
	eventually(c.t, fmt.Sprint("entry ", n), func() bool { return c.last.Load() >= n })
}

// counts writes key n with the value n, over and over, until stop is called, which returns the last n.
func counts(t testing.TB, b jetstream.KeyValue) (stop func() int64) {
	t.Helper()
	end, done := make(chan struct{}), make(chan int64, 1)
	go func() {
		n := int64(0)
		defer func() { done <- n }()
		for {
			select {
			case <-end:
				return
			default:
			}
			if !putUntil(b, n+1, end) {
				return
			}
			n++
		}
	}()
	var once atomic.Bool
	stop = func() int64 {
		if !once.Swap(true) {
			close(end)
		}
		n := <-done
		done <- n
		return n
	}
	t.Cleanup(func() { stop() })
	return stop
}

// putUntil creates key n however often that takes: it may have been stored when it failed.
func putUntil(b jetstream.KeyValue, n int64, end <-chan struct{}) bool {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		_, err := b.Create(ctx, fmt.Sprint("k", n), fmt.Append(nil, n))
		cancel()
		if err == nil || errors.Is(err, jetstream.ErrKeyExists) {
			return true
		}
		select {
		case <-end:
			return false
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A watch gets every entry once, in order, whatever happens to the link.
func TestKVWatchOverABadLink(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(t *testing.T, p *natstest.Proxy){
		"cuts": func(_ *testing.T, p *natstest.Proxy) { p.Cut() },
		"cuts in a frame": func(t *testing.T, p *natstest.Proxy) {
			p.CutAfter(1000, natstest.ServerToClient)
			<-time.After(100 * time.Millisecond)
			must(t, p.Heal())
		},
		"lost frames": func(t *testing.T, p *natstest.Proxy) {
			p.Hole(natstest.ServerToClient)
			<-time.After(50 * time.Millisecond)
			must(t, p.Heal()) // which cuts the link
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			srv := natstest.Run(t)
			p := natstest.NewProxy(t, srv.URL())
			ctx := t.Context()
			js := newJS(t, dial(t, p.URL(), quickly(), silent()))
			steady := got[jetstream.KeyValue](t)(newJS(t, dial(t, srv.URL())).CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.MemoryStorage}))
			b := got[jetstream.KeyValue](t)(js.KeyValue(ctx, "b"))
			c := follow(t, got[jetstream.KeyWatcher](t)(b.WatchAll(context.WithoutCancel(ctx))))
			stop := counts(t, steady)
			for range 5 {
				at := c.last.Load()
				c.wants(at + 50)
				fault(t, p)
			}
			c.wants(stop())
		})
	}
}

// The silence after a restart of 0.4 s, with default options, is at most a second.
func TestKVWatchServerRestarts(t *testing.T) {
	t.Parallel()
	for name, api := range kvAPIs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			srv := natstest.Run(t)
			g := kvStageAt(t, srv, srv.URL(), api, kvConfig{file: true}, silent())
			w := watch(t, g.b, watchHow{})
			w.wants(t, mark)
			puts(t, g.b, "a=1")
			w.wants(t, "a=1@1")
			must(t, srv.Stop())
			<-time.After(400 * time.Millisecond)
			must(t, srv.Restart(true))
			within(t, "the next entry", time.Second, func() {
				puts(t, got[bucket](t)(api.open(t, dial(t, srv.URL()), "b")), "b=2")
				w.wants(t, "b=2@2")
			})
		})
	}
}

// Nothing is lost, doubled or out of order while leaders step down and servers restart.
func TestKVWatchInACluster(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	if testing.Short() {
		t.Skip("three servers that restart take 20 s")
	}
	c := natstest.Cluster(t, 3)
	ctx := t.Context()
	nc := dial(t, c.URL(), quickly(), silent())
	writer := dial(t, c.URL(), quickly(), silent())
	cfg := jetstream.KeyValueConfig{Bucket: "b", Replicas: 3}
	steady := got[jetstream.KeyValue](t)(newJS(t, writer).CreateKeyValue(ctx, cfg))
	b := got[jetstream.KeyValue](t)(newJS(t, nc).KeyValue(ctx, "b"))
	f := follow(t, got[jetstream.KeyWatcher](t)(b.WatchAll(context.WithoutCancel(ctx))))
	stop := counts(t, steady)
	f.wants(50)
	for range 3 {
		must(t, c.StepDown("KV_b"))
		f.wants(f.last.Load() + 50)
	}
	for _, srv := range c.Servers() {
		must(t, srv.Restart(true))
		must(t, c.WaitCurrent("KV_b"))
		f.wants(f.last.Load() + 50)
	}
	n := stop()
	f.wants(n)
	eventually(t, "all keys", func() bool { // a list is read from one replica, which may be behind
		return len(got[[]string](t)(b.Keys(ctx))) == int(n)
	})
}

// Lists and histories end in time when the server does not answer.
func TestKVListsOnADeadLink(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	p := natstest.NewProxy(t, srv.URL())
	nc := dial(t, p.URL(), quickly(), silent())
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(500*time.Millisecond))
	must(t, err)
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.MemoryStorage}))
	ob := got[nats.KeyValue](t)(legacyJS(t, nc, nats.MaxWait(500*time.Millisecond)).KeyValue("b"))
	got[uint64](t)(b.Put(t.Context(), "a", nil))
	p.Hole(natstest.ServerToClient)
	for name, tc := range map[string]struct {
		call func() error
		want error
		took time.Duration
	}{
		"keys":    {func() error { _, err := b.Keys(context.Background()); return err }, context.DeadlineExceeded, 500 * time.Millisecond},
		"history": {func() error { _, err := b.History(context.Background(), "a"); return err }, context.DeadlineExceeded, 500 * time.Millisecond},
		"purge":   {func() error { return b.PurgeDeletes(context.Background()) }, context.DeadlineExceeded, 500 * time.Millisecond},
		"get":     {func() error { _, err := b.Get(context.Background(), "a"); return err }, context.DeadlineExceeded, 500 * time.Millisecond},
		"put":     {func() error { _, err := b.Put(context.Background(), "a", nil); return err }, context.DeadlineExceeded, 500 * time.Millisecond},
		"with a deadline": {func() error {
			short, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			_, err := b.Keys(short)
			return err
		}, context.DeadlineExceeded, 200 * time.Millisecond},
		"older keys": {func() error { _, err := ob.Keys(); return err }, context.DeadlineExceeded, 500 * time.Millisecond},
		"older get":  {func() error { _, err := ob.Get("a"); return err }, context.DeadlineExceeded, 500 * time.Millisecond},
		"older put":  {func() error { _, err := ob.Put("a", nil); return err }, nats.ErrTimeout, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin := time.Now()
			wantError(t, name, tc.call(), tc.want)
			if took := time.Since(begin); took > tc.took+250*time.Millisecond {
				t.Errorf("took %v, want %v", took, tc.took)
			}
		})
	}
}
