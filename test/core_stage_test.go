package test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// start runs a server for a test that is checked for leaks and runs beside others.
func start(t *testing.T, opts ...natstest.Option) *natstest.Server {
	t.Helper()
	t.Parallel()
	checkLeaks(t)
	return natstest.Run(t, append([]natstest.Option{natstest.WithoutJetStream()}, opts...)...)
}

// dial connects to url; the connection is closed with the test.
func dial(t testing.TB, url string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatalf("connect to %s: %v", url, err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// dialFirst is dial to the first server of several, in their order: one that is silent for 250 ms on a busy machine is passed over.
func dialFirst(t testing.TB, servers string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	first, _, _ := strings.Cut(servers, ",")
	for range 20 {
		nc := dial(t, servers, append([]nats.Option{nats.DontRandomize()}, opts...)...)
		if nc.ConnectedUrl() == first {
			return nc
		}
		nc.Close()
	}
	t.Fatalf("%s is always passed over", first)
	return nil
}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got[T](t)(f()) is the value of f; an error ends the test.
func got[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// subscribeSync is SubscribeSync, known to the server when it returns.
func subscribeSync(t testing.TB, nc *nats.Conn, subject string) *nats.Subscription {
	t.Helper()
	s, err := nc.SubscribeSync(subject)
	must(t, err)
	must(t, nc.Flush())
	return s
}

// next returns the data of the next message.
func next(t testing.TB, s *nats.Subscription) string {
	t.Helper()
	m, err := s.NextMsg(patience)
	if err != nil {
		t.Fatalf("next message on %q: %v", s.Subject, err)
	}
	return string(m.Data)
}

// journal records what happened, in order.
type journal struct {
	mu      sync.Mutex
	entries []string
	errs    []error
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, fmt.Sprintf(format, args...))
}

func (j *journal) addErr(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.errs = append(j.errs, err)
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries)
}

func (j *journal) errors() []error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.errs)
}

func (j *journal) has(entry string) bool { return slices.Contains(j.all(), entry) }

// hasErr reports whether an error that matches target was told.
func (j *journal) hasErr(target error) bool {
	return slices.ContainsFunc(j.errors(), func(err error) bool { return errors.Is(err, target) })
}

// losses adds up what the error handler was told of lost publishes.
func (j *journal) losses() (unconfirmed, dropped int) {
	for _, err := range j.errors() {
		var loss *nats.LossError
		if errors.As(err, &loss) {
			unconfirmed += loss.Unconfirmed
			dropped += loss.Dropped
		}
	}
	return unconfirmed, dropped
}

// handler is an error handler that records.
func (j *journal) handler() nats.Option {
	return nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { j.addErr(err) })
}

// quickly makes a client that reconnects without pauses worth mentioning, for ever.
func quickly() nats.Option {
	return func(o *nats.Options) error {
		for _, set := range []nats.Option{
			nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0), nats.MaxReconnects(-1),
		} {
			if err := set(o); err != nil {
				return err
			}
		}
		return nil
	}
}

// silent drops asynchronous errors that a test expects and does not look at.
func silent() nats.Option {
	return nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
}
