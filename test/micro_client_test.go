package test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
)

// gather runs a search to its end.
func gather[T any](seq iter.Seq2[T, error]) (found []T, errs []error) {
	for v, err := range seq {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, v)
	}
	return found, errs
}

func TestMicroFind(t *testing.T) {
	g := newMicroStage(t)
	a := g.service()
	b := startService(t, dial(t, g.srv.URL(), silent()))
	other := g.service(func(c *micro.Config) { c.Name = "other" })
	a.answers("e", echo)
	must(t, b.nc.Flush())
	g.ask("e", "x")
	a.figures(1)
	ctx := t.Context() // each search has its own time
	for name, test := range map[string]struct {
		opts []micro.FindOpt
		want int
	}{
		"all":                {nil, 3},
		"by name":            {[]micro.FindOpt{micro.FindName("svc")}, 2},
		"one instance":       {[]micro.FindOpt{micro.FindInstance("svc", a.Info().ID)}, 1},
		"one of the wrong":   {[]micro.FindOpt{micro.FindInstance("other", a.Info().ID)}, 0},
		"nobody":             {[]micro.FindOpt{micro.FindName("nobody")}, 0},
		"by number":          {[]micro.FindOpt{micro.FindMax(2), nil}, 2},
		"more than there is": {[]micro.FindOpt{micro.FindMax(9), micro.FindStall(50 * time.Millisecond)}, 3},
		"within a time":      {[]micro.FindOpt{micro.FindTimeout(soon), micro.FindStall(patience)}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			finds(t, "Ping", test.want, func() ([]micro.Ping, []error) { return gather(g.client.Ping(ctx, test.opts...)) })
			finds(t, "Info", test.want, func() ([]micro.Info, []error) { return gather(g.client.Info(ctx, test.opts...)) })
			finds(t, "Stats", test.want, func() ([]micro.Stats, []error) { return gather(g.client.Stats(ctx, test.opts...)) })
		})
	}
	for s, err := range g.client.Stats(ctx, micro.FindInstance("svc", a.Info().ID)) {
		must(t, err)
		if s.ID != a.Info().ID || s.Endpoints[0].NumRequests != 1 || !s.Started.Equal(a.Stats().Started) {
			t.Errorf("stats: got %+v", s)
		}
	}
	seq := g.client.Ping(ctx) // a loop that is left early; each asks anew
	for range 2 {
		for range seq {
			break
		}
	}
	if n := g.caller.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions left", n)
	}
	must(t, other.Stop())
}

// finds searches until so many have answered: on a machine that is busy some may be too late for a search that does not wait long.
func finds[T any](t *testing.T, what string, want int, search func() ([]T, []error)) {
	t.Helper()
	var found []T
	for end := time.Now().Add(patience); time.Now().Before(end); pause() {
		var errs []error
		if found, errs = search(); len(errs) > 0 || len(found) > want {
			t.Fatalf("%s: got %v, %v, want %d", what, found, errs, want)
		}
		if len(found) == want {
			return
		}
	}
	t.Errorf("%s: got %v, want %d", what, found, want)
}

// Waiting for more ends without an error when nobody answers in time.
func TestMicroFindStall(t *testing.T) {
	g := newMicroStage(t)
	sub := subscribeSync(t, g.nc, "$SRV.PING")
	within(t, "the search", soon+patience/20, func() {
		if found, errs := gather(g.client.Ping(t.Context(), micro.FindStall(20*time.Millisecond))); len(found)+len(errs) != 0 {
			t.Errorf("got %v, %v", found, errs)
		}
	})
	next(t, sub)
}

func TestMicroFindErrors(t *testing.T) {
	g := newMicroStage(t)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	short, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	closed := dial(t, g.srv.URL())
	closed.Close()
	subscribeSync(t, g.nc, "$SRV.PING") // somebody who does not answer
	for name, test := range map[string]struct {
		seq  iter.Seq2[micro.Ping, error]
		want error
	}{
		"nil context":      {g.client.Ping(nil), nats.ErrInvalidContext}, //lint:ignore SA1012 hostile on purpose
		"context over":     {g.client.Ping(over), context.Canceled},
		"context ends":     {g.client.Ping(short, micro.FindStall(patience)), context.DeadlineExceeded},
		"nil connection":   {micro.NewClient(nil).Ping(t.Context()), nats.ErrInvalidConnection},
		"nil client":       {(*micro.Client)(nil).Ping(t.Context()), nats.ErrInvalidConnection},
		"no connection":    {micro.NewClient(&nats.Conn{}).Ping(t.Context()), nats.ErrInvalidConnection},
		"closed":           {micro.NewClient(closed).Ping(t.Context()), nats.ErrConnectionClosed},
		"name":             {g.client.Ping(t.Context(), micro.FindName("a b\r\n")), micro.ErrConfigValidation},
		"wildcard":         {g.client.Ping(t.Context(), micro.FindName(">")), micro.ErrConfigValidation},
		"id":               {g.client.Ping(t.Context(), micro.FindInstance("a", "b.c")), micro.ErrConfigValidation},
		"negative number":  {g.client.Ping(t.Context(), micro.FindMax(-1)), micro.ErrConfigValidation},
		"negative stall":   {g.client.Ping(t.Context(), micro.FindStall(-1)), micro.ErrConfigValidation},
		"negative timeout": {g.client.Ping(t.Context(), micro.FindTimeout(0)), micro.ErrConfigValidation},
	} {
		if found, errs := gather(test.seq); len(found) != 0 || len(errs) != 1 || !errors.Is(errs[0], test.want) {
			t.Errorf("%s: got %v, %v, want %v", name, found, errs, test.want)
		}
	}
}

// Answers that are none are told one by one; the others are found all the same.
func TestMicroFindHostileAnswers(t *testing.T) {
	g := newMicroStage(t)
	answers := []string{"", "{", "null", "[]", "\x00", `{"type":5}`, `{"type":"io.nats.micro.v1.ping_response"}`, `{"name":{}}`, `{"metadata":[]}`}
	got[*nats.Subscription](t)(g.nc.Subscribe("$SRV.INFO", func(m *nats.Msg) {
		for _, text := range answers {
			_ = m.Respond([]byte(text))
		}
		_ = m.RespondMsg(&nats.Msg{Header: nats.Header{micro.ErrorHeader: {"no"}, micro.ErrorCodeHeader: {"403"}}})
		good, _ := json.Marshal(micro.Info{Type: micro.InfoResponseType})
		_ = m.Respond(good)
	}))
	must(t, g.nc.Flush())
	infos, errs := gather(g.client.Info(patiently(t), micro.FindMax(len(answers)+2), micro.FindStall(patience)))
	if len(infos) != 1 || len(errs) != len(answers)+1 {
		t.Errorf("got %d answers and %d errors, want 1 and %d", len(infos), len(errs), len(answers)+1)
	}
	refused := 0
	for _, err := range errs {
		var failure *micro.ServiceError
		if errors.As(err, &failure) && failure.Code == "403" {
			refused++
		} else if !errors.Is(err, micro.ErrInvalidResponse) {
			t.Errorf("got %v, want %v", err, micro.ErrInvalidResponse)
		}
	}
	if refused != 1 {
		t.Errorf("%d refusals, want 1", refused)
	}
}

func TestMicroRequestErrors(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	svc.answers("e", func(r micro.Request) {
		_ = r.Error("404", "no such thing", []byte("body"), micro.WithHeaders(micro.Headers{"K": {"v"}}))
	})
	svc.answers("never", func(micro.Request) {})
	ctx := patiently(t)
	_, err := g.client.Request(ctx, "e", nil)
	var failure *micro.ServiceError
	if !errors.As(err, &failure) || failure.Error() != "404:no such thing" || string(failure.Data) != "body" || failure.Headers.Get("K") != "v" {
		t.Errorf("got %v, want the service's error", err)
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	for name, test := range map[string]struct {
		ctx     context.Context
		c       *micro.Client
		subject string
		want    error
	}{
		"nobody":        {ctx, g.client, "nobody", nats.ErrNoResponders},
		"no answer":     {short, g.client, "never", context.DeadlineExceeded},
		"nil context":   {nil, g.client, "e", nats.ErrInvalidContext},
		"no connection": {ctx, micro.NewClient(nil), "e", nats.ErrInvalidConnection},
		"nil client":    {ctx, nil, "e", nats.ErrInvalidConnection},
		"bad subject":   {ctx, g.client, "a b", nats.ErrBadSubject},
		"line break":    {ctx, g.client, "a\r\nPUB b", nats.ErrBadSubject},
	} {
		if m, err := test.c.Request(test.ctx, test.subject, nil, nil); !errors.Is(err, test.want) || m != nil {
			t.Errorf("%s: got %v, %v, want %v", name, m, err, test.want)
		}
	}
}
