package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/gannet-io/nats/internal/subject"
	"github.com/nats-io/nuid"
)

func (j *js) PullSubscribe(subj, durable string, opts ...SubOpt) (*Subscription, error) {
	if durable != "" {
		opts = append(opts[:len(opts):len(opts)], Durable(durable))
	}
	o, err := newSubOpts(opts)
	if err != nil {
		return nil, err
	}
	if err := o.checkPull(subj); err != nil {
		return nil, err
	}
	if j.nc.IsDraining() {
		return nil, ErrConnectionDraining
	}
	info, owned, err := j.findOrCreate(subj, o)
	if err != nil {
		return nil, err
	}
	if subj == "" {
		subj = info.Config.FilterSubject
	}
	s := j.newPullSub(subj, info)
	s.cons.lasting = info.Config.Durable != "" || o.cfg.InactiveThreshold > 0
	s.cons.unnamed, s.cons.inactive = o.cfg.Durable == "" && o.cfg.Name == "", o.cfg.InactiveThreshold
	s.cons.owned.Store(owned)
	if err := j.nc.adopt(s); err != nil {
		return nil, err
	}
	if o.ctx != nil {
		detach := context.AfterFunc(o.ctx, func() { _ = s.Unsubscribe() }) // there is nobody to tell
		s.whenOver(func() { detach() })
	}
	return s, nil
}

// checkPull says what makes no sense for a pull subscription.
func (o *subOpts) checkPull(subj string) error {
	switch {
	case o.has(givenOrdered) && o.cfg.Durable != "":
		return errOrderedDurable
	case o.has(givenOrdered):
		return errOrderedPull
	case o.cfg.DeliverSubject != "":
		return ErrPullSubscribeToPushConsumer
	case subj == "" && o.stream == "":
		return errSubjectRequired
	case subj != "" && !subject.ValidSubscribe(subj):
		return ErrBadSubject
	}
	return nil
}

var (
	errSubjectRequired = errors.New("nats: subject required")
	errOrderedPull     = errors.New("nats: can not use pull mode for an ordered consumer")
	errOrderedDurable  = errors.New("nats: durable can not be set for an ordered consumer")
)

// findOrCreate returns the consumer that the options ask for; owned says that it was made for this subscription.
func (j *js) findOrCreate(subj string, o *subOpts) (info *ConsumerInfo, owned bool, err error) {
	var call []JSOpt
	if o.ctx != nil {
		call = append(call, Context(o.ctx))
	}
	stream := o.stream
	if stream == "" {
		if stream, err = j.StreamNameBySubject(subj, call...); err != nil {
			return nil, false, err
		}
	}
	if o.has(givenNoLookup) && o.bound != "" {
		return &ConsumerInfo{Stream: stream, Name: o.bound, Config: o.config()}, false, nil
	}
	name := o.bound
	if name == "" {
		name = o.cfg.Durable
	}
	if name != "" && !o.has(givenNoLookup) {
		info, err := j.ConsumerInfo(stream, name, call...)
		if err == nil {
			return info, false, o.fits(subj, &info.Config)
		}
		if o.bound != "" || err != ErrConsumerNotFound {
			return nil, false, err
		}
	}
	return j.createForSub(stream, subj, o, call)
}

// config is the configuration of the consumer as far as the options say, and with this API's default ack policy.
func (o *subOpts) config() ConsumerConfig {
	cfg := o.cfg
	if !o.has(givenAckPolicy) {
		cfg.AckPolicy = AckExplicitPolicy
	}
	return cfg
}

// fits says how an existing consumer differs from what the subscription wants.
func (o *subOpts) fits(subj string, have *ConsumerConfig) error {
	if have.DeliverSubject != "" {
		return ErrPullSubscribeToPushConsumer
	}
	return o.agrees(subj, have)
}

// agrees says how an existing consumer differs from what the options ask for.
func (o *subOpts) agrees(subj string, have *ConsumerConfig) error {
	if have.FilterSubject != "" && have.FilterSubject != subj && (subj != "" || o.bound == "") {
		return ErrSubjectMismatch
	}
	want := o.cfg
	if !o.has(givenAckPolicy) {
		want.AckPolicy = have.AckPolicy
	}
	if !o.has(givenDeliverPolicy) {
		want.DeliverPolicy = have.DeliverPolicy
	}
	if !o.has(givenReplayPolicy) {
		want.ReplayPolicy = have.ReplayPolicy
	}
	if m, differs := want.mismatch(have); differs {
		return fmt.Errorf("nats: configuration requests %s to be %v, but consumer's value is %v", m.field, m.want, m.have)
	}
	return nil
}

// createForSub creates a consumer, or changes the one with the name that the options give.
func (j *js) createForSub(stream, subj string, o *subOpts, call []JSOpt) (info *ConsumerInfo, owned bool, err error) {
	cfg := o.config()
	cfg.FilterSubject = subj
	if cfg.MaxAckPending == 0 && cfg.AckPolicy != AckNonePolicy {
		cfg.MaxAckPending = j.nc.Opts.SubChanLen
	}
	name, owned := cfg.Durable, true
	if name == "" && cfg.Name != "" {
		name = cfg.Name
		if !o.has(givenNoLookup) {
			_, err := j.ConsumerInfo(stream, name, call...)
			if owned = err == ErrConsumerNotFound; err != nil && !owned {
				return nil, false, err
			}
		}
	}
	if name == "" && !j.before29() {
		name = nuid.Next()
	}
	info, err = j.putConsumer(stream, name, &cfg, call)
	if err != nil {
		return nil, false, err
	}
	return info, owned, nil
}

// adopt puts a pull subscription on the connection's list. One that is about to close does not take it.
func (nc *Conn) adopt(s *Subscription) error {
	nc.list(s)
	// Looked at afterwards: who closes or drains the connection later finds s on the list.
	switch {
	case nc.IsClosed():
		s.finish(subConnOver)
		return ErrConnectionClosed
	case nc.IsDraining():
		_ = s.Unsubscribe() // it says of the consumer what we would say of the subscription
		return ErrConnectionDraining
	}
	return nil
}
