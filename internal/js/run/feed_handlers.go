package run

import (
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/mono"
)

// feedHandling and feedTelling are a Feed as a Runner of its two tasks.
type (
	feedHandling[M any] Feed[M]
	feedTelling[M any]  Feed[M]
)

// Run calls Handle for what is in the queue. It is for the dispatcher.
func (h *feedHandling[M]) Run(w *engine.Worker) (more bool) {
	return (*Feed[M])(h).handle(w.Yield)
}

// chunk is what the worker has taken out of the queue at once. It outlives a Handle that ends its goroutine.
type chunk[M any] struct {
	ms   []M
	next int
}

// chunkMost is how many messages are taken at once: less if the machine wants to hear of fewer.
const chunkMost = 64

func (f *Feed[M]) handle(yield func() bool) (more bool) {
	c := &f.chunk
	for {
		for c.next < len(c.ms) && !f.discard.Load() {
			m := c.ms[c.next]
			var none M
			c.ms[c.next] = none
			c.next++
			f.cfg.Handle(m)
			if yield() {
				return true
			}
		}
		if f.refillChunk() {
			f.work()
		}
		if len(c.ms) == 0 {
			return false
		}
	}
}

// refillChunk counts what has been handled, and takes what is next. The message that makes the flow ask for more is a chunk of its own,
// and counted before it is handled, so that the request goes out meanwhile.
func (f *Feed[M]) refillChunk() (work bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.countLocked()
	c := &f.chunk
	clear(c.ms)
	c.ms, c.next = c.ms[:0], 0
	msgs, bytes := f.machine.Spare()
	for len(c.ms) < chunkMost && f.queue.len() > 0 {
		h := f.queue.pop()
		c.ms = append(c.ms, h.m)
		f.taken.n++
		f.taken.size += h.size
		if f.taken.n >= msgs || f.taken.size >= bytes {
			break
		}
	}
	if len(c.ms) == 1 {
		f.countLocked()
	}
	if len(c.ms) == 0 {
		f.busy = false
		f.closeLocked()
	}
	return f.jobs.waiting()
}

// countLocked tells the machine what has been taken.
func (f *Feed[M]) countLocked() {
	n, size := f.taken.n, f.taken.size
	f.taken.n, f.taken.size = 0, 0
	if n > 0 && f.machine.Taken(n, size) {
		now := mono.Now()
		f.applyLocked(now, f.machine.Tick(now))
	}
}

// wakeLocked makes sure that what is in the queue is taken.
func (f *Feed[M]) wakeLocked() {
	switch {
	case f.queue.len() == 0:
	case f.cfg.Handle == nil:
		f.signalLocked()
	case !f.busy:
		f.busy = true
		f.jobs.add(feedJob[M]{kind: feedReady, task: &f.handling})
	}
}

// warnLocked tells the user, and a Next that waits.
func (f *Feed[M]) warnLocked(n feedNews) {
	f.tellLocked(n)
	if f.waiting > 0 && f.cfg.Disturbs != nil && f.cfg.Disturbs(n.code, n.lasting) {
		f.disturbed, f.trouble = true, n
		f.signalLocked()
	}
}

func (f *Feed[M]) tellLocked(n feedNews) {
	if f.cfg.Tell == nil || len(f.news) >= newsKept {
		return
	}
	f.news = append(f.news, n)
	if !f.talking {
		f.talking = true
		f.jobs.add(feedJob[M]{kind: feedReady, task: &f.telling})
	}
}

// Run calls Tell. It is for the dispatcher.
func (t *feedTelling[M]) Run(w *engine.Worker) (more bool) {
	f := (*Feed[M])(t)
	for {
		n, ok := f.nextNews()
		if !ok {
			return false
		}
		f.cfg.Tell(n.code, n.words)
		if w.Yield() {
			return true
		}
	}
}

func (f *Feed[M]) nextNews() (n feedNews, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.news) == 0 {
		f.news, f.talking = nil, false
		f.closeLocked()
		return n, false
	}
	n = f.news[0]
	f.news = f.news[1:]
	return n, true
}
