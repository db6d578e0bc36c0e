package nats

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// subOpts are the options of one subscription to a stream.
type subOpts struct {
	ctx    context.Context // nil: none
	cfg    ConsumerConfig  // of the consumer
	stream string          // to which it is bound; empty: it is looked up
	bound  string          // consumer that must exist
	given  subGiven
}

// subGiven are the options that cannot be told from the zero value of what they set.
type subGiven uint8

const (
	givenAckPolicy subGiven = 1 << iota
	givenDeliverPolicy
	givenReplayPolicy
	givenOrdered
	givenNoLookup
	givenManualAck
)

func (o *subOpts) has(g subGiven) bool { return o.given&g != 0 }

// newSubOpts applies the options; nil ones are skipped.
func newSubOpts(opts []SubOpt) (*subOpts, error) {
	o := new(subOpts)
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureSubscribe(o); err != nil {
			return nil, err
		}
	}
	if o.bound != "" && o.cfg.Durable != "" && o.bound != o.cfg.Durable {
		return nil, fmt.Errorf("nats: duplicate consumer names (%s and %s)", o.bound, o.cfg.Durable)
	}
	return o, nil
}

// subOptFn is a SubOpt that is nothing else.
type subOptFn func(*subOpts) error

func (f subOptFn) configureSubscribe(o *subOpts) error { return f(o) }

// consumerSetting is an option that sets something in the configuration of the consumer.
func consumerSetting(set func(*ConsumerConfig)) SubOpt {
	return subOptFn(func(o *subOpts) error {
		set(&o.cfg)
		return nil
	})
}

// policy is consumerSetting for a policy, of which g says that it was chosen.
func policy(g subGiven, set func(*ConsumerConfig)) SubOpt {
	return subOptFn(func(o *subOpts) error {
		set(&o.cfg)
		o.given |= g
		return nil
	})
}

// flag is an option that only says yes.
func flag(g subGiven) SubOpt { return policy(g, func(*ConsumerConfig) {}) }

// Options about which consumer it is.

// Bind uses an existing consumer of a stream. Nothing is created, and nothing deleted.
func Bind(stream, consumer string) SubOpt {
	return subOptFn(func(o *subOpts) error {
		if err := checkStreamName(stream); err != nil {
			return err
		}
		if err := checkConsumerName(consumer); err != nil {
			return err
		}
		if o.bound != "" && o.bound != consumer {
			return fmt.Errorf("nats: duplicate consumer names (%s and %s)", o.bound, consumer)
		}
		o.bound = consumer
		return o.bindStream(stream)
	})
}

// BindStream says which stream it is, so that it need not be looked up by the subject. An empty name says nothing.
func BindStream(stream string) SubOpt {
	return subOptFn(func(o *subOpts) error {
		if stream == "" {
			return nil
		}
		if err := checkStreamName(stream); err != nil {
			return err
		}
		return o.bindStream(stream)
	})
}

func (o *subOpts) bindStream(stream string) error {
	if o.stream != "" && o.stream != stream {
		return fmt.Errorf("nats: duplicate stream name (%s and %s)", o.stream, stream)
	}
	o.stream = stream
	return nil
}

// Durable names a consumer that stays when nobody uses it. It may be given once.
func Durable(consumer string) SubOpt {
	return subOptFn(func(o *subOpts) error {
		if o.cfg.Durable != "" {
			return errDurableTwice
		}
		if err := checkConsumerName(consumer); err != nil {
			return err
		}
		o.cfg.Durable = consumer
		return nil
	})
}

var errDurableTwice = errors.New("nats: option Durable set more than once")

// ConsumerName names a consumer that is not durable. Without it the name is random.
func ConsumerName(name string) SubOpt {
	return subOptFn(func(o *subOpts) error {
		if err := checkConsumerName(name); err != nil {
			return err
		}
		o.cfg.Name = name
		return nil
	})
}

// SkipConsumerLookup spares the request that looks whether the consumer exists. A bound consumer is then taken for granted; any other is
// created or changed to what the options say, and deleted by Unsubscribe, even if it existed before.
func SkipConsumerLookup() SubOpt { return flag(givenNoLookup) }

// OrderedConsumer asks for a consumer that delivers each message once and in order; it is for push subscriptions only.
func OrderedConsumer() SubOpt { return flag(givenOrdered) }

// Options about what it delivers.

// ConsumerFilterSubjects selects messages by several subjects, which must not overlap. The subject of the subscription must be empty then,
// and the stream named by [BindStream].
func ConsumerFilterSubjects(subjects ...string) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.FilterSubjects = subjects })
}

// DeliverAll begins at the first message of the stream, as it does by default.
func DeliverAll() SubOpt {
	return policy(givenDeliverPolicy, func(cfg *ConsumerConfig) { cfg.DeliverPolicy = DeliverAllPolicy })
}

// DeliverLast begins at the last message.
func DeliverLast() SubOpt {
	return policy(givenDeliverPolicy, func(cfg *ConsumerConfig) { cfg.DeliverPolicy = DeliverLastPolicy })
}

// DeliverLastPerSubject begins with the last message of each subject.
func DeliverLastPerSubject() SubOpt {
	return policy(givenDeliverPolicy, func(cfg *ConsumerConfig) { cfg.DeliverPolicy = DeliverLastPerSubjectPolicy })
}

// DeliverNew begins with what comes after the consumer was created.
func DeliverNew() SubOpt {
	return policy(givenDeliverPolicy, func(cfg *ConsumerConfig) { cfg.DeliverPolicy = DeliverNewPolicy })
}

// StartSequence begins at a sequence of the stream.
func StartSequence(seq uint64) SubOpt {
	return policy(givenDeliverPolicy, func(cfg *ConsumerConfig) {
		cfg.DeliverPolicy, cfg.OptStartSeq = DeliverByStartSequencePolicy, seq
	})
}

// StartTime begins with the first message stored at that time or later.
func StartTime(startTime time.Time) SubOpt {
	return policy(givenDeliverPolicy, func(cfg *ConsumerConfig) {
		cfg.DeliverPolicy, cfg.OptStartTime = DeliverByStartTimePolicy, &startTime
	})
}

// ReplayInstant delivers as fast as possible, as it does by default.
func ReplayInstant() SubOpt {
	return policy(givenReplayPolicy, func(cfg *ConsumerConfig) { cfg.ReplayPolicy = ReplayInstantPolicy })
}

// ReplayOriginal delivers at the pace at which the messages came.
func ReplayOriginal() SubOpt {
	return policy(givenReplayPolicy, func(cfg *ConsumerConfig) { cfg.ReplayPolicy = ReplayOriginalPolicy })
}

// HeadersOnly leaves payloads out and adds the header Nats-Msg-Size.
func HeadersOnly() SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.HeadersOnly = true })
}
