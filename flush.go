package nats

import (
	"context"
	"errors"
	"time"
)

// flushPatience bounds Flush and RTT.
const flushPatience = 10 * time.Second

// Flush waits, 10 s at most, until the server has processed everything that was published before. Errors: see [Conn.FlushTimeout].
func (nc *Conn) Flush() error { return nc.FlushTimeout(flushPatience) }

// FlushTimeout is [Conn.Flush] with another bound. While reconnecting it waits for the link. Errors: [ErrBadTimeout] for a bound of 0
// or less, [ErrTimeout], [ErrDisconnected] when the link is lost meanwhile, [ErrConnectionClosed].
func (nc *Conn) FlushTimeout(timeout time.Duration) error {
	switch {
	case nc.engine() == nil:
		return ErrInvalidConnection
	case timeout <= 0:
		return ErrBadTimeout
	}
	_, err := nc.roundTrip(timeout)
	return err
}

// FlushWithContext is [Conn.Flush] with a context, which must have a deadline. Errors: [ErrInvalidContext] for nil,
// [ErrNoDeadlineContext], the context's own, [ErrDisconnected], [ErrConnectionClosed].
func (nc *Conn) FlushWithContext(ctx context.Context) error {
	switch {
	case nc.engine() == nil:
		return ErrInvalidConnection
	case ctx == nil:
		return ErrInvalidContext
	}
	if _, ok := ctx.Deadline(); !ok {
		return ErrNoDeadlineContext
	}
	_, err := nc.eng.Flush(ctx)
	return err
}

// RTT measures a round trip to the server. Errors: [ErrConnectionClosed], [ErrDisconnected] while reconnecting, [ErrTimeout] after 10 s.
func (nc *Conn) RTT() (time.Duration, error) {
	switch {
	case nc.engine() == nil:
		return 0, ErrInvalidConnection
	case nc.IsClosed():
		return 0, ErrConnectionClosed
	case nc.IsReconnecting():
		return 0, ErrDisconnected
	}
	return nc.roundTrip(flushPatience)
}

func (nc *Conn) roundTrip(timeout time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	rtt, err := nc.eng.Flush(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = ErrTimeout
	}
	return rtt, err
}
