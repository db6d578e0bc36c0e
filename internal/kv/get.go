package kv

import (
	"context"
	"strings"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
)

// Get returns the last value of a key; KeyNotFound when there is none, or it was deleted. From a replica it may be a moment old.
func (s *Store) Get(ctx context.Context, key string) (*Entry, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, err
	}
	var m wire.StoredMsg
	var refused *wire.APIError
	var err error
	if s.cfg.Direct {
		m, refused, err = api.DirectGetSubject(ctx, s.cfg.API, s.last+key)
	} else {
		m, refused, err = api.GetMsg(ctx, s.cfg.API, s.stream, wire.MsgGetRequest{LastFor: s.keys + key})
	}
	return s.value(key, 0, &m, refused, err)
}

// GetRevision returns a revision of a key; KeyNotFound when there is none of this key, or it is a deletion. 0 is the last one.
func (s *Store) GetRevision(ctx context.Context, key string, revision uint64) (*Entry, error) {
	if revision == 0 {
		return s.Get(ctx, key)
	}
	if err := s.check(ctx, key); err != nil {
		return nil, err
	}
	get := api.GetMsg
	if s.cfg.Direct {
		get = api.DirectGet
	}
	m, refused, err := get(ctx, s.cfg.API, s.stream, wire.MsgGetRequest{Seq: revision})
	return s.value(key, revision, &m, refused, err)
}

// value is what the answer to a get comes to.
func (s *Store) value(key string, revision uint64, m *wire.StoredMsg, refused *wire.APIError, err error) (*Entry, error) {
	if refused != nil && refused.ErrCode == wire.ErrCodeMessageNotFound {
		return nil, s.cfg.Errors.KeyNotFound
	}
	if err := s.cfg.Errors.Failed(refused, err); err != nil {
		return nil, err
	}
	e := s.entry(key, m)
	if e == nil || e.Op != Put || revision != 0 && e.Revision != revision {
		return nil, s.cfg.Errors.KeyNotFound
	}
	return e, nil
}

// entry reads a stored message as a revision of key; nil when it is one of another.
func (s *Store) entry(key string, m *wire.StoredMsg) *Entry {
	if rest, ok := strings.CutPrefix(m.Subject, s.keys); !ok || rest != key {
		return nil
	}
	if m.Data == nil {
		m.Data = []byte{} // as when it comes from a replica
	}
	return &Entry{
		Bucket: s.cfg.Bucket, Key: key, Value: m.Data,
		Revision: m.Sequence, UnixNano: m.Time.UnixNano(), Op: opOf(m.Header),
	}
}

// GetAtLeader is Get, which the leader answers: not older than any write that was acknowledged before, as long as leaders do not
// change meanwhile.
func (s *Store) GetAtLeader(ctx context.Context, key string) (*Entry, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, err
	}
	e, err := s.Newest(ctx, key)
	if err == nil && (e == nil || e.Op != Put) {
		return nil, s.cfg.Errors.KeyNotFound
	}
	return e, err
}

// Newest returns the last entry of a key as the leader has it, deletions included; nil when there is none.
func (s *Store) Newest(ctx context.Context, key string) (*Entry, error) {
	m, refused, err := api.GetMsg(ctx, s.cfg.API, s.stream, wire.MsgGetRequest{LastFor: s.keys + key})
	if refused != nil && refused.ErrCode == wire.ErrCodeMessageNotFound {
		return nil, nil
	}
	if err := s.cfg.Errors.Failed(refused, err); err != nil {
		return nil, err
	}
	return s.entry(key, &m), nil
}
