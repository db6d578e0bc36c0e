package nats

import (
	"errors"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/obj"
)

func (j *js) ObjectStore(bucket string) (ObjectStore, error) {
	c, err := j.call(nil)
	if err != nil {
		return nil, err
	}
	store, err := obj.Open(c.ctx, obj.Config{API: j.api, Conn: j.nc.eng, Bucket: bucket, FromLeader: true})
	if err != nil {
		return nil, objectFailure(err)
	}
	return &objectStore{js: j, store: store}, nil
}

func (j *js) CreateObjectStore(cfg *ObjectStoreConfig) (ObjectStore, error) {
	if cfg == nil {
		return nil, ErrObjectConfigRequired
	}
	c, err := j.call(nil)
	if err != nil {
		return nil, err
	}
	err = obj.Create(c.ctx, j.api, obj.Bucket[*Placement]{
		Name: cfg.Bucket, Description: cfg.Description, TTL: cfg.TTL, MaxBytes: cfg.MaxBytes, Memory: cfg.Storage == MemoryStorage,
		Replicas: cfg.Replicas, Placement: cfg.Placement, Metadata: cfg.Metadata, Compressed: cfg.Compression,
	}, false)
	if errors.Is(err, ErrNoResponders) {
		return nil, ErrJetStreamNotEnabled
	}
	if err != nil {
		return nil, objectFailure(err)
	}
	return j.ObjectStore(cfg.Bucket)
}

func (j *js) DeleteObjectStore(bucket string) error {
	c, err := j.call(nil)
	if err != nil {
		return err
	}
	return objectFailure(obj.Delete(c.ctx, j.api, bucket))
}

// buckets prepares a list of buckets.
func (j *js) buckets(opts []ObjectOpt) (*jsCall, error) {
	c, err := j.call(nil)
	if err != nil {
		return nil, err
	}
	var o objectOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureObject(&o); err != nil {
			return nil, err
		}
	}
	if o.ctx != nil {
		c.ctx = o.ctx
	}
	return c, nil
}

func (j *js) ObjectStoreNames(opts ...ObjectOpt) <-chan string {
	c, err := j.buckets(opts)
	if err != nil {
		return api.FailedLister[string](j.listFailure(nil, err)).Entries()
	}
	return api.NewLister(c.ctx, c.api, obj.Names(func(stream string) string { return stream }, j.listFailure)).Entries()
}

func (j *js) ObjectStores(opts ...ObjectOpt) <-chan ObjectStoreStatus {
	c, err := j.buckets(opts)
	if err != nil {
		return api.FailedLister[ObjectStoreStatus](j.listFailure(nil, err)).Entries()
	}
	return api.NewLister(c.ctx, c.api, obj.Infos(
		func(i *StreamInfo) string { return i.Config.Name },
		func(i *StreamInfo) ObjectStoreStatus { return newObjectStatus(i) }, j.listFailure)).Entries()
}

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
