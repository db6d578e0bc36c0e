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

// A batch says why it ended: a nil error means that there are no more messages now, and nothing else.
func ExampleConsumer_fetch() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	billing, err := js.Consumer(context.Background(), "ORDERS", "billing")
	if err != nil {
		log.Fatal(err)
	}

	batch, err := billing.Fetch(100, jetstream.FetchMaxWait(5*time.Second), jetstream.FetchHeartbeat(time.Second))
	if err != nil {
		log.Fatal(err)
	}
	for m := range batch.Messages() {
		fmt.Printf("%s: %s\n", m.Subject(), m.Data())
		if err := m.Ack(); err != nil {
			log.Print(err)
		}
	}
	switch err := batch.Error(); {
	case err == nil:
	case errors.Is(err, jetstream.ErrNoHeartbeat), errors.Is(err, jetstream.ErrServerShutdown):
		fmt.Println("the server is gone; the next fetch waits for it:", err)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrConsumerDeleted):
		fmt.Println("the consumer is gone:", err)
	default:
		log.Print(err)
	}
}

// One message at a time. What cannot be handled now is asked for again later, and what never can be is given up.
func ExampleConsumer_next() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	billing, err := js.Consumer(context.Background(), "ORDERS", "billing")
	if err != nil {
		log.Fatal(err)
	}
	m, err := billing.Next(jetstream.FetchMaxWait(time.Second))
	if errors.Is(err, nats.ErrTimeout) {
		fmt.Println("nothing to do")
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	meta, err := m.Metadata()
	if err != nil {
		log.Fatal(err)
	}
	switch {
	case len(m.Data()) == 0:
		err = m.TermWithReason("an order without a number")
	case meta.NumDelivered < 3:
		err = m.NakWithDelay(10 * time.Second)
	default:
		err = m.DoubleAck(context.Background())
	}
	if err != nil {
		log.Fatal(err)
	}
}
