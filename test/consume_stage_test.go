package test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
)

// eater is a Consume under test: it acknowledges and notes.
type eater struct {
	cc jetstream.ConsumeContext
	journal

	mu   sync.Mutex
	seen map[string]int // payloads
	last time.Time
}

// consume starts an eater. each is called for every message, after it was noted; nil: it is acknowledged.
func consume(t testing.TB, c jetstream.Consumer, each func(e *eater, m jetstream.Msg), opts ...jetstream.PullConsumeOpt) *eater {
	t.Helper()
	e := &eater{seen: map[string]int{}}
	ready := make(chan struct{})
	if each == nil {
		each = func(_ *eater, m jetstream.Msg) { _ = m.Ack() }
	}
	cc, err := c.Consume(func(m jetstream.Msg) {
		<-ready
		e.note(string(m.Data()))
		each(e, m)
	}, append(opts, jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { e.addErr(err) }))...)
	must(t, err)
	e.cc = cc
	close(ready)
	t.Cleanup(cc.Stop)
	return e
}

func (e *eater) note(payload string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen[payload]++
	e.last = time.Now()
	e.add("%s", payload)
}

// count is the number of different payloads.
func (e *eater) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.seen)
}

// wants waits for so many different payloads.
func (e *eater) wants(t testing.TB, n int) {
	t.Helper()
	eventually(t, "messages", func() bool { return e.count() >= n })
	if got := e.count(); got != n {
		t.Errorf("%d messages, want %d", got, n)
	}
}

// tells waits until an error was told.
func (e *eater) tells(t testing.TB, want error) {
	t.Helper()
	eventually(t, want.Error(), func() bool { return e.hasErr(want) })
}

// closes waits for the end.
func (e *eater) closes(t testing.TB) {
	t.Helper()
	await(t, "Closed", e.cc.Closed())
}

// delivered waits until the server has sent n messages of the stream to the consumer.
func (g *jsStage) delivered(t testing.TB, c jetstream.Consumer, n uint64) {
	t.Helper()
	eventually(t, "the messages on their way", func() bool {
		info, err := c.Info(context.Background())
		return err == nil && info.Delivered.Stream == n
	})
}

// messages starts an iterator.
func messages(t testing.TB, c jetstream.Consumer, opts ...jetstream.PullMessagesOpt) jetstream.MessagesContext {
	t.Helper()
	m, err := c.Messages(opts...)
	must(t, err)
	t.Cleanup(m.Stop)
	return m
}

// take returns the payloads of the next n messages, which it acknowledges.
func take(t testing.TB, it jetstream.MessagesContext, n int) (payloads []string) {
	t.Helper()
	for range n {
		m, err := it.Next(jetstream.NextMaxWait(patience))
		must(t, err)
		payloads = append(payloads, string(m.Data()))
		must(t, m.Ack())
	}
	return payloads
}

// ends wants an error of Next, and the iterator closed after it.
func ends(t testing.TB, it jetstream.MessagesContext, want ...error) {
	t.Helper()
	_, err := it.Next(jetstream.NextMaxWait(patience))
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("Next: got %v, want %v", err, w)
		}
	}
	if _, err := it.Next(); err != jetstream.ErrMsgIteratorClosed {
		t.Errorf("Next after the end: got %v, want %v", err, jetstream.ErrMsgIteratorClosed)
	}
}
