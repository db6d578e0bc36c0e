package pubwin

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// sequences runs a random sequence of 60 to 260 events for each seed and stops at the first violation.
func sequences(seeds iter.Seq[uint64], build func(limit int) machine) (reached map[string]bool, failed *checker, err error) {
	reached = map[string]bool{}
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(seed, 0))
		limit := 1 + rnd.IntN(9)
		c := newChecker(build(limit), limit)
		in := make([]byte, 2*(60+rnd.IntN(200)))
		for i := range in {
			in[i] = byte(rnd.Uint32())
		}
		err = c.run(in)
		for pair := range c.reached {
			reached[pair] = true
		}
		if err != nil {
			return reached, c, fmt.Errorf("-seed %d -sequences 1: %w", seed, err)
		}
	}
	return reached, nil, nil
}

func sound(limit int) machine { return New(Config{MaxPending: limit}) }

func TestInvariants(t *testing.T) {
	t.Parallel()
	reached, failed, err := sequences(seeds(1000), sound)
	if err != nil {
		t.Fatalf("%v\nlast events:\n%s", err, strings.Join(failed.log[max(0, len(failed.log)-40):], "\n"))
	}
	if few(1000) {
		return
	}
	for _, states := range []struct{ states, events string }{
		{"sent waiting ended", "Acked Withdraw NoResponders Fail"},
		{"sent waiting", "Disconnected Disconnected,_may_be_repeated"},
		{"sent", "Disconnected_behind_the_deadline"},
		{"empty all_sent some_waiting", "Disconnected Close Tick"},
		{"sent waiting", "Tick_at_the_deadline"},
		{"waiting", "Tick_after_the_wait"},
		{"room full stalled", "Begin BeginLate"},
	} {
		for state := range strings.FieldsSeq(states.states) {
			for event := range strings.FieldsSeq(states.events) {
				if pair := strings.ReplaceAll(state+"/"+event, "_", " "); !reached[pair] {
					t.Errorf("%q was never reached", pair)
				}
			}
		}
	}
}

// The mutants break one invariant each.
type (
	losesResolve   struct{ *Machine }
	resolvesTwice  struct{ *Machine }
	ignoresAge     struct{ *Machine } // generations are not compared
	retriesTimeout struct{ *Machine }
	repeatsBlindly struct{ *Machine }
	oneMoreTry     struct{ *Machine }
	impatient      struct{ *Machine } // sends before the wait is over
	sleepy         struct{ *Machine } // ticks late
	neverOpens     struct{ *Machine }
	neverIdle      struct{ *Machine }
	forgetsWaiting struct{ *Machine } // Close ends only what is sent
	repeatsLate    struct{ *Machine } // after a lost link also what is over
	losesRepeats   struct{ *Machine } // a lost link has nothing sent again
)

func (m losesResolve) Fail(t Token, c wire.Code) []Action {
	return without(m.Machine.Fail(t, c), Resolve)
}

func (m resolvesTwice) Tick(now mono.Time) []Action {
	acts := m.Machine.Tick(now)
	for _, a := range acts {
		if a.Kind == Resolve {
			return append(acts, a)
		}
	}
	return acts
}

func (m ignoresAge) Acked(t Token) (bool, bool, bool) {
	if n := t.Slot(); n < len(m.slots) && m.slots[n].state != free {
		t = m.token(int32(n))
	}
	return m.Machine.Acked(t)
}

func (m retriesTimeout) Tick(now mono.Time) []Action {
	acts := m.Machine.Tick(now)
	if head := m.lists[byDeadline].head; head != none && m.slots[head].state == sent {
		acts = append(acts, Action{Kind: Send, Token: m.token(head)})
	}
	return acts
}

func (m repeatsBlindly) Begin(now mono.Time, r Retry, d mono.Time) (Token, bool) {
	r.Repeat = true
	return m.Machine.Begin(now, r, d)
}

func (m oneMoreTry) Begin(now mono.Time, r Retry, d mono.Time) (Token, bool) {
	r.Attempts++
	return m.Machine.Begin(now, r, d)
}

func (m impatient) Tick(now mono.Time) []Action { return m.Machine.Tick(now.Add(1)) }

func (m sleepy) Tick(now mono.Time) []Action { return m.Machine.Tick(now - 1) }

func (m neverOpens) Acked(t Token) (live, idle, unstall bool) {
	live, idle, _ = m.Machine.Acked(t)
	return live, idle, false
}

func (m neverIdle) Close(now mono.Time, c wire.Code) []Action {
	return without(m.Machine.Close(now, c), Idle)
}

func (m forgetsWaiting) Close(now mono.Time, c wire.Code) []Action {
	for i := range m.slots {
		if m.slots[i].state == waiting {
			return nil
		}
	}
	return m.Machine.Close(now, c)
}

func (m repeatsLate) Disconnected(mono.Time) []Action { return m.Machine.Disconnected(-1) }

func (m losesRepeats) Disconnected(now mono.Time) []Action {
	return without(m.Machine.Disconnected(now), Send)
}

func without(acts []Action, k Kind) (rest []Action) {
	for _, a := range acts {
		if a.Kind != k {
			rest = append(rest, a)
		}
	}
	return rest
}

func TestMutantsAreKilled(t *testing.T) {
	t.Parallel()
	for name, build := range map[string]func(limit int) machine{
		"a resolve is lost":               func(n int) machine { return losesResolve{New(Config{n})} },
		"a token resolves twice":          func(n int) machine { return resolvesTwice{New(Config{n})} },
		"a stale token ends a newer one":  func(n int) machine { return ignoresAge{New(Config{n})} },
		"a late ack is a reason to send":  func(n int) machine { return retriesTimeout{New(Config{n})} },
		"a lost link is a reason to send": func(n int) machine { return repeatsBlindly{New(Config{n})} },
		"one attempt too many":            func(n int) machine { return oneMoreTry{New(Config{n})} },
		"an attempt too early":            func(n int) machine { return impatient{New(Config{n})} },
		"a deadline is overrun":           func(n int) machine { return sleepy{New(Config{n})} },
		"one publish too many":            func(n int) machine { return New(Config{n + 1}) },
		"a stalled window stays shut":     func(n int) machine { return neverOpens{New(Config{n})} },
		"the end of all is not told":      func(n int) machine { return neverIdle{New(Config{n})} },
		"close forgets the waiting":       func(n int) machine { return forgetsWaiting{New(Config{n})} },
		"sent again behind its deadline":  func(n int) machine { return repeatsLate{New(Config{n})} },
		"a lost link loses what may go":   func(n int) machine { return losesRepeats{New(Config{n})} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := sequences(span(1, 300), build); err == nil {
				t.Error("no sequence of events noticed it")
			}
		})
	}
}

func FuzzMachine(f *testing.F) {
	f.Add(uint8(4), []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0}) // fill, stall, open
	f.Add(uint8(2), []byte{0, 7, 4, 0, 6, 0})                               // wait for an attempt, lose the link
	f.Add(uint8(1), []byte{0, 72, 6, 0, 4, 0, 9, 0, 9, 0})                  // repeat, retry, time out
	f.Add(uint8(9), []byte{0, 130, 0, 131, 1, 3, 5, 1, 7, 0, 0, 0, 2, 2})   // fail, close, use again
	f.Fuzz(func(t *testing.T, limit uint8, in []byte) {
		n := 1 + int(limit%16)
		c := newChecker(sound(n), n)
		if err := c.run(in[:min(len(in), 600)]); err != nil {
			t.Fatalf("%v\n%s", err, strings.Join(c.log, "\n"))
		}
	})
}
