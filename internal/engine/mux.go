package engine

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/nats-io/nuid"
)

// Token names an outstanding Ask: slot index and generation.
type Token uint64

// AskOpts refine an Ask.
type AskOpts struct {
	Now              bool // never wait for room in the outbox
	FailOnDisconnect bool // a lost link ends it at once with natserr.Disconnected; otherwise it waits for its deadline

	// Track ends the Ask at once, with a [*LostAsk], when the link that it went to is lost, or the server denies it; it implies Now. What
	// was not written then is taken out of the outbox. An Ask without a link waits for one. nil: no.
	Track *Tracked
	// Inbox is the reply subject, to which the caller has subscribed by itself: the waiter is called with no reply. It needs Track. Empty:
	// one of the shared subscription.
	Inbox string

	// Patient, without Now, has the wait for room end with the deadline, and when Quit is closed, which may be nil: natserr.Timeout then.
	Patient bool
	Quit    <-chan struct{}
}

// mux hands replies to those who asked. One wildcard subscription serves all of them; the last token of a reply
// subject is a slot index and a generation, so that a reply finds its slot by arithmetic and a late one is recognised.
// A map of channels with a timer each cost 6 allocations and 1.9 us a request; this costs none here.
//
// Waiters are called outside the lock.
type mux struct {
	conn   *Conn
	once   sync.Once
	prefix string // "_INBOX.<22>."; written with both Conn.mu and mu
	sub    *Sub   // likewise

	mu    sync.Mutex
	slots []slot
	free  []uint32
	live  int
	over  error     // set for good when the connection has ended
	due   mono.Time // when the sweep is set to run; Never: it is not
	timer *time.Timer

	lost    uint64           // links before this era of the outbox are lost
	refused error            // the server denied the subscription for replies on this link
	inboxes map[string]Token // of tracked Asks with an inbox of their own

	askers map[string]*Asker     // that have joined
	made   uint64                // askers so far
	recent atomic.Pointer[Asker] // who had the last answer, if he has not left
}

// replyRoom is that of buffers on the stack for reply subjects: longer ones cost an allocation.
const replyRoom = 96

type slot struct {
	waiter   Waiter
	deadline mono.Time
	gen      uint32
	fragile  bool     // FailOnDisconnect
	track    *Tracked // nil: not tracked
}

const (
	tokenLen  = 8
	indexBits = 22 // at most 4 M outstanding
	indexMask = 1<<indexBits - 1
	genMask   = 1<<(digitBits*tokenLen-indexBits) - 1

	digitBits = 6
	// Sixty-four of them, because shifts cost a third of divisions by 62, twice a message. All are allowed in a subject.
	digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
)

func (m *mux) init(c *Conn) {
	m.conn = c
	m.due = mono.Never
}

// open subscribes to the replies before the first Ask goes out.
func (m *mux) open() {
	m.once.Do(func() {
		prefix := m.conn.NewInbox() + "."
		s := &Sub{sink: m, subject: prefix + "*", answers: true}
		m.conn.mu.Lock()
		defer m.conn.mu.Unlock()
		m.name(prefix, s)
		if !m.conn.finished {
			m.conn.subscribeLocked(s)
		}
	})
}

func (m *mux) name(prefix string, s *Sub) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.prefix, m.sub = prefix, s
}

// take reserves a slot for w.
func (m *mux) take(w Waiter, deadline mono.Time, fragile bool) (Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over != nil {
		return 0, m.over
	}
	if len(m.free) == 0 {
		if len(m.slots) == 1<<indexBits {
			return 0, natserr.ReconnectBufExceeded
		}
		m.slots = append(m.slots, slot{})
		m.free = append(m.free, uint32(len(m.slots)-1))
	}
	i := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	s := &m.slots[i]
	s.waiter, s.deadline, s.fragile = w, deadline, fragile
	m.live++
	if deadline < m.due {
		m.setLocked(deadline)
	}
	return Token(uint64(s.gen)<<indexBits | uint64(i)), nil
}

// release frees the slot of t and returns its waiter, nil when t has ended already.
func (m *mux) release(t Token) Waiter {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := uint32(t & indexMask)
	if int(i) >= len(m.slots) || Token(m.slots[i].gen) != t>>indexBits {
		return nil
	}
	return m.freeLocked(i)
}

func (m *mux) freeLocked(i uint32) Waiter {
	s := &m.slots[i]
	w := s.waiter
	if w == nil {
		return nil
	}
	s.waiter = nil
	if s.track != nil {
		m.untrackLocked(s)
	}
	s.gen = (s.gen + 1) & genMask
	m.free = append(m.free, i)
	m.live--
	return w
}

// appendToken writes t as the last token of a reply subject.
func appendToken(dst []byte, t Token) []byte { return appendDigits(dst, uint64(t), tokenLen) }

// appendDigits writes the lowest n digits of v, the least first.
func appendDigits(dst []byte, v uint64, n int) []byte {
	for range n {
		dst = append(dst, digits[v%64])
		v /= 64
	}
	return dst
}

var digitOf = func() (v [256]uint8) {
	for i := range v {
		v[i] = 0xff
	}
	for i := range digits {
		v[digits[i]] = uint8(i)
	}
	return v
}()

// parseDigits reads what appendDigits wrote: no more than ten.
func parseDigits(b []byte) (v uint64, ok bool) {
	all := uint8(0)
	for i := len(b) - 1; i >= 0; i-- {
		d := digitOf[b[i]]
		all |= d
		v = v*64 + uint64(d)
	}
	return v, all < 64
}

func parseToken(b []byte) (t Token, ok bool) {
	if len(b) != tokenLen {
		return 0, false
	}
	v, ok := parseDigits(b)
	return Token(v), ok
}

// Deliver takes one reply. A second reply to the same request finds its generation gone.
func (m *mux) Deliver(f *proto.Frame) {
	if len(f.Subject) == len(m.prefix)+askerLen+numberLen {
		m.answer(f)
		return
	}
	if len(f.Subject) <= len(m.prefix) {
		return
	}
	t, ok := parseToken(f.Subject[len(m.prefix):])
	if !ok {
		return
	}
	if w := m.release(t); w != nil {
		w.Reply(f)
	}
}

// Settle has nothing to do: waiters are told one by one.
func (m *mux) Settle() {}

// Closed has nothing to do: failAll tells the waiters.
func (m *mux) Closed(error) {}

// setLocked has the sweep run at t; it is only ever moved earlier.
func (m *mux) setLocked(t mono.Time) {
	m.due = t
	d := t.Sub(mono.Now())
	if m.timer == nil {
		m.timer = time.AfterFunc(d, m.sweep)
	} else {
		m.timer.Reset(d)
	}
}

// sweep ends what is over its deadline. One timer serves all slots; the next run is at the next deadline, but not
// sooner than a millisecond from now, so that many close deadlines share a run.
func (m *mux) sweep() {
	expired := m.expire(mono.Now())
	if len(expired) > 0 {
		m.conn.Doubt()
	}
	for _, w := range expired {
		w.Fail(natserr.Timeout)
	}
}

func (m *mux) expire(now mono.Time) (expired []Waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := mono.Never
	for i := range m.slots {
		switch s := &m.slots[i]; {
		case s.waiter == nil:
		case s.deadline <= now:
			expired = append(expired, m.freeLocked(uint32(i)))
		default:
			next = min(next, s.deadline)
		}
	}
	m.due = mono.Never
	if next != mono.Never && m.over == nil {
		m.setLocked(max(next, now.Add(time.Millisecond)))
	}
	return expired
}

// fail ends the waiters that a lost link ends, or all of them; over makes it final. Tracked ones end with it only when it is final: of lost links
// failTracked tells them. Askers are told each time.
func (m *mux) fail(err error, all, over bool) {
	for _, w := range m.drop(err, all, over) {
		w.Fail(err)
	}
	for _, a := range m.joined() {
		a.taker.Lost(err)
	}
	if over {
		m.dismiss()
	}
}

func (m *mux) drop(err error, all, over bool) (dropped []Waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.slots {
		if s := &m.slots[i]; s.waiter != nil && (all && (over || s.track == nil) || s.fragile) {
			dropped = append(dropped, m.freeLocked(uint32(i)))
		}
	}
	if over {
		m.over = err
		if m.timer != nil {
			m.timer.Stop()
		}
	}
	return dropped
}

func (m *mux) outstanding() int {
	n := m.lives()
	for _, a := range m.joined() {
		n += a.taker.Outstanding()
	}
	return n
}

func (m *mux) lives() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.live
}

// NewInbox is a fresh subject below the inbox prefix.
func (c *Conn) NewInbox() string {
	var b strings.Builder
	b.Grow(len(c.cfg.InboxPrefix) + 1 + 22)
	b.WriteString(c.cfg.InboxPrefix)
	b.WriteByte('.')
	b.WriteString(nuid.Next())
	return b.String()
}
