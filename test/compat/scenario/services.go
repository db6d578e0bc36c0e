package scenario

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
	"github.com/gannet-io/nats/test/compat/stage"
)

var services = []stage.Scenario{
	{Name: "services, discovery", Rows: []string{"15.1", "15.2", "15.10"}, Run: serviceDiscovery},
	{Name: "services, endpoints", Rows: []string{"15.3"}, Run: serviceEndpoints, Differs: []stage.Difference{
		stage.Differs("15.5", "no handler", `is micro.ErrConfigValidation: "validation: endpoint \"e\" has no handler"`),
		stage.Differs("15.5", "nil option", "nil"),
	}},
	{Name: "services, configuration", Rows: []string{"15.4", "15.5"}, Run: serviceConfiguration, Differs: []stage.Difference{
		stage.Differs("15.5", "no connection", `nats.ErrInvalidConnection: "nats: invalid connection"`),
		stage.Differs("15.5", "endpoint without handler", `is micro.ErrConfigValidation: "validation: endpoint \"default\" has no handler"`),
	}},
	{Name: "services, answers", Rows: []string{"15.6", "15.7"}, Run: serviceAnswers, Differs: []stage.Difference{
		stage.Differs("15.6", "too large", `is micro.ErrRespond, nats.ErrMaxPayload: "NATS error when sending response: nats: maximum payload exceeded"`),
		stage.Differs("15.6", "bad header", `is micro.ErrRespond, nats.ErrBadHeaderMsg: "NATS error when sending response: nats: message could not decode headers"`),
		stage.Differs("15.6", "no reply", `is micro.ErrRespond, nats.ErrMsgNoReply: "NATS error when sending response: nats: message does not have a reply"`),
	}},
	{Name: "services, stop", Rows: []string{"15.8"}, Run: serviceStop, Differs: []stage.Difference{
		stage.Differs("15.8", "done while a request is handled", "false"),
		stage.Differs("15.7", "endpoints in the figures", "1"),
		stage.Differs("15.8", "endpoint after the end", `"service stopped"`),
	}},
	{Name: "services, end of the connection", Rows: []string{"15.8", "15.9"}, Run: serviceConnectionEnds, Differs: []stage.Difference{
		stage.Differs("15.9", "closed with handlers set later, told", "[done; later closed handler]"),
		stage.Differs("15.9", "closed with handlers set later, stopped", "true"),
	}},
	{Name: "services, errors of subscriptions", Rows: []string{"15.9"}, Run: serviceErrors, Differs: []stage.Difference{
		stage.Differs("15.9", "after the last stop", "[later: probe]"),
	}},
	{Name: "services, denied subscription", Rows: []string{"15.9"}, Run: serviceDenied, Differs: []stage.Difference{
		stage.Differs("15.9", "told", `[connection: true; service: "denied"]`),
		stage.Differs("15.9", "counted", "1"),
	}},
}

// addService starts the service Svc.
func addService(s *stage.Stage, nc *nats.Conn, change ...func(*micro.Config)) micro.Service {
	config := micro.Config{Name: "Svc", Version: "1.2.3"}
	for _, f := range change {
		f(&config)
	}
	svc, err := micro.AddService(nc, config)
	s.Must(err, "service")
	return svc
}

func ok(r micro.Request) { _ = r.Respond([]byte("ok")) }

// uncertain is what of an answer is different each time.
var uncertain = regexp.MustCompile(`("(?:id|started|processing_time|average_processing_time)":)("[^"]*"|\d+)`)

func serviceDiscovery(s *stage.Stage) {
	nc, caller := connect(s), connect(s)
	svc := addService(s, nc, func(c *micro.Config) {
		c.Description, c.Metadata = "what it does", map[string]string{"k": "v"}
		c.Endpoint = &micro.EndpointConfig{Subject: "first", Handler: micro.HandlerFunc(ok)}
	})
	s.Must(nc.Flush(), "flush")
	id := svc.Info().ID
	var subs []string
	for _, f := range s.Tap().Frames(func(f stage.Frame) bool {
		return f.FromClient && f.Op == "SUB" && !strings.HasPrefix(f.Subject, "_INBOX")
	}) {
		subs = append(subs, strings.TrimSpace(strings.ReplaceAll(f.Subject, id, "ID")+" "+f.Queue))
	}
	slices.Sort(subs)
	s.Note("subscriptions", "%s", strings.Join(subs, ", "))
	for _, subject := range []string{
		"$SRV.PING", "$SRV.PING.Svc", "$SRV.PING.Svc.ID", "$SRV.INFO", "$SRV.INFO.Svc.ID", "$SRV.STATS", "$SRV.STATS.Svc", "$SRV.PING.svc", "$SRV.SCHEMA", "$SRV.SCHEMA.Svc",
	} {
		m, err := caller.Request(strings.ReplaceAll(subject, "ID", id), []byte("{"), resolved)
		if err != nil {
			s.Error(subject, err)
			continue
		}
		s.Note(subject, "%v %s", len(m.Header), uncertain.ReplaceAllString(string(m.Data), "$1..."))
	}
	empty := addService(s, nc, func(c *micro.Config) { c.Name = "Empty" })
	s.Note("without endpoints", "%v %v", empty.Info().Endpoints == nil, empty.Stats().Endpoints == nil)
	for _, verb := range []micro.Verb{micro.PingVerb, micro.StatsVerb, micro.InfoVerb, 9} {
		for _, who := range [][2]string{{}, {"a", ""}, {"a", "B"}, {"", "b"}} {
			subject, err := micro.ControlSubject(verb, who[0], who[1])
			s.Note(fmt.Sprintf("subject of %q %v", verb, who), "%q, %s", subject, s.Describe(err))
		}
	}
}

func serviceEndpoints(s *stage.Stage) {
	nc := connect(s)
	svc := addService(s, nc)
	h := micro.HandlerFunc(ok)
	add := func(key string, g micro.Group, name string, opts ...micro.EndpointOpt) {
		s.ErrorText(key, s.Try(func() error { return g.AddEndpoint(name, h, opts...) }))
	}
	for _, name := range []string{"", "a b", "a.b", "ä", "a-b_C9"} {
		add(fmt.Sprintf("name %q", name), svc, name)
	}
	s.ErrorText("no handler", svc.AddEndpoint("e", nil))
	add("nil option", svc, "e", nil)
	for _, subject := range []string{"", "a b", "a..b", "a.>", "a.>.b", "*.x", "a>"} {
		add(fmt.Sprintf("subject %q", subject), svc, "s", micro.WithEndpointSubject(subject))
	}
	own, off := micro.WithEndpointQueueGroup("own"), micro.WithEndpointQueueGroupDisabled()
	add("queue", svc, "own", own)
	add("no queue", svc, "off", off)
	add("both", svc, "both", off, own)
	add("empty queue", svc, "empty", micro.WithEndpointQueueGroup(""))
	add("bad queue", svc, "q", micro.WithEndpointQueueGroup("a b"))
	add("no limits", svc, "l", micro.WithEndpointPendingLimits(0, 0))
	add("half limits", svc, "l", micro.WithEndpointPendingLimits(5, 0))
	add("limits", svc, "l", micro.WithEndpointPendingLimits(5, -1))
	add("metadata and key", svc, "m1", micro.WithEndpointMetadata(map[string]string{"a": "1"}), micro.WithEndpointMetadataKey("b", "2"))
	add("key and metadata", svc, "m2", micro.WithEndpointMetadataKey("b", "2"), micro.WithEndpointMetadata(map[string]string{"a": "1"}))
	g := svc.AddGroup("g", micro.WithGroupQueueGroup("gq"))
	add("in a group", g, "e")
	add("in a group, queue", g, "own", own)
	add("in a group in a group", g.AddGroup("h"), "e")
	bare := svc.AddGroup("bare", micro.WithGroupQueueGroupDisabled())
	add("in a group without queue", bare, "e")
	add("in a group in it", bare.AddGroup("h", micro.WithGroupQueueGroup("back")), "e")
	add("in a group without name", svc.AddGroup("").AddGroup("k"), "e")
	add("in a bad group", svc.AddGroup("a b"), "e")
	add("in a group with an empty token", svc.AddGroup("a..b"), "e")
	add("in a group with a bad queue", svc.AddGroup("bad", micro.WithGroupQueueGroup("a b")), "e")
	for _, e := range svc.Info().Endpoints {
		if e.Name != "e" || e.Subject != "e" { // which differs
			s.Note("endpoint", "%+v %v", e, e.Metadata == nil)
		}
	}
}

func serviceConfiguration(s *stage.Stage) {
	nc := connect(s)
	try := func(key string, nc *nats.Conn, c micro.Config) {
		s.ErrorText(key, s.Try(func() error {
			svc, err := micro.AddService(nc, c)
			if err == nil {
				err = svc.Stop()
			}
			return err
		}))
	}
	h := micro.HandlerFunc(ok)
	good := func(change func(*micro.Config)) micro.Config {
		c := micro.Config{Name: "a", Version: "1.0.0"}
		change(&c)
		return c
	}
	endpoint := func(e micro.EndpointConfig) micro.Config { return good(func(c *micro.Config) { c.Endpoint = &e }) }
	for _, name := range []string{"", "a b", "a.b", "A-b_9"} {
		try(fmt.Sprintf("name %q", name), nc, good(func(c *micro.Config) { c.Name = name }))
	}
	for _, version := range []string{"", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-01", "1.0.0-", "1.0.0+", "1.0.0-rc.1+b.01", "1.0.0-a_b", "1.0.0 ", "1.0.0--"} {
		try(fmt.Sprintf("version %q", version), nc, good(func(c *micro.Config) { c.Version = version }))
	}
	for _, queue := range []string{"a b", ">", "a.>", "a>b"} {
		try(fmt.Sprintf("queue %q", queue), nc, good(func(c *micro.Config) { c.QueueGroup = queue }))
	}
	try("queue and none", nc, good(func(c *micro.Config) { c.QueueGroup, c.QueueGroupDisabled = "x", true }))
	try("no connection", nil, good(func(*micro.Config) {}))
	try("endpoint without handler", nc, endpoint(micro.EndpointConfig{Subject: "x"}))
	try("endpoint without subject", nc, endpoint(micro.EndpointConfig{Handler: h}))
	try("endpoint subject", nc, endpoint(micro.EndpointConfig{Subject: "a b", Handler: h}))
	try("endpoint subject with an empty token", nc, endpoint(micro.EndpointConfig{Subject: "a..b", Handler: h}))
	try("endpoint queue", nc, endpoint(micro.EndpointConfig{Subject: "a", QueueGroup: "q q", Handler: h}))
	closed := connect(s)
	closed.Close()
	try("closed connection", closed, good(func(*micro.Config) {}))
}

// handled has an endpoint handle one request, and returns what came back: the answer, and what the handler returned.
func handled(s *stage.Stage, nc, caller *nats.Conn, svc micro.Service, name string, f func(micro.Request) error) (string, error) {
	result := make(chan error, 1)
	s.Must(svc.AddEndpoint(name, micro.HandlerFunc(func(r micro.Request) { result <- f(r) })), "endpoint")
	s.Must(nc.Flush(), "flush")
	sub, err := caller.SubscribeSync("answer." + name)
	s.Must(err, "subscribe")
	s.Must(caller.PublishRequest(name, "answer."+name, []byte("data")), "request")
	err = stage.Take(s, result, "the handler")
	s.Must(nc.Flush(), "flush")
	s.Must(caller.Flush(), "flush")
	m, none := sub.NextMsg(50 * time.Millisecond)
	if none != nil {
		return "no answer", err
	}
	return fmt.Sprintf("%v %q", m.Header, m.Data), err
}

func serviceAnswers(s *stage.Stage) {
	nc, caller := connect(s), connect(s)
	svc := addService(s, nc, func(c *micro.Config) {
		c.StatsHandler = func(e *micro.Endpoint) any { return e.Name + " " + e.Subject + " " + e.QueueGroup }
	})
	headers := func(pairs ...string) micro.RespondOpt {
		h := micro.Headers{}
		for i := 0; i < len(pairs); i += 2 {
			h[pairs[i]] = append(h[pairs[i]], pairs[i+1])
		}
		return micro.WithHeaders(h)
	}
	for i, test := range []struct {
		key    string
		handle func(micro.Request) error
	}{
		{"bytes", func(r micro.Request) error { return r.Respond([]byte("hi")) }},
		{"headers", func(r micro.Request) error { return r.Respond(nil, headers("A", "1", "A", "2"), headers("B", "3")) }},
		{"headers twice", func(r micro.Request) error { return r.Respond(nil, headers("A", "1", "X", "2"), headers("A", "3")) }},
		{"json", func(r micro.Request) error { return r.RespondJSON(map[string]int{"a": 1}) }},
		{"no json", func(r micro.Request) error { return r.RespondJSON(make(chan int)) }},
		{"error", func(r micro.Request) error { return r.Error("400", "bad thing", []byte("body")) }},
		{"error with headers", func(r micro.Request) error {
			return r.Error("400", "bad", nil, headers(micro.ErrorHeader, "mine", "Q", "1"))
		}},
		{"no code", func(r micro.Request) error { return r.Error("", "d", nil) }},
		{"no description", func(r micro.Request) error { return r.Error("1", "", nil) }},
		{"line breaks", func(r micro.Request) error { return r.Error("5\r\n0", "a\r\nb", nil) }},
		{"too large", func(r micro.Request) error { return r.Respond(make([]byte, 2<<20)) }},
		{"error too large", func(r micro.Request) error { return r.Error("500", "x", make([]byte, 2<<20)) }},
		{"bad header", func(r micro.Request) error { return r.Respond(nil, headers("a b", "x")) }},
		{"twice", func(r micro.Request) error {
			return errors.Join(r.Respond([]byte("1")), r.Error("500", "after", nil), r.Respond([]byte("3")))
		}},
	} {
		answer, err := handled(s, nc, caller, svc, fmt.Sprintf("e%d", i), test.handle)
		s.ErrorText(test.key, err)
		s.Note(test.key+", answer", "%s", answer)
	}
	result := make(chan error, 1)
	s.Must(svc.AddEndpoint("mute", micro.ContextHandler(context.Background(), func(_ context.Context, r micro.Request) {
		s.Note("request", "%q %q %v %q", r.Subject(), r.Reply(), r.Headers() == nil, r.Data())
		result <- r.Respond(nil)
	})), "endpoint")
	s.Must(nc.Flush(), "flush")
	s.Must(caller.Publish("mute", []byte("data")), "publish")
	s.ErrorText("no reply", stage.Take(s, result, "the handler"))
	s.Pause(quiet) // figures are written after the handler
	noteFigures(s, "figures", svc)
	started := svc.Stats().Started
	svc.Reset()
	noteFigures(s, "figures after reset", svc)
	s.Note("reset begins anew", "%v", svc.Stats().Started.After(started))
}

func noteFigures(s *stage.Stage, key string, svc micro.Service) {
	for _, e := range svc.Stats().Endpoints {
		s.Note(key, "%s %s requests=%d errors=%d last=%q time=%v average=%v data=%s",
			e.Name, e.QueueGroup, e.NumRequests, e.NumErrors, e.LastError, e.ProcessingTime > 0, e.AverageProcessingTime > 0, e.Data)
	}
}
