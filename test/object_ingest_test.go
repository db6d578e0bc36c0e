package test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	natsgojs "github.com/nats-io/nats.go/jetstream"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// batching switches fast batches of the bucket's stream on or off, and opens the bucket again.
func (g *objectStage) batching(t *testing.T, steady jetstream.JetStream, on bool) {
	t.Helper()
	cfg := got[*jetstream.StreamInfo](t)(g.admin.Info(t.Context())).Config
	cfg.AllowBatchPublish = on
	got[jetstream.Stream](t)(steady.UpdateStream(t.Context(), cfg))
	g.b = got[jetstream.ObjectStore](t)(g.js.ObjectStore(t.Context(), "B"))
}

// withBatches is withObjectProxy with fast batches.
func withBatches(t *testing.T) (*objectStage, *natstest.Proxy, *chunkTap) {
	t.Helper()
	g, p := withObjectProxy(t)
	steady := dial(t, g.srv.URL())
	g.batching(t, newJS(t, steady), true)
	return g, p, tapChunks(t, steady)
}

// chunkTap sees what publishers send on the subjects of chunks.
type chunkTap struct {
	nc   *nats.Conn
	subs []*nats.Subscription
	mu   sync.Mutex

	singly, batched, starts int // chunks with an ack each, in batches, and the batches
	answers                 int // of batches
}

func tapChunks(t *testing.T, nc *nats.Conn) *chunkTap {
	t.Helper()
	c := &chunkTap{nc: nc}
	c.subs = []*nats.Subscription{
		got[*nats.Subscription](t)(nc.Subscribe("$O.B.C.>", c.chunk)),
		got[*nats.Subscription](t)(nc.Subscribe("_INBOX.>", c.answer)),
	}
	must(t, nc.Flush())
	return c
}

func (c *chunkTap) chunk(m *nats.Msg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case m.Header.Get("Nats-Msg-Id") == "": // pings, ends, and what goes behind a failed put
	case !strings.HasSuffix(m.Reply, ".$FI"):
		c.singly++
	default:
		c.batched++
		if strings.HasSuffix(m.Reply, ".1.0.$FI") {
			c.starts++
		}
	}
}

func (c *chunkTap) answer(m *nats.Msg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.HasSuffix(m.Subject, ".$FI") {
		c.answers++
	}
}

// seen is what was seen until now, and begins anew.
func (c *chunkTap) seen(t *testing.T) (singly, batched, starts, answers int) {
	t.Helper()
	must(t, c.nc.Flush())
	for _, sub := range c.subs {
		eventually(t, "the tap to be read", func() bool {
			n, _, err := sub.Pending()
			return err == nil && n == 0
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.singly, c.batched, c.starts, c.answers = 0, 0, 0, 0 }()
	return c.singly, c.batched, c.starts, c.answers
}

// wantObject checks description, chunks and bytes of an object.
func (g *objectStage) wantObject(t *testing.T, info *jetstream.ObjectInfo, data []byte) {
	t.Helper()
	sum := sha256.New()
	sum.Write(data)
	const chunk = 128 << 10
	if want := jetstream.GetObjectDigestValue(sum); info.Digest != want || info.Size != uint64(len(data)) || info.Chunks != uint32((len(data)+chunk-1)/chunk) {
		t.Errorf("%s: got %+v, want %d bytes, digest %s", info.Name, info, len(data), want)
	}
	g.wantStored(t, info, data)
	wantBytes(t, info.Name, got[[]byte](t)(g.b.GetBytes(t.Context(), info.Name)), data)
}

// Objects of any size are the same with batches; large ones are batched, small ones need fewer round trips without.
func TestObjectBatchSizes(t *testing.T) {
	g, _, tap := withBatches(t)
	const chunk = 128 << 10
	var all []*jetstream.ObjectInfo
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 4*chunk - 1, 4 * chunk, 4*chunk + 1, 5 << 20} {
		data := noise(uint64(size), size)
		info := got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), fmt.Sprint(size), data))
		g.wantObject(t, info, data)
		all = append(all, info)
		singly, batched, starts, answers := tap.seen(t)
		if info.Chunks < 4 {
			if singly != int(info.Chunks) || batched != 0 {
				t.Errorf("%d bytes: %d chunks went singly, %d in batches, want all of %d singly", size, singly, batched, info.Chunks)
			}
			continue
		}
		// On a busy machine acks are slow, and one batch follows another: its end is a remainder that goes singly.
		if starts == 0 || batched+singly != int(info.Chunks) || batched < 4 {
			t.Errorf("%d bytes: %d chunks went singly, %d in %d batches, want %d together", size, singly, batched, starts, info.Chunks)
		}
		if most := batched/2 + 3*starts; answers > most {
			t.Errorf("%d bytes: %d answers to %d chunks in %d batches, want %d at most", size, answers, batched, starts, most)
		}
	}
	g.wantChunks(t, all...)
}

// The link is cut in every phase of a batch. Chunks are in the stream once each, in order.
func TestObjectBatchSurvivesCuts(t *testing.T) {
	data := noise(3, 3<<20)
	for name, at := range map[string]func(p *natstest.Proxy){
		"in the first":         func(p *natstest.Proxy) { p.CutAfter(70<<10, natstest.ClientToServer) },
		"in the second":        func(p *natstest.Proxy) { p.CutAfter(200<<10, natstest.ClientToServer) },
		"in the middle":        func(p *natstest.Proxy) { p.CutAfter(1500<<10, natstest.ClientToServer) },
		"at the end":           func(p *natstest.Proxy) { p.CutAfter(3<<20+1000, natstest.ClientToServer) },
		"answers, the first":   func(p *natstest.Proxy) { p.CutOnMatch([]byte("$FI"), natstest.ServerToClient) },
		"answers, later":       func(p *natstest.Proxy) { p.CutAfter(1500, natstest.ServerToClient) },
		"the commit":           func(p *natstest.Proxy) { p.CutOnMatch([]byte(".3.$FI"), natstest.ClientToServer) },
		"the commit's answer":  func(p *natstest.Proxy) { p.CutOnMatch([]byte(`"batch":`), natstest.ServerToClient) },
		"the first and second": func(p *natstest.Proxy) { p.CutAfter(100<<10, natstest.Both) },
	} {
		t.Run(name, func(t *testing.T) {
			g, p, tap := withBatches(t)
			at(p)
			info, err := g.b.PutBytes(t.Context(), "x", data)
			must(t, err)
			g.wantSoon(t, info)
			g.wantObject(t, info, data)
			// Of a batch of which the server knows nothing yet nothing is resumed.
			if singly, batched, _, _ := tap.seen(t); batched == 0 && !strings.Contains(name, "first") {
				t.Errorf("no chunk went in a batch, %d singly", singly)
			}
		})
	}
}

func TestObjectBatchOverShortLinks(t *testing.T) {
	g, p, _ := withBatches(t)
	g.putOverShortLinks(t, p)
}

// Over a long way there is more under way, in a second batch; over a very long one chunks go singly.
func TestObjectBatchFarAway(t *testing.T) {
	for name, tc := range map[string]struct {
		delay  time.Duration
		size   int
		starts int
	}{
		"far":      {10 * time.Millisecond, 8 << 20, 2},
		"very far": {150 * time.Millisecond, 2 << 20, 1},
	} {
		t.Run(name, func(t *testing.T) {
			g, p, tap := withBatches(t)
			p.Delay(tc.delay, 0)
			data := noise(9, tc.size)
			info := got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", data))
			g.wantStored(t, info, data)
			if singly, batched, starts, _ := tap.seen(t); starts != tc.starts {
				t.Errorf("%d chunks went singly, %d in %d batches, want %d batches", singly, batched, starts, tc.starts)
			}
		})
	}
}

// A server that restarts has forgotten the batch: message ids help.
func TestObjectBatchOverRestarts(t *testing.T) {
	g, _, tap := withBatches(t)
	data := noise(5, 4<<20)
	r := &event{r: bytes.NewReader(data), left: len(data) / 2, do: func() error { return g.srv.Restart(true) }}
	info, err := g.b.Put(t.Context(), jetstream.ObjectMeta{Name: "x"}, r)
	must(t, err)
	g.wantSoon(t, info)
	g.wantObject(t, info, data)
	if singly, batched, _, _ := tap.seen(t); batched == 0 { // of what came after the restart the tap may have missed something
		t.Errorf("no chunk went in a batch, %d singly", singly)
	}
}

// New leaders in the middle of a batch, and links that are cut at the same time.
func TestObjectBatchOverLeaders(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cl := natstest.Cluster(t, 3)
	nc := dial(t, cl.URL(), quickly(), silent())
	g := &objectStage{nc: nc, js: newJS(t, nc)}
	got[jetstream.ObjectStore](t)(g.js.CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: "B", Replicas: 3}))
	g.admin = got[jetstream.Stream](t)(g.js.Stream(t.Context(), "OBJ_B"))
	g.batching(t, g.js, true)
	tap := tapChunks(t, nc)
	data := noise(6, 6<<20)
	for i, do := range []func() error{
		func() error { return cl.StepDown("OBJ_B") },
		func() error { defer nc.ForceReconnect(); return cl.StepDown("OBJ_B") },
	} {
		again := &event{r: bytes.NewReader(data), left: len(data) / 4, do: do}
		info := got[*jetstream.ObjectInfo](t)(g.b.Put(t.Context(), jetstream.ObjectMeta{Name: fmt.Sprint(i)}, &event{r: again, left: len(data) / 2, do: do}))
		g.wantStored(t, info, data)
	}
	tap.mu.Lock()
	defer tap.mu.Unlock()
	if tap.batched == 0 {
		t.Errorf("no chunk went in a batch, %d singly", tap.singly)
	}
}

// A put that fails in a batch leaves the old object, and nothing of the new one.
func TestObjectBatchFails(t *testing.T) {
	broken := errors.New("the reader breaks")
	for name, tc := range map[string]struct {
		after int
		do    func(cancel context.CancelFunc, g *objectStage) error
		want  error
	}{
		"the reader before the batch": {300 << 10, func(context.CancelFunc, *objectStage) error { return broken }, broken},
		"the reader in the batch":     {2 << 20, func(context.CancelFunc, *objectStage) error { return broken }, broken},
		"the context":                 {2 << 20, func(cancel context.CancelFunc, _ *objectStage) error { cancel(); return nil }, context.Canceled},
		"the connection":              {2 << 20, func(_ context.CancelFunc, g *objectStage) error { g.nc.Close(); return nil }, nats.ErrConnectionClosed},
		"a panic":                     {2 << 20, func(context.CancelFunc, *objectStage) error { panic(broken) }, broken},
	} {
		t.Run(name, func(t *testing.T) {
			g, _, _ := withBatches(t)
			old := got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", noise(1, 900<<10)))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			subs := g.nc.NumSubscriptions()
			info, err := func() (info *jetstream.ObjectInfo, err error) {
				defer func() {
					if p := recover(); p != nil {
						err = p.(error)
					}
				}()
				r := &event{r: bytes.NewReader(noise(2, 8<<20)), left: tc.after, do: func() error { return tc.do(cancel, g) }}
				return g.b.Put(ctx, jetstream.ObjectMeta{Name: "x"}, r)
			}()
			if info != nil || !errors.Is(err, tc.want) {
				t.Errorf("got %v, %v, want %v", info, err, tc.want)
			}
			if n := g.nc.NumSubscriptions(); n > subs {
				t.Errorf("%d subscriptions are left", n-subs)
			}
			if name == "the connection" {
				return // nobody can remove anything
			}
			g.wantSoon(t, old)
		})
	}
}

// Where a stream does not take batches, or no more of them, chunks go singly and nobody notices.
func TestObjectBatchRefused(t *testing.T) {
	data := noise(7, 3<<20)
	t.Run("switched off", func(t *testing.T) {
		g, _, tap := withBatches(t)
		cfg := got[*jetstream.StreamInfo](t)(g.admin.Info(t.Context())).Config
		cfg.AllowBatchPublish = false
		got[jetstream.Stream](t)(newJS(t, tap.nc).UpdateStream(t.Context(), cfg))
		for i, starts := range []int{1, 0} { // the handle remembers it
			info := got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), fmt.Sprint(i), data))
			g.wantObject(t, info, data)
			if singly, batched, _, _ := tap.seen(t); singly != int(info.Chunks) || batched != starts {
				t.Errorf("put %d: %d chunks went singly, %d in batches, want %d and %d", i, singly, batched, info.Chunks, starts)
			}
		}
	})
	t.Run("switched off in the middle", func(t *testing.T) {
		g, _, tap := withBatches(t)
		cfg := got[*jetstream.StreamInfo](t)(g.admin.Info(t.Context())).Config
		cfg.AllowBatchPublish = false
		js := newJS(t, tap.nc)
		r := &event{r: bytes.NewReader(data), left: 1 << 20, do: func() error { _, err := js.UpdateStream(context.Background(), cfg); return err }}
		info := got[*jetstream.ObjectInfo](t)(g.b.Put(t.Context(), jetstream.ObjectMeta{Name: "x"}, r))
		g.wantSoon(t, info)
		g.wantObject(t, info, data)
	})
	t.Run("too many", func(t *testing.T) {
		t.Parallel()
		checkLeaks(t)
		srv := natstest.Run(t, natstest.WithConfig(func(o *server.Options) { o.JetStreamLimits.MaxBatchInflightPerStream = 1 }))
		g := objectStageAt(t, srv, srv.URL())
		steady := dial(t, srv.URL())
		g.batching(t, newJS(t, steady), true)
		in := newIngest(t, g.js)
		must(t, in.Publish(t.Context(), "$O.B.C.other", nil)) // takes the only place
		eventually(t, "the other batch", func() bool { return g.chunks(t)["$O.B.C.other"] == 1 })
		tap := tapChunks(t, steady)
		info := got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", data))
		g.wantObject(t, info, data)
		if singly, _, _, _ := tap.seen(t); singly != int(info.Chunks) {
			t.Errorf("%d chunks went singly, want %d", singly, info.Chunks)
		}
	})
	t.Run("the stream is full", func(t *testing.T) {
		g, _, tap := withBatches(t)
		cfg := got[*jetstream.StreamInfo](t)(g.admin.Info(t.Context())).Config
		cfg.MaxBytes = 2 << 20
		got[jetstream.Stream](t)(newJS(t, tap.nc).UpdateStream(t.Context(), cfg))
		_, err := g.b.PutBytes(t.Context(), "x", data)
		var refused *jetstream.APIError
		if !errors.As(err, &refused) {
			t.Errorf("got %v, want a refusal", err)
		}
		g.wantSoon(t)
	})
}

// nats.go reads what was put in batches, and replaces it.
func TestObjectBatchInterop(t *testing.T) {
	g, _, tap := withBatches(t)
	theirs := got[*natsgo.Conn](t)(natsgo.Connect(g.srv.URL()))
	t.Cleanup(theirs.Close)
	theirOld := got[natsgo.ObjectStore](t)(got[natsgo.JetStreamContext](t)(theirs.JetStream()).ObjectStore("B"))
	theirNew := got[natsgojs.ObjectStore](t)(got[natsgojs.JetStream](t)(natsgojs.New(theirs)).ObjectStore(t.Context(), "B"))
	ourOld := got[nats.ObjectStore](t)(legacyJS(t, g.nc).ObjectStore("B"))
	data := noise(8, 3<<20+1)
	for name, put := range map[string]func() error{
		"new": func() error { return second(g.b.PutBytes(t.Context(), "new", data)) },
		"old": func() error { return second(ourOld.PutBytes("old", data)) },
	} {
		must(t, put())
		if _, batched, _, _ := tap.seen(t); batched == 0 {
			t.Errorf("%s: no chunk went in a batch", name)
		}
		wantBytes(t, name+" by them, new", got[[]byte](t)(theirNew.GetBytes(t.Context(), name)), data)
		wantBytes(t, name+" by them, old", got[[]byte](t)(theirOld.GetBytes(name)), data)
	}
	must(t, second(theirNew.PutString(t.Context(), "new", "theirs")))
	must(t, theirNew.Delete(t.Context(), "old"))
	g.wantChunks(t, got[*jetstream.ObjectInfo](t)(g.b.GetInfo(t.Context(), "new")))
}
