package nats_test

import (
	"fmt"
	"log"
	"os"

	"github.com/gannet-io/nats"
)

// Files as objects, with the older API.
func ExampleObjectStore() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		log.Fatal(err)
	}
	backups, err := js.CreateObjectStore(&nats.ObjectStoreConfig{Bucket: "backups"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := backups.PutString("settings", "colour=grey"); err != nil {
		log.Fatal(err)
	}
	file := os.TempDir() + "/settings"
	if err := backups.GetFile("settings", file); err != nil { // the file appears when all bytes are right
		log.Fatal(err)
	}
	defer os.Remove(file)
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}
