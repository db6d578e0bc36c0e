package session

import (
	"fmt"

	"github.com/gannet-io/nats/internal/pool"
)

// Action is what the engine must do next, in order.
type Action struct {
	Kind   Kind
	Dial   uint64       // number of the dial: Dial, Abort, Install, Leave
	Server *pool.Server // Dial, Install
	Status Status       // Emit
	Passes int          // AskDelay: pauses asked for since the link was lost, from 1
	Err    error        // Tell..., ConnectFailed, FailPending; Emit, CloseLink while draining: why; Finish: what ended the connection, nil for the user's Close
}

// Kind says what an Action is.
type Kind uint8

const (
	Dial                Kind = iota // start a dial to Server under number Dial, handshake included; the answer is DialDone
	Abort                           // give up dial number Dial; its result is of no interest any more
	Install                         // dial number Dial, which just succeeded, is the connection: replay on it and start reading
	CloseLink                       // hold the outbox, close the socket
	SendPing                        // a liveness PING; the answer is Pong
	AskDelay                        // ask the user how long to pause after Passes passes; the answer is Delay
	AskServer                       // ask the user which server is next; the answer is Chosen
	Emit                            // the status is now Status: tell listeners
	TellConnected                   // user callbacks, in this order on the callback goroutine
	TellDisconnected                // Err may be nil
	TellReconnected                 //
	TellReconnectFailed             //
	TellError                       // asynchronous error handler
	TellClosed                      //
	ConnectFailed                   // Connect returns Err
	ConnectDone                     // Connect returns nil
	Leave                           // write what was accepted to the link, then dial number Dial is to take its place; the answer is Left
	FailPending                     // requests and flushes end with Err
	Finish                          // the connection is over: stop every goroutine
)

var kindNames = [...]string{
	"dial", "abort", "install", "close-link", "send-ping", "ask-delay", "ask-server", "emit", "tell-connected", "tell-disconnected", "tell-reconnected",
	"tell-reconnect-failed", "tell-error", "tell-closed", "connect-failed", "connect-done", "leave", "fail-pending", "finish",
}

// String is the name of the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown action"
}

// String describes the action on one line, for logs and test scripts.
func (a Action) String() string {
	s := a.Kind.String()
	switch a.Kind {
	case Dial, Abort, Install, Leave:
		s += fmt.Sprintf(" %d", a.Dial)
	case Emit:
		s += " " + a.Status.String()
	case AskDelay:
		s += fmt.Sprintf(" passes=%d", a.Passes)
	}
	if a.Server != nil {
		s += " " + a.Server.URL.Host
	}
	if a.Err != nil {
		s += fmt.Sprintf(" %q", a.Err.Error())
	}
	return s
}
