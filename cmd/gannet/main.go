// Command gannet shows what the gannet client for NATS does, without any set-up:
//
//	gannet tour                            a file through JetStream while things go wrong, with a server of its own
//	gannet tour --file F                   your file
//	gannet tour --server URL --creds F     your server, under a unique stream name; nothing is left there
//	gannet tour --json                     one JSON object for each chapter
//
// Exit status: 0 if every chapter held, 1 if one failed or the tour could not begin, 2 for a wrong command line, 130 after Ctrl-C.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(program()) }

func program() int {
	// A closed pipe must not kill the program, since what is on the user's server has to go first; see lifeline.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
