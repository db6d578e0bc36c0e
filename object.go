package nats

import (
	"context"
	"io"
	"time"
)

// ObjectStoreManager creates, finds and deletes buckets for objects. A bucket is a stream of its own (ADR-20).
//
// Errors of all calls: [ErrInvalidStoreName] when a bucket name has something else than letters, digits, - and _; [ErrStreamNotFound] when
// there is no bucket of this name; the context's of the JetStream context; an [*APIError]; [ErrNoResponders] and [ErrConnectionClosed].
type ObjectStoreManager interface {
	// ObjectStore returns a bucket that exists.
	ObjectStore(bucket string) (ObjectStore, error)

	// CreateObjectStore creates a bucket. One that exists with the same configuration is as good; with another one it is
	// ErrStreamNameAlreadyInUse. ErrObjectConfigRequired when cfg is nil.
	CreateObjectStore(cfg *ObjectStoreConfig) (ObjectStore, error)

	// DeleteObjectStore deletes a bucket with all that is in it.
	DeleteObjectStore(bucket string) error

	// ObjectStoreNames lists the names of all buckets, each as that of its stream: with OBJ_ in front. The channel is closed after the last
	// one, and early when something goes wrong: then the error handler is told.
	ObjectStoreNames(opts ...ObjectOpt) <-chan string

	// ObjectStores lists the state of all buckets, as ObjectStoreNames their names.
	ObjectStores(opts ...ObjectOpt) <-chan ObjectStoreStatus
}

// ObjectStore is a bucket for objects of any size: an object is stored in chunks, under a name of at most 2048 bytes of any
// kind, with a SHA-256 digest of its bytes. It may be used concurrently. Of several who put an object of the same name at the same time the last one
// wins, and nothing of the others is left.
//
// Errors of all calls: [ErrNameRequired] when the name of an object is empty; the context's; an [*APIError]; [ErrNoResponders], or
// [ErrNoStreamResponse] from what publishes, when the bucket is gone; [ErrConnectionClosed].
//
// A single request takes at most 5 seconds (see [MaxWait] as an option of Conn.JetStream). Calls that move the bytes of an object go on as
// long as there is progress: 30 seconds without any are [ErrTimeout]. A [Context] with a deadline replaces both; one that is an option of
// Conn.JetStream holds for calls without one of their own. A lost link is no error: they continue when there is another one.
type ObjectStore interface {
	// Put stores what reader reads, until io.EOF, as the object meta.Name, and returns it. A nil reader is an object without bytes. What
	// was stored under this name is replaced when all bytes are there, and stays when something fails; then nothing of the new object is
	// left. An error beside an ObjectInfo means that it is stored, but the bytes of the object it replaced are still there. Errors:
	// ErrBadObjectMeta without meta or a name, ErrLinkNotAllowed, that of reader, ErrTimeout.
	Put(meta *ObjectMeta, reader io.Reader, opts ...ObjectOpt) (*ObjectInfo, error)

	// Get opens an object for reading; links are followed. It also has WriteTo. Close it, or read it to the end. A context bounds the
	// reading, too. Errors: ErrObjectNotFound, ErrCantGetBucket.
	Get(name string, opts ...GetObjectOpt) (ObjectResult, error)

	// PutBytes is Put for data.
	PutBytes(name string, data []byte, opts ...ObjectOpt) (*ObjectInfo, error)

	// GetBytes reads an object. Errors: those of Get and of ObjectResult.
	GetBytes(name string, opts ...GetObjectOpt) ([]byte, error)

	// PutString is Put for a string.
	PutString(name string, data string, opts ...ObjectOpt) (*ObjectInfo, error)

	// GetString is GetBytes for a string.
	GetString(name string, opts ...GetObjectOpt) (string, error)

	// PutFile is Put for a file. The object is named as the file: with its directories as they are in file. Errors: those of os.Open and of Put.
	PutFile(file string, opts ...ObjectOpt) (*ObjectInfo, error)

	// GetFile writes an object to a file, which is created, or replaced once all bytes have come and the digest is right. Errors: those of GetBytes,
	// and of package os.
	GetFile(name, file string, opts ...GetObjectOpt) error

	// GetInfo returns an object without its bytes; links are not followed. Errors: ErrObjectNotFound, also when it was deleted, and
	// ErrBadObjectMeta when its description cannot be read.
	GetInfo(name string, opts ...GetObjectInfoOpt) (*ObjectInfo, error)

	// UpdateMeta changes name, description, headers and metadata of an object. Errors: ErrBadObjectMeta when meta is nil,
	// ErrUpdateMetaDeleted when there is no such object, ErrObjectAlreadyExists when the new name is taken.
	UpdateMeta(name string, meta *ObjectMeta) error

	// Delete removes an object. A marker stays, so that watchers see it. ErrObjectNotFound when there never was one; deleting it again is
	// no error.
	Delete(name string) error

	// AddLink makes name a link to an object of this or another bucket; whether that exists is not looked at. A link of this name is
	// replaced. Errors: ErrObjectRequired, ErrNoLinkToDeleted, ErrNoLinkToLink, ErrInvalidStoreName when obj names no bucket, and
	// ErrObjectAlreadyExists when name is or was an object.
	AddLink(name string, obj *ObjectInfo) (*ObjectInfo, error)

	// AddBucketLink makes name a link to a bucket. Errors: ErrBucketRequired, ErrBucketMalformed when bucket is not of this package,
	// ErrObjectAlreadyExists.
	AddBucketLink(name string, bucket ObjectStore) (*ObjectInfo, error)

	// Seal makes the bucket read-only, for good. Again does nothing.
	Seal() error

	// Watch tells of objects that are put, changed and deleted; see ObjectWatcher. Options are IncludeHistory, UpdatesOnly, IgnoreDeletes and
	// Context, with which the watch ends; others have no effect.
	Watch(opts ...WatchOpt) (ObjectWatcher, error)

	// List returns all objects, in the order in which they were put. ErrNoObjectsFound when there are none.
	List(opts ...ListObjectsOpt) ([]*ObjectInfo, error)

	// Status asks the server about the bucket.
	Status() (ObjectStoreStatus, error)
}

// ObjectResult is an object being read. The digest is checked when all bytes have come, so bytes can be trusted only after io.EOF.
//
// Errors of Read: [ErrDigestMismatch], [ErrInvalidDigestFormat]; [ErrTimeout] after the deadline of the context, or without one after 30
// seconds without a byte; the context's when it is cancelled, also after Close; an error that matches [ErrObjectNotFound] when the object is
// replaced or deleted meanwhile; [ErrConnectionClosed].
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
	Headers Header `json:"headers,omitempty"`
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

// Options of the calls of [ObjectStore] and [ObjectStoreManager]. [Context] is one of each kind; nil ones are skipped.
type (
	// ObjectOpt is an option of what puts objects, and of lists of buckets.
	ObjectOpt interface{ configureObject(*objectOpts) error }
	// GetObjectOpt is an option of [ObjectStore].Get and its relatives.
	GetObjectOpt interface{ configureGetObject(*objectOpts) error }
	// GetObjectInfoOpt is an option of [ObjectStore].GetInfo.
	GetObjectInfoOpt interface{ configureGetInfo(*objectOpts) error }
	// ListObjectsOpt is an option of [ObjectStore].List.
	ListObjectsOpt interface{ configureListObjects(*objectOpts) error }
)

// objectOpts are what the options of all calls say.
type objectOpts struct {
	ctx     context.Context // nil: none given
	deleted bool
}

func (c ContextOpt) configureObject(o *objectOpts) error      { return c.set(&o.ctx) }
func (c ContextOpt) configureGetObject(o *objectOpts) error   { return c.set(&o.ctx) }
func (c ContextOpt) configureGetInfo(o *objectOpts) error     { return c.set(&o.ctx) }
func (c ContextOpt) configureListObjects(o *objectOpts) error { return c.set(&o.ctx) }

// showDeleted is the option of three kinds of calls.
type showDeleted struct{}

func (showDeleted) configureGetObject(o *objectOpts) error   { return o.showDeleted() }
func (showDeleted) configureGetInfo(o *objectOpts) error     { return o.showDeleted() }
func (showDeleted) configureListObjects(o *objectOpts) error { return o.showDeleted() }

func (o *objectOpts) showDeleted() error {
	o.deleted = true
	return nil
}

// GetObjectShowDeleted opens deleted objects, too. They have no bytes.
func GetObjectShowDeleted() GetObjectOpt { return showDeleted{} }

// GetObjectInfoShowDeleted returns deleted objects, too.
func GetObjectInfoShowDeleted() GetObjectInfoOpt { return showDeleted{} }

// ListObjectsShowDeleted lists deleted objects, too.
func ListObjectsShowDeleted() ListObjectsOpt { return showDeleted{} }
