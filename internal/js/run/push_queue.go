package run

import (
	"sync"
	"sync/atomic"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// pushQueue is a Downstream with a handler: the reader puts messages in, a task of the dispatcher takes them out.
//
// Flow control bounds it, since nothing is answered before it was handled; a server without it, or one that does not keep to it, is bounded
// by queueBytes. What comes on a consumer of which the server has not said yet that it exists waits behind, so that Started comes first.
type pushQueue[M any] struct {
	link    pushLink
	build   func(f *proto.Frame, at wire.Place) M
	handle  func(m M)
	started func(pending uint64) // nil: nobody wants to know
	full    func()               // called at the first message in a row that is refused; nil: nobody wants to know
	over    func()               // called once, under no lock, when finish was called and everything has been handled

	task    engine.Task
	chunk   pushChunk[M] // the worker's
	discard atomic.Bool
	bytes   atomic.Int64  // held, as the server counts them
	dropped atomic.Uint64 // messages that were refused

	run  []held[M] // the reader's: since the last Settle
	slow bool      // the reader's: the last message was refused

	mu      sync.Mutex
	items   feedQueue[M]
	behind  []held[M]
	round   uint32
	waits   bool     // for the server's word on round
	pending []uint64 // of the marks in items, which have the size startMark
	in, out uint64   // items put into items, and taken out and done
	marks   []pushMark
	busy    bool // task is queued or runs
	ended   bool
	closed  bool // over was called
}

// pushMark calls fn when the first at items are done.
type pushMark struct {
	at uint64
	fn func()
}

// pushChunk is what the worker has taken out of the queue at once. It outlives a handler that ends its goroutine.
type pushChunk[M any] struct {
	items   []held[M]
	next    int
	pending []uint64 // of the marks
	size    int
}

const (
	startMark  = -1
	queueBytes = 96 << 20 // three times what nats-server 2.15 sends ahead with flow control
)

var _ Downstream = (*pushQueue[int])(nil)

// Deliver puts a message into the run.
func (q *pushQueue[M]) Deliver(f *proto.Frame, at wire.Place) bool {
	if q.bytes.Load() > queueBytes {
		q.refuse()
		return false
	}
	q.slow = false
	size := len(f.Subject) + len(f.Reply) + len(f.Header) + len(f.Data)
	q.run = append(q.run, held[M]{q.build(f, at), size})
	return true
}

func (q *pushQueue[M]) refuse() {
	q.dropped.Add(1)
	if !q.slow && q.full != nil {
		q.full()
	}
	q.slow = true
}

// Settle puts the run into the queue.
func (q *pushQueue[M]) Settle() {
	if len(q.run) == 0 {
		return
	}
	ready := q.put()
	clear(q.run)
	if q.run = q.run[:0]; cap(q.run) > runKept {
		q.run = nil
	}
	if ready {
		q.link.Ready(&q.task)
	}
}

func (q *pushQueue[M]) put() (ready bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return false
	}
	size := 0
	for i := range q.run {
		size += q.run[i].size
	}
	q.bytes.Add(int64(size))
	if q.waits {
		q.behind = append(q.behind, q.run...)
		return false
	}
	q.pushLocked(q.run)
	return q.wakeLocked()
}

func (q *pushQueue[M]) pushLocked(items []held[M]) {
	q.items.push(items)
	q.in += uint64(len(items))
}

// wakeLocked reports whether the dispatcher must be told.
func (q *pushQueue[M]) wakeLocked() (ready bool) {
	if q.busy || q.items.len() == 0 {
		return false
	}
	q.busy = true
	return true
}

// begin says that a consumer is being made: what comes from now on waits for made, or left.
func (q *pushQueue[M]) begin(round uint32) { q.settleRound(round, true, nil) }

// made says that the consumer of a round is there.
func (q *pushQueue[M]) made(round uint32, m Made) { q.settleRound(round, false, &m.Pending) }

// left says that the consumer of a round was given up.
func (q *pushQueue[M]) left(round uint32) { q.settleRound(round, false, nil) }

func (q *pushQueue[M]) settleRound(round uint32, waits bool, pending *uint64) {
	if q.changeRound(round, waits, pending) {
		q.link.Ready(&q.task)
	}
}

func (q *pushQueue[M]) changeRound(round uint32, waits bool, pending *uint64) (ready bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.ended || q.started == nil:
		return false
	case waits:
		q.round = round
	case q.round != round || !q.waits:
		return false
	}
	q.waits = waits
	if pending != nil {
		q.pending = append(q.pending, *pending)
		q.pushLocked([]held[M]{{size: startMark}})
	}
	q.pushLocked(q.behind)
	q.behind = nil
	return q.wakeLocked()
}

// finish says that nothing more will come. discard throws away what is there.
func (q *pushQueue[M]) finish(discard bool) {
	if discard {
		q.discard.Store(true)
	}
	if q.end(discard) {
		q.over()
	}
}

func (q *pushQueue[M]) end(discard bool) (over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ended {
		q.ended = true
		q.pushLocked(q.behind)
		q.behind = nil
	}
	if discard {
		q.items.drop()
		q.marks, q.pending = nil, nil
	} else if q.wakeLocked() {
		q.link.Ready(&q.task) // a leaf: the dispatcher's own lock
	}
	return q.overLocked()
}

// overLocked reports, once, that it is over.
func (q *pushQueue[M]) overLocked() bool {
	if !q.ended || q.closed || q.busy || q.items.len() > 0 {
		return false
	}
	q.closed = true
	return true
}

// WhenHandled has fn called when everything that is in the queue has been handled.
func (q *pushQueue[M]) WhenHandled(fn func()) {
	if q.isHandled(fn) {
		fn()
	}
}

func (q *pushQueue[M]) isHandled(fn func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.discard.Load():
		return false
	case q.out == q.in && len(q.behind) == 0:
		return true
	}
	q.marks = append(q.marks, pushMark{q.in + uint64(len(q.behind)), fn})
	return false
}

// Run calls the handler. It is for the dispatcher.
func (q *pushQueue[M]) Run(w *engine.Worker) (more bool) { return q.work(w.Yield) }

func (q *pushQueue[M]) work(yield func() bool) (more bool) {
	c := &q.chunk
	for {
		for c.next < len(c.items) && !q.discard.Load() {
			item := c.items[c.next]
			c.items[c.next] = held[M]{}
			c.next++
			if item.size == startMark {
				pending := c.pending[0]
				c.pending = c.pending[1:]
				q.started(pending)
			} else {
				q.handle(item.m)
			}
			if yield() {
				return true
			}
		}
		passed, over := q.refill()
		for _, m := range passed {
			m.fn()
		}
		if over {
			q.over()
		}
		if len(c.items) == 0 {
			return false
		}
	}
}

// refill counts what has been handled and takes what is next, but nothing across a mark.
func (q *pushQueue[M]) refill() (passed []pushMark, over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := &q.chunk
	q.out += uint64(len(c.items))
	q.bytes.Add(-int64(c.size))
	clear(c.items)
	c.items, c.next, c.size, c.pending = c.items[:0], 0, 0, nil
	for len(q.marks) > 0 && q.marks[0].at <= q.out {
		passed = append(passed, q.marks[0])
		q.marks = q.marks[1:]
	}
	most := uint64(chunkMost)
	if len(q.marks) > 0 {
		most = min(most, q.marks[0].at-q.out)
	}
	for uint64(len(c.items)) < most && q.items.len() > 0 {
		item := q.items.pop()
		c.items = append(c.items, item)
		if item.size == startMark {
			c.pending = append(c.pending, q.pending[0])
			q.pending = q.pending[1:]
		} else {
			c.size += item.size
		}
	}
	if len(c.items) == 0 {
		q.busy = false
		over = q.overLocked()
	}
	return passed, over
}
