package test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// brisk are options with which silence is found within a second.
var brisk = []jetstream.PullConsumeOpt{jetstream.PullExpiry(time.Second), jetstream.PullHeartbeat(500 * time.Millisecond)}

// resumes stores a message beside the connection under test and wants it within d.
func (g *jsStage) resumes(t *testing.T, e *eater, url string, d time.Duration) {
	t.Helper()
	js := newJS(t, dial(t, url, quickly(), silent()))
	have := e.count()
	within(t, "the next message", d, func() {
		_, err := js.Publish(context.Background(), "s.a", fmt.Append(nil, "after ", have))
		must(t, err)
		eventually(t, "a message", func() bool { return e.count() > have })
	})
}

// cut cuts the links through p, and waits until the server knows: what it sends into a dead one waits for its redelivery.
func (g *jsStage) cut(t *testing.T, p *natstest.Proxy) {
	t.Helper()
	ended := func() int {
		return got[*server.Connz](t)(g.srv.Embedded().Connz(&server.ConnzOptions{State: server.ConnClosed})).Total
	}
	before := ended()
	p.Cut()
	eventually(t, "the server to know", func() bool { return ended() > before })
}

// TestConsumeServerRestarts: it is told, and messages come within a second of the server's return.
func TestConsumeServerRestarts(t *testing.T) {
	g := withJetStream(t, silent())
	c := g.consumer(t)
	e := consume(t, c, nil) // with defaults
	it := messages(t, c)
	g.waiting(t, c, 2)
	_, err := g.js.Publish(t.Context(), "s.a", []byte("before"))
	must(t, err)
	for range 2 {
		must(t, g.srv.Restart(true))
		g.waiting(t, c, 2)
		_, err := g.js.Publish(t.Context(), "s.a", []byte("after"))
		must(t, err)
		_, err = g.js.Publish(t.Context(), "s.a", []byte("after"))
		must(t, err)
	}
	it.Stop()
	g.resumes(t, e, g.srv.URL(), time.Second)
	e.tells(t, jetstream.ErrServerShutdown)
	e.cc.Stop()
	e.closes(t)
}

// TestConsumeRestartTime: the silence after a restart of 0.4 s, with default options.
func TestConsumeRestartTime(t *testing.T) {
	g := withJetStream(t, silent())
	c := g.consumer(t)
	e := consume(t, c, nil)
	g.waiting(t, c, 1)
	must(t, g.srv.Stop())
	<-time.After(400 * time.Millisecond)
	must(t, g.srv.Restart(true))
	g.resumes(t, e, g.srv.URL(), time.Second)
}

// TestConsumeDeadLink: bytes vanish, and nothing tells so but the missing heartbeats.
func TestConsumeDeadLink(t *testing.T) {
	g, p := behindProxy(t)
	c := g.consumer(t, jetstream.ConsumerConfig{Durable: "c", AckWait: time.Second}) // the server may send into the hole what was asked for
	e := consume(t, c, nil, brisk...)
	it := messages(t, c, jetstream.PullExpiry(time.Second), jetstream.PullHeartbeat(500*time.Millisecond))
	g.waiting(t, c, 2)
	p.Hole(natstest.Both)
	began := time.Now()
	if _, err := it.Next(); err != jetstream.ErrNoHeartbeat {
		t.Errorf("Next: got %v, want %v", err, jetstream.ErrNoHeartbeat)
	}
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("found after %v", took)
	}
	e.tells(t, jetstream.ErrNoHeartbeat)
	it.Stop()
	must(t, p.Heal())
	g.resumes(t, e, g.srv.URL(), 3*time.Second)
}

// TestConsumeOneWayHole: requests arrive, answers do not.
func TestConsumeOneWayHole(t *testing.T) {
	g, p := behindProxy(t)
	e := consume(t, g.consumer(t, jetstream.ConsumerConfig{Durable: "c", AckWait: time.Second}), nil, brisk...)
	p.Hole(natstest.ServerToClient)
	e.tells(t, jetstream.ErrNoHeartbeat)
	must(t, p.Heal())
	g.resumes(t, e, g.srv.URL(), 3*time.Second)
}

// TestConsumeCut: nothing is lost, and nothing waits for its redelivery, when the link is cut with nothing on its way.
func TestConsumeCut(t *testing.T) {
	g, p := behindProxy(t)
	c := g.consumer(t)
	e := consume(t, c, nil)
	g.waiting(t, c, 1)
	for i := range 5 {
		g.cut(t, p)
		g.resumes(t, e, g.srv.URL(), time.Second)
		if got := e.count(); got != i+1 {
			t.Fatalf("%d messages after %d cuts", got, i+1)
		}
	}
	if errs := e.errors(); len(errs) > 0 {
		t.Errorf("told %v", errs)
	}
}

// TestConsumeUnsteadyLinks: over connections that live for a moment only, every message is delivered.
func TestConsumeUnsteadyLinks(t *testing.T) {
	g := withJetStream(t)
	const n = 3000
	p := natstest.NewProxy(t, g.srv.URL())
	js := newJS(t, dial(t, p.URL(), quickly(), silent()))
	_ = g.consumer(t, jetstream.ConsumerConfig{Durable: "c", AckWait: time.Second})
	c, err := js.Consumer(t.Context(), "S", "c")
	must(t, err)
	p.Lifetime(20*time.Millisecond, 150*time.Millisecond)
	p.Cut()
	e := consume(t, c, nil, append(brisk, jetstream.PullMaxMessages(50))...)
	for i := range n {
		_, err := g.js.Publish(t.Context(), "s.a", fmt.Append(nil, i))
		must(t, err)
	}
	e.wants(t, n)
	if js.Conn().Stats().Reconnects == 0 {
		t.Error("the connection was never cut: this test shows nothing")
	}
}

// TestConsumeLeaderChange: a consumer and a stream of three replicas change their leaders while they are consumed.
func TestConsumeLeaderChange(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cl := natstest.Cluster(t, 3, natstest.AsProcess())
	js := newJS(t, dial(t, cl.URL(), quickly(), silent()))
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Replicas: 3})
	must(t, err)
	c, err := js.CreateConsumer(ctx, "S", jetstream.ConsumerConfig{Durable: "c", AckWait: 2 * time.Second})
	must(t, err)
	// A killed leader sends no word, and the next one not always: then silence tells, which with defaults takes 30 s.
	e := consume(t, c, nil, jetstream.PullHeartbeat(2*time.Second))
	publish := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			eventually(t, "a publish", func() bool { // one that a leader takes with it when it is killed is not answered
				ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
				defer cancel()
				_, err := js.Publish(ctx, "s.a", fmt.Append(nil, i), jetstream.WithMsgID(fmt.Sprint(i)), jetstream.WithRetryAttempts(40))
				return err == nil
			})
		}
	}
	publish(0, 10)
	e.wants(t, 10)
	for i, change := range []func() error{
		func() error { return cl.StepDownConsumer("S", "c") },
		func() error { return cl.StepDown("S") },
		func() error { return cl.StepDownConsumer("S", "c") },
	} {
		must(t, change())
		publish(10*i+10, 10*i+20)
		e.wants(t, 10*i+20)
	}
	t.Logf("told %v", e.errors())
	// The server of the consumer's leader is killed.
	victim := cl.ConsumerLeader("S", "c")
	must(t, victim.Kill())
	publish(40, 50)
	_ = cl.ConsumerLeader("S", "c") // waits for the next one
	e.wants(t, 50)
	t.Logf("told %v", e.errors())
}
