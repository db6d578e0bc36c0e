package api

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/engine"
)

// request is what a fake link was asked.
type request struct {
	subject, payload string
	timeout          time.Duration
}

// fake answers requests by a function and keeps what it was asked.
type fake struct {
	answer func(n int, r request) (engine.Reply, error)
	done   chan struct{}

	mu    sync.Mutex
	asked []request
}

func newFake(answer func(n int, r request) (engine.Reply, error)) *fake {
	return &fake{answer: answer, done: make(chan struct{})}
}

// says is a fake that gives the same answer to everything.
func says(data string) *fake {
	return newFake(func(int, request) (engine.Reply, error) { return engine.Reply{Data: []byte(data)}, nil })
}

// fails is a fake whose requests all fail.
func fails(err error) *fake {
	return newFake(func(int, request) (engine.Reply, error) { return engine.Reply{}, err })
}

func (f *fake) Request(_ context.Context, timeout time.Duration, subject string, _, data []byte) (engine.Reply, error) {
	r := request{subject, string(data), timeout}
	f.mu.Lock()
	n := len(f.asked)
	f.asked = append(f.asked, r)
	f.mu.Unlock() // the answer may block
	return f.answer(n, r)
}

func (f *fake) Done() <-chan struct{} { return f.done }

func (f *fake) requests() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]request(nil), f.asked...)
}

func (f *fake) client() *Client { return &Client{Conn: f, Prefix: "$JS.API."} }

func block(line string, headers ...string) []byte {
	b := []byte("NATS/1.0" + line + "\r\n")
	for _, h := range headers {
		b = fmt.Appendf(b, "%s\r\n", h)
	}
	return append(b, "\r\n"...)
}
