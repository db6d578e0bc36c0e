package engine

import "sync"

// callbackQueue runs connection events one after the other, on a goroutine that exists while there are any.
type callbackQueue struct {
	mu      sync.Mutex
	queue   []func()
	running bool
}

// Callback runs fn on the callback goroutine, after what was queued before.
func (c *Conn) Callback(fn func()) { c.calls.push(fn) }

// mostNews bounds the news that wait, for callbacks as for the supervisor: a server that repeats itself, or a
// callback that blocks, must not fill the memory. News are what may get lost among so many: errors that servers tell,
// INFOs, slow consumers. What happens to the connection itself is not bounded, and happens rarely.
const mostNews = 1024

// News is [Conn.Callback] for news; false: there are too many already, and fn is dropped.
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
		return false
	}
	q.pushLocked(fn)
	return true
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
