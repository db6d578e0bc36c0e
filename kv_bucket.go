package nats

import (
	"fmt"
	"slices"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/kv"
)

func (j *js) KeyValue(bucket string) (KeyValue, error) {
	info, err := j.bucketInfo(bucket)
	if err != nil {
		return nil, err
	}
	if info.Config.MaxMsgsPerSubject < 1 {
		return nil, ErrBadBucket
	}
	return j.newBucket(bucket, &info.Config), nil
}

// bucketInfo asks for the state of a bucket's stream.
func (j *js) bucketInfo(bucket string) (*StreamInfo, error) {
	if !kv.ValidBucket(bucket) {
		return nil, ErrInvalidBucketName
	}
	info, err := j.StreamInfo(kv.StreamOf(bucket))
	if err == ErrStreamNotFound {
		return nil, ErrBucketNotFound
	}
	return info, err
}

func (j *js) CreateKeyValue(cfg *KeyValueConfig) (KeyValue, error) {
	switch {
	case cfg == nil:
		return nil, ErrKeyValueConfigRequired
	case !kv.ValidBucket(cfg.Bucket):
		return nil, ErrInvalidBucketName
	case cfg.History > kv.MaxHistory:
		return nil, ErrHistoryToLarge
	case cfg.Mirror != nil && len(cfg.Sources) > 0:
		return nil, fmt.Errorf("%w: mirror and sources are both set", ErrInvalidArg)
	case slices.Contains(cfg.Sources, nil):
		return nil, fmt.Errorf("%w: one of the sources is nil", ErrInvalidArg)
	}
	if _, err := j.AccountInfo(); err != nil {
		return nil, err
	}
	info, err := j.AddStream(cfg.stream())
	if err != nil {
		return nil, err
	}
	return j.newBucket(cfg.Bucket, &info.Config), nil
}

func (j *js) DeleteKeyValue(bucket string) error {
	if !kv.ValidBucket(bucket) {
		return ErrInvalidBucketName
	}
	return j.DeleteStream(kv.StreamOf(bucket))
}

// stream is the configuration of a bucket's stream.
func (cfg *KeyValueConfig) stream() *StreamConfig {
	s := kv.Bucket{
		Name: cfg.Bucket, History: cfg.History, MaxBytes: cfg.MaxBytes, MaxValueSize: cfg.MaxValueSize, Replicas: cfg.Replicas,
		TTL: cfg.TTL, Copied: cfg.Mirror != nil,
	}.Shape()
	sc := &StreamConfig{
		Name: s.Stream, Description: cfg.Description, Subjects: s.Subjects,
		MaxMsgsPerSubject: s.PerSubject, MaxBytes: s.MaxBytes, MaxMsgs: s.MaxMsgs, MaxConsumers: s.MaxConsumers, MaxMsgSize: s.MaxMsgSize,
		MaxAge: s.MaxAge, Duplicates: s.Duplicates,
		Storage: cfg.Storage, Replicas: s.Replicas, Placement: cfg.Placement, RePublish: cfg.RePublish,
		Discard: DiscardNew, DenyDelete: true, AllowRollup: true, AllowDirect: true,
	}
	if cfg.Compression {
		sc.Compression = S2Compression
	}
	if cfg.Mirror != nil {
		m := *cfg.Mirror
		m.Name, _ = kv.SourceOf(m.Name)
		sc.Mirror, sc.MirrorDirect = &m, true
	}
	for _, src := range cfg.Sources {
		sc.Sources = append(sc.Sources, src.bucket(cfg.Bucket))
	}
	return sc
}

// bucket is a source as the stream of the bucket that copies from it is to have it.
func (s *StreamSource) bucket(into string) *StreamSource {
	if len(s.SubjectTransforms) > 0 {
		return s
	}
	src := *s
	stream, bucket := kv.SourceOf(src.Name)
	src.Name = stream
	if bucket != into || src.External == nil && src.Domain == "" {
		src.SubjectTransforms = []SubjectTransformConfig{{Source: kv.Subjects(bucket), Destination: kv.Subjects(into)}}
	}
	return &src
}

// newBucket is a handle to a bucket whose stream has the configuration sc.
func (j *js) newBucket(bucket string, sc *StreamConfig) *keyValue {
	cfg := kv.Config{
		API: j.api, Conn: j.nc.eng, Pub: j.pub, Errors: kvErrors, Retry: syncRetry, Bucket: bucket, Direct: sc.AllowDirect, Window: sc.Duplicates,
	}
	if m := sc.Mirror; m != nil {
		cfg.Window = 0 // the origin's is not known
		_, cfg.Origin = kv.SourceOf(m.Name)
		if m.External != nil {
			cfg.OriginAPI = m.External.APIPrefix
		}
	}
	return &keyValue{js: j, store: kv.Open(cfg)}
}

// kvErrors are what the store's errors are here.
var kvErrors = &kv.Errors{
	InvalidKey: ErrInvalidKey, KeyNotFound: ErrKeyNotFound, NoKeys: ErrNoKeysFound, KeyExists: ErrKeyExists, RevisionMismatch: ErrKeyRevisionMismatch,
	InvalidTTL: ErrInvalidArg,
	NilContext: ErrInvalidContext, BucketNotFound: ErrBucketNotFound,
	Silent: ErrKeyWatcherTimeout,
	Failed: func(refused *wire.APIError, err error) error {
		return jsFailure(refused, err, ErrStreamNotFound)
	},
	Unpublished: func(code wire.Code, refused *wire.APIError, err error) error {
		return jsEnded(opPublish, code, refused, err)
	},
	Disturbed: func(code wire.Code) error { return jsEnded(opFetch, code, nil, nil) },
}

// ofBuckets lists the streams of buckets.
var ofBuckets = []JSOpt{StreamListFilter(kv.AllSubjects)}

func (j *js) KeyValueStoreNames() <-chan string {
	c, err := j.call(ofBuckets)
	return jsList(j, c, err, wire.StreamNames, c.listFilter(), kv.BucketOf)
}

func (j *js) KeyValueStores() <-chan KeyValueStatus {
	c, err := j.call(ofBuckets)
	return jsList(j, c, err, wire.StreamList, c.listFilter(), func(i StreamInfo) (KeyValueStatus, bool) {
		bucket, ok := kv.BucketOf(i.Config.Name)
		return &KeyValueBucketStatus{info: &i, bucket: bucket}, ok
	})
}
