package scenario

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
)

func serviceStop(s *stage.Stage) {
	nc, caller := connect(s), connect(s)
	told := newEvents()
	svc := addService(s, nc, func(c *micro.Config) {
		c.DoneHandler = func(svc micro.Service) { told.add(fmt.Sprintf("done, stopped %v", svc.Stopped())) }
	})
	const requests = 50
	entered, release := make(chan struct{}, requests), make(chan struct{})
	var handled atomic.Int32
	s.Must(svc.AddEndpoint("e", micro.HandlerFunc(func(r micro.Request) {
		entered <- struct{}{}
		<-release
		handled.Add(1)
		ok(r)
	})), "endpoint")
	s.Must(nc.Flush(), "flush")
	answers, err := caller.SubscribeSync("answers")
	s.Must(err, "subscribe")
	for range requests {
		s.Must(caller.PublishRequest("e", "answers", nil), "request")
	}
	s.Must(caller.Flush(), "flush")
	stage.Take(s, entered, "the handler")
	s.Note("before", "stopped %v", svc.Stopped())
	s.Error("stop", svc.Stop())
	s.Note("after", "stopped %v", svc.Stopped())
	s.Error("stop again", svc.Stop())
	s.Must(nc.Flush(), "flush")
	_, err = caller.Request("e", nil, resolved)
	s.Error("request after stop", err)
	_, err = caller.Request("$SRV.PING.Svc", nil, resolved)
	s.Error("ping after stop", err)
	early := told.next(0)
	s.Note("done while a request is handled", "%v", len(early) > 0)
	close(release)
	s.Note("done", "%v", append(early, told.next(1-len(early))...))
	got := 0
	for range requests {
		if _, err := answers.NextMsg(resolved); err == nil {
			got++
		}
	}
	s.Note("requests", "%d handled, %d answered", handled.Load(), got)
	s.Note("endpoints in the figures", "%d", len(svc.Stats().Endpoints))
	s.Error("endpoint after the end", svc.AddEndpoint("late", micro.HandlerFunc(ok)))
	var inside micro.Service
	stopped := make(chan error, 1)
	inside = addService(s, nc)
	s.Must(inside.AddEndpoint("stop", micro.HandlerFunc(func(r micro.Request) { ok(r); stopped <- inside.Stop() })), "endpoint")
	s.Must(nc.Flush(), "flush")
	_, err = caller.Request("stop", nil, resolved)
	s.Error("request that stops", err)
	s.Error("stop in a handler", stage.Take(s, stopped, "stop"))
}

func serviceConnectionEnds(s *stage.Stage) {
	told := newEvents()
	closedBy := func(name string) nats.ConnHandler { return func(*nats.Conn) { told.add(name) } }
	done := func(c *micro.Config) { c.DoneHandler = func(micro.Service) { told.add("done") } }
	play := func(key string, end func(nc *nats.Conn, services []micro.Service), want int) {
		nc := connect(s, nats.ClosedHandler(closedBy("closed handler")))
		all := []micro.Service{addService(s, nc, done)}
		if want > 2 {
			all = append(all, addService(s, nc, done))
		}
		s.Must(nc.Flush(), "flush")
		end(nc, all)
		s.Note(key+", told", "%s", told.sorted(want))
		s.Note(key+", stopped", "%v", all[0].Stopped())
		s.Error(key+", stop", all[0].Stop())
		told.next(0)
	}
	play("closed", func(nc *nats.Conn, _ []micro.Service) { nc.Close() }, 3)
	play("drained", func(nc *nats.Conn, _ []micro.Service) { s.Must(nc.Drain(), "drain") }, 3)
	play("closed after stop", func(nc *nats.Conn, all []micro.Service) {
		s.Must(all[0].Stop(), "stop")
		s.Note("told after stop", "%s", told.sorted(1))
		nc.Close()
	}, 1)
	play("closed with handlers set later", func(nc *nats.Conn, _ []micro.Service) {
		nc.SetClosedHandler(closedBy("later closed handler"))
		nc.Close()
	}, 1)
}

func serviceErrors(s *stage.Stage) {
	caller := connect(s)
	told := newEvents()
	handler := func(name string) nats.ErrHandler {
		return func(_ *nats.Conn, _ *nats.Subscription, err error) { told.add(name + ": " + err.Error()) }
	}
	nc := connect(s, nats.ErrorHandler(handler("connection")))
	errHandler := func(c *micro.Config) {
		c.ErrorHandler = func(_ micro.Service, e *micro.NATSError) {
			told.add(fmt.Sprintf("%s: %q, %q, %q, %v", c.Name, e.Subject, e.Description, e.Error(), errors.Is(e, nats.ErrSlowConsumer)))
		}
	}
	svc := addService(s, nc, errHandler)
	other := addService(s, nc, func(c *micro.Config) { c.Name = "Other"; errHandler(c) })
	overrun := func(name string) (release func()) {
		entered, block := make(chan struct{}, 100), make(chan struct{})
		s.Must(svc.AddEndpoint(name, micro.HandlerFunc(func(micro.Request) { entered <- struct{}{}; <-block }),
			micro.WithEndpointPendingLimits(2, 1000)), "endpoint")
		s.Must(nc.Flush(), "flush")
		s.Must(caller.Publish(name, nil), "publish")
		stage.Take(s, entered, "the handler")
		for range 10 {
			s.Must(caller.Publish(name, nil), "publish")
		}
		s.Must(caller.Flush(), "flush")
		s.Must(nc.Flush(), "flush")
		return func() { close(block) }
	}
	release := overrun("a")
	s.Note("slow consumer", "%v", told.next(2))
	s.Note("counted", "%d %q", svc.Stats().Endpoints[0].NumErrors, svc.Stats().Endpoints[0].LastError)
	s.Note("another subscription", "%v", func() []string {
		nc.ErrorHandler()(nc, nil, errors.New("an error"))
		return told.next(1)
	}())
	release()
	nc.SetErrorHandler(handler("later"))
	release = overrun("b")
	s.Note("slow consumer, handler set later", "%v", told.next(1))
	release()
	s.Must(other.Stop(), "stop")
	s.Must(svc.Stop(), "stop")
	told.next(0)
	nc.ErrorHandler()(nc, nil, errors.New("probe"))
	s.Note("after the last stop", "%v", told.next(1))
}

func serviceDenied(s *stage.Stage) {
	s.Server(natstest.WithConfigText(`
		no_auth_user: a
		authorization { users: [ {user: a, password: a, permissions: {subscribe: {deny: ["denied"]}}} ] }`))
	told := newEvents()
	nc := connect(s, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		told.add(fmt.Sprintf("connection: %v", errors.Is(err, nats.ErrPermissionViolation)))
	}))
	svc := addService(s, nc, func(c *micro.Config) {
		c.ErrorHandler = func(_ micro.Service, e *micro.NATSError) { told.add(fmt.Sprintf("service: %q", e.Subject)) }
	})
	s.Must(svc.AddEndpoint("denied", micro.HandlerFunc(ok)), "endpoint")
	s.Must(nc.Flush(), "flush")
	s.Note("told", "%s", told.sorted(1))
	s.Note("counted", "%d", svc.Stats().Endpoints[0].NumErrors)
}
