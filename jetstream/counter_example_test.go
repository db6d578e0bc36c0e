package jetstream_test

import (
	"context"
	"fmt"
	"log"
	"math/big"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// Many clients add to a counter, and nobody has to read it first.
func ExampleAddCounter() {
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
		Name: "VISITS", Subjects: []string{"visits.*"}, AllowMsgCounter: true, AllowDirect: true,
	})
	if err != nil {
		log.Fatal(err)
	}

	for _, page := range []string{"home", "news", "home"} {
		if _, err := jetstream.AddCounter(ctx, js, "visits."+page, big.NewInt(1)); err != nil {
			log.Fatal(err)
		}
	}
	for c, err := range jetstream.GetCounters(ctx, stream, []string{"visits.*"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c.Subject, c.Value)
	}
}

// What is delivered too often, and never acknowledged, is found by its advisory.
func ExampleAdvisories() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()

	for a, err := range jetstream.Advisories(ctx, nc, jetstream.AdvisoryMaxDeliveries) {
		if err != nil {
			break // the context's time is over
		}
		if m, ok := a.(*jetstream.MaxDeliveries); ok {
			fmt.Println("message", m.StreamSeq, "of", m.Stream, "was not handled by", m.Consumer)
		}
	}
}
