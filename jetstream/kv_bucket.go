package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/kv"
)

func (js *jetStream) KeyValue(ctx context.Context, bucket string) (KeyValue, error) {
	info, err := js.bucketInfo(ctx, bucket)
	if err != nil {
		return nil, err
	}
	if info.Config.MaxMsgsPerSubject < 1 {
		return nil, ErrBadBucket
	}
	return js.newBucket(bucket, &info.Config), nil
}

// bucketInfo asks for the state of a bucket's stream.
func (js *jetStream) bucketInfo(ctx context.Context, bucket string) (*StreamInfo, error) {
	if !kv.ValidBucket(bucket) {
		return nil, ErrInvalidBucketName
	}
	info, err := js.streamInfo(ctx, kv.StreamOf(bucket), wire.StreamInfoRequest{})
	if err == ErrStreamNotFound {
		return nil, ErrBucketNotFound
	}
	return info, err
}

func (js *jetStream) CreateKeyValue(ctx context.Context, cfg KeyValueConfig) (KeyValue, error) {
	sc, err := js.bucketConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s, err := js.CreateStream(ctx, sc)
	if errors.Is(err, ErrStreamNameAlreadyInUse) {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrBucketExists, cfg.Bucket), err)
	}
	if err != nil {
		return nil, err
	}
	return js.newBucket(cfg.Bucket, &s.CachedInfo().Config), nil
}

func (js *jetStream) UpdateKeyValue(ctx context.Context, cfg KeyValueConfig) (KeyValue, error) {
	sc, err := js.bucketConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s, err := js.UpdateStream(ctx, sc)
	if errors.Is(err, ErrStreamNotFound) {
		return nil, fmt.Errorf("%w: %s", ErrBucketNotFound, cfg.Bucket)
	}
	if err != nil {
		return nil, err
	}
	return js.newBucket(cfg.Bucket, &s.CachedInfo().Config), nil
}

func (js *jetStream) CreateOrUpdateKeyValue(ctx context.Context, cfg KeyValueConfig) (KeyValue, error) {
	b, err := js.UpdateKeyValue(ctx, cfg)
	if errors.Is(err, ErrBucketNotFound) {
		return js.CreateKeyValue(ctx, cfg)
	}
	return b, err
}

func (js *jetStream) DeleteKeyValue(ctx context.Context, bucket string) error {
	if !kv.ValidBucket(bucket) {
		return ErrInvalidBucketName
	}
	err := js.DeleteStream(ctx, kv.StreamOf(bucket))
	if errors.Is(err, ErrStreamNotFound) {
		return errors.Join(fmt.Errorf("%w: %s", ErrBucketNotFound, bucket), err)
	}
	return err
}

// bucketConfig checks the configuration of a bucket, asks whether the server can do that, and returns that of its stream.
func (js *jetStream) bucketConfig(ctx context.Context, cfg KeyValueConfig) (sc StreamConfig, err error) {
	switch {
	case !kv.ValidBucket(cfg.Bucket):
		return sc, ErrInvalidBucketName
	case cfg.History > kv.MaxHistory:
		return sc, ErrHistoryTooLarge
	case cfg.LimitMarkerTTL < 0:
		return sc, fmt.Errorf("%w: LimitMarkerTTL of %v", ErrInvalidOption, cfg.LimitMarkerTTL)
	case cfg.Mirror != nil && len(cfg.Sources) > 0:
		return sc, fmt.Errorf("%w: mirror and sources are both set", ErrInvalidOption)
	case slices.Contains(cfg.Sources, nil):
		return sc, fmt.Errorf("%w: one of the sources is nil", ErrInvalidOption)
	}
	account, err := js.AccountInfo(ctx)
	if err != nil {
		return sc, err
	}
	if cfg.LimitMarkerTTL > 0 && account.API.Level < kv.MarkerLevel {
		return sc, ErrLimitMarkerTTLNotSupported
	}
	return cfg.stream(), nil
}

// stream is the configuration of a bucket's stream.
func (cfg *KeyValueConfig) stream() StreamConfig {
	s := kv.Bucket{
		Name: cfg.Bucket, History: cfg.History, MaxBytes: cfg.MaxBytes, MaxValueSize: cfg.MaxValueSize, Replicas: cfg.Replicas,
		TTL: cfg.TTL, MarkerTTL: cfg.LimitMarkerTTL, Copied: cfg.Mirror != nil,
	}.Shape()
	sc := StreamConfig{
		Name: s.Stream, Description: cfg.Description, Subjects: s.Subjects, Metadata: cfg.Metadata,
		MaxMsgsPerSubject: s.PerSubject, MaxBytes: s.MaxBytes, MaxMsgs: s.MaxMsgs, MaxConsumers: s.MaxConsumers, MaxMsgSize: s.MaxMsgSize,
		MaxAge: s.MaxAge, Duplicates: s.Duplicates, AllowMsgTTL: s.MsgTTL, SubjectDeleteMarkerTTL: s.MarkerTTL,
		Storage: cfg.Storage, Replicas: s.Replicas, Placement: cfg.Placement, RePublish: cfg.RePublish,
		Discard: DiscardNew, DenyDelete: true, AllowRollup: true, AllowDirect: true, AllowAtomicPublish: cfg.AllowAtomicPublish,
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
func (js *jetStream) newBucket(bucket string, sc *StreamConfig) *keyValue {
	cfg := kv.Config{
		API: js.api, Conn: js.eng, Pub: js.pub, Errors: kvErrors, Bucket: bucket, Direct: sc.AllowDirect, Window: sc.Duplicates,
		Retry: pubwin.Retry{Attempts: DefaultPubRetryAttempts, Wait: DefaultPubRetryWait},
	}
	if m := sc.Mirror; m != nil {
		cfg.Window = 0 // the origin's is not known
		_, cfg.Origin = kv.SourceOf(m.Name)
		if m.External != nil {
			cfg.OriginAPI = m.External.APIPrefix
		}
	}
	return &keyValue{js: js, store: kv.Open(cfg)}
}

// kvErrors are what the store's errors are here.
var kvErrors = &kv.Errors{
	InvalidKey: ErrInvalidKey, KeyNotFound: ErrKeyNotFound, NoKeys: ErrNoKeysFound, KeyExists: ErrKeyExists, RevisionMismatch: ErrKeyRevisionMismatch,
	InvalidTTL: fmt.Errorf("%w: TTL must not be negative", ErrInvalidOption),
	NilContext: errNilContext, BucketNotFound: ErrBucketNotFound,
	Silent: context.DeadlineExceeded,
	Failed: func(refused *wire.APIError, err error) error {
		return failure(refused, err, ErrStreamNotFound)
	},
	Unpublished: func(code wire.Code, refused *wire.APIError, err error) error {
		return failed(opPublish, code, refused, err)
	},
	Disturbed: func(code wire.Code) error { return ended(opFetch, code, "") },
}

// KeyValueNamesLister is a list of bucket names on its way. The list ends early when its context ends or the connection is closed.
type KeyValueNamesLister interface {
	// Name is closed after the last name.
	Name() <-chan string

	// Error says why the list ended early; nil when it is complete. To be asked after Name is closed.
	Error() error
}

// KeyValueLister is a list of buckets on its way. The list ends early when its context ends or the connection is closed.
type KeyValueLister interface {
	// Status is closed after the last bucket.
	Status() <-chan KeyValueStatus

	// Error says why the list ended early, or what it lacks: [ErrListIncomplete]; nil when it is complete. To be asked after Status is closed.
	Error() error
}

type (
	bucketNames struct{ *api.Lister[string] }
	buckets     struct{ *api.Lister[KeyValueStatus] }
)

func (l bucketNames) Name() <-chan string       { return l.Entries() }
func (l bucketNames) Error() error              { return l.Err() }
func (l buckets) Status() <-chan KeyValueStatus { return l.Entries() }
func (l buckets) Error() error                  { return l.Err() }

func (js *jetStream) KeyValueStoreNames(ctx context.Context) KeyValueNamesLister {
	return bucketNames{list(ctx, js, wire.StreamNames, ofBuckets, kv.BucketOf)}
}

func (js *jetStream) KeyValueStores(ctx context.Context) KeyValueLister {
	return buckets{list(ctx, js, wire.StreamList, ofBuckets, func(i StreamInfo) (KeyValueStatus, bool) {
		bucket, ok := kv.BucketOf(i.Config.Name)
		return &KeyValueBucketStatus{info: &i, bucket: bucket}, ok
	})}
}

// ofBuckets lists the streams of buckets.
var ofBuckets = []StreamListOpt{WithStreamListSubject(kv.AllSubjects)}
