package jetstream_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// Objects of any size, in chunks. Puts and gets go on over lost links.
func ExampleObjectStore() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	invoices, err := js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "invoices"})
	if err != nil {
		log.Fatal(err)
	}
	info, err := invoices.Put(ctx, jetstream.ObjectMeta{Name: "2026/0001", Description: "of order 1234"}, strings.NewReader("42 EUR"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Size, "bytes in", info.Chunks, "chunk")

	object, err := invoices.Get(ctx, "2026/0001")
	if err != nil {
		log.Fatal(err)
	}
	defer object.Close()
	text, err := io.ReadAll(object) // an error if the digest is not that of what was put
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}

// A watch begins with what is there.
func ExampleObjectStore_watch() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	invoices, err := js.ObjectStore(ctx, "invoices")
	if err != nil {
		log.Fatal(err)
	}
	w, err := invoices.Watch(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		log.Fatal(err)
	}
	defer w.Stop()
	for info := range w.Updates() {
		if info == nil {
			fmt.Println("that was all")
			break
		}
		fmt.Println(info.Name, info.Size)
	}
}

// A bucket is a file system for everything that reads one: templates, web servers, archives.
func ExampleObjectFS() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	invoices, err := js.ObjectStore(ctx, "invoices")
	if err != nil {
		log.Fatal(err)
	}
	fsys, err := jetstream.ObjectFS(ctx, invoices)
	if err != nil {
		log.Fatal(err)
	}
	names, err := fs.Glob(fsys, "2026/*")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(names)
}

// A part of an object, without the parts before it.
func ExampleOpenObject() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	invoices, err := js.ObjectStore(ctx, "invoices")
	if err != nil {
		log.Fatal(err)
	}
	file, err := jetstream.OpenObject(ctx, invoices, "2026/0001")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	currency := make([]byte, 3)
	if _, err := file.ReadAt(currency, 3); err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(currency))
}

// PutObject tells how much of a large object the stream has.
func ExamplePutObject() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background()) // no deadline: as long as there is progress
	defer cancel()
	films, err := js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "films"})
	if err != nil {
		log.Fatal(err)
	}
	film := strings.NewReader(strings.Repeat("film", 256<<10))
	var last uint64
	info, err := jetstream.PutObject(ctx, films, jetstream.ObjectMeta{Name: "wings.mp4"}, film, func(stored uint64) { last = stored })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Size, "bytes in", info.Chunks, "chunks, all told:", last == info.Size)
}
