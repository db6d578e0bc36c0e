package jetstream_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// The last message of each subject, as they were at one moment.
func ExampleGetLastMsgs() {
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
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "SENSORS", Subjects: []string{"sensors.>"}, AllowDirect: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, reading := range []string{"18", "19", "20"} {
		if _, err := js.Publish(ctx, "sensors.kitchen", []byte(reading)); err != nil {
			log.Fatal(err)
		}
	}

	for m, err := range jetstream.GetLastMsgs(ctx, stream, []string{"sensors.*"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Subject, string(m.Data), "is message", m.Sequence)
	}
	for m, err := range jetstream.GetMsgs(ctx, stream, jetstream.GetFrom(2), jetstream.GetLimit(1)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("before it was", string(m.Data))
	}
}
