package jetstream

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

// orderedConsumer is the Consumer that reads a stream in order. It is used in one way: for one Consume or Messages, or for batches, one at a time.
type orderedConsumer struct {
	source *orderedSource
	pullHandle

	mu   sync.Mutex
	use  orderedUse
	last *run.Batch[Msg] // nil: none yet
	busy bool            // a batch is being begun, or a Next waits
}

type orderedUse uint8

const (
	orderedUnused orderedUse = iota
	orderedFetches
	orderedConsumes
)

// newOrderedConsumer makes the first consumer.
func newOrderedConsumer(ctx context.Context, js *jetStream, stream string, cfg OrderedConsumerConfig) (Consumer, error) {
	if err := cfg.check(stream); err != nil {
		return nil, err
	}
	if ctx == nil {
		return nil, errNilContext
	}
	o := newOrderedSource(js, stream, cfg)
	if err := o.begin(ctx); err != nil {
		o.Forsake()
		return nil, err
	}
	return newOrderedHandle(o), nil
}

func newOrderedHandle(o *orderedSource) *orderedConsumer {
	js := o.js
	c := &orderedConsumer{source: o}
	b := &builder{from: &source{js: js, stream: o.stream}}
	c.puller = run.NewPuller(run.PullerConfig[Msg]{Link: js.eng, Build: b.build, Accept: o.accept, Taken: o.taken, Surplus: c.surplus})
	o.leave = js.eng.OnClose(o.Forsake)
	// Whoever still reads holds the puller, and so the handle.
	runtime.AddCleanup(c, (*orderedSource).Forsake, o)
	return c
}

func (c *orderedConsumer) surplus(m Msg) { c.source.back(m) }

func (c *orderedConsumer) Info(ctx context.Context) (*ConsumerInfo, error) {
	o := c.source
	info, err := o.js.consumerInfo(ctx, o.stream, o.cached().Name)
	if err != nil {
		return nil, err
	}
	o.cache(info)
	return info, nil
}

func (c *orderedConsumer) CachedInfo() *ConsumerInfo { return c.source.cached() }

func (c *orderedConsumer) Consume(handler MessageHandler, opts ...PullConsumeOpt) (ConsumeContext, error) {
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
	cc := new(consumeContext)
	cfg := run.FeedConfig[Msg]{Handle: handler}
	if o.onErr != nil {
		cfg.Tell = func(code wire.Code, words string) { o.onErr(cc, c.source.trouble(code, words)) }
	}
	var err error
	cc.feed, err = c.start(&o, cfg)
	if err != nil {
		return nil, err
	}
	return cc, nil
}

func (c *orderedConsumer) Messages(opts ...PullMessagesOpt) (MessagesContext, error) {
	var o pullOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureMessages(&o); err != nil {
			return nil, err
		}
	}
	m := &messagesContext{trouble: c.source.trouble}
	cfg := run.FeedConfig[Msg]{Disturbs: orderedDisturbs}
	if o.onTrouble != nil {
		cfg.Tell = func(code wire.Code, words string) { o.onTrouble(m, c.source.trouble(code, words)) }
	}
	var err error
	m.feed, err = c.start(&o, cfg)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// orderedDisturbs says what a Next that waits returns: that for a while no consumer could be made.
func orderedDisturbs(code wire.Code, lasting bool) bool { return code == wire.OrderedReset && lasting }

// start begins the only Consume or Messages of the handle.
func (c *orderedConsumer) start(o *pullOpts, cfg run.FeedConfig[Msg]) (*run.Feed[Msg], error) {
	if o.flow.Request.Heartbeat == 0 {
		o.flow.Request.Heartbeat = orderedHeartbeat(o)
	}
	var err error
	if cfg.FlowConfig, err = o.newFlow(c.CachedInfo()); err != nil {
		return nil, err
	}
	if err := c.reserve(orderedConsumes); err != nil {
		return nil, err
	}
	cfg.Supplier, cfg.First = c.source, c.source.first()
	feed := run.NewFeed(c.puller, cfg)
	if err := feed.Start(); err != nil {
		c.giveUp()
		return nil, err
	}
	return feed, nil
}

// orderedHeartbeat is that of an ordered Consume or Messages unless the user sets one.
func orderedHeartbeat(o *pullOpts) time.Duration {
	expires := o.flow.Request.Expires
	if expires == 0 {
		expires = DefaultExpires
	}
	return min(fetchHeartbeat, expires/2)
}

// reserve says what the handle is used for, which is for ever.
func (c *orderedConsumer) reserve(use orderedUse) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.use == orderedUnused:
		c.use = use
		return nil
	case c.use == use && use == orderedFetches:
		return nil
	case c.use == use:
		return ErrOrderedConsumerConcurrentRequests
	case c.use == orderedFetches:
		return ErrOrderConsumerUsedAsFetch
	}
	return ErrOrderConsumerUsedAsConsume
}

// giveUp takes back a reserve of what could not begin.
func (c *orderedConsumer) giveUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.use = orderedUnused
}
