package nats_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/gannet-io/nats"
)

func ExampleConnect() {
	nc, err := nats.Connect("nats://127.0.0.1:4222,nats://127.0.0.1:4223",
		nats.Name("orders"),
		nats.UserInfo("joe", "secret"),
		nats.MaxReconnects(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Println("disconnected:", err) }),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Println("back on", nc.ConnectedUrlRedacted()) }),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	fmt.Println(nc.Status())
}

func ExampleConn_Publish() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	for i := range 1000 {
		if err := nc.Publish("sensors.temperature", fmt.Append(nil, 20+i%3)); err != nil {
			log.Fatal(err)
		}
	}
	// Publish returns before the message is on its way. Flush waits until the server has all of them.
	if err := nc.Flush(); err != nil {
		log.Fatal(err)
	}
}

func ExampleConn_PublishMsg() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	m := nats.NewMsg("orders.new")
	m.Header.Set("Content-Type", "application/json")
	m.Data = []byte(`{"id":1}`)
	if err := nc.PublishMsg(m); err != nil {
		log.Fatal(err)
	}
}

func ExampleConn_Subscribe() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	sub, err := nc.Subscribe("sensors.>", func(m *nats.Msg) { fmt.Printf("%s: %s\n", m.Subject, m.Data) })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sub.IsValid())

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	<-interrupted

	// Drain works off what has arrived before it closes the connection.
	closed := nc.StatusChanged(nats.CLOSED)
	if err := nc.Drain(); err != nil {
		log.Fatal(err)
	}
	<-closed
}

func ExampleConn_QueueSubscribe() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	// Each request goes to one member of the group, in whatever process it is.
	_, err = nc.QueueSubscribe("time", "clocks", func(m *nats.Msg) {
		if err := m.Respond([]byte(time.Now().Format(time.RFC3339))); err != nil {
			log.Println(err)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleConn_Request() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	m, err := nc.Request("time", nil, time.Second)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		fmt.Println("nobody listens")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println(string(m.Data))
	}
}

func ExampleSubscription_NextMsgWithContext() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("sensors.>")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, nats.ErrSlowConsumer):
			continue // some messages were dropped; there are more
		case err != nil:
			return
		}
		fmt.Println(m.Subject)
	}
}

func ExampleSubscription_Msgs() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("sensors.>")
	if err != nil {
		log.Fatal(err)
	}
	for m, err := range sub.Msgs() {
		if err != nil {
			log.Println(err)
			return
		}
		fmt.Println(m.Subject)
	}
}

func ExampleErrorHandler() {
	nc, err := nats.Connect(nats.DefaultURL, nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
		var loss *nats.LossError
		switch {
		case errors.As(err, &loss):
			log.Printf("%d messages lost, up to %d more may be", loss.Dropped, loss.Unconfirmed)
		case errors.Is(err, nats.ErrSlowConsumer):
			n, _ := sub.Dropped()
			log.Printf("%d messages on %s dropped", n, sub.Subject)
		default:
			log.Println(err)
		}
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
}
