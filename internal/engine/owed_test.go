package engine

import (
	"runtime"
	"sync"
	"testing"

	"github.com/gannet-io/nats/internal/session"
)

// Whoever comes to owe an answer in the moment in which the supervisor finds that nobody does is not forgotten: a silent link would not be
// found then.
func TestOwedInTheSameMoment(t *testing.T) {
	t.Parallel()
	const rounds = 1000
	forgotten := 0
	for round := range rounds {
		c := &Conn{}
		c.mail.wake = make(chan struct{}, 1)
		s := &supervisor{c: c, machine: new(session.Machine)}
		c.owed.Store(uint32(session.Answers)) // for one that has come
		var looks sync.WaitGroup
		c.beginsToOwe(func() {
			looks.Go(s.lookForDebts)
			for range 1 + round%16 { // until it waits for the lock, having seen that no pull is outstanding
				runtime.Gosched()
			}
		})
		looks.Wait()
		if c.owed.Load() != uint32(session.Answers) {
			forgotten++
		}
	}
	if forgotten > 0 {
		t.Errorf("in %d of %d rounds the link is not watched although an answer is outstanding", forgotten, rounds)
	}
}

// beginsToOwe begins a pull, behind f, while nobody can count requests.
func (c *Conn) beginsToOwe(f func()) {
	c.mux.mu.Lock()
	defer c.mux.mu.Unlock()
	f()
	c.Owe(1)
}
