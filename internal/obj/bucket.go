package obj

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
)

// Bucket is the configuration of a bucket. P is a public package's placement.
type Bucket[P any] struct {
	Name        string
	Description string
	TTL         time.Duration // 0: objects stay
	MaxBytes    int64         // of the stream; 0: no limit
	Memory      bool          // else in files
	Replicas    int           // 0: 1
	Placement   P
	Metadata    map[string]string
	Compressed  bool
}

// streamConfig is the bucket as a stream. Absent members have the server's defaults.
type streamConfig[P any] struct {
	Name         string            `json:"name"`
	Description  string            `json:"description,omitempty"`
	Subjects     []string          `json:"subjects"`
	Retention    string            `json:"retention"`
	MaxConsumers int               `json:"max_consumers"`
	MaxMsgs      int64             `json:"max_msgs"`
	MaxBytes     int64             `json:"max_bytes"`
	Discard      string            `json:"discard"`
	MaxAge       time.Duration     `json:"max_age"`
	MaxPerSubj   int64             `json:"max_msgs_per_subject"`
	Storage      string            `json:"storage"`
	Replicas     int               `json:"num_replicas"`
	Placement    P                 `json:"placement,omitempty"`
	Compression  string            `json:"compression"`
	AllowDirect  bool              `json:"allow_direct"`
	AllowRollup  bool              `json:"allow_rollup_hdrs"`
	Metadata     map[string]string `json:"metadata,omitempty"`
}

func (b *Bucket[P]) stream() streamConfig[P] {
	c := streamConfig[P]{
		Name: StreamName(b.Name), Description: b.Description, Subjects: []string{chunkSubject(b.Name, ">"), metaPrefix(b.Name) + ">"},
		Retention: "limits", MaxConsumers: -1, MaxMsgs: -1, MaxBytes: b.MaxBytes, Discard: "new", MaxAge: b.TTL, MaxPerSubj: -1,
		Storage: "file", Replicas: max(b.Replicas, 1), Placement: b.Placement, Compression: "none", AllowDirect: true, AllowRollup: true,
		Metadata: b.Metadata,
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = -1
	}
	if b.Memory {
		c.Storage = "memory"
	}
	if b.Compressed {
		c.Compression = "s2"
	}
	return c
}

// Create makes a bucket, or changes it when update is set. One that exists as it is to be is as good. What a bucket has no word for stays as it is
// in the stream. Errors: [BadBucket], *wire.APIError and those of [api.Call].
func Create[P any](ctx context.Context, c *api.Client, b Bucket[P], update bool) error {
	if !ValidBucket(b.Name) {
		return BadBucket
	}
	name := StreamName(b.Name)
	if !update {
		_, err := call[json.RawMessage](ctx, c, wire.StreamCreate(name), b.stream())
		return err
	}
	now, err := config(ctx, c, name)
	if err != nil {
		return err
	}
	if err := b.over(now); err != nil {
		return err
	}
	_, err = call[json.RawMessage](ctx, c, wire.StreamUpdate(name), now)
	return err
}

// over writes the bucket over the members of a stream's configuration that a bucket decides on.
func (b *Bucket[P]) over(now map[string]json.RawMessage) error {
	data, err := json.Marshal(b.stream())
	if err != nil {
		return err
	}
	for _, member := range []string{"description", "placement", "metadata"} { // left out where they are empty
		delete(now, member)
	}
	return json.Unmarshal(data, &now)
}

// config is a stream's configuration, known here or not.
func config(ctx context.Context, c *api.Client, stream string) (map[string]json.RawMessage, error) {
	info, err := call[struct {
		Config map[string]json.RawMessage `json:"config"`
	}](ctx, c, wire.StreamInfo(stream), nil)
	if err == nil && info.Config == nil {
		err = api.ErrBadAnswer
	}
	return info.Config, err
}

// Delete removes a bucket with all that is in it. Errors as of [Create].
func Delete(ctx context.Context, c *api.Client, bucket string) error {
	if !ValidBucket(bucket) {
		return BadBucket
	}
	_, err := call[wire.Done](ctx, c, wire.StreamDelete(StreamName(bucket)), nil)
	return err
}

// Seal makes the bucket read-only for good. All that is in the stream's configuration stays, known here or not.
func (s *Store) Seal(ctx context.Context) error {
	now, err := config(ctx, s.cfg.API, s.stream)
	if err != nil {
		return err
	}
	now["sealed"] = json.RawMessage("true")
	_, err = call[json.RawMessage](ctx, s.cfg.API, wire.StreamUpdate(s.stream), now)
	return err
}

// Names is the query for the names of all buckets' streams, Infos that for their infos I; bucket gives an info's stream name.
func Names[V any](entry func(stream string) V, fail func(*wire.APIError, error) error) api.Query[string, V] {
	return api.Query[string, V]{Subject: wire.StreamNames, Filter: everyBucket, Fail: fail, Entry: func(name string) (v V, ok bool) {
		if _, ok = BucketOf(name); ok {
			v = entry(name)
		}
		return v, ok
	}}
}

// Infos: see [Names].
func Infos[I, V any](stream func(*I) string, entry func(*I) V, fail func(*wire.APIError, error) error) api.Query[I, V] {
	return api.Query[I, V]{Subject: wire.StreamList, Filter: everyBucket, Fail: fail, Entry: func(info I) (v V, ok bool) {
		if _, ok = BucketOf(stream(&info)); ok {
			v = entry(&info)
		}
		return v, ok
	}}
}

// call is [api.Call] with one error.
func call[T any](ctx context.Context, c *api.Client, subject string, req any) (T, error) {
	answer, refused, err := api.Call[T](ctx, c, subject, req)
	if err == nil && refused != nil {
		err = refused
	}
	return answer, err
}
