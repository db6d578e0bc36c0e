package nats_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/gannet-io/nats"
)

// A revision protects an update: whoever was faster is not overwritten.
func ExampleKeyValue() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		log.Fatal(err)
	}
	stock, err := js.CreateKeyValue(&nats.KeyValueConfig{Bucket: "stock", History: 5})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := stock.PutString("apples", "3"); err != nil {
		log.Fatal(err)
	}
	e, err := stock.Get("apples")
	if err != nil {
		log.Fatal(err)
	}
	_, err = stock.Update("apples", []byte("2"), e.Revision())
	switch {
	case errors.Is(err, nats.ErrKeyRevisionMismatch):
		fmt.Println("somebody was faster")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Printf("apples: %s, now 2\n", e.Value())
	}
}

// A watch begins with what is there, says where that ends, and goes on with every change.
func ExampleKeyWatcher() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		log.Fatal(err)
	}
	stock, err := js.CreateKeyValue(&nats.KeyValueConfig{Bucket: "stock", History: 5})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := stock.PutString("pears", "7"); err != nil {
		log.Fatal(err)
	}
	w, err := stock.Watch("pears")
	if err != nil {
		log.Fatal(err)
	}
	for e := range w.Updates() {
		if e == nil {
			fmt.Println("that is all there was")
			break
		}
		fmt.Printf("%s: %s\n", e.Key(), e.Value())
	}
	if err := w.Stop(); err != nil {
		log.Fatal(err)
	}
}
