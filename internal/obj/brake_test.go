package obj

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestBrake: the connection's reader waits for who keeps up, and not for who does not.
func TestBrake(t *testing.T) {
	const size = brakeAt / 4
	waited := func(b *brake, quit <-chan struct{}) time.Duration {
		began := time.Now()
		b.came(size, quit)
		return time.Since(began)
	}
	synctest.Test(t, func(t *testing.T) {
		b, quit := newBrake(), make(chan struct{})
		for i := range 3 {
			if d := waited(b, quit); d != 0 {
				t.Errorf("chunk %d waited %v, want not at all", i, d)
			}
		}
		go func() {
			for range 2 {
				time.Sleep(time.Millisecond)
				b.taken(size)
			}
		}()
		if d := waited(b, quit); d != 2*time.Millisecond {
			t.Errorf("waited %v, want 2ms: until half is taken", d)
		}
		b.came(size, quit)
		if d := waited(b, quit); d != brakeTime {
			t.Errorf("waited %v for who takes nothing, want %v", d, brakeTime)
		}
		for range 8 {
			if d := waited(b, quit); d != 0 {
				t.Errorf("waited %v for who is slow, want not at all", d)
			}
		}
		for b.ahead.Load() > 0 {
			b.taken(size)
		}
		for range 3 {
			b.came(size, quit)
		}
		close(quit)
		if d := waited(b, quit); d != 0 {
			t.Errorf("waited %v behind the end, want not at all", d)
		}
		if b.off.Load() {
			t.Error("off behind the end, want that only of a wait in vain")
		}
	})
}
