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
	o, err := collect(url, options)
	if err != nil {
		return nil, err
	}
	return o.ConnectContext(ctx)
}

// ConnectContext connects with these options, see the function [ConnectContext].
func (o Options) ConnectContext(ctx context.Context) (*Conn, error) {
	if ctx == nil {
		return nil, ErrInvalidContext
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("nats: connect: %w", err)
	}
	return o.connect(ctx, true)
}
