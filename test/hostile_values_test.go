package test

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"math"
	"math/big"
	"net"
	"net/url"
	"reflect"
	"slices"
	"strings"
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

// supplies are values that calls need, by type. The first of each is the one that harmless calls get, all of them are tried. The
// zero value has none.
type supplies map[reflect.Type][]reflect.Value

// supply adds values of T.
func supply[T any](s supplies, values ...T) {
	for _, v := range values {
		s[reflect.TypeFor[T]()] = append(s[reflect.TypeFor[T]()], reflect.ValueOf(&v).Elem())
	}
}

// harmless is a value that makes sense.
func (s supplies) harmless(typ reflect.Type) reflect.Value {
	if known := s[typ]; len(known) > 0 {
		return known[0]
	}
	return harmless(typ)
}

// isOurs reports whether a type is declared by the library.
func isOurs(typ reflect.Type) bool {
	return strings.HasPrefix(typ.PkgPath(), "github.com/gannet-io/nats")
}

// values are odd values of a type. The first is the zero value.
func (s supplies) values(typ reflect.Type) (values []reflect.Value) {
	add := func(vs ...any) {
		for _, v := range vs {
			values = append(values, reflect.ValueOf(v).Convert(typ))
		}
	}
	values = append(values, reflect.Zero(typ))
	values = append(values, s[typ]...)
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
	case reflect.TypeFor[*big.Int]():
		add(new(big.Int), new(big.Int).Lsh(big.NewInt(-1), 100_000))
		return values
	case reflect.TypeFor[time.Time]():
		add(time.Unix(1<<62, 0), time.Unix(-1<<62, 0))
		return values
	}
	return append(values, s.byKind(typ)...)
}

// byKind are odd values beside the zero value of types that need no words of their own.
func (s supplies) byKind(typ reflect.Type) (values []reflect.Value) {
	add := func(vs ...any) {
		for _, v := range vs {
			values = append(values, reflect.ValueOf(v).Convert(typ))
		}
	}
	switch typ.Kind() {
	case reflect.String:
		for _, s := range hostileStrings[1:] {
			add(s)
		}
	case reflect.Int, reflect.Int64:
		lowest, highest := reflect.New(typ).Elem(), reflect.New(typ).Elem()
		lowest.SetInt(math.MinInt64 >> (64 - typ.Bits()))
		highest.SetInt(math.MaxInt64 >> (64 - typ.Bits()))
		add(-1, 1)
		values = append(values, lowest, highest)
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
		odd := s.values(typ.Elem())
		for _, v := range odd[:min(9, len(odd))] {
			values = append(values, reflect.Append(reflect.MakeSlice(typ, 0, 1), v))
		}
		if typ.Elem().Kind() == reflect.Uint8 {
			add([]byte(hostileStrings[4]), make([]byte, 2<<20), []byte("{"), []byte(`{"a":[]}`), []byte("null"), []byte(`"x"`))
		}
	case reflect.Map:
		values = append(values, reflect.MakeMap(typ))
		if typ.Key().Kind() == reflect.String {
			for _, name := range hostileStrings {
				m := reflect.MakeMap(typ)
				m.SetMapIndex(reflect.ValueOf(name).Convert(typ.Key()), s.values(typ.Elem())[0])
				values = append(values, m)
			}
		}
	case reflect.Chan:
		closed := reflect.MakeChan(typ, 0)
		closed.Close()
		values = append(values, reflect.MakeChan(typ, 0), closed)
	case reflect.Func:
		for k := range 6 {
			values = append(values, s.function(typ, k))
		}
		if isOurs(typ) {
			values = append(values, s.options(typ)...)
		}
	case reflect.Pointer:
		if typ.Elem().Kind() == reflect.Struct && isOurs(typ.Elem()) {
			for _, v := range s.structs(typ.Elem()) {
				p := reflect.New(typ.Elem())
				p.Elem().Set(v)
				values = append(values, p)
			}
		}
	case reflect.Struct:
		if isOurs(typ) {
			values = append(values, s.structs(typ)...)
		}
	case reflect.Interface:
		if typ.NumMethod() == 1 && typ.Method(0).Name == "InProcessConn" {
			add(badProvider{})
		}
		if typ == reflect.TypeFor[nats.CustomDialer]() {
			add(badProvider{})
		}
		if isOurs(typ) && typ.NumMethod() > 0 {
			values = append(values, s.options(typ)...)
		}
	}
	return values
}

// options are odd values of an option's type: made by the exported functions that return such a thing, and of the exported
// types that are one. A few of each, since there are many.
func (s supplies) options(typ reflect.Type) (values []reflect.Value) {
	const each = 6
	if _, made := s[typ]; made {
		return nil // a test has seen to it
	}
	for _, pkg := range registered {
		e := exports[pkg.name]
		for _, name := range slices.Sorted(maps.Keys(e.functions)) {
			f := reflect.ValueOf(e.functions[name])
			if f.Type().NumOut() != 1 || !f.Type().Out(0).AssignableTo(typ) || f.Type().Out(0) == reflect.TypeFor[error]() {
				continue
			}
			lists := s.lists(f.Type(), false)
			for i := 0; i < len(lists); i += max(1, len(lists)/each) {
				values = append(values, f.Call(lists[i])[0].Convert(typ))
			}
		}
		for _, t := range e.types {
			if typ.Kind() != reflect.Interface || !t.Implements(typ) {
				continue
			}
			odd := s.values(t)
			for i := 0; i < len(odd); i += max(1, len(odd)/each) {
				values = append(values, odd[i].Convert(typ))
			}
		}
	}
	return values
}

// badProvider makes connections that are none.
type badProvider struct{}

func (badProvider) InProcessConn() (net.Conn, error)            { return nil, nil }
func (badProvider) Dial(network, addr string) (net.Conn, error) { return nil, nil }

// structs sets one field of a harmless one at a time, of one level; the first is the zero value.
func (s supplies) structs(typ reflect.Type) (values []reflect.Value) {
	values = append(values, reflect.Zero(typ))
	base := s.harmless(typ)
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		for _, v := range s.values(f.Type) {
			odd := reflect.New(typ).Elem()
			odd.Set(base)
			odd.Field(i).Set(v)
			values = append(values, odd)
		}
	}
	return values
}

// function returns a function whose results are the k-th hostile ones.
func (s supplies) function(typ reflect.Type, k int) reflect.Value {
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
				choice = s.values(out)
			}
			results = append(results, choice[k%len(choice)])
		}
		return results
	})
}

// lists are lists of arguments, of which one is varied at a time; the others are harmless. The first list is all zero values. urls
// says that strings name servers.
func (s supplies) lists(typ reflect.Type, urls bool) (lists [][]reflect.Value) {
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
			args = append(args, s.harmless(typ.In(i)))
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
		values := s.values(in)
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
