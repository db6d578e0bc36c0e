package obj

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
)

// lagTime is how long a replica may be behind the stream's leader while an object is read from it.
const lagTime = 5 * time.Second

// rest judges an object of which the server has no more to deliver although chunks are missing. They are stored before the meta data, so they
// are gone; but the consumer that reads has one replica of the stream, and that may be behind. It belongs to one goroutine.
type rest struct {
	asked bool      // the leader, and it has all chunks, or did not say
	since time.Time // since when they are waited for; zero: they are not
}

// mayCome reports whether the missing chunks are to be waited for. The first time it asks the stream's leader.
func (r *rest) mayCome(ctx context.Context, s *Store, info *Info) bool {
	if r.since.IsZero() {
		r.since = time.Now()
	}
	if r.asked {
		return true
	}
	r.asked = true
	ctx, cancel := context.WithTimeout(ctx, lookAfter)
	defer cancel()
	n, err := s.stored(ctx, chunkSubject(s.cfg.Bucket, info.NUID))
	return err != nil || n >= uint64(info.Chunks)
}

// gone is why chunks are missing for good: the object is not what it was, or it is damaged.
func (s *Store) gone(ctx context.Context, info *Info) error {
	if err := s.same(ctx, info); err != nil {
		return err
	}
	return DigestMismatch
}

// came notes a chunk.
func (r *rest) came() { r.since = time.Time{} }

// waits reports that chunks are waited for.
func (r *rest) waits() bool { return !r.since.IsZero() }

// late reports that what was waited for has not come in time.
func (r *rest) late() bool { return !r.since.IsZero() && time.Since(r.since) >= lagTime }

// stored counts the messages that the stream's leader has under a subject.
func (s *Store) stored(ctx context.Context, subject string) (uint64, error) {
	type state struct {
		State struct {
			Subjects map[string]uint64 `json:"subjects"`
		} `json:"state"`
	}
	info, err := call[state](ctx, s.cfg.API, wire.StreamInfo(s.stream), wire.StreamInfoRequest{SubjectsFilter: subject})
	return info.State.Subjects[subject], err
}
