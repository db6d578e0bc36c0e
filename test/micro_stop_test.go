package test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
	"github.com/gannet-io/nats/natstest"
)

// Stop loses none of the requests that the server has sent.
func TestMicroStopLosesNothing(t *testing.T) {
	for _, test := range []struct{ n, requests int }{{1, 500}, {8, 500}, {8, 8}} {
		t.Run(fmt.Sprint(test.requests, " requests, ", test.n, " at a time"), func(t *testing.T) {
			g := newMicroStage(t)
			svc := g.service()
			entered, release := make(chan struct{}, 1), make(chan struct{})
			svc.answers("e", func(r micro.Request) {
				select {
				case entered <- struct{}{}:
				default:
				}
				<-release
				echo(r)
			}, micro.WithEndpointConcurrency(test.n))
			answers := subscribeSync(t, g.caller, "answers")
			for range test.requests {
				must(t, g.caller.PublishRequest("e", "answers", []byte("x")))
			}
			must(t, g.caller.Flush())
			await(t, "the first request", entered)
			must(t, svc.Stop())
			must(t, svc.Stop())
			if !svc.Stopped() {
				t.Error("not stopped after Stop")
			}
			must(t, g.nc.Flush())
			if _, err := g.caller.Request("e", nil, patience); err != nats.ErrNoResponders {
				t.Errorf("a request after Stop: got %v, want %v", err, nats.ErrNoResponders)
			}
			if test.requests <= test.n { // the subscription is over, its requests are not
				eventually(t, "the end of the subscriptions", func() bool { return g.nc.NumSubscriptions() == 0 })
			}
			select {
			case <-svc.done:
				t.Error("done while requests wait")
			default:
			}
			close(release)
			await(t, "the done handler", svc.done)
			for range test.requests {
				next(t, answers)
			}
			if s := svc.Stats().Endpoints[0]; s.NumRequests != test.requests || s.NumErrors != 0 {
				t.Errorf("figures: got %+v, want %d requests", s, test.requests)
			}
			if n := g.nc.NumSubscriptions(); n != 0 {
				t.Errorf("%d subscriptions left", n)
			}
			if err := svc.AddEndpoint("late", micro.HandlerFunc(echo)); err != micro.ErrServiceStopped {
				t.Errorf("an endpoint after the end: got %v, want %v", err, micro.ErrServiceStopped)
			}
			if m := svc.told.errors(); len(m) > 0 {
				t.Errorf("told %v", m)
			}
		})
	}
}

func TestMicroShutdown(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	release := make(chan struct{})
	svc.answers("e", func(r micro.Request) { <-release; echo(r) })
	answers := subscribeSync(t, g.caller, "answers")
	must(t, g.caller.PublishRequest("e", "answers", []byte("x")))
	must(t, g.caller.Flush())
	must(t, g.nc.Flush())
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := micro.Shutdown(short, svc.Service); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a handler that blocks: got %v, want %v", err, context.DeadlineExceeded)
	}
	close(release)
	must(t, micro.Shutdown(t.Context(), svc.Service))
	next(t, answers)
	must(t, micro.Shutdown(t.Context(), svc.Service))                           // again
	if err := micro.Shutdown(nil, svc.Service); err != nats.ErrInvalidContext { //lint:ignore SA1012 hostile on purpose
		t.Errorf("got %v, want %v", err, nats.ErrInvalidContext)
	}
	for _, s := range []micro.Service{nil, svc} { // svc embeds one, and is none itself
		if err := micro.Shutdown(t.Context(), s); err != nats.ErrInvalidArg {
			t.Errorf("got %v, want %v", err, nats.ErrInvalidArg)
		}
	}
}

// Draining the connection ends the service, and requests that are handled at the same time are answered before publishing ends.
func TestMicroConnectionDrain(t *testing.T) {
	for _, n := range []int{1, 8} {
		t.Run(fmt.Sprint(n, " at a time"), func(t *testing.T) {
			g := newMicroStage(t)
			svc := g.service()
			entered, release := make(chan struct{}, 100), make(chan struct{})
			svc.answers("e", func(r micro.Request) { entered <- struct{}{}; <-release; echo(r) }, micro.WithEndpointConcurrency(n))
			answers := subscribeSync(t, g.caller, "answers")
			for range 20 {
				must(t, g.caller.PublishRequest("e", "answers", nil))
			}
			must(t, g.caller.Flush())
			for range n {
				await(t, "handlers", entered)
			}
			must(t, g.nc.Drain())
			eventually(t, "the service to see it", svc.Stopped)
			close(release)
			await(t, "the done handler", svc.done)
			for range 20 {
				next(t, answers)
			}
			eventually(t, "the end of the connection", g.nc.IsClosed)
			if errs := append(svc.told.errors(), g.told.errors()...); len(errs) > 0 {
				t.Errorf("told %v", errs)
			}
		})
	}
}

func TestMicroConnectionClose(t *testing.T) {
	g := newMicroStage(t)
	closed := make(chan struct{})
	nc := dial(t, g.srv.URL(), nats.ClosedHandler(func(*nats.Conn) { t.Error("a handler that was replaced is called") }))
	services := []*running{startService(t, nc), startService(t, nc)}
	ended := make(chan error, 1)
	must(t, services[0].AddEndpoint("e", micro.ContextHandler(t.Context(), func(ctx context.Context, r micro.Request) {
		nc.Close()
		<-ctx.Done()
		ended <- context.Cause(ctx)
	})))
	nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	must(t, nc.Flush())
	must(t, g.caller.PublishRequest("e", "nobody", nil))
	if err := await(t, "the handler's context", ended); err != nats.ErrConnectionClosed {
		t.Errorf("its cause: got %v, want %v", err, nats.ErrConnectionClosed)
	}
	for _, s := range services {
		await(t, "the done handler", s.done)
		if !s.Stopped() {
			t.Error("not stopped")
		}
		must(t, s.Stop())
	}
	await(t, "the closed handler", closed)
}

// A handler that never ends holds up neither Stop nor the others, and is told by its context.
func TestMicroDrainTimeout(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service(func(c *micro.Config) { c.DrainTimeout = 20 * time.Millisecond })
	entered, ended := make(chan struct{}, 1), make(chan error, 1)
	var calls atomic.Int32
	svc.answers("e", func(r micro.Request) {
		calls.Add(1)
		entered <- struct{}{}
		ctx := micro.RequestContext(r)
		<-ctx.Done()
		ended <- context.Cause(ctx)
	})
	for range 5 {
		must(t, g.caller.Publish("e", nil))
	}
	must(t, g.caller.Flush())
	must(t, g.nc.Flush())
	await(t, "the handler", entered)
	must(t, svc.Stop())
	if err := await(t, "the context", ended); err != micro.ErrServiceStopped {
		t.Errorf("its cause: got %v, want %v", err, micro.ErrServiceStopped)
	}
	await(t, "the done handler", svc.done)
	s := svc.Stats().Endpoints[0]
	if int(calls.Load())+s.NumErrors != 5 || s.NumErrors == 0 {
		t.Errorf("%d handled and %d dropped, want 5 in all", calls.Load(), s.NumErrors)
	}
	eventually(t, "the error handler", func() bool { return svc.told.hasErr(nats.ErrDrainTimeout) })
}

// Stop while there is no link ends, too.
func TestMicroStopWithoutLink(t *testing.T) {
	g := newMicroStage(t)
	proxy := natstest.NewProxy(t, g.srv.URL())
	nc := dial(t, proxy.URL(), quickly(), silent())
	svc := startService(t, nc, func(c *micro.Config) { c.DrainTimeout = 20 * time.Millisecond })
	svc.answers("e", echo)
	proxy.Refuse()
	proxy.Cut()
	eventually(t, "the loss", nc.IsReconnecting)
	within(t, "Stop", soon, func() { must(t, svc.Stop()) })
	await(t, "the done handler", svc.done)
}

// Services answer after a reconnect.
func TestMicroReconnect(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	svc.answers("e", echo, micro.WithEndpointConcurrency(4))
	for range 3 {
		must(t, g.srv.Restart(false))
		eventually(t, "an answer", func() bool { _, err := g.caller.Request("e", nil, 100*time.Millisecond); return err == nil })
		eventually(t, "a ping", func() bool { _, err := g.caller.Request("$SRV.PING.svc", nil, 100*time.Millisecond); return err == nil })
	}
	must(t, micro.Shutdown(patiently(t), svc.Service))
}

// Services that come and go leave nothing with a connection that stays.
func TestMicroComeAndGo(t *testing.T) {
	g := newMicroStage(t)
	before := g.nc.ErrorHandler()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				svc, err := micro.AddService(g.nc, micro.Config{Name: "brief", Version: "1.0.0", Endpoint: &micro.EndpointConfig{Handler: micro.HandlerFunc(echo)}})
				if err != nil {
					t.Error(err)
					return
				}
				if err := micro.Shutdown(t.Context(), svc); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := g.nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions left", n)
	}
	eventually(t, "the server to forget", func() bool { return clientSubs(g.srv) == 0 })
	if !sameFunc(g.nc.ErrorHandler(), before) {
		t.Error("the error handler was not restored")
	}
}
