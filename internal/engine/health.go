package engine

import (
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// health is what Health reads without a lock.
type health struct {
	since             atomic.Int64  // mono.Time of the last change of status
	lost, unconfirmed atomic.Uint64 // sums of all LossErrors
	left              atomic.Uint64 // calls of ConsumerLeft

	rtt atomic.Int64 // the last round trip, 0 before the first
}

// Health is what a probe wants to know of a connection.
type Health struct {
	Since       time.Duration // since the last change of status
	Heard       time.Duration // since bytes came; 0 when none have
	RTT         time.Duration // the last round trip of a PING that did not wait for a link; 0 before the first
	Outstanding int           // requests, pulls and PINGs without answer
	Pending     int           // bytes accepted and not written
	Unconfirmed bool          // something was published that the server has not confirmed
	Resent      uint64        // publishes sent again
	DroppedNews uint64        // reports that nobody was told

	LostDropped, LostUnconfirmed uint64 // sums of all LossErrors
	LeftConsumers                uint64 // that could not be deleted
}

// Health answers at once.
func (c *Conn) Health() Health {
	now := mono.Now()
	h := Health{
		Since: now.Sub(mono.Time(c.health.since.Load())), RTT: time.Duration(c.health.rtt.Load()),
		Outstanding: c.mux.outstanding() + int(c.pulls.Load()) + c.waitingPongs(),
		Pending:     c.out.Buffered(), Unconfirmed: c.out.Unconfirmed(), Resent: c.out.Resent(),
		LostDropped: c.health.lost.Load(), LostUnconfirmed: c.health.unconfirmed.Load(),
		DroppedNews: c.calls.droppedInAll(), LeftConsumers: c.health.left.Load(),
	}
	if heard := c.heard.Load(); heard != 0 {
		h.Heard = now.Sub(mono.Time(heard))
	}
	return h
}

func (c *Conn) waitingPongs() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pongs)
}

// Requests is the number of requests and publishes that wait for their replies.
func (c *Conn) Requests() int { return c.mux.outstanding() }
