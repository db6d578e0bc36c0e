package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// A stream for orders, and a consumer for those that were paid. Running it again changes what differs.
func Example() {
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

	orders, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:     "ORDERS",
		Subjects: []string{"orders.>"},
		MaxAge:   24 * time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	paid, err := orders.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:       "billing",
		FilterSubject: "orders.paid",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(orders.CachedInfo().State.Msgs, "messages,", paid.CachedInfo().NumPending, "to bill")
}

// Errors of the server match by their code.
func ExampleJetStream_stream() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	switch _, err := js.Stream(context.Background(), "ORDERS"); {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		fmt.Println("no such stream")
	case errors.Is(err, nats.ErrNoResponders):
		fmt.Println("no JetStream here")
	case err != nil:
		log.Fatal(err)
	}
}

// A list comes through a channel; Err tells whether it is complete.
func ExampleJetStream_listStreams() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	list := js.ListStreams(context.Background(), jetstream.WithStreamListSubject("orders.>"))
	for info := range list.Info() {
		fmt.Println(info.Config.Name, info.State.Msgs)
	}
	if err := list.Err(); err != nil {
		log.Fatal(err)
	}
}
