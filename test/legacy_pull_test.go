package test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// gone waits until S has no consumer of this name.
func gone(t testing.TB, js nats.JetStreamContext, consumer string) {
	t.Helper()
	eventually(t, "the end of consumer "+consumer, func() bool {
		_, err := js.ConsumerInfo("S", consumer)
		return errors.Is(err, nats.ErrConsumerNotFound)
	})
}

func exists(t testing.TB, js nats.JetStreamContext, consumer string) {
	t.Helper()
	if _, err := js.ConsumerInfo("S", consumer); err != nil {
		t.Errorf("consumer %s: %v, want it to be there", consumer, err)
	}
}

// TestLegacyPullSubscribe looks at the consumers that are made.
func TestLegacyPullSubscribe(t *testing.T) {
	g := withLegacy(t)
	g.publish(t, "s.a", 3)
	for _, tc := range []struct {
		name, subj, durable string
		opts                []nats.SubOpt
		pending             uint64
		check               func(c nats.ConsumerConfig) bool
	}{
		{"ephemeral", "s.a", "", nil, 3, func(c nats.ConsumerConfig) bool {
			return c.Durable == "" && c.Name != "" && c.FilterSubject == "s.a" && c.AckPolicy == nats.AckExplicitPolicy && c.MaxAckPending == 65536 &&
				c.InactiveThreshold == 5*time.Second && c.DeliverSubject == ""
		}},
		{"durable", "s.a", "d", nil, 3, func(c nats.ConsumerConfig) bool { return c.Durable == "d" && c.InactiveThreshold == 0 }},
		{"named", "s.a", "", []nats.SubOpt{nats.ConsumerName("n")}, 3, func(c nats.ConsumerConfig) bool { return c.Durable == "" && c.Name == "n" }},
		{"whole stream", "", "", []nats.SubOpt{nats.BindStream("S")}, 3, func(c nats.ConsumerConfig) bool { return c.FilterSubject == "" }},
		{"filters", "", "", []nats.SubOpt{nats.BindStream("S"), nats.ConsumerFilterSubjects("s.a", "s.b")}, 3, func(c nats.ConsumerConfig) bool {
			return slices.Equal(c.FilterSubjects, []string{"s.a", "s.b"})
		}},
		{"without acks", "s.a", "", []nats.SubOpt{nats.AckNone()}, 3, func(c nats.ConsumerConfig) bool {
			return c.AckPolicy == nats.AckNonePolicy && c.MaxAckPending == 0
		}},
		{"settings", "s.a", "", []nats.SubOpt{
			nats.AckAll(), nats.AckWait(time.Minute), nats.MaxDeliver(4), nats.MaxAckPending(5), nats.Description("text"), nats.DeliverLast(),
			nats.HeadersOnly(), nats.InactiveThreshold(time.Hour), nats.PullMaxWaiting(6), nats.MaxRequestBatch(7), nats.MaxRequestExpires(time.Hour),
			nats.MaxRequestMaxBytes(8), nats.ConsumerMemoryStorage(), nats.ConsumerReplicas(1), nats.ReplayOriginal(),
		}, 1, func(c nats.ConsumerConfig) bool {
			return c.AckPolicy == nats.AckAllPolicy && c.AckWait == time.Minute && c.MaxDeliver == 4 && c.MaxAckPending == 5 && c.Description == "text" &&
				c.DeliverPolicy == nats.DeliverLastPolicy && c.HeadersOnly && c.InactiveThreshold == time.Hour && c.MaxWaiting == 6 &&
				c.MaxRequestBatch == 7 && c.MaxRequestExpires == time.Hour && c.MaxRequestMaxBytes == 8 && c.MemoryStorage && c.Replicas == 1 &&
				c.ReplayPolicy == nats.ReplayOriginalPolicy
		}},
		{"sequence", "s.a", "", []nats.SubOpt{nats.StartSequence(3)}, 1, func(c nats.ConsumerConfig) bool {
			return c.DeliverPolicy == nats.DeliverByStartSequencePolicy && c.OptStartSeq == 3
		}},
		{"unseen", "s.a", "u", []nats.SubOpt{nats.SkipConsumerLookup()}, 3, func(c nats.ConsumerConfig) bool { return c.Durable == "u" }},
	} {
		s := g.pull(t, tc.subj, tc.durable, tc.opts...)
		info := got[*nats.ConsumerInfo](t)(s.ConsumerInfo())
		if !tc.check(info.Config) {
			t.Errorf("%s: got %+v", tc.name, info.Config)
		}
		if n, err := s.InitialConsumerPending(); n != tc.pending || err != nil {
			t.Errorf("%s: %d pending, %v, want %d", tc.name, n, err, tc.pending)
		}
		must(t, s.Unsubscribe())
		if _, err := g.js.ConsumerInfo("S", info.Name); err != nats.ErrConsumerNotFound {
			t.Errorf("%s: consumer after Unsubscribe: %v, want %v", tc.name, err, nats.ErrConsumerNotFound)
		}
		if err := s.Unsubscribe(); err != nats.ErrBadSubscription {
			t.Errorf("%s: second Unsubscribe: %v, want %v", tc.name, err, nats.ErrBadSubscription)
		}
	}
}

// TestLegacyPullSubscribeExisting uses consumers that are there, and leaves them there.
func TestLegacyPullSubscribeExisting(t *testing.T) {
	g := withLegacy(t)
	for _, cfg := range []*nats.ConsumerConfig{
		{Durable: "pull", FilterSubject: "s.a", AckPolicy: nats.AckExplicitPolicy, AckWait: 7 * time.Second},
		{Durable: "push", DeliverSubject: "d", AckPolicy: nats.AckExplicitPolicy},
		{Durable: "none", AckPolicy: nats.AckNonePolicy},
	} {
		_, err := g.js.AddConsumer("S", cfg)
		must(t, err)
	}
	g.publish(t, "s.a", 2)
	for _, tc := range []struct {
		name, subj, durable string
		opts                []nats.SubOpt
		want                error
	}{
		{"durable", "s.a", "pull", nil, nil},
		{"bound", "s.a", "", []nats.SubOpt{nats.Bind("S", "pull")}, nil},
		{"bound unseen", "", "", []nats.SubOpt{nats.Bind("S", "pull"), nats.SkipConsumerLookup()}, nil},
		{"same settings", "s.a", "pull", []nats.SubOpt{nats.AckWait(7 * time.Second), nats.AckExplicit(), nats.DeliverAll()}, nil},
		{"named", "s.a", "", []nats.SubOpt{nats.ConsumerName("pull"), nats.AckWait(7 * time.Second)}, nil},
		{"other subject", "s.b", "pull", nil, nats.ErrSubjectMismatch},
		{"push", "s.a", "push", nil, nats.ErrPullSubscribeToPushConsumer},
		{"missing", "s.a", "", []nats.SubOpt{nats.Bind("S", "missing")}, nats.ErrConsumerNotFound},
		{"missing stream", "s.a", "", []nats.SubOpt{nats.Bind("X", "pull")}, nats.ErrStreamNotFound},
		{"subject of no stream", "none", "", nil, nats.ErrNoMatchingStream},
		{"bad name", "s.a", "a.b", nil, nats.ErrInvalidConsumerName},
	} {
		s, err := g.js.PullSubscribe(tc.subj, tc.durable, tc.opts...)
		wantError(t, tc.name, err, tc.want)
		if err != nil {
			continue
		}
		if n := name(t, s); n != "pull" {
			t.Errorf("%s: consumer %q, want pull", tc.name, n)
		}
		must(t, s.Unsubscribe())
		exists(t, g.js, "pull")
	}
	_, err := g.js.PullSubscribe("s.a", "pull", nats.AckWait(9*time.Second))
	if err == nil || err.Error() != "nats: configuration requests ack wait to be 9s, but consumer's value is 7s" {
		t.Errorf("other ack wait: got %v", err)
	}
	none := g.pull(t, "s.a", "none")
	ms := got[[]*nats.Msg](t)(none.Fetch(1))
	if err := ms[0].Ack(); err != nats.ErrCantAckIfConsumerAckNone {
		t.Errorf("Ack: got %v, want %v", err, nats.ErrCantAckIfConsumerAckNone)
	}
}

// TestLegacyConsumersEnd says which consumers go with what.
func TestLegacyConsumersEnd(t *testing.T) {
	g := withLegacy(t)
	admin := g.admin(t)
	_, err := admin.AddConsumer("S", &nats.ConsumerConfig{Durable: "theirs", AckPolicy: nats.AckExplicitPolicy})
	must(t, err)
	type subs struct{ durable, ephemeral, lasting, theirs *nats.Subscription }
	open := func(opts ...nats.SubOpt) (g2 *legacyStage, s subs, names []string) {
		nc := dial(t, g.srv.URL())
		g2 = &legacyStage{g.srv, nc, legacyJS(t, nc)}
		s.durable = g2.pull(t, "s.a", "mine", opts...)
		s.ephemeral = g2.pull(t, "s.a", "", opts...)
		s.lasting = g2.pull(t, "s.a", "", append(opts, nats.InactiveThreshold(time.Hour))...)
		s.theirs = g2.pull(t, "s.a", "theirs", opts...)
		return g2, s, []string{"mine", name(t, s.ephemeral), name(t, s.lasting)}
	}
	t.Run("drain of the subscription", func(t *testing.T) {
		_, s, names := open()
		for _, s := range []*nats.Subscription{s.durable, s.ephemeral, s.lasting, s.theirs} {
			must(t, s.Drain())
		}
		for _, n := range names {
			gone(t, admin, n)
		}
		exists(t, admin, "theirs")
	})
	t.Run("drain of the connection", func(t *testing.T) {
		g2, _, names := open()
		must(t, g2.nc.Drain())
		eventually(t, "the end of the drain", g2.nc.IsClosed)
		for _, n := range names {
			gone(t, admin, n)
		}
		exists(t, admin, "theirs")
	})
	t.Run("context of the subscription", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, s, names := open(nats.Context(ctx))
		cancel()
		for _, n := range names {
			gone(t, admin, n)
		}
		if s.durable.IsValid() || s.theirs.IsValid() {
			t.Error("subscriptions are valid after the end of their context")
		}
		exists(t, admin, "theirs")
	})
	t.Run("close", func(t *testing.T) {
		g2, s, names := open()
		g2.nc.Close()
		gone(t, admin, names[1]) // long before its threshold of 5 s
		for _, n := range []string{"mine", names[2], "theirs"} {
			exists(t, admin, n)
		}
		wantError(t, "Unsubscribe", s.durable.Unsubscribe(), nats.ErrConnectionClosed)
		must(t, admin.DeleteConsumer("S", "mine"))
	})
	t.Run("deleted by somebody else", func(t *testing.T) {
		_, s, _ := open()
		must(t, admin.DeleteConsumer("S", "mine"))
		wantError(t, "Unsubscribe", s.durable.Unsubscribe(), nats.ErrConsumerNotFound)
	})
}

// TestLegacyUnsubscribeOffline does not wait for the link, and the consumer goes when it is back.
func TestLegacyUnsubscribeOffline(t *testing.T) {
	g, p := withLegacyProxy(t)
	s := g.pull(t, "s.a", "mine")
	p.Refuse()
	p.Cut()
	eventually(t, "the loss of the link", g.nc.IsReconnecting)
	within(t, "Unsubscribe", time.Second, func() { must(t, s.Unsubscribe()) })
	exists(t, g.admin(t), "mine")
	must(t, p.Heal())
	gone(t, g.admin(t), "mine")
}

func TestLegacyPullSubscribeLate(t *testing.T) {
	g := withLegacy(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := g.js.PullSubscribe("s.a", "", nats.Context(ended))
	wantError(t, "context at its end", err, context.Canceled)
	g.nc.Close()
	for name, opts := range map[string][]nats.SubOpt{
		"looked up": nil,
		"unseen":    {nats.Bind("S", "c"), nats.SkipConsumerLookup()},
	} {
		if s, err := g.js.PullSubscribe("s.a", "", opts...); s != nil || !errors.Is(err, nats.ErrConnectionClosed) {
			t.Errorf("%s, on a closed connection: got %v, %v, want %v", name, s, err, nats.ErrConnectionClosed)
		}
	}
	off := natstest.Run(t, natstest.WithoutJetStream())
	_, err = legacyJS(t, dial(t, off.URL())).PullSubscribe("s.a", "")
	wantError(t, "without JetStream", err, nats.ErrJetStreamNotEnabled)
}
