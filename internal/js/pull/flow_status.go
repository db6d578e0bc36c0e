package pull

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

const (
	longestPause = 800 * time.Millisecond // between two requests that fail
	retellAfter  = 30 * time.Second       // a failure that lasts is told again, where no heartbeats say how often
	inquireFrom  = 3                      // failures in a row before the consumer is looked for
	inquirePause = time.Second            // between two inquiries
	goneAfter    = 2 * time.Second        // how long it must have been missing
)

// inquiry is the search for a consumer that does not answer.
type inquiry struct {
	running bool
	next    mono.Time // when the next one may be sent
	gone    bool      // the last answer was that it does not exist
	since   mono.Time // so since then
}

// good notes a sign of life of the consumer.
func (f *Flow) good(now mono.Time) {
	f.row, f.told = 0, wire.OK
	f.inquiry.gone = false
	f.silence.heard(now)
}

// Status takes a status message on the current inbox.
func (f *Flow) Status(now mono.Time, s wire.Status) []Action {
	f.begin()
	if f.phase != flowing {
		return nil
	}
	switch s.Code {
	case wire.IdleHeartbeat, wire.FlowControl:
		f.good(now)
	case wire.NoMessages, wire.RequestTimeout, wire.MaxBytesExceeded, wire.BatchCompleted:
		f.answered(now, s)
	case wire.ConsumerDeleted, wire.BadRequest:
		f.finish(s.Code, string(s.Description))
	case wire.LeadershipChange, wire.PinIDMismatch:
		f.failed(now, s, true)
	default:
		if s.Code == wire.OtherStatus && s.Number < 400 {
			f.good(now)
			break
		}
		f.failed(now, s, false)
	}
	return f.out
}

// answered takes the ordinary end of one request, which says what it had left.
func (f *Flow) answered(now mono.Time, s wire.Status) {
	f.silence.heard(now)
	if s.PendingMsgs < 0 {
		f.void()
	} else {
		f.paid(s.PendingMsgs, max(s.PendingBytes, 0))
	}
	inVain := !f.owed() && !f.fed
	switch {
	case s.Code == wire.MaxBytesExceeded && f.held.msgs > 0:
		f.starved = true
	case s.Code == wire.MaxBytesExceeded && inVain && f.full: // it will never fit
		f.failed(now, s, false)
		return
	case inVain && now < f.askedAt.Add(f.cfg.Request.Expires/2): // the next one may end like that, too
		f.row++
		f.askAt = now.Add(pauseAfter(f.row, longestPause))
	default:
		f.good(now)
	}
	f.refill(now)
}

// failed voids all requests, tells why, and asks again after a pause. After a change, of the leader for instance, there is no pause the
// first time; and each one is told.
func (f *Flow) failed(now mono.Time, s wire.Status, change bool) {
	pause := pauseAfter(f.row, longestPause)
	if f.row++; f.row == 1 {
		f.retell = now.Add(f.patience())
	}
	if !change {
		pause = pauseAfter(f.row, longestPause)
	}
	f.void()
	f.askAt = now.Add(pause)
	lasting := now >= f.retell
	if lasting {
		f.retell = now.Add(f.patience())
	}
	if change || lasting || s.Code != f.told {
		f.told = s.Code
		f.act(Action{Kind: Warn, Code: s.Code, Words: string(s.Description), Lasting: lasting})
	}
	if q := &f.inquiry; s.Code == wire.NoResponders && f.row >= inquireFrom && !q.running && now >= q.next {
		q.running = true
		f.act(Action{Kind: Inquire})
	}
	f.refill(now)
}

// patience is how long failures last before they are told again.
func (f *Flow) patience() time.Duration {
	if f.silence.beat == 0 {
		return retellAfter
	}
	return 2 * f.silence.beat
}

// Inquired answers an Inquire: gone says that the consumer does not exist. Any doubt is a no. A consumer that is missing for two seconds,
// without any sign of life, is not coming back.
func (f *Flow) Inquired(now mono.Time, gone bool) []Action {
	f.begin()
	q := &f.inquiry
	if !q.running || f.phase == flowDone {
		return nil
	}
	q.running, q.next = false, now.Add(inquirePause)
	switch {
	case !gone || f.row == 0:
		q.gone = false
	case !q.gone:
		q.gone, q.since = true, now
	case now >= q.since.Add(goneAfter):
		f.finish(wire.ConsumerDeleted, "")
	}
	return f.out
}
