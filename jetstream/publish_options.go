package jetstream

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
)

// What a publish does when no stream answers and the caller says nothing else.
const (
	// DefaultPubRetryAttempts is how often it tries again.
	DefaultPubRetryAttempts = 2
	// DefaultPubRetryWait is the time before each further attempt.
	DefaultPubRetryWait = 250 * time.Millisecond
)

// PublishOpt is an option of one publish. Options that set a header write it into the message that the caller passes. A value that
// cannot be, such as a negative number or a text with a line break, is [ErrInvalidOption] and nothing is sent. The last of two equal
// options counts. A nil option is skipped.
type PublishOpt func(*pubOpts) error

// pubOpts are the options of one publish. The header's values are slices of values, so the two live together.
type pubOpts struct {
	retry  pubwin.Retry
	stall  time.Duration
	values [pubHeaders]string // by header; empty: not set
}

// The headers that options can set.
const (
	pubMsgID = iota
	pubExpectStream
	pubExpectLastSeq
	pubExpectLastSubjSeq
	pubExpectLastSubjSeqSubj
	pubExpectLastMsgID
	pubTTL
	pubIncr
	pubAPILevel
	pubSchedule
	pubScheduleTarget
	pubScheduleSource
	pubScheduleTTL
	pubScheduleTimeZone
	pubScheduleRollup
	pubHeaders // their number
)

var pubHeaderNames = [pubHeaders]string{
	pubMsgID:                 wire.HdrMsgID,
	pubExpectStream:          wire.HdrExpectedStream,
	pubExpectLastSeq:         wire.HdrExpectedLastSeq,
	pubExpectLastSubjSeq:     wire.HdrExpectedLastSubjSeq,
	pubExpectLastSubjSeqSubj: wire.HdrExpectedLastSubjSeqSubj,
	pubExpectLastMsgID:       wire.HdrExpectedLastMsgID,
	pubTTL:                   wire.HdrTTL,
	pubIncr:                  wire.HdrIncr,
	pubAPILevel:              wire.HdrRequiredAPILevel,
	pubSchedule:              wire.HdrSchedule,
	pubScheduleTarget:        wire.HdrScheduleTarget,
	pubScheduleSource:        wire.HdrScheduleSource,
	pubScheduleTTL:           wire.HdrScheduleTTL,
	pubScheduleTimeZone:      wire.HdrScheduleTimeZone,
	pubScheduleRollup:        wire.HdrScheduleRollup,
}

// defaultPubOpts is what applies without options. It is shared: nobody changes it.
var defaultPubOpts = &pubOpts{retry: pubwin.Retry{Attempts: DefaultPubRetryAttempts, Wait: DefaultPubRetryWait}}

var pubOptsPool = sync.Pool{New: func() any { return new(pubOpts) }}

// free says that nothing refers to o any more: no header of a message either that write has filled.
func (o *pubOpts) free() {
	if o != defaultPubOpts {
		*o = pubOpts{}
		pubOptsPool.Put(o)
	}
}

// newPubOpts applies opts. The result is not to be changed.
func newPubOpts(opts []PublishOpt) (*pubOpts, error) {
	if len(opts) == 0 {
		return defaultPubOpts, nil
	}
	o := pubOptsPool.Get().(*pubOpts)
	o.retry = defaultPubOpts.retry
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(o); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// headers reports whether an option set one. Looking at all of them is only for publishes with options.
func (o *pubOpts) headers() bool {
	if o == defaultPubOpts {
		return false
	}
	for i := range o.values {
		if o.values[i] != "" {
			return true
		}
	}
	return false
}

// write sets the headers in h.
func (o *pubOpts) write(h nats.Header) {
	for i := range o.values {
		if o.values[i] != "" {
			h[pubHeaderNames[i]] = o.values[i : i+1 : i+1]
		}
	}
}

// pubText is an option that sets a header; an empty value takes it back. what names the argument.
func pubText(header int, what, value string) PublishOpt {
	return func(o *pubOpts) error { return o.text(header, what, value) }
}

func (o *pubOpts) text(header int, what, value string) error {
	if strings.IndexByte(value, '\r') >= 0 || strings.IndexByte(value, '\n') >= 0 {
		return fmt.Errorf("%w: %s must not contain a line break", ErrInvalidOption, what)
	}
	o.values[header] = value
	return nil
}

// needed is text that must not be empty.
func pubNeeded(header int, what, value string) PublishOpt {
	if value == "" {
		return pubRefused(what + " cannot be empty")
	}
	return pubText(header, what, value)
}

func pubRefused(why string) PublishOpt {
	return func(*pubOpts) error { return fmt.Errorf("%w: %s", ErrInvalidOption, why) }
}

func (o *pubOpts) number(header int, n uint64) { o.values[header] = strconv.FormatUint(n, 10) }

// WithMsgID gives the message an id, by which the stream recognises it when it is published again within the stream's
// duplicate window, 2 minutes unless configured: then the ack says Duplicate. With an id, a synchronous publish whose connection is
// lost is sent again, if no more than these 2 minutes are left of its time.
func WithMsgID(id string) PublishOpt {
	return func(o *pubOpts) error { return o.text(pubMsgID, "message id", id) } // a small object: it is made for each message
}

// WithMsgTTL says how long the stream is to keep the message (server 2.11, ADR-43). The stream must have AllowMsgTTL. The least is
// one second; zero is no TTL.
func WithMsgTTL(dur time.Duration) PublishOpt {
	switch {
	case dur < 0:
		return pubRefused("message TTL cannot be negative")
	case dur == 0:
		return pubText(pubTTL, "message TTL", "")
	}
	return pubText(pubTTL, "message TTL", dur.String())
}

// WithExpectStream makes the publish fail unless the stream that would store it has this name.
func WithExpectStream(stream string) PublishOpt {
	return pubText(pubExpectStream, "expected stream", stream)
}

// WithExpectLastSequence makes the publish fail unless this is the last sequence of the stream; 0: unless the stream has never
// had a message.
func WithExpectLastSequence(seq uint64) PublishOpt {
	return func(o *pubOpts) error {
		o.number(pubExpectLastSeq, seq)
		return nil
	}
}

// WithExpectLastSequencePerSubject makes the publish fail unless this is the sequence of the last message on the same
// subject; 0: unless there is none.
func WithExpectLastSequencePerSubject(seq uint64) PublishOpt {
	return func(o *pubOpts) error {
		o.number(pubExpectLastSubjSeq, seq)
		return nil
	}
}

// WithExpectLastSequenceForSubject makes the publish fail unless this is the sequence of the last message on subject, which
// may have wildcards; 0: unless there is none.
func WithExpectLastSequenceForSubject(seq uint64, subject string) PublishOpt {
	about := pubNeeded(pubExpectLastSubjSeqSubj, "subject", subject)
	return func(o *pubOpts) error {
		o.number(pubExpectLastSubjSeq, seq)
		return about(o)
	}
}

// WithExpectLastMsgID makes the publish fail unless the last message of the stream has this id.
func WithExpectLastMsgID(id string) PublishOpt {
	return pubText(pubExpectLastMsgID, "expected last message id", id)
}

// WithRetryWait is the time before each further attempt when no stream answers, [DefaultPubRetryWait] by default. It must be
// above 0.
func WithRetryWait(dur time.Duration) PublishOpt {
	if dur <= 0 {
		return pubRefused("retry wait should be more than 0")
	}
	return func(o *pubOpts) error {
		o.retry.Wait = dur
		return nil
	}
}

// WithRetryAttempts is how often a publish is tried again when no stream answers, [DefaultPubRetryAttempts] by default. With 0
// there is one attempt.
func WithRetryAttempts(num int) PublishOpt {
	if num < 0 {
		return pubRefused("retry attempts cannot be negative")
	}
	return func(o *pubOpts) error {
		o.retry.Attempts = num
		return nil
	}
}

// WithStallWait is how long an asynchronous publish waits for room when too many are pending; 200 ms by default. Then it is
// [ErrTooManyStalledMsgs]. Where it is given it bounds the wait for room in the connection's buffer too. It must be above 0. A synchronous publish refuses it.
func WithStallWait(ttl time.Duration) PublishOpt {
	if ttl <= 0 {
		return pubRefused("stall wait should be more than 0")
	}
	return func(o *pubOpts) error {
		o.stall = ttl
		return nil
	}
}

// WithScheduleAt has the message published at a time, in full seconds, on the subject of [WithScheduleTarget] (server 2.12,
// ADR-51). The stream must have AllowMsgSchedules. At, Every and Cron replace each other.
func WithScheduleAt(t time.Time) PublishOpt {
	return pubText(pubSchedule, "schedule", "@at "+t.UTC().Format(time.RFC3339))
}

// WithScheduleEvery has the message published at an interval of at least one second, else [ErrInvalidOption].
func WithScheduleEvery(interval time.Duration) PublishOpt {
	if interval < time.Second {
		return pubRefused("schedule interval must be at least 1s")
	}
	return pubText(pubSchedule, "schedule", "@every "+interval.String())
}

// WithScheduleCron has the message published when a cron expression of six fields says so, the first of them being seconds; or at
// one of [ScheduleHourly] and its like.
func WithScheduleCron(expr string) PublishOpt { return pubNeeded(pubSchedule, "cron expression", expr) }

// WithScheduleTarget is the subject on which a schedule publishes. A schedule needs one, in the same stream.
func WithScheduleTarget(subject string) PublishOpt {
	return pubNeeded(pubScheduleTarget, "schedule target subject", subject)
}

// WithScheduleSource is a subject of the stream whose last message the schedule publishes instead of its own payload.
func WithScheduleSource(subject string) PublishOpt {
	return pubNeeded(pubScheduleSource, "schedule source subject", subject)
}

// WithScheduleTTL is how long the stream keeps what the schedule publishes. It must be above 0. It replaces
// [WithScheduleTTLNever].
func WithScheduleTTL(ttl time.Duration) PublishOpt {
	if ttl <= 0 {
		return pubRefused("schedule TTL must be greater than 0")
	}
	return pubText(pubScheduleTTL, "schedule TTL", ttl.String())
}

// WithScheduleTTLNever keeps what the schedule publishes for good. It replaces [WithScheduleTTL].
func WithScheduleTTLNever() PublishOpt {
	return pubText(pubScheduleTTL, "schedule TTL", wire.Never)
}

// WithScheduleTimeZone is the time zone of a cron expression, as in the IANA data base.
func WithScheduleTimeZone(tz string) PublishOpt {
	return pubNeeded(pubScheduleTimeZone, "schedule time zone", tz)
}

// WithScheduleRollup makes what the schedule publishes replace older messages of its target subject.
func WithScheduleRollup() PublishOpt {
	return pubText(pubScheduleRollup, "schedule rollup", wire.RollupSubject)
}
