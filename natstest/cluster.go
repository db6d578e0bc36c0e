package natstest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// ClusterT is a set of servers that are connected by routes. With JetStream they form one meta group, so that streams may
// have as many replicas as there are servers. Single servers are stopped, killed and restarted through [ClusterT.Servers].
//
// A leader that stops hands over at once. One that is killed is missed after 4 to 9 s; until then the streams that it led, or
// JetStream's API, do not answer.
//
// All methods may be called from any goroutine.
type ClusterT struct {
	tb      testing.TB // nil if made by StartCluster
	account string
	timeout time.Duration
	servers []*Server
	js      bool
}

// Cluster starts n servers, at least two, called n1, n2 and so on, and returns when they are of use: connected with each
// other, with a meta leader, and all caught up. The test's cleanup stops them. If they do not start, the test ends (Fatal).
func Cluster(t testing.TB, n int, opts ...Option) *ClusterT {
	t.Helper()
	c, err := startCluster(t, t.TempDir, n, opts)
	if err != nil {
		t.Fatalf("natstest: cluster: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// StartCluster is [Cluster] outside of tests. The caller has to call Close.
func StartCluster(n int, opts ...Option) (*ClusterT, error) { return startCluster(nil, nil, n, opts) }

func startCluster(tb testing.TB, tempDir func() string, n int, opts []Option) (*ClusterT, error) {
	conf, err := newConfig(opts)
	switch {
	case err != nil:
		return nil, err
	case n < 2:
		return nil, errors.New("a cluster has at least two servers")
	case conf.Port != 0:
		return nil, errors.New("WithPort cannot be used for a cluster")
	case conf.Name != "":
		return nil, errors.New("WithName cannot be used for a cluster")
	}
	for attempt := 1; ; attempt++ {
		c, err := startClusterOnce(tb, tempDir, n, conf)
		if err == nil || attempt == startAttempts || !portInUse(err) {
			return c, err
		}
	}
}

func startClusterOnce(tb testing.TB, tempDir func() string, n int, conf config) (_ *ClusterT, err error) {
	c := &ClusterT{tb: tb, account: conf.account, timeout: conf.Timeout, js: conf.JetStream}
	defer func() {
		if err != nil {
			_ = c.closeAll()
		}
	}()
	if c.servers, err = newMembers(tb, tempDir, n, conf); err != nil {
		return nil, err
	}
	if err := c.each((*Server).launch); err != nil {
		return nil, err
	}
	if err := c.elect(conf.StoreDir == ""); err != nil {
		return nil, err
	}
	return c, c.ready()
}

// The first election of new servers is over within a second. If it fails (the routes came too late, the votes were split), the
// next one comes after 4 to 9 s, so that beginning again is quicker, as long as there is nothing in the stores.
const (
	firstElection = 1500 * time.Millisecond
	elections     = 3
)

func (c *ClusterT) elect(mayWipe bool) error {
	if !c.js || !mayWipe {
		return nil
	}
	for range elections {
		if poll(min(firstElection, c.timeout), c.led) {
			return nil
		}
		if err := c.each(func(s *Server) error { return s.restart(false) }); err != nil {
			return err
		}
	}
	return nil // the last start has all the time there is
}

// led tells whether there is a meta leader now.
func (c *ClusterT) led() bool {
	for _, s := range c.servers {
		if a, err := s.ask(query{Verb: askState}); err == nil && a.Leader {
			return true
		}
	}
	return false
}

// newMembers prepares n servers that know each other's route ports.
func newMembers(tb testing.TB, tempDir func() string, n int, conf config) ([]*Server, error) {
	routes := make([]int, n)
	places := make([]*int, n)
	for i := range routes {
		places[i] = &routes[i]
	}
	if err := takePorts(places...); err != nil {
		return nil, err
	}
	// No two clusters share a name: a server that comes upon a port of another cluster must not join it.
	name := fmt.Sprintf("natstest-%08x", rand.Uint32())
	var members []*Server
	for i := range n {
		own := conf
		own.Name = fmt.Sprintf("n%d", i+1)
		own.Cluster = &membership{Name: name, Port: routes[i], Ports: routes}
		if conf.StoreDir != "" {
			own.StoreDir = filepath.Join(conf.StoreDir, own.Name)
		}
		s, err := newServer(tb, tempDir, own)
		if err != nil {
			for _, p := range routes[i:] {
				freePort(p)
			}
			return members, err
		}
		s.ownPorts = append(s.ownPorts, routes[i])
		members = append(members, s)
	}
	return members, nil
}

// each calls f for all servers at once and joins the errors.
func (c *ClusterT) each(f func(*Server) error) error {
	errs := make([]error, len(c.servers))
	var wg sync.WaitGroup
	for i, s := range c.servers {
		wg.Go(func() {
			if err := f(s); err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.Name(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Servers are the members in the order of their names. The slice belongs to the caller.
func (c *ClusterT) Servers() []*Server { return slices.Clone(c.servers) }

// URL lists the URLs of all servers, separated by commas, whether they run or not.
func (c *ClusterT) URL() string {
	urls := make([]string, len(c.servers))
	for i, s := range c.servers {
		urls[i] = s.URL()
	}
	return strings.Join(urls, ",")
}

// WaitReady waits until all servers that run are connected with each other, one of them is the meta leader, it sees the others
// online, and none is behind. Servers that do not run are not waited for, so after a start of one of them it is the moment
// from which the cluster is whole again.
func (c *ClusterT) WaitReady() error {
	return c.report("wait for the cluster", c.ready())
}

func (c *ClusterT) ready() error {
	var lacking string
	if poll(c.timeout, func() bool { lacking = c.lacking(); return lacking == "" }) {
		return nil
	}
	return fmt.Errorf("not ready after %v: %s", c.timeout, lacking)
}

// routesEach is how many routes nats-server 2.15 makes to each other server: a pool of 3, and one for the system account.
const routesEach = server.DEFAULT_ROUTE_POOL_SIZE + 1

// lacking says what the cluster is still waiting for, or "".
func (c *ClusterT) lacking() string {
	var leaderSees []string
	var running []*Server
	leader := ""
	states := map[*Server]answer{}
	for _, s := range c.servers {
		if a, err := s.ask(query{Verb: askState}); err == nil {
			running = append(running, s)
			states[s] = a
			if a.Leader {
				leader, leaderSees = s.Name(), a.Peers
			}
		}
	}
	if len(running) == 0 {
		return "no server runs"
	}
	for _, s := range running {
		want := len(running) - 1
		if got := states[s].Remotes; got < want {
			return fmt.Sprintf("%s has routes to %d of %d servers", s.Name(), got, want)
		}
		// While routes still come, and surplus ones go, clients may be told that a server is gone.
		if got := states[s].Routes; got < want*routesEach {
			return fmt.Sprintf("%s has %d of %d routes", s.Name(), got, want*routesEach)
		}
	}
	if !c.js {
		return ""
	}
	if leader == "" {
		return "no meta leader"
	}
	for _, s := range running {
		if !slices.Contains(leaderSees, s.Name()) {
			return fmt.Sprintf("the meta leader %s does not see %s", leader, s.Name())
		}
		if !states[s].Current {
			return s.Name() + " has not caught up with the meta leader " + leader
		}
	}
	return ""
}

// Close stops all servers for good. For a cluster made by [Cluster] the test's cleanup does it.
func (c *ClusterT) Close() error { return c.report("close", c.closeAll()) }

// closeAll does not let the servers report errors on their own: its caller does.
func (c *ClusterT) closeAll() error { return c.each((*Server).shut) }

func (c *ClusterT) report(doing string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("natstest: %s: %w", doing, err)
	if c.tb != nil {
		c.tb.Helper()
		c.tb.Error(err)
	}
	return err
}
