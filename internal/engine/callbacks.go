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

func (q *callbackQueue) push(fn func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
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
