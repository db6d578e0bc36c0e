package jetstream

import (
	"context"
	"time"
)

// KeyValueManager creates, changes, finds and deletes buckets (ADR-8).
//
// A context without a deadline is given 5 seconds, or what [WithDefaultTimeout] says. Names are checked before anything is sent:
// [ErrInvalidBucketName]. nats.ErrInvalidContext when ctx is nil.
type KeyValueManager interface {
	// KeyValue returns a handle to a bucket. ErrBucketNotFound when there is none of this name, ErrBadBucket when the stream of that
	// name keeps no history by subject.
	KeyValue(ctx context.Context, bucket string) (KeyValue, error)

	// CreateKeyValue creates a bucket. One that exists with the same configuration is as good; with another one the error matches
	// ErrBucketExists and ErrStreamNameAlreadyInUse. ErrHistoryTooLarge; ErrLimitMarkerTTLNotSupported; ErrJetStreamNotEnabled.
	CreateKeyValue(ctx context.Context, cfg KeyValueConfig) (KeyValue, error)

	// UpdateKeyValue changes the configuration of a bucket. ErrBucketNotFound when there is none of this name.
	UpdateKeyValue(ctx context.Context, cfg KeyValueConfig) (KeyValue, error)

	// CreateOrUpdateKeyValue changes the configuration of a bucket, or creates it. An *APIError when the configuration cannot be, or cannot be changed
	// so.
	CreateOrUpdateKeyValue(ctx context.Context, cfg KeyValueConfig) (KeyValue, error)

	// DeleteKeyValue deletes a bucket with all that is in it. An error that matches ErrBucketNotFound and ErrStreamNotFound when there is none
	// of this name.
	DeleteKeyValue(ctx context.Context, bucket string) error

	// KeyValueStoreNames lists the names of all buckets but mirrors.
	KeyValueStoreNames(ctx context.Context) KeyValueNamesLister

	// KeyValueStores lists the states of all buckets but mirrors.
	KeyValueStores(ctx context.Context) KeyValueLister
}

// KeyValue is a handle to a bucket. It may be used concurrently, and need not be closed.
//
// Keys consist of letters, digits and -/_=. and no dot leads, trails or follows another, 3,072 bytes at most: [ErrInvalidKey], and nothing is sent. A revision is
// the sequence of the bucket's stream: it rises with each write to any key.
//
// A context without a deadline is given 5 seconds, or what [WithDefaultTimeout] says; nats.ErrInvalidContext when it is nil. After a
// write that ended with the context's error the value may be stored or not. Errors of the connection come out as they are, refusals by the server
// as an [*APIError].
type KeyValue interface {
	// Get returns the last value of a key. ErrKeyNotFound when it has none or was deleted. Replicas and mirrors answer too, so that it may
	// miss what was written a moment ago.
	Get(ctx context.Context, key string) (KeyValueEntry, error)

	// GetRevision returns a value that the key had; revision 0 is the last one. ErrKeyNotFound when it is not kept, belongs to
	// another key, or is a deletion.
	GetRevision(ctx context.Context, key string, revision uint64) (KeyValueEntry, error)

	// Put stores a value and returns its revision.
	Put(ctx context.Context, key string, value []byte) (uint64, error)

	// PutString is Put for a string.
	PutString(ctx context.Context, key string, value string) (uint64, error)

	// Create stores a value if the key has none or was deleted. Else the error matches ErrKeyExists. See KeyTTL.
	Create(ctx context.Context, key string, value []byte, opts ...KVCreateOpt) (uint64, error)

	// Update stores a value if revision is the key's last one, deletions included. Else the error matches ErrKeyRevisionMismatch, and holds the
	// server's APIError.
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)

	// Delete marks a key as deleted; its history stays. The key need not exist. See LastRevision.
	Delete(ctx context.Context, key string, opts ...KVDeleteOpt) error

	// Purge marks a key as deleted and removes its history. See LastRevision, PurgeTTL.
	Purge(ctx context.Context, key string, opts ...KVDeleteOpt) error

	// Watch delivers the last entry of each key that matches, a nil entry behind them, and then every change. keys may have * in place of a
	// token, and > as the last one. ctx bounds the watch, not only the call. See KeyWatcher.
	Watch(ctx context.Context, keys string, opts ...WatchOpt) (KeyWatcher, error)

	// WatchAll is Watch for all keys.
	WatchAll(ctx context.Context, opts ...WatchOpt) (KeyWatcher, error)

	// WatchFiltered is Watch for keys that match one of several filters, which must not overlap; none: all keys.
	WatchFiltered(ctx context.Context, keys []string, opts ...WatchOpt) (KeyWatcher, error)

	// Keys returns the keys that have a value, sorted. ErrNoKeysFound when there are none. Of opts only those about where to start count.
	Keys(ctx context.Context, opts ...WatchOpt) ([]string, error)

	// ListKeys is Keys through a channel, in the order of the last revisions, each key once.
	ListKeys(ctx context.Context, opts ...WatchOpt) (KeyLister, error)

	// ListKeysFiltered is ListKeys for keys that match one of several filters, which must not overlap; none: all keys.
	ListKeysFiltered(ctx context.Context, filters ...string) (KeyLister, error)

	// History returns what is kept of a key, oldest first, deletions included. ErrKeyNotFound when there is nothing.
	History(ctx context.Context, key string, opts ...WatchOpt) ([]KeyValueEntry, error)

	// Bucket is the name.
	Bucket() string

	// PurgeDeletes removes what is left of deleted keys: their history, and markers that are older than 30 minutes, or than
	// DeleteMarkersOlderThan says. What is written meanwhile stays.
	PurgeDeletes(ctx context.Context, opts ...KVPurgeOpt) error

	// Status asks for the bucket's state. ErrBucketNotFound when it was deleted.
	Status(ctx context.Context) (KeyValueStatus, error)
}

// KeyValueConfig is the configuration of a bucket. Zero values mean no limit, unless said otherwise.
type KeyValueConfig struct {
	// Bucket is the name. Required: letters, digits, - and _.
	Bucket string `json:"bucket"`
	// Description is free text.
	Description string `json:"description,omitempty"`
	// MaxValueSize is the most bytes of a value, with what its headers take; 0 and -1: no limit but the server's. A larger one is an *APIError.
	MaxValueSize int32 `json:"max_value_size,omitempty"`
	// History is the number of revisions that are kept of each key, at most [KeyValueMaxHistory]; 0: 1.
	History uint8 `json:"history,omitempty"`
	// TTL after which an entry expires; 0: never.
	TTL time.Duration `json:"ttl,omitempty"`
	// MaxBytes of the whole bucket, history and overhead included; 0 and -1: no limit. A write that exceeds it is an *APIError.
	MaxBytes int64 `json:"max_bytes,omitempty"`
	// Storage is file (zero value) or memory.
	Storage StorageType `json:"storage,omitempty"`
	// Replicas in a cluster, 1 to 5; 0: 1.
	Replicas int `json:"num_replicas,omitempty"`
	// Placement restricts the servers that may hold the bucket; nil: any.
	Placement *Placement `json:"placement,omitempty"`
	// RePublish publishes entries again once they are stored; nil: does not.
	RePublish *RePublish `json:"republish,omitempty"`
	// Mirror makes the bucket a copy of another one, given by the name of its bucket or stream. Writes go to the origin.
	Mirror *StreamSource `json:"mirror,omitempty"`
	// Sources are buckets whose entries are copied into this one, given like Mirror. Their keys stay as they are, unless a source has
	// SubjectTransforms: then it is taken as it is.
	Sources []*StreamSource `json:"sources,omitempty"`
	// Compression of what is kept on disk.
	Compression bool `json:"compression,omitempty"`
	// LimitMarkerTTL allows entries to have a TTL of their own, see [KeyTTL] and [PurgeTTL], and makes the server leave a marker of
	// this age when a key expires, so that watches see it; 0: neither (server 2.11, ADR-48).
	LimitMarkerTTL time.Duration `json:"limit_marker_ttl,omitempty"`
	// Metadata are free pairs; names that begin with _nats. belong to the server.
	Metadata map[string]string `json:"metadata,omitempty"`
	// AllowAtomicPublish allows writes that are stored together or not at all, see [KeyValueTx] (server 2.12, ADR-50).
	AllowAtomicPublish bool `json:"allow_atomic,omitempty"`
}

// KeyValueMaxHistory is the most revisions of a key that a bucket can keep.
const KeyValueMaxHistory = 64

// AllKeys matches all keys, in [KeyValue.Watch].
const AllKeys = ">"
