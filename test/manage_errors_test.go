package test

import (
	"errors"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// TestManageErrors: what the server refuses matches the value that has a name for it, and nothing is made.
func TestManageErrors(t *testing.T) {
	m := newManager(t)
	ctx := t.Context()
	s := got[jetstream.Stream](t)(m.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "A", Subjects: []string{"a.>"}, Storage: jetstream.MemoryStorage, MaxConsumers: 1, MaxMsgSize: 10,
	}))
	got[jetstream.Consumer](t)(s.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "c", DeliverPolicy: jetstream.DeliverNewPolicy}))
	create := func(cfg jetstream.ConsumerConfig) error { return second(s.CreateConsumer(ctx, cfg)) }
	add := func(cfg nats.ConsumerConfig) error { return second(m.old.AddConsumer("A", &cfg)) }
	both, overlap, empty := []string{"a.b", "a.c"}, []string{"a.>", "a.b"}, []string{"a.b", ""}
	for name, c := range map[string]struct{ err, want error }{
		"one consumer too many":        {create(jetstream.ConsumerConfig{Durable: "d"}), jetstream.ErrMaximumConsumersLimit},
		"a message that is too large":  {second(m.js.Publish(ctx, "a.b", make([]byte, 20))), jetstream.ErrStreamMessageExceedsMaximum},
		"filter and filters":           {create(jetstream.ConsumerConfig{Name: "d", FilterSubject: "a.b", FilterSubjects: both}), jetstream.ErrDuplicateFilterSubjects},
		"filters that overlap":         {create(jetstream.ConsumerConfig{Name: "d", FilterSubjects: overlap}), jetstream.ErrOverlappingFilterSubjects},
		"an empty filter":              {create(jetstream.ConsumerConfig{Name: "d", FilterSubjects: empty}), jetstream.ErrEmptyFilter},
		"another configuration":        {create(jetstream.ConsumerConfig{Durable: "c", AckPolicy: jetstream.AckNonePolicy}), jetstream.ErrConsumerExists},
		"an update of nothing":         {second(s.UpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: "d"})), jetstream.ErrConsumerDoesNotExist},
		"a reset that cannot be":       {second(s.ResetConsumerToSequence(ctx, "c", 7)), jetstream.ErrConsumerInvalidReset},
		"a stream of the same name":    {second(m.js.CreateStream(ctx, jetstream.StreamConfig{Name: "A"})), jetstream.ErrStreamNameAlreadyInUse},
		"older: filter and filters":    {add(nats.ConsumerConfig{Name: "d", FilterSubject: "a.b", FilterSubjects: both}), nats.ErrDuplicateFilterSubjects},
		"older: filters that overlap":  {add(nats.ConsumerConfig{Name: "d", FilterSubjects: overlap}), nats.ErrOverlappingFilterSubjects},
		"older: an empty filter":       {add(nats.ConsumerConfig{Name: "d", FilterSubjects: empty}), nats.ErrEmptyFilter},
		"older: another configuration": {add(nats.ConsumerConfig{Durable: "c", AckPolicy: nats.AckNonePolicy}), nats.ErrConsumerNameAlreadyInUse},
		"older: the same stream":       {second(m.old.AddStream(&nats.StreamConfig{Name: "A"})), nats.ErrStreamNameAlreadyInUse},
		"older: no stream":             {m.old.PurgeStream("none"), nats.ErrStreamNotFound},
		"older: no consumer":           {m.old.DeleteConsumer("A", "none"), nats.ErrConsumerNotFound},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: got %v, want %v", name, c.err, c.want)
		}
	}
	if i := got[*jetstream.StreamInfo](t)(s.Info(ctx)); i.State.Consumers != 1 || i.State.Msgs != 0 {
		t.Errorf("%d consumers and %d messages are there", i.State.Consumers, i.State.Msgs)
	}
}
