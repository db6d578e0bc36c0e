package outbox

import (
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

func TestYielderPauses(t *testing.T) {
	t.Parallel()
	y := yielder{pause: mono.Never}
	y.once()
	if y.pause != mono.Never {
		t.Errorf("a pausing yielder changed: got %v, want %v", y.pause, mono.Never)
	}
	y = yielder{}
	y.note(0, mono.Time(longYield))
	if y.pause != 0 {
		t.Errorf("after a short yield: got a pause until %v, want none", y.pause)
	}
	long := mono.Time(longYield + 1)
	for range 3 { // accidents
		y.note(0, long)
		for range shortYields {
			y.note(0, 1)
		}
	}
	if y.pause != 0 {
		t.Errorf("after single long yields: got a pause until %v, want none", y.pause)
	}
	y.note(0, long)
	y.note(0, 1)
	y.note(0, long)
	want := long.Add(yieldPause)
	if y.pause != want {
		t.Errorf("after two long yields: got a pause until %v, want %v", y.pause, want)
	}
	again := want.Add(longYield + 1) // one is enough to go on pausing
	if y.note(want, again); y.pause != again.Add(yieldPause) {
		t.Errorf("after a long yield behind the pause: got a pause until %v, want %v", y.pause, again.Add(yieldPause))
	}
	const slow = 80 * time.Millisecond // beside busy goroutines
	if y.note(0, mono.Time(slow)); y.pause != mono.Time(slow+yieldShare*slow) {
		t.Errorf("after a very long yield: got a pause until %v, want %v", y.pause, mono.Time(slow+yieldShare*slow))
	}
}

// Answers that come together let the publishes behind them join one write.
func TestExpect(t *testing.T) {
	t.Parallel()
	b := New(testConfig())
	b.Release(newScript(-1), true, nil, nil)
	w := b.wire
	round := func() look {
		publish(t, b, "s", "x")
		did, _ := b.look(w)
		b.write(w, b.take(w), time.Time{})
		return did
	}
	if got := round(); got != lookWrite {
		t.Fatalf("one publish: got %v, want %v", got, lookWrite)
	}
	b.Expect()
	for i := range sharedMemory {
		if got := round(); got != lookJoin {
			t.Fatalf("write %d after the answers: got %v, want %v", i+1, got, lookJoin)
		}
	}
	if got := round(); got != lookWrite {
		t.Errorf("nobody came for long: got %v, want %v", got, lookWrite)
	}
	b.Hold()
	b.Expect() // without a link there is nobody to tell
}
