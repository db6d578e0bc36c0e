package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/cmd/gannet/internal/tour"
)

// Exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // as a shell reports a program that Ctrl-C ended
)

// cli is the command line.
type cli struct {
	Version kong.VersionFlag `help:"Print the version and exit."`
	Tour    tourCommand      `cmd:"" help:"Stream a file through JetStream while things go wrong, and see that nothing is lost."`
}

type tourCommand struct {
	File   string `help:"The file to stream, line by line. Default: the project's documentation." placeholder:"FILE"`
	Server string `help:"Use this server instead of an embedded one, under a unique stream name that is deleted at the end." placeholder:"URL"`
	Creds  string `help:"Credentials file for the server." placeholder:"FILE"`
	JSON   bool   `name:"json" help:"Print one JSON object for each chapter: name, ok, seconds, figures."`
}

// Validate is called by kong.
func (c *tourCommand) Validate() error {
	if c.Creds != "" && c.Server == "" {
		return errors.New("--creds needs --server")
	}
	return nil
}

// run is main without the process: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	left := -1 // set when --help or --version want to exit
	parser, err := kong.New(&c,
		kong.Name("gannet"),
		kong.Description("gannet is a client for NATS and JetStream. This program shows what it does."),
		kong.Vars{"version": "gannet " + nats.Version},
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(status int) { left = status }),
	)
	if err != nil {
		return fail(stderr, err)
	}
	_, err = parser.Parse(args)
	switch {
	case left >= 0:
		return left
	case err != nil:
		fmt.Fprintf(stderr, "gannet: %v; gannet --help tells more\n", err)
		return exitUsage
	}
	return c.Tour.run(ctx, stdout, stderr)
}

func (c *tourCommand) run(ctx context.Context, stdout, stderr io.Writer) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	report := c.reporter(stdout, lifeline{stdout, cancel})
	err := tour.Run(ctx, tour.Config{File: c.File, Server: c.Server, Creds: c.Creds}, report)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, tour.ErrInterrupted):
		fail(stderr, err)
		return exitInterrupted
	}
	return fail(stderr, err)
}

func fail(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "gannet: %v\n", err)
	return exitFailed
}
