package jetstream

import (
	"context"
	"errors"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

// Every batch has a consumer of its own, which starts behind the last message. A batch ends with the link that it was asked on: what was lost on
// the way cannot be asked for again, but the next batch begins with it.

// Pauses between attempts to make the consumer of a batch.
const (
	orderedPause     = 10 * time.Millisecond // the first; each one is twice as long
	orderedPauseMost = 800 * time.Millisecond
	orderedAttempt   = time.Second // for the first answer; each that does not come doubles it
)

func (c *orderedConsumer) Fetch(batch int, opts ...FetchOpt) (MessageBatch, error) {
	spec, err := newFetch(batch, opts)
	if err != nil {
		return nil, err
	}
	return c.fetch(spec)
}

func (c *orderedConsumer) FetchBytes(maxBytes int, opts ...FetchOpt) (MessageBatch, error) {
	spec, err := newFetchBytes(maxBytes, opts)
	if err != nil {
		return nil, err
	}
	return c.fetch(spec)
}

func (c *orderedConsumer) FetchNoWait(batch int) (MessageBatch, error) {
	spec, err := newFetchNoWait(batch)
	if err != nil {
		return nil, err
	}
	return c.fetch(spec)
}

func (c *orderedConsumer) fetch(spec run.FetchSpec) (MessageBatch, error) {
	if err := contextError(spec.Context); err != nil {
		return newEmptyBatch(err), nil
	}
	if err := c.begin(); err != nil {
		return nil, err
	}
	var b *run.Batch[Msg]
	defer func() { c.begun(b) }()
	if err := c.renew(&spec); err != nil {
		return nil, err
	}
	var err error
	if b, err = c.puller.Fetch(spec); err != nil {
		return nil, err
	}
	return &messageBatch{batch: b, ctx: spec.Context}, nil
}

// Next asks again, within its time, when the link or the consumer is lost.
func (c *orderedConsumer) Next(opts ...FetchOpt) (Msg, error) {
	spec, err := newNextFetch(opts)
	if err != nil {
		return nil, err
	}
	if err := c.begin(); err != nil {
		return nil, err
	}
	defer c.begun(nil)
	end := time.Now().Add(spec.Request.Expires)
	for pause := orderedPause; ; pause = min(2*pause, orderedPauseMost) {
		if err := c.renew(&spec); err != nil {
			return nil, err
		}
		m, ok, code, words, err := c.puller.Next(spec)
		switch {
		case err != nil:
			return nil, err
		case ok:
			return m, nil
		case code == wire.Canceled:
			return nil, spec.Context.Err()
		case !passing(code) || time.Until(end) <= pause:
			return nil, ended(opNext, code, words)
		}
		if err := c.wait(spec.Context, pause); err != nil {
			return nil, err
		}
		spec.Request.Expires = time.Until(end)
		if 2*spec.Request.Heartbeat > spec.Request.Expires {
			spec.Request.Heartbeat = spec.Request.Expires / 2
		}
	}
}

// passing tells the ends of a batch after which a new consumer may have more luck.
func passing(code wire.Code) bool {
	switch code {
	case wire.Disconnected, wire.ConsumerDeleted, wire.LeadershipChange, wire.ServerShutdown, wire.NoResponders, wire.NoHeartbeat:
		return true
	}
	return false
}

// begin reserves the handle for a batch.
func (c *orderedConsumer) begin() error {
	if err := c.reserve(orderedFetches); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy || c.last != nil && c.last.Running() {
		return ErrOrderedConsumerConcurrentRequests
	}
	c.busy = true
	return nil
}

// begun ends what begin has reserved, but for b, which runs.
func (c *orderedConsumer) begun(b *run.Batch[Msg]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy, c.last = false, b
}

// renew makes the consumer of a batch, and takes the time for it from that of the batch. It tries again what may pass.
func (c *orderedConsumer) renew(spec *run.FetchSpec) error {
	spec.FailOnDisconnect = true
	limit, begin := spec.Request.Expires, time.Now()
	if limit == 0 {
		limit = c.source.js.opts.DefaultTimeout
	}
	ctx, cancel := context.WithDeadline(background(spec.Context), begin.Add(limit))
	defer cancel()
	if err := c.create(ctx, spec.Context, begin); err != nil {
		return err
	}
	if spec.Request.Expires > 0 {
		spec.Request.Expires = max(limit-time.Since(begin), time.Millisecond)
		spec.Request.Heartbeat = min(spec.Request.Heartbeat, spec.Request.Expires/2)
	}
	return nil
}

// create tries until ctx ends. user is the caller's context, or nil.
func (c *orderedConsumer) create(ctx, user context.Context, begin time.Time) error {
	o := c.source
	pause, patience := orderedPause, orderedAttempt
	for attempts := 1; ; attempts++ {
		attempt, cancel := context.WithTimeout(ctx, patience)
		origin, err := o.createForBatch(attempt)
		unanswered := attempt.Err() != nil
		cancel()
		switch {
		case err == nil:
			c.puller.Aim(origin.Subject)
			return nil
		case contextError(user) != nil:
			return user.Err()
		case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining):
			return err
		case !mayPass(err), o.Enough(attempts, time.Since(begin)):
			return orderedFailure(err)
		}
		if unanswered {
			patience *= 2
		}
		if c.wait(ctx, pause) != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				err = ErrNoAnswer
			}
			return orderedFailure(err)
		}
		pause = min(2*pause, orderedPauseMost)
	}
}

// mayPass reports whether a consumer that could not be made can be tried again: nobody has refused it for good.
func mayPass(err error) bool {
	var refused *APIError
	return !errors.As(err, &refused) || refused.Code >= 500
}

// wait is a pause that ends early with ctx, which may be nil, or with the connection.
func (c *orderedConsumer) wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-background(ctx).Done():
		return ctx.Err()
	case <-c.source.js.eng.Done():
		return nats.ErrConnectionClosed
	}
}

// background is ctx, or the one that never ends.
func background(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}
