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
	pause := maxPause
	if n := b.row - 1; n < 5 {
		pause = min(minPause<<n, maxPause)
	}
	return max(b.last.Add(pause).Sub(now), 0)
}
