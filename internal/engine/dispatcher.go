package engine

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// dispatcher runs the callbacks of asynchronous subscriptions on as many goroutines as are blocked in callbacks, plus
// one, instead of one for each subscription: 100,000 subscriptions cost 3 KB each that way.
//
// A subscription's Task is busy, which is in the queue, in a batch or with one worker, or idle: so its callbacks are in order and one at a time.
// Before a worker enters user code while other tasks are ready it makes sure that one more worker is on its way, so a
// callback that blocks holds up nobody else.
//
// Tasks that are ready are in the queue or in the batch of a worker. A worker takes several out of the queue at a time, and whoever finds the
// queue empty takes one out of the batch of another. With a lock for each task, and another for its end, a thousand
// subscriptions that get their messages in turns spent a fifth of their time on locks.
type dispatcher struct {
	mu      sync.Mutex
	head    *Task // ready, first in first out
	tail    *Task
	idle    []*Worker
	holders []*Worker // those that may have something in their batch
	coming  int       // workers on their way to the queue: woken, started, or back from user code
	closed  bool

	soon []*Task // ready, not in the queue yet. The reader's
}

// Limits of one turn of a task while others wait, and the life of a worker with nothing to do.
const (
	turnItems  = 64
	turnTime   = time.Millisecond
	turnCheck  = 32 // items between two looks at the clock, each of which costs as much as a message
	workerIdle = 5 * time.Second
	batchTasks = 8  // that a worker takes at a time
	soonTasks  = 32 // that the reader puts into the queue at a time
)

// Task is a queue of work that the dispatcher runs; the zero value must be bound first. Embed it in a subscription.
type Task struct {
	runner Runner
	next   *Task // guarded by dispatcher.mu
	state  atomic.Uint32
}

const (
	taskIdle  uint32 = iota
	taskBusy         // ready or running: to tell them apart would cost a store for each turn
	taskAgain        // and ready again afterwards
)

// Bind says who works off the task's queue; once, before Ready.
func (t *Task) Bind(r Runner) { t.runner = r }

// Busy reports whether a worker has the task in hand, or is about to.
func (t *Task) Busy() bool { return t.state.Load() != taskIdle }

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

	// batch[taken:held] are ready tasks. The worker fills it under dispatcher.mu and takes from it without; others take under that lock.
	batch  [batchTasks]*Task
	held   int32
	taken  atomic.Int32
	listed bool // among the holders. Guarded by dispatcher.mu
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

// take takes a task out of the batch; nil: there is none.
func (w *Worker) take() *Task {
	if i := w.taken.Load(); i >= w.held {
		return nil
	}
	i := w.taken.Add(1) - 1
	if i >= w.held {
		return nil
	}
	return w.batch[i]
}

// Ready queues t; one that is queued or running is queued again when its turn is over.
func (c *Conn) Ready(t *Task) { c.disp.ready(t) }

// ReadySoon is Ready for sinks, in Settle: t is queued together with those of other sinks, at the latest when the reader has worked off what
// it has read.
func (c *Conn) ReadySoon(t *Task) {
	d := &c.disp
	if c.super == nil {
		d.ready(t) // without a network there is no reader
		return
	}
	if !t.rouse() {
		return
	}
	if d.soon = append(d.soon, t); len(d.soon) >= soonTasks {
		d.flush()
	}
}

// ReadyNow queues what ReadySoon was told of: for a sink that is about to wait.
func (c *Conn) ReadyNow() { c.disp.flush() }

func (d *dispatcher) flush() {
	if len(d.soon) == 0 {
		return
	}
	d.pushAll(d.soon)
	clear(d.soon)
	d.soon = d.soon[:0]
}

func (d *dispatcher) pushAll(tasks []*Task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, t := range tasks {
		d.pushLocked(t)
	}
}

func (d *dispatcher) ready(t *Task) {
	if t.rouse() {
		d.push(t)
	}
}

// rouse makes t busy, and reports whether the caller has to put it into the queue. Whoever does not have to, added to its work before its next
// turn begins.
func (t *Task) rouse() (push bool) {
	for {
		switch state := t.state.Load(); state {
		case taskIdle:
			if t.state.CompareAndSwap(state, taskBusy) {
				return true
			}
		case taskBusy:
			if t.state.CompareAndSwap(state, taskAgain) {
				return false
			}
		default:
			return false
		}
	}
}

func (d *dispatcher) push(t *Task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pushLocked(t)
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

func (d *dispatcher) popLocked() *Task {
	t := d.head
	if t == nil {
		return nil
	}
	if d.head = t.next; d.head == nil {
		d.tail = nil
	}
	t.next = nil
	return t
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
	return d.waitingLocked()
}

// waitingLocked reports whether a task is ready.
func (d *dispatcher) waitingLocked() bool {
	if d.head != nil {
		return true
	}
	for n := len(d.holders); n > 0; n = len(d.holders) {
		if h := d.holders[n-1]; h.taken.Load() < h.held {
			return true
		}
		d.unlistLocked()
	}
	return false
}

// unlistLocked takes the last holder off the list: its batch is empty.
func (d *dispatcher) unlistLocked() {
	last := len(d.holders) - 1
	d.holders[last].listed = false
	d.holders[last] = nil
	d.holders = d.holders[:last]
}

// stealLocked takes a task out of the batch of another worker.
func (d *dispatcher) stealLocked() *Task {
	for n := len(d.holders); n > 0; n = len(d.holders) {
		if t := d.holders[n-1].take(); t != nil {
			return t
		}
		d.unlistLocked()
	}
	return nil
}

// next takes ready tasks, the first of them for w to run at once. With others behind it a further worker is summoned: this one may block in
// user code. Without a task the worker is put on the idle list, or told to end; the first on the list stays for good, which
// spares a connection with one busy subscription a timer for every message.
func (d *dispatcher) next(w *Worker) (t *Task, stay bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nextLocked(w)
}

func (d *dispatcher) nextLocked(w *Worker) (t *Task, stay bool) {
	d.coming--
	if t = d.popLocked(); t != nil {
		d.fillLocked(w)
	} else if t = d.stealLocked(); t == nil {
		if !d.closed {
			w.resident = len(d.idle) == 0
			d.idle = append(d.idle, w)
		}
		return nil, !d.closed
	}
	if d.waitingLocked() {
		d.summonLocked()
	}
	return t, true
}

// fillLocked puts the next tasks into w's batch, which is empty.
func (d *dispatcher) fillLocked(w *Worker) {
	n := int32(0)
	for ; n < batchTasks && d.head != nil; n++ {
		w.batch[n] = d.popLocked()
	}
	w.held = n
	w.taken.Store(0)
	if n > 0 && !w.listed {
		w.listed = true
		d.holders = append(d.holders, w)
	}
}

// swap ends the turn of a task, which is ready again if there is more, and takes the next one.
func (d *dispatcher) swap(w *Worker, t *Task, more bool) (next *Task, stay bool) {
	more = more || !t.state.CompareAndSwap(taskBusy, taskIdle)
	if more {
		t.state.Store(taskBusy) // it may have been taskAgain
	} else {
		if next = w.take(); next != nil {
			return next, true
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.coming++ // the worker itself: nobody needs to be summoned for t
	if more {
		d.pushLocked(t)
		if next = w.take(); next != nil {
			d.coming--
			if d.waitingLocked() {
				d.summonLocked()
			}
			return next, true
		}
	}
	return d.nextLocked(w)
}

// lost queues a task again whose callback ended the worker, which summons another one.
func (d *dispatcher) lost(t *Task) {
	t.state.Store(taskBusy)
	d.push(t)
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
