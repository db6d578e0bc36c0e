package test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
)

func TestMicroPanic(t *testing.T) {
	g := newMicroStage(t)
	boom := errors.New("boom")
	for _, n := range []int{1, 4} {
		svc := g.service()
		svc.answers("e", func(r micro.Request) {
			if string(r.Data()) == "answered" {
				echo(r)
			}
			panic(boom)
		}, micro.WithEndpointConcurrency(n))
		_, err := g.client.Request(patiently(t), "e", nil)
		var failure *micro.ServiceError
		if !errors.As(err, &failure) || failure.Code != "500" || strings.Contains(failure.Error(), "boom") {
			t.Errorf("the caller got %v, want a 500 that does not tell of the panic", err)
		}
		if m := g.ask("e", "answered"); string(m.Data) != "answered" {
			t.Errorf("got %q, want the answer given before the panic", m.Data)
		}
		must(t, g.caller.Publish("e", nil)) // nobody to answer
		must(t, g.caller.Flush())
		if s := svc.figures(3); s.NumErrors != 3 || !strings.HasPrefix(s.LastError, "500:") {
			t.Errorf("figures: got %+v", s)
		}
		eventually(t, "the error handler", func() bool { return len(svc.told.errors()) == 3 })
		var p *micro.PanicError
		if err := svc.told.errors()[0]; !errors.As(err, &p) || !errors.Is(err, boom) || !strings.Contains(string(p.Stack), "TestMicroPanic") {
			t.Errorf("told %v, want the panic with its stack", err)
		}
		must(t, micro.Shutdown(patiently(t), svc.Service))
	}
	if errs := g.told.errors(); len(errs) > 0 {
		t.Errorf("the connection's handler was told %v: the service has one", errs)
	}
}

// Without an error handler of the service the connection's is told.
func TestMicroPanicWithoutHandler(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service(func(c *micro.Config) { c.ErrorHandler = nil })
	svc.answers("e", func(micro.Request) { panic("boom") })
	g.ask("e", "")
	eventually(t, "the connection's error handler", func() bool { return len(g.told.errors()) == 1 })
	var p *micro.PanicError
	if err := g.told.errors()[0]; !errors.As(err, &p) || p.Value != "boom" {
		t.Errorf("told %v", err)
	}
}

// A handler may end its goroutine, as t.FailNow does.
func TestMicroGoexit(t *testing.T) {
	g := newMicroStage(t)
	for _, n := range []int{1, 2} {
		svc := g.service()
		svc.answers("e", func(r micro.Request) { echo(r); runtime.Goexit() }, micro.WithEndpointConcurrency(n))
		for range 5 {
			g.ask("e", "x")
		}
		svc.figures(5)
		must(t, micro.Shutdown(patiently(t), svc.Service))
	}
}

func TestMicroMiddleware(t *testing.T) {
	g := newMicroStage(t)
	var seen journal
	note := func(name string) micro.Middleware {
		return func(next micro.Handler) micro.Handler {
			return micro.HandlerFunc(func(r micro.Request) {
				seen.add("%s", name)
				next.Handle(r)
				seen.add("/%s", name)
			})
		}
	}
	refuse := func(next micro.Handler) micro.Handler {
		return micro.HandlerFunc(func(r micro.Request) {
			if r.Headers().Get("Token") == "" {
				_ = r.Error("401", "no token", nil)
				return
			}
			next.Handle(r)
		})
	}
	svc := g.service(func(c *micro.Config) { c.Middleware = []micro.Middleware{note("s1"), nil, note("s2")} })
	group := svc.AddGroup("g", micro.WithGroupMiddleware(note("g"))).AddGroup("h", micro.WithGroupMiddleware(note("h")))
	must(t, group.AddEndpoint("e", micro.HandlerFunc(func(r micro.Request) { seen.add("handler"); echo(r) }),
		micro.WithEndpointMiddleware(note("e1"), refuse), micro.WithEndpointMiddleware(note("e2"))))
	must(t, g.nc.Flush())

	_, err := g.client.Request(patiently(t), "g.h.e", nil)
	var failure *micro.ServiceError
	if !errors.As(err, &failure) || failure.Code != "401" {
		t.Errorf("without a token: got %v, want 401", err)
	}
	svc.figures(1)
	if got, want := seen.all(), strings.Fields("s1 s2 g h e1 /e1 /h /g /s2 /s1"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	m, err := g.client.Request(patiently(t), "g.h.e", []byte("x"), micro.WithHeaders(micro.Headers{"Token": {"t"}}))
	must(t, err)
	svc.figures(2)
	if got, want := seen.all()[10:], strings.Fields("s1 s2 g h e1 e2 handler /e2 /e1 /h /g /s2 /s1"); !slices.Equal(got, want) || string(m.Data) != "x" {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Up to n handlers run at a time; what has no room beyond that waits, and is dropped beyond the pending limits.
func TestMicroConcurrency(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	const n, waiting = 3, 5
	entered, release := make(chan struct{}, 100), make(chan struct{})
	var now, most atomic.Int32
	svc.answers("e", func(r micro.Request) {
		k := now.Add(1)
		for m := most.Load(); k > m && !most.CompareAndSwap(m, k); m = most.Load() {
		}
		entered <- struct{}{}
		<-release
		now.Add(-1)
		echo(r)
	}, micro.WithEndpointConcurrency(n), micro.WithEndpointPendingLimits(waiting, -1))
	answers := subscribeSync(t, g.caller, "answers")
	send := func(k int) {
		for range k {
			must(t, g.caller.PublishRequest("e", "answers", nil))
		}
		must(t, g.caller.Flush())
		must(t, g.nc.Flush())
	}
	for range n {
		send(1)
		await(t, "a handler", entered)
	}
	send(50)
	eventually(t, "slow consumer", func() bool { return svc.told.hasErr(nats.ErrSlowConsumer) })
	close(release)
	for range n + waiting {
		next(t, answers)
	}
	if m := most.Load(); m != n {
		t.Errorf("%d handlers at a time, want %d", m, n)
	}
	if s := svc.figures(n + waiting); s.NumRequests != n+waiting {
		t.Errorf("%d requests handled, want %d", s.NumRequests, n+waiting)
	}
}

func TestMicroDeadline(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	type seen struct {
		deadline time.Time
		ok       bool
		value    any
		err      error
	}
	type key struct{}
	look := func(ctx context.Context) seen {
		d, ok := ctx.Deadline()
		return seen{d, ok, ctx.Value(key{}), ctx.Err()}
	}
	handler, plain := make(chan seen, 1), make(chan seen, 1)
	base, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "v"))
	must(t, svc.AddEndpoint("ctx", micro.ContextHandler(base, func(ctx context.Context, r micro.Request) { handler <- look(ctx); echo(r) })))
	must(t, svc.AddEndpoint("nil", micro.ContextHandler(nil, func(ctx context.Context, r micro.Request) { handler <- look(ctx); echo(r) }))) //lint:ignore SA1012 hostile on purpose
	svc.answers("plain", func(r micro.Request) { plain <- look(micro.RequestContext(r)); echo(r) })

	ctx := patiently(t)
	want, _ := ctx.Deadline()
	for subject, ch := range map[string]chan seen{"ctx": handler, "plain": plain, "nil": handler} {
		_, err := g.client.Request(ctx, subject, nil)
		must(t, err)
		if s := <-ch; !s.ok || !s.deadline.Equal(want) || s.err != nil || subject == "ctx" && s.value != "v" {
			t.Errorf("%s: got %+v, want the deadline %v", subject, s, want)
		}
		for name, header := range map[string]string{"no": "", "an unreadable": "soon\x00", "a long": strings.Repeat("2", 70_000)} {
			m := nats.NewMsg(subject)
			m.Header.Set(micro.DeadlineHeader, header)
			_, err := g.caller.RequestMsg(m, patience)
			must(t, err)
			if s := <-ch; s.ok || s.err != nil {
				t.Errorf("%s, %s deadline: got %+v", subject, name, s)
			}
		}
	}
	// A deadline that is over: the handler decides.
	past, stop := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer stop()
	m := nats.NewMsg("ctx")
	micro.SetDeadline(past, m)
	_, err := g.caller.RequestMsg(m, patience)
	must(t, err)
	if s := <-handler; s.err != context.DeadlineExceeded {
		t.Errorf("after the deadline: got %+v", s)
	}
	cancel()
	g.ask("ctx", "")
	if s := <-handler; s.err != context.Canceled {
		t.Errorf("after the end of the handler's own context: got %+v", s)
	}
	// A caller without a deadline has the default one.
	_, err = g.client.Request(context.Background(), "plain", nil)
	must(t, err)
	if s := <-plain; !s.ok || time.Until(s.deadline) > 5*time.Second {
		t.Errorf("without a deadline: got %+v", s)
	}
}

// The context with a deadline ends when the handler returns.
func TestMicroContextEndsWithHandler(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	kept := make(chan context.Context, 2)
	svc.answers("e", func(r micro.Request) { kept <- micro.RequestContext(r); kept <- micro.RequestContext(r); echo(r) })
	_, err := g.client.Request(patiently(t), "e", nil)
	must(t, err)
	for range 2 {
		await(t, "the end of the context", (<-kept).Done())
	}
	must(t, micro.Shutdown(patiently(t), svc.Service))
	if ctx := micro.RequestContext(nil); ctx == nil || ctx.Err() != nil {
		t.Errorf("of no request: got %v", ctx)
	}
	micro.SetDeadline(nil, nats.NewMsg("x")) //lint:ignore SA1012 hostile on purpose
	micro.SetDeadline(context.Background(), nil)
}

// R5: every method may be called from every callback of a service.
func TestMicroAnyMethodFromAnyCallback(t *testing.T) {
	g := newMicroStage(t)
	all := func(s micro.Service) {
		s.Info()
		s.Stats()
		s.Reset()
		s.Stopped()
		_ = s.AddEndpoint("more", micro.HandlerFunc(echo))
		_ = s.AddGroup("g").AddGroup("h").AddEndpoint("more", micro.HandlerFunc(echo))
		_ = s.Stop()
		other, err := micro.AddService(g.nc, micro.Config{Name: "other", Version: "1.0.0"})
		if err != nil {
			t.Error(err)
			return
		}
		_ = other.Stop()
		g.nc.SetErrorHandler(g.nc.ErrorHandler())
		for range g.client.Ping(t.Context(), micro.FindName("other"), micro.FindMax(1), micro.FindStall(time.Millisecond)) {
		}
	}
	for name, arrange := range map[string]func(*micro.Config, func(micro.Service)){
		"handler": func(c *micro.Config, f func(micro.Service)) {},
		"done":    func(c *micro.Config, f func(micro.Service)) { c.DoneHandler = f },
		"error": func(c *micro.Config, f func(micro.Service)) {
			c.ErrorHandler = func(s micro.Service, _ *micro.NATSError) { f(s) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			called := make(chan struct{}, 16)
			svc := g.service(func(c *micro.Config) {
				c.DoneHandler = nil
				arrange(c, func(s micro.Service) { all(s); called <- struct{}{} })
			})
			svc.answers("e", func(r micro.Request) {
				switch name {
				case "handler":
					all(svc.Service)
					called <- struct{}{}
				case "done":
					_ = svc.Stop()
				case "error":
					panic("for the error handler")
				}
			})
			must(t, g.caller.Publish("e", nil))
			await(t, "the callback to return", called)
			must(t, micro.Shutdown(patiently(t), svc.Service))
		})
	}
	t.Run("stats", func(t *testing.T) {
		var svc *running
		var inside atomic.Bool
		svc = g.service(func(c *micro.Config) {
			c.DoneHandler = nil
			c.StatsHandler = func(*micro.Endpoint) any {
				if !inside.Swap(true) {
					all(svc.Service)
				}
				return nil
			}
		})
		svc.answers("e", echo)
		svc.Stats()
		must(t, micro.Shutdown(patiently(t), svc.Service))
	})
}
