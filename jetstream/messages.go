package jetstream

import (
	"context"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

// MessagesContext is an iterator over the messages of a consumer. Its methods may be called concurrently, and again. It is to be stopped
// or drained.
type MessagesContext interface {
	// Next returns the next message, and waits for it as long as it takes, or as the options say. A message that is there comes before
	// any error. Errors after which the iterator goes on:
	//
	//   - [ErrNoHeartbeat]: two heartbeats were missing, or the consumer has not answered for that long; see
	//     [WithMessagesErrOnMissingHeartbeat]. A [MessagesErrHandler] is told all that goes wrong;
	//   - nats.ErrTimeout, with [NextMaxWait]; the context's error, with [NextContext]; [ErrInvalidOption].
	//
	// It ends with one of [ErrConsumerDeleted], also when a consumer that does not answer could not be found for two seconds, and
	// [ErrBadRequest]; or with an error that matches [ErrMsgIteratorClosed] and [ErrConnectionClosed]. After that, and after Stop, Drain
	// and the last message, each call returns [ErrMsgIteratorClosed].
	Next(opts ...NextOpt) (Msg, error)

	// Stop ends the iterator. Messages that Next has not returned are thrown away; the server delivers them again after the ack wait.
	Stop()

	// Drain ends the iterator once Next has returned everything that the server has sent.
	Drain()
}

type messagesContext struct {
	feed *run.Feed[Msg]
	// trouble is the error of a code; nil: that of any pull consumer.
	trouble func(code wire.Code, words string) error
}

func (m *messagesContext) Stop()  { m.feed.Stop() }
func (m *messagesContext) Drain() { m.feed.Drain() }

func (c *pullConsumer) Messages(opts ...PullMessagesOpt) (MessagesContext, error) {
	var o pullOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureMessages(&o); err != nil {
			return nil, err
		}
	}
	flow, err := o.newFlow(c.CachedInfo())
	if err != nil {
		return nil, err
	}
	m := new(messagesContext)
	cfg := run.FeedConfig[Msg]{FlowConfig: flow, Missing: c.missing, Disturbs: disturbs}
	if o.ignoreBeat {
		cfg.Disturbs = nil
	}
	if o.onTrouble != nil {
		cfg.Tell = func(code wire.Code, words string) { o.onTrouble(m, trouble(code, words)) }
	}
	m.feed = run.NewFeed(c.puller, cfg)
	if err := m.feed.Start(); err != nil {
		return nil, err
	}
	return m, nil
}

// disturbs says what a Next that waits returns as ErrNoHeartbeat.
func disturbs(code wire.Code, lasting bool) bool { return code == wire.NoHeartbeat || lasting }

// NextOpt is an option of Next. A nil option is skipped.
type NextOpt func(*nextOpts) error

type nextOpts struct {
	ctx     context.Context
	wait    time.Duration
	limited bool
}

// NextMaxWait is how long Next waits for a message; then it returns nats.ErrTimeout. Zero is no limit, less than that is no wait. Not
// together with [NextContext].
func NextMaxWait(timeout time.Duration) NextOpt {
	return func(o *nextOpts) error {
		o.wait, o.limited = timeout, true
		return nil
	}
}

// NextContext ends the wait of Next with the context, whose error it returns. Not together with [NextMaxWait].
func NextContext(ctx context.Context) NextOpt {
	return func(o *nextOpts) error {
		if ctx == nil {
			return fmt.Errorf("%w: %w", ErrInvalidOption, nats.ErrInvalidContext)
		}
		o.ctx = ctx
		return nil
	}
}

func (m *messagesContext) Next(opts ...NextOpt) (Msg, error) {
	var o nextOpts
	if len(opts) > 0 {
		var err error
		if o, err = newNext(opts); err != nil {
			return nil, err
		}
	}
	if msg, ok := m.feed.Take(); ok {
		return msg, nil
	}
	var stop <-chan struct{}
	if o.ctx != nil {
		stop = o.ctx.Done()
	}
	switch t := m.feed.Next(stop, o.wait); {
	case t.Code == wire.OK && !t.Over:
		return t.Message, nil
	case t.Over:
		return nil, m.errOver(t.Code, t.Words)
	case t.Code == wire.Canceled:
		return nil, o.ctx.Err()
	case t.Code == wire.Timeout:
		return nil, nats.ErrTimeout
	case m.trouble != nil:
		return nil, m.trouble(t.Code, t.Words)
	default:
		return nil, ErrNoHeartbeat
	}
}

// errOver is what Next returns at the end.
func (m *messagesContext) errOver(code wire.Code, words string) error {
	if m.trouble != nil && code == wire.OrderedReset {
		return m.trouble(code, words)
	}
	return errOver(code, words)
}

func newNext(opts []NextOpt) (o nextOpts, err error) {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return o, err
		}
	}
	if o.ctx != nil && o.limited {
		return o, fmt.Errorf("%w: cannot specify both NextMaxWait and NextContext", ErrInvalidOption)
	}
	if o.wait < 0 {
		o.wait = 1 // the shortest there is
	}
	return o, nil
}
