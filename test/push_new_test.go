package test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// pusher makes the push consumer c of the stream, with flow control and a heartbeat of 0.5 s, or as change wants it.
func (g *jsStage) pusher(t testing.TB, change func(cfg *jetstream.ConsumerConfig)) jetstream.PushConsumer {
	t.Helper()
	cfg := jetstream.ConsumerConfig{
		Durable: "c", DeliverSubject: "deliver.c", AckWait: 2 * time.Second, FlowControl: true, IdleHeartbeat: 500 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	c, err := g.s.CreatePushConsumer(context.Background(), cfg)
	must(t, err)
	return c
}

// pushed starts an eater of a push consumer.
func pushed(t testing.TB, c jetstream.PushConsumer, each func(e *eater, m jetstream.Msg)) *eater {
	t.Helper()
	e := &eater{seen: map[string]int{}}
	ready := make(chan struct{})
	if each == nil {
		each = func(_ *eater, m jetstream.Msg) { _ = m.Ack() }
	}
	cc, err := c.Consume(func(m jetstream.Msg) {
		<-ready
		e.note(string(m.Data()))
		each(e, m)
	}, jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { e.addErr(err) }))
	must(t, err)
	e.cc = cc
	close(ready)
	t.Cleanup(cc.Stop)
	return e
}

func TestPushConsume(t *testing.T) {
	g := withJetStream(t)
	const n = 2000
	g.publish(t, n)
	for _, flow := range []bool{true, false} {
		c := g.pusher(t, func(cfg *jetstream.ConsumerConfig) {
			if !flow {
				*cfg = jetstream.ConsumerConfig{Durable: "plain", DeliverSubject: "deliver.plain"}
			}
		})
		subs := g.nc.NumSubscriptions()
		e := pushed(t, c, nil)
		e.wants(t, n)
		if all := e.all(); !slices.Equal(all, numbers(0, n)) {
			t.Errorf("got %d messages, not in order", len(all))
		}
		eventually(t, "all acks", func() bool {
			info, err := c.Info(context.Background())
			return err == nil && info.AckFloor.Stream == n && info.NumRedelivered == 0
		})
		e.cc.Stop()
		e.closes(t)
		if got := g.nc.NumSubscriptions(); got != subs {
			t.Errorf("%d subscriptions after Stop, %d before Consume", got, subs)
		}
		if errs := e.errors(); len(errs) > 0 {
			t.Errorf("told %v", errs)
		}
	}
}

// TestPushConsumeOnce: one Consume at a time, and another one after its end.
func TestPushConsumeOnce(t *testing.T) {
	g := withJetStream(t)
	c := g.pusher(t, nil)
	if _, err := c.Consume(nil); err != jetstream.ErrHandlerRequired {
		t.Errorf("got %v, want %v", err, jetstream.ErrHandlerRequired)
	}
	e := pushed(t, c, nil)
	if _, err := c.Consume(func(jetstream.Msg) {}, nil); err != jetstream.ErrConsumerAlreadyConsuming {
		t.Errorf("got %v, want %v", err, jetstream.ErrConsumerAlreadyConsuming)
	}
	e.cc.Stop()
	e.cc.Drain()
	e.closes(t)
	e = pushed(t, c, nil)
	g.publish(t, 3)
	e.wants(t, 3)
	g.nc.Close()
	e.closes(t)
	e.tells(t, jetstream.ErrConnectionClosed)
	if _, err := c.Consume(func(jetstream.Msg) {}); err == nil {
		t.Error("closed: got no error")
	}
}

// TestPushConsumeEnds: Stop and Drain from handlers. What was stopped comes again, what was drained is handled.
func TestPushConsumeEnds(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 50)
	c := g.pusher(t, nil)
	var held atomic.Int32
	e := pushed(t, c, func(e *eater, m jetstream.Msg) {
		_ = m.Ack()
		if held.Add(1) == 5 {
			e.cc.Stop()
		}
	})
	e.closes(t)
	if n := e.count(); n != 5 {
		t.Errorf("%d messages were handled, want 5", n)
	}
	e = pushed(t, c, func(e *eater, m jetstream.Msg) {
		_ = m.Ack()
		e.cc.Drain()
	})
	e.closes(t)
	have := e.count()
	e = pushed(t, c, nil)
	eventually(t, "the rest", func() bool { return e.count() >= 45-have })
	// A drain of the connection handles and acknowledges what has arrived.
	g.publish(t, 10)
	must(t, g.nc.Drain())
	e.closes(t)
}

// TestPushConsumeDeleted: the server does not tell, but the heartbeats do.
func TestPushConsumeDeleted(t *testing.T) {
	g := withJetStream(t)
	c := g.pusher(t, nil)
	e := pushed(t, c, nil)
	must(t, g.s.DeleteConsumer(t.Context(), "c"))
	eventually(t, "it is told twice", func() bool { return len(e.errors()) >= 2 })
	e.tells(t, jetstream.ErrNoHeartbeat)
	// A consumer of the same configuration is served at once.
	g.pusher(t, nil)
	g.publish(t, 1)
	e.wants(t, 1)
}

// TestPushConsumeFaults: messages go on within a second of a restart and of a cut.
func TestPushConsumeFaults(t *testing.T) {
	g, p := behindProxy(t)
	e := pushed(t, g.pusher(t, nil), nil)
	g.resumes(t, e, g.srv.URL(), time.Second)
	p.Cut()
	g.resumes(t, e, g.srv.URL(), time.Second)
	must(t, g.srv.Stop())
	<-time.After(400 * time.Millisecond)
	must(t, g.srv.Restart(true))
	g.resumes(t, e, g.srv.URL(), time.Second)
	p.Hole(natstest.Both)
	began := time.Now()
	e.tells(t, jetstream.ErrNoHeartbeat)
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("found after %v", took)
	}
	must(t, p.Heal())
	g.resumes(t, e, g.srv.URL(), time.Second)
}

// TestPushConsumeStatus: what a server says on the deliver subject is told, and is no message.
func TestPushConsumeStatus(t *testing.T) {
	g := withJetStream(t)
	e := pushed(t, g.pusher(t, nil), nil)
	must(t, g.nc.Flush()) // the server knows of the subscription
	raw := newRaw(t, g.srv)
	raw.status(t, "deliver.c", "409 Leadership Change")
	e.tells(t, jetstream.ErrConsumerLeadershipChanged)
	raw.status(t, "deliver.c", "409 Server Shutdown")
	e.tells(t, jetstream.ErrServerShutdown)
	g.publish(t, 2)
	e.wants(t, 2)
	raw.status(t, "deliver.c", "409 Consumer Deleted")
	e.tells(t, jetstream.ErrConsumerDeleted)
	e.closes(t)
}

// TestPushConsumeSlow: flow control stops the server, so what waits for a slow handler is bounded, and nothing is lost.
func TestPushConsumeSlow(t *testing.T) {
	g := withJetStream(t)
	const n = 3000
	for range n {
		_, err := g.js.PublishAsync("s.a", make([]byte, 64<<10))
		must(t, err)
	}
	await(t, "acks", g.js.PublishAsyncComplete())
	release := make(chan struct{})
	var count atomic.Int32
	c := g.pusher(t, func(cfg *jetstream.ConsumerConfig) { cfg.AckPolicy = jetstream.AckNonePolicy })
	cc, err := c.Consume(func(jetstream.Msg) {
		if count.Add(1) == 1 {
			<-release
		}
	})
	must(t, err)
	defer cc.Stop()
	stalled := uint64(0)
	eventually(t, "the server to stop", func() bool {
		before := stalled
		info, err := c.Info(context.Background())
		must(t, err)
		stalled = info.Delivered.Stream
		return stalled > 0 && stalled == before
	})
	if stalled >= n {
		t.Errorf("the server has sent %d messages to a handler that blocks", stalled)
	}
	close(release)
	eventually(t, "the messages", func() bool { return count.Load() == n })
}

// rawClient writes what no client library does.
type rawClient struct{ conn net.Conn }

func newRaw(t testing.TB, srv *natstest.Server) *rawClient {
	t.Helper()
	u, err := url.Parse(srv.URL())
	must(t, err)
	conn, err := net.DialTimeout("tcp", u.Host, patience)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, `CONNECT {"verbose":false,"headers":true}`+"\r\n")
	must(t, err)
	return &rawClient{conn}
}

// status publishes a status line without a payload.
func (r *rawClient) status(t testing.TB, subject, line string) {
	t.Helper()
	block := "NATS/1.0 " + line + "\r\n\r\n"
	_, err := fmt.Fprintf(r.conn, "HPUB %s %d %d\r\n%s\r\n", subject, len(block), len(block), block)
	must(t, err)
}
