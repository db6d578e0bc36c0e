package test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// TestOrderedLostDeletion: the deletion of a consumer that was replaced gets lost with the link. It is asked for again behind the next one.
func TestOrderedLostDeletion(t *testing.T) {
	g, p := behindProxy(t)
	g.store(t, 2)
	c := g.ordered(t)
	p.CutOnMatch([]byte("CONSUMER.DELETE.S."), natstest.ClientToServer)
	b, err := c.Fetch(10, jetstream.FetchMaxWait(patience))
	must(t, err)
	for range b.Messages() {
	}
	if b.Error() != nats.ErrDisconnected {
		t.Fatalf("got %v, want %v", b.Error(), nats.ErrDisconnected)
	}
	g.store(t, 1)
	if _, err := c.Next(jetstream.FetchMaxWait(patience)); err != nil {
		t.Fatalf("Next behind the loss: %v", err)
	}
	eventually(t, "only the last one to be left", func() bool {
		var names []string
		for name := range g.s.ConsumerNames(t.Context()).Name() {
			names = append(names, name)
		}
		return slices.Equal(names, []string{c.CachedInfo().Name})
	})
}

// TestOrderedFirstUnanswered: nobody answers the request for the first consumer, as when it was placed on a server that has just died. Another
// one is asked for, under another name.
func TestOrderedFirstUnanswered(t *testing.T) {
	g := withJetStream(t)
	g.store(t, 1)
	nc := g.nc
	asked, heard := make(chan string, 8), false
	_, err := nc.Subscribe("deaf.>", func(m *nats.Msg) {
		api := strings.TrimPrefix(m.Subject, "deaf.")
		if strings.HasPrefix(api, "CONSUMER.CREATE.") {
			asked <- api
			if !heard {
				heard = true
				return
			}
		}
		_ = nc.PublishMsg(&nats.Msg{Subject: "$JS.API." + api, Reply: m.Reply, Data: m.Data})
	})
	must(t, err)
	must(t, nc.Flush()) // others ask over another connection
	deaf := got[jetstream.JetStream](t)(jetstream.NewWithAPIPrefix(dial(t, nc.ConnectedUrl()), "deaf"))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := got[jetstream.Consumer](t)(deaf.OrderedConsumer(ctx, "S", jetstream.OrderedConsumerConfig{}))
	if first, second := <-asked, <-asked; first == second {
		t.Errorf("asked twice for %s", first)
	}
	if info := got[*jetstream.StreamInfo](t)(g.s.Info(t.Context())); info.State.Consumers != 1 {
		t.Errorf("%d consumers, want 1", info.State.Consumers)
	}
	if _, err := c.Next(jetstream.FetchMaxWait(patience)); err != nil {
		t.Error(err)
	}
}
