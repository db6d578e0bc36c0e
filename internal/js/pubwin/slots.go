package pubwin

import "github.com/gannet-io/nats/internal/mono"

// Token names one publish: number and generation of its slot. Zero is never live.
type Token uint64

const (
	slotBits = 22
	genBits  = 32

	// MostPending is the most that can be pending, whatever the limit is.
	MostPending = 1 << slotBits
	// MostToken is the largest token.
	MostToken = 1<<(slotBits+genBits) - 1
)

// Slot is the dense index of t, below [Machine.Slots]: a shell keeps what belongs to a token in a slice.
func (t Token) Slot() int { return int(t % MostPending) }

type state uint8

const (
	free state = iota
	sent
	waiting // for the time of its next attempt
)

// order is one of the two orders in which live slots are linked.
type order uint8

const (
	byDeadline order = iota // all live ones; with one timeout for all it is the order of Begin
	byAttempt               // those that wait
	orders
)

const none = -1

// slot is one place of the table. A free slot keeps its generation, and the next free one in link[byDeadline].next.
type slot struct {
	due   [orders]mono.Time
	link  [orders]link
	retry Retry
	gen   uint32
	state state
}

type link struct{ prev, next int32 }

// list is sorted by due; equal ones stay in the order of insertion.
type list struct{ head, tail int32 }

// insert looks for the place from the end, because times of one kind mostly rise. It costs as many steps as there are
// later entries: none where all callers use the same timeout and wait.
func (m *Machine) insert(o order, i int32, due mono.Time) {
	l := &m.lists[o]
	after := l.tail
	for after != none && m.slots[after].due[o] > due {
		after = m.slots[after].link[o].prev
	}
	before := l.head
	if after != none {
		before = m.slots[after].link[o].next
	}
	m.slots[i].due[o] = due
	m.slots[i].link[o] = link{after, before}
	m.join(o, after, i)
	m.join(o, i, before)
}

func (m *Machine) remove(o order, i int32) {
	at := m.slots[i].link[o]
	m.join(o, at.prev, at.next)
}

// join makes b the successor of a. None on one side is the end of the list there.
func (m *Machine) join(o order, a, b int32) {
	if a == none {
		m.lists[o].head = b
	} else {
		m.slots[a].link[o].next = b
	}
	if b == none {
		m.lists[o].tail = a
	} else {
		m.slots[b].link[o].prev = a
	}
}

// first is when the head of o is due.
func (m *Machine) first(o order) mono.Time {
	if head := m.lists[o].head; head != none {
		return m.slots[head].due[o]
	}
	return mono.Never
}

// take gives out a free slot, or a new one.
func (m *Machine) take() int32 {
	if i := m.unused; i != none {
		m.unused = m.slots[i].link[byDeadline].next
		return i
	}
	m.slots = append(m.slots, slot{gen: 1})
	return int32(len(m.slots) - 1)
}

// release ends a live slot. Its generation rises, so that the old token is known as such for 2^32 - 1 further uses.
func (m *Machine) release(i int32) {
	s := &m.slots[i]
	m.remove(byDeadline, i)
	if s.state == waiting {
		m.remove(byAttempt, i)
	}
	s.state = free
	if s.gen++; s.gen == 0 {
		s.gen = 1
	}
	s.link[byDeadline].next = m.unused
	m.unused = i
	m.pending--
}

func (m *Machine) token(i int32) Token { return Token(m.slots[i].gen)<<slotBits | Token(i) }

// find returns the slot of a live token.
func (m *Machine) find(t Token) (i int32, ok bool) {
	n := t.Slot()
	if n >= len(m.slots) || m.slots[n].state == free || Token(m.slots[n].gen) != t>>slotBits {
		return none, false
	}
	return int32(n), true
}
