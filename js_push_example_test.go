package nats_test

import (
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
)

// Each message comes once and in order, whatever becomes of servers and links, and nothing is acknowledged.
func ExampleJetStream_ordered() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := js.AddStream(&nats.StreamConfig{Name: "AUDIT", Subjects: []string{"audit.>"}}); err != nil {
		log.Fatal(err)
	}
	for _, what := range []string{"login", "logout"} {
		if _, err := js.Publish("audit."+what, nil); err != nil {
			log.Fatal(err)
		}
	}

	sub, err := js.SubscribeSync("audit.*", nats.OrderedConsumer())
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		m, err := sub.NextMsg(5 * time.Second)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Subject)
	}
	if err := sub.Unsubscribe(); err != nil {
		log.Fatal(err)
	}
}

// The members of a group share the messages of one durable consumer. Each one is acknowledged when the callback has returned.
func ExampleJetStream_queueSubscribe() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := js.AddStream(&nats.StreamConfig{Name: "MAIL", Subjects: []string{"mail.*"}}); err != nil {
		log.Fatal(err)
	}

	done := make(chan string, 10)
	for range 2 {
		_, err := js.QueueSubscribe("mail.*", "senders", func(m *nats.Msg) {
			done <- m.Subject
		}, nats.AckWait(10*time.Second), nats.MaxDeliver(5))
		if err != nil {
			log.Fatal(err)
		}
	}
	if _, err := js.Publish("mail.welcome", nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-done)
}
