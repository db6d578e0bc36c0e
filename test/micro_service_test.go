package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
)

func TestMicroDiscovery(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service(func(c *micro.Config) {
		c.Description = "what it does"
		c.Endpoint = &micro.EndpointConfig{Subject: "first", Handler: micro.HandlerFunc(echo), Metadata: map[string]string{"a": "1"}}
	})
	must(t, g.nc.Flush())
	id := svc.Info().ID
	for name, test := range map[string]struct{ subject, want string }{
		"all":      {"$SRV.PING", `{"name":"svc","id":"ID","version":"1.0.0","metadata":{},"type":"io.nats.micro.v1.ping_response"}`},
		"name":     {"$SRV.PING.svc", `{"name":"svc","id":"ID","version":"1.0.0","metadata":{},"type":"io.nats.micro.v1.ping_response"}`},
		"instance": {"$SRV.PING.svc." + id, `{"name":"svc","id":"ID","version":"1.0.0","metadata":{},"type":"io.nats.micro.v1.ping_response"}`},
		"info": {"$SRV.INFO.svc", `{"name":"svc","id":"ID","version":"1.0.0","metadata":{},"type":"io.nats.micro.v1.info_response","description":"what it does",` +
			`"endpoints":[{"name":"default","subject":"first","queue_group":"q","metadata":{"a":"1"}}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := g.caller.Request(test.subject, []byte("{not json"), patience)
			must(t, err)
			if got := strings.ReplaceAll(string(m.Data), id, "ID"); got != test.want {
				t.Errorf("%s:\ngot  %s\nwant %s", test.subject, got, test.want)
			}
		})
	}
	var stats micro.Stats
	must(t, json.Unmarshal(g.ask("$SRV.STATS.svc", "").Data, &stats))
	if stats.Type != micro.StatsResponseType || stats.ID != id || len(stats.Endpoints) != 1 || stats.Started.IsZero() {
		t.Errorf("stats: got %+v", stats)
	}
	for _, subject := range []string{"$SRV.PING.SVC", "$SRV.SCHEMA.svc", "$SRV.PING.svc.x"} {
		if _, err := g.caller.Request(subject, nil, patience); err != nats.ErrNoResponders {
			t.Errorf("%s: got %v, want %v", subject, err, nats.ErrNoResponders)
		}
	}
}

func TestMicroEmptyLists(t *testing.T) {
	g := newMicroStage(t)
	g.service()
	must(t, g.nc.Flush())
	for _, subject := range []string{"$SRV.INFO.svc", "$SRV.STATS.svc"} {
		if text := string(g.ask(subject, "").Data); !strings.Contains(text, `"endpoints":[]`) {
			t.Errorf("%s: got %s, want an empty list of endpoints", subject, text)
		}
	}
}

func TestMicroQueueGroups(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service(func(c *micro.Config) { c.QueueGroup = "s" })
	h := micro.HandlerFunc(echo)
	own, off := micro.WithEndpointQueueGroup("own"), micro.WithEndpointQueueGroupDisabled()
	group := svc.AddGroup("g", micro.WithGroupQueueGroup("gq"))
	bare := svc.AddGroup("b", micro.WithGroupQueueGroupDisabled())
	for _, err := range []error{
		svc.AddEndpoint("plain", h), svc.AddEndpoint("own", h, own), svc.AddEndpoint("off", h, off, own), svc.AddEndpoint("empty", h, micro.WithEndpointQueueGroup("")),
		group.AddEndpoint("e", h), group.AddEndpoint("own", h, own), group.AddGroup("x").AddEndpoint("e", h), group.AddEndpoint("off", h, off),
		group.AddGroup("y", micro.WithGroupQueueGroup("y")).AddEndpoint("e", h),
		bare.AddEndpoint("e", h), bare.AddGroup("x").AddEndpoint("e", h), bare.AddEndpoint("own", h, own),
		svc.AddGroup("").AddGroup("k").AddEndpoint("e", h, micro.WithEndpointSubject("a.>")),
	} {
		must(t, err)
	}
	var got []string
	for _, e := range svc.Info().Endpoints {
		got = append(got, e.Subject+"="+e.QueueGroup)
	}
	want := "plain=s own=own off= empty=s g.e=gq g.own=own g.x.e=gq g.off= g.y.e=y b.e= b.x.e= b.own=own k.a.>=s"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("queue groups:\ngot  %s\nwant %s", text, want)
	}
}

// Of two instances one gets a request, unless the queue group is disabled.
func TestMicroInstances(t *testing.T) {
	g := newMicroStage(t)
	var seen journal
	for _, name := range []string{"a", "b"} {
		svc := startService(t, dial(t, g.srv.URL(), silent()))
		svc.answers("one", func(r micro.Request) { seen.add("one %s", name); echo(r) })
		svc.answers("each", func(r micro.Request) { seen.add("each %s", name); echo(r) }, micro.WithEndpointQueueGroupDisabled())
	}
	g.ask("one", "")
	g.ask("each", "")
	eventually(t, "both", func() bool { return seen.has("each a") && seen.has("each b") })
	if n := len(seen.all()); n != 3 {
		t.Errorf("handled %v, want one by one of them and each by both", seen.all())
	}
}

func TestMicroBadConfig(t *testing.T) {
	g := newMicroStage(t)
	good := micro.Config{Name: "a", Version: "1.0.0"}
	h := micro.HandlerFunc(echo)
	endpoint := func(e micro.EndpointConfig) func(*micro.Config) { return func(c *micro.Config) { c.Endpoint = &e } }
	for name, test := range map[string]struct {
		change func(*micro.Config)
		want   error
		text   string
	}{
		"no name":        {func(c *micro.Config) { c.Name = "" }, micro.ErrConfigValidation, "service name"},
		"name":           {func(c *micro.Config) { c.Name = "a.b" }, micro.ErrConfigValidation, "service name"},
		"queue":          {func(c *micro.Config) { c.QueueGroup = "a b" }, micro.ErrConfigValidation, "queue group"},
		"queue protocol": {func(c *micro.Config) { c.QueueGroup = "a\r\nPUB x" }, micro.ErrConfigValidation, "queue group"},
		"no handler":     {endpoint(micro.EndpointConfig{Subject: "x"}), micro.ErrConfigValidation, "no handler"},
		"nil function":   {endpoint(micro.EndpointConfig{Subject: "x", Handler: micro.HandlerFunc(nil)}), micro.ErrConfigValidation, "no handler"},
		"subject":        {endpoint(micro.EndpointConfig{Subject: "a b", Handler: h}), micro.ErrConfigValidation, "endpoint subject"},
		"empty token":    {endpoint(micro.EndpointConfig{Subject: "a..b", Handler: h}), nats.ErrBadSubject, ""},
		"line break":     {endpoint(micro.EndpointConfig{Subject: "a\r\nPUB", Handler: h}), nats.ErrBadSubject, ""},
		"endpoint queue": {endpoint(micro.EndpointConfig{Subject: "a", QueueGroup: "q\tq", Handler: h}), nats.ErrBadQueueName, ""},
		"concurrency":    {endpoint(micro.EndpointConfig{Subject: "a", Concurrency: -1, Handler: h}), micro.ErrConfigValidation, "concurrency"},
		"middleware": {func(c *micro.Config) {
			c.Endpoint = &micro.EndpointConfig{Handler: h}
			c.Middleware = []micro.Middleware{func(micro.Handler) micro.Handler { return nil }}
		}, micro.ErrConfigValidation, "middleware"},
		"middleware that panics": {func(c *micro.Config) {
			c.Endpoint = &micro.EndpointConfig{Handler: h}
			c.Middleware = []micro.Middleware{nil, func(micro.Handler) micro.Handler { panic("oh") }}
		}, micro.ErrConfigValidation, "panic: oh"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			test.change(&config)
			svc, err := micro.AddService(g.nc, config)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || svc != nil {
				t.Errorf("got %v, %v, want %v with %q", svc, err, test.want, test.text)
			}
			if n := g.nc.NumSubscriptions(); n != 0 {
				t.Errorf("%d subscriptions left", n)
			}
		})
	}
	for _, version := range []string{"", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0+", "1.0.0\n", "1.0.0-a..b", "1.0.0-a_b", "-1.0.0", "1.0.0.0", "1.0.x"} {
		if _, err := micro.AddService(g.nc, micro.Config{Name: "a", Version: version}); !errors.Is(err, micro.ErrConfigValidation) {
			t.Errorf("version %q: got %v, want %v", version, err, micro.ErrConfigValidation)
		}
	}
	for _, version := range []string{"0.0.0", "1.2.3-rc.1+build.05", "1.0.0-a-b", "1.0.0--", "10.20.30+x-y"} {
		svc, err := micro.AddService(g.nc, micro.Config{Name: "a", Version: version})
		if err != nil {
			t.Errorf("version %q: %v", version, err)
			continue
		}
		must(t, svc.Stop())
	}
	for _, nc := range []*nats.Conn{nil, {}} {
		if _, err := micro.AddService(nc, good); err != nats.ErrInvalidConnection {
			t.Errorf("got %v, want %v", err, nats.ErrInvalidConnection)
		}
	}
	closed := dial(t, g.srv.URL())
	closed.Close()
	if _, err := micro.AddService(closed, good); err != nats.ErrConnectionClosed {
		t.Errorf("on a closed connection: got %v, want %v", err, nats.ErrConnectionClosed)
	}
}

func TestMicroBadEndpoints(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	h := micro.HandlerFunc(echo)
	have := g.nc.NumSubscriptions()
	for name, test := range map[string]struct {
		err  error
		want error
	}{
		"name":         {svc.AddEndpoint("a.b", h), micro.ErrConfigValidation},
		"no name":      {svc.AddEndpoint("", h), micro.ErrConfigValidation},
		"no handler":   {svc.AddEndpoint("a", nil), micro.ErrConfigValidation},
		"no function":  {svc.AddEndpoint("a", micro.ContextHandler(t.Context(), nil)), micro.ErrConfigValidation},
		"subject":      {svc.AddEndpoint("a", h, micro.WithEndpointSubject("a b")), micro.ErrConfigValidation},
		"inner >":      {svc.AddEndpoint("a", h, micro.WithEndpointSubject("a.>.b")), micro.ErrConfigValidation},
		"group":        {svc.AddGroup("a b").AddEndpoint("a", h), micro.ErrConfigValidation},
		"group tokens": {svc.AddGroup("a..b").AddEndpoint("a", h), nats.ErrBadSubject},
		"queue":        {svc.AddEndpoint("a", h, micro.WithEndpointQueueGroup("a b")), micro.ErrConfigValidation},
		"no limits":    {svc.AddEndpoint("a", h, micro.WithEndpointPendingLimits(0, 0)), micro.ErrConfigValidation},
		"half limits":  {svc.AddEndpoint("a", h, micro.WithEndpointPendingLimits(5, 0)), nats.ErrInvalidArg},
		"concurrency":  {svc.AddEndpoint("a", h, micro.WithEndpointConcurrency(0)), micro.ErrConfigValidation},
		"much of it":   {svc.AddEndpoint("a", h, micro.WithEndpointConcurrency(math.MaxInt)), micro.ErrConfigValidation},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: got %v, want %v", name, test.err, test.want)
		}
	}
	if n := g.nc.NumSubscriptions(); n != have || len(svc.Info().Endpoints) != 0 {
		t.Errorf("%d subscriptions, want %d, and endpoints %v, want none", n, have, svc.Info().Endpoints)
	}
	must(t, svc.AddEndpoint("ok", h, nil, micro.WithEndpointMiddleware(nil)))
	must(t, svc.AddGroup("g", nil).AddEndpoint("ok", h))
	must(t, svc.AddEndpoint("ok", h, micro.WithEndpointSubject("other"))) // the same name again
}

func TestMicroControlSubject(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		verb     micro.Verb
		name, id string
		want     string
		err      error
	}{
		{micro.PingVerb, "", "", "$SRV.PING", nil},
		{micro.StatsVerb, "A", "", "$SRV.STATS.A", nil},
		{micro.InfoVerb, "a", "B", "$SRV.INFO.a.B", nil},
		{micro.InfoVerb, "", "b", "", micro.ErrServiceNameRequired},
		{micro.Verb(9), "", "", "", micro.ErrVerbNotSupported},
		{micro.Verb(-1), "", "", "", micro.ErrVerbNotSupported},
	} {
		got, err := micro.ControlSubject(test.verb, test.name, test.id)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%v %q %q: got %q, %v, want %q, %v", test.verb, test.name, test.id, got, err, test.want, test.err)
		}
	}
	if text := fmt.Sprint(micro.PingVerb, micro.StatsVerb, micro.InfoVerb, micro.Verb(7)); text != "PING STATS INFO " {
		t.Errorf("verbs: got %q", text)
	}
}

// What a program does with its configuration, or with what it was told, does not change the service.
func TestMicroCopies(t *testing.T) {
	g := newMicroStage(t)
	meta, inner := map[string]string{"k": "v"}, map[string]string{"k": "v"}
	svc := g.service(func(c *micro.Config) {
		c.Metadata = meta
		c.StatsHandler = func(e *micro.Endpoint) any { e.Name, e.Metadata["k"] = "changed", "changed"; return e.Subject }
	})
	must(t, svc.AddEndpoint("e", micro.HandlerFunc(echo), micro.WithEndpointMetadata(inner), micro.WithEndpointMetadataKey("l", "w")))
	meta["k"], inner["k"] = "changed", "changed"
	svc.Info().Metadata["k"] = "changed"
	svc.Info().Endpoints[0].Metadata["k"] = "changed"
	svc.Stats()
	info := svc.Info()
	if text := fmt.Sprint(info.Metadata, info.Endpoints, string(svc.Stats().Endpoints[0].Data)); text != `map[k:v] [{e e q map[k:v l:w]}]"e"` {
		t.Errorf("got %s", text)
	}
}
