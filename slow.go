package nats

import (
	"fmt"
	"time"
)

// MaxSlowWait is the longest [SlowPolicy.Wait]. The server gives up on a client that takes nothing for 10 s.
const MaxSlowWait = 5 * time.Second

// SlowPolicy says what becomes of a message for which a subscription has no room: its pending limits are reached, or the channel is full.
// The zero value is the policy of every new subscription: the message is dropped.
//
//	Wait   DropOld   a message without room
//	  0     false    is dropped
//	  0     true     takes the place of the oldest ones that wait
//	> 0     any      waits for room, and the connection with it; when that took too long, as above
type SlowPolicy struct {
	// DropOld drops the oldest messages that wait, not the new one. The message that a callback has in hand stays. With a limit of 2 a
	// callback has the latest message next, whatever it missed.
	DropOld bool
	// Wait is how long the connection may stand still for one message of this subscription; 0: not at all. Meanwhile nothing is read, so
	// that what the server cannot send piles up there and then at its senders.
	//
	// All subscriptions and requests of the connection share the reading: each of their messages may come later by Wait for each message
	// of this subscription in front of it. After a wait in vain messages are dropped without waiting until there is room again. A
	// server does not put up with this for ever either: it closes a connection that takes nothing for its write deadline, or has more than
	// its max_pending to take (10 s and 64 MiB in nats-server 2.15). A connection that is lost or closed waits no longer.
	Wait time.Duration
}

// SlowStats count what a lack of room has led to.
type SlowStats struct {
	DroppedNew uint64        // messages that were dropped as they came
	DroppedOld uint64        // messages that were dropped for later ones
	Waits      uint64        // messages for which the connection has waited
	Waited     time.Duration // for how long, in all
}

// SetSlowPolicy sets what becomes of messages for which there is no room, from now on. It is meant to be called when the subscription is
// made: of what is in the hands of a callback by then nothing is dropped. Errors: [ErrBadSubscription] when the subscription is over,
// [ErrInvalidArg] for a wait that is negative or longer than [MaxSlowWait], [ErrTypeSubscription] for a pull subscription.
func (s *Subscription) SetSlowPolicy(p SlowPolicy) error {
	bad := p.Wait < 0 || p.Wait > MaxSlowWait
	if s.isPull() && s.IsValid() {
		return ErrTypeSubscription
	}
	err := s.look(func() {
		if !bad {
			s.setSlowLocked(p)
		}
	})
	if err == nil && bad {
		return fmt.Errorf("%w: SlowPolicy.Wait %v", ErrInvalidArg, p.Wait)
	}
	return err
}

// SlowPolicy is the policy in force. Errors: [ErrBadSubscription] when the subscription is over.
func (s *Subscription) SlowPolicy() (p SlowPolicy, err error) {
	err = s.look(func() {
		if slow := s.slowLocked(); slow != nil {
			p = slow.policy
		}
	})
	return p, err
}

// SlowStats counts what a lack of room has led to since the subscription began. Errors: [ErrBadSubscription] when it is over.
func (s *Subscription) SlowStats() (st SlowStats, err error) {
	err = s.look(func() {
		st.DroppedNew = s.dropped
		if slow := s.slowLocked(); slow != nil {
			st.DroppedNew -= slow.droppedOld
			st.DroppedOld, st.Waits, st.Waited = slow.droppedOld, slow.waits, slow.waited
		}
	})
	return st, err
}

// SlowConsumerError tells which subscription has no room for its messages. Connections with [SlowConsumerErrors] have it in place of
// [ErrSlowConsumer], which it matches. It tells of the first message of an episode, which ends when a message finds room.
type SlowConsumerError struct {
	Subject string // of the subscription
	Queue   string // its queue group; empty: none
	SID     uint64 // its number on the wire
	// PendingMsgs and PendingBytes wait in the subscription; of a channel subscription, PendingMsgs is the length of the channel.
	PendingMsgs, PendingBytes int
	// Dropped messages of the subscription so far.
	Dropped uint64
}

// Error has the subject and the numbers.
func (e *SlowConsumerError) Error() string {
	return fmt.Sprintf("%v on %q: %d messages (%d bytes) waiting, %d dropped", ErrSlowConsumer, e.Subject, e.PendingMsgs, e.PendingBytes, e.Dropped)
}

// Unwrap is [ErrSlowConsumer].
func (e *SlowConsumerError) Unwrap() error { return ErrSlowConsumer }

// SlowConsumerErrors tells of slow consumers with a [*SlowConsumerError] in place of the bare [ErrSlowConsumer]: to the error handler, by
// NextMsg and by LastError. Programs that compare with == have to use errors.Is then.
func SlowConsumerErrors() Option { return set(func(o *Options) { o.SlowConsumerErrors = true }) }

// slowErrorLocked is what is told of a lack of room, after a message that had none: so own has its number. more is what waits and is not in the queue yet.
func (s *Subscription) slowErrorLocked(more extent) error {
	if !s.conn.Opts.SlowConsumerErrors {
		return ErrSlowConsumer
	}
	p := s.pendingLocked()
	if s.ch != nil {
		p.msgs = len(s.ch)
	}
	return &SlowConsumerError{
		Subject: s.Subject, Queue: s.Queue, SID: s.own.SID(), PendingMsgs: p.msgs + more.msgs, PendingBytes: p.bytes + more.bytes, Dropped: s.dropped,
	}
}
