package test

import (
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// startCluster runs three servers for a test that is checked for leaks and runs beside others.
func startCluster(t *testing.T, opts ...natstest.Option) *natstest.ClusterT {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	return natstest.Cluster(t, 3, append([]natstest.Option{natstest.WithoutJetStream()}, opts...)...)
}

// everywhere are the servers' URLs for three crews, each beginning at another one.
func everywhere(cluster *natstest.ClusterT) (links []string) {
	urls := strings.Split(cluster.URL(), ",")
	for i := range urls {
		links = append(links, strings.Join(append(append([]string{}, urls[i:]...), urls[:i]...), ","))
	}
	return links
}

// Links to servers that are well live half a second to one and a half: what was accepted arrives in order, or is told.
func TestClusterCoreLinksDie(t *testing.T) {
	cluster := startCluster(t, natstest.WithoutAdvertise())
	var links []string
	for _, srv := range cluster.Servers() {
		proxy := natstest.NewProxy(t, srv.URL())
		proxy.Lifetime(500*time.Millisecond, 1500*time.Millisecond)
		links = append(links, proxy.URL())
	}
	f := newFleet(t, cluster, links, true)
	rounds(1, func(int) {
		before := f.reconnects()
		eventually(t, "a dozen links to die", func() bool { return f.reconnects() >= before+12 })
	})
	f.end()
}

// Each server in turn stops and starts again.
func TestClusterCoreRollingRestart(t *testing.T) {
	cluster := startCluster(t)
	f := newFleet(t, cluster, everywhere(cluster), false)
	rounds(3, func(i int) {
		srv := cluster.Servers()[i%3]
		must(t, srv.Stop())
		f.works(i % 3)
		must(t, srv.Restart(true))
		must(t, cluster.WaitReady())
		f.works(-1)
	})
	f.end()
}

// A server's process dies; the others go on.
func TestClusterCoreKill(t *testing.T) {
	cluster := startCluster(t, natstest.AsProcess())
	f := newFleet(t, cluster, everywhere(cluster), false)
	rounds(2, func(i int) {
		srv := cluster.Servers()[i%3]
		must(t, srv.Kill())
		f.works(i % 3)
		must(t, srv.Restart(true))
		must(t, cluster.WaitReady())
		f.works(-1)
	})
	f.end()
}

// A server announces that it goes, and sends its clients away bit by bit.
func TestClusterCoreLameDuck(t *testing.T) {
	cluster := startCluster(t, natstest.WithLameDuck(time.Second, 100*time.Millisecond))
	var m moved
	f := newFleet(t, cluster, everywhere(cluster), false, m.option())
	rounds(2, func(i int) {
		before := m.n.Load()
		srv := cluster.Servers()[i%3]
		must(t, srv.LameDuck())
		eventually(t, "the news", func() bool { return m.n.Load() > before })
		must(t, srv.WaitStopped())
		f.works(i % 3)
		must(t, srv.Restart(true))
		must(t, cluster.WaitReady())
		f.works(-1)
	})
	f.end()
}

// A client that leaves as soon as the lame duck is announced loses nothing: not what it publishes, nor what it receives, nor answers.
func TestClusterCoreLeavesLameDuck(t *testing.T) {
	cluster := startCluster(t, natstest.WithLameDuck(3*time.Second, 2*time.Second))
	first, second := cluster.Servers()[0], cluster.Servers()[1]
	reconnected := make(chan struct{}, 10)
	nc := dialFirst(t, first.URL()+","+second.URL(), nats.IgnoreDiscoveredServers(), quickly(), silent(),
		nats.LameDuckModeHandler(func(nc *nats.Conn) { _ = nc.ForceReconnect() }),
		nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	sub := subscribeSync(t, nc, "s")
	must(t, first.LameDuck())
	await(t, "the reconnect", reconnected)
	if got, want := nc.ConnectedUrl(), second.URL(); got != want {
		t.Errorf("connected to %s, want %s", got, want)
	}
	must(t, nc.Flush()) // the server has the subscription
	other := dial(t, second.URL(), nats.IgnoreDiscoveredServers())
	must(t, other.Publish("s", []byte("hello")))
	if got := next(t, sub); got != "hello" {
		t.Errorf("got %q", got)
	}
	must(t, first.WaitStopped())
	if n := nc.Stats().Reconnects; n != 1 {
		t.Errorf("%d reconnects, want 1", n)
	}
}
