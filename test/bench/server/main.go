// Command server is the nats-server of the benchmark, with JetStream, on a free port. It prints its URL and runs until its
// input ends.
//
// It is a program of its own because the server must not be linked into the clients that are measured: its packages hold a few
// MB of tables, which would be marked again in each garbage collection. A client that allocates little has a small heap and
// collects often, so it would pay most for what is not its own.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/gannet-io/nats/natstest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run() error {
	signal.Ignore(os.Interrupt) // Ctrl-C reaches it too; the program that started it closes the input
	srv, err := natstest.Start()
	if err != nil {
		return err
	}
	fmt.Println(srv.URL())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return srv.Close()
}
