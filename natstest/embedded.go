package natstest

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// ErrEmbedded is returned by [Server.Kill] for a server that runs inside the test's own process.
var ErrEmbedded = errors.New("an embedded server cannot be killed: start it with natstest.AsProcess()")

// embedded is a server in this process.
type embedded struct {
	srv  *server.Server
	opts *server.Options
	end  chan struct{}
}

// listenStep is the longest time between two looks for a fatal message while a server starts.
const listenStep = 50 * time.Millisecond

// startEmbedded returns when the server accepts connections.
func startEmbedded(o *server.Options, log *journal, timeout time.Duration) (*embedded, error) {
	srv, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	srv.SetLoggerV2(log, o.Debug, o.Trace, o.TraceVerbose)
	e := &embedded{srv: srv, opts: o, end: make(chan struct{})}
	srv.Start()
	if err := e.listening(log, timeout); err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, err
	}
	// Ends with the server, which whoever holds the host has to stop.
	go func() {
		srv.WaitForShutdown()
		close(e.end)
	}()
	return e, nil
}

func (e *embedded) listening(log *journal, timeout time.Duration) error {
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); {
		if err := log.failure(); err != nil {
			return err
		}
		if e.srv.ReadyForConnections(listenStep) {
			return nil
		}
	}
	return fmt.Errorf("server does not listen after %v%s", timeout, log.tail())
}

func (e *embedded) ask(q query) (answer, error) {
	select {
	case <-e.end:
		return answer{}, errNotRunning
	default:
	}
	a := answerQuery(e.srv, q)
	if a.Err != "" {
		return a, errors.New(a.Err)
	}
	return a, nil
}

func (e *embedded) stop() error {
	go e.srv.Shutdown() // ends before the server is gone
	return nil
}

func (e *embedded) lameDuck() error {
	go e.srv.LameDuckShutdown() // ends before the server is gone, or at once if somebody else stops it
	return nil
}

func (e *embedded) kill() error           { return ErrEmbedded }
func (e *embedded) gone() <-chan struct{} { return e.end }
