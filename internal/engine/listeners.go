package engine

import (
	"maps"
	"slices"
	"sync"
)

// listeners are functions that are to be called when something happens, in the order in which they came.
type listeners[F any] struct {
	mu   sync.Mutex
	list map[uint64]F // by their numbers, so that one of many thousands costs no more than the first one
	last uint64
}

func (l *listeners[F]) add(fn F) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list == nil {
		l.list = make(map[uint64]F)
	}
	l.last++
	n := l.last
	l.list[n] = fn
	return func() { l.remove(n) }
}

func (l *listeners[F]) remove(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.list, n)
}

// all returns the functions that are there now.
func (l *listeners[F]) all() []F {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.allLocked()
}

func (l *listeners[F]) allLocked() []F {
	if len(l.list) == 0 {
		return nil
	}
	fns := make([]F, 0, len(l.list))
	for _, n := range slices.Sorted(maps.Keys(l.list)) {
		fns = append(fns, l.list[n])
	}
	return fns
}

// take returns the functions and forgets them.
func (l *listeners[F]) take() []F {
	l.mu.Lock()
	defer l.mu.Unlock()
	fns := l.allLocked()
	l.list = nil
	return fns
}
