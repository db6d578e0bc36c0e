package engine

import (
	"fmt"
	"sync"
)

// callbackQueue runs connection events one after the other, on a goroutine that exists while there are any.
type callbackQueue struct {
	mu      sync.Mutex
	queue   []func()
	running bool

	total   uint64 // news dropped
	dropped uint64 // of them, those that were not told yet
	pending bool   // a call of conn.tellDropped is in the queue
	conn    *Conn  // tells, as a callback, how many news were dropped; nil: nobody does. Never changes
}

// Callback runs fn on the callback goroutine, after what was queued before.
func (c *Conn) Callback(fn func()) { c.calls.push(fn) }

// mostNews bounds the news that wait, for callbacks as for the supervisor: a server that repeats itself, or a
// callback that blocks, must not fill the memory. News are what may get lost among so many: errors that servers tell,
// INFOs, slow consumers. What happens to the connection itself is not bounded, and happens rarely.
const mostNews = 1024

// DroppedNews says that so many reports were not told: too many waited already, for a callback that blocks or takes its time. It
// goes to the asynchronous error handler in the place of the first of them.
type DroppedNews struct{ Count uint64 }

func (e *DroppedNews) Error() string {
	return fmt.Sprintf("nats: %d reports dropped: callbacks are too slow", e.Count)
}

func (c *Conn) tellDropped(n uint64) {
	c.ev.Report(nil, &DroppedNews{Count: n})
}

// News is [Conn.Callback] for news; false: there are too many already, fn is dropped, and that will be told.
func (c *Conn) News(fn func()) bool { return c.calls.offer(fn) }

func (q *callbackQueue) push(fn func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pushLocked(fn)
}

func (q *callbackQueue) offer(fn func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) >= mostNews {
		q.dropLocked()
		return false
	}
	q.pushLocked(fn)
	return true
}

// drop counts news that got lost before they came here.
func (q *callbackQueue) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropLocked()
}

// dropLocked has what is dropped told behind what waits: one report for all until then.
func (q *callbackQueue) dropLocked() {
	q.total++
	q.dropped++
	if q.pending || q.conn == nil {
		return
	}
	q.pending = true
	q.pushLocked(func() { q.conn.tellDropped(q.takeDropped()) })
}

// busy reports whether callbacks wait or run.
func (q *callbackQueue) busy() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.running
}

func (q *callbackQueue) droppedInAll() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}

func (q *callbackQueue) takeDropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.dropped
	q.dropped, q.pending = 0, false
	return n
}

func (q *callbackQueue) pushLocked(fn func()) {
	q.queue = append(q.queue, fn)
	if !q.running {
		q.running = true
		go q.run()
	}
}

func (q *callbackQueue) run() {
	// A callback that ends its goroutine (runtime.Goexit, as t.FailNow does) must not end the queue; after a panic
	// the program ends anyway.
	finished := false
	defer func() {
		if !finished {
			go q.run()
		}
	}()
	for fn := q.pop(); fn != nil; fn = q.pop() {
		fn()
	}
	finished = true
}

func (q *callbackQueue) pop() func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) == 0 {
		q.queue, q.running = nil, false
		return nil
	}
	fn := q.queue[0]
	q.queue[0] = nil
	q.queue = q.queue[1:]
	return fn
}
