package outbox

import (
	"math"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// pub is one publish on its way into a buffer. Its slices are read during the call only.
type pub struct {
	subject, reply string
	hdr, data      []byte
	volatile       bool // not worth keeping
	urgent         bool // the writer must not rest before it is written

	// When it gives up waiting for room, beside Config.WriteTimeout.
	by   mono.Time
	quit <-chan struct{}
}

// frame is more than an operation has besides subjects, header block and payload: its name, two sizes, spaces, line ends.
const frame = 56

// room is the most bytes that an operation can take.
func room(subject, reply, payload int) int { return frame + subject + reply + payload }

func (p *pub) room() int { return room(len(p.subject), len(p.reply), len(p.hdr)+len(p.data)) }

// Publish appends PUB, or HPUB when hdr is not empty. It copies what it is given. It waits for room only as the
// package comment says. Errors: natserr.ConnectionClosed, natserr.ReconnectBufExceeded (held, and more than Config.Keep
// bytes would wait), natserr.Timeout (no room in Config.WriteTimeout); nothing was accepted then.
func (b *Box) Publish(subject, reply string, hdr, data []byte) error {
	size := room(len(subject), len(reply), len(hdr)+len(data))
	b.mu.Lock()
	if len(b.active.buf)+size <= b.fit {
		a := &b.active
		a.reserve(size)
		start := len(a.buf)
		a.buf = proto.AppendPub(a.buf, subject, reply, hdr, data)
		if reply == "" {
			b.plain++
		}
		b.acceptedLocked(start, len(hdr)+len(data), reply != "")
		b.mu.Unlock() // by hand: a defer is a tenth of the cost
		return nil
	}
	b.mu.Unlock()
	return b.publishFull(&pub{subject: subject, reply: reply, hdr: hdr, data: data, by: mono.Never}, data)
}

// PublishData is Publish without reply subject and header block: the way of nearly all messages. So what it does stands here as a whole. By way of
// Publish a small message cost a tenth more, which went into calls and into arguments that are passed in memory.
func (b *Box) PublishData(subject string, data []byte) error {
	b.mu.Lock()
	start := len(b.active.buf)
	if end := start + room(len(subject), 0, len(data)); end <= b.fit && end <= cap(b.active.buf) {
		buf := proto.AppendPubLine(b.active.buf, subject, "", 0, len(data))
		buf = append(buf, data...)
		b.active.buf = append(buf, "\r\n"...)
		b.active.ops++ // what fits needs no cut
		b.plain++
		b.countLocked(len(b.active.buf)-start, len(data))
		if b.needsAttentionLocked() {
			b.attendLocked(false)
		}
		b.mu.Unlock() // by hand, as in Publish
		return nil
	}
	b.mu.Unlock()
	return b.publishFull(&pub{subject: subject, data: data, by: mono.Never}, data)
}

// PublishBy is Publish for a caller whose patience ends at a time ([mono.Never]: it does not), or when quit, which may be nil, is closed: natserr.Timeout
// then. It costs more than Publish, for those who have found no room before.
func (b *Box) PublishBy(subject, reply string, hdr, data []byte, by mono.Time, quit <-chan struct{}) error {
	return b.publishFull(&pub{subject: subject, reply: reply, hdr: hdr, data: data, by: by, quit: quit}, data)
}

// appendLocked puts p into the active buffer, counts it, and wakes the writer.
func (b *Box) appendLocked(p *pub) {
	a := &b.active
	a.reserve(p.room())
	start := len(a.buf)
	a.buf = proto.AppendPub(a.buf, p.subject, p.reply, p.hdr, p.data)
	switch {
	case p.volatile:
		a.volatile(start)
	case p.reply == "":
		b.plain++
	}
	b.acceptedLocked(start, len(p.hdr)+len(p.data), p.urgent || p.reply != "")
}

// acceptedLocked counts the publish that begins at start, and wakes the writer; somebody waits for the answer to an
// urgent one.
func (b *Box) acceptedLocked(start, payload int, urgent bool) {
	b.active.appended(start)
	b.countLocked(len(b.active.buf)-start, payload)
	if b.needsAttentionLocked() || urgent {
		b.attendLocked(urgent)
	}
}

// countLocked counts a publish that takes so many bytes.
func (b *Box) countLocked(bytes, payload int) {
	b.counters.OutMsgs++
	b.counters.OutBytes += uint64(payload)
	b.unpinged += bytes
}

// needsAttentionLocked reports whether attendLocked has something to do after a publish that is not urgent.
func (b *Box) needsAttentionLocked() bool { return b.writer == idle || b.unpinged >= b.every }

// attendLocked asks for a confirmation when that is due, and wakes the writer.
func (b *Box) attendLocked(urgent bool) {
	if b.unpinged >= b.every {
		b.pingLocked(b.plain)
	}
	b.rouseLocked(urgent)
}

// publishFull is Publish when the active buffer is full, or when there is no link. lent is p.data: a slice that may be lent escapes, and the
// compiler sees it of the whole of a struct, so that every reply subject would be an allocation.
func (b *Box) publishFull(p *pub, lent []byte) error {
	began := mono.Now()
	var timer *time.Timer
	for {
		v := b.admit(p, lent, began)
		switch {
		case v.piece != nil:
			// Whoever has waited before gets what is left of its patience.
			left := b.cfg.Patience - mono.Now().Sub(began)
			b.write(v.wire, v.piece, time.Now().Add(max(left, time.Millisecond)))
			return nil
		case v.room == nil:
			return v.err
		}
		if timer == nil {
			timer = time.NewTimer(v.wait)
			defer timer.Stop()
		} else {
			timer.Reset(v.wait)
		}
		select {
		case <-v.room:
		case <-timer.C:
		case <-p.quit:
			return natserr.Timeout
		}
	}
}

// verdict is what becomes of a Publish: it waits for room if that is not nil, then asks again; else it is over, with
// err, or, if piece is not nil, it was accepted, has taken the token, and writes piece.
type verdict struct {
	err   error
	wire  *wire
	piece []byte
	room  <-chan struct{}
	wait  time.Duration // ask again after this time at the latest
}

// admit decides about a publish that began at the given time.
func (b *Box) admit(p *pub, lent []byte, began mono.Time) verdict {
	size := p.room()
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.wire
	switch fill := len(b.active.buf); {
	case b.closed:
		return verdict{err: natserr.ConnectionClosed}
	case w == nil:
		return verdict{err: b.keepLocked(p)}
	case b.lendableLocked(w, p):
		return verdict{wire: w, piece: b.lendLocked(w, p, lent)}
	case fill > 0 && fill+size > WriteSize && w.exact && w.freeLocked() && !b.fullLocked(w):
		// In flight goes what was there before: the message waits in the new buffer, so that it is safe however the write ends.
		piece := b.takeLocked(w)
		w.lent = true
		b.appendLocked(p)
		return verdict{wire: w, piece: piece}
	case fill < softLimit:
		b.appendLocked(p)
		return verdict{}
	}
	now := mono.Now()
	inTime := min(began.Add(b.patientTime()), p.by).Sub(now)
	fits := b.waitingLocked()+size <= b.most
	allowed, more := b.allowed(now.Sub(w.since))
	switch {
	case fits && len(b.active.buf)+size <= allowed:
		b.appendLocked(p)
		return verdict{}
	case inTime <= 0:
		return verdict{err: natserr.Timeout}
	case fits:
		return verdict{room: b.room.wait(), wait: min(more, inTime)}
	default:
		return verdict{room: b.room.wait(), wait: inTime}
	}
}

// allowed is the size to which the active buffer may grow on a link that has taken nothing for so long, and the time until it may grow more: it
// doubles with each Patience. A peer that does not get its turn on the processor for some milliseconds costs some hundred kilobytes that way.
// When the buffer grew as fast as it could be filled it was all of Config.Keep, and as much again for copies.
func (b *Box) allowed(stall time.Duration) (bytes int, more time.Duration) {
	if stall < b.cfg.Patience {
		return 0, b.cfg.Patience - stall
	}
	if b.cfg.Patience <= 0 {
		return b.most, 0
	}
	bytes = softLimit
	for stall >= b.cfg.Patience && bytes < b.most {
		bytes = min(2*bytes, b.most)
		stall -= b.cfg.Patience
	}
	return bytes, b.cfg.Patience - stall
}

// patientTime is how long a Publish waits for room.
func (b *Box) patientTime() time.Duration {
	if b.cfg.WriteTimeout <= 0 {
		return math.MaxInt64
	}
	return b.cfg.WriteTimeout
}

// keepLocked appends p for the next link.
func (b *Box) keepLocked(p *pub) error {
	// The bound is of what the operation takes, which is less than the room that it may need.
	if b.cfg.Keep <= 0 || b.waitingLocked()+p.length() > b.cfg.Keep {
		return natserr.ReconnectBufExceeded
	}
	b.appendLocked(p)
	return nil
}

// length is the number of bytes that the operation takes.
func (p *pub) length() int {
	n := len("PUB  \r\n\r\n") + len(p.subject) + digits(len(p.hdr)+len(p.data)) + len(p.hdr) + len(p.data)
	if p.reply != "" {
		n += len(" ") + len(p.reply)
	}
	if len(p.hdr) > 0 {
		n += len("H ") + digits(len(p.hdr))
	}
	return n
}

func digits(n int) int {
	count := 1
	for ; n >= 10; n /= 10 {
		count++
	}
	return count
}

// PublishNow is Publish that never waits: it uses the reserve. For acks, flow control, pull requests, and for callers on
// the reader. Errors: natserr.ConnectionClosed, natserr.ReconnectBufExceeded (held and full, or the reserve is used up).
func (b *Box) PublishNow(subject, reply string, hdr, data []byte) error {
	return b.publishNow(&pub{subject: subject, reply: reply, hdr: hdr, data: data, urgent: true})
}

// PublishAsk is PublishNow that tells the era: the publish goes to the link that ends it, or, where there is none, to the next one that
// does.
func (b *Box) PublishAsk(subject, reply string, hdr, data []byte) (era uint64, err error) {
	p := &pub{subject: subject, reply: reply, hdr: hdr, data: data, urgent: true}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.era, b.publishNowLocked(p)
}

// PublishVolatile is PublishNow for what is worthless after a disconnect, as a pull request is: it is refused (false) while
// held or closed, and dropped by Hold.
func (b *Box) PublishVolatile(subject, reply string, hdr, data []byte) bool {
	return b.publishNow(&pub{subject: subject, reply: reply, hdr: hdr, data: data, urgent: true, volatile: true}) == nil
}

func (b *Box) publishNow(p *pub) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.publishNowLocked(p)
}

func (b *Box) publishNowLocked(p *pub) error {
	size := p.room()
	switch {
	case b.closed:
		return natserr.ConnectionClosed
	case b.wire == nil && p.volatile:
		return natserr.Disconnected
	case b.wire == nil:
		return b.keepLocked(p)
	case b.waitingLocked()+size > b.most+nowReserve:
		return natserr.ReconnectBufExceeded
	}
	b.appendLocked(p)
	return nil
}

// Control appends SUB, UNSUB, PING or PONG operations; op is copied. Never waits. False while held or closed: they are
// made anew at the next Release. False with a link means that the link takes nothing and that all reserves are used up:
// it must be given up, since the server would never learn of op.
func (b *Box) Control(op []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.controlLocked(op)
}

func (b *Box) controlLocked(op []byte) bool {
	if b.closed || b.wire == nil || b.waitingLocked()+len(op) > b.most+nowReserve+controlReserve {
		return false
	}
	b.active.reserve(len(op))
	b.active.add(op)
	if b.unpinged += len(op); b.unpinged >= b.every {
		b.pingLocked(b.plain)
	}
	b.rouseLocked(true)
	return true
}

// Relieve writes what waits if that fills a write and nobody writes, for at most Config.Patience. Control never does, because its callers hold
// locks: where one goroutine makes 100,000 subscriptions on one processor, the writer had no turn, and copying the growing buffer was a
// fifth of the time.
func (b *Box) Relieve() {
	if w, piece := b.overfull(); piece != nil {
		b.write(w, piece, time.Now().Add(b.cfg.Patience))
	}
}

// overfull takes the token and the first piece if Relieve is to write.
func (b *Box) overfull() (*wire, []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.wire
	if w == nil || len(b.active.buf) < WriteSize || !w.exact || !w.freeLocked() || b.closed || b.fullLocked(w) {
		return nil, nil
	}
	return w, b.takeLocked(w)
}

// Kick makes the writer write now what it would have left a while for publishers to join.
func (b *Box) Kick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rouseLocked(true)
}
