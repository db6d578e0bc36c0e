package nats_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
)

// A publish is tried again while no stream answers, for instance because it does not exist yet. The message id lets the stream drop a
// second copy, so that after a timeout the program may publish once more.
func ExampleJetStream_publish() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		log.Fatal(err)
	}
	ack, err := js.Publish("orders.new", []byte("three apples"),
		nats.MsgId("order-1234"),
		nats.RetryAttempts(10), nats.RetryWait(time.Second), nats.AckWait(15*time.Second))
	switch {
	case errors.Is(err, nats.ErrNoStreamResponse):
		fmt.Println("no stream stores orders.new")
	case errors.Is(err, nats.ErrTimeout):
		fmt.Println("it may be stored")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("stored with sequence", ack.Sequence)
	}
}

// Many publishes wait for their acks at a time. What fails is told once, by the handler; the futures tell it too.
func ExampleJetStream_publishAsync() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream(
		nats.PublishAsyncMaxPending(256),
		nats.PublishAsyncErrHandler(func(_ nats.JetStream, m *nats.Msg, err error) {
			fmt.Printf("%s: %v\n", m.Data, err)
		}))
	if err != nil {
		log.Fatal(err)
	}
	for i := range 1000 {
		if _, err := js.PublishAsync("orders.new", fmt.Append(nil, i), nats.MsgId(fmt.Sprint("order-", i))); err != nil {
			log.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}

// A worker that fetches until it is told to stop. With heartbeats a dead link ends a fetch within two of them.
func ExampleSubscription_Fetch() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		log.Fatal(err)
	}
	sub, err := js.PullSubscribe("orders.*", "billing")
	if err != nil {
		log.Fatal(err)
	}
	for {
		ms, err := sub.Fetch(100, nats.MaxWait(10*time.Second), nats.PullHeartbeat(time.Second))
		switch {
		case errors.Is(err, nats.ErrSubscriptionClosed), errors.Is(err, nats.ErrConnectionClosed):
			return
		case errors.Is(err, nats.ErrTimeout):
			continue // nothing came
		case err != nil:
			fmt.Println(err) // a fetch paces itself: no pause is needed
		}
		for _, m := range ms {
			fmt.Printf("%s: %s\n", m.Subject, m.Data)
			if err := m.Ack(); err != nil {
				fmt.Println(err)
			}
		}
	}
}

// Messages are handled as they come. Error tells an idle stream from trouble.
func ExampleSubscription_FetchBatch() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		log.Fatal(err)
	}
	sub, err := js.PullSubscribe("", "", nats.Bind("ORDERS", "billing"))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	batch, err := sub.FetchBatch(1000, nats.Context(ctx), nats.PullHeartbeat(time.Second))
	if err != nil {
		log.Fatal(err)
	}
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(meta.Sequence.Stream, meta.NumDelivered, string(m.Data))
		if err := m.AckSync(); err != nil {
			fmt.Println("not confirmed:", err)
		}
	}
	if err := batch.Error(); err != nil {
		fmt.Println("ended early:", err)
	}
}
