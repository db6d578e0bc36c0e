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

// Consumers are made, changed, found and deleted by the stream that they belong to.
func ExampleConsumerManager() {
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
	cfg := jetstream.ConsumerConfig{Durable: "billing", AckWait: time.Minute, MaxDeliver: 5}
	if _, err := parcels.CreateConsumer(ctx, cfg); err != nil {
		log.Fatal(err)
	}
	cfg.AckWait = 2 * time.Minute
	consumer, err := parcels.UpdateConsumer(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Name, "waits", info.Config.AckWait)

	paused, err := parcels.PauseConsumer(ctx, "billing", time.Now().Add(time.Hour))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("paused:", paused.Paused)
	if err := parcels.DeleteConsumer(ctx, "billing"); err != nil {
		log.Fatal(err)
	}
	_, err = parcels.Consumer(ctx, "billing")
	fmt.Println("gone:", errors.Is(err, jetstream.ErrConsumerNotFound))
}

// Messages of a stream without a consumer, page by page, and then without them.
func ExampleGetMsgs() {
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
	readings, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "READINGS", Subjects: []string{"readings.>"}, AllowDirect: true})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := js.Publish(ctx, "readings.gas", []byte("4711")); err != nil {
		log.Fatal(err)
	}
	for m, err := range jetstream.GetMsgs(ctx, readings, jetstream.GetSubject("readings.>"), jetstream.GetLimit(10)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d %s: %s\n", m.Sequence, m.Subject, m.Data)
	}
	if err := readings.Purge(ctx, jetstream.WithPurgeSubject("readings.gas")); err != nil {
		log.Fatal(err)
	}
	info, err := readings.Info(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.State.Msgs, "left")
}

// What is in a stream can be counted, read and removed by subject, without a consumer.
func ExampleStream() {
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
	doors, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "DOORS", Subjects: []string{"doors.*"}})
	if err != nil {
		log.Fatal(err)
	}
	for _, subject := range []string{"doors.front", "doors.back", "doors.front"} {
		if _, err := js.Publish(ctx, subject, []byte("opened")); err != nil {
			log.Fatal(err)
		}
	}
	info, err := doors.Info(ctx, jetstream.WithSubjectFilter("doors.front"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.State.Msgs, "messages,", info.State.Subjects["doors.front"], "of the front door")
	last, err := doors.GetLastMsgForSubject(ctx, "doors.front")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d %s: %s\n", last.Sequence, last.Subject, last.Data)
	if err := doors.Purge(ctx, jetstream.WithPurgeSubject("doors.front")); err != nil {
		log.Fatal(err)
	}
	_, err = doors.GetLastMsgForSubject(ctx, "doors.front")
	fmt.Println("gone:", errors.Is(err, jetstream.ErrMsgNotFound))
}
