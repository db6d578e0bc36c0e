package nats

import (
	"context"
	"fmt"
)

// ConnectContext is [Connect] that ctx bounds: when ctx ends before there is a connection, the attempt is given up and nothing of it remains. With
// [RetryOnFailedConnect] or [Resilient] it goes on trying until it is connected or ctx ends, and does not return a connection without a
// link. Afterwards ctx has no effect. Each dial is bounded by [Timeout] all the same.
//
// Errors: those of Connect, [ErrInvalidContext] for a nil context, and one that matches ctx.Err(), with the reason why the last attempt
// failed where there was one.
func ConnectContext(ctx context.Context, url string, options ...Option) (*Conn, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	nc, err := collect(url, options)
	if err != nil {
		return nil, err
	}
	return nc.connect(ctx, true)
}

// ConnectContext connects with these options, see the function [ConnectContext].
func (o Options) ConnectContext(ctx context.Context) (*Conn, error) {
	if err := alive(ctx); err != nil {
		return nil, err
	}
	return (&Conn{Opts: o}).connect(ctx, true)
}

// alive refuses a context that cannot be waited for, or need not be.
func alive(ctx context.Context) error {
	if ctx == nil {
		return ErrInvalidContext
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("nats: connect: %w", err)
	}
	return nil
}
