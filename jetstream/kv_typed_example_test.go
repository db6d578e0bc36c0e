package jetstream_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// Values that are read, changed and written, with the attempts that it takes when others write, too.
func ExampleTypedKV_Modify() {
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
	bucket, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "carts"})
	if err != nil {
		log.Fatal(err)
	}
	type cart struct{ Items []string }
	carts, err := jetstream.NewTypedKV(bucket, jetstream.JSONCodec[cart]())
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range []string{"apples", "pears"} {
		_, err := carts.Modify(ctx, "alice", func(c cart, found bool) (cart, error) {
			c.Items = append(c.Items, item)
			return c, nil
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	e, err := carts.Get(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.Value.Items)
}

// A bucket in memory: reads ask nobody, and see at once what was written through the cache.
func ExampleNewKeyValueCache() {
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
	bucket, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "settings"})
	if err != nil {
		log.Fatal(err)
	}
	settings, err := jetstream.NewKeyValueCache(ctx, bucket)
	if err != nil {
		log.Fatal(err)
	}
	defer settings.Stop()
	if _, err := settings.Put(ctx, "limits.upload", []byte("64 MiB")); err != nil {
		log.Fatal(err)
	}
	e, err := settings.Get(ctx, "limits.upload")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s\n", e.Key(), e.Value())
}
