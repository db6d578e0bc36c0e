package engine

import "sync"

// mailbox holds what the supervisor has still to do. Whoever puts something in never waits.
type mailbox struct {
	mu     sync.Mutex
	queue  []func()
	closed bool
	wake   chan struct{} // capacity 1
}

// mostSpare bounds the memory that a mailbox keeps for later, in things to do.
const mostSpare = 64

// post has fn run on the supervisor; false: the connection has ended and fn will not run.
func (m *mailbox) post(fn func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.postLocked(fn)
}

// offer is post for news; false also means that too many things wait.
func (m *mailbox) offer(fn func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.queue) < mostNews && m.postLocked(fn)
}

func (m *mailbox) postLocked(fn func()) bool {
	if m.closed {
		return false
	}
	m.queue = append(m.queue, fn)
	m.nudge()
	return true
}

// nudge has the supervisor look what there is to do.
func (m *mailbox) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// take returns what is to be done. done is what it returned the time before, whose memory is used again.
func (m *mailbox) take(done []func()) []func() {
	if cap(done) > mostSpare {
		done = nil
	}
	clear(done)
	m.mu.Lock()
	defer m.mu.Unlock()
	q := m.queue
	m.queue = done[:0]
	return q
}

// shut refuses further posts and returns those that came before.
func (m *mailbox) shut() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	q := m.queue
	m.queue = nil
	return q
}
