package wire

import "testing"

// raceEnabled is set by race_test.go: the race detector allocates, so allocation gates are off then.
var raceEnabled bool

// noAllocs fails when f allocates.
func noAllocs(t *testing.T, f func()) {
	t.Helper()
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if got := testing.AllocsPerRun(100, f); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
