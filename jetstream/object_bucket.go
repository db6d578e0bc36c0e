package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/obj"
)

func (js *jetStream) ObjectStore(ctx context.Context, bucket string) (ObjectStore, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	store, err := obj.Open(ctx, obj.Config{API: js.api, Conn: js.eng, Bucket: bucket})
	if err != nil {
		if err = objectFailure(err); errors.Is(err, ErrStreamNotFound) {
			err = ErrBucketNotFound
		}
		return nil, err
	}
	return &objectStore{js: js, store: store}, nil
}

func (js *jetStream) CreateObjectStore(ctx context.Context, cfg ObjectStoreConfig) (ObjectStore, error) {
	return js.putObjectStore(ctx, cfg, false)
}

func (js *jetStream) UpdateObjectStore(ctx context.Context, cfg ObjectStoreConfig) (ObjectStore, error) {
	return js.putObjectStore(ctx, cfg, true)
}

func (js *jetStream) CreateOrUpdateObjectStore(ctx context.Context, cfg ObjectStoreConfig) (ObjectStore, error) {
	s, err := js.UpdateObjectStore(ctx, cfg)
	if errors.Is(err, ErrBucketNotFound) {
		return js.CreateObjectStore(ctx, cfg)
	}
	return s, err
}

func (js *jetStream) putObjectStore(ctx context.Context, cfg ObjectStoreConfig, update bool) (ObjectStore, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	err := obj.Create(ctx, js.api, obj.Bucket[*Placement]{
		Name: cfg.Bucket, Description: cfg.Description, TTL: cfg.TTL, MaxBytes: cfg.MaxBytes, Memory: cfg.Storage == MemoryStorage,
		Replicas: cfg.Replicas, Placement: cfg.Placement, Metadata: cfg.Metadata, Compressed: cfg.Compression,
	}, update)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, ErrJetStreamNotEnabled
	}
	if err != nil {
		return nil, bucketFailure(objectFailure(err), cfg.Bucket)
	}
	return js.ObjectStore(ctx, cfg.Bucket)
}

// bucketFailure gives the refusals about a bucket's stream the values that buckets have.
func bucketFailure(err error, bucket string) error {
	switch {
	case errors.Is(err, ErrStreamNotFound):
		return fmt.Errorf("%w: %s: %w", ErrBucketNotFound, bucket, err)
	case errors.Is(err, ErrStreamNameAlreadyInUse):
		return fmt.Errorf("%w: %s: %w", ErrBucketExists, bucket, err)
	}
	return err
}

func (js *jetStream) DeleteObjectStore(ctx context.Context, bucket string) error {
	if ctx == nil {
		return errNilContext
	}
	if err := obj.Delete(ctx, js.api, bucket); err != nil {
		return bucketFailure(objectFailure(err), bucket)
	}
	return nil
}

// ObjectStoreNamesLister is a list of buckets on its way. It ends early when its context ends or the connection is closed.
type ObjectStoreNamesLister interface {
	// Name is closed after the last one.
	Name() <-chan string

	// Error says why the list ended early; nil when it is complete. To be asked after Name is closed.
	Error() error
}

// ObjectStoresLister is a list of buckets on its way. It ends early when its context ends or the connection is closed.
type ObjectStoresLister interface {
	// Status is closed after the last one.
	Status() <-chan ObjectStoreStatus

	// Error says why the list ended early, or what it lacks: [ErrListIncomplete]; nil when it is complete. To be asked after Status is closed.
	Error() error
}

type (
	objectStoreNames struct{ *api.Lister[string] }
	objectStores     struct{ *api.Lister[ObjectStoreStatus] }
)

func (l objectStoreNames) Name() <-chan string          { return l.Entries() }
func (l objectStoreNames) Error() error                 { return l.Err() }
func (l objectStores) Status() <-chan ObjectStoreStatus { return l.Entries() }
func (l objectStores) Error() error                     { return l.Err() }

func (js *jetStream) ObjectStoreNames(ctx context.Context) ObjectStoreNamesLister {
	if ctx == nil {
		return objectStoreNames{api.FailedLister[string](errNilContext)}
	}
	return objectStoreNames{api.NewLister(ctx, js.api, obj.Names(func(stream string) string { return stream }, listFailure))}
}

func (js *jetStream) ObjectStores(ctx context.Context) ObjectStoresLister {
	if ctx == nil {
		return objectStores{api.FailedLister[ObjectStoreStatus](errNilContext)}
	}
	return objectStores{api.NewLister(ctx, js.api, obj.Infos(
		func(i *StreamInfo) string { return i.Config.Name },
		func(i *StreamInfo) ObjectStoreStatus { return newObjectStatus(i) }, listFailure))}
}

func listFailure(refused *wire.APIError, err error) error { return failure(refused, err) }

// ObjectStoreStatus is the state of a bucket.
type ObjectStoreStatus interface {
	// Bucket is the name.
	Bucket() string

	// Description for humans.
	Description() string

	// TTL after which objects expire; 0: never.
	TTL() time.Duration

	// Storage says where objects are kept.
	Storage() StorageType

	// Replicas in a cluster.
	Replicas() int

	// Sealed buckets are read-only.
	Sealed() bool

	// Size of all that is stored, in bytes: chunks, what describes them, and the stream's overhead.
	Size() uint64

	// BackingStore is the kind of storage: "JetStream".
	BackingStore() string

	// Metadata of the bucket; the server's own begins with _nats.
	Metadata() map[string]string

	// IsCompressed: what is kept on disk is compressed.
	IsCompressed() bool
}

// ObjectBucketStatus is the [ObjectStoreStatus] of a bucket in JetStream.
type ObjectBucketStatus struct {
	info   *StreamInfo
	bucket string
}

func newObjectStatus(info *StreamInfo) *ObjectBucketStatus {
	bucket, _ := obj.BucketOf(info.Config.Name)
	return &ObjectBucketStatus{info: info, bucket: bucket}
}

// StreamInfo is what the status is made of; an empty one for a status that no bucket has given.
func (s *ObjectBucketStatus) StreamInfo() *StreamInfo {
	if s == nil || s.info == nil {
		return new(StreamInfo)
	}
	return s.info
}

// Bucket is the name.
func (s *ObjectBucketStatus) Bucket() string {
	if s == nil {
		return ""
	}
	return s.bucket
}

// Description for humans.
func (s *ObjectBucketStatus) Description() string { return s.StreamInfo().Config.Description }

// TTL after which objects expire; 0: never.
func (s *ObjectBucketStatus) TTL() time.Duration { return s.StreamInfo().Config.MaxAge }

// Storage says where objects are kept.
func (s *ObjectBucketStatus) Storage() StorageType { return s.StreamInfo().Config.Storage }

// Replicas in a cluster.
func (s *ObjectBucketStatus) Replicas() int { return s.StreamInfo().Config.Replicas }

// Sealed buckets are read-only.
func (s *ObjectBucketStatus) Sealed() bool { return s.StreamInfo().Config.Sealed }

// Size of all that is stored, in bytes.
func (s *ObjectBucketStatus) Size() uint64 { return s.StreamInfo().State.Bytes }

// BackingStore is "JetStream".
func (s *ObjectBucketStatus) BackingStore() string { return "JetStream" }

// Metadata of the bucket.
func (s *ObjectBucketStatus) Metadata() map[string]string { return s.StreamInfo().Config.Metadata }

// IsCompressed reports whether what is kept on disk is compressed.
func (s *ObjectBucketStatus) IsCompressed() bool {
	return s.StreamInfo().Config.Compression != NoCompression
}
