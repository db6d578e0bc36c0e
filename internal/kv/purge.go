package kv

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
)

// MarkerAge is the age from which PurgeDeletes removes markers with what is before them, unless it is told otherwise.
const MarkerAge = 30 * time.Minute

// purgeRequest removes the messages of a subject below a sequence.
type purgeRequest struct {
	Filter string `json:"filter"`
	Seq    uint64 `json:"seq"`
}

// PurgeDeletes removes the history of deleted keys: with the marker itself when it is older than age; 0 is MarkerAge, and less than
// 0 any. What was written behind a marker meanwhile stays.
func (s *Store) PurgeDeletes(ctx context.Context, age time.Duration) error {
	if ctx == nil {
		return s.cfg.Errors.NilContext
	}
	if age == 0 {
		age = MarkerAge
	}
	var markers []*Entry
	err := s.collect(ctx, nil, WatchOptions{MetaOnly: true}, func(e *Entry) {
		if e.Op != Put {
			markers = append(markers, e)
		}
	})
	if err != nil {
		return err
	}
	limit := time.Now().Add(-age).UnixNano()
	for _, m := range markers {
		below := m.Revision
		if age < 0 || m.UnixNano < limit {
			below++
		}
		_, refused, err := api.Call[wire.Done](ctx, s.cfg.API, wire.StreamPurge(s.stream), purgeRequest{Filter: s.keys + m.Key, Seq: below})
		if err := s.cfg.Errors.Failed(refused, err); err != nil {
			return err
		}
	}
	return nil
}
