package stage

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats/natstest"
)

// patience bounds every wait of a stage that is no measurement.
const patience = 15 * time.Second

// Stage is what a scenario plays on. Its methods belong to the goroutine of the scenario, except where they say otherwise.
type Stage struct {
	t     testing.TB
	suite *Suite

	server *natstest.Server
	proxy  *natstest.Proxy
	tap    *Tap
	peer   *Peer

	mu      sync.Mutex
	entries []Entry
	prefix  string
}

// New prepares a stage. The server starts when it is needed, and ends with the test.
func New(t testing.TB, suite *Suite) *Stage { return &Stage{t: t, suite: suite} }

// Transcript returns what was noted.
func (s *Stage) Transcript() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.entries)
}

// Server starts the server; options count at the first call only.
func (s *Stage) Server(opts ...natstest.Option) *natstest.Server {
	s.t.Helper()
	if s.server == nil {
		s.server = natstest.Run(s.t, opts...)
	}
	return s.server
}

// Cluster starts a cluster of its own, which ends with the scenario.
func (s *Stage) Cluster(n int, opts ...natstest.Option) *natstest.ClusterT {
	s.t.Helper()
	return natstest.Cluster(s.t, n, opts...)
}

// Proxy is the link to the server, where faults are made.
func (s *Stage) Proxy() *natstest.Proxy {
	s.t.Helper()
	if s.proxy == nil {
		s.proxy = natstest.NewProxy(s.t, s.Server().URL())
	}
	return s.proxy
}

// Tap sees the frames of the clients that connect to URL.
func (s *Stage) Tap() *Tap {
	s.t.Helper()
	if s.tap == nil {
		s.tap = newTap(s, s.Proxy().Addr())
	}
	return s.tap
}

// URL is where clients connect.
func (s *Stage) URL() string { s.t.Helper(); return s.Tap().url() }

// Peer is the other side.
func (s *Stage) Peer() *Peer {
	s.t.Helper()
	if s.peer == nil {
		s.peer = newPeer(s, s.Server().Addr())
	}
	return s.peer
}

// Cleanup calls f when the scenario is over, before the link and the server go. Any goroutine may call it.
func (s *Stage) Cleanup(f func()) { s.t.Cleanup(f) }

// TempDir is a directory of the scenario.
func (s *Stage) TempDir() string { s.t.Helper(); return s.t.TempDir() }

// Must ends the scenario if what has to work for it to go on did not.
func (s *Stage) Must(err error, doing string) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", doing, err)
	}
}

// Context ends with d, or with the scenario.
func (s *Stage) Context(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), d)
	s.t.Cleanup(cancel)
	return ctx
}

// Part begins the keys of all later entries with name; "" ends that.
func (s *Stage) Part(name string) {
	s.prefix = name
	if name != "" {
		s.prefix += ": "
	}
}

// Note writes an entry.
func (s *Stage) Note(key, format string, args ...any) {
	s.add(Entry{Key: s.prefix + key, Text: oneLine(fmt.Sprintf(format, args...))})
}

// Time notes how long something took.
func (s *Stage) Time(key string, took time.Duration) {
	s.add(Entry{Key: s.prefix + key, Took: took, Timed: true})
}

// Error notes which error it is; see Describe.
func (s *Stage) Error(key string, err error) { s.Note(key, "%s", s.Describe(err)) }

// ErrorText notes the words, too.
func (s *Stage) ErrorText(key string, err error) {
	if err == nil {
		s.Error(key, nil)
		return
	}
	s.Note(key, "%s: %q", s.Describe(err), err.Error())
}

func (s *Stage) add(e Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Key = oneLine(e.Key)
	s.entries = append(s.entries, e)
}

func oneLine(text string) string {
	return strings.NewReplacer("\r", `\r`, "\n", `\n`, "\t", `\t`).Replace(text)
}

// Timed notes the error that f returns, and how long that took.
func (s *Stage) Timed(key string, f func() error) {
	start := time.Now()
	err := s.Try(f)
	took := time.Since(start)
	s.Error(key, err)
	s.Time(key+" after", took)
}

var contextErrors = []NamedError{
	{Name: "context.DeadlineExceeded", Err: context.DeadlineExceeded},
	{Name: "context.Canceled", Err: context.Canceled},
}

var errPanic = errors.New("PANIC")

// Try calls f. A panic comes back as an error.
func (s *Stage) Try(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errPanic
		}
	}()
	return f()
}

// Describe tells which error it is: the name of the exported value that it is, or else of all those that it matches with
// errors.Is, after the server's code; or else its text.
func (s *Stage) Describe(err error) string {
	if err == nil {
		return "nil"
	}
	known := slices.Concat(contextErrors, s.suite.Errors)
	comparable := reflect.TypeOf(err).Comparable()
	var matched []string
	for _, k := range known {
		if comparable && err == k.Err {
			return k.Name
		}
		if errors.Is(err, k.Err) {
			matched = append(matched, k.Name)
		}
	}
	var told []string
	if code := s.suite.Code(err); code != "" {
		told = append(told, code)
	}
	if len(matched) > 0 {
		told = append(told, "is "+strings.Join(matched, ", "))
	}
	if len(told) == 0 {
		return fmt.Sprintf("%q", err.Error())
	}
	return strings.Join(told, ", ")
}

// Wait returns when the channel is closed or gives something, and tells whether that happened within d.
func Wait[T any](ch <-chan T, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ch:
		return true
	case <-timer.C:
		return false
	}
}

// Pause lets d go by.
func (s *Stage) Pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.t.Context().Done():
	}
}

// Take returns what comes out of the channel. If nothing does the scenario ends.
func Take[T any](s *Stage, ch <-chan T, what string) (got T) {
	s.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case got = <-ch:
	case <-limit.C:
		s.t.Fatalf("%s: nothing after %v", what, patience)
	}
	return got
}

// Join waits for something that the scenario has started on another goroutine. If that has failed, or does not end, so does
// the scenario.
func (s *Stage) Join(done <-chan struct{}) {
	s.t.Helper()
	if !Wait(done, 2*patience) {
		s.t.Fatalf("another goroutine of the scenario is not done after %v", 2*patience)
	}
	if s.t.Failed() {
		s.t.FailNow()
	}
}

// TryTake returns what is in the channel after a moment; open is false when the channel is closed.
func TryTake[T any](ch <-chan T) (got T, open bool) {
	select {
	case got, open = <-ch:
		return got, open
	case <-time.After(100 * time.Millisecond):
		return got, true
	}
}
