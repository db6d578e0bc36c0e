package test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// use leaves a connection with everything under way that there is.
func use(t *testing.T, nc *nats.Conn) (done *sync.WaitGroup) {
	t.Helper()
	done = new(sync.WaitGroup)
	got[*nats.Subscription](t)(nc.Subscribe("busy", func(m *nats.Msg) { _ = m.Respond(nil) }))
	draining := got[*nats.Subscription](t)(nc.QueueSubscribe("busy", "q", func(*nats.Msg) {}))
	got[*nats.Subscription](t)(nc.ChanSubscribe("busy", make(chan *nats.Msg, 1)))
	limited := got[*nats.Subscription](t)(nc.SubscribeSync("busy"))
	must(t, limited.AutoUnsubscribe(1000))
	nc.StatusChanged()
	limited.StatusChanged()
	for range 20 {
		must(t, nc.PublishRequest("busy", "nowhere", nil))
	}
	_ = draining.Drain()
	done.Go(func() { _, _ = nc.Request("mute", nil, time.Hour) })
	done.Go(func() { _, _ = nc.RequestWithContext(context.Background(), "mute", nil) })
	done.Go(func() {
		for _, err := range limited.Msgs() {
			if err != nil {
				return
			}
		}
	})
	done.Go(func() { _ = nc.FlushTimeout(time.Hour) })
	return done
}

// After the end nothing remains, whatever state the connection was in: no goroutine (checkLeaks), no socket, no subscription at
// the server, and no call that waits.
func TestNothingRemains(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, proxy *natstest.Proxy, nc *nats.Conn){
		"Close": func(*testing.T, *natstest.Proxy, *nats.Conn) {},
		"Drain": func(t *testing.T, _ *natstest.Proxy, nc *nats.Conn) {
			must(t, nc.Drain())
			eventually(t, "the end of the drain", nc.IsClosed)
		},
		"Close while disconnected": func(t *testing.T, proxy *natstest.Proxy, nc *nats.Conn) {
			proxy.Refuse()
			proxy.Cut()
			eventually(t, "the disconnect", nc.IsReconnecting)
		},
		"Close while a dial is under way": func(t *testing.T, proxy *natstest.Proxy, nc *nats.Conn) {
			proxy.HalfHandshake(natstest.NoPong)
			proxy.Cut()
			eventually(t, "a dial", func() bool { return nc.IsReconnecting() && proxy.Conns() > 0 })
		},
		"Close in a black hole": func(_ *testing.T, proxy *natstest.Proxy, _ *nats.Conn) { proxy.Hole(natstest.Both) },
		"Close on a link that stands still": func(_ *testing.T, proxy *natstest.Proxy, nc *nats.Conn) {
			proxy.Stall(natstest.Both)
			for range 100 {
				_ = nc.Publish("a", make([]byte, 100_000))
			}
		},
		"ForceReconnect and Close": func(t *testing.T, _ *natstest.Proxy, nc *nats.Conn) { must(t, nc.ForceReconnect()) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			other := dial(t, srv.URL())
			got[*nats.Subscription](t)(other.Subscribe("mute", func(*nats.Msg) {}))
			must(t, other.Flush())
			nc := dial(t, proxy.URL(), silent(), nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1))
			pending := use(t, nc)
			end(t, proxy, nc)
			within(t, "Close", 2500*time.Millisecond, nc.Close)
			within(t, "what waited", 500*time.Millisecond, pending.Wait)
			must(t, proxy.Heal())
			eventually(t, "the sockets to be closed", func() bool { return srv.Embedded().NumClients() == 1 && proxy.Conns() == 0 })
			if n := clientSubs(srv); n != 1 {
				t.Errorf("%d subscriptions at the server, want the responder's", n)
			}
		})
	}
}

// A Connect that fails leaves nothing either, also when it fails late.
func TestNothingRemainsOfAFailedConnect(t *testing.T) {
	srv := start(t, natstest.WithUser("a", "b"))
	proxy := natstest.NewProxy(t, srv.URL())
	for name, f := range map[string]func() (*nats.Conn, error){
		"refused credentials": func() (*nats.Conn, error) { return nats.Connect(srv.URL()) },
		"no INFO": func() (*nats.Conn, error) {
			proxy.HalfHandshake(natstest.NoInfo)
			return nats.Connect(proxy.URL(), nats.Timeout(50*time.Millisecond))
		},
		"no PONG": func() (*nats.Conn, error) {
			proxy.HalfHandshake(natstest.NoPong)
			return nats.Connect(proxy.URL(), nats.UserInfo("a", "b"), nats.Timeout(50*time.Millisecond))
		},
		"an option": func() (*nats.Conn, error) {
			return nats.Connect(srv.URL(), func(*nats.Options) error { return errors.New("no") })
		},
		"two silent servers": func() (*nats.Conn, error) {
			proxy.HalfHandshake(natstest.NoInfo)
			return nats.Connect(proxy.URL()+","+proxy.URL(), nats.Timeout(300*time.Millisecond))
		},
	} {
		if nc, err := f(); err == nil || nc != nil {
			t.Errorf("%s: got %v, %v", name, nc, err)
		}
	}
	eventually(t, "the sockets to be closed", func() bool { return srv.Embedded().NumClients() == 0 && proxy.Conns() == 0 })
}

// Subscriptions that end leave nothing at the server, however they end, nor do requests that nobody answers, or many at once.
func TestSubscriptionsLeaveNothing(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL(), nats.UseOldRequestStyle())
	for range 10 {
		sub := got[*nats.Subscription](t)(nc.SubscribeSync("a"))
		must(t, sub.Unsubscribe())
		sub = got[*nats.Subscription](t)(nc.Subscribe("a", func(*nats.Msg) {}))
		must(t, sub.Drain())
		sub = got[*nats.Subscription](t)(nc.SubscribeSync("b"))
		must(t, nc.Publish("b", nil))
		must(t, nc.Flush())
		must(t, sub.AutoUnsubscribe(1)) // it has come already
		_, _ = nc.Request("nobody", nil, time.Second)
		_, _ = sub.NextMsg(time.Second)
		inbox := got[*nats.Subscription](t)(nc.SubscribeSync(nc.NewInbox()))
		must(t, inbox.AutoUnsubscribe(1))
		must(t, nc.PublishRequest("nobody", inbox.Subject, nil))
		if _, err := inbox.NextMsg(time.Second); err != nats.ErrNoResponders {
			t.Errorf("got %v, want %v", err, nats.ErrNoResponders)
		}
	}
	eventually(t, "the server to forget all", func() bool { return clientSubs(srv) == 0 })
	if n := nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions left", n)
	}
}

// A program that opens and closes connections for ever does not grow.
func TestConnectionsDoNotAddUp(t *testing.T) {
	checkLeaks(t)
	srv := natstest.Run(t, natstest.WithoutJetStream())
	cycle := func() {
		nc := dial(t, srv.URL(), silent())
		pending := use(t, nc)
		nc.Close()
		pending.Wait()
	}
	cycle()
	grown := peak(func(sync.Locker) {
		for range 200 / slower {
			cycle()
		}
		runtime.GC()
	})
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if n := runtime.NumGoroutine(); n > 200 {
		t.Errorf("%d goroutines", n)
	}
}
