package push

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/mono"
)

// flowMachine is a [Flow], or one with a fault of its own.
type flowMachine interface {
	Start()
	Watch(now mono.Time, beat time.Duration, up bool)
	Stop()
	Arrived(now mono.Time, n int, consumerSeq, streamSeq uint64)
	Handled(total uint64) []FlowAction
	FlowControl(now mono.Time, reply string) []FlowAction
	Heartbeat(now mono.Time, last uint64, known bool, stalled string) []FlowAction
	Disconnected()
	Reconnected(now mono.Time)
	Deadline() mono.Time
	Tick(now mono.Time) []FlowAction
}

// flowChecker drives a flow as a shell does, with a server that asks for flow control, keeps its own books, and compares.
type flowChecker struct {
	m    flowMachine
	now  mono.Time
	beat time.Duration

	watching, up bool
	quiet        mono.Time // the last sign of life, or Missed
	doubted      bool

	arrived, handled uint64
	asked            string // the request that the server waits for
	at               uint64 // what had arrived before it
	awaited          uint64 // the mark that the shell watches
	asks             int
	seen             uint64
	told             uint64
	fault            string
}

func (c *flowChecker) failf(format string, args ...any) {
	if c.fault == "" {
		c.fault = fmt.Sprintf("at %v: ", time.Duration(c.now)) + fmt.Sprintf(format, args...)
	}
}

func (c *flowChecker) heard() { c.quiet, c.doubted = c.now, false }

// do looks at actions; sent is what a heartbeat says, 0 for other events.
func (c *flowChecker) do(acts []FlowAction, sent uint64) {
	differs := false
	for _, a := range acts {
		switch a.Kind {
		case Answer:
			if a.Reply != c.asked || c.asked == "" {
				c.failf("answers %q, the server waits for %q", a.Reply, c.asked)
			}
			if c.handled < c.at {
				c.failf("answers after %d messages were handled, %d had arrived", c.handled, c.at)
			}
			c.asked = ""
		case Await:
			c.awaited = a.Mark
		case Doubt:
			if !c.watching || !c.up || c.doubted || c.now < c.quiet.Add(c.beat) {
				c.failf("doubts; the last sign of life was at %v", time.Duration(c.quiet))
			}
			c.doubted = true
		case Missed:
			if !c.watching || !c.up || c.now < c.quiet.Add(2*c.beat) {
				c.failf("misses a heartbeat; the last sign of life was at %v", time.Duration(c.quiet))
			}
			c.heard()
		case Differs:
			differs = true
			if sent == 0 || sent == c.seen || a.Mismatch.Sent != sent || a.Mismatch.Seen != c.seen {
				c.failf("differs %+v; sent %d, seen %d", a.Mismatch, sent, c.seen)
			}
		}
	}
	if sent > 0 && c.seen > 0 && sent != c.seen && sent != c.told && !differs {
		c.failf("silent about %d sent and %d seen", sent, c.seen)
	}
	if c.asked != "" && c.handled >= c.at {
		c.failf("no answer to %q: %d handled, %d needed", c.asked, c.handled, c.at)
	}
	if c.asked != "" && c.awaited < c.at {
		c.failf("nobody watches for %d", c.at)
	}
}

// pass lets the time go on to t, with the ticks that are due.
func (c *flowChecker) pass(t mono.Time) {
	for n := 0; c.m.Deadline() <= t; n++ {
		if due := c.m.Deadline(); due > c.now {
			c.now = due
		}
		c.do(c.m.Tick(c.now), 0)
		if n > 1000 {
			c.failf("the deadline stays at %v", time.Duration(c.m.Deadline()))
			return
		}
	}
	c.now = t
	if c.watching && c.up && c.now > c.quiet.Add(2*c.beat) {
		c.failf("silent for %v", c.now.Sub(c.quiet))
	}
}

// source are the choices of one sequence.
type source func(n int) int

func fromSeed(seed uint64) source {
	r := rand.New(rand.NewPCG(seed, 1))
	return r.IntN
}

func fromBytes(b []byte) source {
	return func(n int) int {
		if len(b) == 0 {
			return 0
		}
		v := int(b[0])
		b = b[1:]
		return v % n
	}
}

// flowEvents are what may happen; each returns its name.
func (c *flowChecker) event(pick source) string {
	c.pass(c.now.Add(time.Duration(pick(40)) * 50 * time.Millisecond))
	switch pick(12) {
	case 0:
		c.m.Start()
		c.watching, c.asked, c.seen, c.told = false, "", 0, 0
		return "start"
	case 1:
		c.beat = time.Duration(pick(5)) * 200 * time.Millisecond
		c.watching, c.up = c.beat > 0, pick(5) > 0
		c.m.Watch(c.now, c.beat, c.up)
		c.heard()
		return "watch"
	case 2:
		c.m.Stop()
		c.watching = false
		return "stop"
	case 3, 4:
		n := pick(4)
		c.arrived += uint64(n)
		c.heard()
		seq := uint64(pick(6))
		if seq > 0 {
			c.seen = seq
		}
		c.m.Arrived(c.now, n, seq, seq*10)
		return "arrived"
	case 5, 6:
		c.handled = min(c.arrived, c.handled+uint64(pick(4)))
		c.do(c.m.Handled(c.handled), 0)
		return "handled"
	case 7:
		c.asks++
		c.asked, c.at, c.awaited = fmt.Sprint("r", c.asks), c.arrived, 0
		c.heard()
		c.do(c.m.FlowControl(c.now, c.asked), 0)
		return "control"
	case 8:
		c.heard()
		sent := uint64(pick(6))
		c.do(c.m.Heartbeat(c.now, sent, sent > 0, c.asked), sent)
		switch {
		case sent == 0 || c.seen == 0:
		case sent == c.seen:
			c.told = 0
		default:
			c.told = sent
		}
		return "heartbeat"
	case 9:
		c.m.Disconnected()
		c.up = false
		return "disconnected"
	case 10:
		c.m.Reconnected(c.now)
		c.up = true
		c.heard()
		return "reconnected"
	}
	c.do(c.m.Tick(c.now), 0)
	return "tick"
}

func playFlow(m flowMachine, pick source, events int, note func(event string)) string {
	c := &flowChecker{m: m}
	for range events {
		name := c.event(pick)
		if note != nil {
			note(name)
		}
		if c.fault != "" {
			return c.fault
		}
	}
	return ""
}

// flowState names the state for the count of pairs.
func flowState(m *Flow) string { return fmt.Sprint(m.watching, m.up, m.reply != "") }

func TestFlowRandomSequences(t *testing.T) {
	t.Parallel()
	pairs := map[string]int{}
	for seed := range seeds(3000) {
		m := new(Flow)
		state := flowState(m)
		if fault := playFlow(m, fromSeed(seed), 80, func(event string) {
			pairs[state+" "+event]++
			state = flowState(m)
		}); fault != "" {
			t.Fatalf("-seed %d -sequences 1: %s", seed, fault)
		}
	}
	if few(3000) {
		return
	}
	for _, watching := range []bool{false, true} {
		for _, up := range []bool{false, true} {
			for _, waits := range []bool{false, true} {
				for _, event := range []string{"start", "watch", "stop", "arrived", "handled", "control", "heartbeat", "disconnected", "reconnected", "tick"} {
					if p := fmt.Sprint(watching, up, waits) + " " + event; pairs[p] == 0 {
						t.Errorf("no sequence has %s", p)
					}
				}
			}
		}
	}
}

// flowMutant spoils what a flow says, or what it hears.
type flowMutant struct {
	Flow
	acts     func(acts []FlowAction) []FlowAction
	handled  func(total uint64) uint64
	deaf     bool // to messages as a sign of life
	deadline func(at mono.Time) mono.Time
}

func (m *flowMutant) spoil(acts []FlowAction) []FlowAction {
	if m.acts == nil {
		return acts
	}
	return m.acts(acts)
}

func (m *flowMutant) Tick(now mono.Time) []FlowAction { return m.spoil(m.Flow.Tick(now)) }
func (m *flowMutant) Heartbeat(now mono.Time, last uint64, known bool, stalled string) []FlowAction {
	return m.spoil(m.Flow.Heartbeat(now, last, known, stalled))
}

func (m *flowMutant) FlowControl(now mono.Time, reply string) []FlowAction {
	return m.spoil(m.Flow.FlowControl(now, reply))
}

func (m *flowMutant) Handled(total uint64) []FlowAction {
	if m.handled != nil {
		total = m.handled(total)
	}
	return m.spoil(m.Flow.Handled(total))
}

func (m *flowMutant) Arrived(now mono.Time, n int, consumerSeq, streamSeq uint64) {
	since, doubted := m.since, m.doubted
	m.Flow.Arrived(now, n, consumerSeq, streamSeq)
	if m.deaf {
		m.since, m.doubted = since, doubted
	}
}

func (m *flowMutant) Deadline() mono.Time {
	if m.deadline != nil {
		return m.deadline(m.Flow.Deadline())
	}
	return m.Flow.Deadline()
}

// TestFlowCheckerKills shows that every invariant can fail.
func TestFlowCheckerKills(t *testing.T) {
	t.Parallel()
	without := func(kind FlowKind) func([]FlowAction) []FlowAction {
		return func(acts []FlowAction) (kept []FlowAction) {
			for _, a := range acts {
				if a.Kind != kind {
					kept = append(kept, a)
				}
			}
			return kept
		}
	}
	for name, mutant := range map[string]*flowMutant{
		"answers too early":             {handled: func(total uint64) uint64 { return total + 1 }},
		"never answers":                 {acts: without(Answer)},
		"does not have anybody watch":   {acts: without(Await)},
		"does not notice silence":       {deadline: func(mono.Time) mono.Time { return mono.Never }},
		"misses one heartbeat too few":  {acts: without(Missed)},
		"takes no message for life":     {deaf: true},
		"is late":                       {deadline: func(at mono.Time) mono.Time { return at.Add(100 * time.Millisecond) }},
		"says nothing about a mismatch": {acts: without(Differs)},
		"answers another request": {acts: func(acts []FlowAction) []FlowAction {
			for i := range acts {
				acts[i].Reply += "x"
			}
			return acts
		}},
	} {
		killed := false
		for seed := uint64(0); seed < 500 && !killed; seed++ {
			m := *mutant
			m.Flow = Flow{}
			killed = playFlow(&m, fromSeed(seed), 80, nil) != ""
		}
		if !killed {
			t.Errorf("a flow that %s passes", name)
		}
	}
}

func FuzzFlow(f *testing.F) {
	for seed := range byte(8) {
		b := make([]byte, 200)
		for i := range b {
			b[i] = byte(i)*37 + seed*11
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if fault := playFlow(new(Flow), fromBytes(b), min(len(b)/2, 300), nil); fault != "" {
			t.Error(fault)
		}
	})
}

// TestFlowDoesNotAllocate: what happens per run of messages.
func TestFlowDoesNotAllocate(t *testing.T) {
	m := new(Flow)
	m.Watch(0, time.Second, true)
	now := mono.Time(0)
	if n := testing.AllocsPerRun(1000, func() {
		now++
		m.Arrived(now, 10, uint64(now), uint64(now))
		m.FlowControl(now, "r")
		m.Handled(m.arrived)
		m.Heartbeat(now, uint64(now), true, "")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
