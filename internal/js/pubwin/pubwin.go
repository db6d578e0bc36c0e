package pubwin

import (
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// Config is fixed for a machine's life.
type Config struct{ MaxPending int } // <= 0: no limit but MostPending

// Action is what the shell must do.
type Action struct {
	Kind  Kind
	Token Token     // Send, Resolve
	Code  wire.Code // Resolve
}

// Kind is the kind of an [Action].
type Kind uint8

const (
	Send    Kind = iota // publish Token again
	Resolve             // Token ends with Code
	Unstall             // the window has room again: wake the stalled callers
	Idle                // nothing is pending any more
)

// Machine is the window of one publisher. Begin and Acked are the hot events: they build no slices and, once the table has
// grown to the width of the window, allocate nothing.
type Machine struct {
	limit   int
	resume  int // a stalled window opens again at this many pending
	pending int
	stalled bool

	slots  []slot
	unused int32 // first free slot
	lists  [orders]list
	out    []Action // returned, reused
}

// New makes a machine with nothing pending.
func New(cfg Config) *Machine {
	limit := cfg.MaxPending
	if limit <= 0 || limit > MostPending {
		limit = MostPending
	}
	m := &Machine{limit: limit, resume: min(limit-limit/4, limit-1), unused: none}
	for o := range m.lists {
		m.lists[o] = list{none, none}
	}
	return m
}

// Begin takes a place in the window; ok is false when it is full, and from then on until Unstall even where a few places
// are free: callers that run on every single ack would wake each other for one message at a time.
func (m *Machine) Begin(now mono.Time, r Retry, deadline mono.Time) (t Token, ok bool) {
	if m.stalled || m.pending >= m.limit {
		m.stalled = true
		return 0, false
	}
	i := m.take()
	m.slots[i].state, m.slots[i].retry = sent, r
	m.insert(byDeadline, i, deadline)
	m.pending++
	return m.token(i), true
}

// BeginLate is Begin for a caller that has waited for long enough: it takes any free place. Where most of the window is
// held by publishes that nobody answers, three quarters may not be reached for a long time.
func (m *Machine) BeginLate(now mono.Time, r Retry, deadline mono.Time) (t Token, ok bool) {
	stalled := m.stalled
	m.stalled = false
	t, ok = m.Begin(now, r, deadline)
	m.stalled = m.stalled || stalled
	return t, ok
}

// Acked ends t: an answer came, whatever it says. live is false for a token that has ended already. idle and unstall say
// what else became true.
func (m *Machine) Acked(t Token) (live, idle, unstall bool) {
	i, ok := m.find(t)
	if !ok {
		return false, false, false
	}
	m.release(i)
	return true, m.pending == 0, m.opened()
}

// Withdraw ends t without a verdict: its first send failed, and the caller is told in another way. Results as [Machine.Acked].
func (m *Machine) Withdraw(t Token) (live, idle, unstall bool) { return m.Acked(t) }

// opened reports once that a stalled window has room again.
func (m *Machine) opened() bool {
	if !m.stalled || m.pending > m.resume {
		return false
	}
	m.stalled = false
	return true
}

// NoResponders says that no stream listens on t's subject: nothing was stored. While attempts are left t is sent again,
// at once or after its wait.
func (m *Machine) NoResponders(now mono.Time, t Token) []Action {
	i, ok := m.find(t)
	if !ok || m.slots[i].state != sent {
		return nil
	}
	m.out = m.out[:0]
	s := &m.slots[i]
	switch {
	case !s.retry.Again():
		m.finish(i, wire.NoResponders)
	case s.due[byDeadline] <= now:
		m.finish(i, wire.AckTimeout)
	case s.retry.Wait <= 0:
		m.out = append(m.out, Action{Kind: Send, Token: t})
	default:
		s.state = waiting
		m.insert(byAttempt, i, now.Add(s.retry.Wait))
	}
	return m.settle()
}

// Fail ends t with c: the connection will not carry it.
func (m *Machine) Fail(t Token, c wire.Code) []Action {
	i, ok := m.find(t)
	if !ok {
		return nil
	}
	m.out = m.out[:0]
	m.finish(i, c)
	return m.settle()
}

// Disconnected says that the link is gone, and with it the answers to what was sent: that may be stored or not. What may be repeated is sent
// again, in the order of the deadlines, or waits for its next attempt; the rest ends.
func (m *Machine) Disconnected(now mono.Time) []Action {
	m.out = m.out[:0]
	for i, next := m.lists[byDeadline].head, int32(none); i != none; i = next {
		s := &m.slots[i]
		next = s.link[byDeadline].next
		switch {
		case !s.retry.Repeat:
			m.finish(i, wire.Disconnected)
		case s.state == waiting:
		case s.due[byDeadline] <= now:
			m.finish(i, wire.AckTimeout)
		default:
			m.out = append(m.out, Action{Kind: Send, Token: m.token(i)})
		}
	}
	return m.settle()
}

// Close ends everything with c, the earliest deadline first. The machine can be used again.
func (m *Machine) Close(now mono.Time, c wire.Code) []Action {
	m.out = m.out[:0]
	for m.lists[byDeadline].head != none {
		m.finish(m.lists[byDeadline].head, c)
	}
	return m.settle()
}

// Deadline says when Tick is due; [mono.Never]: not at all.
func (m *Machine) Deadline() mono.Time { return min(m.first(byDeadline), m.first(byAttempt)) }

// Tick ends what has passed its deadline with AckTimeout, and sends again what has waited. Of a token for which both is
// due it is the end.
func (m *Machine) Tick(now mono.Time) []Action {
	m.out = m.out[:0]
	for due := m.first(byDeadline); due <= now && due != mono.Never; due = m.first(byDeadline) {
		m.finish(m.lists[byDeadline].head, wire.AckTimeout)
	}
	for due := m.first(byAttempt); due <= now && due != mono.Never; due = m.first(byAttempt) {
		i := m.lists[byAttempt].head
		m.remove(byAttempt, i)
		m.slots[i].state = sent
		m.out = append(m.out, Action{Kind: Send, Token: m.token(i)})
	}
	return m.settle()
}

// finish ends a live slot with c.
func (m *Machine) finish(i int32, c wire.Code) {
	m.out = append(m.out, Action{Kind: Resolve, Token: m.token(i), Code: c})
	m.release(i)
}

// settle adds what the ends in m.out have made true.
func (m *Machine) settle() []Action {
	ended := false
	for _, a := range m.out {
		ended = ended || a.Kind == Resolve
	}
	if ended && m.opened() {
		m.out = append(m.out, Action{Kind: Unstall})
	}
	if ended && m.pending == 0 {
		m.out = append(m.out, Action{Kind: Idle})
	}
	return m.out
}

// Pending is how many tokens are live.
func (m *Machine) Pending() int { return m.pending }

// Live reports whether t has not ended.
func (m *Machine) Live(t Token) bool {
	_, ok := m.find(t)
	return ok
}

// Slots is how many slots have been used so far; it never falls.
func (m *Machine) Slots() int { return len(m.slots) }
