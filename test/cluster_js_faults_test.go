package test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

const pings = 2 * time.Second // interval, where links turn into holes

// startJSCluster runs three servers with JetStream. These tests run one after the other: each keeps a machine busy.
func startJSCluster(t *testing.T, opts ...natstest.Option) *natstest.ClusterT {
	t.Helper()
	checkLeaks(t)
	return natstest.Cluster(t, 3, opts...)
}

// proxies puts one before each server, and lists their URLs as everywhere does.
func proxies(t *testing.T, cluster *natstest.ClusterT) (all []*natstest.Proxy, links []string) {
	t.Helper()
	var urls []string
	for _, srv := range cluster.Servers() {
		p := natstest.NewProxy(t, srv.URL())
		all = append(all, p)
		urls = append(urls, p.URL())
	}
	for i := range urls {
		links = append(links, strings.Join(append(slices.Clone(urls[i:]), urls[:i]...), ","))
	}
	return all, links
}

// The leaders of the stream, of a bucket and of a consumer change every second.
func TestClusterJSStepDown(t *testing.T) {
	cluster := startJSCluster(t)
	c := newConvoy(t, cluster, everywhere(cluster))
	rounds(4, func(i int) {
		c.stepDown(i)
		<-time.After(time.Second)
	})
	c.end()
}

// Links to servers that are well live half a second to one and a half.
func TestClusterJSLinksDie(t *testing.T) {
	cluster := startJSCluster(t, natstest.WithoutAdvertise())
	all, links := proxies(t, cluster)
	c := newConvoy(t, cluster, links)
	c.served = true
	for _, p := range all {
		p.Lifetime(500*time.Millisecond, 1500*time.Millisecond)
	}
	rounds(4, func(int) { <-time.After(time.Second) })
	for _, p := range all {
		must(t, p.Heal())
	}
	c.end()
}

// The links to one server turn into black holes, and come back.
func TestClusterJSBlackHole(t *testing.T) {
	cluster := startJSCluster(t, natstest.WithoutAdvertise())
	all, links := proxies(t, cluster)
	c := newConvoy(t, cluster, links, nats.PingInterval(pings))
	c.served = true
	c.lossy.Store(true)
	rounds(1, func(i int) {
		p := all[(i+1)%3] // the first has most readers
		c.disturbed()
		p.Hole(natstest.Both)
		<-time.After(3500 * time.Millisecond)
		must(t, p.Heal())
		c.flows()
	})
	c.end()
}

// One server after the other stops and starts again.
func TestClusterJSRollingRestart(t *testing.T) {
	cluster := startJSCluster(t)
	c := newConvoy(t, cluster, everywhere(cluster))
	c.unsaid = true
	rounds(2, func(i int) {
		srv := cluster.Servers()[i%3]
		c.disturbed()
		must(t, srv.Stop())
		c.flows()
		must(t, srv.Restart(true))
		must(t, cluster.WaitReady())
		must(t, cluster.WaitCurrent(convoyStream))
		c.disturbed()
		c.flows()
	})
	c.end()
}

// The process of the server that leads the stream dies, and comes back.
func TestClusterJSKill(t *testing.T) {
	cluster := startJSCluster(t, natstest.AsProcess())
	c := newConvoy(t, cluster, everywhere(cluster))
	c.unsaid = true
	rounds(1, func(int) {
		srv := cluster.StreamLeader(convoyStream)
		c.disturbed()
		must(t, srv.Kill())
		c.flows()
		c.disturbed()
		must(t, srv.Restart(true))
		must(t, cluster.WaitReady())
		must(t, cluster.WaitCurrent(convoyStream))
		c.disturbed()
		c.flows()
	})
	c.end()
}
