package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// The context bounds and cancels the first connect, whatever it is in the middle of.
func TestConnectContextEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		fault func(p *natstest.Proxy)
		opts  []nats.Option
		also  error
	}{
		"nobody answers":     {fault: func(p *natstest.Proxy) { p.HalfHandshake(natstest.NoInfo) }},
		"half a handshake":   {fault: func(p *natstest.Proxy) { p.HalfHandshake(natstest.NoPong) }},
		"nobody listens":     {fault: func(p *natstest.Proxy) { p.Refuse() }, opts: []nats.Option{nats.RetryOnFailedConnect(true)}, also: nats.ErrNoServers},
		"resilient":          {fault: func(p *natstest.Proxy) { p.Refuse() }, opts: []nats.Option{nats.Resilient()}, also: nats.ErrNoServers},
		"resilient, silence": {fault: func(p *natstest.Proxy) { p.HalfHandshake(natstest.NoInfo) }, opts: []nats.Option{nats.Resilient()}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			tc.fault(proxy)
			const limit = 400 * time.Millisecond
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			began := time.Now()
			nc, err := nats.ConnectContext(ctx, proxy.URL(), append(tc.opts, nats.Timeout(time.Minute), silent())...)
			if nc != nil || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, %v, want nothing and %v", nc, err, context.DeadlineExceeded)
			}
			if tc.also != nil && !errors.Is(err, tc.also) {
				t.Errorf("got %v, want it to say why: %v", err, tc.also)
			}
			if took := time.Since(began); took < limit || took > limit+250*time.Millisecond {
				t.Errorf("took %v, want %v", took, limit)
			}
		})
	}
}

func TestConnectContextCancelled(t *testing.T) {
	srv := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if nc, err := nats.ConnectContext(ctx, srv.URL()); nc != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: got %v, %v", nc, err)
	}
	//lint:ignore SA1012 nil is refused
	if nc, err := nats.ConnectContext(nil, srv.URL()); nc != nil || err != nats.ErrInvalidContext {
		t.Errorf("without a context: got %v, %v", nc, err)
	}
	if n := srv.Embedded().NumClients(); n != 0 {
		t.Errorf("%d clients at the server, want none", n)
	}
}

// It waits for the link where Connect would return without one, and afterwards the context has no effect.
func TestConnectContextWaitsForTheLink(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	proxy.Refuse()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	failed := make(chan struct{}, 1000)
	type result struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		nc, err := nats.ConnectContext(ctx, proxy.URL(), nats.Resilient(), silent(),
			nats.ReconnectErrHandler(func(*nats.Conn, error) { failed <- struct{}{} }))
		done <- result{nc, err}
	}()
	eventually(t, "an attempt", func() bool { return true })
	must(t, proxy.Heal())
	r := await(t, "the connection", done)
	must(t, r.err)
	defer r.nc.Close()
	if s := r.nc.Status(); s != nats.CONNECTED {
		t.Errorf("status %v, want %v", s, nats.CONNECTED)
	}
	cancel()
	must(t, r.nc.Flush())
}

// Servers that accept and say nothing cost a quarter of a second each, not their timeout.
func TestSilentServers(t *testing.T) {
	for name, mode := range map[string]natstest.Handshake{"no INFO": natstest.NoInfo, "no PONG": natstest.NoPong} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			dead1, dead2, good := natstest.NewProxy(t, srv.URL()), natstest.NewProxy(t, srv.URL()), natstest.NewProxy(t, srv.URL())
			dead1.HalfHandshake(mode)
			dead2.HalfHandshake(mode)
			var j journal
			list := fmt.Sprintf("%s,%s,%s", dead1.URL(), dead2.URL(), good.URL())
			var nc *nats.Conn
			// A dial each 250 ms, on a machine that has time; one after the other it would be 4 s.
			within(t, "connect", 2*time.Second, func() { nc = dial(t, list, nats.DontRandomize(), recordEvents(&j)) })
			if got := nc.ConnectedAddr(); got != good.Addr() {
				t.Fatalf("connected to %s, want %s", got, good.Addr())
			}
			good.Cut()
			within(t, "reconnect", 2*time.Second, func() {
				eventually(t, "the reconnect", func() bool { return slices.Contains(j.all(), "reconnected") })
			})
		})
	}
}
