package pull

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// seenFlow counts the (phase, event) pairs that the sequences reach.
type seenFlow struct {
	Flow
	pairs map[string]int
}

func (s *seenFlow) note(event string) { s.pairs[fmt.Sprint(s.phase, " ", event)]++ }

func (s *seenFlow) Arrived(now mono.Time, n, bytes int) bool {
	s.note("arrived")
	return s.Flow.Arrived(now, n, bytes)
}
func (s *seenFlow) Late(n, bytes int) bool  { s.note("late"); return s.Flow.Late(n, bytes) }
func (s *seenFlow) Taken(n, bytes int) bool { s.note("taken"); return s.Flow.Taken(n, bytes) }
func (s *seenFlow) Status(now mono.Time, st wire.Status) []Action {
	s.note("status")
	return s.Flow.Status(now, st)
}
func (s *seenFlow) Inquired(now mono.Time, gone bool) []Action {
	s.note("inquired")
	return s.Flow.Inquired(now, gone)
}
func (s *seenFlow) Disconnected(now mono.Time) []Action {
	s.note("disconnected")
	return s.Flow.Disconnected(now)
}
func (s *seenFlow) Reconnected(now mono.Time) []Action {
	s.note("reconnected")
	return s.Flow.Reconnected(now)
}
func (s *seenFlow) Closed(now mono.Time) []Action { s.note("closed"); return s.Flow.Closed(now) }
func (s *seenFlow) Stop(now mono.Time) []Action   { s.note("stop"); return s.Flow.Stop(now) }
func (s *seenFlow) Drain(now mono.Time) []Action  { s.note("drain"); return s.Flow.Drain(now) }
func (s *seenFlow) Left(now mono.Time) []Action   { s.note("left"); return s.Flow.Left(now) }
func (s *seenFlow) Tick(now mono.Time) []Action   { s.note("tick"); return s.Flow.Tick(now) }

func TestFlowRandomSequences(t *testing.T) {
	t.Parallel()
	pairs := map[string]int{}
	for seed := range seeds(8000) {
		f := &seenFlow{pairs: pairs}
		if fault := playFlow(f, sequence(seed)); fault != "" {
			t.Fatalf("-seed %d -sequences 1: %s", seed, fault)
		}
		if !f.Done() {
			f.Stop(1)
		}
		// Whatever comes after the end does nothing.
		for _, acts := range [][]Action{f.Tick(1), f.Closed(1), f.Stop(1), f.Drain(1), f.Left(1), f.Disconnected(1), f.Reconnected(1), f.Status(1, status(408, "")), f.Inquired(1, true), f.Start(1, true)} {
			if len(acts) > 0 {
				t.Fatalf("-seed %d -sequences 1: %v after the end", seed, acts)
			}
		}
	}
	if few(8000) {
		return
	}
	for p := flowing; p <= flowDone; p++ {
		for _, event := range []string{"arrived", "late", "taken", "status", "inquired", "disconnected", "reconnected", "closed", "stop", "drain", "left", "tick"} {
			if pairs[fmt.Sprint(p, " ", event)] == 0 {
				t.Errorf("no sequence has %s in phase %d", event, p)
			}
		}
	}
}

// flowMutant spoils what a flow says.
type flowMutant struct {
	Flow
	acts     func(f *Flow, now mono.Time, acts []Action) []Action
	deadline func(f *Flow, at mono.Time) mono.Time
	room     func(f *Flow, n int) int
	spare    func(msgs int) int
	taken    func(f *Flow, n int) int
	blind    bool // takes every answer to an inquiry for a yes
}

func (m *flowMutant) spoil(now mono.Time, acts []Action) []Action {
	if m.acts == nil {
		return acts
	}
	return m.acts(&m.Flow, now, acts)
}

func (m *flowMutant) Start(now mono.Time, up bool) []Action {
	return m.spoil(now, m.Flow.Start(now, up))
}
func (m *flowMutant) Tick(now mono.Time) []Action { return m.spoil(now, m.Flow.Tick(now)) }
func (m *flowMutant) Status(now mono.Time, s wire.Status) []Action {
	return m.spoil(now, m.Flow.Status(now, s))
}
func (m *flowMutant) Disconnected(now mono.Time) []Action {
	return m.spoil(now, m.Flow.Disconnected(now))
}
func (m *flowMutant) Reconnected(now mono.Time) []Action {
	return m.spoil(now, m.Flow.Reconnected(now))
}
func (m *flowMutant) Taken(n, bytes int) bool {
	if m.taken != nil {
		n = m.taken(&m.Flow, n)
	}
	return m.Flow.Taken(n, bytes)
}
func (m *flowMutant) Inquired(now mono.Time, gone bool) []Action {
	return m.spoil(now, m.Flow.Inquired(now, gone || m.blind))
}
func (m *flowMutant) Room() int {
	if m.room != nil {
		return m.room(&m.Flow, m.Flow.Room())
	}
	return m.Flow.Room()
}
func (m *flowMutant) Spare() (msgs, bytes int) {
	msgs, bytes = m.Flow.Spare()
	if m.spare != nil {
		msgs = m.spare(msgs)
	}
	return msgs, bytes
}
func (m *flowMutant) Deadline() mono.Time {
	if m.deadline != nil {
		return m.deadline(&m.Flow, m.Flow.Deadline())
	}
	return m.Flow.Deadline()
}

// TestFlowCheckerKills shows that every invariant can fail.
func TestFlowCheckerKills(t *testing.T) {
	t.Parallel()
	each := func(f func(f *Flow, now mono.Time, a *Action)) func(*Flow, mono.Time, []Action) []Action {
		return func(m *Flow, now mono.Time, acts []Action) []Action {
			for i := range acts {
				f(m, now, &acts[i])
			}
			return acts
		}
	}
	without := func(kind Kind) func(*Flow, mono.Time, []Action) []Action {
		return func(_ *Flow, _ mono.Time, acts []Action) (kept []Action) {
			for _, a := range acts {
				if a.Kind != kind {
					kept = append(kept, a)
				}
			}
			return kept
		}
	}
	for name, m := range map[string]flowMutant{
		"asks for one too many":  {acts: each(func(_ *Flow, _ mono.Time, a *Action) { a.Request.Batch++ })},
		"asks for all the bytes": {acts: each(func(f *Flow, _ mono.Time, a *Action) { a.Request.MaxBytes = f.cfg.Request.MaxBytes })},
		"counts twice what the user took": {taken: func(f *Flow, n int) int {
			return 2 * n
		}},
		"overshoots": {room: func(f *Flow, n int) int { return min(n, math.MaxInt-1) + 1 }},
		"asks beyond StopAfter": {acts: each(func(f *Flow, _ mono.Time, a *Action) {
			if a.Kind == Ask && f.left < f.cfg.Request.Batch {
				a.Request.Batch = f.cfg.Request.Batch
			}
		})},
		"forgets the heartbeat": {acts: each(func(_ *Flow, _ mono.Time, a *Action) { a.Request.Heartbeat = 0 })},
		"finishes twice": {acts: func(_ *Flow, _ mono.Time, acts []Action) []Action {
			if len(acts) > 0 && acts[0].Kind == Finish {
				return []Action{acts[0], acts[0]}
			}
			return acts
		}},
		"asks without a connection": {acts: func(f *Flow, now mono.Time, acts []Action) []Action {
			if f.phase == flowOffline {
				return []Action{{Kind: Ask, Request: f.cfg.Request}}
			}
			return acts
		}},
		"leaves old requests out": {acts: without(Void)},
		"asks without a pause": {deadline: func(f *Flow, at mono.Time) mono.Time {
			f.askAt = min(f.askAt, f.askedAt)
			return f.Deadline()
		}},
		"no heartbeat too early": {deadline: func(f *Flow, at mono.Time) mono.Time {
			f.silence.beat = min(f.silence.beat, 1)
			return f.Deadline()
		}},
		"no heartbeat never": {deadline: func(f *Flow, at mono.Time) mono.Time {
			f.silence.since = max(f.silence.since, at)
			return f.Deadline()
		}},
		"no bound": {deadline: func(f *Flow, at mono.Time) mono.Time {
			if f.asked.msgs > 0 {
				return mono.Never
			}
			return at
		}},
		"due for ever": {acts: func(f *Flow, now mono.Time, acts []Action) []Action {
			f.askedAt = -1 << 60
			return acts
		}},
		"sleeps": {deadline: func(f *Flow, at mono.Time) mono.Time {
			if f.asked.msgs == 0 {
				return mono.Never
			}
			return at
		}},
		"lets the user take too many": {spare: func(msgs int) int { return min(msgs, math.MaxInt-3) + 3 }},
		"complete too early": {acts: each(func(_ *Flow, _ mono.Time, a *Action) {
			if a.Kind == Finish {
				a.Code = wire.OK
			}
		})},
		"gives up a consumer that is there": {blind: true},
		"inquires twice": {acts: func(_ *Flow, _ mono.Time, acts []Action) []Action {
			for _, a := range acts {
				if a.Kind == Inquire {
					return append([]Action{a}, acts...)
				}
			}
			return acts
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(5000) {
				b := m
				if playFlow(&b, sequence(seed)) != "" {
					return
				}
			}
			t.Error("no sequence shows it")
		})
	}
}

func FuzzFlow(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(sequence(seed))
	}
	f.Fuzz(func(t *testing.T, events []byte) {
		if fault := playFlow(new(Flow), events[:min(len(events), 1000)]); fault != "" {
			t.Error(fault)
		}
	})
}

// TestOddFlowConfig: whatever a caller asks for, the first request is one that ends.
func TestOddFlowConfig(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  FlowConfig
		want string
	}{
		"zero":      {FlowConfig{}, "ask batch=1 expires=30s"},
		"negative":  {FlowConfig{Request: wire.PullRequest{Batch: -1, MaxBytes: -1, Expires: -1, Heartbeat: -1}, ThresholdMessages: -1, ThresholdBytes: -1, StopAfter: -1}, "ask batch=1 expires=30s"},
		"huge":      {FlowConfig{Request: wire.PullRequest{Batch: math.MaxInt, MaxBytes: math.MaxInt, Expires: math.MaxInt64}, StopAfter: math.MaxInt, ThresholdMessages: math.MaxInt}, fmt.Sprintf("ask batch=%d bytes=2147483647 expires=640511h56m49.213693952s", math.MaxInt)},
		"long beat": {FlowConfig{Request: wire.PullRequest{Batch: 1, Expires: time.Second, Heartbeat: math.MaxInt64}}, "ask batch=1 expires=1s heartbeat=500ms"},
		"short":     {FlowConfig{Request: wire.PullRequest{Batch: 1, Expires: 1, NoWait: true}}, "ask batch=1 expires=10ms"},
	} {
		t.Run(name, func(t *testing.T) {
			var f Flow
			f.Reset(tc.cfg)
			if got := showFlow(f.Start(7, true)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if at := f.Deadline(); at == mono.Never || at <= 7 {
				t.Errorf("due at %d", at)
			}
			f.Arrived(8, math.MaxInt, math.MaxInt)
			f.Taken(math.MaxInt, math.MaxInt)
			f.Tick(9)
		})
	}
}

// TestFlowAllocations: the events of a run of messages allocate nothing, a refill included.
func TestFlowAllocations(t *testing.T) {
	var f Flow
	f.Reset(FlowConfig{Request: wire.PullRequest{Batch: 500, Expires: 30 * time.Second, Heartbeat: 15 * time.Second}})
	f.Start(0, true)
	asks := 0
	if got := testing.AllocsPerRun(1000, func() {
		f.Arrived(1, 100, 10000)
		if f.Taken(100, 10000) {
			asks += len(f.Tick(1))
		}
	}); got > 0 || asks == 0 {
		t.Errorf("got %v allocations and %d requests, want none and some", got, asks)
	}
}

func BenchmarkFlow(b *testing.B) {
	b.ReportAllocs()
	var f Flow
	f.Reset(FlowConfig{Request: wire.PullRequest{Batch: 500, Expires: 30 * time.Second, Heartbeat: 15 * time.Second}})
	f.Start(0, true)
	for b.Loop() {
		f.Arrived(1, 100, 10000)
		if f.Taken(100, 10000) {
			f.Tick(1)
		}
	}
}
