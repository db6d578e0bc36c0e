package engine

import (
	"unsafe"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// Taker takes the answers to what an [Asker] has sent. Its methods are called under no lock of the connection, by its reader (Answer), its
// supervisor (Lost, Outstanding) and whoever asks for its health (Outstanding), and must not block.
type Taker interface {
	// Answer gives an answer to the request n. There may be several, or one to a request that is long over: the taker knows. The frame is
	// borrowed, as in [Waiter].
	Answer(n uint64, f *proto.Frame)
	// Lost says why what was sent before will not be answered: natserr.Disconnected when a link has ended, natserr.ConnectionClosed when there
	// will be no other.
	Lost(err error)
	// Outstanding is how many answers are waited for: while there are any, a silent link is probed.
	Outstanding() int
}

// Asker sends requests that their sender numbers himself, and has all answers come to one [Taker]. That is for who keeps a table of what is
// out anyway: [Conn.Ask] would keep a second one, and each request would cost two locks more.
type Asker struct {
	conn   *Conn
	taker  Taker
	prefix string // of its reply subjects: the connection's, and a token of its own; a number follows
}

const (
	askerLen  = 6 // digits of an asker
	numberLen = 9 // digits of a request's number
	// MostAsked is the largest number of a request.
	MostAsked = 1<<(digitBits*numberLen) - 1
)

// NewAsker makes an asker for t, which is joined by [Asker.Join] before it asks.
func (c *Conn) NewAsker(t Taker) *Asker {
	c.mux.open()
	return &Asker{conn: c, taker: t, prefix: c.mux.nextAsker()}
}

// Ask publishes the request n, which is no more than [MostAsked]. It waits for room in the outbox as [Conn.Publish] does, and not beyond by
// ([mono.Never]: no such time): natserr.Timeout then. Other errors: those of Publish.
func (a *Asker) Ask(n uint64, subject string, hdr, data []byte, by mono.Time) error {
	if err := a.admit(len(hdr), len(data)); err != nil {
		return err
	}
	var buf [replyRoom]byte
	reply := a.appendReply(buf[:0], n)
	if by != mono.Never {
		return a.conn.out.PublishBy(subject, string(reply), hdr, data, by, nil)
	}
	// The outbox copies the reply subject and keeps nothing of it.
	return a.conn.out.Publish(subject, unsafe.String(unsafe.SliceData(reply), len(reply)), hdr, data)
}

// AskNow is Ask that never waits: with the outbox's reserve used up it is natserr.ReconnectBufExceeded.
func (a *Asker) AskNow(n uint64, subject string, hdr, data []byte) error {
	if err := a.admit(len(hdr), len(data)); err != nil {
		return err
	}
	var buf [replyRoom]byte
	reply := a.appendReply(buf[:0], n)
	return a.conn.out.PublishNow(subject, unsafe.String(unsafe.SliceData(reply), len(reply)), hdr, data)
}

func (a *Asker) appendReply(dst []byte, n uint64) []byte {
	return appendDigits(append(dst, a.prefix...), n, numberLen)
}

// admit checks a request, and has the link watched from now on.
func (a *Asker) admit(hdr, data int) error {
	err := a.conn.admit(hdr, data)
	if err == nil {
		a.conn.owe()
	}
	return err
}

// Join has the taker hear from the connection, until Leave. An asker that nothing is asked of need not be known: of those that have left, the connection
// keeps nothing. Both may be called under the taker's own lock, and do nothing a second time.
func (a *Asker) Join() { a.conn.mux.join(a) }

// Leave ends Join. An answer that the reader has in hand may still come.
func (a *Asker) Leave() { a.conn.mux.leave(a) }

// key is what the mux knows a by.
func (a *Asker) key() string { return a.prefix[len(a.prefix)-askerLen:] }

// nextAsker is the prefix of a new asker.
func (m *mux) nextAsker() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made++
	return string(appendDigits([]byte(m.prefix), m.made, askerLen))
}

func (m *mux) join(a *Asker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over == nil {
		if m.askers == nil {
			m.askers = make(map[string]*Asker)
		}
		m.askers[a.key()] = a
	}
}

func (m *mux) leave(a *Asker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.askers, a.key())
	m.recent.CompareAndSwap(a, nil)
}

// answer hands f to the asker that it is for: most come for the one before's.
func (m *mux) answer(f *proto.Frame) {
	head, number := f.Subject[:len(f.Subject)-numberLen], f.Subject[len(f.Subject)-numberLen:]
	a := m.recent.Load()
	if a == nil || string(head) != a.prefix {
		if a = m.find(head[len(m.prefix):]); a == nil {
			return
		}
	}
	if n, ok := parseDigits(number); ok {
		a.taker.Answer(n, f)
	}
}

func (m *mux) find(key []byte) *Asker {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.askers[string(key)]
	if a != nil {
		m.recent.Store(a)
	}
	return a
}

// joined are the askers of now.
func (m *mux) joined() (all []*Asker) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.askers {
		all = append(all, a)
	}
	return all
}

// dismiss ends the time of askers.
func (m *mux) dismiss() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.askers = nil
	m.recent.Store(nil)
}
