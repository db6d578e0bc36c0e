package test

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"maps"
	"math"
	"math/big"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// jsArena is an arena on a server where all of JetStream works, with what both APIs make there.
type jsArena struct {
	*arena
	of *nats.Conn // the connection that the rest belongs to

	js     jetstream.JetStream
	legacy nats.JetStreamContext
	steady nats.JetStreamContext // for what must succeed

	subscriptions int // in the beginning
}

func newJSArena(t *testing.T) *jsArena {
	g := &jsArena{arena: newArenaWith(t, answerJetStream)}
	g.current()
	return g
}

// current makes everything anew if the connection was; it reports whether it was.
func (g *jsArena) current() bool {
	if g.of == g.nc {
		return false
	}
	g.of = g.nc
	t, ctx := g.t, patient
	g.js = newJS(t, g.nc, jetstream.WithDefaultTimeout(30*time.Millisecond), jetstream.WithPublishAsyncTimeout(30*time.Millisecond))
	g.steady = got[nats.JetStreamContext](t)(g.nc.JetStream())
	g.legacy = got[nats.JetStreamContext](t)(g.nc.JetStream(nats.MaxWait(30*time.Millisecond), nats.PublishAsyncTimeout(30*time.Millisecond)))
	g.give = make(supplies)
	supply(g.give, context.Background())
	supply(g.give, "b", other)
	supply(g.give, big.NewInt(1))
	supply(g.give, g.nc)
	supply(g.give, g.js)
	supply(g.give, got[jetstream.Stream](t)(g.js.Stream(ctx, "b")))
	supply(g.give, got[jetstream.Consumer](t)(g.js.Consumer(ctx, "b", "b")))
	supply(g.give, got[jetstream.KeyValue](t)(g.js.KeyValue(ctx, "b")))
	supply(g.give, got[jetstream.ObjectStore](t)(g.js.ObjectStore(ctx, "b")))
	supply(g.give, got[nats.ObjectStore](t)(g.steady.ObjectStore("b")))
	supply(g.give, got[nats.KeyValue](t)(g.steady.KeyValue("b")))
	supply[io.Reader](g.give, strings.NewReader("x"), badReader(0), badReader(-1), badReader(math.MaxInt))
	supply[hash.Hash](g.give, sha256.New())
	supply(g.give, jetstream.StreamConfig{Name: "b", Subjects: []string{"b"}})
	supply(g.give, jetstream.ConsumerConfig{Name: "b"})
	supply(g.give, jetstream.KeyValueConfig{Bucket: "b"})
	supply(g.give, jetstream.ObjectStoreConfig{Bucket: "b"})
	supply(g.give, jetstream.ObjectMeta{Name: "b"})
	supply(g.give, nats.StreamConfig{Name: "b", Subjects: []string{"b"}})
	supply(g.give, nats.ConsumerConfig{Durable: "b", AckPolicy: nats.AckExplicitPolicy})
	supply(g.give, nats.KeyValueConfig{Bucket: "b"})
	supply(g.give, nats.ObjectStoreConfig{Bucket: "b"})
	supply(g.give, nats.ObjectMeta{Name: "b"})
	supply(g.give, &jetstream.ObjectInfo{Bucket: "b", ObjectMeta: jetstream.ObjectMeta{Name: "b"}}, &jetstream.ObjectInfo{Bucket: "a b", ObjectMeta: jetstream.ObjectMeta{Name: hostileStrings[4]}})
	supply(g.give, &nats.ObjectInfo{Bucket: "b", ObjectMeta: nats.ObjectMeta{Name: "b"}}, &nats.ObjectInfo{Bucket: "a b", ObjectMeta: nats.ObjectMeta{Name: hostileStrings[4]}})
	supply(g.give, func(string, bool) (string, error) { return "x", nil })
	g.subscriptions = g.nc.NumSubscriptions()
	return true
}

// badReader returns n from every Read, whatever the room.
type badReader int

func (r badReader) Read([]byte) (int, error) { return int(r), nil }

// sweep calls f, which is made anew with the connection, with every list of arguments. It reports whether a call has succeeded.
func (g *jsArena) sweep(name string, f func() reflect.Value) (succeeded bool) {
	g.t.Helper()
	g.current()
	fn := f()
	lists := g.give.lists(fn.Type(), false)
	for i := range lists {
		if g.current() {
			fn = f()
			lists = g.give.lists(fn.Type(), false)
		}
		args := lists[i]
		err, fails := lastError(g.call(name, fn, args))
		succeeded = succeeded || !fails || err == nil
		// Harmless configurations are not of push consumers, and the cache asks nobody.
		if i > 0 && isNilContext(args) && fails && g.of == g.nc && !strings.HasSuffix(name, "PushConsumer") && name != "jetstream.KeyValueCache.Get" {
			g.checkNilContext(name, fn, args, err)
		}
	}
	return succeeded
}

// checkNilContext looks at the error of a call with a nil context, and repeats it to see whether it sends something. Lists that nobody has read may be
// on their way meanwhile, so it has several attempts.
func (g *jsArena) checkNilContext(name string, f reflect.Value, args []reflect.Value, err error) {
	g.t.Helper()
	if !errors.Is(err, nats.ErrInvalidContext) && !errors.Is(err, nats.ErrInvalidArg) {
		g.t.Errorf("%s with a nil context: got %v, want %v", name, err, nats.ErrInvalidContext)
	}
	sent := 1
	for n := 0; sent > 0 && n < 5 && g.of == g.nc; n++ {
		before := g.asked()
		g.call(name, f, args)
		sent = g.asked() - before
	}
	if sent > 0 && g.of == g.nc {
		g.t.Errorf("%s with a nil context sends %d messages", name, sent)
	}
}

// asked is what the server was asked and sent so far, but for the deletion of ordered consumers that nobody holds any more.
func (g *jsArena) asked() (n int) {
	for _, c := range g.p.all() {
		c.mu.Lock()
		for _, op := range c.ops {
			if verb, _, _ := strings.Cut(op, " "); strings.HasSuffix(verb, "PUB") && !strings.Contains(op, ".CONSUMER.DELETE.") {
				n++
			}
		}
		c.mu.Unlock() // there may be several
	}
	return n
}

// isNilContext reports whether only the context of a call is wrong: there is one, and it is nil.
func isNilContext(args []reflect.Value) bool {
	return len(args) > 0 && args[0].IsValid() && args[0].Type() == reflect.TypeFor[context.Context]() && args[0].IsNil()
}

// lastError is the error that a call has returned; fails: such calls return errors.
func lastError(results []reflect.Value) (err error, fails bool) {
	if len(results) == 0 || results[len(results)-1].Type() != reflect.TypeFor[error]() {
		return nil, false
	}
	err, _ = results[len(results)-1].Interface().(error)
	return err, true
}

// touchesFiles are the methods that TestHostileFiles calls, in a directory of its own.
var touchesFiles = []string{"GetFile", "PutFile"}

// keepsSubscriptions are things that keep a few subscriptions for the next fetch.
var keepsSubscriptions = map[string]bool{"jetstream.Consumer": true, "jetstream.Msg": true}

// sweepMethods calls every method of what is made, each method on a thing of its own, and looks for what they leave behind. It returns
// those that have never succeeded.
func (g *jsArena) sweepMethods(name string, made func() any) (failed []string) {
	g.t.Helper()
	g.current()
	first := made()
	finish([]reflect.Value{reflect.ValueOf(first)})
	typ := reflect.TypeOf(first)
	for m := range typ.NumMethod() {
		method := typ.Method(m).Name
		if slices.Contains(touchesFiles, method) {
			continue
		}
		var used []reflect.Value
		succeeded := g.sweep(name+"."+method, func() reflect.Value {
			v := reflect.ValueOf(made())
			used = append(used, v)
			return v.Method(m)
		})
		finish(used)
		if g.of == g.nc && !keepsSubscriptions[strings.TrimPrefix(name, "zero ")] {
			eventually(g.t, name+"."+method+" leaves no subscription behind", func() bool { return g.nc.NumSubscriptions() == g.subscriptions })
		}
		if !succeeded {
			failed = append(failed, method)
		}
	}
	return failed
}

// jetstreamMakers make what implements the interfaces of package jetstream. Those that others contain are tested with them.
var jetstreamMakers = map[reflect.Type]func(g *jsArena) any{
	reflect.TypeFor[jetstream.JetStream]():    func(g *jsArena) any { return g.js },
	reflect.TypeFor[jetstream.Stream]():       func(g *jsArena) any { return of(g)(g.js.Stream(patient, "b")) },
	reflect.TypeFor[jetstream.Consumer]():     func(g *jsArena) any { return of(g)(g.js.Consumer(patient, "b", "b")) },
	reflect.TypeFor[jetstream.PushConsumer](): func(g *jsArena) any { return of(g)(g.js.PushConsumer(patient, "b", other)) },
	reflect.TypeFor[jetstream.ConsumeContext](): func(g *jsArena) any {
		return of(g)(g.consumer().Consume(func(jetstream.Msg) {}))
	},
	reflect.TypeFor[jetstream.MessagesContext](): func(g *jsArena) any { return of(g)(g.consumer().Messages()) },
	reflect.TypeFor[jetstream.Msg]():             func(g *jsArena) any { return of(g)(g.consumer().Next()) },
	reflect.TypeFor[jetstream.KeyValue]():        func(g *jsArena) any { return of(g)(g.js.KeyValue(patient, "b")) },
	reflect.TypeFor[jetstream.ObjectStore]():     func(g *jsArena) any { return of(g)(g.js.ObjectStore(patient, "b")) },
	reflect.TypeFor[jetstream.ObjectResult]():    func(g *jsArena) any { return of(g)(g.objects().Get(patient, "b")) },
	// Things of types that are no interfaces.
	reflect.TypeFor[jetstream.Batch](): func(g *jsArena) any {
		b := got[*jetstream.Batch](g.t)(jetstream.NewBatch(g.js))
		must(g.t, b.Add(patient, "b", nil))
		return b
	},
	reflect.TypeFor[jetstream.Ingest](): func(g *jsArena) any { return of(g)(jetstream.NewIngest(g.js)) },
	reflect.TypeFor[jetstream.KeyValueTx](): func(g *jsArena) any {
		tx := jetstream.NewKeyValueTx(g.values())
		tx.Put("b", nil)
		return tx
	},
	reflect.TypeFor[jetstream.KeyValueCache](): func(g *jsArena) any { return of(g)(jetstream.NewKeyValueCache(patient, g.values())) },
	reflect.TypeFor[jetstream.KeyValueLock](): func(g *jsArena) any {
		return of(g)(jetstream.AcquireLock(patient, g.values(), "b", jetstream.LockConfig{}))
	},
	reflect.TypeFor[jetstream.ObjectFile](): func(g *jsArena) any { return of(g)(jetstream.OpenObject(patient, g.objects(), "b")) },
	reflect.TypeFor[jetstream.TypedKV[string]](): func(g *jsArena) any {
		return of(g)(jetstream.NewTypedKV(g.values(), jetstream.JSONCodec[string]()))
	},
}

// legacyMakers are those of package nats.
var legacyMakers = map[reflect.Type]func(g *jsArena) any{
	reflect.TypeFor[nats.JetStreamContext](): func(g *jsArena) any { return g.legacy },
	reflect.TypeFor[nats.KeyValue]():         func(g *jsArena) any { return of(g)(g.steady.KeyValue("b")) },
	reflect.TypeFor[nats.ObjectStore]():      func(g *jsArena) any { return of(g)(g.steady.ObjectStore("b")) },
	reflect.TypeFor[nats.ObjectResult]():     func(g *jsArena) any { return of(g)(g.legacyObjects().Get("b")) },
}

// patient is for what must succeed on a busy machine.
var patient, _ = context.WithTimeout(context.Background(), time.Hour) //nolint:govet // for all tests

// of is got for a value of any type.
func of(g *jsArena) func(v any, err error) any { return got[any](g.t) }

func (g *jsArena) consumer() jetstream.Consumer {
	return got[jetstream.Consumer](g.t)(g.js.Consumer(patient, "b", "b"))
}

func (g *jsArena) values() jetstream.KeyValue {
	return got[jetstream.KeyValue](g.t)(g.js.KeyValue(patient, "b"))
}

func (g *jsArena) objects() jetstream.ObjectStore {
	return got[jetstream.ObjectStore](g.t)(g.js.ObjectStore(patient, "b"))
}

func (g *jsArena) legacyObjects() nats.ObjectStore {
	return got[nats.ObjectStore](g.t)(g.steady.ObjectStore("b"))
}

// failing are the methods that cannot succeed here.
var failing = map[string]string{
	"jetstream.KeyValue.Keys": noMessages, "nats.KeyValue.Keys": noMessages, "jetstream.KeyValue.History": noMessages, "nats.KeyValue.History": noMessages,
	"jetstream.ObjectStore.List": noMessages, "nats.ObjectStore.List": noMessages, "jetstream.KeyValueCache.Get": noMessages,
	"jetstream.TypedKV[string].Watch": "it goes on until there is an error",
}

const noMessages = "the server sends no messages to push consumers"

// Every method of everything that both JetStream APIs make, with every odd argument, on a server where it works.
func TestHostileArgumentsOfJetStream(t *testing.T) {
	t.Parallel()
	for _, makers := range []map[reflect.Type]func(g *jsArena) any{jetstreamMakers, legacyMakers} {
		for typ, made := range makers {
			t.Run(typ.String(), func(t *testing.T) {
				t.Parallel()
				checkLeaks(t)
				g := newJSArena(t)
				for _, method := range g.sweepMethods(typ.String(), func() any { return made(g) }) {
					if failing[typ.String()+"."+method] == "" {
						t.Errorf("%s has failed with all arguments: nothing is known of it", method)
					}
				}
				g.nc.Close()
			})
		}
	}
}

// genericFunctions are instances of the functions with type parameters.
var genericFunctions = map[string]any{"JSONCodec": jetstream.JSONCodec[string], "NewTypedKV": jetstream.NewTypedKV[string]}

// Every function of package jetstream.
func TestHostileArgumentsOfJetStreamFunctions(t *testing.T) {
	t.Parallel()
	functions := make(map[string]any)
	for _, all := range []map[string]any{exports["jetstream"].functions, genericFunctions} {
		for name, f := range all {
			functions[name] = f
		}
	}
	for name, f := range functions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			g := newJSArena(t)
			g.sweep(name, func() reflect.Value { return reflect.ValueOf(f) })
			g.nc.Close()
		})
	}
}

// Zero values of every type of package jetstream that is no interface, and odd ones.
func TestHostileArgumentsOfJetStreamTypes(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	g := newJSArena(t)
	for _, typ := range append(exports["jetstream"].types, reflect.TypeFor[jetstream.TypedKV[string]]()) {
		g.sweepMethods("zero "+typ.String(), func() any { return reflect.New(typ).Interface() })
		for _, v := range g.give.values(typ)[1:] {
			g.sweepMethods(typ.String(), func() any {
				p := reflect.New(typ)
				p.Elem().Set(v)
				return p.Interface()
			})
		}
	}
	g.nc.Close()
}

// Names of files that are none, in a directory of the test's.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	g := newJSArena(t)
	dir := t.TempDir()
	for _, s := range hostileStrings {
		for _, file := range []string{filepath.Join(dir, "none", s), filepath.Join(dir, strings.ReplaceAll(s, "..", "")), dir} {
			for _, f := range []reflect.Value{
				reflect.ValueOf(g.objects().PutFile), reflect.ValueOf(g.legacyObjects().PutFile), reflect.ValueOf(g.objects().GetFile), reflect.ValueOf(g.legacyObjects().GetFile),
			} {
				var args []reflect.Value
				for i := range f.Type().NumIn() {
					switch in := f.Type().In(i); {
					case in == reflect.TypeFor[context.Context]():
						args = append(args, reflect.ValueOf(context.Background()))
					case in == reflect.TypeFor[string]():
						args = append(args, reflect.ValueOf("b"))
					}
				}
				args[len(args)-1] = reflect.ValueOf(file)
				g.call("a file", f, args)
				g.current()
			}
		}
	}
	g.nc.Close()
}

// untested are the interfaces whose methods no sweep calls: without a maker, not contained in one that has, and with an argument somewhere.
func untested(pkg string, makers ...reflect.Type) (names []string) {
	for _, typ := range exports[pkg].interfaces {
		swept := slices.ContainsFunc(makers, func(m reflect.Type) bool { return m.Kind() == reflect.Interface && m.Implements(typ) })
		arguments := 0
		for i := range typ.NumMethod() {
			arguments += typ.Method(i).Type.NumIn()
		}
		if !swept && arguments > 0 && interfacesOfPrograms[typ] == "" {
			names = append(names, typ.String())
		}
	}
	return names
}

// interfacesOfPrograms are not implemented by the library, or tested elsewhere.
var interfacesOfPrograms = map[reflect.Type]string{
	reflect.TypeFor[nats.CustomDialer]():          "the program's; hostile ones are among the arguments",
	reflect.TypeFor[nats.InProcessConnProvider](): "the program's; hostile ones are among the arguments",
	reflect.TypeFor[nats.JetStreamError]():        "an error value",
	reflect.TypeFor[jetstream.JetStreamError]():   "an error value",
}

func makerTypes() (types []reflect.Type) {
	for _, makers := range []map[reflect.Type]func(g *jsArena) any{jetstreamMakers, legacyMakers} {
		types = slices.AppendSeq(types, maps.Keys(makers))
	}
	return slices.AppendSeq(types, maps.Keys(microMakers))
}

// No interface and no function with type parameters is left out.
func TestEveryInterfaceIsTested(t *testing.T) {
	t.Parallel()
	for _, pkg := range registered {
		for _, name := range untested(pkg.name, makerTypes()...) {
			t.Errorf("the methods of %s are not called with hostile arguments", name)
		}
		for _, name := range exports[pkg.name].generic {
			known := genericFunctions[name] != nil
			for typ := range jetstreamMakers {
				known = known || strings.HasPrefix(typ.Name(), name+"[")
			}
			if !known {
				t.Errorf("%s.%s has type parameters, and no instance is called with hostile arguments", pkg.name, name)
			}
		}
	}
}
