package test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// slowDialer takes longer for each connection than any timeout of the connection.
type slowDialer struct{ take time.Duration }

func (d slowDialer) Dial(network, address string) (net.Conn, error) {
	<-time.After(d.take)
	return net.Dial(network, address)
}

// stuckDialer does not return for some addresses until the test is over. dialled tells each.
type stuckDialer struct {
	stuck   func(address string) bool
	dialled chan string
	release chan struct{}
}

func newStuckDialer(t *testing.T, stuck func(address string) bool) *stuckDialer {
	d := &stuckDialer{stuck: stuck, dialled: make(chan string, 100), release: make(chan struct{})}
	t.Cleanup(func() { close(d.release) })
	return d
}

func (d *stuckDialer) Dial(network, address string) (net.Conn, error) {
	d.dialled <- address
	if d.stuck(address) {
		<-d.release
	}
	return net.Dial(network, address)
}

// TestSlowDialer: a dialer of the program's own takes its time, at the first connect and at the others.
func TestSlowDialer(t *testing.T) {
	srv := start(t)
	p := natstest.NewProxy(t, srv.URL())
	const limit = 400 * time.Millisecond // of the handshake too
	opts := []nats.Option{nats.SetCustomDialer(slowDialer{2 * limit}), nats.Timeout(limit), quickly(), silent()}
	nc := dial(t, p.URL(), opts...)
	p.Cut()
	eventually(t, "another link", func() bool { return nc.Stats().Reconnects == 1 && nc.IsConnected() })

	p.Refuse()
	connected := make(chan struct{}, 1)
	retried := dial(t, p.URL(), append(opts, nats.RetryOnFailedConnect(true), nats.ConnectHandler(func(*nats.Conn) { connected <- struct{}{} }))...)
	if status := retried.Status(); status != nats.RECONNECTING {
		t.Errorf("got %v, want %v", status, nats.RECONNECTING)
	}
	must(t, p.Heal())
	await(t, "the first link", connected)
}

// TestStuckDialer: a dialer that does not return holds up nobody but its own attempt.
func TestStuckDialer(t *testing.T) {
	t.Run("context", func(t *testing.T) {
		srv := start(t)
		d := newStuckDialer(t, func(string) bool { return true })
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, err := nats.ConnectContext(ctx, srv.URL(), nats.SetCustomDialer(d))
			result <- err
		}()
		await(t, "a dial", d.dialled)
		cancelled := time.Now()
		cancel()
		if err := await(t, "the end", result); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		withinTime(t, "ConnectContext", cancelled)
	})
	t.Run("close", func(t *testing.T) {
		srv := start(t)
		var down atomic.Bool
		d := newStuckDialer(t, func(string) bool { return down.Load() })
		nc := dial(t, srv.URL(), nats.SetCustomDialer(d), quickly(), silent())
		await(t, "the first dial", d.dialled)
		down.Store(true)
		must(t, srv.Stop())
		await(t, "another dial", d.dialled)
		began := time.Now()
		nc.Close()
		withinTime(t, "Close", began)
	})
	t.Run("other servers", func(t *testing.T) {
		stuck, srv := natstest.Run(t, natstest.WithoutJetStream()), start(t)
		d := newStuckDialer(t, func(address string) bool { return address == stuck.Addr() })
		began := time.Now()
		nc := dial(t, stuck.URL()+","+srv.URL(), nats.SetCustomDialer(d), nats.DontRandomize())
		if took := time.Since(began); nc.ConnectedUrl() != srv.URL() || took > 2*time.Second {
			t.Errorf("connected to %s after %v, want %s", nc.ConnectedUrl(), took, srv.URL())
		}
	})
}

// withinTime reports what was to be over at once.
func withinTime(t *testing.T, what string, began time.Time) {
	t.Helper()
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("%s took %v", what, took)
	}
}
