package obj

import (
	"sync/atomic"
	"time"
)

// brake keeps the connection's reader from running far ahead of who reads an object: the bytes are better kept by the kernel, and the server
// then sends no faster than they are hashed. Without it 10 to 25 MiB of chunks were in memory at a time.
//
// The reader serves others, too, so it waits only for who keeps up, as hashing does, and not for a slow disk: whoever does not take some of
// them within brakeTime is not waited for again before all that is ahead has been taken. Flow control bounds that (see push.md).
//
//	          ahead reaches brakeAt            brakeTime is over
//	free ───────────────────────────▶ waiting ──────────────────▶ off
//	  ▲  ◀── ahead is brakeAt/2 again ──┘                           │
//	  └──────────────────── nothing is ahead ◀─────────────────────┘
type brake struct {
	ahead atomic.Int64 // bytes of chunks that were built and not taken
	off   atomic.Bool
	waits atomic.Bool
	eased chan struct{} // one place: the reader may go on
}

const (
	// brakeAt is how much may be ahead, in bytes.
	brakeAt = 1 << 20
	// brakeTime is ten times what it takes to hash that, because processors have other work, too.
	brakeTime = 5 * time.Millisecond
)

func newBrake() *brake { return &brake{eased: make(chan struct{}, 1)} }

// came counts a chunk, and holds up who brings it, the connection's reader. quit ends the wait. A chunk that is dropped on its way, because there
// is another consumer, stays counted: then the brake is off sooner, for this reading.
func (b *brake) came(bytes int, quit <-chan struct{}) {
	if b.ahead.Add(int64(bytes)) < brakeAt || b.off.Load() {
		return
	}
	b.waits.Store(true)
	defer b.waits.Store(false)
	if b.ahead.Load() <= brakeAt/2 {
		return // they were taken before anybody could be told
	}
	timer := time.NewTimer(brakeTime)
	defer timer.Stop()
	select {
	case <-b.eased:
	case <-quit:
	case <-timer.C:
		b.off.Store(b.ahead.Load() > brakeAt/2)
	}
}

// taken counts a chunk that came as read.
func (b *brake) taken(bytes int) {
	n := b.ahead.Add(-int64(bytes))
	if n <= 0 && b.off.Load() {
		b.off.Store(false)
	}
	if n <= brakeAt/2 && b.waits.Load() {
		select {
		case b.eased <- struct{}{}:
		default:
		}
	}
}
