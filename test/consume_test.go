package test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

func TestConsume(t *testing.T) {
	g := withJetStream(t)
	const n = 2000
	c := g.consumer(t)
	e := consume(t, c, nil)
	for i := range n {
		_, err := g.js.PublishAsync("s.a", fmt.Append(nil, i))
		must(t, err)
	}
	e.wants(t, n)
	if all := e.all(); !slices.Equal(all, numbers(0, n)) {
		t.Errorf("got %d messages, not in order", len(all))
	}
	eventually(t, "all acks", func() bool {
		info, err := c.Info(context.Background())
		return err == nil && info.AckFloor.Stream == n && info.NumRedelivered == 0
	})
	subs := g.nc.NumSubscriptions()
	e.cc.Stop()
	e.closes(t)
	if got := g.nc.NumSubscriptions(); got != subs-1 {
		t.Errorf("%d subscriptions after Stop, %d before", got, subs)
	}
	if errs := e.errors(); len(errs) > 0 {
		t.Errorf("told %v", errs)
	}
}

func TestMessages(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 50)
	for name, opts := range map[string][]jetstream.PullMessagesOpt{
		"default":        nil,
		"one at a time":  {jetstream.PullMaxMessages(1)},
		"threshold":      {jetstream.PullMaxMessages(10), jetstream.PullThresholdMessages(10)},
		"bytes":          {jetstream.PullMaxBytes(300)},
		"both":           {jetstream.PullMaxMessagesWithBytesLimit(7, 300)},
		"byte threshold": {jetstream.PullMaxBytes(300), jetstream.PullThresholdBytes(299)},
		"short expiry":   {jetstream.PullExpiry(time.Second), jetstream.PullHeartbeat(500 * time.Millisecond)},
	} {
		c := g.consumer(t, jetstream.ConsumerConfig{Durable: strings.ReplaceAll(name, " ", "-")})
		it := messages(t, c, opts...)
		if got := take(t, it, 50); !slices.Equal(got, numbers(0, 50)) {
			t.Errorf("%s: got %v, want 0 to 49", name, got)
		}
		if _, err := it.Next(jetstream.NextMaxWait(20 * time.Millisecond)); err != nats.ErrTimeout {
			t.Errorf("%s: got %v, want %v", name, err, nats.ErrTimeout)
		}
		it.Stop()
		if _, err := it.Next(); err != jetstream.ErrMsgIteratorClosed {
			t.Errorf("%s: got %v, want %v", name, err, jetstream.ErrMsgIteratorClosed)
		}
	}
}

// TestMessagesNext: how long it waits.
func TestMessagesNext(t *testing.T) {
	g := withJetStream(t)
	it := messages(t, g.consumer(t))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for name, tc := range map[string]struct {
		opt  jetstream.NextOpt
		want error
	}{
		"wait":          {jetstream.NextMaxWait(50 * time.Millisecond), nats.ErrTimeout},
		"no wait":       {jetstream.NextMaxWait(-1), nats.ErrTimeout},
		"deadline":      {jetstream.NextContext(brief), context.DeadlineExceeded},
		"ended context": {jetstream.NextContext(over), context.Canceled},
	} {
		if _, err := it.Next(tc.opt); err != tc.want {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
	if _, err := it.Next(jetstream.NextContext(t.Context()), jetstream.NextMaxWait(time.Second)); err == nil {
		t.Error("both: got no error")
	}
	// Stop and a message wake whoever waits.
	type result struct {
		m   jetstream.Msg
		err error
	}
	results := make(chan result, 2)
	for range 2 {
		go func() {
			m, err := it.Next()
			results <- result{m, err}
		}()
	}
	g.publish(t, 1)
	if r := await(t, "the message", results); r.err != nil || string(r.m.Data()) != "0" {
		t.Errorf("got %v, %v", r.m, r.err)
	}
	it.Stop()
	if r := await(t, "the end", results); r.err != jetstream.ErrMsgIteratorClosed {
		t.Errorf("got %v, want %v", r.err, jetstream.ErrMsgIteratorClosed)
	}
}

// TestConsumeStopInHandler: what was received and not handled is thrown away.
func TestConsumeStopInHandler(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 20)
	e := consume(t, g.consumer(t), func(e *eater, m jetstream.Msg) {
		_ = m.Ack()
		if string(m.Data()) == "2" {
			e.cc.Stop()
		}
	})
	e.closes(t)
	if all := e.all(); !slices.Equal(all, numbers(0, 3)) {
		t.Errorf("handled %v, want 0 to 2", all)
	}
}

// TestConsumeDrainInHandler: everything that the server has sent is handled.
func TestConsumeDrainInHandler(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 20)
	c := g.consumer(t)
	e := consume(t, c, func(e *eater, m jetstream.Msg) {
		_ = m.Ack()
		if string(m.Data()) == "2" {
			g.delivered(t, c, 20)
			e.cc.Drain()
			e.cc.Drain()
		}
	})
	e.closes(t)
	if all := e.all(); !slices.Equal(all, numbers(0, 20)) {
		t.Errorf("handled %v, want 0 to 19", all)
	}
}

func TestMessagesDrain(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 30)
	c := g.consumer(t)
	it := messages(t, c)
	_ = take(t, it, 3)
	g.delivered(t, c, 30)
	it.Drain()
	if got := take(t, it, 27); !slices.Equal(got, numbers(3, 30)) {
		t.Errorf("got %v, want 3 to 29", got)
	}
	ends(t, it, jetstream.ErrMsgIteratorClosed)
}

// TestConsumeStopAfter: the server delivers no more than that.
func TestConsumeStopAfter(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 30)
	c := g.consumer(t)
	e := consume(t, c, nil, jetstream.StopAfter(10), jetstream.PullMaxMessages(4))
	e.closes(t)
	if all := e.all(); !slices.Equal(all, numbers(0, 10)) {
		t.Errorf("handled %v, want 0 to 9", all)
	}
	it := messages(t, c, jetstream.StopAfter(5))
	if got := take(t, it, 5); !slices.Equal(got, numbers(10, 15)) {
		t.Errorf("got %v, want 10 to 14", got)
	}
	ends(t, it, jetstream.ErrMsgIteratorClosed)
	info, err := c.Info(t.Context())
	must(t, err)
	if info.Delivered.Stream != 15 {
		t.Errorf("%d messages were delivered, want 15", info.Delivered.Stream)
	}
}

// TestConsumeTwice: two of them share the messages of one handle.
func TestConsumeTwice(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	a := consume(t, c, nil, jetstream.PullMaxMessages(20))
	b := consume(t, c, nil, jetstream.PullMaxMessages(20))
	g.waiting(t, c, 2)
	g.publish(t, 200)
	eventually(t, "200 messages", func() bool { return a.count()+b.count() == 200 })
	if a.count() == 0 || b.count() == 0 {
		t.Errorf("%d and %d messages, want some for both", a.count(), b.count())
	}
}

// TestConsumeSlowHandler: heartbeats are read while a handler is at work, and a waiting pull keeps an ephemeral consumer alive.
func TestConsumeSlowHandler(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t, jetstream.ConsumerConfig{InactiveThreshold: time.Second})
	release := make(chan struct{})
	e := consume(t, c, func(_ *eater, m jetstream.Msg) {
		<-release
		_ = m.Ack()
	}, jetstream.PullExpiry(time.Second), jetstream.PullHeartbeat(500*time.Millisecond))
	g.publish(t, 1)
	e.wants(t, 1)
	select {
	case <-time.After(3 * time.Second):
	case <-e.cc.Closed():
		t.Error("closed")
	}
	close(release)
	_, err := g.js.Publish(t.Context(), "s.a", []byte("more"))
	must(t, err)
	e.wants(t, 2)
	if errs := e.errors(); len(errs) > 0 {
		t.Errorf("told %v", errs)
	}
}

// TestConsumeLargeMessage: one that can never fit is told, and the rest of the stream waits behind it.
func TestConsumeLargeMessage(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 3)
	_, err := g.js.Publish(t.Context(), "s.a", make([]byte, 4096))
	must(t, err)
	e := consume(t, g.consumer(t), nil, jetstream.PullMaxBytes(2048))
	e.wants(t, 3)
	e.tells(t, jetstream.ErrMaxBytesExceeded)
	before := g.nc.Stats().OutMsgs
	<-time.After(time.Second)
	if sent := g.nc.Stats().OutMsgs - before; sent > 20 {
		t.Errorf("%d publishes in a second, want a few", sent)
	}
}

func TestConsumePinned(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t, jetstream.ConsumerConfig{Durable: "p", PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{"g"}, PinnedTTL: time.Minute})
	other, err := g.s.Consumer(t.Context(), "p")
	must(t, err)
	if _, err := c.Consume(func(jetstream.Msg) {}); err == nil {
		t.Error("without a group: got no error")
	}
	group := jetstream.PullPriorityGroup("g")
	first := consume(t, c, nil, group, jetstream.PullMaxMessages(4))
	g.waiting(t, c, 1)
	second := consume(t, other, nil, group, jetstream.PullMaxMessages(4))
	g.waiting(t, c, 2)
	g.publish(t, 20)
	first.wants(t, 20)
	must(t, g.s.UnpinConsumer(t.Context(), "p", "g"))
	for i := range 20 {
		_, err := g.js.Publish(t.Context(), "s.a", fmt.Append(nil, "again", i))
		must(t, err)
	}
	second.wants(t, 20)
	first.tells(t, jetstream.ErrPinIDMismatch)
	if errs := second.errors(); len(errs) > 0 {
		t.Errorf("the second was told %v", errs)
	}
	// The second one goes: the first takes over.
	second.cc.Stop()
	must(t, g.s.UnpinConsumer(t.Context(), "p", "g"))
	_, err = g.js.Publish(t.Context(), "s.a", []byte("last"))
	must(t, err)
	first.wants(t, 21)
}
