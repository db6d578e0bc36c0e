package kv

import "time"

// MaxHistory is the most revisions of a key that a bucket can keep.
const MaxHistory = 64

// Bucket is what of a bucket's configuration has rules.
type Bucket struct {
	Name         string
	History      uint8
	MaxBytes     int64
	MaxValueSize int32
	Replicas     int
	TTL          time.Duration
	MarkerTTL    time.Duration
	Copied       bool // from an origin: a mirror, which has no subjects of its own
}

// Shape are the settings of a bucket's stream that follow from its configuration. What is the same for all buckets: new messages are
// refused at a limit, messages cannot be deleted one by one, rollups and direct gets are allowed.
type Shape struct {
	Stream       string
	Subjects     []string
	PerSubject   int64
	MaxBytes     int64
	MaxMsgs      int64
	MaxConsumers int
	MaxMsgSize   int32
	Replicas     int
	MaxAge       time.Duration
	Duplicates   time.Duration
	MarkerTTL    time.Duration
	MsgTTL       bool
}

// duplicates is the window in which streams know messages again, unless messages live shorter.
const duplicates = 2 * time.Minute

// noLimit is how a stream's configuration says so.
const noLimit = -1

// Shape derives the stream. Zero values become the defaults of a bucket. The caller checked the name and the history.
func (b Bucket) Shape() Shape {
	s := Shape{
		Stream:       StreamOf(b.Name),
		PerSubject:   max(int64(b.History), 1),
		MaxBytes:     b.MaxBytes,
		MaxMsgs:      noLimit,
		MaxConsumers: noLimit,
		MaxMsgSize:   b.MaxValueSize,
		Replicas:     b.Replicas,
		MaxAge:       b.TTL,
		Duplicates:   duplicates,
		MarkerTTL:    b.MarkerTTL,
		MsgTTL:       b.MarkerTTL > 0,
	}
	if !b.Copied {
		s.Subjects = []string{Subjects(b.Name)}
	}
	if s.MaxBytes == 0 {
		s.MaxBytes = noLimit
	}
	if s.MaxMsgSize == 0 {
		s.MaxMsgSize = noLimit
	}
	if s.Replicas == 0 {
		s.Replicas = 1
	}
	if b.TTL > 0 {
		s.Duplicates = min(s.Duplicates, b.TTL)
	}
	return s
}

// MarkerLevel is the level of the server's API that knows the TTL of markers (ADR-44).
const MarkerLevel = 1
