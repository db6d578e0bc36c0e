package run

import (
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// alarm is the one timer of a shell. It is only moved earlier, and not by messages; who is called too early looks at the clock and sets it again. The
// shell's lock guards it. The zero value is not set.
type alarm struct {
	timer *time.Timer
	at    mono.Time
	set   bool
}

// waker is called by an alarm, on a goroutine of its own.
type waker interface{ wake() }

// ringAt has w called at a time, unless it will be called before.
func (a *alarm) ringAt(now, at mono.Time, w waker) {
	if at == mono.Never || a.set && at >= a.at {
		return
	}
	a.set, a.at = true, at
	wait := max(at.Sub(now), 0)
	if a.timer == nil {
		a.timer = time.AfterFunc(wait, w.wake)
		return
	}
	a.timer.Reset(wait)
}

// rang says that the call has come.
func (a *alarm) rang() { a.set = false }

// stop is the end: a call that is under way still comes.
func (a *alarm) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}
