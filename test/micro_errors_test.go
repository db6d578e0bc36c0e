package test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
	"github.com/gannet-io/nats/natstest"
)

// sameFunc compares the code of two functions.
func sameFunc(a, b any) bool { return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() }

// overrun makes the endpoint e of a service a slow consumer. The function that it returns lets the handler go on.
func (g *microStage) overrun(svc *running) (release func()) {
	g.t.Helper()
	entered, block := make(chan struct{}, 16), make(chan struct{})
	svc.answers("e", func(micro.Request) { entered <- struct{}{}; <-block }, micro.WithEndpointPendingLimits(2, 1000))
	must(g.t, g.caller.Publish("e", nil))
	await(g.t, "the handler", entered)
	for range 10 {
		must(g.t, g.caller.Publish("e", nil))
	}
	must(g.t, g.caller.Flush())
	must(g.t, g.nc.Flush())
	return func() { close(block) }
}

// A slow consumer is told to the service and to the connection, and counted.
func TestMicroSlowConsumer(t *testing.T) {
	g := newMicroStage(t)
	svc, other := g.service(), g.service()
	defer g.overrun(svc)()
	eventually(t, "the error handlers", func() bool { return svc.told.hasErr(nats.ErrSlowConsumer) && g.told.hasErr(nats.ErrSlowConsumer) })
	var e *micro.NATSError
	if err := svc.told.errors()[0]; !errors.As(err, &e) || e.Subject != "e" || e.Description != nats.ErrSlowConsumer.Error() ||
		e.Error() != `"e": nats: slow consumer, messages dropped` || e.Unwrap() != nats.ErrSlowConsumer {
		t.Errorf("told %v", err)
	}
	if s := svc.Stats().Endpoints[0]; s.NumErrors != 1 || s.LastError != nats.ErrSlowConsumer.Error() {
		t.Errorf("figures: got %+v", s)
	}
	if errs := other.told.errors(); len(errs) > 0 {
		t.Errorf("another service was told %v", errs)
	}
}

// A handler that is set later replaces the service's, and is not replaced when the service ends.
func TestMicroHandlerSetLater(t *testing.T) {
	g := newMicroStage(t)
	svc := g.service()
	var later journal
	handler := func(_ *nats.Conn, _ *nats.Subscription, err error) { later.addErr(err) }
	g.nc.SetErrorHandler(handler)
	release := g.overrun(svc)
	eventually(t, "the handler", func() bool { return later.hasErr(nats.ErrSlowConsumer) })
	if errs := append(svc.told.errors(), g.told.errors()...); len(errs) > 0 {
		t.Errorf("handlers that were replaced got %v", errs)
	}
	release()
	must(t, micro.Shutdown(patiently(t), svc.Service))
	if !sameFunc(g.nc.ErrorHandler(), handler) {
		t.Error("the handler that was set later was replaced")
	}
}

// The handler is restored when the last of several services has ended.
func TestMicroHandlerRestored(t *testing.T) {
	g := newMicroStage(t)
	before := g.nc.ErrorHandler()
	a, b := g.service(), g.service()
	if sameFunc(g.nc.ErrorHandler(), before) {
		t.Fatal("no handler was put in front")
	}
	must(t, micro.Shutdown(patiently(t), a.Service))
	if sameFunc(g.nc.ErrorHandler(), before) {
		t.Error("restored while a service is left")
	}
	must(t, micro.Shutdown(patiently(t), b.Service))
	if !sameFunc(g.nc.ErrorHandler(), before) {
		t.Error("not restored")
	}
}

// A service whose subject the server denies is told: it would be deaf without a word.
func TestMicroDenied(t *testing.T) {
	g := newMicroStage(t, natstest.WithConfigText(`
		no_auth_user: a
		authorization { users: [ {user: a, password: a, permissions: {subscribe: {deny: ["e", "$SRV.INFO"]}}} ] }`))
	svc := g.service()
	svc.answers("e", echo)
	svc.answers("f", echo)
	eventually(t, "the error handlers", func() bool { return len(svc.told.errors()) >= 2 && len(g.told.errors()) >= 2 })
	for _, err := range svc.told.errors() {
		var e *micro.NATSError
		if !errors.As(err, &e) || !errors.Is(err, nats.ErrPermissionViolation) || e.Subject != "e" && e.Subject != "$SRV.INFO" {
			t.Errorf("told %v", err)
		}
	}
	if s := svc.Stats().Endpoints; s[0].NumErrors != 1 || s[1].NumErrors != 0 {
		t.Errorf("counted %d and %d errors, want 1 and 0", s[0].NumErrors, s[1].NumErrors)
	}
}

func TestMicroNATSError(t *testing.T) {
	t.Parallel()
	e := &micro.NATSError{Subject: "s", Description: "d"}
	if e.Error() != `"s": d` || e.Unwrap() != nil || !errors.Is(e, &micro.NATSError{Subject: "s", Description: "d"}) ||
		errors.Is(e, &micro.NATSError{Subject: "s"}) || errors.Is(e, nats.ErrSlowConsumer) {
		t.Errorf("got %v", e)
	}
	var none *micro.NATSError
	if none.Error() != "" || none.Unwrap() != nil || none.Is(e) || e.Is(none) || !none.Is(none) {
		t.Error("a nil NATSError is something")
	}
}
