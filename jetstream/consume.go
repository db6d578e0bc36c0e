package jetstream

import (
	"context"
	"errors"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

// MessageHandler is called for each message of a Consume, one after the other, in order. It may call every method. A handler that blocks
// holds up nothing but its own Consume.
type MessageHandler func(msg Msg)

// ConsumeContext is a Consume that runs. Its methods may be called concurrently, also by its handlers, and again.
type ConsumeContext interface {
	// Stop ends the Consume. Messages that have been received and not handled are thrown away; the server delivers them again after the
	// ack wait. It does not wait for the handler.
	Stop()

	// Drain ends the Consume once everything is handled that the server has sent. It does not wait for that.
	Drain()

	// Closed is closed when no handler runs and none will be called any more.
	Closed() <-chan struct{}
}

type consumeContext struct {
	feed *run.Feed[Msg]
}

func (c *consumeContext) Stop()                   { c.feed.Stop() }
func (c *consumeContext) Drain()                  { c.feed.Drain() }
func (c *consumeContext) Closed() <-chan struct{} { return c.feed.Over() }

func (c *pullConsumer) Consume(handler MessageHandler, opts ...PullConsumeOpt) (ConsumeContext, error) {
	if handler == nil {
		return nil, ErrHandlerRequired
	}
	var o pullOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureConsume(&o); err != nil {
			return nil, err
		}
	}
	flow, err := o.newFlow(c.CachedInfo())
	if err != nil {
		return nil, err
	}
	cc := new(consumeContext)
	cfg := run.FeedConfig[Msg]{FlowConfig: flow, Handle: handler, Missing: c.missing}
	if o.onErr != nil {
		cfg.Tell = func(code wire.Code, words string) { o.onErr(cc, trouble(code, words)) }
	}
	cc.feed = run.NewFeed(c.puller, cfg)
	if err := cc.feed.Start(); err != nil {
		return nil, err
	}
	return cc, nil
}

// missing asks the server whether the consumer does not exist.
func (c *consumer) missing(ctx context.Context) bool {
	_, err := c.js.consumerInfo(ctx, c.stream, c.name)
	return errors.Is(err, ErrConsumerNotFound) || errors.Is(err, ErrStreamNotFound)
}
