package engine

import (
	"slices"
	"sync"
)

// drainHolds are what a drain of the connection waits for.
type drainHolds struct {
	mu   sync.Mutex
	list []<-chan struct{}
}

// HoldDrain makes a drain of the connection wait, before it refuses publishes, until done is closed. It is for whoever handles what
// its own sinks have received, and is called from a Watch that is told of session.DrainingSubs, or before.
func (c *Conn) HoldDrain(done <-chan struct{}) {
	c.holds.mu.Lock()
	defer c.holds.mu.Unlock()
	// Those that are over must not add up on a connection that lives long. A drain may be reading the list.
	c.holds.list = append(slices.DeleteFunc(slices.Clone(c.holds.list), isClosed), done)
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// DrainHolds are the channels that HoldDrain was given. All are known once BeginDrain has returned.
func (c *Conn) DrainHolds() []<-chan struct{} {
	c.holds.mu.Lock()
	defer c.holds.mu.Unlock()
	return c.holds.list
}
