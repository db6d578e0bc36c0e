package kv

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

// Config is what a store is made of. It does not change afterwards.
type Config struct {
	API    *api.Client
	Conn   *engine.Conn
	Pub    *run.Publisher
	Retry  pubwin.Retry // of writes that no stream answers
	Errors *Errors

	Bucket string
	// Direct: replicas answer reads (the stream's allow_direct), else the leader alone does.
	Direct bool
	// Window is how long the stream remembers message ids. Writes that expect a revision have one, if they end within that time, and
	// are repeated when their link is lost; 0: none is.
	Window time.Duration
	// Origin is the bucket that this one mirrors; empty: none. OriginAPI is the API prefix under which it is reached; empty: the
	// connection's own.
	Origin, OriginAPI string
}

// Errors are the error values of a façade. Callers compare them with ==.
type Errors struct {
	InvalidKey, InvalidTTL, KeyNotFound, NoKeys, KeyExists, RevisionMismatch error
	NilContext, BucketNotFound                                               error
	// Silent is for a wait without a deadline of its own in which nothing was heard for the client's timeout.
	Silent error
	// Failed is what a call of the API that was refused, or that failed, returns.
	Failed func(refused *wire.APIError, err error) error
	// Unpublished is the same for a write.
	Unpublished func(code wire.Code, refused *wire.APIError, err error) error
	// Disturbed is what went wrong with a watch when the server did not say it in words.
	Disturbed func(code wire.Code) error
}

// Store is one bucket. Its methods may be called concurrently. Nil contexts are refused, and contexts without a deadline are bounded by
// the API client's timeout.
type Store struct {
	cfg    Config
	stream string
	keys   string // what precedes keys in the stream's subjects
	writes string // and in those that are published on
	last   string // the API subject of a direct get, up to the key
}

// Open makes a store. It asks the server nothing; the caller checked the names and that the stream is a bucket's.
func Open(cfg Config) *Store {
	s := &Store{cfg: cfg, stream: StreamOf(cfg.Bucket), keys: keysOf(cfg.Bucket)}
	if cfg.Origin != "" {
		s.keys = keysOf(cfg.Origin)
	}
	switch {
	case cfg.OriginAPI != "":
		s.writes = wire.Prefix("", cfg.OriginAPI) + s.keys
	case cfg.API.Prefix != wire.DefaultPrefix:
		s.writes = cfg.API.Prefix + s.keys // the server there maps it back
	default:
		s.writes = s.keys
	}
	s.last = wire.DirectGetLast(s.stream, s.keys)
	return s
}

// Bucket is the store's name.
func (s *Store) Bucket() string { return s.cfg.Bucket }

// Stream is the name of the store's stream.
func (s *Store) Stream() string { return s.stream }

// patience bounds what has no deadline.
func (s *Store) patience() time.Duration {
	if s.cfg.API.Timeout > 0 {
		return s.cfg.API.Timeout
	}
	return api.DefaultTimeout
}

// check refuses a call before anything is sent.
func (s *Store) check(ctx context.Context, key string) error {
	switch {
	case ctx == nil:
		return s.cfg.Errors.NilContext
	case !ValidKey(key):
		return s.cfg.Errors.InvalidKey
	}
	return nil
}
