package kv

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nuid"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// write is one message to a bucket.
type write struct {
	expect  bool
	last    uint64        // with expect: the revision that the key must have; 0: none at all
	ttl     time.Duration // 0: that of the bucket
	op      Op
	refused error  // what a wrong revision is
	id      string // by which the stream recognises a second copy; empty: none is sent
}

// Put stores a value and returns its revision.
func (s *Store) Put(ctx context.Context, key string, value []byte, ttl time.Duration) (uint64, error) {
	return s.write(ctx, key, value, write{ttl: ttl})
}

// Update stores a value if the key's last revision is last; 0: if the key was never written, or nothing is left of it. Else
// RevisionMismatch.
func (s *Store) Update(ctx context.Context, key string, value []byte, last uint64, ttl time.Duration) (uint64, error) {
	return s.write(ctx, key, value, write{expect: true, last: last, ttl: ttl, refused: s.cfg.Errors.RevisionMismatch})
}

// Pauses between attempts of Create: the first, which follows the second attempt, and the longest; each one is twice as long.
const (
	createPause     = time.Millisecond
	createPauseMost = 64 * time.Millisecond
)

// Create stores a value if the key has none, or was deleted; else KeyExists. A refusal alone does not say that there is a value: deletions
// have revisions too, and a write that is under way may be one. So it tries again until the leader shows a value. When others delete all the time, it ends with its own time.
func (s *Store) Create(ctx context.Context, key string, value []byte, ttl time.Duration) (uint64, error) {
	w := write{expect: true, ttl: ttl, refused: s.cfg.Errors.KeyExists}
	begin, pause := mono.Now(), time.Duration(0)
	for {
		revision, err := s.write(ctx, key, value, w)
		if _, wrong := err.(*wrongRevision); !wrong {
			return revision, err
		}
		// The leader is asked: a replica may not know yet what made the write fail.
		e, failed := s.Newest(ctx, key)
		switch {
		case failed != nil:
			return 0, failed
		case e == nil:
			w.last = 0
		case e.Op == Put:
			return 0, err
		default:
			w.last = e.Revision
		}
		switch {
		case api.Pause(ctx, pause) != nil:
			return 0, s.cfg.Errors.Unpublished(wire.Canceled, nil, ctx.Err())
		case mono.Now().Sub(begin) > s.patience():
			return 0, s.cfg.Errors.Unpublished(wire.Timeout, nil, nil)
		}
		pause = min(max(2*pause, createPause), createPauseMost)
	}
}

// Removal says how to delete a key.
type Removal struct {
	Op   Op     // Delete or Purge
	Last uint64 // the revision that the key must have; 0: any
	TTL  time.Duration
}

// Remove deletes a key by a message that marks it so, and returns the marker's revision. The key need not exist.
func (s *Store) Remove(ctx context.Context, key string, r Removal) (uint64, error) {
	return s.write(ctx, key, nil, write{expect: r.Last != 0, last: r.Last, ttl: r.TTL, op: r.Op, refused: s.cfg.Errors.RevisionMismatch})
}

func (s *Store) write(ctx context.Context, key string, value []byte, w write) (uint64, error) {
	if err := s.check(ctx, key); err != nil {
		return 0, err
	}
	if w.ttl < 0 {
		return 0, s.cfg.Errors.InvalidTTL
	}
	spec := run.SyncSpec{Subject: s.writes + key, Data: value, Retry: s.cfg.Retry}
	if _, bounded := ctx.Deadline(); !bounded {
		spec.Budget = s.patience()
	}
	if w.expect && s.remembers(ctx, spec.Budget) {
		w.id, spec.Retry.Repeat = nuid.Next(), true
	}
	spec.Header = w.header()
	ack, code, refused, err := s.cfg.Pub.Publish(ctx, spec)
	if w.id != "" && tooLarge(refused, err) {
		w.id, spec.Retry.Repeat = "", false // it may be the id that is too much
		spec.Header = w.header()
		ack, code, refused, err = s.cfg.Pub.Publish(ctx, spec)
	}
	if code == wire.OK && err == nil {
		return ack.Sequence, nil
	}
	failed := s.cfg.Errors.Unpublished(code, refused, err)
	if w.refused != nil && refused != nil && (refused.ErrCode == wire.ErrCodeWrongLastSequence || refused.ErrCode == wire.ErrCodeWrongLastSequenceConstant) {
		return 0, &wrongRevision{failed, w.refused}
	}
	return 0, failed
}

// remembers reports whether the stream recognises a second copy for as long as a write may take.
func (s *Store) remembers(ctx context.Context, budget time.Duration) bool {
	if end, bounded := ctx.Deadline(); bounded {
		budget = time.Until(end)
	}
	return budget <= s.cfg.Window
}

// tooLarge reports that a message was refused for its size.
func tooLarge(refused *wire.APIError, err error) bool {
	return refused != nil && refused.ErrCode == wire.ErrCodeMessageTooLarge || err == natserr.MaxPayload
}

// Change is one write of several that are stored together.
type Change struct {
	Key    string
	Op     Op
	Expect bool
	Last   uint64 // with Expect: the revision that the key must have; 0: none at all
	TTL    time.Duration
}

// Message is the subject and the headers, keys and values in turn, of a change.
func (s *Store) Message(c Change) (subject string, headers []string, err error) {
	switch {
	case !ValidKey(c.Key):
		return "", nil, s.cfg.Errors.InvalidKey
	case c.TTL < 0:
		return "", nil, s.cfg.Errors.InvalidTTL
	}
	w := write{expect: c.Expect, last: c.Last, ttl: c.TTL, op: c.Op}
	return s.writes + c.Key, w.pairs(nil), nil
}

// Filters are the subjects of keys, or of filters for keys, as they are stored; false: one is neither.
func (s *Store) Filters(keys []string) ([]string, bool) {
	for _, key := range keys {
		if !ValidFilter(key) {
			return nil, false
		}
	}
	return s.subjects(keys), true
}

// Stored reads a message of the stream as an entry; nil when it is none.
func (s *Store) Stored(subject string, revision uint64, header, value []byte, at time.Time) *Entry {
	key, ok := strings.CutPrefix(subject, s.keys)
	if !ok {
		return nil
	}
	return &Entry{Bucket: s.cfg.Bucket, Key: key, Value: value, Revision: revision, UnixNano: at.UnixNano(), Op: opOf(header)}
}

// header is the header block of a write; nil when it needs none.
func (w *write) header() []byte {
	var few [10]string
	h := w.pairs(few[:0])
	if len(h) == 0 {
		return nil
	}
	return proto.AppendPairs(make([]byte, 0, 128), h...)
}

// pairs appends keys and values of the headers of a write.
func (w *write) pairs(h []string) []string {
	switch w.op {
	case Delete:
		h = append(h, hdrOperation, opDelete)
	case Purge:
		h = append(h, hdrOperation, opPurge, wire.HdrRollup, wire.RollupSubject)
	}
	if w.expect {
		h = append(h, wire.HdrExpectedLastSubjSeq, strconv.FormatUint(w.last, 10))
	}
	if w.ttl > 0 {
		h = append(h, wire.HdrTTL, w.ttl.String())
	}
	if w.id != "" {
		h = append(h, wire.HdrMsgID, w.id)
	}
	return h
}

// wrongRevision is the server's refusal together with what it means. Both can be found by errors.Is and errors.As.
type wrongRevision struct{ refused, meaning error }

func (e *wrongRevision) Error() string   { return fmt.Sprintf("%v: %v", e.refused, e.meaning) }
func (e *wrongRevision) Unwrap() []error { return []error{e.refused, e.meaning} }
