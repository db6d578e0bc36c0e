package test

import (
	"context"
	"testing"
	"time"

	"github.com/gannet-io/nats"
)

// one fetches a single message.
func one(t testing.TB, s *nats.Subscription) *nats.Msg {
	t.Helper()
	return got[[]*nats.Msg](t)(s.Fetch(1))[0]
}

func TestLegacyAcks(t *testing.T) {
	g := withLegacy(t)
	s := g.pull(t, "s.a", "c", nats.AckWait(time.Minute))
	for name, tc := range map[string]struct {
		ack   func(m *nats.Msg) error
		again bool // it is delivered again, at once
	}{
		"Ack":       {func(m *nats.Msg) error { return m.Ack() }, false},
		"AckSync":   {func(m *nats.Msg) error { return m.AckSync() }, false},
		"Ack, wait": {func(m *nats.Msg) error { return m.Ack(nats.AckWait(patience)) }, false},
		"AckSync, context": {func(m *nats.Msg) error {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			return m.AckSync(nats.Context(ctx))
		}, false},
		"Term":            {func(m *nats.Msg) error { return m.Term() }, false},
		"Nak":             {func(m *nats.Msg) error { return m.Nak() }, true},
		"NakWithDelay":    {func(m *nats.Msg) error { return m.NakWithDelay(100 * time.Millisecond) }, true},
		"NakWithDelay, 0": {func(m *nats.Msg) error { return m.NakWithDelay(0) }, true},
		"InProgress, Nak": {func(m *nats.Msg) error { must(t, m.InProgress()); must(t, m.InProgress()); return m.Nak() }, true},
	} {
		g.publish(t, "s.a", 1)
		m := one(t, s)
		meta := got[*nats.MsgMetadata](t)(m.Metadata())
		if meta.Stream != "S" || meta.Consumer != "c" || meta.NumDelivered != 1 || meta.Sequence.Stream == 0 || time.Since(meta.Timestamp) > time.Minute {
			t.Errorf("%s: got %+v", name, meta)
		}
		must(t, tc.ack(m))
		for what, err := range map[string]error{"Ack": m.Ack(), "AckSync": m.AckSync(), "Nak": m.Nak(), "Term": m.Term(), "InProgress": m.InProgress()} {
			if err != nats.ErrMsgAlreadyAckd {
				t.Errorf("%s, then %s: got %v, want %v", name, what, err, nats.ErrMsgAlreadyAckd)
			}
		}
		if tc.again {
			m = one(t, s)
			if meta := got[*nats.MsgMetadata](t)(m.Metadata()); meta.NumDelivered != 2 {
				t.Errorf("%s: delivered %d times, want 2", name, meta.NumDelivered)
			}
			must(t, m.AckSync())
		}
		eventually(t, name+": no message to acknowledge", func() bool {
			info, err := s.ConsumerInfo()
			return err == nil && info.NumAckPending == 0 && info.NumPending == 0
		})
	}
}

// TestLegacyAckLate acknowledges without a link: a plain ack is sent later, one that waits for its answer gives up.
func TestLegacyAckLate(t *testing.T) {
	g, p := withLegacyProxy(t)
	s := g.pull(t, "s.a", "c", nats.AckWait(time.Minute))
	g.publish(t, "s.a", 2)
	ms := got[[]*nats.Msg](t)(s.Fetch(2))
	p.Refuse()
	p.Cut()
	eventually(t, "the loss of the link", g.nc.IsReconnecting)
	must(t, ms[0].Ack())
	wantError(t, "AckSync", ms[1].AckSync(nats.AckWait(200*time.Millisecond)), nats.ErrTimeout)
	must(t, p.Heal())
	admin := g.admin(t)
	eventually(t, "the acks", func() bool {
		info, err := admin.ConsumerInfo("S", "c")
		return err == nil && info.NumAckPending == 0
	})
	g.nc.Close()
	wantError(t, "Ack after Close", ms[1].Ack(), nats.ErrConnectionClosed)
}
