package test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// limited is a context with so much time.
func limited(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// Everything that had arrived is handled, everything that was published arrives, also what the callbacks publish meanwhile.
func TestShutdownFinishes(t *testing.T) {
	srv := start(t)
	other := dial(t, srv.URL())
	answers := subscribeSync(t, other, "done")
	var j journal
	nc := dial(t, srv.URL(), recordEvents(&j))
	const messages = 200
	var handled atomic.Int32
	got[*nats.Subscription](t)(nc.Subscribe("work", func(m *nats.Msg) {
		<-time.After(time.Millisecond)
		handled.Add(1)
		if err := nc.Publish("done", m.Data); err != nil {
			t.Errorf("publish in a callback: %v", err)
		}
	}))
	must(t, nc.Flush())
	for range messages {
		must(t, other.Publish("work", []byte("x")))
	}
	must(t, other.Flush())
	eventually(t, "the first message", func() bool { return handled.Load() > 0 })
	must(t, nc.Shutdown(limited(t, patience)))
	if !nc.IsClosed() || handled.Load() != messages {
		t.Errorf("closed %v, %d messages handled, want all %d", nc.IsClosed(), handled.Load(), messages)
	}
	for range messages {
		next(t, answers)
	}
	eventually(t, "the closed handler", func() bool { return j.has("closed") })
	if errs := j.errors(); len(errs) != 0 {
		t.Errorf("told of %v", errs)
	}
	if err := nc.Shutdown(t.Context()); err != nats.ErrConnectionClosed {
		t.Errorf("once more: got %v, want %v", err, nats.ErrConnectionClosed)
	}
}

func TestShutdownRefuses(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	//lint:ignore SA1012 nil is refused
	if err := nc.Shutdown(nil); err != nats.ErrInvalidContext || nc.IsClosed() {
		t.Errorf("without a context: %v, closed %v", err, nc.IsClosed())
	}
	if err := (*nats.Conn)(nil).Shutdown(t.Context()); err != nats.ErrInvalidConnection {
		t.Errorf("of nil: %v", err)
	}
	if err := new(nats.Conn).Shutdown(t.Context()); err != nats.ErrInvalidConnection {
		t.Errorf("of a zero Conn: %v", err)
	}
}

// Without a link it waits for one; what was buffered is not lost. The same when the link is cut meanwhile, again and again.
func TestShutdownWaitsForTheLink(t *testing.T) {
	for name, cuts := range map[string]int{"reconnecting": 0, "cut again": 3} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			l := newLedger(t, srv, proxy.URL())
			l.size = 500
			proxy.Refuse()
			proxy.Cut()
			eventually(t, "the disconnect", l.nc.IsReconnecting)
			l.publish(2000)
			done := make(chan error, 1)
			go func() { done <- l.nc.Shutdown(limited(t, patience)) }()
			eventually(t, "the drain", l.nc.IsDraining)
			for range cuts {
				must(t, proxy.Heal())
				before := proxy.Stats().Cut
				proxy.CutAfter(100_000, natstest.ClientToServer)
				eventually(t, "a cut", func() bool { return proxy.Stats().Cut > before || l.nc.IsClosed() })
			}
			must(t, proxy.Heal())
			err := await(t, "the end", done)
			l.settle(srv)
			missing := l.balance()
			var undone *nats.ShutdownError
			switch {
			case cuts == 0 && (err != nil || missing != 0):
				t.Errorf("got %v, %d missing; want nothing lost", err, missing)
			case err != nil && !errors.As(err, &undone):
				t.Errorf("got %v, want a %T", err, undone)
			case undone != nil && (undone.Unsent != 0 || missing > undone.Unconfirmed):
				t.Errorf("%d missing, told of %+v", missing, undone)
			}
		})
	}
}

// Where unconfirmed messages are sent again, a cut in a shutdown loses nothing either.
func TestShutdownWithResending(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	l := newLedger(t, srv, proxy.URL(), nats.ResendUnconfirmed(64<<10))
	l.size = 500
	proxy.Refuse()
	proxy.Cut()
	eventually(t, "the disconnect", l.nc.IsReconnecting)
	l.publish(4000)
	done := make(chan error, 1)
	go func() { done <- l.nc.Shutdown(limited(t, patience)) }()
	eventually(t, "the drain", l.nc.IsDraining)
	for range 4 {
		before := proxy.Stats().Cut
		must(t, proxy.Heal())
		proxy.CutAfter(200_000, natstest.ClientToServer)
		// All may have passed before a busy machine came to this: then there is nothing to cut.
		eventually(t, "a cut", func() bool { return proxy.Stats().Cut > before || len(done) > 0 })
	}
	must(t, proxy.Heal())
	must(t, await(t, "the end", done))
	l.settle(srv)
	if arrived, _ := l.count(); arrived != int(l.accepted) {
		t.Errorf("%d of %d arrived", arrived, l.accepted)
	}
}

// What is not finished in time is told with its numbers, in time.
func TestShutdownTellsWhatIsLeft(t *testing.T) {
	const limit = 300 * time.Millisecond
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, proxy *natstest.Proxy, nc *nats.Conn)
		want    nats.ShutdownError
	}{
		"a callback that blocks": {func(t *testing.T, _ *natstest.Proxy, nc *nats.Conn) {
			release, busy := make(chan struct{}), make(chan struct{}, 10)
			t.Cleanup(func() { close(release) })
			got[*nats.Subscription](t)(nc.Subscribe("a", func(*nats.Msg) { busy <- struct{}{}; <-release }))
			for range 3 {
				must(t, nc.Publish("a", nil))
			}
			must(t, nc.Flush())
			await(t, "the callback", busy)
		}, nats.ShutdownError{Subscriptions: 1, Undelivered: 3}},
		"a request": {func(t *testing.T, _ *natstest.Proxy, nc *nats.Conn) {
			sub := subscribeSync(t, nc, "service")
			go func() { _, _ = nc.Request("service", nil, time.Minute) }()
			_ = next(t, sub)
		}, nats.ShutdownError{Requests: 1}},
		"no link": {func(t *testing.T, proxy *natstest.Proxy, nc *nats.Conn) {
			proxy.Refuse()
			proxy.Cut()
			eventually(t, "the disconnect", nc.IsReconnecting)
			for range 10 {
				must(t, nc.Publish("a", []byte("12345")))
			}
		}, nats.ShutdownError{Unsent: 10, UnsentBytes: 10 * len("PUB a 5\r\n12345\r\n")}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			nc := dial(t, proxy.URL(), silent(), quickly())
			tc.prepare(t, proxy, nc)
			var err error
			within(t, "Shutdown", limit+100*time.Millisecond, func() { err = nc.Shutdown(limited(t, limit)) })
			var undone *nats.ShutdownError
			if !errors.As(err, &undone) || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v, want a %T that matches %v", err, undone, context.DeadlineExceeded)
			}
			tc.want.Err = undone.Err
			if *undone != tc.want {
				t.Errorf("got  %+v\nwant %+v", *undone, tc.want)
			}
			if !nc.IsClosed() {
				t.Errorf("status %v", nc.Status())
			}
			if text := err.Error(); !strings.Contains(text, "deadline") || strings.Contains(text, " 0 ") {
				t.Errorf("text %q", text)
			}
		})
	}
}

// Every callback may call it. It does not wait for itself.
func TestShutdownFromCallbacks(t *testing.T) {
	for name, arrange := range map[string]func(t *testing.T, proxy *natstest.Proxy, opts *[]nats.Option, call func(*nats.Conn)) (trigger func(nc *nats.Conn)){
		"message": func(_ *testing.T, _ *natstest.Proxy, _ *[]nats.Option, call func(*nats.Conn)) func(*nats.Conn) {
			return func(nc *nats.Conn) {
				_, _ = nc.Subscribe("a", func(*nats.Msg) { call(nc) })
				_ = nc.Publish("a", nil)
			}
		},
		"reconnect": func(_ *testing.T, p *natstest.Proxy, o *[]nats.Option, call func(*nats.Conn)) func(*nats.Conn) {
			*o = append(*o, nats.ReconnectHandler(call))
			return func(*nats.Conn) { p.Cut() }
		},
		"disconnect": func(_ *testing.T, p *natstest.Proxy, o *[]nats.Option, call func(*nats.Conn)) func(*nats.Conn) {
			*o = append(*o, nats.DisconnectErrHandler(func(nc *nats.Conn, _ error) { call(nc) }))
			return func(*nats.Conn) { p.Cut() }
		},
		"closed subscription": func(t *testing.T, _ *natstest.Proxy, _ *[]nats.Option, call func(*nats.Conn)) func(*nats.Conn) {
			return func(nc *nats.Conn) {
				s := got[*nats.Subscription](t)(nc.SubscribeSync("a"))
				s.SetClosedHandler(func(string) { call(nc) })
				must(t, s.Unsubscribe())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			results := make(chan error, 10)
			closed := make(chan struct{})
			opts := []nats.Option{quickly(), silent(), nats.ClosedHandler(func(*nats.Conn) { close(closed) })}
			trigger := arrange(t, proxy, &opts, func(nc *nats.Conn) { results <- nc.Shutdown(t.Context()) })
			nc := dial(t, proxy.URL(), opts...)
			trigger(nc)
			if err := await(t, "Shutdown", results); err != nats.ErrShutdownInBackground {
				t.Errorf("got %v, want %v", err, nats.ErrShutdownInBackground)
			}
			await(t, "the end", closed)
		})
	}
}

// A Shutdown beside a Drain, or another Shutdown, ends with it.
func TestShutdownTwice(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	release := make(chan struct{})
	busy := make(chan struct{}, 1)
	got[*nats.Subscription](t)(nc.Subscribe("a", func(*nats.Msg) { busy <- struct{}{}; <-release }))
	must(t, nc.Publish("a", nil))
	await(t, "the callback", busy)
	must(t, nc.Drain())
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- nc.Shutdown(limited(t, patience)) }()
	}
	close(release)
	for range 2 {
		if err := await(t, "the end", done); err != nil && err != nats.ErrConnectionClosed {
			t.Errorf("got %v", err)
		}
	}
}
