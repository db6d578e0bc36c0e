package run

import (
	"errors"
	"math"
	"time"
	"unsafe"

	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
)

// ErrStalled says that the window was full for as long as the caller would wait. The public packages have their own value for it.
var ErrStalled = errors.New("nats: too many publishes wait for their ack")

// AsyncSpec is one message to publish. Header and Data are kept until the publish has ended, because it may be sent again.
type AsyncSpec struct {
	Subject      string
	Header, Data []byte // Header is an encoded block, or empty
	Retry        pubwin.Retry
	// Stall is how long to wait for room, in the window and in the connection's buffer together. 0: [DefaultStall] for the window, and as long as
	// the connection lets any publish wait for the buffer. Negative: not at all for the window.
	Stall time.Duration
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
// There are thousands of them, so it is small: with a [Future] and a pointer it is 80 bytes.
type Pending struct {
	// The message does not change any more. Strings and slices without their capacity, and with short lengths.
	subject, header, data          *byte
	subjectLen, headerLen, dataLen uint32

	again bool // it is to be sent again, or was. Guarded by Publisher.mu
	good  bool // which handler to call. Likewise
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

// PublishAsync publishes and returns; r gets the end. It waits for room as s.Stall says. With an error r stays unresolved and nothing is
// pending: [ErrStalled], or the connection's own.
func (p *Publisher) PublishAsync(s *AsyncSpec, r Result) error {
	if uint64(max(len(s.Subject), len(s.Header), len(s.Data))) > mostKept {
		return natserr.MaxPayload
	}
	p.once.Do(p.begin)
	w := r.Pending()
	w.keep(s)
	patience := mono.Never
	if s.Stall > 0 {
		patience = mono.Now().Add(s.Stall)
	}
	t, deadline, room := p.enter(r, s.Retry)
	if room != nil {
		var ok bool
		if t, ok = p.stall(r, s, patience, deadline, room); !ok {
			return ErrStalled
		}
	}
	err := p.asker.Ask(uint64(t), s.Subject, s.Header, s.Data, patience)
	switch {
	case err == nil, !p.withdraw(t, w):
		return nil
	case err == natserr.Timeout && s.Stall > 0:
		return ErrStalled
	}
	return err
}

func (p *Publisher) begin() { p.asker = p.link.asker(p) }

// enter takes a place in the window for r. With none it returns what to wait for.
func (p *Publisher) enter(r Result, retry pubwin.Retry) (t pubwin.Token, deadline mono.Time, room <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	deadline = p.deadlineLocked()
	t, ok := p.win.Begin(deadline, retry, deadline)
	return t, deadline, p.enteredLocked(r, t, ok, deadline)
}

// enterAgain is enter for who has waited; late: for long enough.
func (p *Publisher) enterAgain(r Result, now mono.Time, retry pubwin.Retry, deadline mono.Time, late bool) (t pubwin.Token, room <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ok := false
	if late {
		t, ok = p.win.BeginLate(now, retry, deadline)
	} else {
		t, ok = p.win.Begin(now, retry, deadline)
	}
	return t, p.enteredLocked(r, t, ok, deadline)
}

func (p *Publisher) enteredLocked(r Result, t pubwin.Token, ok bool, deadline mono.Time) (room <-chan struct{}) {
	if !ok {
		if p.room == nil {
			p.room = make(chan struct{})
		}
		return p.room
	}
	for len(p.pending) < p.win.Slots() {
		p.pending = append(p.pending, nil)
	}
	p.pending[t.Slot()] = r
	if p.win.Pending() == 1 {
		p.asker.Join()
	}
	if deadline < p.armed || p.armed == mono.Never {
		p.armLocked()
	}
	return nil
}

// lateAfter is how long a stalled caller waits for the window to open wide before it takes any free place.
const lateAfter = time.Millisecond

// stall waits for a place until end ([mono.Never]: as s.Stall says); false: the caller's patience is over.
func (p *Publisher) stall(r Result, s *AsyncSpec, end, deadline mono.Time, room <-chan struct{}) (t pubwin.Token, ok bool) {
	if end == mono.Never {
		end = mono.Now()
		if s.Stall == 0 {
			end = end.Add(DefaultStall)
		}
	}
	timer := time.NewTimer(min(lateAfter, end.Sub(mono.Now())))
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
		if t, room = p.enterAgain(r, now, s.Retry, deadline, late || left <= 0); room != nil && left <= 0 {
			return 0, false
		}
		if late {
			timer.Reset(min(lateAfter, left))
		}
	}
	return t, true
}

// withdraw takes back a publish that could not be sent; false: it has ended meanwhile and its future knows, or the second copy is its first.
func (p *Publisher) withdraw(t pubwin.Token, w *Pending) bool {
	p.mu.Lock()
	defer p.leave()
	if w.again {
		return false
	}
	live, idle, unstall := p.win.Withdraw(t)
	if !live {
		return false
	}
	p.pending[t.Slot()] = nil
	p.followLocked(idle, unstall)
	return true
}

// resend publishes t once more, unless it has ended. It never waits for room.
func (p *Publisher) resend(t pubwin.Token) {
	w := p.stillOut(t)
	if w == nil {
		return
	}
	subject, header, data := w.Message()
	if err := p.asker.AskNow(uint64(t), subject, header, data); err != nil {
		p.refused(t, err)
	}
}

// stillOut is nil when t has ended.
func (p *Publisher) stillOut(t pubwin.Token) *Pending {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.win.Live(t) {
		return nil
	}
	return p.pending[t.Slot()].Pending()
}

// refused ends t, which the connection would not send again.
func (p *Publisher) refused(t pubwin.Token, err error) {
	p.mu.Lock()
	defer p.leave()
	p.applyLocked(p.win.Fail(t, codeOf(err)), err)
}

// endLocked resolves the publish whose token t has just ended.
func (p *Publisher) endLocked(t pubwin.Token, ack wire.StreamAck, code wire.Code, refused *wire.APIError, err error) {
	r := p.pending[t.Slot()]
	p.pending[t.Slot()] = nil
	r.Resolved(ack, code, refused, err)
	w := r.Pending()
	w.good = code == wire.OK
	p.callLocked(r, w)
}
