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

// A range loop over the messages of a consumer, with everything that can happen in one place.
func ExampleAll() {
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
	billing, err := js.Consumer(ctx, "ORDERS", "billing")
	if err != nil {
		log.Fatal(err)
	}

	for m, err := range jetstream.All(ctx, billing, jetstream.StopAfter(3)) {
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			log.Print("nobody answers; still trying: ", err)
			continue
		}
		if err != nil {
			log.Fatal(err) // the consumer, the connection or the time is over
		}
		fmt.Printf("%s: %s\n", m.Subject(), m.Data())
		if err := m.Ack(); err != nil {
			log.Print(err)
		}
	}
}

// A range loop over one batch. Its last error says why there were no more.
func ExampleFetched() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	billing, err := js.Consumer(ctx, "ORDERS", "billing")
	if err != nil {
		log.Fatal(err)
	}

	for m, err := range jetstream.Fetched(ctx, billing, 10, jetstream.FetchMaxWait(time.Second)) {
		switch {
		case err == nil:
			fmt.Printf("%s: %s\n", m.Subject(), m.Data())
			_ = m.Ack()
		case errors.Is(err, jetstream.ErrNoAnswer):
			log.Print("nobody answered: there may be messages")
		case errors.Is(err, nats.ErrTimeout):
			fmt.Println("no more orders for now")
		default:
			log.Print(err)
		}
	}
}
