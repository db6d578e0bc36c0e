package test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"net/url"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
)

// hostileStrings are odd names, subjects and texts; some of them would be operations of their own if they got onto the wire unchecked.
var hostileStrings = []string{
	"", " ", "a b", "\t", "x\r\nPUB " + smuggled + " 0\r\n\r\n", "x\nSUB " + smuggled + " 1\n", "x\rPING", "x 0\r\n\r\nPUB " + smuggled + " 0\r\n\r\n",
	"k\r\n" + smuggled + ": 1", "\x00", "*", ">", "a.>.b", "a..b", ".", "..", "-", strings.Repeat("x", 70_000), "\xff\xfe", "ä", "a/../b", "%s%n",
}

// hostileURLs take the place of hostile strings where one is dialled: none of them may lead to another machine.
var hostileURLs = []string{
	"", ",", " , ", ":", "://", "nats://", "nats://:", "nats://127.0.0.1:-1", "nats://127.0.0.1:99999999", "nats://[::1", "nats://127.0.0.1:1\r\nPUB " + smuggled,
	"nats://a b@127.0.0.1:1", "nats://u\r\n:p@127.0.0.1:1", "\x00", "http://127.0.0.1:1", "ws://127.0.0.1:1,nats://127.0.0.1:1", "127.0.0.1:1/%zz", "nats://127.0.0.1:1/" + strings.Repeat("x", 70_000),
}

// hostileValues are odd values of a type. The first is the zero value.
func hostileValues(typ reflect.Type) (values []reflect.Value) {
	add := func(vs ...any) {
		for _, v := range vs {
			values = append(values, reflect.ValueOf(v).Convert(typ))
		}
	}
	values = append(values, reflect.Zero(typ))
	switch typ {
	case reflect.TypeFor[context.Context]():
		over, cancel := context.WithCancel(context.Background())
		cancel()
		past, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
		cancel()
		add(over, past, context.Background())
		return values
	case reflect.TypeFor[*nats.Msg]():
		add(&nats.Msg{}, &nats.Msg{Subject: "a", Sub: &nats.Subscription{}})
		for _, s := range hostileStrings {
			add(&nats.Msg{Subject: s, Data: []byte(s)}, &nats.Msg{Subject: "a", Reply: s}, &nats.Msg{Subject: "a", Header: nats.Header{s: {"v"}}},
				&nats.Msg{Subject: "a", Header: nats.Header{"k": {s, s}}})
		}
		add(&nats.Msg{Subject: "a", Data: make([]byte, 2<<20)}, &nats.Msg{Subject: "a", Header: nats.Header{"k": nil}},
			&nats.Msg{Subject: "a", Header: nats.Header{"k": {strings.Repeat("v", 2<<20)}}})
		return values
	case reflect.TypeFor[*tls.Config]():
		add(&tls.Config{MinVersion: 99, MaxVersion: 1})
		return values
	case reflect.TypeFor[*url.URL]():
		add(&url.URL{}, &url.URL{Host: hostileStrings[4], Scheme: "nats"})
		return values
	}
	switch typ.Kind() {
	case reflect.String:
		for _, s := range hostileStrings[1:] {
			add(s)
		}
	case reflect.Int, reflect.Int64:
		add(-1, 1, math.MinInt64, math.MaxInt64)
	case reflect.Int32, reflect.Int16, reflect.Int8:
		add(-1, 127)
	case reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8, reflect.Uint:
		top := reflect.New(typ).Elem()
		top.SetUint(math.MaxUint64 >> (64 - typ.Bits()))
		values = append(values, top)
	case reflect.Bool:
		add(true)
	case reflect.Slice:
		values = append(values, reflect.MakeSlice(typ, 0, 0))
		for _, v := range hostileValues(typ.Elem())[:min(9, len(hostileValues(typ.Elem())))] {
			values = append(values, reflect.Append(reflect.MakeSlice(typ, 0, 1), v))
		}
		if typ.Elem().Kind() == reflect.Uint8 {
			add([]byte(hostileStrings[4]), make([]byte, 2<<20), []byte("{"), []byte(`{"a":[]}`), []byte("null"), []byte(`"x"`))
		}
	case reflect.Map:
		values = append(values, reflect.MakeMap(typ))
		if typ.Key().Kind() == reflect.String {
			for _, s := range hostileStrings {
				m := reflect.MakeMap(typ)
				m.SetMapIndex(reflect.ValueOf(s).Convert(typ.Key()), hostileValues(typ.Elem())[0])
				values = append(values, m)
			}
		}
	case reflect.Chan:
		closed := reflect.MakeChan(typ, 0)
		closed.Close()
		values = append(values, reflect.MakeChan(typ, 0), closed)
	case reflect.Func:
		for k := range 6 {
			values = append(values, hostileFunc(typ, k))
		}
	case reflect.Pointer:
		if typ.Elem().Kind() == reflect.Struct && typ.Elem().PkgPath() == "github.com/gannet-io/nats" {
			for _, v := range hostileStructs(typ.Elem()) {
				p := reflect.New(typ.Elem())
				p.Elem().Set(v)
				values = append(values, p)
			}
		}
	case reflect.Struct:
		if typ.PkgPath() == "github.com/gannet-io/nats" {
			values = append(values, hostileStructs(typ)...)
		}
	case reflect.Interface:
		if typ.NumMethod() == 1 && typ.Method(0).Name == "InProcessConn" {
			add(badProvider{})
		}
		if typ == reflect.TypeFor[nats.CustomDialer]() {
			add(badProvider{})
		}
		if typ.PkgPath() == "github.com/gannet-io/nats" && typ.NumMethod() > 0 {
			values = append(values, optionsFor(typ)...)
		}
	}
	return values
}

// optionsFor are odd values of an option's interface: made by the exported functions that return such a thing, and of the exported
// types that are one. A few of each, since there are many.
func optionsFor(typ reflect.Type) (values []reflect.Value) {
	const each = 6
	for _, name := range slices.Sorted(maps.Keys(exportedFunctions)) {
		f := reflect.ValueOf(exportedFunctions[name])
		if f.Type().NumOut() != 1 || !f.Type().Out(0).Implements(typ) || f.Type().Out(0) == reflect.TypeFor[error]() {
			continue
		}
		lists := argumentLists(f.Type(), false)
		for i := 0; i < len(lists); i += max(1, len(lists)/each) {
			values = append(values, f.Call(lists[i])[0].Convert(typ))
		}
	}
	for _, t := range exportedTypes {
		if !t.Implements(typ) || t.Kind() == reflect.Interface {
			continue
		}
		odd := hostileValues(t)
		for i := 0; i < len(odd); i += max(1, len(odd)/each) {
			values = append(values, odd[i].Convert(typ))
		}
	}
	return values
}

// badProvider makes connections that are none.
type badProvider struct{}

func (badProvider) InProcessConn() (net.Conn, error)            { return nil, nil }
func (badProvider) Dial(network, addr string) (net.Conn, error) { return nil, nil }

// hostileStructs sets one field at a time, of one level.
func hostileStructs(typ reflect.Type) (values []reflect.Value) {
	values = append(values, reflect.Zero(typ))
	for i := range typ.NumField() {
		f := typ.Field(i)
		if k := f.Type.Kind(); !f.IsExported() || k == reflect.Struct || k == reflect.Pointer || k == reflect.Func || k == reflect.Interface {
			continue
		}
		for _, v := range hostileValues(f.Type)[1:] {
			s := reflect.New(typ).Elem()
			s.Field(i).Set(v)
			values = append(values, s)
		}
	}
	return values
}

// hostileFunc returns a function whose results are the k-th hostile ones.
func hostileFunc(typ reflect.Type, k int) reflect.Value {
	return reflect.MakeFunc(typ, func([]reflect.Value) (results []reflect.Value) {
		for i := range typ.NumOut() {
			out := typ.Out(i)
			var choice []reflect.Value
			switch {
			case out == reflect.TypeFor[error]():
				choice = []reflect.Value{reflect.Zero(out), reflect.ValueOf(fmt.Errorf("an error")).Convert(out)}
			case out == reflect.TypeFor[*nats.Server]():
				choice = []reflect.Value{reflect.Zero(out), reflect.ValueOf(&nats.Server{}), reflect.ValueOf(&nats.Server{URL: &url.URL{Host: "x\r\n"}})}
			case out == reflect.TypeFor[time.Duration]():
				choice = []reflect.Value{reflect.Zero(out), reflect.ValueOf(time.Duration(-1)), reflect.ValueOf(time.Duration(math.MinInt64))}
			default:
				choice = hostileValues(out)
			}
			results = append(results, choice[k%len(choice)])
		}
		return results
	})
}

// argumentLists varies one argument at a time; the others are harmless. The first list is all zero values. urls says that strings
// name servers.
func argumentLists(typ reflect.Type, urls bool) (lists [][]reflect.Value) {
	n := typ.NumIn()
	fixed := n
	if typ.IsVariadic() {
		fixed--
	}
	base := func() (args []reflect.Value) {
		for i := range fixed {
			if urls && typ.In(i) == reflect.TypeFor[string]() {
				args = append(args, reflect.ValueOf("nats://127.0.0.1:1"))
				continue
			}
			args = append(args, harmless(typ.In(i)))
		}
		return args
	}
	var zero []reflect.Value
	for i := range fixed {
		zero = append(zero, reflect.Zero(typ.In(i)))
	}
	lists = append(lists, zero)
	for i := range n {
		in := typ.In(i)
		if i >= fixed {
			in = in.Elem()
		}
		values := hostileValues(in)
		switch {
		case urls && in == reflect.TypeFor[string]():
			values = nil
			for _, u := range hostileURLs {
				values = append(values, reflect.ValueOf(u))
			}
		case urls && in == reflect.TypeFor[[]string]():
			values = values[:2]
			for _, u := range hostileURLs {
				values = append(values, reflect.ValueOf([]string{u}), reflect.ValueOf([]string{u, "nats://127.0.0.1:1"}))
			}
		}
		for _, v := range values {
			args := base()
			if i < fixed {
				args[i] = v
			} else {
				args = append(args, v, v)
			}
			lists = append(lists, args)
		}
	}
	return lists
}

// arena is a peer and a connection to it that hostile calls are made on. It is made anew when one of them has ended it.
type arena struct {
	t    *testing.T
	p    *peer
	nc   *nats.Conn
	subs []*nats.Subscription
	msg  *nats.Msg
}

func newArena(t *testing.T) *arena {
	a := &arena{t: t, p: newPeer(t)}
	a.p.setGreet(func(c *peerConn) bool {
		c.answer = refuseRequests
		return c.shake()
	})
	a.fresh()
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
			for _, args := range argumentLists(reflect.ValueOf(receivers()[i]).Method(m).Type(), method == "SetServerPool" || method == "Connect") {
				a.call(fmt.Sprintf("%s %d.%s", name, i, method), reflect.ValueOf(receivers()[i]).Method(m), args)
			}
		}
	}
}

func never(string, int) bool { return false }

func TestHostileArgumentsConn(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	a := newArena(t)
	closed := dial(t, a.p.url())
	a.p.next()
	closed.Close()
	a.methods("Conn", func() []any { return []any{a.nc, closed, (*nats.Conn)(nil), new(nats.Conn)} }, never)
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
	}, never)
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
	}, never)
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
	for _, typ := range exportedTypes {
		if slices.Contains(tested, typ) {
			continue
		}
		pointer := reflect.PointerTo(typ)
		a.methods(typ.Name(), func() []any {
			all := []any{reflect.New(typ).Interface()}
			for _, v := range hostileValues(typ)[1:] {
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
	for name, f := range exportedFunctions {
		v := reflect.ValueOf(f)
		for _, args := range argumentLists(v.Type(), name == "Connect") {
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
		values := hostileValues(f.Type)
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
	}, never)
	a.nc.Close()
}

// interfaceTests says which test calls the methods of an interface that the library implements. The rest are implemented by programs or
// have no exported methods.
var interfaceTests = map[string]string{
	"JetStreamContext": "TestHostileArgumentsJetStream", "JetStreamManager": "TestHostileArgumentsJetStream", "JetStream": "TestHostileArgumentsJetStream",
	"ObjectStoreManager": "TestHostileArgumentsJetStream", "ObjectStore": "TestObjectHostileArguments", "ObjectResult": "TestObjectReadersEnd",
	"ObjectStoreStatus": "TestObjectHostileArguments", "ObjectWatcher": "TestObjectWatchEnds",
	"KeyValueManager": "TestHostileArgumentsJetStream", "KeyValue": "TestKVNames and TestKVHostileArguments",
	"KeyValueEntry": "has no arguments", "KeyValueStatus": "has no arguments", "KeyWatcher": "has no arguments", "KeyLister": "has no arguments",
	"JetStreamError": "an error value", "CustomDialer": "the program's", "InProcessConnProvider": "the program's",
}

func TestEveryInterfaceIsTested(t *testing.T) {
	for _, typ := range exportedInterfaces {
		if interfaceTests[typ.Name()] == "" {
			t.Logf("LATER: the methods of nats.%s are not called with hostile arguments yet", typ.Name())
		}
	}
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
