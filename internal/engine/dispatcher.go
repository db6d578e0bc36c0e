package engine

import (
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// dispatcher runs the callbacks of asynchronous subscriptions on as many goroutines as are blocked in callbacks, plus
// one, instead of one for each subscription: 100,000 subscriptions cost 3 KB each that way.
//
// A subscription's Task is in the ready queue, or with one worker, or idle: so its callbacks are in order and one at a time.
// Before a worker enters user code while other tasks are ready it makes sure that one more worker is on its way, so a
// callback that blocks holds up nobody else.
type dispatcher struct {
	mu     sync.Mutex
	head   *Task // ready, first in first out
	tail   *Task
	idle   []*Worker
	coming int // workers on their way to the queue: woken, started, or back from user code
	closed bool
}

// Limits of one turn of a task while others wait, and the life of a worker with nothing to do.
const (
	turnItems  = 64
	turnTime   = time.Millisecond
	turnCheck  = 8 // items between two looks at the clock
	workerIdle = 5 * time.Second
)

// Task is a queue of work that the dispatcher runs; the zero value must be bound first. Embed it in a subscription.
type Task struct {
	runner Runner
	next   *Task
	state  uint8 // guarded by dispatcher.mu
}

const (
	taskIdle uint8 = iota
	taskReady
	taskRunning
	taskAgain // running, and to be queued again afterwards
)

// Bind says who works off the task's queue; once, before Ready.
func (t *Task) Bind(r Runner) { t.runner = r }

// Runner works off a task's queue.
type Runner interface {
	// Run handles items until there are none or w.Yield says so; more reports that some are left.
	Run(w *Worker) (more bool)
}

// Worker is the goroutine that runs a task.
type Worker struct {
	d     *dispatcher
	wake  chan struct{}
	items int
	until mono.Time

	resident bool // rests without a limit
}

// Yield counts one item and reports whether the task has had its turn. Run asks before each further item.
func (w *Worker) Yield() bool {
	w.items++
	if w.items == turnCheck {
		w.until = mono.Now().Add(turnTime) // a short turn needs no clock
		return false
	}
	if w.items%turnItems != 0 && (w.items%turnCheck != 0 || mono.Now() < w.until) {
		return false
	}
	return w.d.waiting()
}

// Ready queues t, unless it is queued; a task that is running is queued again when its turn is over.
func (c *Conn) Ready(t *Task) { c.disp.ready(t) }

func (d *dispatcher) ready(t *Task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch t.state {
	case taskIdle:
		t.state = taskReady
		d.pushLocked(t)
	case taskRunning:
		t.state = taskAgain
	}
}

func (d *dispatcher) pushLocked(t *Task) {
	if d.tail == nil {
		d.head = t
	} else {
		d.tail.next = t
	}
	d.tail = t
	d.summonLocked()
}

// summonLocked makes sure that a worker is on its way to the queue.
func (d *dispatcher) summonLocked() {
	if d.coming > 0 {
		return
	}
	d.coming++
	if n := len(d.idle); n > 0 {
		w := d.idle[n-1]
		d.idle = d.idle[:n-1]
		w.wake <- struct{}{} // has room: an idle worker's channel is empty
		return
	}
	w := &Worker{d: d, wake: make(chan struct{}, 1)}
	go w.run()
}

func (d *dispatcher) waiting() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.head != nil
}

// next takes the first ready task. With others behind it a further worker is summoned: this one may block in user code.
// Without a task the worker is put on the idle list, or told to end; the first on the list stays for good, which spares a
// connection with one busy subscription a timer for every message.
func (d *dispatcher) next(w *Worker) (t *Task, stay bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nextLocked(w)
}

func (d *dispatcher) nextLocked(w *Worker) (t *Task, stay bool) {
	d.coming--
	t = d.head
	if t == nil {
		if !d.closed {
			w.resident = len(d.idle) == 0
			d.idle = append(d.idle, w)
		}
		return nil, !d.closed
	}
	if d.head = t.next; d.head == nil {
		d.tail = nil
	} else {
		d.summonLocked()
	}
	t.next = nil
	t.state = taskRunning
	return t, true
}

// swap puts a task whose turn is over at the end of the queue if there is more, and takes the next one.
func (d *dispatcher) swap(w *Worker, t *Task, more bool) (next *Task, stay bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.coming++ // the worker itself: nobody needs to be summoned for t
	if more || t.state == taskAgain {
		t.state = taskReady
		d.pushLocked(t)
	} else {
		t.state = taskIdle
	}
	return d.nextLocked(w)
}

// lost queues a task again whose callback ended the worker, which summons another one.
func (d *dispatcher) lost(t *Task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t.state = taskReady
	d.pushLocked(t)
}

func (w *Worker) run() {
	t, stay := w.d.next(w)
	for {
		switch {
		case t != nil:
			t, stay = w.turn(t)
		case stay && w.rest():
			t, stay = w.d.next(w)
		default:
			return
		}
	}
}

// turn gives t one turn, and takes the next task. When a callback ends the goroutine (runtime.Goexit) the task is queued
// again, which summons another worker.
func (w *Worker) turn(t *Task) (next *Task, stay bool) {
	w.items = 0
	returned := false
	defer func() {
		if !returned {
			w.d.lost(t)
		}
	}()
	more := t.runner.Run(w)
	returned = true
	return w.d.swap(w, t, more)
}

// rest waits for work; false ends the worker.
func (w *Worker) rest() bool {
	if w.resident {
		_, open := <-w.wake
		return open
	}
	timer := time.NewTimer(workerIdle)
	defer timer.Stop()
	select {
	case _, open := <-w.wake:
		return open
	case <-timer.C:
	}
	if w.d.leave(w) {
		return false
	}
	_, open := <-w.wake // it was summoned at this moment
	return open
}

// leave takes w off the idle list; false: it is not on it any more.
func (d *dispatcher) leave(w *Worker) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, x := range d.idle {
		if x == w {
			d.idle = append(d.idle[:i], d.idle[i+1:]...)
			return true
		}
	}
	return false
}

// close ends idle workers; busy ones end when they find nothing more to do. Tasks made ready later still run.
func (d *dispatcher) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, w := range d.idle {
		close(w.wake)
	}
	d.idle = nil
}
