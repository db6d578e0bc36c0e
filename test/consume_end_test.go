package test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// TestConsumeDeleted: the consumer, or its stream, is deleted while it waits.
func TestConsumeDeleted(t *testing.T) {
	g := withJetStream(t)
	for name, remove := range map[string]func() error{
		"consumer": func() error { return g.js.DeleteConsumer(context.Background(), "consumer", "c") },
		"stream":   func() error { return g.js.DeleteStream(context.Background(), "stream") },
	} {
		s, err := g.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name}})
		must(t, err)
		c, err := s.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "c"})
		must(t, err)
		e := consume(t, c, nil)
		it := messages(t, c)
		g.waiting(t, c, 2)
		must(t, remove())
		e.closes(t)
		if errs := e.errors(); len(errs) != 1 || errs[0] != jetstream.ErrConsumerDeleted {
			t.Errorf("%s: told %v, want %v", name, errs, jetstream.ErrConsumerDeleted)
		}
		ends(t, it, jetstream.ErrConsumerDeleted)
	}
}

// TestConsumeMissing: a consumer that is not there is told at once, and some seconds later it is the end.
func TestConsumeMissing(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	must(t, g.s.DeleteConsumer(t.Context(), "c"))
	began := time.Now()
	e := consume(t, c, nil)
	it := messages(t, c)
	e.tells(t, nats.ErrNoResponders)
	if took := time.Since(began); took > time.Second {
		t.Errorf("told after %v", took)
	}
	e.closes(t)
	ends(t, it, jetstream.ErrConsumerDeleted)
	if took := time.Since(began); took < 2*time.Second || took > 6*time.Second {
		t.Errorf("ended after %v, want about 3 s", took)
	}
	if errs := e.errors(); len(errs) != 2 || errs[1] != jetstream.ErrConsumerDeleted {
		t.Errorf("told %v", errs)
	}
}

// TestConsumeReturns: a consumer that is made anew in time goes on.
func TestConsumeReturns(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	must(t, g.s.DeleteConsumer(t.Context(), "c"))
	e := consume(t, c, nil)
	e.tells(t, nats.ErrNoResponders)
	_ = g.consumer(t)
	g.publish(t, 3)
	within(t, "the messages", time.Second, func() { e.wants(t, 3) })
}

// TestConsumeRefused: a request that the server does not understand ends it.
func TestConsumeRefused(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	e := consume(t, c, nil, jetstream.PullMinPending(3))
	e.closes(t)
	if errs := e.errors(); len(errs) != 1 || errs[0] != jetstream.ErrBadRequest {
		t.Errorf("told %v, want %v", errs, jetstream.ErrBadRequest)
	}
	ends(t, messages(t, c, jetstream.PullMinPending(3)), jetstream.ErrBadRequest)
}

// TestConsumeLimit: a limit of the consumer is told with the server's words; without it the messages come.
func TestConsumeLimit(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 3)
	c := g.consumer(t, jetstream.ConsumerConfig{Durable: "c", MaxRequestBatch: 10})
	e := consume(t, c, nil, jetstream.PullExpiry(time.Second), jetstream.PullHeartbeat(500*time.Millisecond))
	told := make(chan error, 100)
	it := messages(t, c, jetstream.PullExpiry(time.Second), jetstream.PullHeartbeat(500*time.Millisecond),
		jetstream.MessagesErrHandler(func(_ jetstream.MessagesContext, err error) { told <- err }))
	if err := await(t, "the handler of Messages", told); !strings.Contains(err.Error(), "Exceeded MaxRequestBatch of 10") {
		t.Errorf("told %v", err)
	}
	if _, err := it.Next(); err != jetstream.ErrNoHeartbeat {
		t.Errorf("Next: got %v, want %v", err, jetstream.ErrNoHeartbeat)
	}
	eventually(t, "the words", func() bool {
		errs := e.errors()
		return len(errs) > 0 && strings.Contains(errs[0].Error(), "Exceeded MaxRequestBatch of 10")
	})
	if n := len(e.errors()); n > 3 {
		t.Errorf("told %d times in a second", n)
	}
	it.Stop()
	_, err := g.s.UpdateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "c"})
	must(t, err)
	within(t, "the messages", 1500*time.Millisecond, func() { e.wants(t, 3) })
}

func TestConsumeConnectionCloses(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	e := consume(t, c, nil)
	it := messages(t, c)
	g.waiting(t, c, 2)
	waits := make(chan error, 1)
	go func() {
		_, err := it.Next()
		waits <- err
	}()
	g.nc.Close()
	e.closes(t)
	if errs := e.errors(); len(errs) != 1 || errs[0] != jetstream.ErrConnectionClosed {
		t.Errorf("told %v, want %v", errs, jetstream.ErrConnectionClosed)
	}
	err := await(t, "Next", waits)
	if got := err.Error(); got != jetstream.ErrMsgIteratorClosed.Error()+"\n"+jetstream.ErrConnectionClosed.Error() {
		t.Errorf("Next: got %q", got)
	}
	if _, err := c.Consume(func(jetstream.Msg) {}); err != nats.ErrConnectionClosed {
		t.Errorf("Consume: got %v, want %v", err, nats.ErrConnectionClosed)
	}
	if _, err := c.Messages(); err != nats.ErrConnectionClosed {
		t.Errorf("Messages: got %v, want %v", err, nats.ErrConnectionClosed)
	}
}

// TestConsumeConnectionDrains: what the server has sent is handled and acknowledged before the connection closes.
func TestConsumeConnectionDrains(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 100)
	c := g.consumer(t)
	began := make(chan struct{})
	e := consume(t, c, func(e *eater, m jetstream.Msg) {
		<-began
		if err := m.Ack(); err != nil {
			e.addErr(err)
		}
	})
	d := g.consumer(t, jetstream.ConsumerConfig{Durable: "d"})
	it := messages(t, d)
	g.delivered(t, c, 100)
	g.delivered(t, d, 100)
	_ = take(t, it, 50)
	must(t, g.nc.Drain())
	close(began)
	_ = take(t, it, 50)
	ends(t, it, jetstream.ErrMsgIteratorClosed)
	e.closes(t)
	eventually(t, "the end of the connection", g.nc.IsClosed)
	if n, errs := e.count(), e.errors(); n != 100 || len(errs) > 0 {
		t.Errorf("%d handled, errors %v, want 100 and none", n, errs)
	}
	other := newJS(t, dial(t, g.srv.URL()))
	for _, name := range []string{"c", "d"} {
		info := got[jetstream.Consumer](t)(other.Consumer(t.Context(), "S", name)).CachedInfo()
		if info.AckFloor.Stream != 100 {
			t.Errorf("consumer %s: acknowledged up to %d, want 100", name, info.AckFloor.Stream)
		}
	}
}

func TestConsumeArguments(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	subs := g.nc.NumSubscriptions()
	if _, err := c.Consume(nil); err != jetstream.ErrHandlerRequired {
		t.Errorf("no handler: got %v, want %v", err, jetstream.ErrHandlerRequired)
	}
	for _, opt := range []jetstream.PullConsumeOpt{jetstream.PullExpiry(1), jetstream.PullMaxMessages(0), jetstream.StopAfter(-1), jetstream.PullPriorityGroup("g")} {
		if _, err := c.Consume(func(jetstream.Msg) {}, opt); err == nil {
			t.Errorf("%#v: got no error", opt)
		}
	}
	if n := g.nc.NumSubscriptions(); n != subs {
		t.Errorf("%d subscriptions, before %d", n, subs)
	}
}
