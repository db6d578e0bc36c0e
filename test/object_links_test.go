package test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// pattern is a large object that takes no memory: its bytes follow from their places.
type pattern struct{ at, size int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.at == p.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), p.size-p.at))
	for i := range n {
		b[i] = patternAt(p.at + int64(i))
	}
	p.at += int64(n)
	return n, nil
}

func patternAt(i int64) byte { return byte(i ^ i>>8 ^ i>>16*7) }

// patternCheck compares what is written with a pattern.
type patternCheck struct{ at int64 }

func (p *patternCheck) Write(b []byte) (int, error) {
	for i := range b {
		if b[i] != patternAt(p.at+int64(i)) {
			return i, fmt.Errorf("byte %d is %d, want %d", p.at+int64(i), b[i], patternAt(p.at+int64(i)))
		}
	}
	p.at += int64(len(b))
	return len(b), nil
}

// putAndGet puts and gets a large object over links that live 0.5 to 1.5 seconds, in fast batches or not.
func putAndGet(t *testing.T, size int64, rate int, batches bool) {
	t.Helper()
	checkLeaks(t)
	srv := natstest.Run(t, natstest.AsProcess()) // its memory is not ours
	p := natstest.NewProxy(t, srv.URL())
	g := objectStageAt(t, srv, p.URL(), quickly(), silent())
	tap := dial(t, srv.URL())
	if batches {
		g.batching(t, newJS(t, tap), true)
	}
	var acks atomic.Int64 // that speak of a batch
	sub := got[*nats.Subscription](t)(tap.Subscribe("_INBOX.>", func(m *nats.Msg) {
		if strings.HasSuffix(m.Subject, ".$FI") {
			acks.Add(1)
		}
	}))
	must(t, tap.Flush())
	p.Lifetime(500*time.Millisecond, 1500*time.Millisecond)
	p.Rate(rate)
	sum := sha256.New()
	info, err := g.b.Put(t.Context(), jetstream.ObjectMeta{Name: "large"}, io.TeeReader(&pattern{size: size}, sum))
	must(t, err)
	must(t, sub.Unsubscribe())
	if want := jetstream.GetObjectDigestValue(sum); info.Size != uint64(size) || info.Digest != want {
		t.Errorf("%d bytes, digest %s, want %d, %s", info.Size, info.Digest, size, want)
	}
	if have := acks.Load(); have > 0 != batches {
		t.Errorf("%d answers to batches, want some: %t", have, batches)
	}
	g.wantSoon(t, info)
	put := g.nc.Stats().Reconnects
	r := got[jetstream.ObjectResult](t)(g.b.Get(t.Context(), "large"))
	var check patternCheck
	if n, err := io.Copy(&check, r); n != size || err != nil {
		t.Errorf("got %d bytes of %d, %v", n, size, err)
	}
	if put == 0 || g.nc.Stats().Reconnects == put {
		t.Errorf("%d links broke during the put, %d in all", put, g.nc.Stats().Reconnects)
	}
	t.Logf("%d MiB, %d links", size>>20, g.nc.Stats().Reconnects)
}

func TestObjectOverShortLinks(t *testing.T) {
	t.Parallel()
	putAndGet(t, 64<<20, 40<<20, false)
}

// TestObjectSoak is the same with a larger object, and bounds the memory that the client and the proxy take. It runs when GANNET_SOAK is set:
// it takes half a minute each way.
func TestObjectSoak(t *testing.T) {
	if os.Getenv("GANNET_SOAK") == "" {
		t.Skip("SKIPPED: a 256 MiB object over short links; set GANNET_SOAK=1 to run it")
	}
	for name, batches := range map[string]bool{"chunk by chunk": false, "in fast batches": true} {
		t.Run(name, func(t *testing.T) { objectSoak(t, batches) })
	}
}

func objectSoak(t *testing.T, batches bool) {
	t.Helper()
	runtime.GC() // what the one before left
	before, stop := liveHeap(), make(chan struct{})
	most := make(chan uint64)
	go func() {
		top := uint64(0)
		defer func() { most <- top }()
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-tick.C:
				top = max(top, liveHeap())
			case <-stop:
				tick.Stop()
				return
			}
		}
	}()
	putAndGet(t, 256<<20, 40<<20, batches)
	close(stop)
	grown := int64(<-most) - int64(before)
	t.Logf("the heap grew by %.1f MiB", float64(grown)/(1<<20))
	if grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB, want 64 at most", grown>>20)
	}
}

// liveHeap is what objects take, garbage included, in bytes.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// The links break, and the object is got byte for byte, in both APIs.
func TestObjectGetSurvivesCuts(t *testing.T) {
	data := noise(3, 6<<20)
	for name, at := range map[string]func(p *natstest.Proxy){
		"in the first":  func(p *natstest.Proxy) { p.CutAfter(70<<10, natstest.ServerToClient) },
		"in the middle": func(p *natstest.Proxy) { p.CutAfter(3<<20, natstest.ServerToClient) },
		"at the end":    func(p *natstest.Proxy) { p.CutAfter(6<<20, natstest.ServerToClient) },
	} {
		t.Run(name, func(t *testing.T) {
			g, p := withObjectProxy(t)
			old := got[nats.ObjectStore](t)(legacyJS(t, g.nc).ObjectStore("B"))
			got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", data))
			at(p)
			wantBytes(t, "new", got[[]byte](t)(g.b.GetBytes(t.Context(), "x")), data)
			at(p)
			wantBytes(t, "old", got[[]byte](t)(old.GetBytes("x")), data)
		})
	}
}

// A black hole in the middle of a read with a deadline: the read ends with it.
func TestObjectGetInABlackHole(t *testing.T) {
	g, p := withObjectProxy(t)
	got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", noise(1, 64<<20)))
	p.Rate(20 << 20)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	r := got[jetstream.ObjectResult](t)(g.b.Get(ctx, "x"))
	_, err := io.ReadFull(r, make([]byte, 1<<20))
	must(t, err)
	p.Hole(natstest.Both)
	_, err = io.Copy(io.Discard, r)
	if took := time.Since(began); err != nats.ErrTimeout || took > 1250*time.Millisecond {
		t.Errorf("got %v after %v, want %v after 1s", err, took, nats.ErrTimeout)
	}
	p.Heal()
}

// The server goes, and comes back, while an object is written and read.
func TestObjectSurvivesRestart(t *testing.T) {
	g := withObjects(t)
	nc := dial(t, g.srv.URL(), quickly(), silent())
	b := got[jetstream.ObjectStore](t)(newJS(t, nc).ObjectStore(t.Context(), "B"))
	data := noise(1, 4<<20)
	r := &event{r: bytes.NewReader(data), left: 2 << 20, do: func() error { return g.srv.Restart(true) }}
	_, err := b.Put(t.Context(), jetstream.ObjectMeta{Name: "x"}, r)
	must(t, err)
	o := got[jetstream.ObjectResult](t)(b.Get(t.Context(), "x"))
	first := make([]byte, 1<<20)
	_, err = io.ReadFull(o, first)
	must(t, err)
	must(t, g.srv.Restart(true))
	rest, err := io.ReadAll(o)
	must(t, err)
	wantBytes(t, "the object", append(first, rest...), data)
}
