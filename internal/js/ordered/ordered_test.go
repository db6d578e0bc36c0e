package ordered

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestMachine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		start  uint64
		events string // m<consumer>,<stream>  h<last consumer>  r<first>  l
		want   string // one letter each: deliver, Drop, Reset, - for no verdict
		from   uint64
	}{
		"in order":                       {7, "m1,10 m2,12 h2 m3,13", "dddd", 14},
		"a message is missing":           {7, "m1,10 m3,14 m4,15 h4 m2,12", "dRDDD", 11},
		"the first one is missing":       {7, "m2,10 m3,11", "RD", 7},
		"another consumer":               {7, "m1,10 m3,14 r11 m1,11 m2,14", "dR-dd", 15},
		"a duplicate":                    {7, "m1,10 m1,10 m2,11", "dDd", 12},
		"a heartbeat shows a gap":        {7, "m1,10 h1 h2 h1 m2,11", "ddRDD", 11},
		"a heartbeat of somebody else":   {7, "m1,10 m2,11 h1", "ddR", 12},
		"an empty consumer":              {7, "h0 h0 h1", "ddR", 7},
		"behind what was delivered":      {7, "m1,10 r0 m1,10 m2,9 m3,11", "d-DDd", 12},
		"before the start":               {7, "m1,6 m2,7", "Dd", 8},
		"stream sequences that stay":     {7, "m1,10 m2,10 m3,11", "dDd", 12},
		"given up":                       {7, "m1,10 l m2,11 h2 r11 m1,11", "d-DD-d", 12},
		"an unknown start, named":        {0, "r5 m1,4 m2,5", "-Dd", 6},
		"an unknown start, not named":    {0, "r0 m1,4", "-d", 5},
		"named before the first message": {0, "r5 l r9", "---", 5},
		"odd numbers":                    {0, "m0,0 m1,0 m2,18446744073709551615 h18446744073709551615", "DDDR", 0},
		"the last number of a consumer":  {1, "m18446744073709551615,1", "R", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, got := New(tc.start), ""
			for _, e := range strings.Fields(tc.events) {
				got += play(t, m, e)
			}
			if got != tc.want || m.From() != tc.from {
				t.Errorf("got %s, then from %d, want %s from %d", got, m.From(), tc.want, tc.from)
			}
		})
	}
}

func play(t *testing.T, m *Machine, event string) string {
	t.Helper()
	var a, b uint64
	verdict := func(v Verdict) string { return string("dDR"[v]) }
	switch event[0] {
	case 'm':
		if _, err := fmt.Sscanf(event, "m%d,%d", &a, &b); err != nil {
			t.Fatal(err)
		}
		return verdict(m.Message(a, b))
	case 'h':
		if _, err := fmt.Sscanf(event, "h%d", &a); err != nil {
			t.Fatal(err)
		}
		return verdict(m.Heartbeat(a))
	case 'r':
		if _, err := fmt.Sscanf(event, "r%d", &a); err != nil {
			t.Fatal(err)
		}
		m.Recreated(a)
	default:
		m.Lost()
	}
	return "-"
}

// machine is a [Machine], or one with a fault of its own.
type machine interface {
	Message(consumerSeq, streamSeq uint64) Verdict
	Heartbeat(lastConsumerSeq uint64) Verdict
	Recreated(first uint64)
	Lost()
	From() uint64
}

// watcher checks the invariants of a Machine from outside, by what a reader sees. It keeps books of its own: which numbers the current consumer
// has brought, in order.
type watcher struct {
	m         machine
	from      uint64 // the largest From so far
	delivered uint64 // the last stream sequence
	seen      uint64 // consumer sequences 1 to seen were judged in order
	lost      bool   // a Reset or Lost since the last consumer
	states    map[string]int
}

func (w *watcher) message(consumer, stream uint64) error {
	w.count("message")
	before, due := w.m.From(), w.seen+1
	v := w.m.Message(consumer, stream)
	good := stream > 0 && stream >= before && stream < math.MaxUint64
	want := Deliver
	switch {
	case w.lost || consumer < due:
		want = Drop
	case consumer > due:
		want, w.lost = Reset, true
	default:
		if w.seen = due; !good {
			want = Drop
		}
	}
	if v != want {
		return fmt.Errorf("message %d,%d: got verdict %d, want %d", consumer, stream, v, want)
	}
	if v == Deliver {
		if stream <= w.delivered {
			return fmt.Errorf("delivered %d behind %d", stream, w.delivered)
		}
		if w.delivered = stream; w.m.From() != stream+1 {
			return fmt.Errorf("from %d after %d", w.m.From(), stream)
		}
	} else if w.m.From() != before {
		return fmt.Errorf("from %d became %d by a message that was not delivered", before, w.m.From())
	}
	return w.check()
}

func (w *watcher) heartbeat(last uint64) error {
	w.count("heartbeat")
	want := Deliver
	switch {
	case w.lost:
		want = Drop
	case last != w.seen:
		want, w.lost = Reset, true
	}
	if v := w.m.Heartbeat(last); v != want {
		return fmt.Errorf("heartbeat %d: got verdict %d, want %d", last, v, want)
	}
	return w.check()
}

func (w *watcher) recreated(first uint64) error {
	w.count("recreated")
	before := w.m.From()
	w.m.Recreated(first)
	w.seen, w.lost = 0, false
	if want := max(before, first*b2u(before == 0)); w.m.From() != want {
		return fmt.Errorf("from %d after recreated(%d) at %d, want %d", w.m.From(), first, before, want)
	}
	return w.check()
}

func (w *watcher) giveUp() error {
	w.count("lost")
	w.m.Lost()
	w.lost = true
	return w.check()
}

func (w *watcher) check() error {
	from := w.m.From()
	if from < w.from || w.delivered > 0 && from <= w.delivered {
		return fmt.Errorf("from %d, after %d and message %d", from, w.from, w.delivered)
	}
	w.from = from
	return nil
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (w *watcher) count(event string) {
	if w.states != nil {
		w.states[fmt.Sprintf("%s: lost %v, begun %v, start known %v", event, w.lost, w.seen > 0, w.m.From() > 0)]++
	}
}

// TestMachineProperties plays random servers, honest and others, and wants each kind of event in each state.
func TestMachineProperties(t *testing.T) {
	t.Parallel()
	states := map[string]int{}
	for seed := range seeds(3000) {
		if trace, err := sequence(seed, func(start uint64) machine { return New(start) }, states); err != nil {
			t.Fatalf("-seed %d -sequences 1: %v\n%s", seed, err, trace)
		}
	}
	if len(states) != 4*8 && !few(3000) {
		for _, s := range slices.Sorted(maps.Keys(states)) {
			t.Log(s, states[s])
		}
		t.Errorf("%d pairs of event and state were reached, want %d", len(states), 4*8)
	}
}

// sequence plays 80 random events.
func sequence(seed uint64, build func(start uint64) machine, states map[string]int) (trace string, err error) {
	r := rand.New(rand.NewPCG(seed, 1))
	start := uint64(r.IntN(3))
	w := &watcher{m: build(start), from: start, states: states}
	trace = fmt.Sprint(start)
	near := func(n uint64) uint64 { return n + uint64(r.IntN(4)) - 1 }
	for i := 0; i < 80 && err == nil; i++ {
		switch r.IntN(8) {
		case 0, 1, 2, 3:
			c, s := w.seen+1, max(w.m.From(), 1)+uint64(r.IntN(3))
			if r.IntN(6) == 0 {
				c, s = near(w.seen), near(w.delivered)
			}
			if w.m.From() == 0 && r.IntN(2) == 0 {
				s = 0
			}
			trace += fmt.Sprintf(" m%d,%d", c, s)
			err = w.message(c, s)
		case 4, 5:
			last := w.seen
			if r.IntN(6) == 0 {
				last = near(last)
			}
			trace += fmt.Sprintf(" h%d", last)
			err = w.heartbeat(last)
		case 6:
			first := uint64(r.IntN(3))
			trace += fmt.Sprintf(" r%d", first)
			err = w.recreated(first)
		case 7:
			if r.IntN(4) == 0 {
				trace += " l"
				err = w.giveUp()
			}
		}
	}
	return trace, err
}

// mutant is a Machine that is spoilt where a function is set.
type mutant struct {
	*Machine
	message   func(m *Machine, consumer, stream uint64) Verdict
	heartbeat func(m *Machine, last uint64) Verdict
	recreated func(m *Machine, first uint64)
	lost      func(m *Machine)
}

func (m mutant) Message(consumer, stream uint64) Verdict {
	if m.message != nil {
		return m.message(m.Machine, consumer, stream)
	}
	return m.Machine.Message(consumer, stream)
}

func (m mutant) Heartbeat(last uint64) Verdict {
	if m.heartbeat != nil {
		return m.heartbeat(m.Machine, last)
	}
	return m.Machine.Heartbeat(last)
}

func (m mutant) Recreated(first uint64) {
	if m.recreated != nil {
		m.recreated(m.Machine, first)
		return
	}
	m.Machine.Recreated(first)
}

func (m mutant) Lost() {
	if m.lost != nil {
		m.lost(m.Machine)
		return
	}
	m.Machine.Lost()
}

// TestMutantsAreKilled shows that every invariant can fail.
func TestMutantsAreKilled(t *testing.T) {
	t.Parallel()
	for name, spoilt := range map[string]mutant{
		"delivers a duplicate": {message: func(m *Machine, consumer, stream uint64) Verdict {
			if !m.lost && consumer == m.last && consumer > 0 {
				return Deliver
			}
			return m.Message(consumer, stream)
		}},
		"does not see a gap": {message: func(m *Machine, consumer, stream uint64) Verdict {
			m.last = max(m.last, consumer) - min(1, consumer)
			return m.Message(consumer, stream)
		}},
		"tells a gap twice": {message: func(m *Machine, consumer, stream uint64) Verdict {
			v := m.Message(consumer, stream)
			if v == Reset {
				m.lost = false
			}
			return v
		}},
		"delivers what was before": {message: func(m *Machine, consumer, stream uint64) Verdict {
			m.from = min(m.from, 1)
			return m.Message(consumer, stream)
		}},
		"delivers of a lost consumer":      {lost: func(*Machine) {}},
		"does not hear a gap":              {heartbeat: func(*Machine, uint64) Verdict { return Deliver }},
		"takes fewer for the same":         {heartbeat: func(m *Machine, last uint64) Verdict { return m.Heartbeat(max(last, m.last)) }},
		"begins where the server says":     {recreated: func(m *Machine, first uint64) { m.Recreated(first); m.from = first }},
		"does not learn where it begins":   {recreated: func(m *Machine, _ uint64) { m.Recreated(0) }},
		"counts on with another consumer":  {recreated: func(m *Machine, first uint64) { last := m.last; m.Recreated(first); m.last = last }},
		"does not take up a new consumer":  {recreated: func(m *Machine, first uint64) { lost := m.lost; m.Recreated(first); m.lost = lost }},
		"leaves out what comes after zero": {message: func(m *Machine, consumer, stream uint64) Verdict { return m.Message(consumer, stream+1) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(500) {
				m := spoilt
				if _, err := sequence(seed, func(start uint64) machine { m.Machine = New(start); return m }, nil); err != nil {
					return
				}
			}
			t.Error("no sequence of events noticed it")
		})
	}
}

// FuzzMachine turns bytes into events.
func FuzzMachine(f *testing.F) {
	f.Add(uint64(0), []byte("r0a1b2c3"))
	f.Add(uint64(7), []byte{0, 1, 7, 1, 1, 0, 2, 0, 0, 3, 0, 0, 0, 1, 8})
	f.Fuzz(func(t *testing.T, start uint64, events []byte) {
		w := &watcher{m: New(start), from: start}
		for len(events) >= 3 {
			kind, a, b := events[0], uint64(events[1]), uint64(events[2])
			events = events[3:]
			if kind&0x40 != 0 { // at the end of the numbers
				a, b = math.MaxUint64-a, math.MaxUint64-b
			}
			if kind&0x80 != 0 { // where it hurts
				a, b = a+w.seen, b+w.m.From()
			}
			var err error
			switch kind % 4 {
			case 0:
				err = w.message(a, b)
			case 1:
				err = w.heartbeat(a)
			case 2:
				err = w.recreated(a)
			case 3:
				err = w.giveUp()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestMachineAllocations(t *testing.T) {
	m, seq := New(1), uint64(0)
	if got := testing.AllocsPerRun(1000, func() { seq++; m.Message(seq, seq); m.Heartbeat(seq) }); got != 0 {
		t.Errorf("%v allocations a message, want 0", got)
	}
}
