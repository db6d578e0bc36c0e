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

// Values have revisions. Update stores a new one only if nobody has written since this program read.
func ExampleKeyValue() {
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
	prices, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "prices", History: 5})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := prices.PutString(ctx, "fruit.apples", "3"); err != nil {
		log.Fatal(err)
	}
	entry, err := prices.Get(ctx, "fruit.apples")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := prices.Update(ctx, "fruit.apples", []byte("4"), entry.Revision()); errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		fmt.Println("somebody was faster")
	} else if err != nil {
		log.Fatal(err)
	}
	history, err := prices.History(ctx, "fruit.apples")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range history {
		fmt.Printf("%s: %s\n", e.Key(), e.Value())
	}
	if err := prices.Delete(ctx, "fruit.apples"); err != nil {
		log.Fatal(err)
	}
	_, err = prices.Get(ctx, "fruit.apples")
	fmt.Println("deleted:", errors.Is(err, jetstream.ErrKeyNotFound))
}

// Create succeeds for one of those who try at the same time, until the key expires or is deleted.
func ExampleKeyValue_Create() {
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
	jobs, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "jobs", LimitMarkerTTL: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	_, err = jobs.Create(ctx, "nightly", []byte("worker 1"), jetstream.KeyTTL(time.Hour))
	switch {
	case errors.Is(err, jetstream.ErrKeyExists):
		fmt.Println("somebody does it")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("it is ours")
	}
}

// A watch begins with what is there, says where that ends, and goes on with every change. Why it ended can be asked.
func ExampleKeyWatcher() {
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
	stock, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "stock"})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := stock.PutString(ctx, "pears", "7"); err != nil {
		log.Fatal(err)
	}
	w, err := stock.Watch(ctx, "pears", jetstream.IgnoreDeletes())
	if err != nil {
		log.Fatal(err)
	}
	defer w.Stop()
	for e := range w.Updates() {
		if e == nil {
			fmt.Println("that is all there was")
			return
		}
		fmt.Printf("%s: %s\n", e.Key(), e.Value())
	}
	fmt.Println("the watch has ended:", jetstream.KeyWatcherErr(w))
}

// Two accounts change together, or not at all when somebody was faster.
func ExampleKeyValueTx() {
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
	accounts, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "accounts", AllowAtomicPublish: true})
	if err != nil {
		log.Fatal(err)
	}
	open := jetstream.NewKeyValueTx(accounts)
	open.Put("alice", []byte("100"))
	open.Put("bob", []byte("100"))
	revisions, err := open.Commit(ctx)
	if err != nil {
		log.Fatal(err)
	}
	pay := jetstream.NewKeyValueTx(accounts)
	pay.Update("alice", []byte("70"), revisions[0])
	pay.Update("bob", []byte("130"), revisions[1])
	if _, err := pay.Commit(ctx); errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		fmt.Println("somebody was faster, nothing has changed")
	} else if err != nil {
		log.Fatal(err)
	}
	both, err := jetstream.GetValues(ctx, accounts, "alice", "bob") // at the same moment
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("alice %s, bob %s\n", both["alice"].Value(), both["bob"].Value())
}

// One of many programs does the work at a time. What it writes to should refuse fences that are smaller than one it has seen.
func ExampleAcquireLock() {
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
	locks, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "locks", LimitMarkerTTL: time.Second})
	if err != nil {
		log.Fatal(err)
	}
	lock, err := jetstream.AcquireLock(ctx, locks, "reports", jetstream.LockConfig{TTL: 5 * time.Second, Holder: "host 1"})
	if err != nil {
		log.Fatal(err)
	}
	select {
	case <-lock.Lost():
		fmt.Println("stop:", lock.Err())
	default:
		fmt.Println("at work, with a fence:", lock.Fence() > 0)
	}
	if err := lock.Release(ctx); err != nil {
		log.Fatal(err)
	}
}

// Of all programs that call this, one leads at a time; when it ends or loses its link, another one takes over.
func ExampleRunElected() {
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
	leaders, err := js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "leaders", LimitMarkerTTL: time.Second})
	if err != nil {
		log.Fatal(err)
	}
	err = jetstream.RunElected(ctx, leaders, "cleaner", jetstream.LockConfig{TTL: 5 * time.Second, Holder: "host 1"},
		func(ctx context.Context, fence uint64) error {
			// ctx ends when the leadership is lost. A leader that returns while it has it, ends RunElected.
			fmt.Println("leads, with a fence:", fence > 0, ctx.Err())
			return nil
		})
	if err != nil {
		log.Fatal(err)
	}
}
