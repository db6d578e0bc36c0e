package pull

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// seen counts the (phase, event) pairs that the sequences reach.
type seen struct {
	Machine
	pairs map[string]int
}

func (s *seen) note(event string) { s.pairs[fmt.Sprint(s.phase, " ", event)]++ }

func (s *seen) Messages(now mono.Time, n, bytes int) bool {
	s.note("messages")
	return s.Machine.Messages(now, n, bytes)
}
func (s *seen) Status(now mono.Time, st wire.Status) []Action {
	s.note("status")
	return s.Machine.Status(now, st)
}
func (s *seen) Disconnected(now mono.Time) []Action {
	s.note("disconnected")
	return s.Machine.Disconnected(now)
}
func (s *seen) Reconnected(now mono.Time) []Action {
	s.note("reconnected")
	return s.Machine.Reconnected(now)
}
func (s *seen) Closed(now mono.Time) []Action { s.note("closed"); return s.Machine.Closed(now) }
func (s *seen) Stop(now mono.Time, c wire.Code) []Action {
	s.note("stop")
	return s.Machine.Stop(now, c)
}
func (s *seen) Tick(now mono.Time) []Action { s.note("tick"); return s.Machine.Tick(now) }

func TestRandomSequences(t *testing.T) {
	t.Parallel()
	pairs := map[string]int{}
	for seed := range seeds(20_000) {
		b := &seen{pairs: pairs}
		if fault := play(b, sequence(seed)); fault != "" {
			t.Fatalf("-seed %d -sequences 1: %s", seed, fault)
		}
		// Whatever comes after the end does nothing.
		for _, acts := range [][]Action{b.Tick(1), b.Closed(1), b.Stop(1, wire.Canceled), b.Reconnected(1), b.Status(1, status(408, "")), b.Start(1, true, 0)} {
			if len(acts) > 0 {
				t.Fatalf("-seed %d -sequences 1: %v after the end", seed, acts)
			}
		}
	}
	if few(20_000) {
		return
	}
	for p := paused; p <= done; p++ {
		for _, event := range []string{"messages", "status", "disconnected", "reconnected", "closed", "stop", "tick"} {
			if pairs[fmt.Sprint(p, " ", event)] == 0 {
				t.Errorf("no sequence has %s in phase %d", event, p)
			}
		}
	}
}

func sequence(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	events := make([]byte, 3+2*60)
	for i := range events {
		events[i] = byte(r.Uint32())
	}
	return events
}

// mutant spoils what a machine says.
type mutant struct {
	Machine
	acts     func(m *Machine, now mono.Time, acts []Action) []Action
	deadline func(m *Machine, at mono.Time) mono.Time
	room     func(m *Machine, n int) int
}

func (m *mutant) spoil(now mono.Time, acts []Action) []Action {
	if m.acts == nil {
		return acts
	}
	return m.acts(&m.Machine, now, acts)
}

func (m *mutant) Start(now mono.Time, up bool, pause time.Duration) []Action {
	return m.spoil(now, m.Machine.Start(now, up, pause))
}
func (m *mutant) Tick(now mono.Time) []Action { return m.spoil(now, m.Machine.Tick(now)) }
func (m *mutant) Status(now mono.Time, s wire.Status) []Action {
	return m.spoil(now, m.Machine.Status(now, s))
}
func (m *mutant) Disconnected(now mono.Time) []Action {
	return m.spoil(now, m.Machine.Disconnected(now))
}
func (m *mutant) Reconnected(now mono.Time) []Action {
	return m.spoil(now, m.Machine.Reconnected(now))
}
func (m *mutant) Room() int {
	if m.room != nil {
		return m.room(&m.Machine, m.Machine.Room())
	}
	return m.Machine.Room()
}
func (m *mutant) Deadline() mono.Time {
	if m.deadline != nil {
		return m.deadline(&m.Machine, m.Machine.Deadline())
	}
	return m.Machine.Deadline()
}

// TestCheckerKills shows that every invariant can fail.
func TestCheckerKills(t *testing.T) {
	t.Parallel()
	each := func(f func(m *Machine, now mono.Time, a *Action)) func(*Machine, mono.Time, []Action) []Action {
		return func(m *Machine, now mono.Time, acts []Action) []Action {
			for i := range acts {
				f(m, now, &acts[i])
			}
			return acts
		}
	}
	for name, m := range map[string]mutant{
		"asks for one too many": {acts: each(func(_ *Machine, _ mono.Time, a *Action) { a.Request.Batch++ })},
		"asks for all the bytes": {acts: each(func(m *Machine, _ mono.Time, a *Action) {
			a.Request.MaxBytes = m.cfg.Request.MaxBytes
		})},
		"heartbeat too long":        {acts: each(func(_ *Machine, _ mono.Time, a *Action) { a.Request.Heartbeat = a.Request.Expires })},
		"request outlives deadline": {acts: each(func(_ *Machine, _ mono.Time, a *Action) { a.Request.Expires += time.Hour })},
		"finishes twice": {acts: func(_ *Machine, _ mono.Time, acts []Action) []Action {
			if len(acts) > 0 && acts[0].Kind == Finish {
				return []Action{acts[0], acts[0]}
			}
			return acts
		}},
		"asks without a connection": {acts: func(m *Machine, now mono.Time, acts []Action) []Action {
			if m.phase == offline {
				m.online = true
				return m.ask(now)
			}
			return acts
		}},
		"no heartbeat too early": {deadline: func(m *Machine, at mono.Time) mono.Time {
			if m.phase == asked && m.silence.beat > 0 {
				m.silence.beat = 1
			}
			return at
		}},
		"no heartbeat never": {deadline: func(m *Machine, at mono.Time) mono.Time {
			if m.phase == asked {
				m.silence.since = max(m.silence.since, at)
			}
			return at
		}},
		"no bound": {deadline: func(m *Machine, at mono.Time) mono.Time {
			if m.phase == offline {
				return mono.Never
			}
			return at
		}},
		"idle instead of dead": {acts: each(func(_ *Machine, _ mono.Time, a *Action) {
			if a.Code == wire.Timeout {
				a.Code = wire.NoAnswer
			}
		})},
		"takes more than asked": {room: func(m *Machine, n int) int { return n + 1 }},
		"complete too early": {acts: each(func(_ *Machine, _ mono.Time, a *Action) {
			if a.Kind == Finish {
				a.Code = wire.OK
			}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(5000) {
				b := m
				if play(&b, sequence(seed)) != "" {
					return
				}
			}
			t.Error("no sequence shows it")
		})
	}
}

func FuzzMachine(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(sequence(seed))
	}
	f.Fuzz(func(t *testing.T, events []byte) {
		if fault := play(new(Machine), events[:min(len(events), 1000)]); fault != "" {
			t.Error(fault)
		}
	})
}
