package test

import (
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tally counts errors by their texts.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (y *tally) add(err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.n == nil {
		y.n = map[string]int{}
	}
	y.n[err.Error()]++
}

func (y *tally) list() map[string]int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return maps.Clone(y.n)
}

func (y *tally) sum() (n int) {
	for _, k := range y.list() {
		n += k
	}
	return n
}

// overruns is by how much the slowest call missed its bound.
type overruns struct{ worst atomic.Int64 }

// bounded notes how long what began then took, beyond its bound.
func (o *overruns) bounded(began time.Time, bound time.Duration) {
	late := int64(time.Since(began) - bound)
	for {
		worst := o.worst.Load()
		if late <= worst || o.worst.CompareAndSwap(worst, late) {
			return
		}
	}
}

// check allows for late, and for a busy machine as stalls has seen it.
func (o *overruns) check(t testing.TB, name string, late time.Duration, stalls *overruns) {
	t.Helper()
	if worst, limit := time.Duration(o.worst.Load()), late+stalls.allowed(); worst > limit {
		t.Errorf("%s: a call took %v longer than its bound, want %v at most", name, worst, limit)
	}
}

// allowed is by how much calls may miss their bounds on a machine that was as late as this: a second counts at most, so that a call that hangs
// is not excused.
func (o *overruns) allowed() time.Duration {
	return 250*time.Millisecond*slower + min(time.Duration(o.worst.Load()), time.Second)
}

// watch notes by how much the machine is late until stop is closed.
func (o *overruns) watch(stop <-chan struct{}) {
	const step = 5 * time.Millisecond
	for {
		began := time.Now()
		select {
		case <-stop:
			return
		case <-time.After(step):
			o.bounded(began, step)
		}
	}
}
