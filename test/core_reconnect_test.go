package test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/nats-io/nats-server/v2/server"
)

// recordEvents sets every callback of a connection.
func recordEvents(j *journal) nats.Option {
	plain := func(name string) nats.ConnHandler { return func(*nats.Conn) { j.add("%s", name) } }
	return func(o *nats.Options) error {
		o.ConnectedCB, o.ReconnectedCB, o.ClosedCB = plain("connected"), plain("reconnected"), plain("closed")
		o.DiscoveredServersCB, o.LameDuckModeHandler = plain("discovered"), plain("lame duck")
		o.DisconnectedErrCB = func(_ *nats.Conn, err error) { j.add("disconnected %v", err != nil) }
		o.ReconnectErrCB = func(*nats.Conn, error) { j.add("attempt failed") }
		o.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) { j.addErr(err) }
		return nil
	}
}

func TestCallbacksInOrder(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	var j journal
	nc := dial(t, proxy.URL(), quickly(), recordEvents(&j))
	status := nc.StatusChanged()
	proxy.Refuse()
	proxy.Cut()
	eventually(t, "a failed attempt", func() bool { return j.has("attempt failed") })
	must(t, proxy.Heal())
	eventually(t, "the reconnect", func() bool { return j.has("reconnected") })
	nc.Close()
	eventually(t, "the closed handler", func() bool { return j.has("closed") })
	want := []string{"connected", "disconnected true", "attempt failed", "reconnected", "disconnected false", "closed"}
	if got := slices.Compact(j.all()); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, want := range []nats.Status{nats.RECONNECTING, nats.CONNECTED, nats.CLOSED} {
		if got := await(t, "a status", status); got != want {
			t.Errorf("status %v, want %v", got, want)
		}
	}
	if n := nc.Stats().Reconnects; n != 1 {
		t.Errorf("%d reconnects counted, want 1", n)
	}
	nc.RemoveStatusListener(status)
	if _, open := <-status; open {
		t.Error("the removed listener's channel is open")
	}
}

func TestGivesUp(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	var j journal
	nc := dial(t, proxy.URL(), recordEvents(&j), nats.MaxReconnects(3), nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0))
	proxy.Refuse()
	proxy.Cut()
	eventually(t, "the closed handler", func() bool { return j.has("closed") })
	want := []string{"connected", "disconnected true", "attempt failed", "attempt failed", "attempt failed", "closed"}
	if got := j.all(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if err := nc.LastError(); err != nats.ErrNoServers {
		t.Errorf("last error %v, want %v", err, nats.ErrNoServers)
	}
	if !nc.IsClosed() {
		t.Errorf("status %v", nc.Status())
	}
}

func TestNoReconnect(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	var j journal
	nc := dial(t, proxy.URL(), recordEvents(&j), nats.NoReconnect())
	proxy.Cut()
	eventually(t, "the closed handler", func() bool { return j.has("closed") })
	if err := nc.Publish("a", nil); err != nats.ErrConnectionClosed {
		t.Errorf("publish: %v", err)
	}
}

// Subscriptions of all kinds survive a restart of the server, and what was published meanwhile arrives after it.
func TestSubscriptionsSurviveRestart(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL(), quickly(), silent())
	sync := subscribeSync(t, nc, "s.*")
	async := make(chan string, 10)
	got[*nats.Subscription](t)(nc.QueueSubscribe("s.>", "q", func(m *nats.Msg) { async <- string(m.Data) }))
	ch := make(chan *nats.Msg, 10)
	got[*nats.Subscription](t)(nc.ChanSubscribe("s.a", ch))
	gone := got[*nats.Subscription](t)(nc.SubscribeSync("s.a"))
	must(t, nc.Flush())
	must(t, srv.Stop())
	eventually(t, "the disconnect", nc.IsReconnecting)
	must(t, gone.Unsubscribe())
	late := got[*nats.Subscription](t)(nc.SubscribeSync("s.a"))
	must(t, nc.Publish("s.a", []byte("meanwhile")))
	if n := got[int](t)(nc.Buffered()); n == 0 {
		t.Error("nothing buffered")
	}
	must(t, srv.Restart(true))
	for _, sub := range []*nats.Subscription{sync, late} {
		if got := next(t, sub); got != "meanwhile" {
			t.Errorf("%s: got %q", sub.Subject, got)
		}
	}
	if got := await(t, "the callback", async); got != "meanwhile" {
		t.Errorf("callback: got %q", got)
	}
	if m := await(t, "the channel", ch); string(m.Data) != "meanwhile" {
		t.Errorf("channel: got %q", m.Data)
	}
	must(t, nc.Flush())
	if n := clientSubs(srv); n != 4 {
		t.Errorf("the server knows %d subscriptions, want 4", n)
	}
}

func TestReconnectBuffer(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	for name, tc := range map[string]struct {
		size int
		want error
	}{
		"none":  {-1, nats.ErrReconnectBufExceeded},
		"small": {1024, nats.ErrReconnectBufExceeded},
	} {
		nc := dial(t, proxy.URL(), nats.ReconnectBufSize(tc.size), nats.ReconnectWait(time.Minute), silent())
		proxy.Refuse()
		proxy.Cut()
		eventually(t, "the disconnect", nc.IsReconnecting)
		var err error
		n := 0
		for ; err == nil && n < 100; n++ {
			err = nc.Publish("a", make([]byte, 100))
		}
		if err != tc.want || tc.size > 0 && n < 8 {
			t.Errorf("%s: %v after %d publishes", name, err, n)
		}
		nc.Close()
		must(t, proxy.Heal())
	}
}

func TestForceReconnect(t *testing.T) {
	srv := start(t)
	var j journal
	nc := dial(t, srv.URL(), recordEvents(&j), nats.ReconnectWait(time.Minute))
	id := got[uint64](t)(nc.GetClientID())
	sub := subscribeSync(t, nc, "f")
	must(t, nc.ForceReconnect())
	eventually(t, "the reconnect", func() bool { return j.has("reconnected") })
	must(t, nc.Publish("f", []byte("again")))
	if got := next(t, sub); got != "again" {
		t.Errorf("got %q", got)
	}
	if again := got[uint64](t)(nc.GetClientID()); again == id {
		t.Errorf("still client %d", id)
	}
	nc.Close()
	if err := nc.ForceReconnect(); err != nats.ErrConnectionClosed {
		t.Errorf("after Close: %v", err)
	}
}

// In a pause ForceReconnect ends the pause.
func TestForceReconnectEndsThePause(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	var j journal
	nc := dial(t, proxy.URL(), recordEvents(&j), nats.ReconnectWait(time.Minute))
	proxy.Cut()
	eventually(t, "the disconnect", nc.IsReconnecting)
	must(t, nc.ForceReconnect())
	eventually(t, "the reconnect", func() bool { return j.has("reconnected") })
}

func TestLameDuck(t *testing.T) {
	srv := start(t, natstest.WithLameDuck(500*time.Millisecond, 50*time.Millisecond))
	other := natstest.Run(t, natstest.WithoutJetStream())
	var j journal
	nc := dialFirst(t, srv.URL()+","+other.URL(), quickly(), recordEvents(&j))
	must(t, srv.LameDuck())
	eventually(t, "the lame duck handler", func() bool { return j.has("lame duck") })
	eventually(t, "the reconnect", func() bool { return j.has("reconnected") })
	if got, want := nc.ConnectedUrl(), other.URL(); got != want {
		t.Errorf("connected to %s, want %s", got, want)
	}
	if all := j.all(); slices.Index(all, "lame duck") > slices.Index(all, "disconnected true") {
		t.Errorf("events %q", all)
	}
}

func TestClusterDiscovery(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cluster := natstest.Cluster(t, 2, natstest.WithoutJetStream())
	first, second := cluster.Servers()[0], cluster.Servers()[1]
	var j journal
	nc := dial(t, first.URL(), quickly(), recordEvents(&j))
	eventually(t, "the other server in the pool", func() bool { return slices.Contains(nc.DiscoveredServers(), second.URL()) })
	sub := subscribeSync(t, nc, "c")
	must(t, first.Stop())
	eventually(t, "the reconnect", func() bool { return j.has("reconnected") })
	if got, want := nc.ConnectedUrl(), second.URL(); got != want {
		t.Errorf("connected to %s, want %s", got, want)
	}
	must(t, nc.Publish("c", []byte("moved")))
	if got := next(t, sub); got != "moved" {
		t.Errorf("got %q", got)
	}
	loner := dial(t, second.URL(), nats.IgnoreDiscoveredServers())
	must(t, loner.Flush())
	if got := loner.DiscoveredServers(); len(got) != 0 {
		t.Errorf("discovered %q, want to ignore it", got)
	}
}

func TestReconnectToServer(t *testing.T) {
	srv := start(t)
	other := natstest.Run(t, natstest.WithoutJetStream())
	proxy := natstest.NewProxy(t, srv.URL())
	var j journal
	asked := make(chan []nats.Server, 100)
	nc := dialFirst(t, proxy.URL()+","+other.URL(), quickly(), recordEvents(&j),
		nats.ReconnectToServer(func(pool []nats.Server, info nats.ServerInfo) (*nats.Server, time.Duration) {
			asked <- pool
			for i, s := range pool {
				if s.URL.Host == other.Addr() && info.ID != "" {
					return &pool[i], 0
				}
			}
			return nil, 0
		}))
	proxy.Cut()
	if pool := await(t, "the question", asked); len(pool) != 2 {
		t.Errorf("asked with a pool of %d", len(pool))
	}
	eventually(t, "the reconnect", func() bool { return j.has("reconnected") })
	if got, want := nc.ConnectedUrl(), other.URL(); got != want {
		t.Errorf("connected to %s, want %s", got, want)
	}
}

func TestCustomReconnectDelay(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	var j journal
	passes := make(chan int, 1000)
	dial(t, proxy.URL(), recordEvents(&j), nats.CustomReconnectDelay(func(n int) time.Duration {
		passes <- n
		return 5 * time.Millisecond
	}))
	proxy.Refuse()
	proxy.Cut()
	for want := 1; want <= 3; want++ {
		if got := await(t, "a question for the delay", passes); got != want {
			t.Errorf("asked for pass %d, want %d", got, want)
		}
	}
	must(t, proxy.Heal())
	eventually(t, "the reconnect", func() bool { return j.has("reconnected") })
}

// By default a server that restarts is found again within a fraction of a second.
func TestDefaultsReconnectSoon(t *testing.T) {
	srv := start(t)
	var j journal
	nc := dial(t, srv.URL(), recordEvents(&j))
	must(t, srv.Stop())
	eventually(t, "the disconnect", nc.IsReconnecting)
	must(t, srv.Restart(true))
	within(t, "the reconnect after the server was back", 1200*time.Millisecond, func() {
		eventually(t, "the reconnect", func() bool { return j.has("reconnected") })
	})
	if j.has("attempt failed") {
		t.Error("an early attempt was told as failed")
	}
}

func TestStaleConnection(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	reasons := make(chan error, 10)
	nc := dial(t, proxy.URL(), quickly(), silent(), nats.PingInterval(50*time.Millisecond), nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { reasons <- err }))
	proxy.Hole(natstest.Both)
	if err := await(t, "the disconnect", reasons); err != nats.ErrStaleConnection {
		t.Errorf("disconnected by %v, want %v", err, nats.ErrStaleConnection)
	}
	must(t, proxy.Heal())
	eventually(t, "the reconnect", nc.IsConnected)
}

func TestAuthAbort(t *testing.T) {
	users := func(password string) func(o *server.Options) {
		return func(o *server.Options) { o.Users = []*server.User{{Username: "a", Password: password}} }
	}
	t.Parallel()
	checkLeaks(t)
	password := "right"
	srv := natstest.Run(t, natstest.WithoutJetStream(), natstest.WithConfig(func(o *server.Options) { users(password)(o) }))
	var j, j2 journal
	nc := dial(t, srv.URL(), nats.UserInfo("a", "right"), quickly(), recordEvents(&j))
	stubborn := dial(t, srv.URL(), nats.UserInfo("a", "right"), quickly(), recordEvents(&j2), nats.IgnoreAuthErrorAbort())
	must(t, srv.Stop())
	password = "changed"
	must(t, srv.Restart(true))
	eventually(t, "the end after two refusals", func() bool { return j.has("closed") })
	if !j.hasErr(nats.ErrAuthorization) || !errors.Is(nc.LastError(), nats.ErrAuthorization) {
		t.Errorf("told %v, last error %v", j.errors(), nc.LastError())
	}
	if stubborn.IsClosed() {
		t.Error("closed although authorization errors are to be ignored")
	}
	must(t, srv.Stop())
	password = "right"
	must(t, srv.Restart(true))
	eventually(t, "the reconnect", func() bool { return j2.has("reconnected") })
}

// Publishes from a callback of the connection go out in order with those buffered before.
func TestBufferedMessagesGoFirst(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	other := dial(t, srv.URL())
	sub := subscribeSync(t, other, "o")
	nc := dial(t, proxy.URL(), quickly(), silent(), nats.ReconnectHandler(func(nc *nats.Conn) { _ = nc.Publish("o", []byte("handler")) }))
	proxy.Refuse()
	proxy.Cut()
	eventually(t, "the disconnect", nc.IsReconnecting)
	for i := range 100 {
		must(t, nc.Publish("o", fmt.Append(nil, i)))
	}
	must(t, proxy.Heal())
	for i := range 100 {
		if got := next(t, sub); got != fmt.Sprint(i) {
			t.Fatalf("got %q, want %d", got, i)
		}
	}
	if got := next(t, sub); got != "handler" {
		t.Errorf("got %q last", got)
	}
}

func TestServerPoolOfTheUser(t *testing.T) {
	srv := start(t)
	nc := dial(t, strings.Replace(srv.URL(), "//", "//u:p@", 1)+", "+srv.URL()+"/")
	if got := nc.Servers(); len(got) != 2 || strings.Contains(strings.Join(got, ""), "u:p") {
		t.Errorf("servers %q, want two without credentials", got)
	}
	if got := nc.ConnectedUrlRedacted(); strings.Contains(got, ":p@") {
		t.Errorf("redacted URL %q", got)
	}
}
