package jetstream_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// Everything that a stream holds, once and in order, without acks.
func ExampleStreamConsumerManager_orderedConsumer() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	orders, err := js.OrderedConsumer(ctx, "ORDERS", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"orders.>"}})
	if err != nil {
		log.Fatal(err)
	}
	for m, err := range jetstream.All(ctx, orders) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s\n", m.Subject(), m.Data())
		if meta, err := m.Metadata(); err == nil && meta.NumPending == 0 {
			break // that was all there is
		}
	}
}
