package test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// records is a slog handler that keeps what it gets.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
	what []string
	gate chan struct{} // nil: open
}

func (r *records) logger() *slog.Logger { return slog.New(r) }

func (r *records) Enabled(context.Context, slog.Level) bool { return true }
func (r *records) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *records) WithGroup(string) slog.Handler            { return r }

func (r *records) Handle(ctx context.Context, rec slog.Record) error {
	if r.gate != nil {
		<-r.gate
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.what = append(r.what, rec.Level.String()+" "+rec.Message)
	return slog.NewTextHandler(&r.text, nil).Handle(ctx, rec)
}

func (r *records) has(what string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.what, what)
}

func (r *records) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// What happens is logged, with numbers and without secrets.
func TestLogger(t *testing.T) {
	const secret = "s3cr3t-and-long"
	srv := start(t, natstest.WithUser("joe", secret))
	proxy := natstest.NewProxy(t, srv.URL())
	withSecret := strings.Replace(proxy.URL(), "nats://", "nats://joe:"+secret+"@", 1)
	var r records
	nc := dial(t, withSecret, quickly(), silent(), nats.Logger(r.logger()), nats.Name("orders"))
	sub := subscribeSync(t, nc, "slow.subject")
	must(t, sub.SetPendingLimits(1, -1))
	for range 3 {
		must(t, nc.Publish("slow.subject", []byte("payload")))
	}
	must(t, nc.Flush())
	eventually(t, "the slow consumer", func() bool { return r.has("WARN nats: slow consumer") })
	proxy.Hole(natstest.Both)
	must(t, nc.Publish("slow.subject", []byte("payload")))
	eventually(t, "the message to be written", func() bool { return nc.Health().PendingBytes == 0 })
	proxy.Refuse()
	proxy.Cut()
	eventually(t, "a failed attempt", func() bool { return r.has("WARN nats: reconnect attempt failed") })
	must(t, proxy.Heal())
	eventually(t, "the reconnect", func() bool { return r.has("INFO nats: reconnected") })
	nc.SetErrorHandler(nil)
	nc.Close()
	eventually(t, "the end", func() bool { return r.has("INFO nats: closed") })
	for _, want := range []string{"INFO nats: connected", "WARN nats: disconnected", "ERROR nats: messages lost"} {
		if !r.has(want) {
			t.Errorf("no record %q", want)
		}
	}
	text := r.all()
	for _, want := range []string{"server=nats://" + proxy.Addr(), "subject=slow.subject", "dropped=", "unconfirmed=1", "server_id="} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the log", want)
		}
	}
	for _, never := range []string{secret, "payload", "joe:"} {
		if strings.Contains(text, never) {
			t.Errorf("%q is in the log", never)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// Texts that others write may contain secrets.
func TestLoggerRedacts(t *testing.T) {
	const secret = "s3cr3t-and-long"
	srv := start(t, natstest.WithToken(secret))
	var r records
	fail := false
	var mu sync.Mutex
	proxy := natstest.NewProxy(t, srv.URL())
	nc := dial(t, strings.Replace(proxy.URL(), "nats://", "nats://"+secret+"@", 1), quickly(), silent(), nats.Logger(r.logger()),
		nats.SetCustomDialer(dialerFunc(func(network, address string) error {
			mu.Lock()
			defer mu.Unlock()
			if fail {
				return errors.New("proxy-authorization: " + secret)
			}
			return nil
		})))
	mu.Lock()
	fail = true
	mu.Unlock()
	proxy.Cut()
	eventually(t, "a failed attempt", func() bool { return r.has("WARN nats: reconnect attempt failed") })
	nc.Close()
	if text := r.all(); strings.Contains(text, secret) || !strings.Contains(text, "proxy-authorization: xxxxx") {
		t.Errorf("got %s", text)
	}
}

// A handler that blocks holds up callbacks, and nothing else.
func TestLoggerMayBlock(t *testing.T) {
	srv := start(t)
	r := records{gate: make(chan struct{})}
	nc := dial(t, srv.URL(), nats.Logger(r.logger()))
	sub := subscribeSync(t, nc, "a")
	must(t, nc.Publish("a", []byte("x")))
	if got := next(t, sub); got != "x" {
		t.Errorf("got %q", got)
	}
	within(t, "Close", time.Second, nc.Close)
	close(r.gate)
	eventually(t, "the records", func() bool { return r.has("INFO nats: closed") })
}

// dialerFunc dials TCP unless it returns an error.
type dialerFunc func(network, address string) error

func (f dialerFunc) Dial(network, address string) (net.Conn, error) {
	if err := f(network, address); err != nil {
		return nil, err
	}
	return net.Dial(network, address)
}
