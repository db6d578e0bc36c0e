package engine

import "sync"

// latch is something that happens once. Its channel is made when somebody waits for it: most connections end without that.
type latch struct {
	mu     sync.Mutex
	ch     chan struct{}
	closed bool
}

// close says that it has happened; once.
func (l *latch) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.ch != nil {
		close(l.ch)
	}
}

// done returns a channel that is closed when it has happened.
func (l *latch) done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ch == nil {
		l.ch = make(chan struct{})
		if l.closed {
			close(l.ch)
		}
	}
	return l.ch
}
