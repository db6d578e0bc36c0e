package test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// event is a reader that does something once, when so many bytes were read.
type event struct {
	r    io.Reader
	left int
	do   func() error
}

func (e *event) Read(b []byte) (int, error) {
	if e.left <= 0 && e.do != nil {
		do := e.do
		e.do = nil
		if err := do(); err != nil {
			return 0, err
		}
	}
	n, err := e.r.Read(b[:min(len(b), max(e.left, 1<<10))])
	e.left -= n
	return n, err
}

// A put that fails leaves the old object, and nothing of the new one.
func TestObjectPutFails(t *testing.T) {
	broken := errors.New("the reader breaks")
	for name, tc := range map[string]struct {
		after int
		do    func(cancel context.CancelFunc, g *objectStage) error
		want  error
	}{
		"the reader at once":           {0, func(context.CancelFunc, *objectStage) error { return broken }, broken},
		"the reader in the first":      {1000, func(context.CancelFunc, *objectStage) error { return broken }, broken},
		"the reader later":             {700 << 10, func(context.CancelFunc, *objectStage) error { return broken }, broken},
		"the context later":            {700 << 10, func(cancel context.CancelFunc, _ *objectStage) error { cancel(); return nil }, context.Canceled},
		"the context in the first":     {1000, func(cancel context.CancelFunc, _ *objectStage) error { cancel(); return nil }, context.Canceled},
		"the context of a full window": {6 << 20, func(cancel context.CancelFunc, _ *objectStage) error { cancel(); return nil }, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			g := withObjects(t)
			old := got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", noise(1, 300<<10)))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := &event{r: bytes.NewReader(noise(2, 8<<20)), left: tc.after, do: func() error { return tc.do(cancel, g) }}
			info, err := g.b.Put(ctx, jetstream.ObjectMeta{Name: "x"}, r)
			if info != nil || err != tc.want {
				t.Errorf("got %v, %v, want %v", info, err, tc.want)
			}
			g.wantSoon(t, old)
			now := got[*jetstream.ObjectInfo](t)(g.b.GetInfo(t.Context(), "x"))
			if now.NUID != old.NUID {
				t.Error("the old object is gone")
			}
		})
	}
}

// wantSoon is wantChunks for what may still be removed in the background, or be on its way to the stream: a message that the stream refuses goes
// behind it.
func (g *objectStage) wantSoon(t testing.TB, infos ...*jetstream.ObjectInfo) {
	t.Helper()
	eventually(t, "what was sent to arrive", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := g.js.Publish(ctx, "$O.B.C.behind", nil, jetstream.WithExpectStream("another"))
		var refused *jetstream.APIError
		return errors.As(err, &refused)
	})
	eventually(t, "orphans to be removed", func() bool { return len(g.chunks(t)) == len(infos) })
	g.wantChunks(t, infos...)
}

// However slowly a chunk is read, its reader is not asked again once the context or the connection has ended.
func TestObjectPutEndsBetweenReads(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(cancel context.CancelFunc, g *objectStage)
		want error
	}{
		"context":    {func(cancel context.CancelFunc, _ *objectStage) { cancel() }, context.Canceled},
		"connection": {func(_ context.CancelFunc, g *objectStage) { g.nc.Close() }, nats.ErrConnectionClosed},
	} {
		t.Run(name, func(t *testing.T) {
			g := withObjects(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			late := 0
			r := iotest.OneByteReader(&event{r: bytes.NewReader(noise(1, 100<<10)), left: 1000, do: func() error { late++; tc.end(cancel, g); return nil }})
			info, err := g.b.Put(ctx, jetstream.ObjectMeta{Name: "x"}, &counter{r, &late})
			if info != nil || err != tc.want || late != 1 {
				t.Errorf("got %v, %v after %d further reads, want %v after none", info, err, late-1, tc.want)
			}
		})
	}
}

// counter counts the reads behind the first one that is counted.
type counter struct {
	r io.Reader
	n *int
}

func (c *counter) Read(b []byte) (int, error) {
	if *c.n > 0 {
		*c.n++
	}
	return c.r.Read(b)
}

// A reader that panics: the panic is the caller's, the chunks are not.
func TestObjectPutPanics(t *testing.T) {
	g := withObjects(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = g.b.Put(t.Context(), jetstream.ObjectMeta{Name: "x"}, &event{r: bytes.NewReader(noise(1, 1<<20)), left: 600 << 10, do: func() error { panic("reader") }})
	}()
	g.wantSoon(t)
}

// A bucket that is full refuses, and what was stored until then goes.
func TestObjectPutRefused(t *testing.T) {
	g := withObjects(t)
	b := got[jetstream.ObjectStore](t)(g.js.UpdateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: "B", MaxBytes: 1 << 20}))
	_, err := b.PutBytes(t.Context(), "x", noise(1, 3<<20))
	var refused *jetstream.APIError
	if !errors.As(err, &refused) {
		t.Errorf("got %v, want a refusal", err)
	}
	g.wantSoon(t)
}

// The link is cut in every phase of a put: before, in a frame, between chunks, behind the last chunk, at the meta message.
func TestObjectPutSurvivesCuts(t *testing.T) {
	data := noise(3, 3<<20)
	for name, at := range map[string]func(p *natstest.Proxy){
		"after 1 byte":    func(p *natstest.Proxy) { p.CutAfter(1, natstest.ClientToServer) },
		"in the first":    func(p *natstest.Proxy) { p.CutAfter(70<<10, natstest.ClientToServer) },
		"in the middle":   func(p *natstest.Proxy) { p.CutAfter(1500<<10, natstest.ClientToServer) },
		"at the end":      func(p *natstest.Proxy) { p.CutAfter(3<<20+1000, natstest.ClientToServer) },
		"acks, the first": func(p *natstest.Proxy) { p.CutAfter(300, natstest.ServerToClient) },
		"acks, later":     func(p *natstest.Proxy) { p.CutAfter(1500, natstest.ServerToClient) },
		"the rollup":      func(p *natstest.Proxy) { p.CutOnMatch([]byte("Nats-Rollup"), natstest.ClientToServer) },
		"the purge":       func(p *natstest.Proxy) { p.CutOnMatch([]byte("STREAM.PURGE"), natstest.ClientToServer) },
	} {
		t.Run(name, func(t *testing.T) {
			g, p := withObjectProxy(t)
			got[*jetstream.ObjectInfo](t)(g.b.PutBytes(t.Context(), "x", noise(1, 300<<10)))
			at(p)
			info, err := g.b.PutBytes(t.Context(), "x", data)
			must(t, err)
			g.wantChunks(t, info)
			g.wantStored(t, info, data)
		})
	}
}

// wantStored reads the chunks of an object one by one, and compares.
func (g *objectStage) wantStored(t testing.TB, info *jetstream.ObjectInfo, want []byte) {
	t.Helper()
	var all []byte
	for seq := uint64(1); ; {
		m, err := g.admin.GetMsg(context.Background(), seq, jetstream.WithGetMsgSubject("$O.B.C."+info.NUID))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		must(t, err)
		all = append(all, m.Data...)
		seq = m.Sequence + 1
	}
	wantBytes(t, "stored", all, want)
}

func TestObjectPutOverShortLinks(t *testing.T) {
	g, p := withObjectProxy(t)
	g.putOverShortLinks(t, p)
}

// putOverShortLinks: the links live half a second and are slow; every chunk arrives, once, in order.
func (g *objectStage) putOverShortLinks(t *testing.T, p *natstest.Proxy) {
	t.Helper()
	p.Lifetime(200*time.Millisecond, 500*time.Millisecond)
	p.Rate(30 << 20)
	data := noise(4, 24<<20)
	info, err := g.b.PutBytes(t.Context(), "x", data)
	must(t, err)
	g.wantSoon(t, info)
	g.wantStored(t, info, data)
	if g.nc.Stats().Reconnects == 0 {
		t.Error("no link broke")
	}
}

// A put over a black hole ends with its context, in time, and is cleaned up when there is a link.
func TestObjectPutInABlackHole(t *testing.T) {
	g, p := withObjectProxy(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	r := &event{r: bytes.NewReader(noise(1, 8<<20)), left: 600 << 10, do: func() error { p.Hole(natstest.Both); return nil }}
	began := time.Now()
	_, err := g.b.Put(ctx, jetstream.ObjectMeta{Name: "x"}, r)
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 1300*time.Millisecond {
		t.Errorf("got %v after %v, want %v after 1s", err, took, context.DeadlineExceeded)
	}
	p.Heal()
	g.wantSoon(t)
}

// Close ends a put.
func TestObjectPutAtClose(t *testing.T) {
	g := withObjects(t)
	r := &event{r: bytes.NewReader(noise(1, 8<<20)), left: 600 << 10, do: func() error { g.nc.Close(); return nil }}
	if _, err := g.b.Put(t.Context(), jetstream.ObjectMeta{Name: "x"}, r); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("got %v, want %v", err, nats.ErrConnectionClosed)
	}
}
