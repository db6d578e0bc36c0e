package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
	"github.com/nats-io/nuid"
)

func (j *js) Subscribe(subj string, cb MsgHandler, opts ...SubOpt) (*Subscription, error) {
	return j.subscribe(&pushRequest{subj: subj, cb: cb, typ: AsyncSubscription}, opts)
}

func (j *js) QueueSubscribe(subj, queue string, cb MsgHandler, opts ...SubOpt) (*Subscription, error) {
	return j.subscribe(&pushRequest{subj: subj, queue: queue, cb: cb, typ: AsyncSubscription}, opts)
}

func (j *js) SubscribeSync(subj string, opts ...SubOpt) (*Subscription, error) {
	return j.subscribe(&pushRequest{subj: subj, typ: SyncSubscription}, opts)
}

func (j *js) QueueSubscribeSync(subj, queue string, opts ...SubOpt) (*Subscription, error) {
	return j.subscribe(&pushRequest{subj: subj, queue: queue, typ: SyncSubscription}, opts)
}

func (j *js) ChanSubscribe(subj string, ch chan *Msg, opts ...SubOpt) (*Subscription, error) {
	return j.subscribe(&pushRequest{subj: subj, ch: ch, typ: ChanSubscription}, opts)
}

func (j *js) ChanQueueSubscribe(subj, queue string, ch chan *Msg, opts ...SubOpt) (*Subscription, error) {
	return j.subscribe(&pushRequest{subj: subj, queue: queue, ch: ch, typ: ChanSubscription}, opts)
}

// subscribe makes the subscription to what a push consumer delivers.
func (j *js) subscribe(p *pushRequest, opts []SubOpt) (*Subscription, error) {
	o, err := newSubOpts(opts)
	if err != nil {
		return nil, err
	}
	p.js, p.o = j, o
	if err := p.check(); err != nil {
		return nil, err
	}
	switch {
	case j.nc.IsClosed():
		return nil, ErrConnectionClosed
	case j.nc.IsDraining():
		return nil, ErrConnectionDraining
	}
	if o.ctx != nil {
		p.call = append(p.call, Context(o.ctx))
	}
	if p.stream = o.stream; p.stream == "" {
		if p.stream, err = j.StreamNameBySubject(p.subj, p.call...); err != nil {
			return nil, err
		}
	}
	if o.has(givenOrdered) {
		err = p.inOrder()
	} else {
		err = p.find()
	}
	if err != nil {
		return nil, err
	}
	if o.ctx != nil {
		detach := context.AfterFunc(o.ctx, func() { _ = p.sub.Unsubscribe() }) // there is nobody to tell
		p.sub.whenOver(func() { detach() })
	}
	return p.sub, nil
}

// pushRequest is a subscription on its way.
type pushRequest struct {
	js    *js
	o     *subOpts
	subj  string // of the messages
	queue string
	typ   SubscriptionType
	cb    MsgHandler
	ch    chan *Msg

	stream string
	call   []JSOpt
	sub    *Subscription // of the last attempt
}

// check says what makes no sense for a push subscription. A queue group without a consumer's name is the name of a durable one.
func (p *pushRequest) check() error {
	o, ordered := p.o, p.o.has(givenOrdered)
	if p.queue != "" && o.bound == "" && o.cfg.Durable == "" && o.cfg.Name == "" {
		if ordered {
			return errOrderedDurable
		}
		if err := checkConsumerName(p.queue); err != nil {
			return err
		}
		o.cfg.Durable = p.queue
	}
	switch {
	case p.typ == AsyncSubscription && p.cb == nil, p.typ == ChanSubscription && p.ch == nil:
		return ErrBadSubscription
	case !subject.ValidQueue(p.queue):
		return ErrBadQueueName
	case p.subj == "" && o.stream == "":
		return errSubjectRequired
	case p.subj != "" && !subject.ValidSubscribe(p.subj):
		return ErrBadSubject
	case o.cfg.DeliverSubject != "" && (!subject.ValidSubscribe(o.cfg.DeliverSubject) || subject.Wildcard(o.cfg.DeliverSubject)):
		return fmt.Errorf("%w: deliver subject %q", ErrBadSubject, o.cfg.DeliverSubject)
	case p.queue != "" && (o.cfg.Heartbeat > 0 || o.cfg.FlowControl):
		return errQueueHeartbeat
	case ordered:
		return o.checkOrdered()
	}
	return nil
}

func (o *subOpts) checkOrdered() error {
	switch {
	case o.cfg.Durable != "":
		return errOrderedDurable
	case o.has(givenAckPolicy):
		return errOrderedAcks
	case o.cfg.MaxDeliver != 0:
		return errOrderedMaxDeliver
	case o.cfg.DeliverSubject != "":
		return errOrderedDeliver
	case o.bound != "":
		return errOrderedBound
	}
	return nil
}

var (
	errQueueHeartbeat    = errors.New("nats: queue subscription doesn't support idle heartbeat nor flow control")
	errOrderedAcks       = errors.New("nats: ack policy can not be set for an ordered consumer")
	errOrderedMaxDeliver = errors.New("nats: max deliver can not be set for an ordered consumer")
	errOrderedDeliver    = errors.New("nats: deliver subject can not be set for an ordered consumer")
	errOrderedBound      = errors.New("nats: can not bind existing consumer for an ordered consumer")
	errAlreadyBound      = errors.New("consumer is already bound to a subscription")
	errNoDeliverGroup    = errors.New("cannot create a queue subscription for a consumer without a deliver group")
)

// find subscribes to the consumer that the options name, or to a new one.
func (p *pushRequest) find() error {
	o := p.o
	if o.has(givenNoLookup) && o.bound != "" {
		cfg := o.config()
		if cfg.DeliverSubject == "" {
			return ErrBadSubject // where it delivers is not known
		}
		return p.bind(&ConsumerInfo{Stream: p.stream, Name: o.bound, Config: cfg})
	}
	name := o.name()
	if name != "" && !o.has(givenNoLookup) {
		found, err := p.lookUp(name)
		if found || err != nil {
			return err
		}
	}
	err := p.create(name)
	if name != "" && isNameTaken(err) { // by somebody quicker: the members of a queue group start together
		if found, err := p.lookUp(name); found || err != nil {
			return err
		}
	}
	return err
}

// name is that of the consumer, if the options give one.
func (o *subOpts) name() string {
	switch {
	case o.bound != "":
		return o.bound
	case o.cfg.Durable != "":
		return o.cfg.Durable
	}
	return o.cfg.Name
}

// lookUp subscribes to the consumer of this name if there is one.
func (p *pushRequest) lookUp(name string) (found bool, err error) {
	info, err := p.js.ConsumerInfo(p.stream, name, p.call...)
	switch {
	case err == ErrConsumerNotFound && p.o.bound == "":
		return false, nil
	case err != nil:
		return false, err
	}
	if err := p.o.fitsPush(p.subj, p.queue, info); err != nil {
		return true, err
	}
	return true, p.bind(info)
}

// isNameTaken reports whether there is a consumer of the name already.
func isNameTaken(err error) bool {
	var refused *APIError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.ErrorCode {
	case JSErrCodeConsumerNameExists, JSErrCodeConsumerAlreadyExists, codeConsumerExists:
		return true
	}
	return false
}

// codeConsumerExists is that of a consumer with another configuration, for requests that only create.
const codeConsumerExists ErrorCode = 10148

// fitsPush says how an existing consumer differs from what the subscription wants.
func (o *subOpts) fitsPush(subj, queue string, info *ConsumerInfo) error {
	have := &info.Config
	switch {
	case have.DeliverSubject == "":
		return ErrPullSubscribeRequired
	case have.DeliverGroup == "" && queue != "":
		return errNoDeliverGroup
	case have.DeliverGroup == "" && info.PushBound:
		return errAlreadyBound
	case have.DeliverGroup != "" && queue == "":
		return fmt.Errorf("cannot create a subscription for a consumer with a deliver group %q", have.DeliverGroup)
	case have.DeliverGroup != queue:
		return fmt.Errorf("cannot create a queue subscription %q for a consumer with a deliver group %q", queue, have.DeliverGroup)
	}
	return o.agrees(subj, have)
}

// bind subscribes to a consumer that exists.
func (p *pushRequest) bind(info *ConsumerInfo) error {
	p.prepare(info.Config.DeliverSubject, info.Name, &info.Config)
	p.sub.cons.pending.Store(info.NumPending)
	if err := p.sub.cons.gate.Open(nil); err != nil {
		return p.fail(err)
	}
	return p.begun()
}

// create subscribes, and then makes the consumer, so that nothing comes before somebody listens.
func (p *pushRequest) create(name string) error {
	o := p.o
	cfg := o.config()
	cfg.DeliverGroup = p.queue
	if len(cfg.FilterSubjects) == 0 {
		cfg.FilterSubject = p.subj
	}
	if cfg.DeliverSubject == "" {
		cfg.DeliverSubject = p.js.nc.NewInbox()
	}
	if cfg.MaxAckPending == 0 && cfg.AckPolicy != AckNonePolicy {
		cfg.MaxAckPending = p.ackRoom()
	}
	unnamed := name == ""
	if unnamed && !p.js.before29() {
		name = nuid.Next()
	}
	p.prepare(cfg.DeliverSubject, name, &cfg)
	c := p.sub.cons
	c.unnamed = unnamed
	if err := c.gate.Open(nil); err != nil {
		return p.fail(err)
	}
	action := wire.CreateOnly // another member of the group may be creating it, too
	if o.has(givenNoLookup) {
		action = wire.CreateOrUpdate
	}
	info, err := p.js.putConsumerIf(action, p.stream, name, &cfg, p.call)
	if err != nil {
		return p.fail(err)
	}
	if name == "" {
		c.setName(info.Name)
	}
	c.pending.Store(info.NumPending + info.Delivered.Consumer)
	c.owned.Store(true)
	if p.sub.has(subOver) { // somebody was quicker
		c.dismiss(p.js.nc.eng.PublishNow)
	}
	return p.begun()
}

// ackRoom is the MaxAckPending of a consumer for this subscription; 0: the server's choice.
func (p *pushRequest) ackRoom() int {
	switch p.typ {
	case SyncSubscription:
		return p.js.nc.Opts.SubChanLen
	case ChanSubscription:
		return cap(p.ch)
	}
	return 0
}

// fail takes back a subscription that could not be completed.
func (p *pushRequest) fail(err error) error {
	p.sub.finish(0)
	return err
}

// begun is the last look at a subscription: whoever closes or drains the connection later finds it on the list.
func (p *pushRequest) begun() error {
	nc := p.js.nc
	switch {
	case nc.IsClosed():
		p.sub.finish(subConnOver)
		return ErrConnectionClosed
	case nc.IsDraining() && !p.sub.IsDraining():
		_ = p.sub.Unsubscribe() // it says of the consumer what we would say of the subscription
		return ErrConnectionDraining
	}
	return nil
}
