package test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// jsStage is a server with JetStream, a connection, and the stream S on s.>; the consumer c comes on demand.
type jsStage struct {
	srv *natstest.Server
	nc  *nats.Conn
	js  jetstream.JetStream
	s   jetstream.Stream

	steady jetstream.JetStream // over a connection that no proxy disturbs
}

// withJetStream makes a stage for a test that runs beside others and is checked for leaks.
func withJetStream(t *testing.T, opts ...nats.Option) *jsStage {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	return jsStageAt(t, srv, srv.URL(), opts...)
}

// behindProxy is withJetStream whose connection passes a proxy.
func behindProxy(t *testing.T, opts ...nats.Option) (*jsStage, *natstest.Proxy) {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	srv := natstest.Run(t)
	p := natstest.NewProxy(t, srv.URL())
	g := jsStageAt(t, srv, p.URL(), append([]nats.Option{quickly(), silent()}, opts...)...)
	g.steady = newJS(t, dial(t, srv.URL()))
	return g, p
}

func jsStageAt(t *testing.T, srv *natstest.Server, url string, opts ...nats.Option) *jsStage {
	t.Helper()
	g := &jsStage{srv: srv, nc: dial(t, url, opts...)}
	g.js = newJS(t, g.nc)
	g.steady = g.js
	s, err := g.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, AllowMsgTTL: true, AllowMsgSchedules: true})
	must(t, err)
	g.s = s
	return g
}

func newJS(t testing.TB, nc *nats.Conn, opts ...jetstream.JetStreamOpt) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc, opts...)
	must(t, err)
	return js
}

// consumer makes the pull consumer c of the stream, or what cfg says.
func (g *jsStage) consumer(t testing.TB, cfg ...jetstream.ConsumerConfig) jetstream.Consumer {
	t.Helper()
	cfg = append(cfg, jetstream.ConsumerConfig{Durable: "c"})
	c, err := g.s.CreateConsumer(context.Background(), cfg[0])
	must(t, err)
	return c
}

// publish stores n messages with the payloads 0 to n-1 on s.a, over the steady connection.
func (g *jsStage) publish(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		_, err := g.steady.Publish(context.Background(), "s.a", fmt.Append(nil, i))
		must(t, err)
	}
}

// read returns the payloads of a batch, and how it ended.
func read(b jetstream.MessageBatch) (payloads []string, err error) {
	for m := range b.Messages() {
		payloads = append(payloads, string(m.Data()))
	}
	return payloads, b.Error()
}

// fetched is read that acknowledges.
func fetched(t testing.TB, b jetstream.MessageBatch, err error) ([]string, error) {
	t.Helper()
	must(t, err)
	var payloads []string
	for m := range b.Messages() {
		payloads = append(payloads, string(m.Data()))
		must(t, m.Ack())
	}
	return payloads, b.Error()
}
