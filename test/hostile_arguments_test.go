package test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
)

// arena is a peer and a connection to it that hostile calls are made on. It is made anew when one of them has ended it.
type arena struct {
	t    *testing.T
	p    *peer
	nc   *nats.Conn
	subs []*nats.Subscription
	msg  *nats.Msg
	give supplies
}

func newArena(t *testing.T) *arena { return newArenaWith(t, refuseRequests) }

// newArenaWith has the peer answer publishes.
func newArenaWith(t *testing.T, answer func(c *peerConn, subject, reply string, data []byte)) *arena {
	a := &arena{t: t, p: newPeer(t)}
	a.p.setGreet(func(c *peerConn) bool {
		c.answer = answer
		return c.shake()
	})
	a.fresh()
	t.Cleanup(func() { a.nc.Close() })
	return a
}

// refuseRequests answers what asks JetStream as a server without JetStream does.
func refuseRequests(c *peerConn, subject, reply string, _ []byte) {
	if sid := c.sidOf(reply); sid != "" && strings.HasPrefix(subject, "$JS") {
		c.send("HMSG " + reply + " " + sid + " 16 16\r\nNATS/1.0 503\r\n\r\n\r\n")
	}
}

func (a *arena) fresh() {
	a.t.Helper()
	if a.nc != nil {
		a.nc.Close()
	}
	nc, err := nats.Connect(a.p.url(), silent(), quickly())
	must(a.t, err)
	a.nc = nc
	c := a.p.next()
	sync := got[*nats.Subscription](a.t)(nc.SubscribeSync("in"))
	a.subs = []*nats.Subscription{
		sync,
		got[*nats.Subscription](a.t)(nc.Subscribe("async", func(*nats.Msg) {})),
		got[*nats.Subscription](a.t)(nc.ChanSubscribe("chan", make(chan *nats.Msg, 10))),
	}
	c.send("MSG in " + c.sid("in") + " answer 1\r\nx\r\nMSG in " + c.sid("in") + " 1\r\nx\r\n")
	a.msg = got[*nats.Msg](a.t)(sync.NextMsg(patience))
}

// call calls f, which may wait: then the connection is closed, and it must come back.
func (a *arena) call(what string, f reflect.Value, args []reflect.Value) (results []reflect.Value) {
	a.t.Helper()
	what += describe(args)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				a.t.Errorf("%s panics: %v\n%s", what, r, debug.Stack())
			}
		}()
		results = f.Call(args)
		finish(results)
	}()
	select {
	case <-done:
	case <-time.After(40 * time.Millisecond):
		a.nc.Close()
		select {
		case <-done:
		case <-time.After(3 * time.Second):
			a.t.Fatalf("%s does not come back, not even after Close", what)
		}
	}
	a.check(what)
	return results
}

// check looks at what the peer got, and makes a new connection if that has ended.
func (a *arena) check(what string) {
	a.t.Helper()
	if a.nc.FlushTimeout(time.Second) != nil || !a.nc.IsConnected() || !a.subs[0].IsValid() || !a.subs[1].IsValid() || !a.subs[2].IsValid() {
		a.fresh()
	}
	if faults := a.p.allFaults(); len(faults) > 0 {
		a.t.Errorf("%s: the server got %.300q", what, faults)
		a.p.with(func() { a.p.faults = nil })
	}
}

func describe(args []reflect.Value) string {
	var words []string
	for _, v := range args {
		words = append(words, fmt.Sprintf("%.80q", fmt.Sprintf("%+v", printable(v))))
	}
	return "(" + strings.Join(words, ", ") + ")"
}

// printable leaves out what has pointers into running things.
func printable(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Func, reflect.Chan, reflect.Interface:
		return v.Type().String() + map[bool]string{true: " nil"}[v.IsNil()]
	case reflect.Pointer:
		if m, ok := v.Interface().(*nats.Msg); ok && m != nil {
			return fmt.Sprintf("%q %q %q", m.Subject, m.Reply, m.Header)
		}
		return v.Type().String() + map[bool]string{true: " nil"}[v.IsNil()]
	case reflect.Slice:
		if v.Len() > 100 {
			return fmt.Sprintf("%d elements", v.Len())
		}
	}
	return v.Interface()
}

// methods calls every method of each receiver with every list of arguments.
func (a *arena) methods(name string, receivers func() []any, skip func(method string, receiver int) bool) {
	for i := range receivers() {
		typ := reflect.TypeOf(receivers()[i])
		for m := range typ.NumMethod() {
			method := typ.Method(m).Name
			if skip(method, i) {
				continue
			}
			for _, args := range a.give.lists(reflect.ValueOf(receivers()[i]).Method(m).Type(), method == "SetServerPool" || method == "Connect") {
				a.call(fmt.Sprintf("%s %d.%s", name, i, method), reflect.ValueOf(receivers()[i]).Method(m), args)
			}
		}
	}
}

func skipNone(string, int) bool { return false }

func TestHostileArgumentsConn(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	a := newArena(t)
	closed := dial(t, a.p.url())
	a.p.next()
	closed.Close()
	a.methods("Conn", func() []any { return []any{a.nc, closed, (*nats.Conn)(nil), new(nats.Conn)} }, skipNone)
	a.nc.Close()
}

func TestHostileArgumentsSubscription(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	a := newArena(t)
	gone := got[*nats.Subscription](t)(a.nc.SubscribeSync("gone"))
	must(t, gone.Unsubscribe())
	a.methods("Subscription", func() []any {
		return []any{a.subs[0], a.subs[1], a.subs[2], gone, (*nats.Subscription)(nil), new(nats.Subscription)}
	}, skipNone)
	a.nc.Close()
}

func TestHostileArgumentsMsg(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	a := newArena(t)
	receivers := []any{(*nats.Msg)(nil), new(nats.Msg), &nats.Msg{Sub: new(nats.Subscription)}, &nats.Msg{Sub: new(nats.Subscription), Reply: "a"}}
	a.methods("Msg", func() []any {
		all := append([]any{a.msg}, receivers...)
		for _, s := range []string{hostileStrings[4], hostileStrings[5], hostileStrings[7], "\x00", "\xff"} { // a reply subject that a server, or the program, has set
			all = append(all, &nats.Msg{Subject: s, Reply: s, Sub: a.subs[0], Header: nats.Header{s: {s}}})
		}
		return all
	}, skipNone)
	a.nc.Close()
}

// tested are the types whose methods have a test of their own, or that only programs implement.
var tested = []reflect.Type{
	reflect.TypeFor[nats.Conn](), reflect.TypeFor[nats.Subscription](), reflect.TypeFor[nats.Msg](), reflect.TypeFor[nats.Options](),
}

// All other types: their zero values, and nil where a method can be called on it.
func TestHostileArgumentsOtherTypes(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	a := newArena(t)
	for _, typ := range exports["nats"].types {
		if slices.Contains(tested, typ) {
			continue
		}
		pointer := reflect.PointerTo(typ)
		a.methods(typ.Name(), func() []any {
			all := []any{reflect.New(typ).Interface()}
			for _, v := range a.give.values(typ)[1:] {
				p := reflect.New(typ)
				p.Elem().Set(v)
				all = append(all, p.Interface())
			}
			return all
		}, func(method string, receiver int) bool {
			// A nil map cannot be written to, in this language.
			return pointer == reflect.TypeFor[*nats.Header]() && receiver == 0 && (method == "Set" || method == "Add")
		})
	}
	a.nc.Close()
}

func TestHostileArgumentsFunctions(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	a := newArena(t)
	for name, f := range exports["nats"].functions {
		v := reflect.ValueOf(f)
		for _, args := range a.give.lists(v.Type(), name == "Connect") {
			for _, result := range a.call(name, v, args) {
				switch r := result.Interface().(type) {
				case nats.Option:
					a.connectWith(name+describe(args), r)
				case *nats.Conn:
					if r != nil {
						r.Close()
					}
				}
			}
		}
	}
	a.nc.Close()
}

// connectWith connects with an option, and has the connection reconnect once. Neither needs to succeed.
func (a *arena) connectWith(what string, opt nats.Option) {
	a.t.Helper()
	if opt == nil {
		return
	}
	a.connect(what, func() (*nats.Conn, error) {
		return nats.Connect(a.p.url(), silent(), quickly(), nats.Timeout(300*time.Millisecond), func(o *nats.Options) error {
			retry := o.RetryOnFailedConnect
			if err := opt(o); err != nil {
				return err
			}
			o.RetryOnFailedConnect = retry || o.RetryOnFailedConnect
			return nil
		})
	})
}

func (a *arena) connect(what string, connect func() (*nats.Conn, error)) {
	a.t.Helper()
	f := func() {
		nc, err := connect()
		if err != nil {
			if nc != nil {
				a.t.Errorf("%s: an error and a connection", what)
			}
			return
		}
		defer nc.Close()
		_ = nc.Publish("a", nil)
		_ = nc.FlushTimeout(20 * time.Millisecond)
		_, _ = nc.Request("$JS.API.INFO", nil, 20*time.Millisecond)
		_ = nc.ForceReconnect()
		_ = nc.FlushTimeout(20 * time.Millisecond)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				a.t.Errorf("%s: connecting panics: %v\n%s", what, r, debug.Stack())
			}
		}()
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		a.t.Fatalf("%s: connecting does not come back", what)
	}
	a.check(what)
	for len(a.p.accepted) > 0 {
		<-a.p.accepted
	}
}

// Every field of Options with every odd value.
func TestHostileOptionFields(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	a := newArena(t)
	typ := reflect.TypeFor[nats.Options]()
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		values := a.give.values(f.Type)
		switch f.Name {
		case "Url":
			values = nil
			for _, u := range hostileURLs {
				values = append(values, reflect.ValueOf(u))
			}
		case "Servers":
			values = nil
			for _, u := range hostileURLs {
				values = append(values, reflect.ValueOf([]string{u}))
			}
		}
		for _, v := range values {
			o := nats.GetDefaultOptions()
			o.Url = a.p.url()
			o.Timeout = 300 * time.Millisecond
			must(t, quickly()(&o))
			must(t, silent()(&o))
			reflect.ValueOf(&o).Elem().Field(i).Set(v)
			a.connect("Options."+f.Name+describe([]reflect.Value{v}), o.Connect)
		}
	}
	a.connect("Options{}", func() (*nats.Conn, error) {
		return nats.Options{Url: a.p.url(), AsyncErrorCB: func(*nats.Conn, *nats.Subscription, error) {}}.Connect()
	})
	a.nc.Close()
}

// JetStream's methods, on a server without JetStream.
func TestHostileArgumentsJetStream(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	a := newArena(t)
	var js nats.JetStreamContext
	var of *nats.Conn
	a.methods("JetStreamContext", func() []any {
		if of != a.nc {
			js, of = got[nats.JetStreamContext](t)(a.nc.JetStream()), a.nc
		}
		return []any{js}
	}, skipNone)
	a.nc.Close()
}

// The errors name what is wrong, for the arguments that programs get wrong most.
func TestErrorsOfBadArguments(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	p := newPeer(t)
	nc := dial(t, p.url())
	sub := got[*nats.Subscription](t)(nc.SubscribeSync("a"))
	second := func(_ any, err error) error { return err }
	for name, tc := range map[string]struct{ got, want error }{
		"Publish, no subject":           {nc.Publish("", nil), nats.ErrBadSubject},
		"Publish, a space":              {nc.Publish("a b", nil), nats.ErrBadSubject},
		"Publish, a line break":         {nc.Publish("a\r\n", nil), nats.ErrBadSubject},
		"Publish, an empty token":       {nc.Publish("a..b", nil), nil},
		"Publish, a wildcard":           {nc.Publish("a.*", nil), nil},
		"PublishRequest, bad reply":     {nc.PublishRequest("a", "b c", nil), nats.ErrBadSubject},
		"PublishMsg, nil":               {nc.PublishMsg(nil), nats.ErrInvalidMsg},
		"PublishMsg, bad reply":         {nc.PublishMsg(&nats.Msg{Subject: "a", Reply: "b\n"}), nats.ErrBadSubject},
		"PublishMsg, header key":        {nc.PublishMsg(&nats.Msg{Subject: "a", Header: nats.Header{"a\r\nb": {"1"}}}), nats.ErrBadHeaderMsg},
		"SubscribeSync, an empty token": {second(nc.SubscribeSync("a..b")), nats.ErrBadSubject},
		"SubscribeSync, a space":        {second(nc.SubscribeSync("a b")), nats.ErrBadSubject},
		"QueueSubscribeSync, a space":   {second(nc.QueueSubscribeSync("a", "q q")), nats.ErrBadQueueName},
		"Subscribe, nil":                {second(nc.Subscribe("a", nil)), nats.ErrBadSubscription},
		"ChanSubscribe, nil":            {second(nc.ChanSubscribe("a", nil)), nats.ErrBadSubscription},
		"FlushTimeout(0)":               {nc.FlushTimeout(0), nats.ErrBadTimeout},
		"FlushWithContext, no deadline": {nc.FlushWithContext(context.Background()), nats.ErrNoDeadlineContext},
		"FlushWithContext, nil":         {nc.FlushWithContext(nil), nats.ErrInvalidContext},                                //nolint:staticcheck // nil is what is tested
		"RequestWithContext, nil":       {second(nc.RequestWithContext(nil, "a", nil)), nats.ErrInvalidContext},            //nolint:staticcheck // nil is what is tested
		"RequestMsgWithContext, nil":    {second(nc.RequestMsgWithContext(nil, nats.NewMsg("a"))), nats.ErrInvalidContext}, //nolint:staticcheck // nil is what is tested
		"RequestMsg, nil":               {second(nc.RequestMsg(nil, time.Second)), nats.ErrInvalidMsg},
		"SetPendingLimits(0, 1)":        {sub.SetPendingLimits(0, 1), nats.ErrInvalidArg},
		"Barrier(nil)":                  {nc.Barrier(nil), nats.ErrInvalidArg},
	} {
		if !errors.Is(tc.got, tc.want) {
			t.Errorf("%s: got %v, want %v", name, tc.got, tc.want)
		}
	}
}
