package jetstream

import (
	"sync"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

// PushConsumeOpt is an option of the Consume of a [PushConsumer]: a [ConsumeErrHandler]. A nil option is skipped.
type PushConsumeOpt interface {
	configurePush(*pushOpts) error
}

type pushOpts struct {
	onErr ConsumeErrHandler
}

func (h ConsumeErrHandler) configurePush(o *pushOpts) error {
	o.onErr = h
	return nil
}

// pushConsumer is the handle to a push consumer.
type pushConsumer struct {
	consumer

	running sync.Mutex // of the decision who consumes
	current *pushContext
}

func newPushConsumer(js *jetStream, stream string, info *ConsumerInfo) *pushConsumer {
	return &pushConsumer{consumer: consumer{js: js, stream: stream, name: info.Name, info: info}}
}

func (c *pushConsumer) Consume(handler MessageHandler, opts ...PushConsumeOpt) (ConsumeContext, error) {
	if handler == nil {
		return nil, ErrHandlerRequired
	}
	var o pushOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configurePush(&o); err != nil {
			return nil, err
		}
	}
	cc := c.newContext(handler, o.onErr)
	if !c.reserve(cc) {
		return nil, ErrConsumerAlreadyConsuming
	}
	if err := cc.pusher.Start(); err != nil {
		return nil, err
	}
	return cc, nil
}

// reserve makes cc the one that consumes, unless there is one.
func (c *pushConsumer) reserve(cc *pushContext) bool {
	c.running.Lock()
	defer c.running.Unlock()
	if c.current != nil {
		select {
		case <-c.current.Closed():
		default:
			return false
		}
	}
	c.current = cc
	return true
}

// pushContext is the ConsumeContext of a push consumer.
type pushContext struct {
	pusher  *run.Pusher[Msg]
	subject string // where statuses come
	handler MessageHandler
}

func (c *pushConsumer) newContext(handler MessageHandler, onErr ConsumeErrHandler) *pushContext {
	cfg := c.CachedInfo().Config
	cc := &pushContext{subject: cfg.DeliverSubject, handler: handler}
	b := &builder{from: &source{js: c.js, stream: c.stream, consumer: c.name}}
	pc := run.PusherConfig[Msg]{
		Link: c.js.eng, Subject: cfg.DeliverSubject, Queue: cfg.DeliverGroup, Heartbeat: cfg.IdleHeartbeat,
		Build: b.build, Handle: cc.handle,
	}
	if onErr != nil {
		pc.Tell = func(n run.GateNews) {
			if err := pushTrouble(n); err != nil {
				onErr(cc, err)
			}
		}
	}
	cc.pusher = run.NewPusher(pc)
	return cc
}

func (c *pushContext) Stop()                   { c.pusher.Stop() }
func (c *pushContext) Drain()                  { c.pusher.Drain() }
func (c *pushContext) Closed() <-chan struct{} { return c.pusher.Over() }

// handle keeps statuses from the handler. They come on the deliver subject itself, messages on their own.
func (c *pushContext) handle(m Msg) {
	if m, ok := m.(*message); ok && m.subject == c.subject {
		block, _ := m.undecoded()
		if status, ok := wire.StatusOf(block, m.Data()); ok {
			c.status(status)
			return
		}
	}
	c.handler(m)
}

// status tells what the server says. A consumer that was deleted delivers nothing more.
func (c *pushContext) status(s wire.Status) {
	n := run.GateNews{Code: s.Code, Words: string(s.Description)}
	if n.Code == wire.LimitExceeded { // the server's own words, not this side's lack of room
		n.Code = wire.OtherStatus
	}
	c.pusher.Report(n)
	if n.Code == wire.ConsumerDeleted {
		c.pusher.Stop()
	}
}

// pushTrouble is the error of what disturbs a push consumer; nil: nothing to tell. That messages are missing is no news here: the server delivers
// them again when they are not acknowledged.
func pushTrouble(n run.GateNews) error {
	switch n.Code {
	case wire.Gap:
		return nil
	case wire.LimitExceeded:
		return nats.ErrSlowConsumer
	}
	return trouble(n.Code, n.Words)
}
