package obj

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/nats-io/nuid"
)

// Patience is how long a put or a read may make no progress when its context has no deadline: as long as an asynchronous publish waits
// for its ack. It is longer than it takes to find out that a link is dead.
const Patience = run.DefaultAckTimeout

// Config is what a [Store] needs. It does not change.
type Config struct {
	API    *api.Client
	Conn   *engine.Conn
	Bucket string
	// FromLeader has meta messages read at the stream's leader, also where any replica may answer.
	FromLeader bool
}

// Store is a bucket. Its methods may be called concurrently.
type Store struct {
	cfg    Config
	stream string
	direct bool // any replica may answer gets
	pub    *run.Publisher
	// batches: the stream took fast batches when the bucket was opened, and has not refused one since.
	batches atomic.Bool
}

// Open returns a bucket that exists. Errors: [BadBucket], *wire.APIError and those of [api.Call].
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if !ValidBucket(cfg.Bucket) {
		return nil, BadBucket
	}
	type stream struct {
		Config struct {
			Direct  bool `json:"allow_direct"`
			Batches bool `json:"allow_batched"`
		} `json:"config"`
	}
	name := StreamName(cfg.Bucket)
	info, err := call[stream](ctx, cfg.API, wire.StreamInfo(name), nil)
	if err != nil {
		return nil, err
	}
	s := &Store{cfg: cfg, stream: name, direct: info.Config.Direct && !cfg.FromLeader, pub: run.NewPublisher(run.PublisherConfig{Conn: cfg.Conn})}
	s.batches.Store(info.Config.Batches)
	return s, nil
}

// Bucket is the store's name, Stream that of its stream.
func (s *Store) Bucket() string { return s.cfg.Bucket }
func (s *Store) Stream() string { return s.stream }

// Info returns an object, and with deleted also one that is. Links are not followed. Errors: [NameRequired], [NotFound], [BadMeta],
// *wire.APIError and those of [api.Call].
func (s *Store) Info(ctx context.Context, name string, deleted bool) (*Info, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	subject := metaSubject(s.cfg.Bucket, name)
	var m wire.StoredMsg
	var refused *wire.APIError
	var err error
	if s.direct {
		m, refused, err = api.DirectGetLast(ctx, s.cfg.API, s.stream, subject)
	} else {
		m, refused, err = api.GetMsg(ctx, s.cfg.API, s.stream, wire.MsgGetRequest{LastFor: subject})
	}
	switch {
	case err != nil:
		return nil, err
	case refused != nil && refused.ErrCode == wire.ErrCodeMessageNotFound:
		return nil, NotFound
	case refused != nil:
		return nil, refused
	}
	info, err := infoOf(&m)
	if err == nil && info.Deleted && !deleted {
		return nil, NotFound
	}
	return info, err
}

// find is Info that has nil for what does not exist.
func (s *Store) find(ctx context.Context, name string) (*Info, error) {
	info, err := s.Info(ctx, name, true)
	if err == NotFound {
		return nil, nil
	}
	return info, err
}

// storeMeta writes the meta message of info in place of old, which is nil when there was none. It returns what was replaced in truth,
// in case somebody else was faster: then his object is the one that is replaced, so that its chunks are not forgotten. With strict
// that is [AlreadyExists]. info gets its time.
func (s *Store) storeMeta(ctx context.Context, info, old *Info, strict bool) (replaced *Info, err error) {
	data, err := info.encode()
	if err != nil {
		return nil, err
	}
	id := nuid.Next()
	for range maxRaces {
		var seen uint64
		if old != nil {
			seen = old.seq
		}
		ack, err := s.publish(ctx, metaSubject(s.cfg.Bucket, info.Name), data, map[string][]string{
			wire.HdrMsgID:               {id},
			wire.HdrRollup:              {wire.RollupSubject},
			wire.HdrExpectedLastSubjSeq: {strconv.FormatUint(seen, 10)},
		})
		if err == nil {
			info.seq, info.ModTime = ack.Sequence, time.Now().UTC()
			return old, nil
		}
		if !refusedFor(err, wrongLastSeq, wrongLastSeqConstant) {
			return nil, err
		}
		now, err := s.find(ctx, info.Name)
		switch {
		case err != nil:
			return nil, err
		case now.says(data):
			info.seq, info.ModTime = now.seq, now.ModTime // it was stored, and the ack lost with its link
			return old, nil
		case strict:
			return nil, AlreadyExists
		}
		old = now
	}
	return nil, &wire.APIError{Code: 400, ErrCode: wrongLastSeq, Description: "the object is replaced all the time"}
}

// maxRaces bounds how often a meta message is published against others who publish on its subject.
const maxRaces = 32

// Error codes of a publish whose expectation about its subject does not hold (nats-server 2.15).
const (
	wrongLastSeq         = 10071
	wrongLastSeqConstant = 10164
)

func refusedFor(err error, codes ...uint16) bool {
	var refused *wire.APIError
	if !errors.As(err, &refused) {
		return false
	}
	for _, c := range codes {
		if refused.ErrCode == c {
			return true
		}
	}
	return false
}

// publish publishes one message and waits for the ack. It is repeated after a lost link, so it has an id. A stream without a leader is
// waited for: the chunks of the object are there already.
func (s *Store) publish(ctx context.Context, subject string, data []byte, h map[string][]string) (wire.PubAck, error) {
	block, err := proto.AppendHeader(nil, h)
	if err != nil {
		return wire.PubAck{}, err
	}
	spec := run.SyncSpec{Subject: subject, Header: block, Data: data, Retry: patiently}
	if _, ok := ctx.Deadline(); !ok {
		spec.Budget = s.budget() + noStreamPatience
	}
	ack, code, refused, err := s.pub.Publish(ctx, spec)
	return ack, ended(code, refused, err)
}

// patiently repeats what no stream answers.
var patiently = pubwin.Retry{Attempts: int(noStreamPatience / noStreamPause), Wait: noStreamPause, Repeat: true}

// budget is how long a single request may take.
func (s *Store) budget() time.Duration {
	if s.cfg.API.Timeout > 0 {
		return s.cfg.API.Timeout
	}
	return api.DefaultTimeout
}

// ended is the error of a publish that ended with code.
func ended(code wire.Code, refused *wire.APIError, err error) error {
	switch {
	case err != nil:
		return err
	case refused != nil:
		return refused
	}
	switch code {
	case wire.OK:
		return nil
	case wire.NoResponders:
		return NoStream
	case wire.InvalidAck:
		return NotAnAck
	}
	return natserr.Timeout
}

// dropChunks removes the chunks of an object that is there no more. info may be nil, and may come from anybody.
func (s *Store) dropChunks(ctx context.Context, info *Info) error {
	if info == nil || info.Deleted || info.link() != nil || !validNUID(info.NUID) {
		return nil
	}
	return s.purge(ctx, chunkSubject(s.cfg.Bucket, info.NUID))
}
