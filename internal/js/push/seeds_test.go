package push

import (
	"flag"
	"iter"
)

var (
	sequenceCount = flag.Int("sequences", 0, "random sequences of each test that plays some; 0: some thousands")
	firstSeed     = flag.Uint64("seed", 0, "the first of their seeds")
)

// seeds are those of a test that plays n sequences unless it is told how many.
func seeds(n int) iter.Seq[uint64] {
	if *sequenceCount > 0 {
		n = *sequenceCount
	}
	return func(yield func(uint64) bool) {
		for i := range uint64(n) {
			if !yield(*firstSeed + i) {
				return
			}
		}
	}
}

// few reports whether there are less sequences than a test plays by itself: then it may not reach everything.
func few(n int) bool { return *sequenceCount > 0 && *sequenceCount < n }
