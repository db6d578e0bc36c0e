package run

import (
	"sync"

	"github.com/gannet-io/nats/internal/engine"
)

// pushNews tells the user of what disturbs the delivery, one after the other, on the dispatcher.
type pushNews struct {
	link pushLink
	tell func(n GateNews) // nil: nobody wants to know
	over func()           // called once, under no lock, when finish was called and everything has been told

	task engine.Task

	mu     sync.Mutex
	news   []GateNews
	busy   bool // task is queued or runs
	ended  bool
	closed bool // over was called
}

// add never blocks. While a teller does not return, only newsKept of what comes is kept.
func (t *pushNews) add(n GateNews) {
	if t.tryAdd(n) {
		t.link.Ready(&t.task)
	}
}

func (t *pushNews) tryAdd(n GateNews) (ready bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tell == nil || t.ended || len(t.news) >= newsKept {
		return false
	}
	t.news = append(t.news, n)
	ready = !t.busy
	t.busy = true
	return ready
}

// finish says that nothing more will be added.
func (t *pushNews) finish() {
	if t.end() {
		t.over()
	}
}

func (t *pushNews) end() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	return t.overLocked()
}

func (t *pushNews) overLocked() bool {
	if !t.ended || t.closed || t.busy {
		return false
	}
	t.closed = true
	return true
}

// Run tells. It is for the dispatcher.
func (t *pushNews) Run(w *engine.Worker) (more bool) {
	for {
		n, ok, over := t.next()
		if over {
			t.over()
		}
		if !ok {
			return false
		}
		t.tell(n)
		if w.Yield() {
			return true
		}
	}
}

func (t *pushNews) next() (n GateNews, ok, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.news) == 0 {
		t.news, t.busy = nil, false
		return n, false, t.overLocked()
	}
	n = t.news[0]
	t.news = t.news[1:]
	return n, true, false
}
