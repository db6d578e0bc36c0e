package outbox

import (
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a link that takes as many bytes as the test allows, then blocks, as a socket with a full buffer does.
type script struct {
	mu       sync.Mutex
	took     []byte // what it has taken: the kernel's side
	refused  []byte // the rest of the piece whose write failed
	sizes    []int  // of the pieces it was asked to write
	window   int    // bytes that it still takes; negative: any number
	err      error  // what a write returns instead of blocking
	lie      bool   // a failed write says that nothing was taken
	deaf     bool   // neither deadlines nor close end a write
	closed   bool
	deadline time.Time
	changed  chan struct{}
}

func newScript(window int) *script { return &script{window: window, changed: make(chan struct{})} }

func (s *script) Write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes = append(s.sizes, len(p))
	for {
		switch {
		case s.closed && !s.deaf:
			return s.failed(p, n, net.ErrClosed)
		case !s.deaf && !s.deadline.IsZero() && !time.Now().Before(s.deadline):
			return s.failed(p, n, os.ErrDeadlineExceeded)
		}
		take := len(p) - n
		if s.window >= 0 {
			take = min(take, s.window)
			s.window -= take
		}
		s.took = append(s.took, p[n:n+take]...)
		if n += take; n == len(p) {
			return n, nil
		}
		if s.err != nil {
			return s.failed(p, n, s.err)
		}
		s.wait()
	}
}

func (s *script) failed(p []byte, n int, err error) (int, error) {
	s.refused = append(s.refused[:0], p[n:]...)
	if s.lie {
		n = 0
	}
	return n, err
}

// wait gives the lock away until something has changed or the deadline has passed.
func (s *script) wait() {
	changed, deadline, deaf := s.changed, s.deadline, s.deaf
	s.mu.Unlock()
	defer s.mu.Lock()
	if deadline.IsZero() || deaf {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

// set changes the script under its lock and wakes the write under way.
func (s *script) set(f func(s *script)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *script) SetWriteDeadline(t time.Time) error {
	s.set(func(s *script) { s.deadline = t })
	return nil
}

func (s *script) allow(n int) { s.set(func(s *script) { s.window += n }) }
func (s *script) open()       { s.set(func(s *script) { s.window = -1 }) }
func (s *script) close()      { s.set(func(s *script) { s.closed = true }) }

// text is what was taken so far.
func (s *script) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.took)
}

func (s *script) pieces() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.sizes...)
}

// testConfig has the times of the real one.
func testConfig() Config {
	return Config{Keep: 8 << 20, WriteTimeout: time.Minute, Patience: 5 * time.Millisecond, Counters: new(Counters)}
}

// start releases b to l and runs the writer; wait returns when it has ended.
func start(t testing.TB, b *Box, l Link, exact bool, first string) (wait func()) {
	t.Helper()
	b.Release(l, exact, []byte(first), toldOf(func(err error) { t.Logf("link: %v", err) }))
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Run()
	}()
	return func() { <-done }
}

// publish fails the test on an error.
func publish(t testing.TB, b *Box, subject, data string) {
	t.Helper()
	if err := b.PublishData(subject, []byte(data)); err != nil {
		t.Fatalf("PublishData(%s): %v", subject, err)
	}
}

// ops cuts text into whole operations and returns their lines, payloads left out.
func ops(t testing.TB, text string) (lines []string) {
	t.Helper()
	for {
		line, rest, ok := strings.Cut(text, "\r\n")
		if !ok {
			return lines
		}
		if fields := strings.Fields(line); fields[0] == "PUB" || fields[0] == "HPUB" {
			size, err := strconv.Atoi(fields[len(fields)-1])
			if err != nil {
				t.Fatalf("operation %q: %v", line, err)
			}
			if len(rest) < size+2 {
				return lines // cut off
			}
			if rest[size:size+2] != "\r\n" {
				t.Fatalf("operation %q ends with %q", line, rest[size:size+2])
			}
			rest = rest[size+2:]
		}
		lines, text = append(lines, line), rest
	}
}

// toldOf is the owner of a link.
type toldOf func(error)

func (f toldOf) WriteFailed(err error) { f(err) }
