package obj

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		chunk int
		acks  []time.Duration // again and again
		first int
		last  int
	}{
		{"next door", 128 << 10, []time.Duration{300 * time.Microsecond}, 4, 4},
		{"every fourth ack is fast", 128 << 10, []time.Duration{time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond}, 4, 4},
		{"no ack is fast", 128 << 10, []time.Duration{3 * time.Millisecond, 50 * time.Millisecond}, 4, 32},
		{"far away", 128 << 10, []time.Duration{100 * time.Millisecond}, 4, 32},
		{"chunks larger than the window", 8 << 20, []time.Duration{time.Second}, 2, 2},
		{"small chunks far away", 1 << 10, []time.Duration{time.Second}, 512, 4096},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPace(tt.chunk)
			if p.room != tt.first {
				t.Errorf("room for %d chunks at first, want %d", p.room, tt.first)
			}
			for i := range 20_000 {
				p.full()
				if p.room > tt.first && i < p.room/2 {
					t.Fatalf("room for %d chunks after %d acks", p.room, i)
				}
				p.acked(tt.acks[i%len(tt.acks)])
			}
			if p.room != tt.last {
				t.Errorf("room for %d chunks in the end, want %d", p.room, tt.last)
			}
		})
	}
}
