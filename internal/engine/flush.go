package engine

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/session"
)

// ponger waits for the PONG to one PING.
type ponger struct {
	fn    func(error)
	sent  bool // false: there is no link, it is sent after the replay
	timer bool // the ping timer's, or a doubt's
}

// OnPong sends a PING and calls fn when the answer comes: everything that the server sent before has been delivered by
// then. While there is no link the PING waits for the reconnect. fn gets natserr.Disconnected when the link is lost after the
// PING went out, natserr.ConnectionClosed at the end. It runs on the reader or the supervisor and must not block.
// The error returned is natserr.ConnectionClosed; fn is not called then.
func (c *Conn) OnPong(fn func(err error)) error {
	return c.onPong(ponger{fn: fn}, session.Answers)
}

func (c *Conn) onPong(p ponger, owed session.Debt) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.finished {
		return natserr.ConnectionClosed
	}
	p.sent = c.pingLocked()
	c.pongs = append(c.pongs, p)
	c.owes(owed)
	return nil
}

// pingLocked sends a PING for the ponger that is added next.
func (c *Conn) pingLocked() (sent bool) { return c.out.Ping() || c.refusedControl() }

// pong gives a PONG to the longest waiting PING; a PONG that nobody asked for is ignored, and one that the outbox asked for is
// for the outbox.
func (c *Conn) pong() {
	if own, ok := c.out.Pong(); own || !ok {
		return
	}
	if p, ok := c.popPong(); ok {
		p.fn(nil)
	}
}

func (c *Conn) popPong() (p ponger, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pongs) == 0 || !c.pongs[0].sent {
		return p, false
	}
	p = c.pongs[0]
	c.pongs = append(c.pongs[:0], c.pongs[1:]...)
	return p, true
}

// failPongs ends the waits of a lost link, or all waits.
func (c *Conn) failPongs(err error, all bool) {
	for _, p := range c.dropPongs(all) {
		p.fn(err)
	}
}

func (c *Conn) dropPongs(all bool) (dropped []ponger) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := c.pongs[:0:0]
	for _, p := range c.pongs {
		if all || p.sent {
			dropped = append(dropped, p)
		} else {
			kept = append(kept, p)
		}
	}
	c.pongs = kept
	return dropped
}

// Flush waits until the server has processed everything published before, and returns the round-trip time. Errors:
// ctx.Err(), natserr.Disconnected when the link was lost meanwhile, natserr.ConnectionClosed. ctx must have a bound.
func (c *Conn) Flush(ctx context.Context) (time.Duration, error) {
	started := mono.Now()
	linked := c.current.Load()
	done := make(chan error, 1)
	if err := c.OnPong(func(err error) {
		if err == nil && linked != nil {
			c.health.rtt.Store(int64(mono.Now().Sub(started)))
		}
		done <- err
	}); err != nil {
		return 0, err
	}
	select {
	case err := <-done:
		return mono.Now().Sub(started), err
	case <-ctx.Done():
		c.Doubt()
		return 0, ctx.Err()
	}
}
