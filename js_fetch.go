package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// pullOpts are the options of one fetch.
type pullOpts struct {
	ctx       context.Context // nil: none
	wait      time.Duration   // 0: the default; negative: the time is over
	heartbeat time.Duration   // 0: none
	maxBytes  int             // 0 or less: no limit
}

// noPullOpts spares a fetch without options the object. It is never written to.
var noPullOpts pullOpts

// newPullOpts applies the options; nil ones are skipped.
func newPullOpts(opts []PullOpt) (*pullOpts, error) {
	if len(opts) == 0 {
		return &noPullOpts, nil
	}
	o := new(pullOpts)
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configurePull(o); err != nil {
			return nil, err
		}
	}
	if o.ctx != nil && o.wait != 0 {
		return nil, ErrContextAndTimeout
	}
	return o, nil
}

// PullHeartbeat asks the server for a sign of life whenever it had nothing else to send for so long. When two are missing the fetch ends
// with [ErrNoHeartbeat], so that a dead link, or a lost consumer, is not taken for an idle stream. 0 or less, and half of the time of
// the fetch or more, is [ErrInvalidArg].
type PullHeartbeat time.Duration

func (h PullHeartbeat) configurePull(o *pullOpts) error {
	if h <= 0 {
		return fmt.Errorf("%w: idle heartbeat has to be greater than 0", ErrInvalidArg)
	}
	o.heartbeat = time.Duration(h)
	return nil
}

// PullMaxBytes ends a fetch before its messages get larger in total, as the server counts them: [Msg.Size]. When not even the first one fits, that is
// an error. 0 or less: no limit.
type PullMaxBytes int

func (n PullMaxBytes) configurePull(o *pullOpts) error {
	o.maxBytes = int(n)
	return nil
}

// Fetch returns up to batch messages of a pull subscription. It waits for the first one; when there are any it returns what there is.
// It takes 5 seconds at most, or what [MaxWait] of the call or of [Conn.JetStream] says, or as long as a [Context] lasts, which must
// be one that can end.
//
// With messages there is no error. Without, it is one of these: [ErrTimeout] when none came, and the context's own; [ErrNoHeartbeat], see
// [PullHeartbeat]; [ErrFetchDisconnected] when the link was lost, or is not there; [ErrNoResponders] when the consumer does not exist,
// or has no leader at the moment; [ErrConsumerDeleted], [ErrConsumerLeadershipChanged]; one with the server's words, when it shuts down
// or a limit is exceeded; [ErrBadSubscription], matching [ErrSubscriptionClosed] too, when the subscription is over; [ErrConnectionClosed].
//
// Before anything is sent: [ErrTypeSubscription] for another kind of subscription, [ErrInvalidArg] for a batch below 1 and for bad
// options, [ErrContextAndTimeout], [ErrNoDeadlineContext].
func (s *Subscription) Fetch(batch int, opts ...PullOpt) ([]*Msg, error) {
	f, err := s.newFetch(batch, opts)
	if err != nil {
		return nil, err
	}
	defer f.join()()
	f.spec.NoWaitFirst, f.spec.Linger = f.spec.Request.Batch > 1, true
	ms, code, words, err := s.cons.puller.Collect(f.spec)
	s.check() // it may have been the last message of AutoUnsubscribe
	switch {
	case err != nil:
		return nil, err
	case len(ms) > 0:
		return ms, nil
	}
	return nil, f.ended(opFetch, code, words)
}

// MessageBatch is the answer to one [Subscription.FetchBatch]. It ends by itself; nothing has to be closed. Its methods may be called
// concurrently.
type MessageBatch interface {
	// Messages are the messages as they come. The channel is closed when no more will come. What is not read costs memory only: the
	// connection does not wait for it.
	Messages() <-chan *Msg

	// Error says why the batch ended, once Messages is closed. It is nil when the batch is full, and when the server said that there were
	// no more messages. Otherwise it is an error of Fetch; ErrTimeout says that the server did not answer in time. Messages that came
	// before are good all the same.
	Error() error

	// Done is closed when the batch has ended; messages may be left in the channel.
	Done() <-chan struct{}
}

// FetchBatch is [Subscription.Fetch] with messages that come as they arrive, until the batch is full or its time is over. An error means that
// nothing was asked for; what happens later is told by the batch.
func (s *Subscription) FetchBatch(batch int, opts ...PullOpt) (MessageBatch, error) {
	f, err := s.newFetch(batch, opts)
	if err != nil {
		return nil, err
	}
	f.joinFor(f.wait)
	b, err := s.cons.puller.Fetch(f.spec)
	if err != nil {
		return nil, err
	}
	return &messageBatch{batch: b, fetch: f}, nil
}

// messageBatch is the MessageBatch of a fetch.
type messageBatch struct {
	batch *run.Batch[*Msg]
	fetch fetch
}

func (b *messageBatch) Messages() <-chan *Msg { return b.batch.Messages() }
func (b *messageBatch) Done() <-chan struct{} { return b.batch.Done() }

func (b *messageBatch) Error() error {
	code, words := b.batch.Result()
	return b.fetch.ended(opFetchBatch, code, words)
}

// fetch is one call of Fetch or FetchBatch.
type fetch struct {
	sub  *Subscription
	spec run.FetchSpec
	user context.Context // nil: none was given
	wait time.Duration
}

// newFetch checks the arguments.
func (s *Subscription) newFetch(batch int, opts []PullOpt) (f fetch, err error) {
	switch {
	case s == nil, s.conn == nil:
		return f, ErrBadSubscription
	case !s.isPull():
		return f, ErrTypeSubscription
	case batch < 1:
		return f, ErrInvalidArg
	}
	o, err := newPullOpts(opts)
	if err != nil {
		return f, err
	}
	f = fetch{sub: s, user: o.ctx}
	if f.wait, err = o.patience(s.cons.js.opts.wait); err != nil {
		return f, err
	}
	if o.heartbeat > (f.wait-1)/2 {
		return f, fmt.Errorf("%w: idle heartbeat value too large", ErrInvalidArg)
	}
	if batch, err = s.roomFor(batch); err != nil {
		return f, err
	}
	f.spec.Request = wire.PullRequest{Batch: batch, MaxBytes: max(o.maxBytes, 0), Heartbeat: o.heartbeat}
	f.spec.Deadline = mono.Now().Add(f.wait)
	f.spec.FailOnDisconnect = true
	return f, nil
}

// patience is how long the fetch may take: usual unless the options say otherwise.
func (o *pullOpts) patience(usual time.Duration) (time.Duration, error) {
	if usual <= 0 {
		usual = api.DefaultTimeout
	}
	switch {
	case o.ctx == nil && o.wait < 0:
		return 0, ErrTimeout
	case o.ctx == nil && o.wait > 0:
		return o.wait, nil
	case o.ctx == nil:
		return usual, nil
	case o.ctx.Done() == nil:
		return 0, ErrNoDeadlineContext
	case o.ctx.Err() != nil:
		return 0, o.ctx.Err()
	}
	end, ok := o.ctx.Deadline()
	if !ok {
		return usual, nil
	}
	left := time.Until(end)
	if left <= 0 {
		return 0, context.DeadlineExceeded // the context's own timer is a moment behind
	}
	return left, nil
}

// roomFor is batch, or less when the limit of AutoUnsubscribe comes before.
func (s *Subscription) roomFor(batch int) (int, error) {
	s.check() // the last message of the limit may have come in a FetchBatch
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.is(subConnOver):
		return 0, errors.Join(ErrBadSubscription, ErrSubscriptionClosed, ErrConnectionClosed)
	case s.is(subOver | subDraining):
		return 0, errFetchOver
	case s.max == 0:
		return batch, nil
	}
	done := s.doneLocked()
	if done >= s.max { // reached this very moment
		return 0, errFetchOver
	}
	return int(min(uint64(batch), s.max-done)), nil
}

// join makes the fetch end with the subscription, and with the user's context. The result is to be called when it is over.
func (f *fetch) join() (release func()) {
	over := f.sub.cons.over
	if f.user == nil {
		f.spec.Context = over
		return func() {}
	}
	both, cancel := context.WithCancelCause(f.user)
	f.spec.Context = both
	stop := context.AfterFunc(over, func() { cancel(errFetchOver) })
	return func() {
		stop()
		cancel(nil)
	}
}

// joinFor is join for a fetch of which nobody tells us when it is over, but that takes no longer than wait.
func (f *fetch) joinFor(wait time.Duration) {
	if f.user == nil {
		f.join()
		return
	}
	user := f.user
	bound, cancel := context.WithTimeout(user, wait+time.Second)
	f.user = bound
	release := f.join()
	context.AfterFunc(f.spec.Context, func() {
		release()
		cancel()
	})
}

// ended is the error for the end of the fetch.
func (f *fetch) ended(op jsOperation, code wire.Code, words string) error {
	switch code {
	case wire.Canceled:
		return f.canceled()
	case wire.ConsumerDeleted:
		if f.sub.has(subOver) { // it is the end of the subscription that deletes the consumer
			return f.canceled()
		}
	case wire.Timeout, wire.NoAnswer:
		if f.user != nil { // the time was the context's
			return context.DeadlineExceeded
		}
	}
	return jsPullEnded(op, code, words)
}

// canceled is why the context of the fetch has ended.
func (f *fetch) canceled() error {
	ctx := f.spec.Context
	switch {
	case f.user != nil && context.Cause(ctx) != errFetchOver:
		return ctx.Err()
	case f.sub.has(subConnOver):
		return ErrConnectionClosed
	}
	return ErrBadSubscription
}
