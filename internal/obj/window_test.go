package obj

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// model is a stream and a network for the window's chunks. What was reported as lost may have arrived, or still arrive.
type model struct {
	w      window
	stream []stored          // what the stream has, in order
	ids    map[string]uint64 // what it recognises
	seq    uint64
	flying []*flight
	total  int
	next   int
}

type stored struct {
	seq   uint64
	index int
}

type flight struct {
	c    *chunk
	id   string
	mute bool // the sender has given it up: no answer
}

func newModel(total int) *model { return &model{ids: make(map[string]uint64), total: total} }

func id(c *chunk) string { return fmt.Sprint(c.index, ".", c.epoch) }

func (m *model) fly(c *chunk) { m.flying = append(m.flying, &flight{c: c, id: id(c)}) }

// store is what the stream does with a publish.
func (m *model) store(f *flight) (seq uint64) {
	if seq, dup := m.ids[f.id]; dup {
		return seq
	}
	m.seq++
	m.ids[f.id] = m.seq
	m.stream = append(m.stream, stored{m.seq, f.c.index})
	return m.seq
}

func (m *model) remove(seq uint64) {
	for i, s := range m.stream {
		if s.seq == seq {
			m.stream = append(m.stream[:i:i], m.stream[i+1:]...)
			return
		}
	}
}

// step is one thing that can happen; kind chooses which.
func (m *model) step(kind, arg int, faults bool) {
	switch {
	case m.w.ready():
		remove, again := m.w.repair()
		for _, seq := range remove {
			m.remove(seq)
		}
		for _, c := range again {
			m.fly(c)
		}
	case kind < 4 && !m.w.broken() && m.next < m.total && len(m.w.chunks) < 8:
		c := &chunk{index: m.next}
		m.next++
		m.w.sent(c)
		m.fly(c)
	case len(m.flying) == 0:
	case kind == 8 && faults: // nobody stores the first one now
		f := m.pop()
		if !f.mute {
			m.w.lost(f.c)
		}
	case kind == 9 && faults: // the link breaks: what was written arrives up to a point, the rest stays with the sender or is gone
		m.cut(arg)
	default:
		f := m.pop()
		if seq := m.store(f); !f.mute {
			m.w.stored(f.c, seq)
		}
	}
	m.w.settle()
}

func (m *model) pop() *flight {
	f := m.flying[0]
	m.flying = m.flying[1:]
	return f
}

func (m *model) cut(arg int) {
	arrive := arg % (len(m.flying) + 1)
	gone := arg / 7 % (len(m.flying) - arrive + 1)
	for i, f := range m.flying {
		if i < arrive {
			m.store(f)
		}
		if !f.mute {
			m.w.lost(f.c)
			f.mute = true
		}
	}
	m.flying = m.flying[arrive+gone:]
}

func (m *model) check(t *testing.T, what string) {
	t.Helper()
	if len(m.stream) != m.total {
		t.Fatalf("%s: the stream has %d chunks, want %d: %v", what, len(m.stream), m.total, m.stream)
	}
	for i, s := range m.stream {
		if s.index != i {
			t.Fatalf("%s: chunk %d is at place %d: %v", what, s.index, i, m.stream)
		}
	}
}

// Whatever happens, in the end each chunk is in the stream once, in order.
func TestWindowKeepsOrder(t *testing.T) {
	t.Parallel()
	repairs := 0
	for seed := range uint64(3000) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		m := newModel(20 + int(seed%20))
		for n := 0; m.next < m.total || len(m.w.chunks) > 0; n++ {
			if m.w.ready() {
				repairs++
			}
			if m.step(rnd.IntN(10), rnd.IntN(1000), n < 300); n > 5000 {
				t.Fatalf("seed %d: no end: %d chunks unsettled, %d flying", seed, len(m.w.chunks), len(m.flying))
			}
		}
		for len(m.flying) > 0 { // copies that nobody waits for any more
			m.store(m.pop())
		}
		m.check(t, fmt.Sprint("seed ", seed))
	}
	if repairs < 3000 {
		t.Errorf("only %d repairs: the faults are not hard enough", repairs)
	}
}

func FuzzWindow(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 9, 9, 8, 1, 0, 0, 7, 9, 40})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 9, 3, 9, 77, 9, 200, 8, 8, 5, 9})
	f.Fuzz(func(t *testing.T, moves []byte) {
		m := newModel(10)
		for _, b := range moves[:min(len(moves), 500)] {
			m.step(int(b)%10, int(b), true)
		}
		for n := 0; m.next < m.total || len(m.w.chunks) > 0; n++ {
			if m.step(n%5, 0, false); n > 1000 {
				t.Fatal("no end")
			}
		}
		for len(m.flying) > 0 {
			m.store(m.pop())
		}
		m.check(t, "the end")
	})
}

func TestWindowSettlesInOrder(t *testing.T) {
	t.Parallel()
	var w window
	a, b, c := &chunk{index: 0}, &chunk{index: 1}, &chunk{index: 2}
	for _, x := range []*chunk{a, b, c} {
		w.sent(x)
	}
	w.stored(b, 11)
	if got := w.settle(); len(got) != 0 || !w.hole() || w.broken() {
		t.Fatalf("settled %d with a hole %v, broken %v, want 0, true, false", len(got), w.hole(), w.broken())
	}
	w.stored(a, 10)
	if got := w.settle(); len(got) != 2 || w.hole() {
		t.Fatalf("settled %d, hole %v, want 2, false", len(got), w.hole())
	}
	w.stored(c, 9) // before its turn
	if got := w.settle(); len(got) != 0 || !w.ready() {
		t.Fatalf("settled %d, ready %v, want 0, true", len(got), w.ready())
	}
	remove, again := w.repair()
	if len(remove) != 1 || remove[0] != 9 || len(again) != 1 || again[0] != c || c.epoch != 1 || w.out != 1 {
		t.Errorf("repair: remove %v, again %v, epoch %d, out %d", remove, again, c.epoch, w.out)
	}
}
