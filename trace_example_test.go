package nats_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
)

// Where would a message go? Nobody gets it.
func ExampleConn_TraceMsg() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.QueueSubscribe("traces.new", "workers", func(*nats.Msg) { fmt.Println("never") }); err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	for event, err := range nc.TraceMsg(ctx, nats.NewMsg("traces.new"), false) {
		if err != nil {
			log.Fatal(err)
		}
		for _, step := range event.Steps {
			if step.Kind == nats.TraceEgress {
				fmt.Println("to", step.Subscription, step.Queue)
			}
		}
	}
}
