package engine

import "sync"

// farewells are what is called before the connection closes.
type farewells struct {
	mu   sync.Mutex
	list map[*farewell]struct{}
}

type farewell struct{ fn func() }

// OnClose has fn called when Close begins, while publishes are still accepted and written: the last chance to have the server clean up. fn runs on
// the goroutine that closes, and must neither block nor call Close. It is not called when the connection ends in another way. After stop returned
// fn may still be running once.
func (c *Conn) OnClose(fn func()) (stop func()) {
	w := &farewell{fn}
	c.last.mu.Lock()
	defer c.last.mu.Unlock()
	if c.last.list == nil {
		c.last.list = make(map[*farewell]struct{})
	}
	c.last.list[w] = struct{}{}
	return func() {
		c.last.mu.Lock()
		defer c.last.mu.Unlock()
		delete(c.last.list, w)
	}
}

func (ws *farewells) say() {
	for w := range ws.take() {
		w.fn()
	}
}

func (ws *farewells) take() map[*farewell]struct{} {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	list := ws.list
	ws.list = nil
	return list
}
