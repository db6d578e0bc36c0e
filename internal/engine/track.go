package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gannet-io/nats/internal/natserr"
)

// Tracked has an Ask told at once when its answer cannot come: when the link is lost, and when the server denies it. It
// belongs to one Ask at a time; the zero value is ready. All of it is guarded by mux.mu.
type Tracked struct {
	subject string
	inbox   string // of its own; empty: the shared one
	placed  bool   // the outbox has it
	era     uint64 // of the outbox, when it was placed
	unsent  bool   // taken out of the outbox before it was written
}

// LostAsk is the end of a tracked Ask that will not be answered.
type LostAsk struct {
	// MayHaveRun is false when the request has not been written, and will not be, or was refused by the server.
	MayHaveRun bool
	// Err is natserr.Disconnected or a server's violation of permissions.
	Err error
}

func (e *LostAsk) Error() string {
	return fmt.Sprintf("%v (request may have been executed: %t)", e.Err, e.MayHaveRun)
}

// Unwrap is Err.
func (e *LostAsk) Unwrap() error { return e.Err }

// track begins to watch over the Ask t. It fails when the server has refused the subscription for answers.
func (m *mux) track(t Token, k *Tracked, subject, inbox string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused != nil && inbox == "" {
		return &LostAsk{Err: m.refused}
	}
	s := m.slotLocked(t)
	if s == nil {
		return nil // it has been told already
	}
	*k = Tracked{subject: subject, inbox: inbox}
	s.track = k
	if inbox != "" {
		if m.inboxes == nil {
			m.inboxes = make(map[string]Token)
		}
		m.inboxes[inbox] = t
	}
	return nil
}

// placed notes in which era the outbox has taken t. When that one's link is lost already, t ends now.
func (m *mux) placed(t Token, era uint64) {
	if w, err := m.place(t, era); w != nil {
		w.Fail(err)
	}
}

func (m *mux) place(t Token, era uint64) (Waiter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.slotLocked(t)
	if s == nil {
		return nil, nil
	}
	k := s.track
	k.placed, k.era = true, era
	if era >= m.lost {
		return nil, nil
	}
	err := &LostAsk{MayHaveRun: !k.unsent, Err: natserr.Disconnected}
	return m.freeLocked(uint32(t & indexMask)), err
}

// Withdraw is asked by the outbox about a publish that was not written, by its reply subject: true takes it out. Who asked
// is told later, with the others.
func (m *mux) Withdraw(reply []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokenLocked(reply)
	if !ok {
		return false
	}
	s := m.slotLocked(t)
	if s == nil || s.track == nil {
		return false
	}
	s.track.unsent = true
	return true
}

// tokenLocked reads the token in a reply subject.
func (m *mux) tokenLocked(reply []byte) (Token, bool) {
	if m.sub != nil && len(reply) > len(m.prefix) && string(reply[:len(m.prefix)]) == m.prefix {
		return parseToken(reply[len(m.prefix):])
	}
	t, ok := m.inboxes[string(reply)]
	return t, ok
}

// slotLocked is nil when t has ended.
func (m *mux) slotLocked(t Token) *slot {
	i := t & indexMask
	if int(i) >= len(m.slots) || Token(m.slots[i].gen) != t>>indexBits || m.slots[i].waiter == nil {
		return nil
	}
	return &m.slots[i]
}

// untrackLocked forgets what is known beside the slot.
func (m *mux) untrackLocked(s *slot) {
	if s.track != nil && s.track.inbox != "" {
		delete(m.inboxes, s.track.inbox)
	}
	s.track = nil
}

// lostAsk is a tracked Ask that has ended, with its end.
type lostAsk struct {
	w   Waiter
	err error
}

// failTracked ends the tracked Asks of the links before this era.
func (m *mux) failTracked(era uint64) {
	for _, l := range m.dropTracked(era) {
		l.w.Fail(l.err)
	}
}

func (m *mux) dropTracked(era uint64) (dropped []lostAsk) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost, m.refused = era, nil
	for i := range m.slots {
		s := &m.slots[i]
		if s.waiter == nil || s.track == nil || !s.track.placed || s.track.era >= era {
			continue // who is not placed yet finds out there
		}
		err := &LostAsk{MayHaveRun: !s.track.unsent, Err: natserr.Disconnected}
		dropped = append(dropped, lostAsk{m.freeLocked(uint32(i)), err})
	}
	return dropped
}

// denied ends the tracked Asks that a violation of permissions is about.
func (c *Conn) denied(err error) {
	if !errors.Is(err, natserr.PermissionViolation) {
		return
	}
	for _, l := range c.mux.dropDenied(err) {
		l.w.Fail(l.err)
	}
}

// The server's words for violations (nats-server 2.15), in front of the quoted subject.
const (
	deniedPublish   = "Publish to "
	deniedReply     = "Publish with Reply of "
	deniedSubscribe = "Subscription to "
)

func (m *mux) dropDenied(err error) []lostAsk {
	text := err.Error()
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := quotedAfter(text, deniedPublish); ok {
		return m.dropPublishLocked(s, err)
	}
	if s, ok := quotedAfter(text, deniedReply); ok {
		t, _ := m.tokenLocked([]byte(s))
		return m.dropOneLocked(t, &LostAsk{Err: err})
	}
	s, ok := quotedAfter(text, deniedSubscribe)
	if !ok {
		return nil
	}
	if t, own := m.inboxes[s]; own {
		return m.dropOneLocked(t, &LostAsk{MayHaveRun: true, Err: err})
	}
	if m.sub == nil || s != m.sub.subject {
		return nil
	}
	m.refused = err
	return m.dropWhereLocked(func(k *Tracked) bool { return k.inbox == "" }, &LostAsk{MayHaveRun: true, Err: err})
}

// dropPublishLocked ends all Asks on a subject that was denied. Where there are several it is not known which ones the server has
// seen, and one that has not been written yet will still be.
func (m *mux) dropPublishLocked(subject string, err error) []lostAsk {
	lost := &LostAsk{Err: err}
	dropped := m.dropWhereLocked(func(k *Tracked) bool { return k.subject == subject }, lost)
	lost.MayHaveRun = len(dropped) > 1
	return dropped
}

func (m *mux) dropWhereLocked(about func(*Tracked) bool, err error) (dropped []lostAsk) {
	for i := range m.slots {
		if s := &m.slots[i]; s.waiter != nil && s.track != nil && s.track.placed && about(s.track) {
			dropped = append(dropped, lostAsk{m.freeLocked(uint32(i)), err})
		}
	}
	return dropped
}

func (m *mux) dropOneLocked(t Token, err error) []lostAsk {
	s := m.slotLocked(t)
	if s == nil || s.track == nil {
		return nil
	}
	return []lostAsk{{m.freeLocked(uint32(t & indexMask)), err}}
}

// quotedAfter reads the quoted text behind words.
func quotedAfter(text, words string) (string, bool) {
	_, rest, ok := strings.Cut(text, words)
	if !ok {
		return "", false
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", false
	}
	s, err := strconv.Unquote(quoted)
	return s, err == nil
}
