package test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// TestAll: messages of any kind of consumer, in order, and the ends.
func TestAll(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 20)
	for name, c := range map[string]jetstream.Consumer{"pull": g.consumer(t), "ordered": g.ordered(t)} {
		var payloads []string
		for m, err := range jetstream.All(t.Context(), c, jetstream.PullMaxMessages(5)) {
			must(t, err)
			payloads = append(payloads, string(m.Data()))
			_ = m.Ack()
			if len(payloads) == 20 {
				break
			}
		}
		if !slices.Equal(payloads, numbers(0, 20)) {
			t.Errorf("%s: got %v, want 0 to 19", name, payloads)
		}
	}
	g.leaves(t, "c")
	count := func(seq func(func(jetstream.Msg, error) bool)) (n int, last error) {
		for m, err := range seq {
			if last = err; err == nil {
				n++
				_ = m.Ack()
			}
		}
		return n, last
	}
	c := g.consumer(t, jetstream.ConsumerConfig{Durable: "d"})
	if n, err := count(jetstream.All(t.Context(), c, jetstream.StopAfter(7))); n != 7 || err != nil {
		t.Errorf("StopAfter: %d messages, %v, want 7", n, err)
	}
	brief, cancel := context.WithTimeout(t.Context(), time.Second) // in which 13 messages come, also on a busy machine
	defer cancel()
	if n, err := count(jetstream.All(brief, c)); n != 13 || err != context.DeadlineExceeded {
		t.Errorf("deadline: %d messages, %v, want 13", n, err)
	}
	for name, tc := range map[string]struct {
		ctx  context.Context
		c    jetstream.Consumer
		opt  jetstream.PullMessagesOpt
		want error
	}{
		"nil context":  {nil, c, nil, nats.ErrInvalidContext},
		"nil consumer": {t.Context(), nil, nil, nats.ErrInvalidArg},
		"ended":        {brief, c, nil, context.DeadlineExceeded},
		"bad option":   {t.Context(), c, jetstream.PullExpiry(1), jetstream.ErrInvalidOption},
	} {
		if n, err := count(jetstream.All(tc.ctx, tc.c, tc.opt)); n != 0 || !errors.Is(err, tc.want) {
			t.Errorf("%s: %d messages, %v, want %v", name, n, err, tc.want)
		}
	}
	// Deleted, and closed, while it waits.
	deleted := make(chan error, 1)
	g.waitingThen(t, c, func() { deleted <- g.s.DeleteConsumer(context.Background(), "d") })
	if n, err := count(jetstream.All(t.Context(), c)); n != 0 || !errors.Is(err, jetstream.ErrConsumerDeleted) {
		t.Errorf("deleted: %d messages, %v, want %v", n, err, jetstream.ErrConsumerDeleted)
	}
	must(t, await(t, "the deletion", deleted))
	e := g.consumer(t, jetstream.ConsumerConfig{Durable: "e", DeliverPolicy: jetstream.DeliverNewPolicy})
	g.waitingThen(t, e, g.nc.Close)
	if n, err := count(jetstream.All(t.Context(), e)); n != 0 || !errors.Is(err, jetstream.ErrConnectionClosed) {
		t.Errorf("closed: %d messages, %v, want %v", n, err, jetstream.ErrConnectionClosed)
	}
}

// waitingThen calls then once the consumer has a pull.
func (g *jsStage) waitingThen(t testing.TB, c jetstream.Consumer, then func()) {
	go func() {
		for end := time.Now().Add(patience); time.Now().Before(end); pause() {
			if info, err := c.Info(context.Background()); err == nil && info.NumWaiting > 0 {
				break
			}
		}
		then()
	}()
}

// TestAllGoesOn: a silent link is told in between.
func TestAllGoesOn(t *testing.T) {
	g, p := behindProxy(t)
	c := g.consumer(t)
	g.waitingThen(t, c, func() { p.Hole(natstest.Both) })
	told := false
	for m, err := range jetstream.All(t.Context(), c, jetstream.PullExpiry(time.Second), jetstream.PullHeartbeat(500*time.Millisecond)) {
		switch {
		case err == nil:
			must(t, m.Ack())
			if !told {
				t.Error("the silence was not told")
			}
			return
		case !errors.Is(err, jetstream.ErrNoHeartbeat):
			t.Fatal(err)
		case !told:
			told = true
			must(t, p.Heal())
			g.publish(t, 1)
		}
	}
}

// TestFetched: why a batch ended.
func TestFetched(t *testing.T) {
	g, p := behindProxy(t)
	c := g.consumer(t)
	run := func(ctx context.Context, n int, opts ...jetstream.FetchOpt) (payloads []string, last error) {
		for m, err := range jetstream.Fetched(ctx, c, n, opts...) {
			if last = err; err == nil {
				payloads = append(payloads, string(m.Data()))
				_ = m.Ack()
			}
		}
		return payloads, last
	}
	check := func(name string, got []string, err error, n int, want error) {
		t.Helper()
		if len(got) != n || !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: got %v, %v, want %d messages, %v", name, got, err, n, want)
		}
	}
	brief := jetstream.FetchMaxWait(100 * time.Millisecond)
	g.publish(t, 5)
	ms, err := run(t.Context(), 3, brief)
	check("full", ms, err, 3, nil)
	ms, err = run(t.Context(), 3, brief)
	check("time is over", ms, err, 2, nats.ErrTimeout)
	if errors.Is(err, jetstream.ErrNoAnswer) {
		t.Error("time is over: nobody answered")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	ms, err = run(ctx, 3, jetstream.FetchMaxWait(time.Minute))
	check("deadline", ms, err, 0, context.DeadlineExceeded)
	ms, err = run(ctx, 3)
	check("ended", ms, err, 0, context.DeadlineExceeded)
	ms, err = run(nil, 3) //nolint:staticcheck // a nil context is what is tested
	check("nil context", ms, err, 0, nats.ErrInvalidContext)
	ms, err = run(t.Context(), 0)
	check("no messages asked for", ms, err, 0, nats.ErrInvalidArg)
	ms, err = run(t.Context(), 1, jetstream.FetchContext(t.Context()))
	check("two contexts", ms, err, 0, jetstream.ErrInvalidOption)
	// A break gives the rest back.
	g.publish(t, 4)
	for _, err := range jetstream.Fetched(t.Context(), c, 4) {
		must(t, err)
		break
	}
	p.Hole(natstest.ServerToClient)
	ms, err = run(t.Context(), 1, brief)
	check("nobody answers", ms, err, 0, jetstream.ErrNoAnswer)
	must(t, p.Heal())
	must(t, g.steady.DeleteConsumer(t.Context(), "S", "c"))
	ms, err = run(t.Context(), 1)
	check("consumer gone", ms, err, 0, nats.ErrNoResponders)
}
