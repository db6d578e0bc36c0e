package test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// TestJetStreamUnsteadyLinks publishes with ids, and fetches, over connections that live for a moment only: every publish is
// acknowledged, every message is stored once, in order, and delivered.
func TestJetStreamUnsteadyLinks(t *testing.T) {
	g := withJetStream(t)
	const n = 2000
	unsteady := func() jetstream.JetStream {
		t.Helper()
		p := natstest.NewProxy(t, g.srv.URL())
		js := newJS(t, dial(t, p.URL(), quickly(), silent()), jetstream.WithDefaultTimeout(patience))
		p.Lifetime(20*time.Millisecond, 150*time.Millisecond)
		return js
	}
	_ = g.consumer(t, jetstream.ConsumerConfig{Durable: "c", AckWait: time.Second})
	published := make(chan error, 1)
	publisher := unsteady()
	go func() {
		for i := range n {
			if _, err := publisher.Publish(context.Background(), "s.a", fmt.Append(nil, i), jetstream.WithMsgID(fmt.Sprint(i))); err != nil {
				published <- fmt.Errorf("publish %d: %w", i, err)
				return
			}
		}
		published <- nil
	}()
	js := unsteady()
	var c jetstream.Consumer
	eventually(t, "the handle", func() (ok bool) {
		var err error
		c, err = js.Consumer(t.Context(), "S", "c")
		return err == nil
	})
	seen := make(map[string]bool)
	const limit = 20 * time.Second * min(slower, 3)
	for end := time.Now().Add(limit); len(seen) < n; {
		if time.Now().After(end) {
			t.Fatalf("%d of %d messages after %v", len(seen), n, limit)
		}
		b, err := c.Fetch(50, jetstream.FetchMaxWait(300*time.Millisecond), jetstream.FetchHeartbeat(100*time.Millisecond))
		must(t, err)
		for m := range b.Messages() {
			seen[string(m.Data())] = true
			must(t, m.Ack())
		}
		if err := b.Error(); err != nil && !errors.Is(err, jetstream.ErrNoHeartbeat) && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, nats.ErrDisconnected) {
			t.Fatalf("fetch: %v", err)
		}
	}
	must(t, await(t, "the publisher", published))
	if publisher.Conn().Stats().Reconnects == 0 {
		t.Error("the publisher's connection was never cut: this test shows nothing")
	}
	info, err := g.s.Info(t.Context())
	must(t, err)
	if info.State.Msgs != n {
		t.Errorf("%d messages stored, want %d", info.State.Msgs, n)
	}
	all := g.consumer(t, jetstream.ConsumerConfig{Durable: "all", AckPolicy: jetstream.AckNonePolicy})
	b, err := all.Fetch(n)
	must(t, err)
	i := 0
	for m := range b.Messages() {
		if string(m.Data()) != fmt.Sprint(i) {
			t.Fatalf("message %d of the stream is %s", i, m.Data())
		}
		i++
	}
	if err := b.Error(); err != nil || i != n {
		t.Errorf("%d messages, %v, want %d", i, err, n)
	}
}

// TestJetStreamLeaderChange: a fetch hears of it, and the next one is served at once. Publishes are retried until there is a leader.
func TestJetStreamLeaderChange(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cl := natstest.Cluster(t, 3)
	nc := dial(t, cl.URL(), quickly(), silent())
	js := newJS(t, nc)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "R3", Subjects: []string{"r.>"}, Replicas: 3})
	must(t, err)
	var c jetstream.Consumer
	eventually(t, "the consumer", func() bool { // a fresh cluster that is short of time forgets a request now and then
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		c, err = js.CreateConsumer(ctx, "R3", jetstream.ConsumerConfig{Durable: "c"})
		return err == nil
	})
	b, err := c.Fetch(10, jetstream.FetchHeartbeat(500*time.Millisecond))
	must(t, err)
	eventually(t, "the pull request at the server", func() bool {
		info, err := c.Info(ctx)
		return err == nil && info.NumWaiting == 1
	})
	must(t, cl.StepDownConsumer("R3", "c"))
	// A leader that loses its office without knowing of the request says nothing.
	if _, err := read(b); err != jetstream.ErrConsumerLeadershipChanged && err != jetstream.ErrNoHeartbeat {
		t.Errorf("got %v, want %v", err, jetstream.ErrConsumerLeadershipChanged)
	}
	must(t, cl.StepDown("R3"))
	if _, err := js.Publish(ctx, "r.a", nil, jetstream.WithMsgID("1"), jetstream.WithRetryAttempts(40)); err != nil {
		t.Errorf("publish after the step-down: %v", err)
	}
	eventually(t, "the message", func() bool {
		m, err := c.Next(jetstream.FetchMaxWait(time.Second), jetstream.FetchHeartbeat(200*time.Millisecond))
		return err == nil && m.DoubleAck(ctx) == nil
	})
}
