package test

import (
	"context"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
	"github.com/gannet-io/nats/natstest"
)

// microStage is a server with two connections: one for services, one for their callers.
type microStage struct {
	t      *testing.T
	srv    *natstest.Server
	nc     *nats.Conn // of services
	caller *nats.Conn
	client *micro.Client
	told   *journal // what the connection's error handler gets
}

func newMicroStage(t *testing.T, opts ...natstest.Option) *microStage {
	t.Helper()
	g := &microStage{t: t, srv: start(t, opts...), told: &journal{}}
	g.nc = dial(t, g.srv.URL(), g.told.handler(), quickly())
	g.caller = dial(t, g.srv.URL(), silent(), quickly())
	g.client = micro.NewClient(g.caller)
	return g
}

// running is a service under test.
type running struct {
	micro.Service
	t    *testing.T
	nc   *nats.Conn
	told *journal      // what its error handler gets
	done chan struct{} // closed by its done handler; called again it panics
}

// service starts a service called svc; change may fill in more.
func (g *microStage) service(change ...func(*micro.Config)) *running {
	g.t.Helper()
	return startService(g.t, g.nc, change...)
}

func startService(t *testing.T, nc *nats.Conn, change ...func(*micro.Config)) *running {
	t.Helper()
	r := &running{t: t, nc: nc, told: &journal{}, done: make(chan struct{})}
	config := micro.Config{
		Name: "svc", Version: "1.0.0",
		ErrorHandler: func(_ micro.Service, e *micro.NATSError) { r.told.addErr(e) },
		DoneHandler:  func(micro.Service) { close(r.done) },
	}
	for _, f := range change {
		f(&config)
	}
	r.Service = got[micro.Service](t)(micro.AddService(nc, config))
	return r
}

// answers adds an endpoint, and returns when the server knows it.
func (r *running) answers(name string, h func(micro.Request), opts ...micro.EndpointOpt) {
	r.t.Helper()
	must(r.t, r.AddEndpoint(name, micro.HandlerFunc(h), opts...))
	must(r.t, r.nc.Flush())
}

// echo answers with what it was asked.
func echo(r micro.Request) { _ = r.Respond(r.Data()) }

// ask makes a request and wants an answer.
func (g *microStage) ask(subject, data string) *nats.Msg {
	g.t.Helper()
	m, err := g.caller.Request(subject, []byte(data), patience)
	if err != nil {
		g.t.Fatalf("request on %q: %v", subject, err)
	}
	return m
}

// figures waits until the first endpoint has counted n requests, and returns what it has counted.
func (r *running) figures(n int) *micro.EndpointStats {
	r.t.Helper()
	eventually(r.t, "the figures", func() bool { return r.Stats().Endpoints[0].NumRequests >= n })
	return r.Stats().Endpoints[0]
}

// patiently is a context that ends with the test or after the usual patience.
func patiently(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// soon is long enough for a machine that is busy, and shorter than every default.
const soon = 250 * time.Millisecond
