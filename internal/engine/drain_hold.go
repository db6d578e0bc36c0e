package engine

import "sync"

// drainHolds are what a drain of the connection waits for.
type drainHolds struct {
	mu   sync.Mutex
	list []<-chan struct{}
}

// HoldDrain makes a drain of the connection wait, before it refuses publishes, until done is closed. It is for whoever handles what
// its own sinks have received, and is called from a Watch that is told of session.DrainingSubs.
func (c *Conn) HoldDrain(done <-chan struct{}) {
	c.holds.mu.Lock()
	defer c.holds.mu.Unlock()
	c.holds.list = append(c.holds.list, done)
}

// DrainHolds are the channels that HoldDrain was given. All are known once BeginDrain has returned.
func (c *Conn) DrainHolds() []<-chan struct{} {
	c.holds.mu.Lock()
	defer c.holds.mu.Unlock()
	return c.holds.list
}
