package session

import (
	"io"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/pool"
)

func newMachine(t testing.TB, cfg Config, servers ...string) *Machine {
	t.Helper()
	p, err := pool.New(servers, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return New(cfg, p)
}

// TestHotEventsDoNotAllocate: what comes with every read, PONG and timer.
func TestHotEventsDoNotAllocate(t *testing.T) {
	m := newMachine(t, Config{AllowReconnect: true, PingInterval: time.Second, MaxPingsOut: 2, DoubtAfter: time.Second, DoubtFor: time.Second})
	m.Start(0)
	m.DialDone(0, 1, nil)
	now := mono.Time(0)
	if got := testing.AllocsPerRun(1000, func() {
		now = now.Add(2 * time.Second)
		m.Owed(now, Answers)
		m.Tick(now)
		m.Heard(now)
		m.Pong(now)
		m.Doubt(now.Add(time.Second / 2))
		m.Heard(now.Add(time.Second / 2))
		m.Owed(now, Nothing)
		_ = m.Deadline()
	}); got != 0 {
		t.Errorf("allocations: got %v, want 0", got)
	}
	if m.Status() != Connected {
		t.Errorf("status: got %v, want %v", m.Status(), Connected)
	}
}

// TestNames: every status and kind has a name of its own, and others are no reason to panic.
func TestNames(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for s := Disconnected; s <= DrainingPubs; s++ {
		seen[s.String()] = true
	}
	for k := Dial; k <= Finish; k++ {
		seen[k.String()] = true
	}
	if want := int(DrainingPubs) + int(Finish) + 2; len(seen) != want {
		t.Errorf("names: got %d different ones, want %d", len(seen), want)
	}
	if seen[Status(99).String()] || seen[Kind(99).String()] {
		t.Errorf("no names: got %q and %q", Status(99), Kind(99))
	}
}

// TestStatusNumbers: the public numbers.
func TestStatusNumbers(t *testing.T) {
	t.Parallel()
	for want, s := range []Status{Disconnected, Connected, Closed, Reconnecting, Connecting, DrainingSubs, DrainingPubs} {
		if int(s) != want {
			t.Errorf("%v: got %d, want %d", s, s, want)
		}
	}
}

// TestSilenceEnds: a machine whose dials never end and whose users never answer still does something within bounded time.
func TestSilenceEnds(t *testing.T) {
	t.Parallel()
	cfg := Config{AllowReconnect: true, MaxReconnect: 2, Wait: time.Second, DialLimit: 4 * time.Second, Stagger: time.Second / 4, CustomDelay: true, ChooseServer: true, QuickFirst: true}
	m := newMachine(t, cfg, "a", "b", "c", "d")
	m.Start(0)
	m.DialDone(0, 1, nil)
	m.LinkFailed(0, io.EOF)
	var now mono.Time
	for range 1000 {
		if m.Status() == Closed {
			break
		}
		at := m.Deadline()
		if at == mono.Never {
			t.Fatalf("nothing is due at %v, status %v", now, m.Status())
		}
		now = max(now, at)
		m.Tick(now)
	}
	if m.Status() != Closed {
		t.Errorf("status: got %v, want %v", m.Status(), Closed)
	}
	if limit := mono.Time(time.Hour); now > limit {
		t.Errorf("it took %v, want at most %v", time.Duration(now), time.Duration(limit))
	}
}

// TestDurationsWithoutSense: negative and huge ones neither panic nor overflow into the past.
func TestDurationsWithoutSense(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{-1 << 63, -1, 0, 1<<63 - 1} {
		cfg := Config{
			AllowReconnect: true, MaxReconnect: -1, Wait: d, Jitter: d, Stagger: d, DialLimit: d, PingInterval: d, MaxPingsOut: int(d), DoubtAfter: d, DoubtFor: d, DrainTimeout: d,
			Rand: func(n int64) int64 { return n - 1 },
		}
		m := newMachine(t, cfg, "a", "b")
		now := mono.Time(time.Hour)
		m.Start(now)
		m.DialDone(now, 1, nil)
		m.Owed(now, Answers)
		m.Doubt(now.Add(time.Minute))
		if at := m.Deadline(); at <= now {
			t.Errorf("%v: link deadline %v is not after %v", d, at, now)
		}
		m.LinkFailed(now, io.EOF)
		m.DialDone(now, 2, io.EOF)
		if at := m.Deadline(); at <= now || at == mono.Never {
			t.Errorf("%v: end of the pause %v, now is %v", d, at, now)
		}
	}
}

func BenchmarkHeard(b *testing.B) {
	m := newMachine(b, Config{DoubtAfter: time.Second, DoubtFor: time.Second})
	m.Start(0)
	m.DialDone(0, 1, nil)
	b.ReportAllocs()
	var now mono.Time
	for b.Loop() {
		now++
		m.Heard(now)
	}
}
