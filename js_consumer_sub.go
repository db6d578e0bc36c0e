package nats

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// consumerSub is what a subscription to a consumer has beside a core one. The fields without a remark do not change.
//
// A pull subscription is no subscription of the engine: its puller has inboxes of its own, as many as it needs, while it needs them. It is
// in the connection's list all the same, for Drain and Close.
type consumerSub struct {
	js       *js
	stream   string
	consumer atomic.Pointer[string]
	pending  atomic.Uint64 // messages to deliver when the subscription began
	ackNone  bool
	lasting  bool          // the consumer is durable, or its inactive threshold was chosen: it may outlive the connection
	unnamed  bool          // the program has not chosen the consumer's name, so that nobody else can use it
	inactive time.Duration // the threshold that was chosen; 0: none
	owned    atomic.Bool   // the subscription made the consumer and has to delete it; whoever clears this does

	// Of push subscriptions:
	gate    *run.Gate
	ordered bool          // the gate makes the consumers
	max     atomic.Uint64 // of AutoUnsubscribe; 0: none
	push    pushIntake

	// Of pull subscriptions:
	puller  *run.Puller[*Msg]
	fetched atomic.Uint64   // messages that came
	over    context.Context // ends with the subscription
	end     context.CancelFunc
}

// newPullSub makes a subscription to the consumer of info.
func (j *js) newPullSub(subj string, info *ConsumerInfo) *Subscription {
	s := &Subscription{Subject: subj, conn: j.nc, typ: uint8(PullSubscription)}
	s.limits = extent{j.nc.Opts.SubChanLen, DefaultSubPendingBytesLimit} // for PendingLimits: nothing is queued
	c := &consumerSub{
		js: j, stream: info.Stream, ackNone: info.Config.AckPolicy == AckNonePolicy,
	}
	c.setName(info.Name)
	c.pending.Store(info.NumPending)
	c.over, c.end = context.WithCancel(context.Background())
	c.puller = run.NewPuller(run.PullerConfig[*Msg]{
		Link:    j.nc.eng,
		Subject: j.api.Prefix + wire.PullSubject(c.stream, info.Name),
		Build:   s.buildFetched,
		Surplus: func(m *Msg) { _ = m.Nak() }, // best effort: it is delivered again after the ack wait otherwise
	})
	s.cons = c
	return s
}

// buildFetched makes the message of a frame, on the reader.
func (s *Subscription) buildFetched(f *proto.Frame) *Msg {
	s.in.msgs++
	m := s.build(f)
	if s.in.fill.built() {
		s.in.fill = nil // the program's alone
	}
	s.cons.fetched.Add(1)
	return m
}

// name is that of the consumer, empty while an ordered subscription has none.
func (c *consumerSub) name() string {
	if c.ordered {
		return c.gate.Consumer()
	}
	return *c.consumer.Load()
}

func (c *consumerSub) setName(name string) { c.consumer.Store(&name) }

// isPull reports whether the subscription fetches, and is not known to the engine.
func (s *Subscription) isPull() bool { return s.Type() == PullSubscription }

// stopServer is the beginning of a drain. A pull subscription asks for nothing by itself.
func (c *consumerSub) stopServer() {
	if c.gate != nil {
		c.gate.StopServer()
	}
}

// limitConsumer is the part of AutoUnsubscribe for subscriptions to consumers, of which the server counts more than messages.
func (s *Subscription) limitConsumer(max uint64) {
	if s.cons.gate != nil {
		s.cons.max.Store(max)
		if s.reached(max) {
			s.cutOff()
		}
	}
	s.check()
}

// reached reports whether so many messages have come, dropped ones included.
func (s *Subscription) reached(max uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived+s.dropped >= max
}

// endConsumer is the part of finish for subscriptions to consumers.
func (s *Subscription) endConsumer(how subState) {
	if s.isPull() {
		s.endPull(how)
	} else {
		s.endPush(how)
	}
}

// endPull is the part of finish for pull subscriptions. What fetches is stopped; when a drain is through, the consumer is deleted.
func (s *Subscription) endPull(how subState) {
	s.cons.end()
	if how&subConnOver == 0 && s.has(subComplete) {
		s.cons.dismiss(s.conn.eng.PublishNow)
	}
}

// dismiss asks the server to delete the consumer if it is the subscription's, and does not wait for an answer. It is asked again only for one
// whose name nobody can have used for another meanwhile.
func (c *consumerSub) dismiss(publish func(subject, reply string, hdr, data []byte) error) {
	switch {
	case !c.owned.CompareAndSwap(true, false):
	case c.unnamed:
		c.remove()
	default:
		_ = publish(c.js.api.Prefix+wire.ConsumerDelete(c.stream, c.name()), "", nil, nil) // best effort
	}
}

// remove has the server delete the consumer, and asks until it has.
func (c *consumerSub) remove() {
	l := run.LeftBehind(c.js.api, c.stream, c.name())
	l.Inactive = c.inactive
	run.Remove(c.js.nc.eng, l)
}

// deleteConsumer is the end of Unsubscribe: it deletes the consumer if it is the subscription's. Without a link it does not wait
// for one, but leaves the request to the reconnect.
func (s *Subscription) deleteConsumer() error {
	c := s.cons
	if c == nil || !c.owned.Load() {
		return nil
	}
	if !s.conn.IsConnected() {
		c.dismiss(s.conn.eng.PublishNow)
		return nil
	}
	if !c.owned.CompareAndSwap(true, false) {
		return nil
	}
	err := c.js.DeleteConsumer(c.stream, c.name())
	if err != nil && c.unnamed && !errors.Is(err, ErrConsumerNotFound) {
		c.remove()
	}
	return err
}

// orderedConsumer is the present consumer of an ordered subscription, empty if there is none.
func (s *Subscription) orderedConsumer() string {
	if s.cons == nil || !s.cons.ordered {
		return ""
	}
	return s.cons.name()
}

// awaitDelete waits until a consumer is gone that the gate of an ordered subscription has asked the server to delete.
func (s *Subscription) awaitDelete(consumer string) error {
	if !s.conn.IsConnected() {
		return nil // the request goes out after the reconnect
	}
	if err := s.cons.js.DeleteConsumer(s.cons.stream, consumer); err != nil && !errors.Is(err, ErrConsumerNotFound) {
		return err
	}
	return nil
}

// dismissConsumers tells the server, before the connection closes, which consumers nobody will use any more, rather than have it find out.
// Those that the program may want to come back to stay.
func (nc *Conn) dismissConsumers() {
	for _, s := range nc.consumerSubscriptions() {
		switch c := s.cons; {
		case c.ordered:
			c.gate.Stop()
		case !c.lasting:
			c.dismiss(func(subject, reply string, hdr, data []byte) error {
				nc.eng.PublishVolatile(subject, reply, hdr, data)
				return nil
			})
		}
	}
}

// consumerSubscriptions are those of the list that are subscriptions to consumers.
func (nc *Conn) consumerSubscriptions() (found []*Subscription) {
	nc.mu.Lock()
	defer nc.mu.Unlock()
	for s := nc.subs.first; s != nil; s = s.next {
		if s.cons != nil {
			found = append(found, s)
		}
	}
	return found
}

// ConsumerInfo asks the server for the state of the consumer, of an ordered subscription the present one. Errors: [ErrTypeSubscription] for a
// subscription to no consumer, [ErrBadSubscription] for a nil one, [ErrConsumerNotFound], [ErrConsumerInfoOnOrderedReset] while an ordered
// subscription has no consumer, and others as those of [JetStreamManager].
func (s *Subscription) ConsumerInfo() (*ConsumerInfo, error) {
	switch {
	case s == nil, s.conn == nil:
		return nil, ErrBadSubscription
	case s.cons == nil:
		return nil, ErrTypeSubscription
	}
	name := s.cons.name()
	if name == "" {
		return nil, ErrConsumerInfoOnOrderedReset
	}
	return s.cons.js.ConsumerInfo(s.cons.stream, name)
}

// InitialConsumerPending is the number of messages that the consumer had to deliver when the subscription began. Errors:
// [ErrTypeSubscription], wrapped, for a subscription to no consumer, [ErrBadSubscription] for a nil one.
func (s *Subscription) InitialConsumerPending() (uint64, error) {
	switch {
	case s == nil, s.conn == nil:
		return 0, ErrBadSubscription
	case s.cons == nil:
		return 0, fmt.Errorf("%w: not a JetStream subscription", ErrTypeSubscription)
	}
	return s.cons.pending.Load(), nil
}

// errFetchOver is what a fetch returns on a subscription that is over.
var errFetchOver = errors.Join(ErrBadSubscription, ErrSubscriptionClosed)
