package ingest

import (
	"testing"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// mutant spoils a machine. The zero value spoils nothing.
type mutant struct {
	acts    func(m *Machine, now mono.Time, acts []Action) []Action // behind every event
	due     func(m *Machine, at mono.Time) mono.Time
	repeats bool // takes all messages for such with ids
}

// each changes single actions.
func each(f func(m *Machine, a *Action)) func(*Machine, mono.Time, []Action) []Action {
	return func(m *Machine, _ mono.Time, acts []Action) []Action {
		for i := range acts {
			f(m, &acts[i])
		}
		return acts
	}
}

// without leaves the actions of a kind out.
func without(kind Kind) func(*Machine, mono.Time, []Action) []Action {
	return func(_ *Machine, _ mono.Time, acts []Action) (kept []Action) {
		for _, a := range acts {
			if a.Kind != kind {
				kept = append(kept, a)
			}
		}
		return kept
	}
}

// begins is without what it said before: the machine begins a batch anew.
func begins(m *Machine, now mono.Time) []Action {
	m.out = nil
	m.begin(now)
	return m.out
}

// TestMutantsAreKilled shows that every invariant can fail.
func TestMutantsAreKilled(t *testing.T) {
	t.Parallel()
	for name, spoilt := range map[string]mutant{
		"leaves a message out": {acts: each(func(_ *Machine, a *Action) {
			if a.Kind == Send && a.From < a.To {
				a.From++
			}
		})},
		"sends more than the window": {acts: func(m *Machine, _ mono.Time, acts []Action) []Action {
			m.every *= 3
			return acts
		}},
		"releases what is not stored": {acts: each(func(m *Machine, a *Action) {
			if a.Kind == Release {
				a.To, m.acked = m.sent, m.sent
			}
		})},
		"releases nothing": {acts: without(Release)},
		"begins anew before the ack of the prefix": {acts: func(m *Machine, now mono.Time, acts []Action) []Action {
			if m.phase == Ending {
				return begins(m, now)
			}
			return acts
		}},
		"begins anew after a loss": {acts: func(m *Machine, now mono.Time, acts []Action) []Action {
			if m.phase == Asking && m.up {
				return begins(m, now)
			}
			return acts
		}},
		"repeats without ids": {repeats: true},
		"gives up although it may repeat": {acts: func(m *Machine, now mono.Time, acts []Action) []Action {
			m.cfg.Repeat = false
			return acts
		}},
		"forgets what a forgotten batch may have stored": {acts: func(m *Machine, _ mono.Time, acts []Action) []Action {
			m.risk = 0
			return acts
		}},
		"ends twice": {acts: func(_ *Machine, _ mono.Time, acts []Action) []Action {
			if n := len(acts); n > 0 && acts[n-1].Kind == Finish {
				return append(acts, acts[n-1])
			}
			return acts
		}},
		"goes on behind the end": {acts: func(m *Machine, _ mono.Time, acts []Action) []Action {
			if m.phase == Over {
				m.phase = Idle
			}
			return acts
		}},
		"never ends":      {acts: without(Finish)},
		"does not commit": {acts: without(Commit)},
		"does not ask":    {acts: without(Ping)},
		"ends well although it was refused": {acts: each(func(_ *Machine, a *Action) {
			if a.Kind == Finish {
				a.Code = wire.OK
			}
		})},
		"takes a refusal behind a gap for the end": {acts: func(m *Machine, _ mono.Time, acts []Action) []Action {
			if m.phase == Ending && m.refused != nil {
				m.out = acts
				m.finish(wire.ServerRefused, m.refused)
				return m.out
			}
			return acts
		}},
		"waits for an answer for ever": {due: func(m *Machine, at mono.Time) mono.Time {
			if m.phase == Committing {
				return mono.Never
			}
			return at
		}},
		"does not notice that an ack is lost": {due: func(m *Machine, at mono.Time) mono.Time {
			if m.phase == Open {
				return mono.Never
			}
			return at
		}},
		"stays idle when nobody led the stream": {due: func(m *Machine, at mono.Time) mono.Time {
			if m.phase == Idle {
				return mono.Never
			}
			return at
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(20_000) {
				if play(seed, spoilt) != "" {
					return
				}
			}
			t.Error("no sequence of events noticed it")
		})
	}
}
