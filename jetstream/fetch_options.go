package jetstream

import (
	"context"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// DefaultExpires is how long a pull request waits at the server unless the caller says otherwise.
const DefaultExpires = 30 * time.Second

// FetchOpt is an option of a Fetch, a FetchBytes or a Next. A value that cannot be is [ErrInvalidOption], and nothing is sent.
// A nil option is skipped.
type FetchOpt func(*fetchOpts) error

// fetchOpts are the options of one fetch; zero values are not set.
type fetchOpts struct {
	ctx     context.Context
	wait    time.Duration
	request wire.PullRequest // all but Expires
}

// What fetches without a choice of their own ask for.
const (
	fetchHeartbeat     = 5 * time.Second  // of a request that waits for at least
	fetchHeartbeatFrom = 10 * time.Second // this long
	fetchBytesBatch    = 1_000_000        // messages, where the bytes are to count
	contextReserve     = time.Second      // at most, so that the end of the request comes before that of the context
)

// FetchMaxWait is how long the server waits for messages, [DefaultExpires] unless set. It must be above 0, and cannot be combined with
// [FetchContext].
func FetchMaxWait(timeout time.Duration) FetchOpt {
	return func(o *fetchOpts) error {
		if timeout <= 0 {
			return fmt.Errorf("%w: timeout value must be greater than 0", ErrInvalidOption)
		}
		o.wait = timeout
		return nil
	}
}

// FetchContext ends the fetch with the context: its error is that of the batch. The server waits for messages for what is left until
// the deadline, less a tenth (at most a second); without a deadline for [DefaultExpires]. A deadline that has passed is
// [ErrInvalidOption]. Not together with [FetchMaxWait].
func FetchContext(ctx context.Context) FetchOpt {
	return func(o *fetchOpts) error {
		if ctx == nil {
			return fmt.Errorf("%w: %w", ErrInvalidOption, nats.ErrInvalidContext)
		}
		o.ctx = ctx
		return nil
	}
}

// FetchHeartbeat is the interval at which the server shows that it is there while it has no messages. Two intervals of silence
// end the fetch with [ErrNoHeartbeat]. It must be above 0 and at most half of the waiting time. Unless set it is 5 seconds, and none
// for a fetch that waits for less than 10 seconds.
func FetchHeartbeat(hb time.Duration) FetchOpt {
	return func(o *fetchOpts) error {
		if hb <= 0 {
			return fmt.Errorf("%w: timeout value must be greater than 0", ErrInvalidOption)
		}
		o.request.Heartbeat = hb
		return nil
	}
}

// FetchMaxBytes ends a Fetch when the next message would exceed so many bytes of subjects, reply subjects, headers and payloads.
// It must be above 0. FetchBytes and Next refuse it.
func FetchMaxBytes(maxBytes int) FetchOpt {
	return func(o *fetchOpts) error {
		if maxBytes <= 0 {
			return fmt.Errorf("%w: max bytes must be greater than 0", ErrInvalidOption)
		}
		o.request.MaxBytes = maxBytes
		return nil
	}
}

// FetchMinPending, for a consumer with priority groups (ADR-42), makes the server answer only while so many messages wait for
// delivery. It must be above 0.
func FetchMinPending(min int64) FetchOpt {
	return func(o *fetchOpts) error {
		if min <= 0 {
			return fmt.Errorf("%w: min pending should be more than 0", ErrInvalidOption)
		}
		o.request.MinPending = min
		return nil
	}
}

// FetchMinAckPending, for a consumer with priority groups (ADR-42), makes the server answer only while so many messages wait for
// their acknowledgement. It must be above 0.
func FetchMinAckPending(min int64) FetchOpt {
	return func(o *fetchOpts) error {
		if min <= 0 {
			return fmt.Errorf("%w: min ack pending should be more than 0", ErrInvalidOption)
		}
		o.request.MinAckPending = min
		return nil
	}
}

// FetchPriorityGroup is the group of the consumer to fetch for; a consumer with priority groups needs one (ADR-42). The id of a pinned client
// is kept by the consumer's handle.
func FetchPriorityGroup(group string) FetchOpt {
	return func(o *fetchOpts) error {
		o.request.Group = group
		return nil
	}
}

// FetchPrioritized is the priority of the fetch in a group with [PriorityPolicyPrioritized] (server 2.12, ADR-42): 0, the first, to 9.
// The server answers a higher number with [ErrBadRequest].
func FetchPrioritized(priority uint8) FetchOpt {
	return func(o *fetchOpts) error {
		o.request.Priority = priority
		return nil
	}
}

// newFetch makes the request for a batch of options.
func newFetch(batch int, opts []FetchOpt) (run.FetchSpec, error) {
	var spec run.FetchSpec
	if batch < 1 {
		return spec, fmt.Errorf("%w: batch size must be at least 1", nats.ErrInvalidArg)
	}
	var o fetchOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return spec, err
		}
	}
	expires, err := o.expires()
	if err != nil {
		return spec, err
	}
	r := o.request
	r.Batch, r.Expires = batch, expires
	switch {
	case r.Heartbeat > expires/2:
		return spec, fmt.Errorf("%w: expiry time should be at least 2 times the heartbeat", ErrInvalidOption)
	case r.Heartbeat == 0 && expires >= fetchHeartbeatFrom:
		r.Heartbeat = fetchHeartbeat
	}
	return run.FetchSpec{Config: pull.Config{Request: r, Deadline: mono.Never}, Context: o.ctx}, nil
}

// expires is how long the request waits at the server.
func (o *fetchOpts) expires() (time.Duration, error) {
	switch {
	case o.ctx != nil && o.wait > 0:
		return 0, fmt.Errorf("%w: cannot specify both FetchContext and FetchMaxWait", ErrInvalidOption)
	case o.wait > 0:
		return o.wait, nil
	case o.ctx == nil:
		return DefaultExpires, nil
	}
	end, bounded := o.ctx.Deadline()
	if !bounded {
		return DefaultExpires, nil
	}
	left := time.Until(end)
	if left <= 0 {
		return 0, fmt.Errorf("%w: context deadline already exceeded", ErrInvalidOption)
	}
	return left - min(left/10, contextReserve), nil
}
