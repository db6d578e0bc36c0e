package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/test/compat/stage"
)

var wire = []stage.Scenario{
	{Name: "wire, CONNECT", Rows: []string{"3.1", "3.2", "1.17"}, Run: connectFields},
	{Name: "wire, INFO", Rows: []string{"3.3"}, Run: infoFields},
	{Name: "wire, headers sent", Rows: []string{"3.4"}, Run: headersSent},
	{Name: "wire, headers received", Rows: []string{"3.4", "3.10"}, Run: headersReceived},
	{Name: "wire, reply subjects of asynchronous publishes", Rows: []string{"3.9", "3.8"}, Run: asyncReplies,
		Differs: []stage.Difference{stage.Differs("3.9", "new async: wildcards", "1")}},
}

// flat is a JSON object as sorted fields. Of those that must differ from run to run only the presence is told.
func flat(text string, hidden ...string) string {
	var fields map[string]any
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return "odd: " + text
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		value, _ := json.Marshal(fields[key])
		if slices.Contains(hidden, key) {
			value = []byte("...")
		}
		out = append(out, key+"="+string(value))
	}
	return strings.Join(out, " ")
}

func connectFields(s *stage.Stage) {
	for _, c := range []struct {
		name, info, user string
		opts             []nats.Option
	}{
		{name: "plain"},
		{name: "no headers", info: `{"server_id":"HOST","version":"1.0.0","proto":0,"max_payload":1048576}`},
		{name: "name", opts: []nats.Option{nats.Name("me \"quoted\" ä<>&")}},
		{name: "user", opts: []nats.Option{nats.UserInfo("u", "p\"\\")}},
		{name: "user of the URL", user: "u:p@", opts: []nats.Option{nats.UserInfo("x", "y"), nats.Token("t")}},
		{name: "token of the URL", user: "t@", opts: []nats.Option{nats.UserInfo("x", "y")}},
		{name: "escaped", user: "a%40b:p%2Fw@"},
		{name: "token", opts: []nats.Option{nats.Token("t")}},
		{name: "user and token", opts: []nats.Option{nats.UserInfo("u", "p"), nats.Token("t")}},
		{name: "handlers", opts: []nats.Option{nats.UserInfoHandler(func() (string, string) { return "hu", "hp" })}},
		{name: "token handler", opts: []nats.Option{nats.TokenHandler(func() string { return "ht" })}},
		{name: "verbose and pedantic", opts: []nats.Option{func(o *nats.Options) error { o.Verbose, o.Pedantic = true, true; return nil }}},
		{name: "no echo", opts: []nats.Option{nats.NoEcho()}},
	} {
		s.Part(c.name)
		h := s.Host(c.info)
		if c.name == "verbose and pedantic" {
			h.Greet(func(int) string { return "+OK\r\nPONG\r\n" })
		}
		nc := open(s, "nats://"+c.user+h.Addr(), c.opts...)
		s.Note("CONNECT", "%s", flat(h.Await(1, isOp("CONNECT")).Data, "version"))
		var ops []string
		for _, f := range h.Frames(isOp("CONNECT", "PING", "PONG", "SUB"))[:2] {
			ops = append(ops, f.Op)
		}
		s.Note("first", "%v", ops)
		nc.Close()
	}
}

func infoFields(s *stage.Stage) {
	h := s.Host(`{"server_id":"ID","server_name":"NAME","version":"2.11.7","proto":1,"host":"0.0.0.0","port":4222,"headers":true,"max_payload":5000,` +
		`"client_id":77,"client_ip":"10.1.2.3","nonce":"NONCE","cluster":"CLUSTER","domain":"DOMAIN","jetstream":true,"api_lvl":3,"auth_required":true,` +
		`"tls_available":true,"unknown":{"a":[1]}}`)
	nc := open(s, h.URL())
	tell := func(key string) {
		s.Part(key)
		s.Note("server", "%s %s %s %s", nc.ConnectedServerId(), nc.ConnectedServerName(), nc.ConnectedServerVersion(), nc.ConnectedClusterName())
		id, err := nc.GetClientID()
		s.Note("client id", "%d %s", id, s.Describe(err))
		ip, err := nc.GetClientIP()
		s.Note("client ip", "%v %s", ip, s.Describe(err))
		s.Note("others", "%d %v %v %v", nc.MaxPayload(), nc.HeadersSupported(), nc.AuthRequired(), nc.TLSRequired())
		s.Error("5001 bytes", nc.Publish("a", make([]byte, 5001)))
		s.Error("with a header", nc.PublishMsg(&nats.Msg{Subject: "a", Header: nats.Header{"k": {"v"}}}))
	}
	tell("first")
	h.Send(`INFO {"server_id":"ID","server_name":"OTHER","version":"2.11.7","proto":1,"headers":true,"max_payload":9000,"client_id":77}` + "\r\n")
	s.Pause(quiet)
	tell("second")
	s.Part("")
	old := s.Host(`{"server_id":"OLD","version":"1.4.0","proto":1,"max_payload":1000}`)
	nc = open(s, old.URL())
	s.Error("headers not supported", nc.PublishMsg(&nats.Msg{Subject: "a", Header: nats.Header{"k": {"v"}}}))
	_, err := nc.GetClientIP()
	s.Error("no client ip", err)
	_, err = nc.GetClientID()
	s.Error("no client id", err)
	s.Timed("request", func() error { _, err := nc.Request("a", nil, 100*time.Millisecond); return err })
}

func headersSent(s *stage.Stage) {
	nc := connect(s)
	for i, header := range []nats.Header{
		{}, {"a": nil}, {"a": {""}}, {"a": {"b"}}, {"a": {"b", "c"}}, {"A-b": {"x y"}}, {"a": {" b "}}, {"a": {"b\r\nc: d"}}, {"a": {"b\nc"}}, {"a": {"b\tc"}},
		{"": {"b"}}, {"a b": {"c"}}, {"a:": {"c"}}, {"a\r\n": {"c"}}, {"ä": {"ö"}}, {"a": {"a:b"}}, {"nats-msg-id": {"x"}}, {"a\x00": {"b"}}, {"a": {"\x00"}},
	} {
		subject := fmt.Sprintf("h%d.x", i)
		s.Error(fmt.Sprintf("%q", header), nc.PublishMsg(&nats.Msg{Subject: subject, Header: header, Data: []byte("d")}))
		s.Must(nc.Flush(), "flush")
		for _, f := range s.Tap().Published(subject) {
			s.Note("sent", "%s %q %q", f.Op, f.Header, f.Data)
		}
	}
	h := nats.Header{}
	h.Set("Key", "v")
	h.Add("key", "w")
	h.Add("Key", "x")
	s.Note("case", "%q %q %q %q", h.Get("Key"), h.Get("KEY"), h.Values("Key"), h.Values("key"))
	h.Del("Key")
	s.Note("deleted", "%d %q", len(h), h.Get("key"))
}

func headersReceived(s *stage.Stage) {
	told := newEvents()
	nc := connect(s, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { told.add(s.Describe(err)) }))
	sub, err := nc.SubscribeSync("h")
	s.Must(err, "subscribe")
	s.Must(nc.Flush(), "flush")
	for _, block := range []string{
		"NATS/1.0\r\n\r\n", "NATS/1.0\r\na: b\r\n\r\n", "NATS/1.0\r\na:b\r\na: c\r\nA: d\r\n\r\n", "NATS/1.0\r\na:\r\n\r\n", "NATS/1.0\r\na:   b  \r\n\r\n",
		"NATS/1.0 404\r\n\r\n", "NATS/1.0 408 Request Timeout\r\n\r\n", "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 5\r\n\r\n", "NATS/1.0   503   x  y \r\n\r\n",
		"NATS/1.0 5031 abc\r\n\r\n", "NATS/1.0\r\na: b: c\r\n\r\n", "NATS/1.0\r\nStatus: 7\r\n\r\n",
		"HTTP/1.0\r\na: b\r\n\r\n", "NATS/1.0\r\nab\r\n\r\n", "NATS/1.0\r\n: b\r\n\r\n",
	} {
		s.Part(fmt.Sprintf("%q", block))
		tail := "h " + fmt.Sprint(len(block)) + " " + fmt.Sprint(len(block)+1) + "\r\n" + block + "x\r\n"
		s.Peer().Raw("HPUB " + tail)
		s.Peer().Flush()
		s.Must(nc.Flush(), "flush")
		m, err := sub.NextMsg(300 * time.Millisecond)
		if err != nil {
			s.Error("next", err)
		} else {
			var lines []string
			for _, key := range slices.Sorted(maps.Keys(m.Header)) {
				lines = append(lines, fmt.Sprintf("%s=%q", key, m.Header[key]))
			}
			s.Note("header", "%v nil %v, data %q, size %d", lines, m.Header == nil, m.Data, m.Size())
		}
		s.Note("told", "%s", told.list(0))
	}
}

func asyncReplies(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	for _, way := range asyncWays {
		s.Part(way)
		subject := "s." + strings.ReplaceAll(way, " ", "-")
		for range 3 {
			_, err := c.publish(way, message(subject), how{})
			s.Must(err, "publish")
		}
		sent := s.Tap().Published(subject)
		for i, f := range sent {
			tokens := strings.Split(f.Reply, ".")
			s.Note("reply", "%s and %d tokens, root as before %v, own %v", tokens[0], len(tokens)-1,
				tokens[1] == strings.Split(sent[0].Reply, ".")[1], i == 0 || f.Reply != sent[i-1].Reply)
		}
		s.Note("wildcards", "%d", len(s.Tap().Frames(func(f stage.Frame) bool { return f.Op == "SUB" && strings.HasSuffix(f.Subject, ".*") })))
	}
}
