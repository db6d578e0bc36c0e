package jetstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// A transfer is two messages that must be stored together.
func ExamplePublishBatch() {
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
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "ACCOUNTS", Subjects: []string{"accounts.>"}, AllowAtomicPublish: true,
	})
	if err != nil {
		log.Fatal(err)
	}

	ack, err := jetstream.PublishBatch(ctx, js,
		&nats.Msg{Subject: "accounts.alice", Data: []byte("-10"), Header: nats.Header{"Nats-Msg-Id": {"transfer-1"}}},
		&nats.Msg{Subject: "accounts.bob", Data: []byte("+10")})
	var failed *jetstream.BatchError
	switch {
	case err == nil:
		fmt.Println(ack.Count, "messages stored, the last one with sequence", ack.Sequence)
	case errors.As(err, &failed) && failed.MayBeStored:
		fmt.Println("both are stored, or none; publish them again with the same id:", err)
	default:
		fmt.Println("none is stored:", err)
	}
}

// The commit decides: what was added before is stored if the balance is still the one that was read.
func ExampleBatch() {
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
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "LEDGER", Subjects: []string{"ledger.>"}, AllowAtomicPublish: true,
	})
	if err != nil {
		log.Fatal(err)
	}

	b, err := jetstream.NewBatch(js)
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range []string{"debit", "credit"} {
		if err := b.Add(ctx, "ledger."+entry, []byte("10"), jetstream.WithExpectLastSequencePerSubject(0)); err != nil {
			log.Fatal(err)
		}
	}
	ack, err := b.Commit(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ack.Count, "entries up to", ack.Sequence)
}

// Many messages share an ack, and the stream says how many may be under way.
func ExampleIngest() {
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
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "LINES", Subjects: []string{"lines"}, AllowBatchPublish: true,
	})
	if err != nil {
		log.Fatal(err)
	}

	in, err := jetstream.NewIngest(js, jetstream.IngestMsgIDs())
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(strings.NewReader(strings.Repeat("a line\n", 2000)))
	for lines.Scan() {
		if err := in.Publish(ctx, "lines", lines.Bytes()); err != nil {
			break // Close says why
		}
	}
	ack, err := in.Close(ctx)
	var failed *jetstream.IngestError
	switch {
	case err == nil:
		fmt.Println(ack.Count, "lines stored")
	case errors.As(err, &failed):
		fmt.Println("carry on behind line", failed.Stored, "because", failed.Err)
	}
}
