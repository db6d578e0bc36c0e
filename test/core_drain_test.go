package test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

func TestDrainSubscription(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	release := make(chan struct{})
	entered := make(chan struct{}, 1)
	var handled atomic.Int32
	sub := got[*nats.Subscription](t)(nc.Subscribe("d", func(*nats.Msg) {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-release
		handled.Add(1)
	}))
	closed := make(chan int32, 1)
	sub.SetClosedHandler(func(string) { closed <- handled.Load() })
	const messages = 1000
	for range messages {
		must(t, nc.Publish("d", nil))
	}
	await(t, "the callback", entered)
	must(t, sub.Drain())
	if !sub.IsDraining() || !sub.IsValid() {
		t.Errorf("draining %v, valid %v", sub.IsDraining(), sub.IsValid())
	}
	must(t, sub.Drain())
	close(release)
	if n := await(t, "the closed handler", closed); n != messages {
		t.Errorf("closed after %d messages, want %d", n, messages)
	}
	if sub.IsValid() {
		t.Error("valid after its end")
	}
	if !nc.IsConnected() {
		t.Errorf("status %v: only the subscription was drained", nc.Status())
	}
	eventually(t, "the server to forget it", func() bool { return clientSubs(srv) == 0 })
}

// Nothing that arrived is lost by Conn.Drain, publishing in callbacks works, and what they published is written.
func TestDrainConnection(t *testing.T) {
	srv := start(t)
	other := dial(t, srv.URL())
	echoes := subscribeSync(t, other, "out")
	closed := make(chan struct{})
	nc := dial(t, srv.URL(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	status := nc.StatusChanged(nats.DRAINING_SUBS, nats.DRAINING_PUBS, nats.CLOSED)
	release := make(chan struct{})
	got[*nats.Subscription](t)(nc.Subscribe("in", func(m *nats.Msg) {
		<-release
		if err := nc.Publish("out", m.Data); err != nil {
			t.Errorf("publish in a callback while draining: %v", err)
		}
	}))
	must(t, nc.Flush())
	const messages = 500
	for i := range messages {
		must(t, other.Publish("in", fmt.Append(nil, i)))
	}
	must(t, other.Flush())
	must(t, nc.Flush())
	must(t, nc.Drain())
	must(t, nc.Drain())
	if !nc.IsDraining() {
		t.Errorf("status %v", nc.Status())
	}
	if _, err := nc.SubscribeSync("more"); err != nats.ErrConnectionDraining {
		t.Errorf("subscribing while draining: %v, want %v", err, nats.ErrConnectionDraining)
	}
	close(release)
	await(t, "the closed handler", closed)
	for i := range messages {
		if got := next(t, echoes); got != fmt.Sprint(i) {
			t.Fatalf("got %q, want %d", got, i)
		}
	}
	for _, want := range []nats.Status{nats.DRAINING_SUBS, nats.DRAINING_PUBS, nats.CLOSED} {
		if got := await(t, "a status", status); got != want {
			t.Errorf("status %v, want %v", got, want)
		}
	}
	if err := nc.Publish("out", nil); err != nats.ErrConnectionClosed {
		t.Errorf("publish afterwards: %v", err)
	}
	if err := nc.Drain(); err != nats.ErrConnectionClosed {
		t.Errorf("drain afterwards: %v", err)
	}
	nc.RemoveStatusListener(status)
}

func TestDrainTimeout(t *testing.T) {
	srv := start(t)
	var j journal
	closed := make(chan struct{})
	nc := dial(t, srv.URL(), nats.DrainTimeout(200*time.Millisecond), j.handler(),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	release := make(chan struct{})
	defer close(release)
	entered := make(chan struct{}, 1)
	got[*nats.Subscription](t)(nc.Subscribe("d", func(*nats.Msg) { entered <- struct{}{}; <-release }))
	must(t, nc.Publish("d", nil))
	await(t, "the callback", entered)
	must(t, nc.Drain())
	await(t, "the end in spite of a callback that blocks", closed)
	if !j.hasErr(nats.ErrDrainTimeout) {
		t.Errorf("told %v, want %v", j.errors(), nats.ErrDrainTimeout)
	}
}

// Without a link Drain closes, but what had arrived is handled first, and what was buffered is told as lost.
func TestDrainWhileReconnecting(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	var j journal
	closed := make(chan struct{})
	disconnected := make(chan struct{}, 1)
	nc := dial(t, proxy.URL(), nats.ReconnectWait(time.Minute), j.handler(),
		nats.DisconnectErrHandler(func(*nats.Conn, error) {
			select {
			case disconnected <- struct{}{}:
			default:
			}
		}),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	release := make(chan struct{})
	var handled atomic.Int32
	got[*nats.Subscription](t)(nc.Subscribe("d", func(*nats.Msg) { <-release; handled.Add(1) }))
	for range 251 {
		must(t, nc.Publish("d", nil))
	}
	must(t, nc.Flush())
	proxy.Refuse()
	proxy.Cut()
	await(t, "the disconnect", disconnected)
	for range 100 {
		must(t, nc.Publish("buffered", nil))
	}
	if err := nc.Drain(); err != nats.ErrConnectionReconnecting {
		t.Errorf("got %v, want %v", err, nats.ErrConnectionReconnecting)
	}
	close(release)
	await(t, "the end", closed)
	if n := handled.Load(); n != 251 {
		t.Errorf("%d of 251 received messages were handled", n)
	}
	eventually(t, "the report of the loss", func() bool { _, dropped := j.losses(); return dropped == 100 })
}

// A channel's messages have been delivered once they are in the channel: draining does not wait for anybody to read them.
func TestDrainChannelSubscription(t *testing.T) {
	srv := start(t)
	for name, read := range map[string]int{"all read": 3, "some read": 1, "none read": 0} {
		var j journal
		closed := make(chan struct{})
		nc := dial(t, srv.URL(), j.handler(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
		ch := make(chan *nats.Msg, 3)
		got[*nats.Subscription](t)(nc.ChanSubscribe("c", ch))
		one := got[*nats.Subscription](t)(nc.ChanQueueSubscribe("c", "q", make(chan *nats.Msg, 3)))
		over := make(chan struct{})
		one.SetClosedHandler(func(string) { close(over) })
		for range 3 {
			must(t, nc.Publish("c", nil))
		}
		must(t, nc.Flush())
		for range read {
			await(t, "a message", ch)
		}
		must(t, one.Drain())
		await(t, name+": the end of one subscription", over)
		must(t, nc.Drain())
		await(t, name+": the end of the connection", closed)
		if len(ch) != 3-read || len(j.errors()) > 0 {
			t.Errorf("%s: %d left in the channel, told %v", name, len(ch), j.errors())
		}
	}
}
