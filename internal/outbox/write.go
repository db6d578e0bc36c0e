package outbox

import (
	"errors"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// Run is the writer of the current link: it returns after the Hold or Close that takes the link away. One goroutine per
// Release. It tells the owner of that link if it is the one whose write fails.
func (b *Box) Run() {
	w := b.enter()
	if w == nil {
		return
	}
	var rest pause
	defer rest.stop()
	yield := yielder{pause: mono.Now()}
	for {
		switch what, due := b.look(w); what {
		case lookGone:
			return
		case lookIdle:
			if due == mono.Never {
				<-w.wake
				continue
			}
			select {
			case <-w.wake:
			case <-rest.start(due.Sub(mono.Now())):
			}
		case lookRest:
			select {
			case <-w.wake:
			case <-rest.start(linger):
			}
		case lookJoin:
			b.gather(&yield)
			fallthrough
		case lookWrite:
			if piece := b.take(w); piece != nil {
				if b.cfg.BeforeWrite != nil {
					b.cfg.BeforeWrite()
				}
				b.write(w, piece, time.Time{})
			}
		}
	}
}

// pause is a timer that is made when it is first needed: most writers of short-lived connections need none.
type pause struct{ timer *time.Timer }

func (p *pause) start(d time.Duration) <-chan time.Time {
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	return p.timer.C
}

func (p *pause) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// linger is how long the writer stands back while publishers write whole buffers. An idle process may sleep for a
// millisecond instead.
const linger = 100 * time.Microsecond

// enter makes the caller the writer of the current link, unless there is none or it has one.
func (b *Box) enter() *wire {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.wire
	if w == nil || w.running {
		return nil
	}
	w.running = true
	return w
}

// look says what the writer does next.
type look uint8

const (
	lookGone  look = iota // end: the link was taken away
	lookIdle              // sleep until there is something to write
	lookRest              // sleep a little: publishers are writing
	lookJoin              // write, after letting others join
	lookWrite             // write at once
)

// look also returns when an idle writer has to look again.
func (b *Box) look(w *wire) (what look, due mono.Time) {
	b.lockAside()
	defer b.mu.Unlock()
	if w.stopped {
		return lookGone, 0
	}
	if w.leaving {
		if w.busy || w.failed || len(w.flight.buf) == 0 || b.fullLocked(w) {
			return lookIdle, mono.Never
		}
		return lookWrite, 0
	}
	due = b.dueLocked()
	lent := w.lent
	w.lent, b.writer = false, awake
	switch {
	case w.busy || w.failed || len(w.flight.buf)+len(b.active.buf) == 0 || b.fullLocked(w):
		b.writer, w.lent = idle, lent
		return lookIdle, due
	case lent && len(w.flight.buf) == 0:
		b.writer = resting
		return lookRest, 0
	case w.shared > 0:
		return lookJoin, 0
	}
	return lookWrite, 0
}

// lockAside locks b.mu without queueing for it at first. A writer that waits inside of the mutex makes the publisher's every Lock and Unlock take
// the slow way until it has its turn, for a whole time slice on one processor: a tenth of the cost of a small message.
func (b *Box) lockAside() {
	for range lockTries {
		if b.mu.TryLock() {
			return
		}
		runtime.Gosched()
	}
	b.mu.Lock()
}

const lockTries = 16

// rouseLocked makes a sleeping writer look. It goes on sleeping while somebody else writes, who wakes it in the end; and
// while it rests, unless this is urgent.
func (b *Box) rouseLocked(urgent bool) {
	w := b.wire
	if w == nil {
		return
	}
	if urgent {
		w.lent = false
	}
	if b.writer == resting && urgent || b.writer == idle && !w.busy {
		b.wakeLocked(w)
	}
}

// wakeLocked wakes the writer of w, the current link or the last one.
func (b *Box) wakeLocked(w *wire) {
	b.writer = awake
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take gives the caller the token and the first piece to write, or nil and nothing.
func (b *Box) take(w *wire) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case w.stopped || w.failed || w.busy || b.fullLocked(w):
		return nil
	case len(w.flight.buf) == 0 && (w.leaving || len(b.active.buf) == 0):
		return nil
	}
	return b.takeLocked(w)
}

// freeLocked reports whether a publisher may swap and write: the token is there, and nothing is left in flight.
func (w *wire) freeLocked() bool { return !w.busy && !w.failed && len(w.flight.buf) == 0 }

// takeLocked takes the token, which must be there, and returns the first piece to write. Something must wait.
func (b *Box) takeLocked(w *wire) []byte {
	w.busy = true
	if len(w.flight.buf) == 0 {
		if b.active.ops > 1 {
			w.shared = sharedMemory
		} else {
			w.shared = max(0, w.shared-1)
		}
		w.flight, b.active, b.spare = b.active, b.spare, batch{}
		w.last = b.plain
		w.since = mono.Now()
		b.room.tell()
	}
	return w.pieceLocked()
}

// sharedMemory is how many writes with one operation it takes to believe that publishers do not come together.
const sharedMemory = 8

// pieceLocked notes that the next piece is given to a write.
func (w *wire) pieceLocked() []byte {
	piece := w.flight.piece(w.sent, w.most)
	w.asked = len(piece)
	return piece
}

// write writes piece and what follows it in flight, then gives the token back. The caller has the token and no lock. A
// publisher says until when it has patience; the writer's until is zero.
func (b *Box) write(w *wire, piece []byte, until time.Time) {
	own := !until.IsZero()
	var failure error
	for piece != nil {
		deadline := until
		if !own && b.cfg.WriteTimeout > 0 {
			deadline = time.Now().Add(b.cfg.WriteTimeout)
		}
		_ = w.link.SetWriteDeadline(deadline)
		n, err := w.send(piece)
		piece, failure = b.wrote(w, n, err, own)
	}
	if failure != nil {
		w.owner.WriteFailed(failure)
	}
}

// wrote notes the result of a write. It returns the next piece, or nil when the token was given back, and the error
// that ended the link, to be told once the token is gone: who is told may wait for it.
func (b *Box) wrote(w *wire, n int, err error, own bool) (next []byte, failure error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.settled {
		// Too late: this write was given up, and all that it was asked to write counts as written.
		w.busy, w.loan = false, loan{}
		return nil, nil
	}
	err = b.tookLocked(w, n, err)
	w.repaidLocked()
	switch {
	case w.stopped:
	case err == nil && w.sent == len(w.flight.buf):
		b.landedLocked(w)
	case err == nil && b.fullLocked(w):
		// The PONG that opens the window wakes the writer.
	case err == nil:
		b.roomLocked()
		return w.pieceLocked(), nil
	case w.exact && errors.Is(err, os.ErrDeadlineExceeded) && own:
		// The writer goes on with the rest.
	case w.exact && errors.Is(err, os.ErrDeadlineExceeded) && b.closed:
		// Close wants to know how far it has come; it says when to give up.
		b.quiet.tell()
		return w.pieceLocked(), nil
	default:
		w.failed = true
		failure = err
	}
	w.busy = false
	b.room.tell()
	b.quiet.tell()
	switch {
	case w.stopped:
	case w.leaving:
		b.wakeLocked(w)
	case len(w.flight.buf)+len(b.active.buf) > 0:
		b.rouseLocked(false)
	}
	return nil, failure
}

// tookLocked counts what a write took. The numbers of a link of the user's making are not believed beyond what is possible.
func (b *Box) tookLocked(w *wire, n int, err error) error {
	asked := w.asked
	w.asked = 0
	n = min(max(n, 0), asked)
	if n > 0 {
		w.since = mono.Now()
	}
	if err == nil && n < asked {
		err = io.ErrShortWrite
	}
	if err != nil && !w.exact {
		n = asked
	}
	w.sent += n
	return err
}

// landedLocked empties the buffer in flight for the next swap, and keeps what may have to be sent again.
func (b *Box) landedLocked(w *wire) {
	w.base += int64(len(w.flight.buf))
	if b.cfg.Resend > 0 && w.last > b.confirmed {
		w.retained = append(w.retained, retained{batch: w.flight, last: w.last})
	} else if !w.leaving {
		b.spare = w.flight.emptied()
	}
	w.flight, w.sent = batch{}, 0
	if w.leaving {
		w.flight, w.rest, w.last = w.rest, batch{}, w.plain
	}
}

// roomLocked wakes publishers that wait because everything was full.
func (b *Box) roomLocked() {
	if b.waitingLocked() < b.most {
		b.room.tell()
	}
	b.quiet.tell()
}
