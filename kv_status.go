package nats

import (
	"math"
	"time"
)

// KeyValueStatus is the state of a bucket at the moment when it was asked for.
type KeyValueStatus interface {
	// Bucket is the name.
	Bucket() string

	// Values is the number of entries: all revisions that are kept, deletions included.
	Values() uint64

	// History is the number of revisions that are kept of each key.
	History() int64

	// TTL after which an entry expires; 0: never.
	TTL() time.Duration

	// BackingStore is "JetStream".
	BackingStore() string

	// Bytes of the bucket, with overhead.
	Bytes() uint64

	// IsCompressed says whether what is kept on disk is compressed.
	IsCompressed() bool

	// Config is the configuration, with the server's defaults.
	Config() KeyValueConfig
}

// KeyValueBucketStatus is the [KeyValueStatus] of a bucket.
type KeyValueBucketStatus struct {
	info   *StreamInfo
	bucket string
}

var _ KeyValueStatus = (*KeyValueBucketStatus)(nil)

// Bucket is the name.
func (s *KeyValueBucketStatus) Bucket() string { return s.bucket }

// Values is the number of entries.
func (s *KeyValueBucketStatus) Values() uint64 { return s.StreamInfo().State.Msgs }

// History is the number of revisions that are kept of each key.
func (s *KeyValueBucketStatus) History() int64 { return s.StreamInfo().Config.MaxMsgsPerSubject }

// TTL after which an entry expires; 0: never.
func (s *KeyValueBucketStatus) TTL() time.Duration { return s.StreamInfo().Config.MaxAge }

// BackingStore is "JetStream".
func (s *KeyValueBucketStatus) BackingStore() string { return "JetStream" }

// Bytes of the bucket, with overhead.
func (s *KeyValueBucketStatus) Bytes() uint64 { return s.StreamInfo().State.Bytes }

// IsCompressed says whether what is kept on disk is compressed.
func (s *KeyValueBucketStatus) IsCompressed() bool {
	return s.StreamInfo().Config.Compression != NoCompression
}

// StreamInfo is the state of the bucket's stream; never nil, and shared: do not change it.
func (s *KeyValueBucketStatus) StreamInfo() *StreamInfo {
	if s.info == nil { // made by hand
		return new(StreamInfo)
	}
	return s.info
}

// Config is the configuration, with the server's defaults.
func (s *KeyValueBucketStatus) Config() KeyValueConfig {
	c := &s.StreamInfo().Config
	return KeyValueConfig{
		Bucket: s.bucket, Description: c.Description, MaxValueSize: c.MaxMsgSize,
		History: uint8(min(max(c.MaxMsgsPerSubject, 0), math.MaxUint8)), TTL: c.MaxAge, MaxBytes: c.MaxBytes,
		Storage: c.Storage, Replicas: c.Replicas, Placement: c.Placement, RePublish: c.RePublish, Mirror: c.Mirror, Sources: c.Sources,
		Compression: s.IsCompressed(),
	}
}
