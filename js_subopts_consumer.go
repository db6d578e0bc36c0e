package nats

import (
	"fmt"
	"time"
)

// Options about acknowledgements.

// AckExplicit wants an ack for each message, as it does by default.
func AckExplicit() SubOpt {
	return policy(givenAckPolicy, func(cfg *ConsumerConfig) { cfg.AckPolicy = AckExplicitPolicy })
}

// AckAll takes an ack as one for all messages before, too.
func AckAll() SubOpt {
	return policy(givenAckPolicy, func(cfg *ConsumerConfig) { cfg.AckPolicy = AckAllPolicy })
}

// AckNone takes every message as acknowledged once it is delivered.
func AckNone() SubOpt {
	return policy(givenAckPolicy, func(cfg *ConsumerConfig) { cfg.AckPolicy = AckNonePolicy })
}

// ManualAck leaves acknowledgements to the callback of a push subscription. Those of a pull subscription always are the program's.
func ManualAck() SubOpt { return flag(givenManualAck) }

// BackOff are the waits before redeliveries, instead of [AckWait]; the last one is repeated.
func BackOff(backOff []time.Duration) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.BackOff = backOff })
}

// MaxDeliver is how many times a message is delivered at most; by default, and with 0 or less, there is no limit.
func MaxDeliver(n int) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.MaxDeliver = max(n, -1) })
}

// MaxAckPending is the most messages that may wait for their acks; negative: no limit. By default, and with 0, it is the number of [SyncQueueLen].
func MaxAckPending(n int) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.MaxAckPending = max(n, -1) })
}

// Options about the consumer's life.

// Description is free text.
func Description(description string) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.Description = description })
}

// InactiveThreshold after which a consumer without activity is deleted, silently; 0: the server's default. Negative is an error.
func InactiveThreshold(threshold time.Duration) SubOpt {
	return subOptFn(func(o *subOpts) error {
		if threshold < 0 {
			return fmt.Errorf("invalid InactiveThreshold value (%v), needs to be greater or equal to 0", threshold)
		}
		o.cfg.InactiveThreshold = threshold
		return nil
	})
}

// ConsumerReplicas is the number of replicas of the consumer's state; by default as many as the stream has. Less than 1 is an error.
func ConsumerReplicas(replicas int) SubOpt {
	return subOptFn(func(o *subOpts) error {
		if replicas < 1 {
			return fmt.Errorf("invalid ConsumerReplicas value (%v), needs to be greater than 0", replicas)
		}
		o.cfg.Replicas = replicas
		return nil
	})
}

// ConsumerMemoryStorage keeps the consumer's state in memory.
func ConsumerMemoryStorage() SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.MemoryStorage = true })
}

// Options about pull consumers; 0 leaves the choice to the server.

// PullMaxWaiting is the most pull requests that may wait; 0, the default: 512.
func PullMaxWaiting(n int) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.MaxWaiting = n })
}

// MaxRequestBatch is the most messages that one pull may ask for; 0, the default: no limit. One that asks for more fails.
func MaxRequestBatch(max int) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.MaxRequestBatch = max })
}

// MaxRequestExpires is the longest that one pull may wait; 0, the default: no limit. One that wants to wait longer fails.
func MaxRequestExpires(max time.Duration) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.MaxRequestExpires = max })
}

// MaxRequestMaxBytes is the most bytes that one pull may ask for; 0, the default: no limit. One that asks for more fails.
func MaxRequestMaxBytes(bytes int) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.MaxRequestMaxBytes = bytes })
}

// Options about push consumers.

// DeliverSubject is where a push consumer delivers; by default it is a new inbox.
func DeliverSubject(subject string) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.DeliverSubject = subject })
}

// EnableFlowControl slows a push consumer down to what the client keeps up with; it needs [IdleHeartbeat].
func EnableFlowControl() SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.FlowControl = true })
}

// IdleHeartbeat makes a push consumer send a sign of life when it has had nothing else to send for so long, at least 100 ms. By default it
// sends none, but an ordered one every 5 s.
func IdleHeartbeat(duration time.Duration) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.Heartbeat = duration })
}

// RateLimit is the most bits a second that a push consumer sends; 0, the default: no limit.
func RateLimit(n uint64) SubOpt {
	return consumerSetting(func(cfg *ConsumerConfig) { cfg.RateLimit = n })
}
