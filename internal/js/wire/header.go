package wire

// Headers of a publish.
const (
	HdrMsgID                   = "Nats-Msg-Id" // de-duplication within the stream's window
	HdrExpectedStream          = "Nats-Expected-Stream"
	HdrExpectedLastSeq         = "Nats-Expected-Last-Sequence"
	HdrExpectedLastSubjSeq     = "Nats-Expected-Last-Subject-Sequence"
	HdrExpectedLastSubjSeqSubj = "Nats-Expected-Last-Subject-Sequence-Subject" // a filter instead of the message's subject
	HdrExpectedLastMsgID       = "Nats-Expected-Last-Msg-Id"
	HdrRollup                  = "Nats-Rollup"             // RollupSubject, RollupAll
	HdrTTL                     = "Nats-TTL"                // a Go duration, or Never
	HdrIncr                    = "Nats-Incr"               // counters: +n, -n
	HdrRequiredAPILevel        = "Nats-Required-Api-Level" // 412 from older servers
	HdrTraceDest               = "Nats-Trace-Dest"         // where the trace of the message goes
	HdrTraceOnly               = "Nats-Trace-Only"         // trace it, do not deliver it
)

// Headers of scheduled messages, and of what a schedule produces.
const (
	HdrSchedule         = "Nats-Schedule" // @at <RFC 3339>, @every <duration>, cron, @hourly ...
	HdrScheduleTarget   = "Nats-Schedule-Target"
	HdrScheduleSource   = "Nats-Schedule-Source"
	HdrScheduleTTL      = "Nats-Schedule-TTL"
	HdrScheduleTimeZone = "Nats-Schedule-Time-Zone"
	HdrScheduleRollup   = "Nats-Schedule-Rollup"
	HdrScheduler        = "Nats-Scheduler"
	HdrScheduleNext     = "Nats-Schedule-Next" // a time, or SchedulePurge
)

// Headers of atomic batches (ADR-50).
const (
	HdrBatchID     = "Nats-Batch-Id"       // at most 64 bytes
	HdrBatchSeq    = "Nats-Batch-Sequence" // from 1
	HdrBatchCommit = "Nats-Batch-Commit"   // BatchCommit, BatchCommitEOB
)

// Headers that the server adds: to direct gets and republished messages, to statuses, to markers.
const (
	HdrStream          = "Nats-Stream"
	HdrSubject         = "Nats-Subject"
	HdrSequence        = "Nats-Sequence"
	HdrTimestamp       = "Nats-Time-Stamp"
	HdrLastSequence    = "Nats-Last-Sequence"
	HdrNumPending      = "Nats-Num-Pending" // 204 EOB of a batched direct get
	HdrUpToSequence    = "Nats-UpTo-Sequence"
	HdrPendingMessages = "Nats-Pending-Messages"
	HdrPendingBytes    = "Nats-Pending-Bytes"
	HdrLastConsumer    = "Nats-Last-Consumer"    // idle heartbeat: last consumer sequence
	HdrLastStream      = "Nats-Last-Stream"      // idle heartbeat: last stream sequence
	HdrConsumerStalled = "Nats-Consumer-Stalled" // idle heartbeat: the flow control reply that is missing
	HdrPinID           = "Nats-Pin-Id"           // on messages of a pinned group
	HdrMsgSize         = "Nats-Msg-Size"         // payload bytes of a headers-only delivery
	HdrMarkerReason    = "Nats-Marker-Reason"    // MaxAge, Purge, Remove
	HdrCounterSources  = "Nats-Counter-Sources"  // JSON: counters by stream and subject that a counter adds up
)

// Values of headers.
const (
	RollupSubject  = "sub"
	RollupAll      = "all"
	Never          = "never"
	SchedulePurge  = "purge"
	BatchCommit    = "1"
	BatchCommitEOB = "eob" // commit without storing this message
)

// Reasons in Nats-Marker-Reason.
const (
	MarkerMaxAge = "MaxAge"
	MarkerPurge  = "Purge"
	MarkerRemove = "Remove"
)
