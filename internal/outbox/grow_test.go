package outbox

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A link that stands still for some milliseconds costs little memory, one that goes on standing still has all of Keep, and no publish waits long
// on the way there.
func TestGrowthIsPaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Keep = 16 << 20
		b, l, wait := stall(t, cfg) // twice Patience ago
		flight := b.Buffered()
		data := strings.Repeat("x", 1000)
		began := time.Now()
		after := func() time.Duration { return time.Since(began) }
		var longest time.Duration
		publishUntil := func(d time.Duration) int {
			for {
				before := b.Buffered() - flight
				at := after()
				if before+room(1, 0, len(data))+flight > cfg.Keep {
					return before
				}
				publish(t, b, "s", data)
				longest = max(longest, after()-at)
				if after() > d {
					return before
				}
			}
		}
		for steps := range 4 {
			d := time.Duration(steps+1)*cfg.Patience + cfg.Patience/2
			if got, most := publishUntil(d), softLimit<<(steps+3); got > most {
				t.Errorf("%d bytes wait after %v, want %d at most", got, d, most)
			}
		}
		if got := publishUntil(time.Second); got < cfg.Keep*9/10-flight {
			t.Errorf("%d bytes wait after %v, want nearly %d", got, after(), cfg.Keep)
		}
		if longest > cfg.Patience {
			t.Errorf("a publish waited %v, want at most %v", longest, cfg.Patience)
		}
		if after() > 10*cfg.Patience {
			t.Errorf("all of Keep was used after %v, want at most %v", after(), 10*cfg.Patience)
		}
		cut(b, l)
		wait()
	})
}

func TestBuffersAreGivenBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		capacity  int
		used      int
		keepsSize bool
	}{
		{"usual", WriteSize, 100, true},
		{"busy", busyCapacity, 100, true},
		{"large messages", 800 << 10, 700 << 10, true},
		{"after a stall", 800 << 10, WriteSize, false},
		{"too large", 2 * keepCapacity, 2 * keepCapacity, false},
	} {
		a := batch{buf: make([]byte, tt.used, tt.capacity)}
		if e := a.emptied(); cap(e.buf) == tt.capacity != tt.keepsSize || len(e.buf) != 0 {
			t.Errorf("%s: a buffer of %d with %d used becomes one of %d", tt.name, tt.capacity, tt.used, cap(e.buf))
		}
	}
}
