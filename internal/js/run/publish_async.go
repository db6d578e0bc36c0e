package run

import (
	"errors"
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// ErrStalled says that the window was full for as long as the caller would wait. The public packages have their own value for it.
var ErrStalled = errors.New("nats: too many publishes wait for their ack")

// AsyncSpec is one message to publish. Header and Data are kept until the publish has ended, because it may be sent again.
type AsyncSpec struct {
	Subject      string
	Header, Data []byte // Header is an encoded block, or empty
	Retry        pubwin.Retry
	Stall        time.Duration // how long to wait for room; 0: [DefaultStall], negative: not at all
}

// Result is a public package's future: one object for the message, the ack and the waiter.
type Result interface {
	// Pending is the publisher's part of the future: always the same one, used for one publish.
	Pending() *Pending
	// Resolved is called exactly once if PublishAsync returned nil, maybe before it has returned, under the publisher's lock: it must
	// not block nor call the publisher. code is OK, with the ack; ServerRefused, with refused; or InvalidAck, NoResponders,
	// AckTimeout, PublisherClosed, Disconnected, ConnectionClosed, or OtherStatus: then the connection refused to send once more. err
	// is set with the last three and is to be told as it is.
	Resolved(ack wire.StreamAck, code wire.Code, refused *wire.APIError, err error)
}

// Pending is one async publish: what waits for the ack, and what is sent again. The zero value belongs into a future; it must
// not be copied.
//
// There are thousands of them, so it is small: with a [Future] it is 128 bytes, which is two cache lines and no part of a third.
type Pending struct {
	// What an ack touches is one cache line: in a large window it has been out of the cache since the publish.
	pub    *Publisher
	result Result
	token  pubwin.Token // guarded by Publisher.mu
	asked  engine.Token // written by who asks, read by whoever has seen phaseAsked
	phase  atomic.Uint32
	good   bool // which handler to call

	// The message does not change any more. Strings and slices without their capacity, and with short lengths.
	subject, header, data          *byte
	subjectLen, headerLen, dataLen uint32
}

// keep takes what is published.
func (w *Pending) keep(s *AsyncSpec) {
	w.subject, w.subjectLen = unsafe.StringData(s.Subject), uint32(len(s.Subject))
	if len(s.Header) > 0 {
		w.header, w.headerLen = unsafe.SliceData(s.Header), uint32(len(s.Header))
	}
	w.data, w.dataLen = unsafe.SliceData(s.Data), uint32(len(s.Data))
}

// mostKept is the longest part of a message: more than any server takes.
const mostKept = math.MaxUint32

// Message is what PublishAsync was given to publish, for the future that w belongs to. The bytes are not to be changed.
func (w *Pending) Message() (subject string, header, data []byte) {
	return unsafe.String(w.subject, w.subjectLen), unsafe.Slice(w.header, w.headerLen), unsafe.Slice(w.data, w.dataLen)
}

// Phases of a publish. An answer can come, or the time be over, before Ask has returned and the engine's token is known: whoever asks
// looks at the phase afterwards. One goroutine at a time asks.
const (
	phaseAsking uint32 = iota
	phaseAgain         // being asked, and to be asked again
	phaseAsked
	phaseEnded
)

// PublishAsync publishes and returns; r gets the end. It waits for room in the window, and in the connection's buffer when
// that is full. With an error r stays unresolved and nothing is pending: [ErrStalled], or the connection's own.
func (p *Publisher) PublishAsync(s AsyncSpec, r Result) error {
	if max(len(s.Subject), len(s.Header), len(s.Data)) > mostKept {
		return natserr.MaxPayload
	}
	w := r.Pending()
	w.pub, w.result = p, r
	w.keep(&s)
	if deadline, room := p.enter(w, s.Retry); room != nil && !p.stall(w, &s, deadline, room) {
		return ErrStalled
	}
	if err := w.ask(engine.AskOpts{FailOnDisconnect: true}); err != nil && p.withdraw(w) {
		return err
	}
	return nil
}

// enter takes a place in the window. With none it returns what to wait for.
func (p *Publisher) enter(w *Pending, r pubwin.Retry) (deadline mono.Time, room <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	deadline = p.deadlineLocked()
	token, ok := p.win.Begin(deadline, r, deadline)
	return deadline, p.enteredLocked(w, token, ok, deadline)
}

// enterAgain is enter for who has waited; late: for long enough.
func (p *Publisher) enterAgain(w *Pending, now mono.Time, r pubwin.Retry, deadline mono.Time, late bool) (room <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var token pubwin.Token
	ok := false
	if late {
		token, ok = p.win.BeginLate(now, r, deadline)
	} else {
		token, ok = p.win.Begin(now, r, deadline)
	}
	return p.enteredLocked(w, token, ok, deadline)
}

func (p *Publisher) enteredLocked(w *Pending, token pubwin.Token, ok bool, deadline mono.Time) (room <-chan struct{}) {
	if !ok {
		if p.room == nil {
			p.room = make(chan struct{})
		}
		return p.room
	}
	for len(p.pending) < p.win.Slots() {
		p.pending = append(p.pending, nil)
	}
	w.token = token
	p.pending[token.Slot()] = w
	if deadline < p.armed || p.armed == mono.Never {
		p.armLocked()
	}
	return nil
}

// lateAfter is how long a stalled caller waits for the window to open wide before it takes any free place.
const lateAfter = time.Millisecond

// stall waits for a place; false: the caller's patience is over.
func (p *Publisher) stall(w *Pending, s *AsyncSpec, deadline mono.Time, room <-chan struct{}) bool {
	patience := s.Stall
	if patience == 0 {
		patience = DefaultStall
	}
	end := mono.Now().Add(patience)
	timer := time.NewTimer(min(lateAfter, patience))
	defer timer.Stop()
	for room != nil {
		late := false
		select {
		case <-room:
		case <-timer.C:
			late = true
		}
		now := mono.Now()
		left := end.Sub(now)
		if room = p.enterAgain(w, now, s.Retry, deadline, late || left <= 0); room != nil && left <= 0 {
			return false
		}
		if late {
			timer.Reset(min(lateAfter, left))
		}
	}
	return true
}

// withdraw takes back a publish that could not be sent; false: it has ended meanwhile and its future knows.
func (p *Publisher) withdraw(w *Pending) bool {
	p.mu.Lock()
	defer p.leave()
	live, idle, unstall := p.win.Withdraw(w.token)
	if !live {
		return false
	}
	w.phase.Store(phaseEnded)
	p.pending[w.token.Slot()] = nil
	if unstall {
		p.openLocked()
	}
	if idle {
		p.idleLocked()
	}
	return true
}

// ask publishes w. Who calls it has set phaseAsking, or is the first.
func (w *Pending) ask(o engine.AskOpts) error {
	subject, header, data := w.Message()
	for {
		// The deadline is the machine's: it holds also between two attempts.
		t, err := w.pub.link.Ask(subject, header, data, w, mono.Never, o)
		if err != nil {
			return err
		}
		w.asked = t
		switch {
		case w.phase.CompareAndSwap(phaseAsking, phaseAsked):
			return nil
		case !w.phase.CompareAndSwap(phaseAgain, phaseAsking):
			w.pub.link.Forget(t) // it has ended meanwhile
			return nil
		}
	}
}

// resend publishes w once more, unless it has ended. It never waits for room.
func (w *Pending) resend() {
	for {
		switch phase := w.phase.Load(); phase {
		case phaseAsked:
			if !w.phase.CompareAndSwap(phaseAsked, phaseAsking) {
				continue
			}
			if err := w.ask(engine.AskOpts{Now: true, FailOnDisconnect: true}); err != nil {
				w.pub.failed(w, err)
			}
			return
		case phaseAsking:
			if w.phase.CompareAndSwap(phaseAsking, phaseAgain) {
				return // who is asking asks again
			}
		default:
			return
		}
	}
}

// Reply takes the answer, on the reader. It is for the engine.
func (w *Pending) Reply(f *proto.Frame) {
	if len(f.Header) != 0 && noStream(f) {
		w.pub.noResponders(w)
		return
	}
	w.pub.answered(w, f)
}

// Fail says that no answer will come. It is for the engine.
func (w *Pending) Fail(err error) { w.pub.failed(w, err) }

// endLocked resolves w, whose token has just ended.
func (p *Publisher) endLocked(w *Pending, ack wire.StreamAck, code wire.Code, refused *wire.APIError, err error) {
	p.pending[w.token.Slot()] = nil
	if w.phase.Swap(phaseEnded) == phaseAsked && !answer(code) {
		p.jobs.addLocked(forget, w)
	}
	w.result.Resolved(ack, code, refused, err)
	w.good = code == wire.OK
	p.callLocked(w)
}

// answer reports whether a publish that ended with c was answered, so that there is nothing to forget.
func answer(c wire.Code) bool {
	switch c {
	case wire.OK, wire.ServerRefused, wire.InvalidAck, wire.NoResponders:
		return true
	}
	return false
}
