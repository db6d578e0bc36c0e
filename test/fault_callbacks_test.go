package test

import (
	"context"
	"errors"
	"net"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
)

// callbacks are all functions of the user that the library calls. install has it call body once, from there; trigger makes that
// happen on a connection to p.
var callbacks = map[string]struct {
	install func(o *nats.Options, body func())
	trigger func(t *testing.T, p *peer, nc *nats.Conn, body func())
	offline bool // there is no link while it runs, and there will be none before it returns
}{
	"ConnectHandler":       {install: func(o *nats.Options, body func()) { o.ConnectedCB = func(*nats.Conn) { body() } }},
	"DisconnectErrHandler": {install: func(o *nats.Options, body func()) { o.DisconnectedErrCB = func(*nats.Conn, error) { body() } }, trigger: cutLink},
	//lint:ignore SA1019 it is deprecated, and works
	"DisconnectHandler":   {install: func(o *nats.Options, body func()) { o.DisconnectedCB = func(*nats.Conn) { body() } }, trigger: cutLink},
	"ReconnectHandler":    {install: func(o *nats.Options, body func()) { o.ReconnectedCB = func(*nats.Conn) { body() } }, trigger: cutLink},
	"ReconnectErrHandler": {install: func(o *nats.Options, body func()) { o.ReconnectErrCB = func(*nats.Conn, error) { body() } }, trigger: refuseOnce},
	"ClosedHandler": {install: func(o *nats.Options, body func()) { o.ClosedCB = func(*nats.Conn) { body() } }, trigger: func(_ *testing.T, _ *peer, nc *nats.Conn, _ func()) {
		nc.Close()
	}},
	"DiscoveredServersHandler": {install: func(o *nats.Options, body func()) { o.DiscoveredServersCB = func(*nats.Conn) { body() } }, trigger: func(_ *testing.T, p *peer, _ *nats.Conn, _ func()) {
		p.send(`INFO {"connect_urls":["127.0.0.1:1"]}` + "\r\n")
	}},
	"LameDuckModeHandler": {install: func(o *nats.Options, body func()) { o.LameDuckModeHandler = func(*nats.Conn) { body() } }, trigger: func(_ *testing.T, p *peer, _ *nats.Conn, _ func()) {
		p.send(`INFO {"ldm":true}` + "\r\n")
	}},
	"ErrorHandler": {install: func(o *nats.Options, body func()) {
		o.AsyncErrorCB = func(*nats.Conn, *nats.Subscription, error) { body() }
	}, trigger: func(_ *testing.T, p *peer, _ *nats.Conn, _ func()) {
		p.send("-ERR 'Permissions Violation'\r\n")
	}},
	"ErrorHandler of a slow consumer": {install: func(o *nats.Options, body func()) {
		o.AsyncErrorCB = func(*nats.Conn, *nats.Subscription, error) { body() }
	}, trigger: func(t *testing.T, p *peer, nc *nats.Conn, _ func()) {
		got[*nats.Subscription](t)(nc.ChanSubscribe("slow", make(chan *nats.Msg)))
		p.sendMsg("slow")
	}},
	"CustomReconnectDelay": {offline: true, install: func(o *nats.Options, body func()) {
		o.CustomReconnectDelayCB = func(int) time.Duration { body(); return 0 }
	}, trigger: cutLink},
	"ReconnectToServer": {offline: true, install: func(o *nats.Options, body func()) {
		o.ReconnectToServerCB = func([]nats.Server, nats.ServerInfo) (*nats.Server, time.Duration) { body(); return nil, 0 }
	}, trigger: cutLink},
	"TokenHandler": {offline: true, install: func(o *nats.Options, body func()) { o.TokenHandler = func() string { body(); return "" } }, trigger: cutLink},
	"UserInfoHandler": {offline: true, install: func(o *nats.Options, body func()) {
		o.UserInfo = func() (string, string) { body(); return "", "" }
	}, trigger: cutLink},
	"UserJWT": {offline: true, install: func(o *nats.Options, body func()) {
		o.UserJWT = func() (string, error) { body(); return "", nil }
		o.SignatureCB = func([]byte) ([]byte, error) { return nil, nil }
	}, trigger: cutLink},
	"SignatureHandler": {offline: true, install: func(o *nats.Options, body func()) {
		o.UserJWT = func() (string, error) { return "jwt", nil }
		o.SignatureCB = func([]byte) ([]byte, error) { body(); return nil, nil }
	}, trigger: cutLink},
	"CustomDialer": {offline: true, install: func(o *nats.Options, body func()) { o.CustomDialer = callingDialer(body) }, trigger: cutLink},
	"MsgHandler": {trigger: func(t *testing.T, p *peer, nc *nats.Conn, body func()) {
		got[*nats.Subscription](t)(nc.Subscribe("in", func(*nats.Msg) { body() }))
		p.sendMsg("in")
	}},
	"closed handler of a callback subscription": {trigger: func(t *testing.T, _ *peer, nc *nats.Conn, body func()) {
		sub := got[*nats.Subscription](t)(nc.Subscribe("in", func(*nats.Msg) {}))
		sub.SetClosedHandler(func(string) { body() })
		must(t, sub.Unsubscribe())
	}},
	"closed handler of a synchronous subscription": {trigger: func(t *testing.T, _ *peer, nc *nats.Conn, body func()) {
		sub := got[*nats.Subscription](t)(nc.SubscribeSync("in"))
		sub.SetClosedHandler(func(string) { body() })
		must(t, sub.Drain())
	}},
	"Barrier, nothing queued": {trigger: func(t *testing.T, _ *peer, nc *nats.Conn, body func()) { must(t, nc.Barrier(body)) }},
	"Barrier, something queued": {trigger: func(t *testing.T, p *peer, nc *nats.Conn, body func()) {
		release := make(chan struct{})
		sub := got[*nats.Subscription](t)(nc.Subscribe("in", func(*nats.Msg) { <-release }))
		p.sendMsg("in")
		eventually(t, "a message", func() bool { n, _, _ := sub.Pending(); return n == 1 })
		must(t, nc.Barrier(body))
		close(release)
	}},
	"Barrier of an ended subscription": {trigger: func(t *testing.T, p *peer, nc *nats.Conn, body func()) {
		release := make(chan struct{})
		defer close(release)
		sub := got[*nats.Subscription](t)(nc.Subscribe("in", func(*nats.Msg) { <-release }))
		p.sendMsg("in")
		eventually(t, "a message", func() bool { n, _, _ := sub.Pending(); return n == 1 })
		must(t, nc.Barrier(body))
		must(t, sub.Unsubscribe())
	}},
}

func cutLink(_ *testing.T, p *peer, _ *nats.Conn, _ func()) { p.cut() }

// refuseOnce makes the first attempt to reconnect fail.
func refuseOnce(_ *testing.T, p *peer, _ *nats.Conn, _ func()) {
	var once atomic.Bool
	p.setGreet(func(c *peerConn) bool { return once.Swap(true) && c.shake() })
	p.cut()
}

type callingDialer func()

func (d callingDialer) Dial(network, address string) (net.Conn, error) {
	d()
	return net.Dial(network, address)
}

// ending are the methods after which others make no sense.
var ending = []string{"Close", "Drain", "ForceReconnect", "Shutdown"}

// harmless makes an argument for a method that is to work and not to take long.
func harmless(typ reflect.Type) reflect.Value {
	switch v := reflect.New(typ).Elem(); v.Interface().(type) {
	case string:
		return reflect.ValueOf("some.subject").Convert(typ)
	case int:
		return reflect.ValueOf(1000).Convert(typ)
	case time.Duration:
		return reflect.ValueOf(20 * time.Millisecond).Convert(typ)
	case *nats.Msg:
		return reflect.ValueOf(nats.NewMsg("some.subject"))
	case chan *nats.Msg:
		return reflect.ValueOf(make(chan *nats.Msg, 10))
	default:
		if typ.Kind() == reflect.Func {
			return reflect.MakeFunc(typ, func([]reflect.Value) (zero []reflect.Value) {
				for i := range typ.NumOut() {
					zero = append(zero, reflect.Zero(typ.Out(i)))
				}
				return zero
			})
		}
		if typ == reflect.TypeFor[context.Context]() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			context.AfterFunc(ctx, cancel)
			return reflect.ValueOf(ctx)
		}
		return v
	}
}

// callMethod calls a method by name with harmless arguments, variadic ones left out.
func callMethod(v any, name string) {
	m := reflect.ValueOf(v).MethodByName(name)
	var args []reflect.Value
	for i := range m.Type().NumIn() {
		if m.Type().IsVariadic() && i == m.Type().NumIn()-1 {
			break
		}
		args = append(args, harmless(m.Type().In(i)))
	}
	m.Call(args)
}

// methodsOf lists the exported methods of a type, without those of exclude.
func methodsOf(typ reflect.Type, exclude ...string) (names []string) {
	for i := range typ.NumMethod() {
		if n := typ.Method(i).Name; !slices.Contains(exclude, n) {
			names = append(names, n)
		}
	}
	return names
}

// Every public method of a connection and of subscriptions may be called from every callback.
func TestAnyMethodFromAnyCallback(t *testing.T) {
	connMethods := methodsOf(reflect.TypeFor[*nats.Conn](), ending...)
	subMethods := methodsOf(reflect.TypeFor[*nats.Subscription]())
	for name, cb := range callbacks {
		for _, last := range append([]string{""}, ending...) {
			t.Run(name+" "+last, func(t *testing.T) {
				t.Parallel()
				checkLeaks(t)
				p := newPeer(t)
				var conn atomic.Pointer[nats.Conn]
				var once sync.Once
				var at atomic.Pointer[string]
				begun, done := make(chan struct{}), make(chan struct{})
				call := func(v any, method string) {
					at.Store(&method)
					callMethod(v, method)
				}
				body := func() {
					once.Do(func() {
						<-begun
						nc := conn.Load()
						defer close(done)
						if last != "" {
							call(nc, last)
							return
						}
						for _, m := range connMethods {
							if cb.offline && (m == "Flush" || m == "RTT") {
								continue // they wait 10 s for the link, as they should
							}
							call(nc, m)
						}
						for _, m := range subMethods {
							sub, err := nc.SubscribeSync("x." + strings.ToLower(m))
							if err == nil || errors.Is(err, nats.ErrConnectionClosed) {
								call(sub, m)
							} else {
								t.Errorf("subscribe: %v", err)
							}
						}
					})
				}
				// The callbacks that connecting calls too must not count before the connection is there.
				var armed atomic.Bool
				armed.Store(cb.trigger == nil)
				opts := nats.GetDefaultOptions()
				opts.Url = p.url()
				opts.AsyncErrorCB = func(*nats.Conn, *nats.Subscription, error) {}
				must(t, quickly()(&opts))
				if cb.install != nil {
					cb.install(&opts, func() {
						if armed.Load() {
							body()
						}
					})
				}
				nc, err := opts.Connect()
				must(t, err)
				t.Cleanup(nc.Close)
				p.next()
				conn.Store(nc)
				close(begun)
				armed.Store(true)
				if cb.trigger != nil {
					cb.trigger(t, p, nc, body)
				}
				select {
				case <-done:
				case <-time.After(patience):
					m := at.Load()
					if m == nil {
						t.Fatal("the callback was not called")
					}
					t.Fatalf("%s does not return", *m)
				}
				within(t, "Close afterwards", 3*time.Second, nc.Close)
			})
		}
	}
}
