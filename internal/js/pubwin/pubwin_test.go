package pubwin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// script drives one machine in milliseconds; tokens are named by the letter given at Begin. It returns what the machine
// said, event by event.
type script struct {
	m     *Machine
	now   mono.Time
	names map[Token]string
	token map[string]Token
}

func (s *script) do(line string) string {
	f := strings.Fields(line)
	var ms int
	fmt.Sscanf(f[0], "%d", &ms)
	s.now = mono.Time(ms) * mono.Time(time.Millisecond)
	switch f[1] {
	case "begin", "late":
		return s.begin(f[1] == "late", f[2], f[3:])
	case "acked":
		return flags(s.m.Acked(s.token[f[2]]))
	case "withdraw":
		return flags(s.m.Withdraw(s.token[f[2]]))
	case "503":
		return s.say(s.m.NoResponders(s.now, s.token[f[2]]))
	case "fail":
		return s.say(s.m.Fail(s.token[f[2]], wire.OtherStatus))
	case "disconnected":
		return s.say(s.m.Disconnected(s.now))
	case "close":
		return s.say(s.m.Close(s.now, wire.PublisherClosed))
	case "tick":
		return s.say(s.m.Tick(s.now))
	}
	panic(line)
}

func (s *script) begin(late bool, name string, opts []string) string {
	var r Retry
	deadline := mono.Never
	for _, o := range opts {
		var n int
		if key, value, ok := strings.Cut(o, "="); ok {
			fmt.Sscanf(value, "%d", &n)
			switch key {
			case "attempts":
				r.Attempts = n
			case "wait":
				r.Wait = time.Duration(n) * time.Millisecond
			case "by":
				deadline = mono.Time(n) * mono.Time(time.Millisecond)
			}
		}
		r.Repeat = r.Repeat || o == "repeat"
	}
	begin := s.m.Begin
	if late {
		begin = s.m.BeginLate
	}
	t, ok := begin(s.now, r, deadline)
	if !ok {
		return "full"
	}
	s.names[t], s.token[name] = name, t
	return ""
}

func flags(live, idle, unstall bool) string {
	var out []string
	for _, f := range []struct {
		set  bool
		name string
	}{{!live, "stale"}, {unstall, "unstall"}, {idle, "idle"}} {
		if f.set {
			out = append(out, f.name)
		}
	}
	return strings.Join(out, " ")
}

func (s *script) say(acts []Action) string {
	var out []string
	for _, a := range acts {
		switch a.Kind {
		case Send:
			out = append(out, "send:"+s.names[a.Token])
		case Resolve:
			code := map[wire.Code]string{wire.NoResponders: "no-responders", wire.AckTimeout: "timeout", wire.Disconnected: "disconnected",
				wire.PublisherClosed: "closed", wire.OtherStatus: "failed"}[a.Code]
			out = append(out, s.names[a.Token]+":"+code)
		case Unstall:
			out = append(out, "unstall")
		case Idle:
			out = append(out, "idle")
		}
	}
	return strings.Join(out, " ")
}

func TestScripts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limit int
		steps []string // "<ms> event [=> what the machine says]"
		next  int      // ms of the deadline at the end, 0 for none
	}{
		"an ack ends it": {steps: []string{"0 begin a by=30000", "5 acked a => idle", "6 acked a => stale", "7 503 a", "8 tick"}},
		"two retries 250 ms apart, then no responders": {steps: []string{
			"0 begin a attempts=2 wait=250 by=30000", "1 503 a", "2 503 a", "250 tick", "251 tick => send:a", "252 503 a", "501 tick", "502 tick => send:a",
			"503 503 a => a:no-responders idle"}},
		"no wait: sent again at once":             {steps: []string{"0 begin a attempts=1", "1 503 a => send:a", "2 503 a => a:no-responders idle"}},
		"no retries":                              {steps: []string{"0 begin a", "1 503 a => a:no-responders idle"}},
		"without end until the deadline":          {steps: []string{"0 begin a attempts=-1 wait=100 by=150", "0 503 a", "100 tick => send:a", "101 503 a", "150 tick => a:timeout idle", "201 tick"}},
		"a wait that outlasts the deadline":       {steps: []string{"0 begin a attempts=9 wait=5000 by=5000", "0 503 a", "4999 tick", "5000 tick => a:timeout idle"}},
		"an answer after the deadline":            {steps: []string{"0 begin a attempts=9 by=10", "11 503 a => a:timeout idle"}},
		"silence is never a reason to send again": {steps: []string{"0 begin a attempts=9 by=100", "100 tick => a:timeout idle"}},
		"timeouts in the order of deadlines": {steps: []string{"0 begin a by=30", "0 begin b by=10", "0 begin c by=20", "0 begin d by=20", "0 begin e",
			"25 tick => b:timeout c:timeout d:timeout"}, next: 30},
		"attempts in the order of their time": {steps: []string{"0 begin a attempts=1 wait=20", "0 begin b attempts=1 wait=10", "0 503 a", "1 503 b", "30 tick => send:b send:a"}},
		"a lost link ends it":                 {steps: []string{"0 begin a attempts=9 wait=1", "1 disconnected => a:disconnected idle", "1 disconnected"}},
		"a lost link with a message id":       {steps: []string{"0 begin a repeat by=100", "1 disconnected => send:a", "2 disconnected => send:a", "100 disconnected => a:timeout idle"}},
		"sent again in the order of the calls": {steps: []string{"0 begin a repeat by=100", "0 begin b by=100", "0 begin c repeat by=101",
			"1 disconnected => send:a b:disconnected send:c"}, next: 100},
		"disconnected between two attempts": {steps: []string{"0 begin a attempts=1 wait=20", "0 begin b attempts=1 wait=20 repeat", "0 begin c",
			"0 503 a", "0 503 b", "1 disconnected => a:disconnected c:disconnected", "20 tick => send:b"}},
		"close ends all, and goes on": {limit: 4, steps: []string{"0 begin a by=9", "0 begin b attempts=1 wait=1 by=8", "0 503 b", "0 begin c", "0 begin d", "0 begin e => full",
			"0 close => b:closed a:closed c:closed d:closed unstall idle", "1 begin f", "2 acked f => idle"}},
		"hysteresis": {limit: 8, steps: []string{"0 begin a", "0 begin b", "0 begin c", "0 begin d", "0 begin e", "0 begin f", "0 begin g", "0 begin h", "0 begin i => full",
			"1 acked a", "1 begin i => full", "2 acked b => unstall", "2 begin i", "2 begin j", "2 begin k => full"}},
		"who waited for long takes any place": {limit: 8, steps: []string{"0 begin a", "0 begin b", "0 begin c", "0 begin d", "0 begin e", "0 begin f", "0 begin g", "0 begin h",
			"0 late i => full", "1 acked a", "1 late i", "1 late j => full", "2 acked b", "2 begin j => full", "2 acked c => unstall"}},
		"a window of one":                {limit: 1, steps: []string{"0 begin a", "0 begin b => full", "1 acked a => unstall idle", "1 begin b"}},
		"withdrawn: the call failed":     {limit: 1, steps: []string{"0 begin a", "0 withdraw a => idle", "0 withdraw a => stale", "0 begin b"}},
		"the connection will not carry":  {steps: []string{"0 begin a", "0 fail a => a:failed idle", "0 fail a"}},
		"a late ack while waiting":       {steps: []string{"0 begin a attempts=1 wait=20", "0 503 a", "1 acked a => idle", "20 tick"}},
		"events without a publish":       {steps: []string{"0 tick", "0 disconnected", "0 close", "0 acked x => stale", "0 503 x", "0 fail x"}},
		"the next deadline is the wait":  {steps: []string{"0 begin a attempts=1 wait=20 by=500", "0 503 a"}, next: 20},
		"the next deadline is the end":   {steps: []string{"0 begin a attempts=1 wait=20 by=15", "0 503 a"}, next: 15},
		"a slot's old token is not live": {steps: []string{"0 begin a", "0 acked a => idle", "0 begin b", "0 acked a => stale", "0 fail a", "0 acked b => idle"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{m: New(Config{MaxPending: tc.limit}), names: map[Token]string{}, token: map[string]Token{}}
			for _, step := range tc.steps {
				line, want, _ := strings.Cut(step, " => ")
				if got := s.do(line); got != want {
					t.Fatalf("%s: got %q, want %q", line, got, want)
				}
			}
			if tc.next != 0 && s.m.Deadline() != mono.Time(tc.next)*mono.Time(time.Millisecond) {
				t.Errorf("Deadline: got %v, want %d ms", time.Duration(s.m.Deadline()), tc.next)
			}
		})
	}
}

func TestGenerationSkipsZero(t *testing.T) {
	t.Parallel()
	m := New(Config{})
	tok, _ := m.Begin(0, Retry{}, mono.Never)
	m.slots[tok.Slot()].gen = 1<<32 - 1
	last := m.token(0)
	if last > MostToken {
		t.Errorf("got the token %x, the largest is said to be %x", last, uint64(MostToken))
	}
	if live, _, _ := m.Acked(last); !live {
		t.Fatal("the token of the last generation is not live")
	}
	if tok, _ = m.Begin(0, Retry{}, mono.Never); tok == 0 {
		t.Error("a live token is zero")
	}
}

func TestHotEventsDoNotAllocate(t *testing.T) {
	m := New(Config{MaxPending: 64})
	var tokens [64]Token
	round := func() {
		for i := range tokens {
			tokens[i], _ = m.Begin(0, Retry{Attempts: 2, Wait: 1}, mono.Time(i))
		}
		for _, tok := range tokens {
			m.NoResponders(0, tok)
		}
		m.Tick(-1)
		for _, tok := range tokens {
			m.Acked(tok)
		}
	}
	if got := testing.AllocsPerRun(100, round); got != 0 {
		t.Errorf("got %v allocations in a warm round, want 0", got)
	}
	if got, want := m.Slots(), 64; got != want {
		t.Errorf("got %d slots, want %d: freed ones are used again", got, want)
	}
}

func BenchmarkBeginAcked(b *testing.B) {
	for _, window := range []int{1, 256, 4000} {
		b.Run(fmt.Sprint(window), func(b *testing.B) {
			b.ReportAllocs()
			m := New(Config{MaxPending: window})
			tokens := make([]Token, window)
			now := mono.Time(0)
			for i := range tokens {
				tokens[i], _ = m.Begin(now, Retry{}, now.Add(time.Second))
			}
			for i := 0; b.Loop(); i++ {
				now++
				m.Acked(tokens[i%window])
				tokens[i%window], _ = m.Begin(now, Retry{}, now.Add(time.Second))
			}
		})
	}
}
