package run

// held is a message and its size, as the server counts it.
type held[M any] struct {
	m    M
	size int
}

// feedQueue is first in, first out. The zero value is empty.
type feedQueue[M any] struct {
	items []held[M]
	head  int
}

// queueKept is the number of places that an empty queue keeps.
const queueKept = 1024

func (q *feedQueue[M]) len() int { return len(q.items) - q.head }

func (q *feedQueue[M]) push(ms []held[M]) {
	if q.head > 0 && len(q.items)+len(ms) > cap(q.items) { // move instead of growing
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, ms...)
}

// pop takes the first; the queue must not be empty.
func (q *feedQueue[M]) pop() held[M] {
	h := q.items[q.head]
	q.items[q.head] = held[M]{}
	if q.head++; q.head == len(q.items) {
		q.empty()
	}
	return h
}

// drop throws everything away.
func (q *feedQueue[M]) drop() {
	clear(q.items)
	q.empty()
}

func (q *feedQueue[M]) empty() {
	q.items, q.head = q.items[:0], 0
	if cap(q.items) > queueKept {
		q.items = nil
	}
}
