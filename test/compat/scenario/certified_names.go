package scenario

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
	"github.com/nats-io/nats-server/v2/server"
)

var certifiedNames = []stage.Scenario{
	{Name: "TLS, names of discovered servers", Rows: []string{"2.2", "5.5"}, Run: discoveredNames,
		Differs: []stage.Difference{stage.Differs("2.2", "one that was discovered there", `reached true, asked for "one.test"`)}},
	{Name: "TLS, a discovered server with a name", Rows: []string{"2.2", "5.5"}, Run: discoveredOwnName},
	{Name: "TLS, a name with several addresses", Rows: []string{"2.21", "5.5"}, Run: nameWithAddresses},
}

func portOf(s *stage.Stage, srv *natstest.Server) string {
	_, port, err := net.SplitHostPort(srv.Addr())
	s.Must(err, "address")
	return port
}

// named writes server URLs with the names of servers in place of ports.
func named(s *stage.Stage, servers []*natstest.Server, urls ...string) string {
	text := strings.Join(urls, " ")
	for _, srv := range servers {
		text = strings.ReplaceAll(text, ":"+portOf(s, srv), ":"+srv.Name())
	}
	return text
}

// noteLink notes where a connection has got to, and which name its TLS was for.
func noteLink(s *stage.Stage, key string, servers []*natstest.Server, nc *nats.Conn, ca *stage.Authority) {
	state, err := nc.TLSConnectionState()
	s.Must(err, "TLS")
	s.Note(key, "%s, %s, server name %q, verified %v, asked for %q, flush %s", nc.ConnectedServerName(), named(s, servers, nc.ConnectedUrl()), state.ServerName,
		len(state.VerifiedChains) > 0, ca.Asked(), s.Describe(nc.Flush()))
}

// poll waits until something is true. If it does not come the scenario ends.
func poll(s *stage.Stage, what string, is func() bool) {
	for limit := time.Now().Add(resolved); !is(); s.Pause(10 * time.Millisecond) {
		if time.Now().After(limit) {
			s.Must(fmt.Errorf("not within %v", resolved), what)
		}
	}
}

func discoveredNames(s *stage.Stage) {
	ca := s.Authority()
	servers := s.Cluster(3, natstest.WithTLS(ca.Server(stage.OneHost)), natstest.WithoutJetStream()).Servers()
	for _, host := range []string{"127.0.0.1", stage.OtherHost, stage.OneHost} {
		tried(s, host, "tls://"+net.JoinHostPort(host, portOf(s, servers[0])), nats.Secure(ca.Client()))
		s.Note("asked for", "%q", ca.Asked())
	}
	s.Must(servers[2].Stop(), "stop")
	poll(s, "the others miss it", func() bool { return servers[0].Embedded().NumRemotes() == 1 && servers[1].Embedded().NumRemotes() == 1 })
	told := newEvents()
	nc := open(s, "tls://"+stage.OneHost+":"+portOf(s, servers[0]), nats.Secure(ca.Client()), watch(s, told),
		at(nats.ReconnectWait(2*quiet), nats.ReconnectJitter(0, 0)))
	s.Note("told", "%s", told.until("connected"))
	noteLink(s, "at first", servers, nc, ca)
	s.Must(servers[0].Stop(), "stop")
	told.until("reconnected")
	noteLink(s, "the discovered one", servers, nc, ca)
	s.Must(servers[2].Restart(false), "start")
	s.Note("told", "%s", told.until("discovered"))
	s.Must(servers[1].Stop(), "stop")
	told.until("disconnected")
	for limit := time.Now().Add(3 * time.Second); !nc.IsConnected() && time.Now().Before(limit); {
		s.Pause(10 * time.Millisecond)
	}
	s.Note("one that was discovered there", "reached %v, asked for %q", nc.IsConnected(), ca.Asked())
}

func discoveredOwnName(s *stage.Stage) {
	ca := s.Authority()
	one, other := ca.Server(stage.OneHost), ca.Server(stage.OtherHost)
	servers := s.Cluster(2, natstest.WithTLS(one), natstest.WithoutJetStream(), natstest.WithConfig(func(o *server.Options) {
		if o.ServerName == "n2" {
			o.TLSConfig, o.ClientAdvertise = other, stage.OtherHost
		}
	})).Servers()
	told := newEvents()
	nc := open(s, "tls://"+stage.OneHost+":"+portOf(s, servers[0]), nats.Secure(ca.Client()), watch(s, told),
		at(nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0)))
	told.until("connected")
	noteLink(s, "at first", servers, nc, ca)
	found := nc.DiscoveredServers()
	slices.Sort(found)
	s.Note("discovered", "%s", named(s, servers, found...))
	s.Must(servers[0].Stop(), "stop")
	told.until("reconnected")
	noteLink(s, "the discovered one", servers, nc, ca)
}

func nameWithAddresses(s *stage.Stage) {
	lookedUp(s, stage.ThreeHosts, 3)
	ca := s.Authority()
	srv := s.Server(natstest.WithTLS(ca.Server(stage.ThreeHosts)), natstest.WithoutJetStream())
	for _, skip := range []bool{false, true} {
		opts := []nats.Option{nats.Secure(ca.Client())}
		if skip {
			opts = append(opts, nats.SkipHostLookup())
		}
		tried(s, "by name", "tls://"+stage.ThreeHosts+":"+portOf(s, srv), opts...)
		s.Note("asked for", "%q", ca.Asked())
	}
}
