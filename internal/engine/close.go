package engine

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/outbox"
	"github.com/gannet-io/nats/internal/session"
)

// What a user's Close may take: it goes on while writes progress.
const (
	closeIdle  = 250 * time.Millisecond
	closeTotal = 2 * time.Second
	closeRead  = 100 * time.Millisecond
)

// Close ends the connection: what was accepted is written while writes progress, then every waiter is told. It is
// idempotent, may be called from any callback, and returns within about two seconds whatever the network does.
func (c *Conn) Close() { c.CloseWithin(closeIdle, closeTotal) }

// CloseWithin is Close with other bounds: it gives up writing after idle without progress, and after total at the latest. It returns what the
// error handler is told of too; only the first Close has something to return.
func (c *Conn) CloseWithin(idle, total time.Duration) (lost LossError) {
	if c.super == nil {
		c.disp.close()
		return lost
	}
	if !c.closing.Swap(true) {
		loss := c.beginClose(idle, total)
		lost.Unconfirmed, lost.Dropped = loss.Unconfirmed, loss.Dropped
	}
	c.end.Wait()
	return lost
}

func (c *Conn) beginClose(idle, total time.Duration) outbox.Loss {
	c.sayFarewell()
	c.gate.Store(gateClosed)
	c.hanging.Store(true)
	loss := c.out.Close(idle, total)
	if published, _ := c.out.Stats(); published > 0 && loss == (outbox.Loss{}) && total > closeRead {
		c.hangUp()
	}
	c.mail.post(func() {
		if !c.super.over {
			c.tellLoss(loss, nil)
			c.super.act(c.super.machine.Close(mono.Now()))
		}
	})
	return loss
}

// hangUp ends our half of the stream and lets the server end its own: a socket that is closed with unread bytes in it is
// reset, which can destroy what was just written.
func (c *Conn) hangUp() {
	l := c.current.Load()
	if l == nil {
		return
	}
	if half, ok := l.conn.(interface{ CloseWrite() error }); ok {
		go func() { _ = half.CloseWrite() }() // over TLS it may block until the socket is closed, which is next
		timer := time.NewTimer(closeRead)
		defer timer.Stop()
		select {
		case <-l.ended.done():
		case <-timer.C:
		}
	}
}

// Done is closed when everything has ended but callbacks that are still running.
func (c *Conn) Done() <-chan struct{} { return c.gone.done() }

// BeginDrain moves to DRAINING_SUBS: Subscribe is refused from now on. Errors: natserr.ConnectionClosed, and
// natserr.ConnectionReconnecting while there is no link. began is false when the connection is draining already.
func (c *Conn) BeginDrain() (began bool, err error) { return c.beginDrain((*session.Machine).Drain) }

// BeginShutdown is BeginDrain that needs no link: one that is missing, or gets lost, is waited for, until Close. Error:
// natserr.ConnectionClosed.
func (c *Conn) BeginShutdown() (began bool, err error) {
	return c.beginDrain((*session.Machine).Shutdown)
}

// beginDrain takes a step of the session that may move it to DRAINING_SUBS.
func (c *Conn) beginDrain(step func(*session.Machine, mono.Time) ([]session.Action, error)) (began bool, err error) {
	result := make(chan error, 1)
	ok := c.mail.post(func() {
		if c.super.over {
			result <- natserr.ConnectionClosed
			return
		}
		before := c.Status()
		actions, err := step(c.super.machine, mono.Now())
		c.super.act(actions)
		began = err == nil && before != c.Status()
		result <- err
	})
	if !ok {
		return false, natserr.ConnectionClosed
	}
	err = <-result
	return began, err
}

// EndSubs moves from DRAINING_SUBS to DRAINING_PUBS: Publish is refused from now on.
func (c *Conn) EndSubs() {
	c.sayFarewell()
	done := make(chan struct{})
	ok := c.mail.post(func() {
		defer close(done)
		if !c.super.over {
			c.super.act(c.super.machine.DrainPubs(mono.Now()))
		}
	})
	if ok {
		<-done
	}
}
