package natstest

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// A program that AsProcess has started a second time becomes a server here, before its main function or tests.
func init() {
	if os.Getenv(processEnv) == "" {
		return
	}
	_ = os.Unsetenv(processEnv) // what the server may start is no server
	os.Exit(serve(os.Stdin, os.Stdout, os.Stderr))
}

// serve runs a server as its parent tells it and returns the exit code. It does not return before the server has ended,
// except when the parent is gone: then there is nobody left who could want anything of it.
func serve(in io.Reader, out, log io.Writer) int {
	lines := json.NewDecoder(in)
	var c settings
	if err := lines.Decode(&c); err != nil {
		return 2
	}
	say := speaker(out)
	o, err := c.options()
	if err != nil {
		say(answer{Err: err.Error()})
		return 1
	}
	e, err := startEmbedded(o, newJournal(log), c.Timeout)
	if err != nil {
		say(answer{Err: err.Error()})
		return 1
	}
	say(answer{})

	orders := make(chan bool)
	go func() { orders <- obey(e, lines, say) }()
	select {
	case <-e.gone():
		return 0
	case <-orders:
		return 2
	}
}

// obey answers until the parent is gone.
func obey(e *embedded, lines *json.Decoder, say func(answer)) bool {
	for {
		var q query
		if err := lines.Decode(&q); err != nil {
			return false
		}
		switch q.Verb {
		case stopServer:
			_ = e.stop()
		case lameDuckServer:
			_ = e.lameDuck()
		default:
			say(answerQuery(e.srv, q))
		}
	}
}

// speaker returns the function that sends an answer to the parent.
func speaker(out io.Writer) func(answer) {
	return func(a answer) {
		if line, err := json.Marshal(a); err == nil {
			fmt.Fprintf(out, "%s%s\n", answerMark, line)
		}
	}
}
