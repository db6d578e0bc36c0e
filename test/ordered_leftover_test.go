package test

import (
	"slices"
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
