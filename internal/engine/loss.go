package engine

import (
	"fmt"

	"github.com/gannet-io/nats/internal/outbox"
)

// LossError says what a lost or closed link may have taken with it. It goes to the asynchronous error handler.
type LossError struct {
	// Unconfirmed publishes without a reply subject were written to the link after the last PONG: each may or may not have
	// arrived.
	Unconfirmed int
	// Dropped publishes were accepted, never written, and could not be kept: they are lost.
	Dropped int
	// Cause is why the link was lost, or what ended the connection; nil after Close.
	Cause error
}

func (e *LossError) Error() string {
	return fmt.Sprintf("nats: link lost: %d publishes unconfirmed, %d dropped", e.Unconfirmed, e.Dropped)
}

// Unwrap is the cause.
func (e *LossError) Unwrap() error { return e.Cause }

func (c *Conn) tellLoss(loss outbox.Loss, cause error) {
	if loss.Unconfirmed > 0 || loss.Dropped > 0 {
		c.health.unconfirmed.Add(uint64(loss.Unconfirmed))
		c.health.lost.Add(uint64(loss.Dropped))
		c.tellError(nil, &LossError{Unconfirmed: loss.Unconfirmed, Dropped: loss.Dropped, Cause: cause})
	}
}
