package pull

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

const (
	minPause = 10 * time.Millisecond
	maxPause = 250 * time.Millisecond
)

// Backoff spaces the batches of one consumer while nobody answers them: without a leader, or without a connection where that
// ends a batch. The first such end is told at once; the next batch asks no sooner than 10 ms after it, then 20 ms, up
// to 250 ms. Any other answer ends the row. The zero value is ready. Not safe for concurrent use.
type Backoff struct {
	row  int // ends in a row
	last mono.Time
}

// Ended notes how a batch ended.
func (b *Backoff) Ended(now mono.Time, code wire.Code) {
	switch code {
	case wire.NoResponders, wire.Disconnected:
		b.row++
		b.last = now
	case wire.Canceled, wire.Timeout, wire.NoAnswer, wire.NoHeartbeat, wire.ConnectionClosed:
		// The client's own doing says nothing about the consumer.
	default:
		b.row = 0
	}
}

// Heard notes that the consumer answered.
func (b *Backoff) Heard() { b.row = 0 }

// Pause is how long a batch that starts at now waits before it asks.
func (b *Backoff) Pause(now mono.Time) time.Duration {
	if b.row == 0 {
		return 0
	}
	return max(b.last.Add(pauseAfter(b.row, maxPause)).Sub(now), 0)
}

// pauseAfter is the pause after so many failures in a row: 0, 10 ms, and twice as long each time.
func pauseAfter(row int, longest time.Duration) time.Duration {
	if row <= 0 {
		return 0
	}
	return min(minPause<<min(row-1, 20), longest)
}
