package test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
)

func TestMicroAnswers(t *testing.T) {
	g := newMicroStage(t)
	headers := func(h micro.Headers) micro.RespondOpt { return micro.WithHeaders(h) }
	for name, test := range map[string]struct {
		handle func(micro.Request) error
		data   string
		header nats.Header
	}{
		"bytes":      {func(r micro.Request) error { return r.Respond([]byte("hi")) }, "hi", nil},
		"nil option": {func(r micro.Request) error { return r.Respond([]byte("hi"), nil) }, "hi", nil},
		"headers": {func(r micro.Request) error {
			return r.Respond(nil, headers(micro.Headers{"A": {"1", "2"}, "X": {"y"}}), headers(micro.Headers{"A": {"3"}}))
		}, "", nats.Header{"A": {"3"}, "X": {"y"}}},
		"an option of one's own": {func(r micro.Request) error {
			return r.Respond(nil, func(m *nats.Msg) { m.Header.Set("k", "v"); m.Subject = "elsewhere" })
		}, "", nats.Header{"k": {"v"}}},
		"json": {func(r micro.Request) error { return r.RespondJSON(map[string]int{"a": 1}) }, `{"a":1}`, nil},
		"error": {func(r micro.Request) error { return r.Error("400", "bad thing", []byte("body")) }, "body",
			nats.Header{"Nats-Service-Error": {"bad thing"}, "Nats-Service-Error-Code": {"400"}}},
		"error with headers": {func(r micro.Request) error {
			return r.Error("400", "bad", nil, headers(micro.Headers{"Nats-Service-Error": {"mine"}, "Q": {"1"}}))
		}, "", nats.Header{"Nats-Service-Error": {"mine"}, "Nats-Service-Error-Code": {"400"}, "Q": {"1"}}},
		"line breaks": {func(r micro.Request) error { return r.Error("4\r\n0", "a\r\nPUB x", nil) }, "",
			nats.Header{"Nats-Service-Error": {"a  PUB x"}, "Nats-Service-Error-Code": {"4  0"}}},
	} {
		t.Run(name, func(t *testing.T) {
			svc := g.service()
			defer svc.Stop()
			failed := make(chan error, 1)
			svc.answers("e", func(r micro.Request) { failed <- test.handle(r) })
			m := g.ask("e", "")
			must(t, await(t, "the handler", failed))
			if string(m.Data) != test.data || !reflect.DeepEqual(m.Header, test.header) && len(m.Header)+len(test.header) > 0 {
				t.Errorf("got %q %v, want %q %v", m.Data, m.Header, test.data, test.header)
			}
		})
	}
}

func TestMicroAnswersThatFail(t *testing.T) {
	g := newMicroStage(t)
	for name, test := range map[string]struct {
		handle  func(micro.Request) error
		is      []error
		counted int
		last    string
	}{
		"no JSON":        {func(r micro.Request) error { return r.RespondJSON(make(chan int)) }, []error{micro.ErrMarshalResponse}, 0, ""},
		"no code":        {func(r micro.Request) error { return r.Error("", "d", nil) }, []error{micro.ErrArgRequired}, 0, ""},
		"no description": {func(r micro.Request) error { return r.Error("1", "", nil) }, []error{micro.ErrArgRequired}, 0, ""},
		"too large": {func(r micro.Request) error { return r.Respond(make([]byte, 2<<20)) }, []error{micro.ErrRespond, nats.ErrMaxPayload}, 1,
			"NATS error when sending response: nats: maximum payload exceeded"},
		"error too large": {func(r micro.Request) error { return r.Error("500", "x", make([]byte, 2<<20)) }, []error{nats.ErrMaxPayload}, 1, "nats: maximum payload exceeded"},
		"bad header": {func(r micro.Request) error { return r.Respond(nil, micro.WithHeaders(micro.Headers{"a b": {"x"}})) },
			[]error{micro.ErrRespond, nats.ErrBadHeaderMsg}, 1, "NATS error when sending response: nats: message could not decode headers"},
		"two errors": {func(r micro.Request) error { _ = r.Error("1", "a", nil); return r.Error("2", "b", nil) }, nil, 1, "2:b"},
	} {
		t.Run(name, func(t *testing.T) {
			svc := g.service()
			defer svc.Stop()
			failed := make(chan error, 1)
			svc.answers("e", func(r micro.Request) { failed <- test.handle(r) })
			must(t, g.caller.PublishRequest("e", "nobody", nil))
			err := await(t, "the handler", failed)
			for _, want := range test.is {
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			}
			if test.is == nil {
				must(t, err)
			}
			if s := svc.figures(1); s.NumErrors != test.counted || s.LastError != test.last {
				t.Errorf("counted %d errors, last %q, want %d, %q", s.NumErrors, s.LastError, test.counted, test.last)
			}
		})
	}
}

func TestMicroNoReply(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	failed := make(chan error, 1)
	svc.answers("e", func(r micro.Request) {
		if r.Reply() != "" || r.Headers() != nil || r.Headers().Get("k") != "" || r.Subject() != "e" || string(r.Data()) != "d" {
			t.Errorf("request: %q %v %q %q", r.Reply(), r.Headers(), r.Subject(), r.Data())
		}
		failed <- r.Respond(nil)
	})
	must(t, g.caller.Publish("e", []byte("d")))
	if err := await(t, "the handler", failed); !errors.Is(err, micro.ErrRespond) || !errors.Is(err, nats.ErrMsgNoReply) {
		t.Errorf("got %v, want %v", err, nats.ErrMsgNoReply)
	}
	if s := svc.figures(1); s.NumErrors != 1 {
		t.Errorf("%d errors, want 1", s.NumErrors)
	}
}

func TestMicroStats(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service(func(c *micro.Config) {
		c.StatsHandler = func(e *micro.Endpoint) any { return []string{e.Name, e.Subject, e.QueueGroup} }
	})
	svc.answers("e", func(r micro.Request) {
		if len(r.Data()) > 0 {
			_ = r.Error("400", "bad", nil)
			return
		}
		echo(r)
	})
	g.ask("e", "")
	g.ask("e", "x")
	s := svc.figures(2)
	if s.NumErrors != 1 || s.LastError != "400:bad" || s.ProcessingTime <= 0 || s.AverageProcessingTime != s.ProcessingTime/2 || string(s.Data) != `["e","e","q"]` {
		t.Errorf("figures: got %+v", s)
	}
	before := svc.Stats().Started
	svc.Reset()
	after := svc.Stats()
	if e := after.Endpoints[0]; e.NumRequests+e.NumErrors != 0 || e.LastError != "" || e.ProcessingTime != 0 || e.AverageProcessingTime != 0 || !after.Started.After(before) {
		t.Errorf("after Reset: got %+v since %v, was %v", e, after.Started, before)
	}
	if after.Started.Location() != time.UTC {
		t.Errorf("started in %v, want UTC", after.Started.Location())
	}
}

// What a stats handler returns, or does, cannot spoil the answer.
func TestMicroStatsHandlerThatFails(t *testing.T) {
	g := newMicroStage(t)
	for name, f := range map[string]micro.StatsHandler{
		"no JSON": func(*micro.Endpoint) any { return make(chan int) },
		"panic":   func(*micro.Endpoint) any { panic("stats") },
	} {
		t.Run(name, func(t *testing.T) {
			svc := g.service(func(c *micro.Config) { c.StatsHandler = f })
			defer svc.Stop()
			svc.answers("e", echo)
			if m := g.ask("$SRV.STATS.svc", ""); bytes.Contains(m.Data, []byte(`"data"`)) || !bytes.Contains(m.Data, []byte(`"name":"e"`)) {
				t.Errorf("got %s", m.Data)
			}
			if name == "panic" {
				eventually(t, "the panic", func() bool { return len(svc.told.errors()) > 0 })
				var p *micro.PanicError
				if err := svc.told.errors()[0]; !errors.As(err, &p) || p.Value != "stats" {
					t.Errorf("told %v, want the panic", err)
				}
			}
		})
	}
}

// A request may be answered after its handler has returned, and its failures count all the same.
func TestMicroLateAnswer(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	kept := make(chan micro.Request, 2)
	svc.answers("e", func(r micro.Request) { kept <- r })
	reply := subscribeSync(t, g.caller, "reply")
	must(t, g.caller.PublishRequest("e", "reply", nil))
	r := await(t, "the request", kept)
	svc.figures(1)
	must(t, r.Respond([]byte("late")))
	if text := next(t, reply); text != "late" {
		t.Errorf("got %q", text)
	}
	must(t, r.Error("1", "a", nil))
	must(t, r.Error("2", "b", nil))
	if s := svc.Stats().Endpoints[0]; s.NumErrors != 2 || s.LastError != "2:b" || s.NumRequests != 1 {
		t.Errorf("figures: got %+v", s)
	}
}
