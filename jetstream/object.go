package jetstream

import (
	"context"
	"io"
	"time"

	"github.com/gannet-io/nats"
)

// ObjectStoreManager creates, finds and deletes buckets for objects. A bucket is a stream of its own (ADR-20).
//
// Errors of all calls: [ErrInvalidStoreName] when a bucket name has something else than letters, digits, - and _;
// nats.ErrInvalidContext; the context's; an [*APIError]; nats.ErrNoResponders and nats.ErrConnectionClosed.
type ObjectStoreManager interface {
	// ObjectStore returns a bucket that exists. ErrBucketNotFound when there is none of this name.
	ObjectStore(ctx context.Context, bucket string) (ObjectStore, error)

	// CreateObjectStore creates a bucket. One that exists with the same configuration is as good; with another one the error matches
	// ErrBucketExists.
	CreateObjectStore(ctx context.Context, cfg ObjectStoreConfig) (ObjectStore, error)

	// UpdateObjectStore changes the configuration of a bucket; what its stream allows beside, such as AllowBatchPublish, stays. The error matches
	// ErrBucketNotFound when there is none of this name.
	UpdateObjectStore(ctx context.Context, cfg ObjectStoreConfig) (ObjectStore, error)

	// CreateOrUpdateObjectStore does what is needed for a bucket to exist with this configuration. An *APIError when the configuration cannot be, or
	// cannot be changed so.
	CreateOrUpdateObjectStore(ctx context.Context, cfg ObjectStoreConfig) (ObjectStore, error)

	// DeleteObjectStore deletes a bucket with all that is in it. The error matches ErrBucketNotFound when there is none of this name.
	DeleteObjectStore(ctx context.Context, bucket string) error

	// ObjectStoreNames lists the names of all buckets, each as that of its stream: with OBJ_ in front.
	ObjectStoreNames(ctx context.Context) ObjectStoreNamesLister

	// ObjectStores lists the state of all buckets.
	ObjectStores(ctx context.Context) ObjectStoresLister
}

// ObjectStore is a bucket for objects of any size: an object is stored in chunks, under a name of at most 2048 bytes of any
// kind, with a SHA-256 digest of its bytes. It may be used concurrently. Of several who put an object of the same name at the same time the last one
// wins, and nothing of the others is left.
//
// Errors of all calls: [ErrNameRequired] when the name of an object is empty; nats.ErrInvalidContext; the context's; an [*APIError];
// nats.ErrNoResponders, or [ErrNoStreamResponse] from what publishes, when the bucket is gone; nats.ErrConnectionClosed.
//
// A single request takes at most as long as the context says, or 5 seconds (see [WithDefaultTimeout]). Calls that move the bytes of an
// object go on as long as there is progress: 30 seconds without any are nats.ErrTimeout. A context with a deadline replaces both. A lost
// link is no error: they continue when there is another one.
type ObjectStore interface {
	// Put stores what reader reads, until io.EOF, as the object meta.Name, and returns it. A nil reader is an object without bytes. What
	// was stored under this name is replaced when all bytes are there, and stays when something fails; then nothing of the new object is
	// left. An error beside an ObjectInfo means that it is stored, but the bytes of the object it replaced are still there. Errors:
	// ErrBadObjectMeta without a name, ErrLinkNotAllowed, that of reader, nats.ErrTimeout.
	Put(ctx context.Context, meta ObjectMeta, reader io.Reader) (*ObjectInfo, error)

	// PutBytes is Put for data.
	PutBytes(ctx context.Context, name string, data []byte) (*ObjectInfo, error)

	// PutString is Put for a string.
	PutString(ctx context.Context, name string, data string) (*ObjectInfo, error)

	// PutFile is Put for a file. The object is named as the file: with its directories as they are in file. Errors: those of os.Open and of Put.
	PutFile(ctx context.Context, file string) (*ObjectInfo, error)

	// Get opens an object for reading; links are followed. It also has WriteTo. Close it, or read it to the end. The context bounds the
	// reading, too. Errors: ErrObjectNotFound, ErrCantGetBucket.
	Get(ctx context.Context, name string, opts ...GetObjectOpt) (ObjectResult, error)

	// GetBytes reads an object. Errors: those of Get and of ObjectResult.
	GetBytes(ctx context.Context, name string, opts ...GetObjectOpt) ([]byte, error)

	// GetString is GetBytes for a string.
	GetString(ctx context.Context, name string, opts ...GetObjectOpt) (string, error)

	// GetFile writes an object to a file, which is created, or replaced once all bytes have come and the digest is right. Errors: those of GetBytes,
	// and of package os.
	GetFile(ctx context.Context, name, file string, opts ...GetObjectOpt) error

	// GetInfo returns an object without its bytes; links are not followed. Errors: ErrObjectNotFound, also when it was deleted, and
	// ErrBadObjectMeta when its description cannot be read.
	GetInfo(ctx context.Context, name string, opts ...GetObjectInfoOpt) (*ObjectInfo, error)

	// UpdateMeta changes name, description, headers and metadata of an object. Errors: ErrUpdateMetaDeleted when there is no such object,
	// ErrObjectAlreadyExists when the new name is taken.
	UpdateMeta(ctx context.Context, name string, meta ObjectMeta) error

	// Delete removes an object. A marker stays, so that watchers see it. ErrObjectNotFound when there never was one; deleting it again is
	// no error.
	Delete(ctx context.Context, name string) error

	// AddLink makes name a link to an object of this or another bucket; whether that exists is not looked at. A link of this name is
	// replaced. Errors: ErrObjectRequired, ErrNoLinkToDeleted, ErrNoLinkToLink, ErrInvalidStoreName when obj names no bucket, and
	// ErrObjectAlreadyExists when name is or was an object.
	AddLink(ctx context.Context, name string, obj *ObjectInfo) (*ObjectInfo, error)

	// AddBucketLink makes name a link to a bucket. Errors: ErrBucketRequired, ErrBucketMalformed when bucket is not of this package,
	// ErrObjectAlreadyExists.
	AddBucketLink(ctx context.Context, name string, bucket ObjectStore) (*ObjectInfo, error)

	// Seal makes the bucket read-only, for good. Again does nothing.
	Seal(ctx context.Context) error

	// Watch tells of objects that are put, changed and deleted; see ObjectWatcher. Options are IncludeHistory, UpdatesOnly and
	// IgnoreDeletes; others have no effect. The watch ends with the context.
	Watch(ctx context.Context, opts ...WatchOpt) (ObjectWatcher, error)

	// List returns all objects, in the order in which they were put. ErrNoObjectsFound when there are none.
	List(ctx context.Context, opts ...ListObjectsOpt) ([]*ObjectInfo, error)

	// Status asks the server about the bucket.
	Status(ctx context.Context) (ObjectStoreStatus, error)
}

// ObjectResult is an object being read. The digest is checked when all bytes have come, so bytes can be trusted only after io.EOF.
//
// Errors of Read: [ErrDigestMismatch], [ErrInvalidDigestFormat]; nats.ErrTimeout after the deadline of the context, or without one after 30
// seconds without a byte; the context's when it is cancelled, also after Close; an error that matches [ErrObjectNotFound] when the object is
// replaced or deleted meanwhile; nats.ErrConnectionClosed.
type ObjectResult interface {
	io.ReadCloser

	// Info is the object: that to which links led.
	Info() (*ObjectInfo, error)

	// Error is the error with which Read ended; nil while it goes on and after io.EOF.
	Error() error
}

// ObjectWatcher tells of objects.
type ObjectWatcher interface {
	// Updates has the objects that are there, in the order in which they were put, then nil, then what changes. An object that was deleted
	// has Deleted set. It is closed when the watch ends: after Stop, with its context, with the connection, or when the bucket is
	// gone. Nobody needs to read it to the end; while nobody reads, the server sends no more than a few megabytes.
	Updates() <-chan *ObjectInfo

	// Stop ends the watch. Again does nothing.
	Stop() error
}

// ObjectStoreConfig is the configuration of a bucket.
type ObjectStoreConfig struct {
	// Bucket is the name: letters, digits, - and _.
	Bucket string `json:"bucket"`
	// Description for humans.
	Description string `json:"description,omitempty"`
	// TTL after which objects expire; 0: never.
	TTL time.Duration `json:"max_age,omitempty"`
	// MaxBytes of the bucket, overhead included; 0 or -1: no limit. A put that exceeds it fails.
	MaxBytes int64 `json:"max_bytes,omitempty"`
	// Storage is on disk unless set.
	Storage StorageType `json:"storage,omitempty"`
	// Replicas in a cluster, 1 to 5; 0: 1.
	Replicas int `json:"num_replicas,omitempty"`
	// Placement restricts which servers hold the bucket; nil: none.
	Placement *Placement `json:"placement,omitempty"`
	// Compression compresses what is kept on disk.
	Compression bool `json:"compression,omitempty"`
	// Metadata are free pairs; names that begin with _nats. belong to the server.
	Metadata map[string]string `json:"metadata,omitempty"`
}

// ObjectMeta is what the user says about an object.
type ObjectMeta struct {
	// Name of the object: any text but the empty one.
	Name string `json:"name"`
	// Description for humans.
	Description string `json:"description,omitempty"`
	// Headers are kept with the object.
	Headers nats.Header `json:"headers,omitempty"`
	// Metadata are free pairs.
	Metadata map[string]string `json:"metadata,omitempty"`
	// Opts say how the object is stored; nil: the defaults.
	Opts *ObjectMetaOptions `json:"options,omitempty"`
}

// ObjectMetaOptions say how an object is stored.
type ObjectMetaOptions struct {
	// Link is where a link leads; nil: the object is none. AddLink and AddBucketLink make links, Put does not.
	Link *ObjectLink `json:"link,omitempty"`
	// ChunkSize in bytes; 0: 128 KiB. Chunks are smaller when the server takes no messages of this size.
	ChunkSize uint32 `json:"max_chunk_size,omitempty"`
}

// ObjectLink is where a link leads.
type ObjectLink struct {
	// Bucket that is linked to, or that has the object.
	Bucket string `json:"bucket"`
	// Name of the object; empty: the link is one to the bucket.
	Name string `json:"name,omitempty"`
}

// ObjectInfo is an object without its bytes.
type ObjectInfo struct {
	ObjectMeta
	// Bucket that the object is in.
	Bucket string `json:"bucket"`
	// NUID names the chunks. It is a new one with each Put.
	NUID string `json:"nuid"`
	// Size in bytes.
	Size uint64 `json:"size"`
	// ModTime is when the object was last put or changed.
	ModTime time.Time `json:"mtime"`
	// Chunks is the number of chunks.
	Chunks uint32 `json:"chunks"`
	// Digest of the bytes, see DecodeObjectDigest; empty for links, and for objects without bytes that were put without a reader.
	Digest string `json:"digest,omitempty"`
	// Deleted: the object is not there any more.
	Deleted bool `json:"deleted,omitempty"`
}

// Options of the calls of [ObjectStore]. Nil ones are skipped.
type (
	// GetObjectOpt is an option of [ObjectStore.Get] and its relatives.
	GetObjectOpt func(*getObjectOpts) error
	// GetObjectInfoOpt is an option of [ObjectStore.GetInfo].
	GetObjectInfoOpt func(*getObjectInfoOpts) error
	// ListObjectsOpt is an option of [ObjectStore.List].
	ListObjectsOpt func(*listObjectOpts) error
)

type (
	getObjectOpts     struct{ deleted bool }
	getObjectInfoOpts struct{ deleted bool }
	listObjectOpts    struct{ deleted bool }
)

// GetObjectShowDeleted opens deleted objects, too. They have no bytes.
func GetObjectShowDeleted() GetObjectOpt {
	return func(o *getObjectOpts) error {
		o.deleted = true
		return nil
	}
}

// GetObjectInfoShowDeleted returns deleted objects, too.
func GetObjectInfoShowDeleted() GetObjectInfoOpt {
	return func(o *getObjectInfoOpts) error {
		o.deleted = true
		return nil
	}
}

// ListObjectsShowDeleted lists deleted objects, too.
func ListObjectsShowDeleted() ListObjectsOpt {
	return func(o *listObjectOpts) error {
		o.deleted = true
		return nil
	}
}
