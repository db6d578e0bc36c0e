package test

import (
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// Advisories of pauses and pins, as the server sends them, and who caused one.
func TestAdvisoriesOfConsumers(t *testing.T) {
	g := withJetStream(t, nats.Name("who"))
	ctx := t.Context()
	all := advisories(t, dial(t, g.srv.URL()), jetstream.AdvisoryAll)
	c := g.consumer(t, jetstream.ConsumerConfig{
		Durable: "c", PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{"g"}, PinnedTTL: time.Minute,
	})
	until := time.Now().Add(time.Hour).UTC()
	got[*jetstream.ConsumerPauseResponse](t)(g.s.PauseConsumer(ctx, "c", until))
	wanted(t, all, func(a *jetstream.ConsumerPaused) bool {
		return a.Paused && a.PauseUntil.Equal(until) && a.Stream == "S" && a.Consumer == "c"
	})
	got[*jetstream.ConsumerPauseResponse](t)(g.s.ResumeConsumer(ctx, "c"))
	wanted(t, all, func(a *jetstream.ConsumerPaused) bool { return !a.Paused })
	g.publish(t, 2)
	got[jetstream.Msg](t)(c.Next(jetstream.FetchPriorityGroup("g")))
	pin := got[*jetstream.ConsumerInfo](t)(c.Info(ctx)).PriorityGroups[0].PinnedClientID
	wanted(t, all, func(a *jetstream.GroupPinned) bool {
		return a.PinnedID == pin && a.Group == "g" && a.Consumer == "c" && a.Reason == ""
	})
	must(t, g.s.UnpinConsumer(ctx, "c", "g"))
	wanted(t, all, func(a *jetstream.GroupPinned) bool { return a.PinnedID == "" && a.Reason != "" })
	wanted(t, all, func(a *jetstream.APIAudit) bool {
		who := a.Client
		return who != nil && who.Name == "who" && !who.Start.IsZero() && who.Kind == "Client" && who.Type == "nats" && who.Language == "go" && who.ID > 0
	})
}
