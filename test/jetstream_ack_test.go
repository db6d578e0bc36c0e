package test

import (
	"context"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// TestJetStreamAcks: what each acknowledgement does at the server.
func TestJetStreamAcks(t *testing.T) {
	g := withJetStream(t)
	for name, tc := range map[string]struct {
		ack   func(m jetstream.Msg) error
		again time.Duration // when the message comes again; 0: never
	}{
		"ack":                 {jetstream.Msg.Ack, 0},
		"double ack":          {func(m jetstream.Msg) error { return m.DoubleAck(t.Context()) }, 0},
		"double ack, no time": {func(m jetstream.Msg) error { return m.DoubleAck(context.Background()) }, 0},
		"term":                {jetstream.Msg.Term, 0},
		"term with a reason":  {func(m jetstream.Msg) error { return m.TermWithReason("bad") }, 0},
		"nak":                 {jetstream.Msg.Nak, time.Nanosecond},
		"nak with a delay":    {func(m jetstream.Msg) error { return m.NakWithDelay(200 * time.Millisecond) }, 200 * time.Millisecond},
		"nothing":             {func(jetstream.Msg) error { return nil }, 400 * time.Millisecond},
		"progress":            {jetstream.Msg.InProgress, 400 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := g.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "A_" + randomToken(name), Subjects: []string{"acks." + randomToken(name)}})
			must(t, err)
			_, err = g.js.Publish(t.Context(), "acks."+randomToken(name), nil)
			must(t, err)
			c, err := s.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "c", AckWait: 400 * time.Millisecond})
			must(t, err)
			m, err := c.Next()
			must(t, err)
			began := time.Now()
			must(t, tc.ack(m))
			again, err := c.Next(jetstream.FetchMaxWait(1200 * time.Millisecond))
			if tc.again == 0 {
				if err != nats.ErrTimeout {
					t.Errorf("got %v, %v, want nothing again", again, err)
				}
				return
			}
			must(t, err)
			if meta, err := again.Metadata(); err != nil || meta.NumDelivered != 2 {
				t.Errorf("got %+v, %v, want the second delivery", meta, err)
			}
			if took := time.Since(began); took < tc.again-20*time.Millisecond || took > tc.again+700*time.Millisecond {
				t.Errorf("came again after %v, want %v", took, tc.again)
			}
		})
	}
}

// randomToken makes a subject token of a test's name.
func randomToken(name string) string {
	b := []byte(name)
	for i, c := range b {
		if c == ' ' || c == ',' {
			b[i] = '_'
		}
	}
	return string(b)
}

func TestJetStreamAckTwice(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 1)
	m, err := g.consumer(t).Next()
	must(t, err)
	must(t, m.InProgress())
	must(t, m.InProgress())
	must(t, m.Ack())
	for what, err := range map[string]error{"ack": m.Ack(), "double ack": m.DoubleAck(t.Context()), "nak": m.Nak(), "progress": m.InProgress()} {
		if err != jetstream.ErrMsgAlreadyAckd {
			t.Errorf("%s: got %v, want %v", what, err, jetstream.ErrMsgAlreadyAckd)
		}
	}
}

func TestJetStreamDoubleAckWithoutConsumer(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 2)
	c := g.consumer(t)
	m, err := c.Next()
	must(t, err)
	must(t, g.s.DeleteConsumer(t.Context(), "c"))
	if err := m.DoubleAck(t.Context()); err != nats.ErrNoResponders {
		t.Errorf("got %v, want %v", err, nats.ErrNoResponders)
	}
	if err := m.DoubleAck(nil); err != nats.ErrInvalidContext {
		t.Errorf("got %v, want %v", err, nats.ErrInvalidContext)
	}
	g.nc.Close()
	for what, err := range map[string]error{"ack": m.Ack(), "double ack": m.DoubleAck(context.Background()), "progress": m.InProgress()} {
		if err != nats.ErrConnectionClosed {
			t.Errorf("%s after Close: got %v, want %v", what, err, nats.ErrConnectionClosed)
		}
	}
}
