package jetstream

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
)

// hostile are arguments that nobody should pass, by type.
func hostile() map[reflect.Type][]any {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	return map[reflect.Type][]any{
		reflect.TypeFor[context.Context](): {nil, over, past()},
		reflect.TypeFor[string](): {
			"", " ", "a b", "a\r\nPUB smuggled 0\r\n\r\n", "\x00", "\x7f", "*", ">", "a.b", ".", "a/b", "\\", "ä", strings.Repeat("x", 1<<17),
		},
		reflect.TypeFor[[]byte]():        {nil, []byte{}, make([]byte, 2<<20)},
		reflect.TypeFor[int]():           {0, -1, math.MinInt, math.MaxInt},
		reflect.TypeFor[uint64]():        {uint64(0), uint64(math.MaxUint64)},
		reflect.TypeFor[time.Duration](): {time.Duration(0), time.Duration(-1), time.Duration(math.MinInt64), time.Duration(math.MaxInt64)},
		reflect.TypeFor[time.Time]():     {time.Time{}, time.Unix(math.MaxInt64>>1, 0)},
		reflect.TypeFor[*nats.Msg](): {
			(*nats.Msg)(nil), &nats.Msg{}, &nats.Msg{Subject: "a b"}, &nats.Msg{Subject: "a", Reply: "b c"},
			&nats.Msg{Subject: "a", Header: nats.Header{"": {"v"}}}, &nats.Msg{Subject: "a", Header: nats.Header{"k\r\nx": {"v"}}},
			&nats.Msg{Subject: "a", Header: nats.Header{"k": nil}}, &nats.Msg{Subject: "a", Header: nats.Header{"k": {"v\r\n\r\nPUB smuggled 0\r\n"}}},
		},
		reflect.TypeFor[StreamConfig]():   {StreamConfig{}, StreamConfig{Name: "a b"}, StreamConfig{Name: "S", Replicas: -1, MaxAge: -1, Subjects: []string{"\r\n"}}},
		reflect.TypeFor[ConsumerConfig](): {ConsumerConfig{}, ConsumerConfig{Name: "a b"}, ConsumerConfig{Durable: "*"}, ConsumerConfig{FilterSubject: "a\r\nb"}},
		reflect.TypeFor[ObjectStoreConfig](): {
			ObjectStoreConfig{}, ObjectStoreConfig{Bucket: "a b"}, ObjectStoreConfig{Bucket: "b", MaxBytes: math.MinInt64, Replicas: -1, TTL: -1, Storage: 99},
		},
		reflect.TypeFor[KeyValueConfig](): {
			KeyValueConfig{}, KeyValueConfig{Bucket: "a b"}, KeyValueConfig{Bucket: "b", History: 65, MaxBytes: math.MinInt64, Replicas: -1, TTL: -1, LimitMarkerTTL: -1, Storage: 99},
			KeyValueConfig{Bucket: "b", Mirror: &StreamSource{}, Sources: []*StreamSource{nil}},
		},
		reflect.TypeFor[[]PublishOpt](): {
			[]PublishOpt{nil}, []PublishOpt{WithMsgID("\r\nPUB smuggled 0\r\n")}, []PublishOpt{WithRetryAttempts(-1)}, []PublishOpt{WithRetryWait(math.MinInt64)},
			[]PublishOpt{WithRetryWait(math.MaxInt64)}, []PublishOpt{WithStallWait(math.MaxInt64)}, []PublishOpt{WithMsgTTL(-1)},
		},
		reflect.TypeFor[OrderedConsumerConfig](): {
			OrderedConsumerConfig{NamePrefix: "a b"}, OrderedConsumerConfig{FilterSubjects: []string{"\r\nPUB smuggled 0\r\n"}}, OrderedConsumerConfig{DeliverPolicy: 99},
			OrderedConsumerConfig{MaxResetAttempts: math.MinInt, InactiveThreshold: -1, OptStartSeq: math.MaxUint64}, OrderedConsumerConfig{FilterSubjects: []string{"", ""}},
		},
		reflect.TypeFor[[]PushConsumeOpt](): {[]PushConsumeOpt{nil}, []PushConsumeOpt{ConsumeErrHandler(nil)}},
		reflect.TypeFor[MessageHandler]():   {MessageHandler(nil)},
		reflect.TypeFor[[]PullConsumeOpt](): {
			[]PullConsumeOpt{nil}, []PullConsumeOpt{ConsumeErrHandler(nil)}, []PullConsumeOpt{PullMaxMessages(math.MinInt)}, []PullConsumeOpt{PullMaxBytes(math.MinInt)},
			[]PullConsumeOpt{PullExpiry(math.MaxInt64)}, []PullConsumeOpt{PullPriorityGroup("\r\nPUB smuggled 0\r\n\"}")}, []PullConsumeOpt{StopAfter(math.MinInt)},
		},
		reflect.TypeFor[[]PullMessagesOpt](): {
			[]PullMessagesOpt{nil}, []PullMessagesOpt{MessagesErrHandler(nil)}, []PullMessagesOpt{PullMaxMessagesWithBytesLimit(math.MaxInt, math.MaxInt)},
			[]PullMessagesOpt{PullThresholdMessages(math.MinInt), PullThresholdBytes(math.MaxInt), PullPrioritized(255)},
		},
		reflect.TypeFor[[]FetchOpt](): {
			[]FetchOpt{nil}, []FetchOpt{FetchContext(nil)}, []FetchOpt{FetchContext(over)}, []FetchOpt{FetchContext(past())}, []FetchOpt{FetchMaxWait(-1)},
			[]FetchOpt{FetchMaxWait(math.MaxInt64)}, []FetchOpt{FetchHeartbeat(math.MaxInt64)}, []FetchOpt{FetchHeartbeat(1)}, []FetchOpt{FetchMaxBytes(-1)},
			[]FetchOpt{FetchPriorityGroup("\r\nPUB smuggled 0\r\n\"}")}, []FetchOpt{FetchPrioritized(255)}, []FetchOpt{FetchMinPending(math.MinInt64)},
		},
	}
}

// good is an ordinary argument of each type.
func good() map[reflect.Type]any {
	return map[reflect.Type]any{
		reflect.TypeFor[context.Context](): context.Background(),
		reflect.TypeFor[string]():          "a",
		reflect.TypeFor[[]byte]():          []byte("x"),
		reflect.TypeFor[int]():             1,
		reflect.TypeFor[uint64]():          uint64(1),
		reflect.TypeFor[time.Duration]():   time.Second,
		reflect.TypeFor[time.Time]():       time.Unix(1, 0),
		reflect.TypeFor[*nats.Msg]():       &nats.Msg{Subject: "a"},
		reflect.TypeFor[MessageHandler]():  MessageHandler(func(Msg) {}),
		reflect.TypeFor[StreamConfig]():    StreamConfig{Name: "S"},
		reflect.TypeFor[ConsumerConfig]():  ConsumerConfig{Name: "c"},

		reflect.TypeFor[OrderedConsumerConfig](): OrderedConsumerConfig{NamePrefix: "c"},

		reflect.TypeFor[ObjectStoreConfig](): ObjectStoreConfig{Bucket: "b"},

		reflect.TypeFor[KeyValueConfig](): KeyValueConfig{Bucket: "b"},
	}
}

// TestHostileArguments calls every method of every interface of this package with hostile arguments, one at a time and all at
// once, on a connection that is closed: nothing panics, everything returns, and with an error if it can.
func TestHostileArguments(t *testing.T) {
	t.Parallel()
	server, _ := scriptedServer(t)
	nc, err := nats.Connect(server)
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	js, err := New(nc)
	if err != nil {
		t.Fatal(err)
	}
	inner := js.(*jetStream)
	for _, target := range []struct {
		value  any
		method reflect.Type
	}{
		{js, reflect.TypeFor[JetStream]()},
		{newStream(inner, &StreamInfo{Config: StreamConfig{Name: "S"}}), reflect.TypeFor[Stream]()},
		{newConsumer(inner, "S", &ConsumerInfo{Name: "c"}), reflect.TypeFor[Consumer]()},
		{newPushConsumer(inner, "S", &ConsumerInfo{Name: "c"}), reflect.TypeFor[PushConsumer]()},
		{orderedOf(inner), reflect.TypeFor[Consumer]()},
		{&message{from: &source{js: inner}, reply: ackReply}, reflect.TypeFor[Msg]()},
		{&message{from: &source{js: inner}}, reflect.TypeFor[Msg]()},
	} {
		for i := range target.method.NumMethod() {
			m := target.method.Method(i)
			fn := reflect.ValueOf(target.value).MethodByName(m.Name)
			for _, args := range argumentLists(t, fn.Type()) {
				callHostile(t, target.method.Name()+"."+m.Name, fn, args)
			}
		}
	}
}

// orderedOf is an ordered consumer whose first consumer was made.
func orderedOf(js *jetStream) *orderedConsumer {
	o := newOrderedSource(js, "S", OrderedConsumerConfig{NamePrefix: "p"})
	_, serial := o.next()
	o.adopt(serial, &ConsumerInfo{Name: "p_1"})
	return newOrderedHandle(o)
}

// argumentLists are good arguments with one or all replaced by hostile ones. Variadic options come as one slice.
func argumentLists(t *testing.T, fn reflect.Type) (lists [][]reflect.Value) {
	t.Helper()
	ordinary, bad := good(), hostile()
	value := func(of reflect.Type, v any) reflect.Value {
		if v == nil {
			return reflect.Zero(of)
		}
		return reflect.ValueOf(v)
	}
	base := make([]reflect.Value, fn.NumIn())
	most := 0
	for i := range base {
		in := fn.In(i)
		v, known := ordinary[in]
		if !known && in.Kind() != reflect.Slice {
			t.Fatalf("no ordinary %v for a test", in)
		}
		base[i] = value(in, v)
		most = max(most, len(bad[in]))
	}
	lists = append(lists, base)
	for n := range most {
		all := make([]reflect.Value, len(base))
		for i := range base {
			in := fn.In(i)
			odd := bad[in]
			if len(odd) == 0 {
				odd = []any{nil}
				if in.Kind() == reflect.Slice { // options of other kinds: a nil one
					odd = []any{reflect.MakeSlice(in, 1, 1).Interface()}
				}
			}
			all[i] = value(in, odd[n%len(odd)])
			if n < len(odd) {
				one := append([]reflect.Value(nil), base...)
				one[i] = all[i]
				lists = append(lists, one)
			}
		}
		lists = append(lists, all)
	}
	return lists
}

func callHostile(t *testing.T, name string, fn reflect.Value, args []reflect.Value) {
	t.Helper()
	say := func() string {
		var b strings.Builder
		for _, a := range args {
			text := fmt.Sprintf("%#v", a)
			fmt.Fprintf(&b, " %s", text[:min(len(text), 60)])
		}
		return b.String()
	}
	done := make(chan []reflect.Value, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("%s(%s) panics: %v", name, say(), p)
				done <- nil
			}
		}()
		if fn.Type().IsVariadic() {
			done <- fn.CallSlice(args)
		} else {
			done <- fn.Call(args)
		}
	}()
	var results []reflect.Value
	select {
	case results = <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s(%s) does not return", name, say())
	}
	if len(results) == 0 {
		return
	}
	last := results[len(results)-1]
	// A batch whose context has ended is an answer; Metadata and Conn need no connection.
	if last.Type() == reflect.TypeFor[error]() && last.IsNil() && !results[0].Type().Implements(reflect.TypeFor[MessageBatch]()) && !strings.HasSuffix(name, ".Metadata") {
		t.Errorf("%s(%s) returns no error on a closed connection", name, say())
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, nc := range map[string]*nats.Conn{"nil": nil, "zero": {}} {
		for _, f := range []func() (JetStream, error){
			func() (JetStream, error) { return New(nc) },
			func() (JetStream, error) { return New(nc, nil) },
			func() (JetStream, error) { return NewWithDomain(nc, "d") },
			func() (JetStream, error) { return NewWithAPIPrefix(nc, "p") },
		} {
			if js, err := f(); js != nil || err != nats.ErrInvalidConnection {
				t.Errorf("%s connection: got %v, %v, want %v", name, js, err, nats.ErrInvalidConnection)
			}
		}
	}
}

// TestNothingIsSmuggled records what the server reads while hostile arguments are published and fetched with.
func TestNothingIsSmuggled(t *testing.T) {
	t.Parallel()
	server, read := scriptedServer(t)
	nc, err := nats.Connect(server)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := New(nc, WithDefaultTimeout(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	c := newConsumer(js.(*jetStream), "S", &ConsumerInfo{Name: "c"})
	for _, target := range []struct {
		fn reflect.Value
	}{
		{reflect.ValueOf(js.Publish)}, {reflect.ValueOf(js.PublishMsg)}, {reflect.ValueOf(js.PublishAsync)}, {reflect.ValueOf(js.PublishMsgAsync)},
		{reflect.ValueOf(c.Fetch)}, {reflect.ValueOf(c.FetchBytes)}, {reflect.ValueOf(c.FetchNoWait)},
	} {
		for _, args := range argumentLists(t, target.fn.Type()) {
			if target.fn.Type().IsVariadic() {
				target.fn.CallSlice(args)
			} else {
				target.fn.Call(args)
			}
		}
	}
	nc.Close()
	for line := range strings.SplitSeq(read(), "\r\n") {
		if strings.HasPrefix(line, "PUB smuggled") {
			t.Errorf("the server read %q", line)
		}
	}
}

// scriptedServer is a server that takes everything and says nothing but PONG. read returns what it has read once the client is gone.
func scriptedServer(t *testing.T) (url string, read func() string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var all strings.Builder
	wg.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "INFO {\"headers\":true,\"max_payload\":1048576,\"proto\":1}\r\n")
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			all.Write(buf[:n])
			for range strings.Count(string(buf[:n]), "PING\r\n") {
				_, _ = io.WriteString(conn, "PONG\r\n")
			}
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return "nats://" + l.Addr().String(), func() string {
		wg.Wait()
		return all.String()
	}
}
