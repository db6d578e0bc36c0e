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

// A publish is tried again only where nothing can be stored twice: when no stream answers, and, with a message id, when the connection is
// lost. Everything happens within the context's time.
func ExampleJetStream_publish() {
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

	ack, err := js.Publish(ctx, "orders.paid", []byte("42"),
		jetstream.WithMsgID("order-42-paid"),
		jetstream.WithRetryAttempts(20),
		jetstream.WithRetryWait(100*time.Millisecond))
	var refused *jetstream.APIError
	switch {
	case err == nil:
		fmt.Println("stored as", ack.Sequence, "in", ack.Stream, "again:", ack.Duplicate)
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		fmt.Println("not stored: no stream has this subject, or it has no leader")
	case errors.As(err, &refused):
		fmt.Println("not stored:", refused.Description)
	default:
		fmt.Println("not known to be stored, publish it again with the same id:", err)
	}
}

// Asynchronous publishes do not wait for each other. Every future ends, with an ack or with the reason why there is none.
func ExampleJetStream_publishAsync() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc,
		jetstream.WithPublishAsyncMaxPending(1000),
		jetstream.WithPublishAsyncTimeout(10*time.Second))
	if err != nil {
		log.Fatal(err)
	}

	futures := make([]jetstream.PubAckFuture, 0, 5000)
	for i := range 5000 {
		f, err := js.PublishAsync("orders.paid", fmt.Append(nil, i), jetstream.WithStallWait(5*time.Second))
		if err != nil {
			log.Fatal(err)
		}
		futures = append(futures, f)
	}
	<-js.PublishAsyncComplete()
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			fmt.Printf("%s: %v\n", f.Msg().Data, err)
		}
	}
}

// The handlers of asynchronous publishes may call every method, for instance publish once more. The id makes that safe.
func ExampleWithPublishAsyncErrHandler() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncErrHandler(func(js jetstream.JetStream, m *nats.Msg, err error) {
		if errors.Is(err, nats.ErrDisconnected) || errors.Is(err, jetstream.ErrAsyncPublishTimeout) {
			_, err = js.PublishMsgAsync(m)
		}
		if err != nil {
			log.Printf("%s is not stored: %v", m.Data, err)
		}
	}))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := js.PublishAsync("orders.paid", []byte("42"), jetstream.WithMsgID("order-42-paid")); err != nil {
		log.Fatal(err)
	}
	<-js.PublishAsyncComplete()
}
