package examples

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// url takes the place of the examples' address. One program runs at a time.
var url string

var all = make(map[string]func())

func register(pkg, name string, program func()) {
	all[strings.TrimSuffix(pkg, "_test")+"."+name] = program
}

const patience = 10 * time.Second

// output collects what a program prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// stage is a program that runs.
type stage struct {
	t       *testing.T
	out     *output // standard output
	logged  *output
	restore func()
	done    chan struct{}
}

// run starts a program.
func run(t *testing.T, name string) *stage {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, out: new(output), logged: new(output), done: make(chan struct{})}
	stdout, logs, flags := os.Stdout, log.Writer(), log.Flags()
	os.Stdout = w
	log.SetOutput(io.MultiWriter(s.logged, os.Stderr)) // what log.Fatal says would be lost otherwise
	copied := make(chan struct{})
	go func() { defer close(copied); _, _ = io.Copy(s.out, r) }()
	s.restore = func() {
		os.Stdout = stdout
		log.SetOutput(logs)
		log.SetFlags(flags)
		_ = w.Close()
		<-copied
		_ = r.Close()
	}
	go func() { defer close(s.done); all[name]() }()
	return s
}

// ends waits for the end of the program; meanwhile it calls f, if there is one, again and again.
func (s *stage) ends(f func()) string {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case <-s.done:
			for callbacksRun() && time.Now().Before(end) { // what they log is this program's, not that of the next one
				runtime.Gosched()
			}
			s.restore()
			return s.out.String()
		case <-time.After(5 * time.Millisecond):
			if f != nil {
				f()
			}
		}
	}
	s.restore()
	s.t.Fatalf("the program does not end; it printed %q and logged %q", s.out, s.logged)
	return ""
}

// callbacksRun reports whether any connection's events are being told: those of its end are, behind Close.
func callbacksRun() bool {
	all := make([]byte, 1<<20)
	return bytes.Contains(all[:runtime.Stack(all, true)], []byte("engine.(*callbackQueue).run"))
}

// prints waits until the program has printed text; meanwhile it calls f again and again.
func (s *stage) prints(text string, f func()) {
	s.t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(s.out.String(), text); {
		if time.Now().After(end) {
			s.restore()
			s.t.Fatalf("the program printed %q, want %q in it; it logged %q", s.out, text, s.logged)
		}
		f()
		<-time.After(5 * time.Millisecond)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// scenes run one program each, in this order: streams stay from one to the next.
var scenes = []struct {
	name string
	play func(t *testing.T, nc *nats.Conn, start func() *stage)
}{
	{"nats.Connect", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		if out := start().ends(nil); out != "CONNECTED\n" { // whether it still logs its disconnect depends
			t.Errorf("printed %q", out)
		}
	}},
	{"nats.Conn_Publish", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		var n atomic.Int32
		if _, err := nc.Subscribe("sensors.temperature", func(*nats.Msg) { n.Add(1) }); err != nil {
			t.Fatal(err)
		}
		must(t, nc.Flush())
		start().ends(nil)
		must(t, nc.Flush())
		passed := make(chan struct{})
		must(t, nc.Barrier(func() { close(passed) }))
		<-passed
		if n.Load() != 1000 {
			t.Errorf("%d messages arrived, want 1000", n.Load())
		}
	}},
	{"nats.Conn_PublishMsg", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		sub, err := nc.SubscribeSync("orders.new")
		must(t, err)
		must(t, nc.Flush())
		start().ends(nil)
		m, err := sub.NextMsg(patience)
		must(t, err)
		if m.Header.Get("Content-Type") != "application/json" || string(m.Data) != `{"id":1}` {
			t.Errorf("got %v %s", m.Header, m.Data)
		}
	}},
	{"nats.Conn_Subscribe", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		// The test must not end by the interrupt, whoever gets it first.
		interrupted := make(chan os.Signal, 1)
		signal.Notify(interrupted, os.Interrupt)
		defer signal.Stop(interrupted)
		s := start()
		s.prints("sensors.door: open\n", func() { _ = nc.Publish("sensors.door", []byte("open")) })
		self, err := os.FindProcess(os.Getpid())
		must(t, err)
		out := s.ends(func() { _ = self.Signal(os.Interrupt) })
		if !strings.HasPrefix(out, "true\nsensors.door: open\n") {
			t.Errorf("printed %q", out)
		}
	}},
	{"nats.Conn_QueueSubscribe", printsOnly("")},
	{"nats.Conn_Request", printsOnly("nobody listens\n")},
	{"nats.Subscription_NextMsgWithContext", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		s := start()
		s.prints("sensors.window\n", func() { _ = nc.Publish("sensors.window", nil) })
		s.ends(nil)
	}},
	{"nats.Subscription_Msgs", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		nc, end := mortal(t)
		s := start()
		s.prints("sensors.gate\n", func() { _ = nc.Publish("sensors.gate", nil) })
		end()
		s.ends(nil)
		if !strings.Contains(s.logged.String(), nats.ErrConnectionClosed.Error()) {
			t.Errorf("logged %q, want %v", s.logged, nats.ErrConnectionClosed)
		}
	}},
	{"nats.ErrorHandler", printsOnly("")},
	{"nats.Conn_RequestMany", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		for range 3 {
			sub, err := nc.Subscribe("who.is.there", func(m *nats.Msg) { _ = m.Respond([]byte("me")) })
			must(t, err)
			defer func() { _ = sub.Unsubscribe() }()
		}
		must(t, nc.Flush())
		if out := start().ends(nil); out != "me\nme\n" {
			t.Errorf("printed %q", out)
		}
	}},
	{"nats.FailFastRequests", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		sub, err := nc.Subscribe("account.charge", func(m *nats.Msg) { _ = m.Respond([]byte("charged")) })
		must(t, err)
		defer func() { _ = sub.Unsubscribe() }()
		must(t, nc.Flush())
		if out := start().ends(nil); out != "charged\n" {
			t.Errorf("printed %q", out)
		}
	}},
	{"nats.Subscription_SetSlowPolicy", printsOnly("0 0\n")},
	{"nats.SlowConsumerErrors", printsOnly("")},
	{"nats.Subscription_MsgsTimeout", printsOnly("quiet\n")},
	{"nats.Conn_Drain", printsOnly("100 jobs done\n")},
	{"nats.Conn_SubscribeSync", printsOnly("hello\n")},
	{"nats.RootCAs", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		t.Chdir(t.TempDir())
		forServer, forClient, err := natstest.NewTLS()
		must(t, err)
		writePEM(t, forServer.Certificates[0], "ca.pem", "") // a certificate vouches for itself
		writePEM(t, forClient.Certificates[0], "client-cert.pem", "client-key.pem")
		forServer.ClientAuth = tls.RequireAndVerifyClientCert
		url = natstest.Run(t, natstest.WithTLS(forServer)).URL()
		printsOnly("encrypted: true\n")(t, nil, start)
	}},
	{"nats.UserCredentials", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		t.Chdir(t.TempDir())
		key, err := nkeys.CreateUser()
		must(t, err)
		seed, err := key.Seed()
		must(t, err)
		creds := fmt.Appendf(nil, "---JWT---\na.b.c\n---END---\n\n---SEED---\n%s\n---END---\n", seed)
		must(t, os.WriteFile("user.creds", creds, 0o600))
		printsOnly("CONNECTED\n")(t, nil, start)
	}},
	{"nats.Conn_StatusChanged", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		if out := start().ends(nil); out != "RECONNECTING\nCONNECTED\nCLOSED\n" {
			t.Errorf("printed %q", out)
		}
	}},
	{"nats.ConnectContext", printsOnly("CONNECTED\n")},
	{"nats.Resilient", printsOnly("1000\n")},
	{"nats.Conn_Shutdown", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		if out := start().ends(nil); out != "first done\nCLOSED\n" {
			t.Errorf("printed %q", out)
		}
	}},
	{"nats.Conn_Health", printsOnly("true\n")},
	{"nats.Logger", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		if out := start().ends(nil); out != "CONNECTED\n" {
			t.Errorf("printed %q", out)
		}
	}},
	{"nats.ResendUnconfirmed", printsOnly("false\n")},

	{"jetstream.JetStream_stream", printsOnly("no such stream\n")},
	{"jetstream.", printsOnly("0 messages, 0 to bill\n")},
	{"jetstream.JetStream_publish", printsOnly("stored as 1 in ORDERS again: false\n")},
	{"jetstream.JetStream_listStreams", printsOnly("ORDERS 1\n")},
	{"jetstream.JetStream_publishAsync", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		if out := start().ends(nil); out != "" {
			t.Errorf("printed %q", out)
		}
		if n := stored(t, nc); n != 5001 {
			t.Errorf("%d messages are stored, want 5001", n)
		}
	}},
	{"jetstream.WithPublishAsyncErrHandler", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		start().ends(nil)
		if n := stored(t, nc); n != 5001 { // the example before had the same id
			t.Errorf("%d messages are stored, want 5001", n)
		}
	}},
	{"jetstream.Consumer_fetch", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		out := start().ends(nil)
		if n := strings.Count(out, "orders.paid: "); n != 100 || strings.Count(out, "\n") != 100 {
			t.Errorf("printed %d orders, want 100: %.300q", n, out)
		}
	}},
	{"jetstream.Consumer_next", printsOnly("")},
	{"jetstream.Consumer_messages", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		if out := start().ends(nil); strings.Count(out, "orders.paid: ") != 100 || strings.Count(out, "\n") != 100 {
			t.Errorf("printed %.300q, want 100 orders", out)
		}
	}},
	{"jetstream.Consumer_consume", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		if out := start().ends(nil); strings.Count(out, "orders.paid: ") < 100 {
			t.Errorf("printed %.300q, want many orders", out)
		}
	}},

	{"jetstream.PublishBatch", printsOnly("2 messages stored, the last one with sequence 2\n")},
	{"jetstream.Batch", printsOnly("2 entries up to 2\n")},
	{"jetstream.Ingest", printsOnly("2000 lines stored\n")},
	{"jetstream.AddCounter", printsOnly("visits.news 1\nvisits.home 2\n")},
	{"jetstream.Advisories", printsOnly("")},
	{"nats.Conn_TraceMsg", printsOnly("to traces.new workers\n")},
	{"jetstream.GetLastMsgs", printsOnly("sensors.kitchen 20 is message 3\nbefore it was 19\n")},

	{"micro.AddService", printsOnly("HELLO\n1 request\n")},
	{"micro.Client_Request", printsOnly("404 no such article\n")},
	{"micro.Client_Info", printsOnly("echo 1.0.0 answers on echo\necho 1.0.0 answers on echo\n")},
	{"micro.Middleware", printsOnly("401:no token\nopen\n")},

	{"jetstream.ObjectStore", printsOnly("6 bytes in 1 chunk\n42 EUR\n")},
	{"jetstream.ObjectStore_watch", printsOnly("2026/0001 6\nthat was all\n")},
	{"jetstream.ObjectFS", printsOnly("[2026/0001]\n")},
	{"jetstream.OpenObject", printsOnly("EUR\n")},
	{"nats.ObjectStore", printsOnly("colour=grey\n")},
	{"nats.JetStream_publish", printsOnly("stored with sequence 5002\n")},
	{"nats.JetStream_publishAsync", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		if out := start().ends(nil); out != "" {
			t.Errorf("printed %q", out)
		}
		if n := stored(t, nc); n != 6002 {
			t.Errorf("%d messages are stored, want 6002", n)
		}
	}},
	{"nats.JetStream_ordered", printsOnly("audit.login\naudit.logout\n")},
	{"nats.JetStream_queueSubscribe", printsOnly("mail.welcome\n")},
	{"nats.Subscription_FetchBatch", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		// On the other server the consumer has a filter, so that it could not be bound without naming that.
		nc, _ := mortal(t)
		defer nc.Close()
		js, err := nc.JetStream()
		must(t, err)
		_, err = js.AddStream(&nats.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.*"}})
		must(t, err)
		_, err = js.AddConsumer("ORDERS", &nats.ConsumerConfig{Durable: "billing", AckPolicy: nats.AckExplicitPolicy})
		must(t, err)
		for range 1000 {
			_, err := js.PublishAsync("orders.new", nil)
			must(t, err)
		}
		<-js.PublishAsyncComplete()
		out := start().ends(nil)
		if n := strings.Count(out, "\n"); n != 1000 || !strings.HasPrefix(out, "1 1 \n2 1 \n") || !strings.HasSuffix(out, "1000 1 \n") {
			t.Errorf("printed %d lines, want 1000 messages: %.300q", n, out)
		}
	}},
	{"nats.Subscription_Fetch", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		nc, end := mortal(t)
		js, err := nc.JetStream()
		must(t, err)
		_, err = js.AddStream(&nats.StreamConfig{Name: "ORDERS", Subjects: []string{"orders.*"}})
		must(t, err)
		s := start()
		_, err = js.Publish("orders.new", []byte("three apples"))
		must(t, err)
		s.prints("orders.new: three apples\n", func() {})
		end()
		s.ends(nil)
	}},
	{"jetstream.All", func(t *testing.T, nc *nats.Conn, start func() *stage) {
		js, err := jetstream.New(nc)
		must(t, err)
		for range 4 {
			_, err := js.Publish(context.Background(), "orders.paid", []byte("again"))
			must(t, err)
		}
		if out := start().ends(nil); out != strings.Repeat("orders.paid: again\n", 3) {
			t.Errorf("printed %q, want three orders", out)
		}
	}},
	{"jetstream.Fetched", printsOnly("orders.paid: again\nno more orders for now\n")},
	{"jetstream.StreamConsumerManager_orderedConsumer", func(t *testing.T, _ *nats.Conn, start func() *stage) {
		if out := start().ends(nil); !strings.HasSuffix(out, strings.Repeat("orders.paid: again\n", 4)) || strings.Count(out, "\n") < 100 {
			t.Errorf("printed %.300q, want all orders", out)
		}
	}},
}

// mortal starts a server of its own for a program that ends with its connection only. After end the server wants credentials, which ends the
// connections.
func mortal(t *testing.T, opts ...natstest.Option) (nc *nats.Conn, end func()) {
	t.Helper()
	var closed atomic.Bool
	srv := natstest.Run(t, append(opts, natstest.WithConfig(func(o *server.Options) {
		if closed.Load() {
			o.Username, o.Password = "a", "b"
		}
	}))...)
	nc, err := nats.Connect(srv.URL())
	must(t, err)
	url = srv.URL()
	return nc, func() {
		nc.Close()
		closed.Store(true)
		must(t, srv.Restart(true))
	}
}

func printsOnly(want string) func(t *testing.T, nc *nats.Conn, start func() *stage) {
	return func(t *testing.T, _ *nats.Conn, start func() *stage) {
		s := start()
		if out := s.ends(nil); out != want || s.logged.String() != "" {
			t.Errorf("printed %q, logged %q, want %q", out, s.logged, want)
		}
	}
}

// writePEM writes a certificate, and its key if keyFile is named.
func writePEM(t *testing.T, cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), 0o600))
	if keyFile == "" {
		return
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	must(t, err)
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
}

// stored counts the orders.
func stored(t *testing.T, nc *nats.Conn) uint64 {
	t.Helper()
	js, err := jetstream.New(nc)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := js.Stream(ctx, "ORDERS")
	must(t, err)
	return stream.CachedInfo().State.Msgs
}

func TestExamples(t *testing.T) {
	srv := natstest.Run(t)
	played := make(map[string]bool)
	for _, scene := range scenes {
		played[scene.name] = true
		t.Run(scene.name, func(t *testing.T) {
			if all[scene.name] == nil {
				t.Fatal("there is no such example any more")
			}
			nc, err := nats.Connect(srv.URL())
			must(t, err)
			defer nc.Close()
			url = srv.URL()
			scene.play(t, nc, func() *stage { return run(t, scene.name) })
		})
	}
	for name := range all {
		if !played[name] {
			t.Errorf("example %s: no scene runs it", name)
		}
	}
}
