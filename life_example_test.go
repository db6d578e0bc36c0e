package nats_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/gannet-io/nats"
)

func ExampleConnectContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// Resilient has it go on trying until there is a connection, or ctx ends.
	nc, err := nats.ConnectContext(ctx, nats.DefaultURL, nats.Resilient())
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	fmt.Println(nc.Status())
}

func ExampleResilient() {
	nc, err := nats.Connect("nats://127.0.0.1:4222,nats://127.0.0.1:4223",
		nats.Resilient(),
		nats.MaxReconnects(1000), // what is said besides stands, before it or after it
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if errors.Is(err, nats.ErrLameDuck) {
				log.Println("moved to another server, since this one goes")
			}
		}),
	)
	if err != nil {
		log.Fatal(err) // the options or URLs are wrong: servers that are away are no error
	}
	defer nc.Close()
	fmt.Println(nc.Opts.MaxReconnect)
}

func ExampleConn_Shutdown() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := nc.Subscribe("jobs", func(m *nats.Msg) { fmt.Printf("%s done\n", m.Data) }); err != nil {
		log.Fatal(err)
	}
	if err := nc.Publish("jobs", []byte("first")); err != nil {
		log.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		log.Fatal(err)
	}
	// On SIGTERM, say: work off what has arrived and have everything confirmed that was published, but not for ever.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var undone *nats.ShutdownError
	if err := nc.Shutdown(ctx); errors.As(err, &undone) {
		log.Printf("%d messages not handled, %d not sent: %v", undone.Undelivered, undone.Unsent, undone.Err)
	}
	fmt.Println(nc.Status())
}

func ExampleConn_Health() {
	nc, err := nats.Connect(nats.DefaultURL)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	http.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) {
		h := nc.Health()
		if err := h.Err(); err != nil {
			http.Error(w, fmt.Sprintf("%v since %v: %v", h.Status, h.Since, err), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "%s, %v away, %d messages dropped by slow subscriptions\n", h.Server, h.RTT, h.Dropped)
	})
	fmt.Println(nc.Health().Ready())
}

func ExampleLogger() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	nc, err := nats.Connect(nats.DefaultURL, nats.Name("orders"), nats.Logger(logger))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	fmt.Println(nc.Status())
}

func ExampleResendUnconfirmed() {
	nc, err := nats.Connect(nats.DefaultURL,
		nats.ResendUnconfirmed(1<<20),
		nats.ConfirmEvery(16<<10, 50*time.Millisecond),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	// If the link is lost now, what the server has not confirmed is published again: receivers may get some of it twice.
	for i := range 1000 {
		if err := nc.Publish("readings", fmt.Append(nil, i)); err != nil {
			log.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(nc.Health().Unconfirmed)
}
