package test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// steps collects the steps of a kind in all events of a trace.
func traceSteps(t *testing.T, nc *nats.Conn, m *nats.Msg, deliver bool) (events int, steps map[nats.TraceStepKind][]nats.TraceStep) {
	t.Helper()
	steps = map[nats.TraceStepKind][]nats.TraceStep{}
	for e, err := range nc.TraceMsg(t.Context(), m, deliver) {
		must(t, err)
		events++
		if e.Server.Name == "" || e.Server.ID == "" || e.Request.Size == 0 {
			t.Errorf("%+v", e)
		}
		for _, s := range e.Steps {
			if s.Time.IsZero() {
				t.Errorf("%+v has no time", s)
			}
			steps[s.Kind] = append(steps[s.Kind], s)
		}
	}
	return events, steps
}

func TestTrace(t *testing.T) {
	g := withJetStream(t)
	nc := g.nc
	sub := got[*nats.Subscription](t)(nc.QueueSubscribeSync("s.traced", "q"))
	must(t, nc.Flush())
	m := &nats.Msg{Subject: "s.traced", Data: []byte("x"), Header: nats.Header{"K": {"v"}}}
	for _, deliver := range []bool{false, true} {
		events, steps := traceSteps(t, nc, m, deliver)
		if events != 1 || len(steps[nats.TraceIngress]) != 1 || steps[nats.TraceIngress][0].Subject != "s.traced" {
			t.Errorf("deliver %v: %d events, %+v", deliver, events, steps)
		}
		if js := steps[nats.TraceJetStream]; len(js) != 1 || js[0].Stream != "S" || js[0].Subject != "s.traced" {
			t.Errorf("deliver %v: stream %+v", deliver, js)
		}
		out := steps[nats.TraceEgress]
		if len(out) != 1 || out[0].Queue != "q" || out[0].Subscription != "s.traced" {
			t.Errorf("deliver %v: egress %+v", deliver, out)
		}
		if n, _, err := sub.Pending(); err != nil || (n == 1) != deliver {
			t.Errorf("deliver %v: %d pending, %v", deliver, n, err)
		}
		if n := holds(t, g.s); (n == 1) != deliver {
			t.Errorf("deliver %v: %d stored", deliver, n)
		}
	}
	if len(m.Header) != 1 {
		t.Errorf("the caller's message has changed: %v", m.Header)
	}
	must(t, sub.Unsubscribe())
	if n := nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
}

// A message that goes through a cluster is told by each server that it reaches.
func TestTraceThroughCluster(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cl := natstest.Cluster(t, 3)
	from := dial(t, cl.Servers()[0].URL())
	for _, s := range cl.Servers() {
		nc := dial(t, s.URL())
		got[*nats.Subscription](t)(nc.Subscribe("far", func(*nats.Msg) {}))
		must(t, nc.Flush())
	}
	// The servers tell each other of subscriptions in their own time.
	eventually(t, "events of all servers", func() bool {
		events, steps := traceSteps(t, from, nats.NewMsg("far"), false)
		return events == 3 && len(steps[nats.TraceEgress]) == 5 // three subscriptions, two routes
	})
}

func TestTraceErrors(t *testing.T) {
	nc := dial(t, start(t).URL())
	first := func(ctx context.Context, nc *nats.Conn, m *nats.Msg) (err error) {
		n := 0
		for e, e2 := range nc.TraceMsg(ctx, m, false) {
			if n++; n > 1 || e != nil {
				t.Errorf("it goes on: %v, %v", e, e2)
			}
			err = e2
		}
		return err
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	var none context.Context
	for name, c := range map[string]struct{ err, want error }{
		"no connection": {first(t.Context(), nil, nats.NewMsg("a")), nats.ErrInvalidConnection},
		"no context":    {first(none, nc, nats.NewMsg("a")), nats.ErrInvalidContext},
		"no message":    {first(t.Context(), nc, nil), nats.ErrInvalidMsg},
		"no subject":    {first(t.Context(), nc, nats.NewMsg("")), nats.ErrBadSubject},
		"over":          {first(over, nc, nats.NewMsg("a")), context.Canceled},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	t.Run("a server that does not tell", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		proxy := natstest.NewProxy(t, start(t).URL())
		silent := dial(t, proxy.URL(), silent())
		proxy.Hole(natstest.ServerToClient)
		if err := first(ctx, silent, nats.NewMsg("a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if n := silent.NumSubscriptions(); n != 0 {
			t.Errorf("%d subscriptions are left", n)
		}
		must(t, proxy.Heal())
	})
}
