package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats/jetstream"
)

// follower checks what an ordered consumer delivers: each message once, in the stream's order, with nothing left out.
type follower struct {
	cc jetstream.ConsumeContext
	journal

	mu    sync.Mutex
	next  uint64 // the stream sequence that is due; 0: the first one decides
	count int
	wrong []string
}

// followOrder starts an ordered Consume of a stream all of whose messages match. each is called for every message, after it was checked; nil: nothing.
func followOrder(t testing.TB, c jetstream.Consumer, each func(f *follower, m jetstream.Msg), opts ...jetstream.PullConsumeOpt) *follower {
	t.Helper()
	f := new(follower)
	ready := make(chan struct{})
	cc, err := c.Consume(func(m jetstream.Msg) {
		<-ready
		f.check(m)
		if each != nil {
			each(f, m)
		}
	}, append(opts, jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { f.addErr(err) }))...)
	must(t, err)
	f.cc = cc
	close(ready)
	t.Cleanup(cc.Stop)
	return f
}

func (f *follower) check(m jetstream.Msg) {
	meta, err := m.Metadata()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	if err != nil {
		f.wrong = append(f.wrong, err.Error())
		return
	}
	if seq := meta.Sequence.Stream; f.next != 0 && seq != f.next {
		f.wrong = append(f.wrong, fmt.Sprintf("%d instead of %d", seq, f.next))
	}
	f.next = meta.Sequence.Stream + 1
}

// at is the sequence that is due.
func (f *follower) at() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next
}

// wants waits for the message with a stream sequence, and has everything checked.
func (f *follower) wants(t testing.TB, seq uint64) {
	t.Helper()
	eventually(t, fmt.Sprintf("message %d", seq), func() bool { return f.at() > seq })
	f.inOrder(t)
}

func (f *follower) inOrder(t testing.TB) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.wrong) > 0 {
		t.Errorf("out of order: %v", f.wrong[:min(len(f.wrong), 10)])
	}
}

// ordered makes an ordered consumer of the stream.
func (g *jsStage) ordered(t testing.TB, cfg ...jetstream.OrderedConsumerConfig) jetstream.Consumer {
	t.Helper()
	cfg = append(cfg, jetstream.OrderedConsumerConfig{})
	c, err := g.s.OrderedConsumer(context.Background(), cfg[0])
	must(t, err)
	return c
}

// store stores n messages and returns the sequence of the last one.
func (g *jsStage) store(t testing.TB, n int) (last uint64) {
	t.Helper()
	for range n {
		ack, err := g.steady.Publish(context.Background(), "s.a", []byte("x"), jetstream.WithRetryAttempts(40))
		must(t, err)
		last = ack.Sequence
	}
	return last
}

// consumerNames are the names of the consumers that the server has.
func consumerNames(js jetstream.JetStream) (names []string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := js.Stream(ctx, "S")
	if err != nil {
		return nil, err
	}
	list := s.ConsumerNames(ctx)
	for name := range list.Name() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, list.Err()
}

// leaves waits until the server has no consumers but these.
func (g *jsStage) leaves(t testing.TB, want ...string) {
	t.Helper()
	var names []string
	for end := time.Now().Add(patience); time.Now().Before(end); pause() {
		var err error
		if names, err = consumerNames(g.steady); err == nil && slices.Equal(names, want) {
			return
		}
	}
	t.Errorf("the server has the consumers %v, want %v", names, want)
}

// continues stores a message beside the connection under test and wants it within d.
func (f *follower) continues(t testing.TB, js jetstream.JetStream, d time.Duration) {
	t.Helper()
	within(t, "the next message", d, func() {
		ack, err := js.Publish(context.Background(), "s.a", []byte("x"), jetstream.WithRetryAttempts(40))
		must(t, err)
		f.wants(t, ack.Sequence)
	})
}

// sequences are the stream sequences of a batch, and how it ended.
func sequences(t testing.TB, b jetstream.MessageBatch, err error) (seqs []uint64, end error) {
	t.Helper()
	must(t, err)
	for m := range b.Messages() {
		seqs = append(seqs, sequenceOf(t, m))
	}
	return seqs, b.Error()
}

func sequenceOf(t testing.TB, m jetstream.Msg) uint64 {
	t.Helper()
	meta, err := m.Metadata()
	must(t, err)
	return meta.Sequence.Stream
}

// errorsAre reports whether err matches all of targets.
func errorsAre(err error, targets ...error) bool {
	return !slices.ContainsFunc(targets, func(target error) bool { return !errors.Is(err, target) })
}
