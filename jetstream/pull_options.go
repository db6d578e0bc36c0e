package jetstream

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
)

// DefaultMaxMessages is how many messages a Consume or a Messages keeps on their way to the user, unless the options say otherwise.
const DefaultMaxMessages = 500

// PullConsumeOpt is an option of Consume. A value that cannot be is [ErrInvalidOption], and nothing is sent. A nil option is skipped.
type PullConsumeOpt interface {
	configureConsume(*pullOpts) error
}

// PullMessagesOpt is an option of Messages. A value that cannot be is [ErrInvalidOption], and nothing is sent. A nil option is skipped.
type PullMessagesOpt interface {
	configureMessages(*pullOpts) error
}

// pullOpts are the options of one Consume or Messages; zero values are not set.
type pullOpts struct {
	flow       pull.FlowConfig
	both       bool // messages and bytes were given in one option
	onErr      ConsumeErrHandler
	onTrouble  MessagesErrHandler
	ignoreBeat bool // Next does not return ErrNoHeartbeat
}

// What a continuous pull asks for without a choice of its own, and what it may.
const (
	pullShortest     = time.Second
	beatShortest     = 500 * time.Millisecond
	beatLongest      = 30 * time.Second
	pullBytesBatch   = 1_000_000 // messages, where the bytes are to count
	pullMostPriority = 9
)

// newFlow makes the configuration of a pull of the options that configure applied, for the consumer of info.
func (o *pullOpts) newFlow(info *ConsumerInfo) (pull.FlowConfig, error) {
	flow := o.flow
	r := &flow.Request
	if r.Expires == 0 {
		r.Expires = DefaultExpires
	}
	switch {
	case r.Batch > 0 && r.MaxBytes > 0 && !o.both:
		return flow, invalid("only one of PullMaxMessages and PullMaxBytes can be given")
	case r.Batch == 0 && r.MaxBytes > 0:
		r.Batch = pullBytesBatch
	case r.Batch == 0:
		r.Batch = DefaultMaxMessages
	}
	switch {
	case r.Heartbeat == 0:
		r.Heartbeat = min(r.Expires/2, beatLongest)
	case r.Heartbeat > r.Expires/2:
		return flow, invalid("the heartbeat must be at most half of the expiry")
	}
	return flow, checkGroup(r.Group, info)
}

// checkGroup compares a priority group with those of the consumer.
func checkGroup(group string, info *ConsumerInfo) error {
	if info == nil {
		return nil
	}
	switch cfg := &info.Config; {
	case cfg.PriorityPolicy == PriorityPolicyNone && group != "":
		return invalid("priority group is not supported for this consumer")
	case cfg.PriorityPolicy == PriorityPolicyNone:
	case group == "":
		return invalid("priority group is required for priority consumer")
	case !slices.Contains(cfg.PriorityGroups, group):
		return invalid("invalid priority group")
	}
	return nil
}

func invalid(words string) error { return fmt.Errorf("%w: %s", ErrInvalidOption, words) }

// PullMaxMessages is how many messages may be on their way to the user: asked for, or received and not taken yet. The default is
// [DefaultMaxMessages]. It must be at least 1. Not together with [PullMaxBytes].
type PullMaxMessages int

func (n PullMaxMessages) configureConsume(o *pullOpts) error { return n.configureMessages(o) }
func (n PullMaxMessages) configureMessages(o *pullOpts) error {
	switch {
	case n < 1:
		return invalid("max messages must be at least 1")
	case o.both:
		return errTwice
	}
	o.flow.Request.Batch = int(n)
	return nil
}

var errTwice = fmt.Errorf("%w: max messages and max bytes were given before", ErrInvalidOption)

// PullMaxBytes is how many bytes may be on their way to the user, counted as the server does: subjects, reply subjects, headers
// and payloads. A message that is larger is never delivered, and the error handler is told [ErrMaxBytesExceeded]. It must be above 0.
// Not together with [PullMaxMessages], see [PullMaxMessagesWithBytesLimit].
type PullMaxBytes int

func (n PullMaxBytes) configureConsume(o *pullOpts) error { return n.configureMessages(o) }
func (n PullMaxBytes) configureMessages(o *pullOpts) error {
	switch {
	case n < 1:
		return invalid("max bytes must be greater than 0")
	case o.both:
		return errTwice
	}
	o.flow.Request.MaxBytes = int(n)
	return nil
}

// bothOpts is an option of both Consume and Messages.
type bothOpts struct{ messages, bytes int }

// PullMaxMessagesWithBytesLimit is [PullMaxMessages] and [PullMaxBytes] at once: what is met first counts. Both must be above 0.
func PullMaxMessagesWithBytesLimit(maxMessages, byteLimit int) bothOpts {
	return bothOpts{maxMessages, byteLimit}
}

func (b bothOpts) configureConsume(o *pullOpts) error { return b.configureMessages(o) }
func (b bothOpts) configureMessages(o *pullOpts) error {
	r := &o.flow.Request
	switch {
	case r.Batch > 0 || r.MaxBytes > 0:
		return errTwice
	case b.messages < 1:
		return invalid("max messages must be at least 1")
	case b.bytes < 1:
		return invalid("max bytes must be greater than 0")
	}
	r.Batch, r.MaxBytes, o.both = b.messages, b.bytes, true
	return nil
}

// PullExpiry is how long each request waits at the server, [DefaultExpires] unless set. It must be at least a second.
type PullExpiry time.Duration

func (d PullExpiry) configureConsume(o *pullOpts) error { return d.configureMessages(o) }
func (d PullExpiry) configureMessages(o *pullOpts) error {
	if time.Duration(d) < pullShortest {
		return invalid("expiry must be at least 1s")
	}
	o.flow.Request.Expires = time.Duration(d)
	return nil
}

// PullHeartbeat is the interval at which the server shows that it is there while it has no messages. Two intervals of silence are
// [ErrNoHeartbeat]. It must be within 500 ms and 30 s and at most half of the expiry. Unless set it is half of the expiry, at most
// 30 s.
type PullHeartbeat time.Duration

func (d PullHeartbeat) configureConsume(o *pullOpts) error { return d.configureMessages(o) }
func (d PullHeartbeat) configureMessages(o *pullOpts) error {
	if time.Duration(d) < beatShortest || time.Duration(d) > beatLongest {
		return invalid("heartbeat must be within 500ms and 30s")
	}
	o.flow.Request.Heartbeat = time.Duration(d)
	return nil
}

// PullThresholdMessages is the number of messages on their way below which more are asked for. Unless it is within 1 and the maximum,
// it is half of that, rounded up.
type PullThresholdMessages int

func (n PullThresholdMessages) configureConsume(o *pullOpts) error { return n.configureMessages(o) }
func (n PullThresholdMessages) configureMessages(o *pullOpts) error {
	o.flow.ThresholdMessages = int(n)
	return nil
}

// PullThresholdBytes is the number of bytes on their way below which more are asked for, where there is a limit for them. Unless it is
// within 1 and the limit, it is half of that, rounded up.
type PullThresholdBytes int

func (n PullThresholdBytes) configureConsume(o *pullOpts) error { return n.configureMessages(o) }
func (n PullThresholdBytes) configureMessages(o *pullOpts) error {
	o.flow.ThresholdBytes = int(n)
	return nil
}

// StopAfter ends a Consume or a Messages after so many messages. No more than that are asked for. It must be at least 1.
type StopAfter int

func (n StopAfter) configureConsume(o *pullOpts) error { return n.configureMessages(o) }
func (n StopAfter) configureMessages(o *pullOpts) error {
	if n < 1 {
		return invalid("the number of messages to stop after must be at least 1")
	}
	o.flow.StopAfter = int(n)
	return nil
}

// PullMinPending, for a consumer with priority groups (ADR-42), makes the server answer only while so many messages wait for
// delivery. It must be above 0.
type PullMinPending int

func (n PullMinPending) configureConsume(o *pullOpts) error { return n.configureMessages(o) }
func (n PullMinPending) configureMessages(o *pullOpts) error {
	if n < 1 {
		return invalid("min pending must be at least 1")
	}
	o.flow.Request.MinPending = int64(n)
	return nil
}

// PullMinAckPending, for a consumer with priority groups (ADR-42), makes the server answer only while so many messages wait for
// their acknowledgement. It must be above 0.
type PullMinAckPending int

func (n PullMinAckPending) configureConsume(o *pullOpts) error { return n.configureMessages(o) }
func (n PullMinAckPending) configureMessages(o *pullOpts) error {
	if n < 1 {
		return invalid("min ack pending must be at least 1")
	}
	o.flow.Request.MinAckPending = int64(n)
	return nil
}

// PullPrioritized is the priority of the pulls in a group with [PriorityPolicyPrioritized] (server 2.12, ADR-42): 0, the first, to 9.
type PullPrioritized uint8

func (n PullPrioritized) configureConsume(o *pullOpts) error { return n.configureMessages(o) }
func (n PullPrioritized) configureMessages(o *pullOpts) error {
	if n > pullMostPriority {
		return invalid("priority must be within 0 and 9")
	}
	o.flow.Request.Priority = uint8(n)
	return nil
}

// PullPriorityGroup is the group to pull for. A consumer with priority groups needs one of its own, another one must not have any (ADR-42):
// that is compared with the information that the handle has. The id of a pinned client is kept by the handle.
type PullPriorityGroup string

func (g PullPriorityGroup) configureConsume(o *pullOpts) error { return g.configureMessages(o) }
func (g PullPriorityGroup) configureMessages(o *pullOpts) error {
	o.flow.Request.Group = string(g)
	return nil
}

// ConsumeErrHandler is an option of Consume, and a function that is called with everything that goes wrong. Calls come one after the other,
// beside those of the message handler. It may call every method. Most errors say that the Consume goes on:
//
//   - [ErrNoHeartbeat]: two heartbeats were missing; it asks again, and the connection is probed;
//   - nats.ErrNoResponders: the consumer has no leader, or does not exist; it asks again, with pauses of less than a second;
//   - [ErrConsumerLeadershipChanged], [ErrServerShutdown], [ErrPinIDMismatch];
//   - [ErrMaxBytesExceeded]: the next message is larger than [PullMaxBytes];
//   - [ErrNoAnswer]: the server did not end a request in time;
//   - an error with the server's words: a limit of the consumer was exceeded.
//
// What lasts is told again after two heartbeats. And these say that it is over:
//
//   - [ErrConsumerDeleted]: also when a consumer that does not answer could not be found for two seconds;
//   - [ErrBadRequest]: the server refused the request;
//   - [ErrConnectionClosed].
type ConsumeErrHandler func(consumeCtx ConsumeContext, err error)

// ConsumeErrHandlerFunc is the form of a [ConsumeErrHandler].
type ConsumeErrHandlerFunc func(consumeCtx ConsumeContext, err error)

func (h ConsumeErrHandler) configureConsume(o *pullOpts) error {
	o.onErr = h
	return nil
}

// MessagesErrHandler is an option of Messages, and a function that is called with everything that goes wrong, as a
// [ConsumeErrHandler] is: Next returns only part of it.
type MessagesErrHandler func(messages MessagesContext, err error)

func (h MessagesErrHandler) configureMessages(o *pullOpts) error {
	o.onTrouble = h
	return nil
}

type beatOpt bool

// WithMessagesErrOnMissingHeartbeat says whether a Next that waits returns [ErrNoHeartbeat]; it does unless this is false.
func WithMessagesErrOnMissingHeartbeat(hbErr bool) PullMessagesOpt { return beatOpt(hbErr) }

func (b beatOpt) configureMessages(o *pullOpts) error {
	o.ignoreBeat = !bool(b)
	return nil
}

// troubles are the errors of a continuous pull where they differ from those of a fetch.
var troubles = map[wire.Code]error{
	wire.ConnectionClosed: ErrConnectionClosed,
	wire.MaxBytesExceeded: ErrMaxBytesExceeded,
}

// trouble is what went wrong.
func trouble(code wire.Code, words string) error {
	if err, known := troubles[code]; known {
		return err
	}
	return ended(opFetch, code, words)
}

// errOver is what Next returns when the pull is over: the reason, if there is one that the user did not cause.
func errOver(code wire.Code, words string) error {
	switch code {
	case wire.OK, wire.Canceled:
		return ErrMsgIteratorClosed
	case wire.ConnectionClosed:
		return errors.Join(ErrMsgIteratorClosed, ErrConnectionClosed)
	}
	return trouble(code, words)
}
