package engine

import (
	"slices"
	"sync"

	"github.com/gannet-io/nats/internal/session"
)

// watchers are told of every change of status, in order, on the supervisor.
type watchers struct {
	mu   sync.Mutex
	list []*watcher
}

type watcher struct{ fn func(session.Status, error) }

// Watch calls fn at every change of status; err is the cause of a disconnect. fn runs on the supervisor, must not block and
// must not call Close. After stop returned fn may still be running once.
func (c *Conn) Watch(fn func(s session.Status, err error)) (stop func()) {
	w := &watcher{fn}
	c.watch.mu.Lock()
	defer c.watch.mu.Unlock()
	c.watch.list = append(slices.Clip(c.watch.list), w)
	return func() {
		c.watch.mu.Lock()
		defer c.watch.mu.Unlock()
		c.watch.list = slices.DeleteFunc(slices.Clone(c.watch.list), func(x *watcher) bool { return x == w })
	}
}

func (ws *watchers) tell(s session.Status, err error) {
	for _, w := range ws.snapshot() {
		w.fn(s, err)
	}
}

func (ws *watchers) snapshot() []*watcher {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.list
}
