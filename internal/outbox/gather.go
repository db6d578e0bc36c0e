package outbox

import (
	"runtime"
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// Expect says that several who wait for answers have just got them, so that several publishes may be about to come: the writer lets
// them join its next write. Without it those of 64 who ask one by one are written one by one on one processor, because the writer runs as
// soon as the first of them waits.
func (b *Box) Expect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wire != nil {
		b.wire.shared = sharedMemory
	}
}

// yielder lets publishers join a write.
type yielder struct {
	pause mono.Time // none before
	long  int       // recent yields that took long
	short int       // and those since the last of them that did not
}

const (
	longYield  = 2 * time.Millisecond   // a yield that takes longer was spent behind work that has nothing to do with us
	longYields = 2                      // after so many of them it is not tried again
	yieldPause = 500 * time.Millisecond // for so long,
	yieldShare = 200                    // and so many times as long as the last one took: beside busy goroutines one takes 80 ms
	// shortYields in a row say that a long one was an accident: the machine had something else to do. A pause for each of those cost 64
	// concurrent requests a factor of 2 on a busy machine.
	shortYields = 64
	// gatherings bounds the yields before one write.
	gatherings = 4
)

// gather yields until nothing joins any more. Once is not enough: who yields waits in the scheduler's global queue, which has its turn
// after 61 others at the latest, so that of 64 who ask one by one some always came too late. They were written by themselves, and
// answered by themselves: two groups for good, and twice the system calls.
func (b *Box) gather(y *yielder) {
	n := b.gathered()
	for range gatherings {
		if !y.once() {
			return
		}
		before := n
		if n = b.gathered(); n <= before {
			return
		}
	}
}

// gathered is how many operations wait for a write.
func (b *Box) gathered() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.active.ops
}

// once gives all runnable goroutines a turn. It returns false if it is not worth doing again now.
func (y *yielder) once() bool {
	before := mono.Now()
	if before < y.pause {
		return false
	}
	runtime.Gosched()
	return y.note(before, mono.Now())
}

func (y *yielder) note(before, after mono.Time) (short bool) {
	if after.Sub(before) <= longYield {
		if y.short++; y.short >= shortYields {
			y.long = 0
		}
		return true
	}
	y.short = 0
	if y.long++; y.long >= longYields {
		y.pause = after.Add(max(yieldPause, yieldShare*after.Sub(before)))
	}
	return false
}
