package test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if !given("test.parallel") {
		_ = flag.Set("test.parallel", "8") // most tests wait most of the time
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(theirs); err != nil {
			_, _ = os.Stderr.WriteString("goroutines left after all tests: " + err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

// theirs is a goroutine of nats.go v1.55.0, on the other side of some tests: it waits on no channel, for ever, where its connection is closed before it has begun.
var theirs = goleak.IgnoreTopFunction("github.com/nats-io/nats%2ego.(*js).resetPendingAcksOnReconnect")

// given reports whether the flag is on the command line.
func given(name string) (is bool) {
	flag.Visit(func(f *flag.Flag) { is = is || f.Name == name })
	return is
}

// leakLabel is the profiler label that the goroutines of a test inherit from it.
const leakLabel = "leakcheck"

// checkLeaks makes the test fail if goroutines of the client that it started, directly or not, are still there at its very end. Call it
// first: what is cleaned up later than this does not count. It works in parallel tests, since goroutines inherit the label of who
// starts them.
func checkLeaks(t *testing.T) {
	t.Helper()
	name := t.Name()
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(leakLabel, name)))
	t.Cleanup(func() {
		var left string
		for end := time.Now().Add(patience); time.Now().Before(end); pause() {
			if left = clientGoroutines(name); left == "" {
				return
			}
		}
		t.Errorf("goroutines of the client left at the end of the test:\n%s", left)
	})
}

// clientGoroutines returns the stacks with the label that are in the client's code.
func clientGoroutines(label string) string {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return err.Error()
	}
	var left []string
	for _, g := range strings.Split(b.String(), "\n\n") {
		if strings.Contains(g, `"`+leakLabel+`":"`+label+`"`) && inClient(g) {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}

// inClient reports whether a stack has a function of the client's packages: not of natstest, nor of the tests.
func inClient(stack string) bool {
	for _, line := range strings.Split(stack, "\n") {
		_, call, ok := strings.Cut(line, "github.com/gannet-io/nats")
		if ok && !strings.HasPrefix(call, "/natstest") && !strings.HasPrefix(call, "/test") {
			return true
		}
	}
	return false
}

// patience bounds every wait for something that must happen.
const patience = 10 * time.Second

// pause is the step of polling.
func pause() { <-time.After(2 * time.Millisecond) }

// eventually polls until ok returns true, and ends the test when it does not.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; pause() {
		if ok() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// await receives from ch, and ends the test when nothing comes.
func await[T any](t testing.TB, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %v in vain: %s", patience, what)
		return v
	}
}

// within runs f and fails the test when it takes longer than d. It waits for the end up to the usual patience.
func within(t testing.TB, what string, d time.Duration, f func()) time.Duration {
	t.Helper()
	done := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(max(patience, d)):
		t.Fatalf("%s: still not back after %v, want %v at most", what, max(patience, d), d)
	}
	took := time.Since(began)
	if took > d {
		t.Errorf("%s: took %v, want %v at most", what, took, d)
	}
	return took
}
