package test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
)

func TestLegacyPublishAsync(t *testing.T) {
	g := withLegacy(t)
	const n = 500
	futures := make([]nats.PubAckFuture, n)
	for i := range futures {
		futures[i] = got[nats.PubAckFuture](t)(g.js.PublishAsync("s.a", fmt.Append(nil, i), nats.MsgId(fmt.Sprint(i))))
	}
	await(t, "all acks", g.js.PublishAsyncComplete())
	if left := g.js.PublishAsyncPending(); left != 0 {
		t.Errorf("%d publishes pending, want none", left)
	}
	for i, f := range futures {
		ack, err := legacyEnd(t, f)
		must(t, err)
		if m := f.Msg(); ack.Sequence != uint64(i+1) || string(m.Data) != fmt.Sprint(i) || m.Header.Get(nats.MsgIdHdr) != fmt.Sprint(i) || m.Subject != "s.a" {
			t.Fatalf("message %d: sequence %d, %q, header %v", i, ack.Sequence, m.Data, m.Header)
		}
	}
	m := nats.NewMsg("s.b")
	f := got[nats.PubAckFuture](t)(g.js.PublishMsgAsync(m, nats.MsgId("own")))
	if _, err := legacyEnd(t, f); err != nil || f.Msg() != m || m.Header.Get(nats.MsgIdHdr) != "own" {
		t.Errorf("got %p, %v, header %v, want the caller's message %p with its id", f.Msg(), err, m.Header, m)
	}
}

func TestLegacyPublishAsyncRetries(t *testing.T) {
	g := withLegacy(t)
	for _, tc := range []struct {
		name  string
		opts  []nats.PubOpt
		times uint64
		took  time.Duration
	}{
		{"by default none", nil, 1, 0},
		{"three at once", []nats.PubOpt{nats.RetryAttempts(3)}, 4, 0},
		{"three with pauses", []nats.PubOpt{nats.RetryAttempts(3), nats.RetryWait(100 * time.Millisecond)}, 4, 300 * time.Millisecond},
	} {
		began := time.Now()
		n := published(g.nc, func() {
			f := got[nats.PubAckFuture](t)(g.js.PublishAsync("none", nil, tc.opts...))
			if _, err := legacyEnd(t, f); err != nats.ErrNoResponders {
				t.Errorf("%s: got %v, want %v", tc.name, err, nats.ErrNoResponders)
			}
		})
		wantTook(t, tc.name, time.Since(began), tc.took)
		if n != tc.times {
			t.Errorf("%s: %d publishes, want %d", tc.name, n, tc.times)
		}
	}
}

// TestLegacyPublishAsyncEnds lets futures end in every way but with an ack.
func TestLegacyPublishAsyncEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end  func(g *legacyStage, js nats.JetStreamContext)
		want error
	}{
		"timeout":   {func(*legacyStage, nats.JetStreamContext) {}, nats.ErrAsyncPublishTimeout},
		"cleanup":   {func(_ *legacyStage, js nats.JetStreamContext) { js.CleanupPublisher() }, nats.ErrJetStreamPublisherClosed},
		"link lost": {func(g *legacyStage, _ nats.JetStreamContext) { _ = g.nc.ForceReconnect() }, nats.ErrDisconnected},
		"close":     {func(g *legacyStage, _ nats.JetStreamContext) { g.nc.Close() }, nats.ErrConnectionClosed},
		"drain":     {func(g *legacyStage, _ nats.JetStreamContext) { _ = g.nc.Drain() }, nats.ErrConnectionClosed},
	} {
		t.Run(name, func(t *testing.T) {
			g := withLegacy(t, quickly(), silent())
			other := dial(t, g.srv.URL())
			_ = subscribeSync(t, other, "silent")
			var mu sync.Mutex
			told := map[string]error{}
			var js nats.JetStreamContext
			opts := []nats.JSOpt{nats.PublishAsyncErrHandler(func(of nats.JetStream, m *nats.Msg, err error) {
				_ = of.PublishAsyncPending() // a handler may call everything
				_ = of.PublishAsyncComplete()
				mu.Lock()
				defer mu.Unlock()
				told[string(m.Data)] = err
			})}
			if name == "timeout" {
				opts = append(opts, nats.PublishAsyncTimeout(200*time.Millisecond))
			}
			js = legacyJS(t, g.nc, opts...)
			var futures []nats.PubAckFuture
			for i := range 10 {
				futures = append(futures, got[nats.PubAckFuture](t)(js.PublishAsync("silent", fmt.Append(nil, i))))
			}
			must(t, g.nc.Flush())
			complete := js.PublishAsyncComplete()
			tc.end(g, js)
			for i, f := range futures {
				if _, err := legacyEnd(t, f); err != tc.want {
					t.Errorf("future %d: got %v, want %v", i, err, tc.want)
				}
			}
			await(t, "the end of all", complete)
			mu.Lock()
			defer mu.Unlock()
			for i := range futures {
				if err := told[fmt.Sprint(i)]; err != tc.want {
					t.Errorf("the handler was told of %d: %v, want %v", i, err, tc.want)
				}
			}
			if js.PublishAsyncPending() != 0 {
				t.Errorf("%d publishes pending", js.PublishAsyncPending())
			}
			if name == "cleanup" {
				f := got[nats.PubAckFuture](t)(js.PublishAsync("s.a", nil))
				if _, err := legacyEnd(t, f); err != nil {
					t.Errorf("after the cleanup: %v", err)
				}
			}
		})
	}
}

func TestLegacyPublishAsyncStall(t *testing.T) {
	g := withLegacy(t)
	_ = subscribeSync(t, g.nc, "silent")
	js := legacyJS(t, g.nc, nats.PublishAsyncMaxPending(2))
	for range 2 {
		_ = got[nats.PubAckFuture](t)(js.PublishAsync("silent", nil))
	}
	for name, tc := range map[string]struct {
		opts []nats.PubOpt
		took time.Duration
	}{
		"default": {nil, 200 * time.Millisecond},
		"short":   {[]nats.PubOpt{nats.StallWait(50 * time.Millisecond)}, 50 * time.Millisecond},
	} {
		began := time.Now()
		_, err := js.PublishAsync("silent", nil, tc.opts...)
		wantTook(t, name, time.Since(began), tc.took)
		if err != nats.ErrTooManyStalledMsgs {
			t.Errorf("%s: got %v, want %v", name, err, nats.ErrTooManyStalledMsgs)
		}
	}
	if n := js.PublishAsyncPending(); n != 2 {
		t.Errorf("%d publishes pending, want 2", n)
	}
}

// TestLegacyPublishAgain publishes again, from the handler, what could not be published.
func TestLegacyPublishAgain(t *testing.T) {
	g := withLegacy(t)
	again := make(chan nats.PubAckFuture, 1)
	js := legacyJS(t, g.nc, nats.PublishAsyncErrHandler(func(js nats.JetStream, m *nats.Msg, err error) {
		if err != nats.ErrNoResponders {
			t.Errorf("got %v, want %v", err, nats.ErrNoResponders)
		}
		m.Subject = "s.a"
		f, err := js.PublishMsgAsync(m)
		if err != nil {
			t.Error(err)
		}
		again <- f
	}))
	_ = got[nats.PubAckFuture](t)(js.PublishMsgAsync(nats.NewMsg("none")))
	if _, err := legacyEnd(t, await(t, "the second publish", again)); err != nil {
		t.Error(err)
	}
}
