package nats

import "time"

// KeyValueManager creates, finds and deletes buckets (ADR-8).
//
// A call takes 5 seconds at most, or what MaxWait or Context of [Conn.JetStream] say. Names are checked before anything is sent:
// [ErrInvalidBucketName].
type KeyValueManager interface {
	// KeyValue returns a handle to a bucket. ErrBucketNotFound when there is none of this name, ErrBadBucket when the stream of that name
	// keeps no history by subject.
	KeyValue(bucket string) (KeyValue, error)

	// CreateKeyValue creates a bucket. One that exists with the same configuration is as good; with another one it is
	// ErrStreamNameAlreadyInUse. ErrKeyValueConfigRequired when cfg is nil; ErrHistoryToLarge; ErrJetStreamNotEnabled.
	CreateKeyValue(cfg *KeyValueConfig) (KeyValue, error)

	// DeleteKeyValue deletes a bucket with all that is in it. ErrStreamNotFound when there is none of this name.
	DeleteKeyValue(bucket string) error

	// KeyValueStoreNames lists the names of all buckets but mirrors. The channel is closed after the last one, and early when something
	// goes wrong: then the error handler is told.
	KeyValueStoreNames() <-chan string

	// KeyValueStores lists the states of all buckets but mirrors, likewise.
	KeyValueStores() <-chan KeyValueStatus
}

// KeyValue is a handle to a bucket. It may be used concurrently, and need not be closed.
//
// Keys consist of letters, digits and -/_=. and no dot leads, trails or follows another, 3,072 bytes at most: [ErrInvalidKey], and nothing is sent. A revision is
// the sequence of the bucket's stream: it rises with each write to any key.
//
// A call takes 5 seconds at most, or what MaxWait or Context of [Conn.JetStream] say. After a write that timed out the value may be stored or
// not. Errors of the connection come out as they are, refusals by the server as an [*APIError].
type KeyValue interface {
	// Get returns the last value of a key. ErrKeyNotFound when it has none or was deleted. Replicas and mirrors answer too, so that it may
	// miss what was written a moment ago.
	Get(key string) (entry KeyValueEntry, err error)

	// GetRevision returns a value that the key had; revision 0 is the last one. ErrKeyNotFound when it is not kept, belongs to another key,
	// or is a deletion.
	GetRevision(key string, revision uint64) (entry KeyValueEntry, err error)

	// Put stores a value and returns its revision.
	Put(key string, value []byte) (revision uint64, err error)

	// PutString is Put for a string.
	PutString(key string, value string) (revision uint64, err error)

	// Create stores a value if the key has none or was deleted. Else the error matches ErrKeyExists.
	Create(key string, value []byte) (revision uint64, err error)

	// Update stores a value if last is the key's last revision, deletions included. Else the error matches ErrKeyRevisionMismatch, and holds the
	// server's APIError.
	Update(key string, value []byte, last uint64) (revision uint64, err error)

	// Delete marks a key as deleted; its history stays. The key need not exist. See LastRevision.
	Delete(key string, opts ...DeleteOpt) error

	// Purge marks a key as deleted and removes its history. See LastRevision.
	Purge(key string, opts ...DeleteOpt) error

	// Watch delivers the last entry of each key that matches, a nil entry behind them, and then every change. keys may have * in place of a
	// token, and > as the last one. See KeyWatcher.
	Watch(keys string, opts ...WatchOpt) (KeyWatcher, error)

	// WatchAll is Watch for all keys.
	WatchAll(opts ...WatchOpt) (KeyWatcher, error)

	// WatchFiltered is Watch for keys that match one of several filters, which must not overlap; none: all keys.
	WatchFiltered(keys []string, opts ...WatchOpt) (KeyWatcher, error)

	// Keys returns the keys that have a value, sorted. ErrNoKeysFound when there are none, ErrKeyWatcherTimeout when the server stays silent.
	// A bucket may have more keys than fit into memory: then use ListKeys.
	Keys(opts ...WatchOpt) ([]string, error)

	// ListKeys lists the keys that have a value through a channel, in the order of the last revisions, each key once.
	ListKeys(opts ...WatchOpt) (KeyLister, error)

	// History returns what is kept of a key, oldest first, deletions included. ErrKeyNotFound when there is nothing, ErrKeyWatcherTimeout when
	// the server stays silent.
	History(key string, opts ...WatchOpt) ([]KeyValueEntry, error)

	// Bucket is the name.
	Bucket() string

	// PurgeDeletes removes what is left of deleted keys: their history, and markers that are older than 30 minutes, or than
	// DeleteMarkersOlderThan says. What is written meanwhile stays.
	PurgeDeletes(opts ...PurgeOpt) error

	// Status asks for the bucket's state. ErrBucketNotFound when it was deleted.
	Status() (KeyValueStatus, error)
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
}

// KeyValueMaxHistory is the most revisions of a key that a bucket can keep.
const KeyValueMaxHistory = 64

// AllKeys matches all keys, in [KeyValue.Watch].
const AllKeys = ">"
