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

// A handler for every message, for a while. What was received is handled before it ends.
func ExampleConsumer_consume() {
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

	consuming, err := billing.Consume(func(m jetstream.Msg) {
		fmt.Printf("%s: %s\n", m.Subject(), m.Data())
		if err := m.Ack(); err != nil {
			log.Print(err)
		}
	}, jetstream.PullMaxMessages(100), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		log.Print(err) // it goes on, unless the consumer or the connection is gone
	}))
	if err != nil {
		log.Fatal(err)
	}

	time.AfterFunc(time.Second, consuming.Drain)
	<-consuming.Closed()
}

// An iterator, for a loop that is in control: it stops after a hundred messages, or when there was none for a while.
func ExampleConsumer_messages() {
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

	messages, err := billing.Messages(jetstream.StopAfter(100))
	if err != nil {
		log.Fatal(err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextMaxWait(time.Second))
		switch {
		case err == nil:
			fmt.Printf("%s: %s\n", m.Subject(), m.Data())
			if err := m.Ack(); err != nil {
				log.Print(err)
			}
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			log.Print("the server is silent; the iterator goes on")
		case errors.Is(err, nats.ErrTimeout), errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return
		default:
			log.Fatal(err)
		}
	}
}
