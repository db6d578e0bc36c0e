package nats

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// consumerSub is what a subscription to a consumer has beside a core one. The fields without a remark do not change.
//
// A pull subscription is no subscription of the engine: its puller has inboxes of its own, as many as it needs, while it needs them. It is
// in the connection's list all the same, for Drain and Close.
type consumerSub struct {
	js               *js
	stream, consumer string
	pending          uint64 // messages to deliver when the subscription began
	ackNone          bool
	lasting          bool        // the consumer is durable, or its inactive threshold was chosen: it may outlive the connection
	owned            atomic.Bool // the subscription made the consumer and has to delete it; whoever clears this does

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
		js: j, stream: info.Stream, consumer: info.Name, pending: info.NumPending,
		ackNone: info.Config.AckPolicy == AckNonePolicy,
	}
	c.over, c.end = context.WithCancel(context.Background())
	c.puller = run.NewPuller(run.PullerConfig[*Msg]{
		Link:    j.nc.eng,
		Subject: j.api.Prefix + wire.PullSubject(c.stream, c.consumer),
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
	if s.in.fill.filled == len(s.in.fill.msgs) {
		s.in.fill = nil // the program's alone
	}
	s.cons.fetched.Add(1)
	return m
}

// isPull reports whether the subscription fetches, and is not known to the engine.
func (s *Subscription) isPull() bool { return s.Type() == PullSubscription }

// endPull is the part of finish for pull subscriptions. What fetches is stopped; when a drain is through, the consumer is deleted.
func (s *Subscription) endPull(how subState) {
	s.cons.end()
	if how&subConnOver == 0 && s.has(subComplete) {
		s.cons.dismiss(s.conn.eng.PublishNow)
	}
}

// dismiss asks the server to delete the consumer if it is the subscription's, and does not wait for an answer.
func (c *consumerSub) dismiss(publish func(subject, reply string, hdr, data []byte) error) {
	if c.owned.CompareAndSwap(true, false) {
		_ = publish(c.js.api.Prefix+wire.ConsumerDelete(c.stream, c.consumer), "", nil, nil) // best effort
	}
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
	return c.js.DeleteConsumer(c.stream, c.consumer)
}

// dismissConsumers tells the server, before the connection closes, which consumers nobody will use any more, rather than have it find out.
// Those that the program may want to come back to stay.
func (nc *Conn) dismissConsumers() {
	for _, s := range nc.pullSubscriptions() {
		if !s.cons.lasting {
			s.cons.dismiss(func(subject, reply string, hdr, data []byte) error {
				nc.eng.PublishVolatile(subject, reply, hdr, data)
				return nil
			})
		}
	}
}

// pullSubscriptions are those of the list.
func (nc *Conn) pullSubscriptions() (found []*Subscription) {
	nc.mu.Lock()
	defer nc.mu.Unlock()
	for s := nc.subs.first; s != nil; s = s.next {
		if s.isPull() {
			found = append(found, s)
		}
	}
	return found
}

// ConsumerInfo asks the server for the state of the consumer. Errors: [ErrTypeSubscription] for a subscription to no consumer,
// [ErrBadSubscription] for a nil one, [ErrConsumerNotFound], and others as those of [JetStreamManager].
func (s *Subscription) ConsumerInfo() (*ConsumerInfo, error) {
	switch {
	case s == nil, s.conn == nil:
		return nil, ErrBadSubscription
	case s.cons == nil:
		return nil, ErrTypeSubscription
	}
	return s.cons.js.ConsumerInfo(s.cons.stream, s.cons.consumer)
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
	return s.cons.pending, nil
}

// errFetchOver is what a fetch returns on a subscription that is over.
var errFetchOver = errors.Join(ErrBadSubscription, ErrSubscriptionClosed)
