package test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
	"github.com/gannet-io/nats/natstest"
)

// Hostile strings in every place: nothing panics, nothing gets onto the wire that is no operation, and nothing is left.
func TestMicroHostileStrings(t *testing.T) {
	g := newMicroStage(t)
	spy := subscribeSync(t, g.caller, smuggled)
	h := micro.HandlerFunc(echo)
	svc := g.service()
	svc.answers("e", func(r micro.Request) {
		s := string(r.Data())
		_ = r.Error(s, s, []byte(s), micro.WithHeaders(micro.Headers{s: {s}}), nil)
		_ = r.Error("1", s, nil)
		_ = r.Error(s, "1", nil)
		_ = r.Respond([]byte(s), micro.WithHeaders(micro.Headers{"k": {s}}))
	}, micro.WithEndpointQueueGroupDisabled()) // endpoints on > would be in its group
	lost := g.nc.StatusChanged(nats.RECONNECTING)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range hostileStrings {
		for _, c := range []micro.Config{
			{Name: s, Version: "1.0.0"}, {Name: "a", Version: s}, {Name: "a", Version: "1.0.0", QueueGroup: s},
			{Name: "a", Version: "1.0.0", Description: s, Metadata: map[string]string{s: s}},
			{Name: "a", Version: "1.0.0", Endpoint: &micro.EndpointConfig{Subject: s, Handler: h, Metadata: map[string]string{s: s}}},
			{Name: "a", Version: "1.0.0", Endpoint: &micro.EndpointConfig{Subject: "a", QueueGroup: s, Handler: h}},
		} {
			if other, err := micro.AddService(g.nc, c); err == nil {
				must(t, other.Stop())
			}
		}
		brief, err := micro.AddService(g.nc, micro.Config{Name: "brief", Version: "1.0.0"})
		must(t, err)
		group := brief.AddGroup(s, micro.WithGroupQueueGroup(s), nil)
		_ = group.AddEndpoint(s, h)
		_ = group.AddGroup(s).AddEndpoint("a", h)
		_ = brief.AddEndpoint("a", h, micro.WithEndpointSubject(s), micro.WithEndpointQueueGroup(s))
		_ = brief.AddEndpoint("a", h, micro.WithEndpointMetadata(map[string]string{s: s}), micro.WithEndpointMetadataKey(s, s))
		for _, verb := range []micro.Verb{micro.PingVerb, 77, -1} {
			_, _ = micro.ControlSubject(verb, s, s)
		}
		for range g.client.Info(over, micro.FindName(s)) {
		}
		for range g.client.Stats(t.Context(), micro.FindInstance(s, s), micro.FindStall(time.Millisecond)) {
		}
		_, _ = g.client.Request(over, s, []byte(s), micro.WithHeaders(micro.Headers{s: {s}}))
		m := nats.NewMsg(s)
		micro.SetDeadline(over, m)
		must(t, g.caller.PublishRequest("e", "nobody", []byte(s)))
		must(t, brief.Stop())
	}
	must(t, g.caller.Flush())
	svc.figures(len(hostileStrings))
	g.ask("$SRV.STATS.svc", "")
	must(t, g.nc.Flush())
	if m, err := spy.NextMsg(10 * time.Millisecond); !errors.Is(err, nats.ErrTimeout) {
		t.Errorf("smuggled: got %v, %v", m, err)
	}
	must(t, micro.Shutdown(patiently(t), svc.Service))
	eventually(t, "the end of all", func() bool { return g.nc.NumSubscriptions() == 0 })
	if len(lost) > 0 {
		t.Error("the server ended the connection")
	}
	for _, err := range g.told.errors() {
		t.Errorf("told %v", err)
	}
}

// A service survives whatever is sent to its control subjects, and answers when it is over.
func TestMicroHostileControlRequests(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	svc.answers("e", echo)
	id := svc.Info().ID
	for _, verb := range []string{"PING", "STATS", "INFO"} {
		for _, who := range []string{"", ".svc", ".svc." + id} {
			subject := "$SRV." + verb + who
			for _, data := range [][]byte{nil, []byte("{"), []byte("null"), make([]byte, 1<<20), []byte(strings.Repeat(`{"a":`, 10_000))} {
				must(t, g.caller.PublishRequest(subject, "nobody", data))
			}
			for _, reply := range []string{subject, "$SRV.PING", "e", "*", ">", "a..b", "."} {
				m := &nats.Msg{Subject: subject, Reply: reply, Header: nats.Header{"K": {"v"}, micro.DeadlineHeader: {"x"}, micro.ErrorHeader: {"x"}}}
				must(t, g.caller.PublishMsg(m))
			}
			for range 50 {
				must(t, g.caller.Publish(subject, nil))
			}
		}
	}
	must(t, g.caller.Flush())
	for _, verb := range []string{"PING", "STATS", "INFO"} {
		g.ask("$SRV."+verb+".svc."+id, "")
	}
	eventually(t, "requests without a reply to be told", func() bool { return svc.told.hasErr(nats.ErrMsgNoReply) })
	if status := g.nc.Status(); status != nats.CONNECTED {
		t.Errorf("status %v", status)
	}
}

// An answer that is too large is told to the service, which can do something about it, and costs nothing else.
func TestMicroInfoTooLarge(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service(func(c *micro.Config) { c.Description = strings.Repeat("x", 2<<20) })
	must(t, g.nc.Flush())
	must(t, g.caller.PublishRequest("$SRV.INFO.svc", "nobody", nil))
	eventually(t, "the error", func() bool { return svc.told.hasErr(nats.ErrMaxPayload) })
	g.ask("$SRV.PING.svc", "")
}

// Hostile numbers and functions.
func TestMicroHostileOptions(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service(func(c *micro.Config) { c.DrainTimeout = -1 })
	h := micro.HandlerFunc(echo)
	for _, n := range []int{math.MinInt, -1, 0, 1, math.MaxInt} {
		_ = svc.AddEndpoint("a", h, micro.WithEndpointConcurrency(n))
		for _, k := range []int{math.MinInt, -1, 0, 1, math.MaxInt} {
			_ = svc.AddEndpoint("a", h, micro.WithEndpointPendingLimits(n, k))
		}
		short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond) // a stall of 292 years is no mistake of ours
		for range g.client.Ping(short, micro.FindMax(n), micro.FindStall(time.Duration(n)), micro.FindTimeout(time.Duration(n))) {
		}
		cancel()
	}
	if err := svc.AddEndpoint("a", nil, nil); !errors.Is(err, micro.ErrConfigValidation) {
		t.Errorf("no handler: got %v, want %v", err, micro.ErrConfigValidation)
	}
	must(t, g.nc.Flush())
	if _, err := g.caller.Request("a", nil, patience); err != nil {
		t.Error(err)
	}
}

// TestMicroAllocations gates what a request costs its service: the message's share of a chunk, and the request.
func TestMicroAllocations(t *testing.T) {
	if slower > 1 {
		t.Skip("the race detector allocates")
	}
	checkLeaks(t)
	srv := natstest.Run(t, natstest.AsProcess(), natstest.WithoutJetStream())
	const n = 20_000
	for _, concurrency := range []int{1, 8} {
		nc := dial(t, srv.URL())
		subject := fmt.Sprint("e", concurrency)
		handled := make(chan struct{}, n)
		data := []byte("answer")
		svc, err := micro.AddService(nc, micro.Config{Name: "svc", Version: "1.0.0", Endpoint: &micro.EndpointConfig{
			Subject: subject, Concurrency: concurrency,
			Handler: micro.HandlerFunc(func(r micro.Request) {
				if err := r.Respond(data); err != nil {
					t.Error(err)
				}
				handled <- struct{}{}
			}),
		}})
		must(t, err)
		must(t, nc.Flush())
		run := func() {
			for range n {
				must(t, nc.PublishRequest(subject, "nobody", data))
			}
			for range n {
				<-handled
			}
		}
		run()
		runtime.GC()
		if a := allocations(n, run); a > 2+2*float64(concurrency/8) {
			t.Errorf("%d at a time: %.2f allocations a request, want at most 2 (and 2 for a goroutine)", concurrency, a)
		} else {
			t.Logf("%d at a time: %.2f allocations a request", concurrency, a)
		}
		must(t, svc.Stop())
	}
}
