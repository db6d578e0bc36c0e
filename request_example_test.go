package nats_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
)

func ExampleConn_RequestMany() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	// Everybody may answer. The round is over when nothing has come for 100 ms, or after the second answer.
	for m, err := range nc.RequestMany(context.Background(), "who.is.there", nil,
		nats.RequestManyStall(100*time.Millisecond), nats.RequestManyMax(2)) {
		switch {
		case errors.Is(err, nats.ErrNoResponders):
			fmt.Println("nobody")
		case err != nil:
			log.Println(err)
		default:
			fmt.Println(string(m.Data))
		}
	}
}

func ExampleFailFastRequests() {
	nc, err := nats.Connect(nats.DefaultURL, nats.FailFastRequests())
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	for {
		m, err := nc.Request("account.charge", []byte("100"), 10*time.Second)
		var lost *nats.RequestError
		switch {
		case err == nil:
			fmt.Println(string(m.Data))
			return
		case errors.As(err, &lost) && errors.Is(err, nats.ErrDisconnected) && !lost.MayHaveRun:
			continue // nobody has seen it: once more, which waits for the link
		default:
			log.Println(err) // who knows
			return
		}
	}
}

func ExampleSubscription_SetSlowPolicy() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()

	// Of prices only the latest counts: one in the hands of the callback, and one that waits.
	prices, err := nc.Subscribe("prices.>", func(m *nats.Msg) { fmt.Println(m.Subject) })
	if err != nil {
		log.Fatal(err)
	}
	if err := prices.SetSlowPolicy(nats.SlowPolicy{DropOld: true}); err != nil {
		log.Fatal(err)
	}
	if err := prices.SetPendingLimits(2, -1); err != nil {
		log.Fatal(err)
	}

	// Orders are not to be lost: when 10,000 wait, the whole connection stands still for up to a second.
	orders, err := nc.Subscribe("orders.>", func(m *nats.Msg) { fmt.Println(m.Subject) })
	if err != nil {
		log.Fatal(err)
	}
	if err := orders.SetSlowPolicy(nats.SlowPolicy{Wait: time.Second}); err != nil {
		log.Fatal(err)
	}
	if err := orders.SetPendingLimits(10_000, -1); err != nil {
		log.Fatal(err)
	}
	stats, err := orders.SlowStats()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stats.Waits, stats.DroppedNew)
}

func ExampleSlowConsumerErrors() {
	nc, err := nats.Connect(nats.DefaultURL, nats.SlowConsumerErrors(),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			var slow *nats.SlowConsumerError
			if errors.As(err, &slow) {
				log.Printf("%s: %d wait, %d dropped", slow.Subject, slow.PendingMsgs, slow.Dropped)
			}
		}))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
}

func ExampleSubscription_MsgsTimeout() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("sensors.>")
	if err != nil {
		log.Fatal(err)
	}
	for m, err := range sub.MsgsTimeout(100 * time.Millisecond) {
		switch {
		case errors.Is(err, nats.ErrTimeout):
			fmt.Println("quiet")
			return // or go on: the next value comes with the next message
		case err != nil:
			log.Fatal(err)
		}
		fmt.Println(m.Subject)
	}
}
