package jetstream

import "github.com/gannet-io/nats/internal/js/wire"

// DefaultAPIPrefix precedes the subjects of the JetStream API of the connection's own account and domain.
const DefaultAPIPrefix = wire.DefaultPrefix

// Headers of a publish. Options set them; they can be set by hand too.
const (
	// MsgIDHeader holds an id by which the stream recognises a message that it has already.
	MsgIDHeader = wire.HdrMsgID
	// ExpectedStreamHeader holds the stream that must store the message.
	ExpectedStreamHeader = wire.HdrExpectedStream
	// ExpectedLastSeqHeader holds the last sequence that the stream must have.
	ExpectedLastSeqHeader = wire.HdrExpectedLastSeq
	// ExpectedLastSubjSeqHeader holds the last sequence that the message's subject must have.
	ExpectedLastSubjSeqHeader = wire.HdrExpectedLastSubjSeq
	// ExpectedLastSubjSeqSubjHeader holds the subject, wildcards allowed, that ExpectedLastSubjSeqHeader is about instead.
	ExpectedLastSubjSeqSubjHeader = wire.HdrExpectedLastSubjSeqSubj
	// ExpectedLastMsgIDHeader holds the id that the last message of the stream must have.
	ExpectedLastMsgIDHeader = wire.HdrExpectedLastMsgID
	// MsgTTLHeader holds how long the message is kept: a Go duration, or "never".
	MsgTTLHeader = wire.HdrTTL
	// MsgRollup makes the message replace older ones: MsgRollupSubject or MsgRollupAll.
	MsgRollup = wire.HdrRollup
)

// Values of the header MsgRollup.
const (
	// MsgRollupSubject replaces older messages of the same subject.
	MsgRollupSubject = wire.RollupSubject
	// MsgRollupAll replaces all older messages of the stream.
	MsgRollupAll = wire.RollupAll
)

// Headers that the server adds to messages of a direct get and to republished ones.
const (
	// StreamHeader holds the name of the stream.
	StreamHeader = wire.HdrStream
	// SequenceHeader holds the sequence in the stream.
	SequenceHeader = wire.HdrSequence
	// TimeStampHeaer holds the time at which the message was stored. The name is spelt as it has always been.
	TimeStampHeaer = wire.HdrTimestamp
	// SubjectHeader holds the subject that the message was published on.
	SubjectHeader = wire.HdrSubject
	// LastSequenceHeader holds the sequence of the message before this one.
	LastSequenceHeader = wire.HdrLastSequence
	// MarkerReasonHeader says why the server put a marker in the place of a message: MaxAge, Purge or Remove.
	MarkerReasonHeader = wire.HdrMarkerReason
)

// Headers of scheduled messages (server 2.12, ADR-51).
const (
	// ScheduleHeader holds when to publish: "@at <RFC 3339>", "@every <duration>", a cron expression of six fields, or one
	// of the constants from ScheduleHourly on.
	ScheduleHeader = wire.HdrSchedule
	// ScheduleTargetHeader holds the subject to publish on.
	ScheduleTargetHeader = wire.HdrScheduleTarget
	// ScheduleSourceHeader holds the subject whose last message is published instead of the schedule's own payload.
	ScheduleSourceHeader = wire.HdrScheduleSource
	// ScheduleTTLHeader holds how long a published message is kept.
	ScheduleTTLHeader = wire.HdrScheduleTTL
	// ScheduleTimeZoneHeader holds the time zone of a cron expression.
	ScheduleTimeZoneHeader = wire.HdrScheduleTimeZone
	// ScheduleRollupHeader makes published messages replace older ones.
	ScheduleRollupHeader = wire.HdrScheduleRollup
	// SchedulerHeader holds, in a published message, the subject of its schedule.
	SchedulerHeader = wire.HdrScheduler
	// ScheduleNextHeader holds, in a published message, when the next one comes, or "purge" when it was the last one.
	ScheduleNextHeader = wire.HdrScheduleNext
)

// Schedules for the header ScheduleHeader.
const (
	ScheduleHourly  = "@hourly"  // at the beginning of each hour
	ScheduleDaily   = "@daily"   // at midnight
	ScheduleWeekly  = "@weekly"  // at midnight between Saturday and Sunday
	ScheduleMonthly = "@monthly" // at midnight of the first day of the month
	ScheduleYearly  = "@yearly"  // at midnight of 1 January
)
