package pull

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

func TestBackoff(t *testing.T) {
	t.Parallel()
	var b Backoff
	now := mono.Time(0)
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	// A loop of fetches that nobody answers: the first is told at once.
	var total time.Duration
	errors := 0
	for total < 5*time.Second {
		pause := b.Pause(now)
		if errors == 0 && pause != 0 {
			t.Fatalf("pause before the first error: %v", pause)
		}
		now = now.Add(pause)
		total += pause
		b.Ended(now, wire.NoResponders)
		errors++
	}
	if errors > 50 {
		t.Errorf("%d errors in 5 s, want at most 50", errors)
	}
	if got := b.Pause(now); got != ms(250) {
		t.Errorf("longest pause %v, want 250ms", got)
	}
	if got := b.Pause(now.Add(ms(240))); got != ms(10) {
		t.Errorf("time that has passed counts: pause %v, want 10ms", got)
	}
	if got := b.Pause(now.Add(time.Hour)); got != 0 {
		t.Errorf("pause after an hour %v, want 0", got)
	}
	b.Ended(now, wire.Canceled)
	if got := b.Pause(now); got != ms(250) {
		t.Errorf("pause after a canceled batch %v, want 250ms", got)
	}
	b.Heard()
	if got := b.Pause(now); got != 0 {
		t.Errorf("pause after an answer %v, want 0", got)
	}
	b.Ended(now, wire.Disconnected)
	if got := b.Pause(now); got != ms(10) {
		t.Errorf("second pause %v, want 10ms", got)
	}
	b.Ended(now, wire.RequestTimeout)
	if got := b.Pause(now); got != 0 {
		t.Errorf("pause after a 408 %v, want 0", got)
	}
}

// TestOddConfig: whatever a caller asks for, the first request is one that ends.
func TestOddConfig(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		req  wire.PullRequest
		want string
	}{
		"zero":        {wire.PullRequest{}, "ask batch=1 expires=30s"},
		"negative":    {wire.PullRequest{Batch: -1, MaxBytes: -1, Expires: -1, Heartbeat: -1}, "ask batch=1 expires=30s"},
		"huge":        {wire.PullRequest{Batch: math.MaxInt, MaxBytes: math.MaxInt, Expires: math.MaxInt64}, fmt.Sprintf("ask batch=%d bytes=%[1]d expires=640511h56m49.213693952s", math.MaxInt)},
		"long beat":   {wire.PullRequest{Batch: 1, Expires: time.Second, Heartbeat: math.MaxInt64}, "ask batch=1 expires=1s"},
		"passes on":   {wire.PullRequest{Batch: 1, NoWait: true, MinPending: 3, MinAckPending: 4, Group: "g", PinID: "p", Priority: 5}, "ask batch=1 nowait"},
		"both bounds": {wire.PullRequest{Batch: 2, NoWait: true, Expires: time.Second}, "ask batch=2 expires=1s nowait"},
	} {
		t.Run(name, func(t *testing.T) {
			var m Machine
			m.Reset(Config{Request: tc.req, Deadline: mono.Never})
			acts := m.Start(7, true, 0)
			if len(acts) != 1 || acts[0].Kind != Ask {
				t.Fatalf("Start returned %v", acts)
			}
			if got := showAsk(acts[0].Request); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			r := acts[0].Request
			if r.MinPending != tc.req.MinPending || r.MinAckPending != tc.req.MinAckPending || r.Group != tc.req.Group || r.PinID != tc.req.PinID || r.Priority != tc.req.Priority {
				t.Errorf("got %+v, want the group fields of %+v", r, tc.req)
			}
			if at := m.Deadline(); at == mono.Never || at <= 7 {
				t.Errorf("deadline %d", at)
			}
		})
	}
}

// TestStopBeforeStart: a batch that never began ends, too, and does not begin any more.
func TestStopBeforeStart(t *testing.T) {
	t.Parallel()
	var m Machine
	m.Reset(Config{Deadline: mono.Never})
	if m.Room() != 0 || m.Messages(1, 1, 1) {
		t.Error("a batch before Start takes messages")
	}
	if acts := m.Stop(1, wire.Canceled); len(acts) != 1 || acts[0].Code != wire.Canceled || !m.Clean() || !m.Done() {
		t.Errorf("Stop returned %v", acts)
	}
	if acts := m.Start(2, true, 0); len(acts) != 0 {
		t.Errorf("Start after Stop returned %v", acts)
	}
}

func BenchmarkFetch100(b *testing.B) {
	b.ReportAllocs()
	var m Machine
	cfg := Config{Request: wire.PullRequest{Batch: 100, Expires: 30 * time.Second, Heartbeat: 5 * time.Second}, Deadline: mono.Never}
	for b.Loop() {
		m.Reset(cfg)
		m.Start(0, true, 0)
		for range 10 {
			if m.Messages(1, 10, 1000) {
				m.Tick(1)
			}
		}
		if !m.Done() {
			b.Fatal("not complete")
		}
	}
}
