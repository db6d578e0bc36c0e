package engine

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// box is a task with a queue of functions.
type box struct {
	Task
	d     *dispatcher
	mu    sync.Mutex
	queue []func()
}

func newBox(d *dispatcher) *box {
	b := &box{d: d}
	b.Bind(b)
	return b
}

func (b *box) put(fn func()) {
	b.mu.Lock()
	b.queue = append(b.queue, fn)
	b.mu.Unlock()
	b.d.ready(&b.Task)
}

func (b *box) pop() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		return nil
	}
	fn := b.queue[0]
	b.queue = b.queue[1:]
	return fn
}

func (b *box) Run(w *Worker) (more bool) {
	for {
		fn := b.pop()
		if fn == nil {
			return false
		}
		fn()
		if w.Yield() {
			return true
		}
	}
}

func TestDispatcherKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dispatcher
		defer d.close()
		const tasks, items = 50, 500
		got := make([][]int, tasks)
		var wg sync.WaitGroup
		for i := range tasks {
			b := newBox(&d)
			wg.Go(func() {
				for j := range items {
					b.put(func() { got[i] = append(got[i], j) }) // no lock: one callback at a time
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		for i := range got {
			if len(got[i]) != items || !slices.IsSorted(got[i]) {
				t.Fatalf("task %d: %d items, want %d in order", i, len(got[i]), items)
			}
		}
	})
}

// A callback that blocks holds up its own task only, and 100 of them cost about 100 goroutines and not one a task (some
// more are on their way to the queue when it runs empty).
func TestDispatcherBlockedCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dispatcher
		defer d.close()
		before := runtime.NumGoroutine()
		release := make(chan struct{})
		var ran, blocked atomic.Int32 // no lock: a callback that waits for one is blocked, too
		for i := range 1000 {
			newBox(&d).put(func() {
				if i < 100 {
					blocked.Add(1)
					<-release
				}
				ran.Add(1)
			})
		}
		synctest.Wait()
		if n := ran.Load(); n != 900 {
			t.Errorf("%d callbacks ran beside 100 blocked ones, want 900", n)
		}
		if n := blocked.Load(); n != 100 {
			t.Errorf("%d callbacks are blocked, want 100", n)
		}
		if n := runtime.NumGoroutine() - before; n > 300 {
			t.Errorf("%d workers for 100 blocked callbacks", n)
		}
		close(release)
		synctest.Wait()
		if n := ran.Load(); n != 1000 {
			t.Errorf("%d ran in the end, want 1000", n)
		}
	})
}

// Tasks that a worker has taken for later are run by others when it blocks, or ends, in the first of them.
func TestDispatcherBatchIsShared(t *testing.T) {
	for name, first := range map[string]func(release chan struct{}){
		"blocks":    func(release chan struct{}) { <-release },
		"ends":      func(chan struct{}) { runtime.Goexit() },
		"queues":    func(chan struct{}) {},
		"ends late": func(release chan struct{}) { <-release; runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d dispatcher
				defer d.close()
				release := make(chan struct{})
				defer close(release)
				var ran atomic.Int32
				for range 3 {
					var tasks []*Task
					for i := range 2 * batchTasks {
						b := newBox(&d)
						b.queue = append(b.queue, func() {
							ran.Add(1)
							if i == 0 {
								first(release)
							}
						})
						if b.rouse() {
							tasks = append(tasks, &b.Task)
						}
					}
					d.pushAll(tasks)
					synctest.Wait()
				}
				if got, want := int(ran.Load()), 6*batchTasks; got != want {
					t.Errorf("%d callbacks ran, want %d", got, want)
				}
				if n := len(d.holders); n > 12 {
					t.Errorf("%d workers are on the list of those with a batch", n)
				}
			})
		})
	}
}

// TestDispatcherAgain: a task that is made ready in the middle of its turn has another one, also if it says that there is no more.
func TestDispatcherAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dispatcher
		defer d.close()
		r := &restless{d: &d}
		r.Bind(r)
		d.ready(&r.Task)
		synctest.Wait()
		if r.turns != 3 || r.Busy() {
			t.Errorf("%d turns, busy %v, want 3 and false", r.turns, r.Busy())
		}
	})
}

// restless is ready again in its first two turns.
type restless struct {
	Task
	d     *dispatcher
	turns int
}

func (r *restless) Run(*Worker) (more bool) {
	if r.turns++; r.turns < 3 {
		r.d.ready(&r.Task)
	}
	return false
}

func TestDispatcherGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dispatcher
		defer d.close()
		b := newBox(&d)
		done := make(chan int, 2)
		b.put(func() { done <- 1; runtime.Goexit() })
		b.put(func() { done <- 2 })
		if a, b := <-done, <-done; a != 1 || b != 2 {
			t.Errorf("got %d, %d", a, b)
		}
	})
}

// Idle workers end by themselves, and at once when the dispatcher is closed.
func TestDispatcherWorkersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dispatcher
		newBox(&d).put(func() {})
		synctest.Wait()
		if n := len(d.idle); n != 1 {
			t.Fatalf("%d idle workers, want 1", n)
		}
		d.close()
		ran := make(chan struct{})
		newBox(&d).put(func() { close(ran) }) // what is queued by a callback at Close still runs
		<-ran
	}) // synctest fails the test when a goroutine is left
}

func BenchmarkDispatcherHandOver(b *testing.B) {
	var d dispatcher
	defer d.close()
	done := make(chan struct{}, 1)
	x := newBox(&d)
	fn := func() { done <- struct{}{} }
	b.ReportAllocs()
	for b.Loop() {
		x.put(fn)
		<-done
	}
}
