package test

import (
	"context"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// Who pings every second is told of a dead link 1.4 s after he asked, and a publish with a message id is stored over another one then, within
// its own patience: the ping timer alone takes 3 s.
func TestPublishGetsOffADeadLink(t *testing.T) {
	t.Parallel()
	for name, publish := range map[string]func(ctx context.Context, nc *nats.Conn) error{
		"jetstream": func(ctx context.Context, nc *nats.Conn) error {
			_, err := got[jetstream.JetStream](t)(jetstream.New(nc)).Publish(ctx, "a", []byte("x"), jetstream.WithMsgID("1"))
			return err
		},
		"older API": func(ctx context.Context, nc *nats.Conn) error {
			_, err := got[nats.JetStreamContext](t)(nc.JetStream()).Publish("a", []byte("x"), nats.MsgId("1"), nats.Context(ctx))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkLeaks(t)
			srv := natstest.Run(t)
			dead, other := natstest.NewProxy(t, srv.URL()), natstest.NewProxy(t, srv.URL())
			nc := dialFirst(t, dead.URL()+","+other.URL(), nats.IgnoreDiscoveredServers(), nats.PingInterval(time.Second), silent())
			js := got[jetstream.JetStream](t)(jetstream.New(nc))
			s := got[jetstream.Stream](t)(js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"a"}}))
			dead.Hole(natstest.Both)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			began := time.Now()
			if err := publish(ctx, nc); err != nil {
				t.Fatalf("publish: %v", err)
			}
			if took := time.Since(began); took > 2500*time.Millisecond {
				t.Errorf("acked after %v, want 1.5 s", took)
			} else {
				t.Logf("acked after %v", took)
			}
			if n := got[*jetstream.StreamInfo](t)(s.Info(t.Context())).State.Msgs; n != 1 {
				t.Errorf("%d messages are stored, want 1", n)
			}
		})
	}
}
