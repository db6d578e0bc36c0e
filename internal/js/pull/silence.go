package pull

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// silence watches for the heartbeats of one request.
type silence struct {
	beat    time.Duration // the interval; 0: no heartbeats were asked for
	since   mono.Time     // the last frame, or the request
	doubted bool          // this silence has been reported by Doubt
}

// heard begins a new silence.
func (s *silence) heard(now mono.Time) { s.since, s.doubted = now, false }

// missing is when two heartbeats are missing.
func (s *silence) missing() mono.Time {
	if s.beat == 0 {
		return mono.Never
	}
	return s.since.Add(s.beat).Add(s.beat)
}

// late is when a heartbeat is late, but not missing yet: by a quarter of the interval, so that the link has been probed when
// the second one is due. Never when that has been reported.
func (s *silence) late() mono.Time {
	if s.beat == 0 || s.doubted {
		return mono.Never
	}
	return s.since.Add(s.beat).Add(s.beat / 4)
}

// heartbeatFor fits a heartbeat into a request: the server refuses one above half of the expiry. It shrinks to half at most,
// so that a short rest of a batch is not ended by a heartbeat that is a little late, and is left out below that.
func heartbeatFor(wanted, expires time.Duration) time.Duration {
	fits := min(wanted, expires/2)
	if fits < wanted/2 {
		return 0
	}
	return fits
}
