package scenario

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
)

var connecting = []stage.Scenario{
	{Name: "connecting, time", Rows: []string{"1.1"}, Run: connectTime, Differs: timeoutsHaveAName()},
	{Name: "connecting, nobody there at first", Rows: []string{"1.16", "2.5"}, Run: connectRetries,
		Differs: []stage.Difference{stage.Differs("1.16", "in the end", "CONNECTED, 0 reconnects")}},
	{Name: "connecting, default ports", Rows: []string{"1.19", "2.21"}, Run: defaultPorts},
	{Name: "connecting, the server list", Rows: []string{"2.2"}, Run: serverList, Differs: []stage.Difference{
		stage.Differs("2.2", "the second", "[nats://HERE nats://127.0.0.1:1], connected to the second true"),
		stage.Differs("2.2", "URL and servers", "[nats://HERE nats://127.0.0.1:1 nats://127.0.0.1:2]")}},
	{Name: "connecting, discovered servers", Rows: []string{"2.2", "1.17"}, Run: discovered},
	{Name: "connecting, switches", Rows: []string{"1.17", "1.18", "3.8"}, Run: switches},
	{Name: "connecting, options of Connect", Rows: []string{"1.2", "1.18"}, Run: optionForms,
		Differs: []stage.Difference{stage.Differs("1.18", `inbox prefix "a b"`, "refused true")}},
}

func timeoutsHaveAName() (all []stage.Difference) {
	for _, mode := range []natstest.Handshake{natstest.NoInfo, natstest.NoPong} {
		for _, limit := range []string{"300ms", "700ms"} {
			all = append(all, stage.Differs("1.1", fmt.Sprintf("half a handshake %d: %s", mode, limit), "nats.ErrTimeout"))
		}
	}
	return all
}

func connectTime(s *stage.Stage) {
	for _, mode := range []natstest.Handshake{natstest.NoInfo, natstest.NoPong} {
		s.Part(fmt.Sprintf("half a handshake %d", mode))
		s.Proxy().HalfHandshake(mode)
		s.Timed("300ms", func() error {
			_, err := nats.Connect(s.URL(), nats.Timeout(300*time.Millisecond))
			return timeoutOf(err)
		})
		s.Timed("700ms", func() error {
			_, err := nats.Connect(s.URL(), nats.Timeout(700*time.Millisecond))
			return timeoutOf(err)
		})
	}
	s.Part("")
	s.Note("default", "%v", nats.GetDefaultOptions().Timeout)
}

// timeoutOf is the error without the words that name addresses.
func timeoutOf(err error) error {
	var timeout net.Error
	if !errors.Is(err, nats.ErrTimeout) && errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("timeout of the network")
	}
	return err
}

func connectRetries(s *stage.Stage) {
	s.Proxy().Refuse()
	told := newEvents()
	_, err := nats.Connect(s.Proxy().URL(), watch(s, told))
	s.Error("without", err)
	s.Note("told", "%s", told.list(0))
	nc := open(s, s.Proxy().URL(), watch(s, told), nats.RetryOnFailedConnect(true),
		at(nats.ReconnectWait(200*time.Millisecond), nats.ReconnectJitter(0, 0)))
	s.Note("status", "%v", nc.Status())
	s.Error("publish", nc.Publish("a", nil))
	time.AfterFunc(500*time.Millisecond, func() { _ = s.Proxy().Heal() })
	s.Note("told", "%s", told.until("connected"))
	s.Note("in the end", "%v, %d reconnects", nc.Status(), nc.Stats().Reconnects)
	never, err := nats.Connect("nats://127.0.0.1:1", nats.RetryOnFailedConnect(true), nats.MaxReconnects(2),
		nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0), watch(s, told))
	s.Error("never", err)
	s.Note("told", "%s", told.until("closed"))
	s.Error("last error", never.LastError())
}

// lookUp is a dialer that notes what it is to dial, and fails.
type lookUp struct{ asked *events }

func (l lookUp) Dial(_, address string) (net.Conn, error) {
	l.asked.add(address)
	return nil, errors.New("no")
}

func (lookUp) SkipTLSHandshake() bool { return true }

func defaultPorts(s *stage.Stage) {
	for _, url := range []string{"nats://127.0.0.1", "127.0.0.1", "127.0.0.1:99", "tls://127.0.0.1", "ws://127.0.0.1", "wss://127.0.0.1", "nats://[::1]", "ws://127.0.0.1:99"} {
		l := lookUp{newEvents()}
		_, err := nats.Connect(url, nats.SetCustomDialer(l))
		s.Note(url, "%v, dials %s", err != nil, l.asked.list(1))
	}
	for _, skip := range []bool{false, true} {
		l := lookUp{newEvents()}
		opts := []nats.Option{nats.SetCustomDialer(l)}
		if skip {
			opts = append(opts, nats.SkipHostLookup())
		}
		_, _ = nats.Connect("nats://localhost:99", opts...)
		first, _, _ := net.SplitHostPort(l.asked.next(1)[0])
		s.Note(fmt.Sprintf("without a look-up: %v", skip), "address %v, name %v", net.ParseIP(first) != nil, first == "localhost")
	}
}

func serverList(s *stage.Stage) {
	url := s.URL()
	refused := "nats://127.0.0.1:1"
	nc := open(s, url+", "+refused, nats.DontRandomize())
	s.Note("two", "%v", names(nc.Servers(), url))
	s.Note("servers of options", "%v", names(nc.Opts.Servers, url))
	nc.Close()
	nc = open(s, refused+","+url, nats.DontRandomize())
	s.Note("the second", "%v, connected to the second %v", names(nc.Servers(), url), nc.ConnectedUrl() == url)
	nc.Close()
	o := nats.GetDefaultOptions()
	o.Url, o.Servers, o.NoRandomize = url, []string{refused, "nats://127.0.0.1:2"}, true
	nc, err := o.Connect()
	s.Must(err, "connect")
	s.Note("URL and servers", "%v", names(nc.Servers(), url))
	nc.Close()
	o.NoRandomize = false
	first := 0
	for range 20 {
		nc, err := o.Connect()
		s.Must(err, "connect")
		if nc.Servers()[0] == url {
			first++
		}
		nc.Close()
	}
	s.Note("URL is first", "%d of 20", first)
	orders := map[string]bool{}
	for range 30 {
		nc, err := nats.Connect(strings.Join([]string{url, refused, "nats://127.0.0.1:2", "nats://127.0.0.1:3"}, ","))
		s.Must(err, "connect")
		orders[fmt.Sprint(nc.Servers())] = true
		nc.Close()
	}
	s.Note("shuffled", "%v", len(orders) > 3)
	for _, odd := range []string{"", " ", ",", "nats://", "nats:// a", "%%%", "http://127.0.0.1:1", "nats://127.0.0.1:99999", "nats://127.0.0.1:1,", "nats://127.0.0.1:1,ws://127.0.0.1:1"} {
		_, err := nats.Connect(odd, nats.SetCustomDialer(lookUp{newEvents()}))
		s.Note("odd "+fmt.Sprintf("%q", odd), "%v", err != nil)
	}
	tls := "tls" + strings.TrimPrefix(refused, "nats")
	_, err = nats.Connect(tls+","+url, nats.DontRandomize())
	s.Error("TLS for all", err)
}

// names are the servers, with a word in place of the one whose port is random.
func names(servers []string, url string) []string {
	out := slices.Clone(servers)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], strings.TrimPrefix(url, "nats://"), "HERE")
	}
	return out
}

// informed is an INFO with these fields more.
func informed(fields string) string {
	return `{"server_id":"HOST","version":"2.15.2","proto":1,"headers":true,"max_payload":1048576,` + fields + `}`
}

func discovered(s *stage.Stage) {
	a, b := s.Host(""), s.Host("")
	a.Inform(informed(fmt.Sprintf(`"connect_urls":[%q,%q]`, a.Addr(), "127.0.0.1:1")))
	told := newEvents()
	nc := open(s, "nats://me:secret@"+a.Addr(), watch(s, told), at(nats.ReconnectWait(50*time.Millisecond), nats.ReconnectJitter(0, 0)))
	plain := func(servers []string) string {
		out := []string{}
		for _, u := range servers {
			u = strings.ReplaceAll(u, a.Addr(), "A")
			out = append(out, strings.ReplaceAll(u, b.Addr(), "B"))
		}
		slices.Sort(out)
		return fmt.Sprint(out)
	}
	s.Note("at first", "%s, discovered %s", plain(nc.Servers()), plain(nc.DiscoveredServers()))
	s.Note("told", "%s", told.list(1))
	a.Send("INFO " + informed(fmt.Sprintf(`"connect_urls":[%q,%q]`, a.Addr(), b.Addr())) + "\r\n")
	s.Note("told", "%s", told.list(1))
	s.Note("then", "%s, discovered %s", plain(nc.Servers()), plain(nc.DiscoveredServers()))
	a.Send("INFO " + informed(`"connect_urls":[]`) + "\r\n")
	s.Must(nc.Flush(), "flush")
	s.Note("an empty list", "%s", plain(nc.Servers()))
	a.Send("INFO " + informed(fmt.Sprintf(`"connect_urls":[%q,%q]`, a.Addr(), b.Addr())) + "\r\n")
	s.Must(nc.Flush(), "flush")
	s.Note("the same", "%s", told.list(0))
	a.Greet(func(int) string { return "" })
	a.Cut()
	connect := b.Await(1, isOp("CONNECT"))
	s.Note("the discovered one is told", "%v %v", strings.Contains(connect.Data, `"user":"me"`), strings.Contains(connect.Data, `"pass":"secret"`))
	s.Note("told", "%s", told.until("reconnected"))
	s.Note("connected to B", "%v", strings.HasSuffix(nc.ConnectedUrl(), b.Addr()))
	nc.Close()

	c := s.Host(informed(`"connect_urls":["127.0.0.1:1"]`))
	told = newEvents()
	nc = open(s, c.URL(), watch(s, told), nats.IgnoreDiscoveredServers())
	s.Note("ignored", "%d servers, %d discovered, told %s", len(nc.Servers()), len(nc.DiscoveredServers()), told.list(1))
}

func switches(s *stage.Stage) {
	own := func(key string, opts ...nats.Option) {
		nc := connect(s, opts...)
		sub, err := nc.SubscribeSync("own")
		s.Must(err, "subscribe")
		s.Must(nc.Publish("own", []byte("x")), "publish")
		s.Must(nc.Flush(), "flush")
		_, err = sub.NextMsg(100 * time.Millisecond)
		s.Error(key, err)
		nc.Close()
	}
	own("echo")
	own("no echo", nats.NoEcho())
	verbose := func(opts ...nats.Option) {
		ok := func(f stage.Frame) bool { return !f.FromClient && f.Op == "+OK" }
		before := len(s.Tap().Frames(ok))
		nc := connect(s, opts...)
		for range 3 {
			s.Must(nc.Publish("a", nil), "publish")
		}
		s.Must(nc.Flush(), "flush")
		s.Note(fmt.Sprintf("verbose %v", nc.Opts.Verbose), "%d times +OK", len(s.Tap().Frames(ok))-before)
		nc.Close()
	}
	verbose()
	verbose(func(o *nats.Options) error { o.Verbose = true; return nil })
	s.Peer().Respond("q", func(stage.Frame) string { return "yes" })
	for _, prefix := range []string{"", "mine", "my.own"} {
		for _, old := range []bool{false, true} {
			s.Part(fmt.Sprintf("prefix %q, old requests %v", prefix, old))
			opts := []nats.Option{nats.CustomInboxPrefix(prefix)}
			if prefix == "" {
				opts = nil
			}
			if old {
				opts = append(opts, nats.UseOldRequestStyle())
			}
			nc := connect(s, opts...)
			before := len(s.Tap().Published("q"))
			for range 2 {
				m, err := nc.Request("q", nil, time.Second)
				s.Must(err, "request")
				s.Note("answer", "%s", m.Data)
			}
			asked := s.Tap().Published("q")[before:]
			root := prefix
			if root == "" {
				root = "_INBOX"
			}
			s.Note("reply subject", "%v, %d tokens, a root for both %v", strings.HasPrefix(asked[0].Reply, root+"."),
				strings.Count(asked[0].Reply, "."), asked[0].Reply[:len(root)+20] == asked[1].Reply[:len(root)+20])
			inbox := nc.NewRespInbox()
			s.Note("new reply inbox", "%v, %d tokens", strings.HasPrefix(inbox, root+"."), strings.Count(inbox, "."))
			s.Note("new inbox", "%v %d", strings.HasPrefix(nc.NewInbox(), root+"."), len(nc.NewInbox()))
			nc.Close()
		}
	}
	s.Part("")
}

func optionForms(s *stage.Stage) {
	for _, prefix := range []string{"", "a.", "a.*", "a.>", ">", "a b"} {
		_, err := nats.Connect("nats://127.0.0.1:1", nats.CustomInboxPrefix(prefix))
		s.Note(fmt.Sprintf("inbox prefix %q", prefix), "refused %v", err != nil && !errors.Is(err, nats.ErrNoServers))
	}
	nc, err := nats.Connect(s.URL(), nil, nats.Name("n"), nil)
	s.Must(err, "connect")
	s.Note("name", "%s", nc.Opts.Name)
	nc.Close()
	told := newEvents()
	nc = open(s, s.URL(), nats.NoReconnect(), watch(s, told))
	s.Note("allowed", "%v", nc.Opts.AllowReconnect)
	s.Proxy().Cut()
	s.Note("told", "%s", told.until("closed"))
	s.Note("status", "%v", nc.Status())
	s.Error("last error", nc.LastError())
	unchecked := open(s, s.URL(), nats.SkipSubjectValidation())
	s.Note("not checked", "%v", unchecked.Opts.SkipSubjectValidation)
	for _, subject := range []string{"", "a..b", "a.*", ".a", "a."} {
		s.Error(fmt.Sprintf("publish %q", subject), unchecked.Publish(subject, nil))
	}
	unchecked.Close()
	o := nats.GetDefaultOptions()
	s.Note("defaults", "%v %v %v %v %v %v %v %v %v %v %v", o.AllowReconnect, o.MaxReconnect, o.ReconnectWait, o.ReconnectJitter, o.ReconnectJitterTLS,
		o.PingInterval, o.MaxPingsOut, o.SubChanLen, o.ReconnectBufSize, o.DrainTimeout, o.FlusherTimeout)
}
