package jetstream_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// A push consumer for programs that others have set up for it. Heartbeats are the only sign of a consumer that was deleted.
func ExamplePushConsumer() {
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
	parcels, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "PARCELS", Subjects: []string{"parcels.>"}})
	if err != nil {
		log.Fatal(err)
	}
	consumer, err := parcels.CreateOrUpdatePushConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "labels", DeliverSubject: "to.labels", IdleHeartbeat: 5 * time.Second, FlowControl: true,
	})
	if err != nil {
		log.Fatal(err)
	}

	handled := make(chan struct{}, 1)
	consuming, err := consumer.Consume(func(m jetstream.Msg) {
		fmt.Printf("%s: %s\n", m.Subject(), m.Data())
		if err := m.Ack(); err != nil {
			log.Print(err)
		}
		handled <- struct{}{}
	}, jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		log.Print(err) // ErrNoHeartbeat, again and again: look for the consumer
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer consuming.Stop()

	if _, err := js.Publish(ctx, "parcels.4711", []byte("to Ghent")); err != nil {
		log.Fatal(err)
	}
	<-handled
}
