package test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/micro"
)

// microArena is an arena with a service on its connection.
type microArena struct {
	*arena
	of   *nats.Conn
	svc  micro.Service
	req  micro.Request   // one that the service has got
	more []micro.Service // to be stopped

	subscriptions int // in the beginning
}

func newMicroArena(t *testing.T) *microArena {
	g := &microArena{arena: newArenaWith(t, func(c *peerConn, _, reply string, _ []byte) {
		if sid := c.sidOf(reply); sid != "" {
			c.send("HMSG " + reply + " " + sid + " 16 16\r\nNATS/1.0 503\r\n\r\n\r\n")
		}
	})}
	g.current()
	return g
}

// current makes the service anew if the connection was; it reports whether it was.
func (g *microArena) current() bool {
	if g.of == g.nc {
		return false
	}
	g.of = g.nc
	requests := make(chan micro.Request, 1)
	h := micro.HandlerFunc(func(r micro.Request) {
		select {
		case requests <- r:
		default:
		}
	})
	g.svc = g.newService(&micro.EndpointConfig{Subject: "asked", Handler: h})
	g.p.sendMsg("asked")
	g.req = await(g.t, "a request", requests)
	g.give = make(supplies)
	short, cancel := context.WithTimeout(context.Background(), time.Hour)
	context.AfterFunc(short, cancel)
	supply(g.give, short)
	supply(g.give, g.nc)
	supply[micro.Handler](g.give, h)
	supply(g.give, g.svc)
	supply(g.give, g.req)
	supply(g.give, micro.Config{Name: "svc", Version: "1.0.0"})
	supply(g.give, micro.EndpointConfig{Subject: "b", Handler: h})
	supply(g.give, func(context.Context, micro.Request) {})
	g.subscriptions = g.nc.NumSubscriptions()
	return true
}

func (g *microArena) newService(e *micro.EndpointConfig) micro.Service {
	return got[micro.Service](g.t)(micro.AddService(g.nc, micro.Config{Name: "svc", Version: "1.0.0", Endpoint: e}))
}

// service is one that is stopped behind the method that it is made for.
func (g *microArena) service() micro.Service {
	g.more = append(g.more, g.newService(nil))
	return g.more[len(g.more)-1]
}

func (g *microArena) stopServices() {
	for _, svc := range g.more {
		must(g.t, svc.Stop())
	}
	g.more = nil
}

// sweep calls f, which is made anew with the connection, with every list of arguments.
func (g *microArena) sweep(name string, f func() reflect.Value) {
	g.t.Helper()
	g.current()
	fn := f()
	lists := g.give.lists(fn.Type(), false)
	for i := range lists {
		if g.current() {
			fn = f()
			lists = g.give.lists(fn.Type(), false)
		}
		g.call(name, fn, lists[i])
	}
}

func (g *microArena) sweepMethods(name string, made func() any) {
	g.t.Helper()
	g.current()
	first := made()
	finish([]reflect.Value{reflect.ValueOf(first)})
	typ := reflect.TypeOf(first)
	for m := range typ.NumMethod() {
		var used []reflect.Value
		g.sweep(name+"."+typ.Method(m).Name, func() reflect.Value {
			v := reflect.ValueOf(made())
			used = append(used, v)
			return v.Method(m)
		})
		finish(used)
		g.stopServices()
		if g.of == g.nc {
			eventually(g.t, name+"."+typ.Method(m).Name+" leaves no subscription behind", func() bool { return g.nc.NumSubscriptions() == g.subscriptions })
		}
	}
}

// microMakers make what implements the interfaces of package micro, and things of other types.
var microMakers = map[reflect.Type]func(g *microArena) any{
	reflect.TypeFor[micro.Service](): func(g *microArena) any { return g.service() },
	reflect.TypeFor[micro.Group]():   func(g *microArena) any { return g.service().AddGroup("g") },
	reflect.TypeFor[micro.Request](): func(g *microArena) any { return g.req },
	reflect.TypeFor[micro.Handler](): func(*microArena) any {
		return micro.ContextHandler(context.Background(), func(context.Context, micro.Request) {})
	},
	reflect.TypeFor[micro.Client](): func(g *microArena) any { return micro.NewClient(g.nc) },
}

// Every method of everything that package micro makes, with every odd argument.
func TestHostileArgumentsOfMicro(t *testing.T) {
	t.Parallel()
	for typ, made := range microMakers {
		t.Run(typ.String(), func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			g := newMicroArena(t)
			g.sweepMethods(typ.String(), func() any { return made(g) })
			g.nc.Close()
		})
	}
}

// Every function of package micro.
func TestHostileArgumentsOfMicroFunctions(t *testing.T) {
	t.Parallel()
	for name, f := range exports["micro"].functions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			g := newMicroArena(t)
			g.sweep(name, func() reflect.Value { return reflect.ValueOf(f) })
			g.nc.Close()
		})
	}
}

// Zero values of every type of package micro that is no interface, and odd ones.
func TestHostileArgumentsOfMicroTypes(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	g := newMicroArena(t)
	for _, typ := range exports["micro"].types {
		for _, v := range append([]reflect.Value{reflect.Zero(typ)}, g.give.values(typ)...) {
			if typ.Kind() == reflect.Func && v.IsNil() {
				continue // a nil function cannot be called, in this language
			}
			g.sweepMethods(typ.String(), func() any {
				p := reflect.New(typ)
				p.Elem().Set(v)
				return p.Interface()
			})
		}
	}
	g.nc.Close()
}
