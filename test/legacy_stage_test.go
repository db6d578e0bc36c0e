package test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// legacyStage is a server with JetStream, a connection with the older API, and the stream S on s.>.
type legacyStage struct {
	srv *natstest.Server
	nc  *nats.Conn
	js  nats.JetStreamContext
}

// withLegacy makes a stage with a direct connection.
func withLegacy(t *testing.T, opts ...nats.Option) *legacyStage {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	return legacyStageAt(t, srv, srv.URL(), opts...)
}

// withLegacyProxy is withLegacy whose connection passes a proxy.
func withLegacyProxy(t *testing.T, opts ...nats.Option) (*legacyStage, *natstest.Proxy) {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	p := natstest.NewProxy(t, srv.URL())
	return legacyStageAt(t, srv, p.URL(), append([]nats.Option{quickly(), silent()}, opts...)...), p
}

func legacyStageAt(t *testing.T, srv *natstest.Server, url string, opts ...nats.Option) *legacyStage {
	t.Helper()
	g := &legacyStage{srv: srv, nc: dial(t, url, opts...)}
	g.js = legacyJS(t, g.nc)
	_, err := g.js.AddStream(&nats.StreamConfig{Name: "S", Subjects: []string{"s.>"}, AllowMsgTTL: true})
	must(t, err)
	return g
}

func legacyJS(t testing.TB, nc *nats.Conn, opts ...nats.JSOpt) nats.JetStreamContext {
	t.Helper()
	return got[nats.JetStreamContext](t)(nc.JetStream(opts...))
}

// admin is the API over a connection of its own, that faults do not touch.
func (g *legacyStage) admin(t testing.TB) nats.JetStreamContext {
	t.Helper()
	return legacyJS(t, dial(t, g.srv.URL()))
}

// publish stores n messages with the payloads 0 to n-1 on subject.
func (g *legacyStage) publish(t testing.TB, subject string, n int) {
	t.Helper()
	for i := range n {
		_, err := g.js.Publish(subject, fmt.Append(nil, i))
		must(t, err)
	}
}

// pull makes a pull subscription; without a durable name its consumer is ephemeral.
func (g *legacyStage) pull(t testing.TB, subject, durable string, opts ...nats.SubOpt) *nats.Subscription {
	t.Helper()
	return got[*nats.Subscription](t)(g.js.PullSubscribe(subject, durable, opts...))
}

// name is that of the consumer of s.
func name(t testing.TB, s *nats.Subscription) string {
	t.Helper()
	return got[*nats.ConsumerInfo](t)(s.ConsumerInfo()).Name
}

// stored is the number of messages in S.
func stored(t testing.TB, js nats.JetStreamContext) uint64 {
	t.Helper()
	return got[*nats.StreamInfo](t)(js.StreamInfo("S")).State.Msgs
}

// payloads of messages.
func payloads(ms []*nats.Msg) (texts []string) {
	for _, m := range ms {
		texts = append(texts, string(m.Data))
	}
	return texts
}

func wantPayloads(t testing.TB, ms []*nats.Msg, want ...string) {
	t.Helper()
	if got := payloads(ms); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// wantError reports an error that does not match want.
func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// wantTook reports a time that is not about want.
func wantTook(t testing.TB, what string, took, want time.Duration) {
	t.Helper()
	if took < want-20*time.Millisecond || took > want+700*time.Millisecond {
		t.Errorf("%s: took %v, want %v", what, took, want)
	}
}

// pullWays are the two ways to pull, made alike: an error of the call or of the batch.
var pullWays = map[string]func(s *nats.Subscription, n int, opts ...nats.PullOpt) ([]*nats.Msg, error){
	"Fetch": (*nats.Subscription).Fetch,
	"FetchBatch": func(s *nats.Subscription, n int, opts ...nats.PullOpt) (ms []*nats.Msg, err error) {
		b, err := s.FetchBatch(n, opts...)
		if err != nil {
			return nil, err
		}
		for m := range b.Messages() {
			ms = append(ms, m)
		}
		<-b.Done()
		return ms, b.Error()
	},
}
