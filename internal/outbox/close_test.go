package outbox

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/natserr"
)

const (
	testIdle  = 250 * time.Millisecond
	testTotal = 2 * time.Second
)

func TestCloseWritesWhatProgresses(t *testing.T) {
	t.Parallel()
	const message = 1014 // bytes of PUB s 1000
	for _, tt := range []struct {
		name     string
		exact    bool
		messages int
		step     int           // bytes that the link takes
		every    time.Duration // in this time
		loss     Loss
		min, max time.Duration
	}{
		{"free", true, 1000, 1 << 20, time.Millisecond, Loss{}, 0, 5 * time.Millisecond},
		{"slow", true, 100, 10_000, 100 * time.Millisecond, Loss{}, time.Second, 1100 * time.Millisecond},
		{"slow, in large writes", false, 100, 16 << 10, 200 * time.Millisecond, Loss{}, 1200 * time.Millisecond, 1500 * time.Millisecond},
		{"too slow", true, 1000, message, 300 * time.Millisecond, Loss{Unconfirmed: 1, Dropped: 999}, testIdle, 2 * testIdle},
		{"still", true, 10, 0, time.Second, Loss{Dropped: 10}, testIdle, testIdle + testIdle/5},
		{"still, no true count", false, 10, 0, time.Second, Loss{Unconfirmed: 10}, testIdle, testIdle + testIdle/5},
		{"long", true, 1000, message, 50 * time.Millisecond, Loss{Unconfirmed: 36, Dropped: 964}, testTotal * 9 / 10, testTotal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, l := New(testConfig()), newScript(0)
				for range tt.messages {
					publish(t, b, "s", string(make([]byte, 1000)))
				}
				wait := start(t, b, l, tt.exact, "")
				synctest.Wait()
				stop := make(chan struct{})
				go func() {
					tick := time.NewTicker(tt.every)
					defer tick.Stop()
					for {
						select {
						case <-stop:
							return
						case <-tick.C:
							l.allow(tt.step)
						}
					}
				}()
				began := time.Now()
				loss := b.Close(testIdle, testTotal)
				took := time.Since(began)
				close(stop)
				if loss.Dropped < tt.loss.Dropped-1 || loss.Dropped > tt.loss.Dropped+1 ||
					loss.Unconfirmed+loss.Dropped != tt.loss.Unconfirmed+tt.loss.Dropped {
					t.Errorf("loss: got %+v, want %+v", loss, tt.loss)
				}
				if took < tt.min || took > tt.max {
					t.Errorf("took %v, want %v to %v", took, tt.min, tt.max)
				}
				l.close()
				wait()
				if got := b.Close(testIdle, testTotal); got != (Loss{}) {
					t.Errorf("second Close: got %+v, want no loss", got)
				}
			})
		})
	}
}

func TestCloseHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(0)
		wait := start(t, b, l, true, "")
		publish(t, b, "a", "")
		synctest.Wait()
		_ = b.Publish("b", "reply", nil, nil)
		cut(b, l)
		wait()
		publish(t, b, "c", "")
		began := time.Now()
		if got, want := b.Close(testIdle, testTotal), (Loss{Dropped: 3}); got != want {
			t.Errorf("loss: got %+v, want %+v", got, want)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v, want no time", took)
		}
		if got := b.Buffered(); got != 0 {
			t.Errorf("Buffered: got %d, want 0", got)
		}
	})
}

// The link fails while Close writes: whichever of the two is asked first tells the loss, and nobody tells it twice.
func TestHoldDuringClose(t *testing.T) {
	t.Parallel()
	for _, settleFirst := range []bool{true, false} {
		t.Run(fmt.Sprint("settleFirst=", settleFirst), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, l := New(testConfig()), newScript(len("PUB a 0\r\n\r\n"))
				wait := start(t, b, l, true, "")
				publish(t, b, "a", "")
				synctest.Wait()
				publish(t, b, "b", "")
				synctest.Wait()
				closed := make(chan Loss)
				go func() { closed <- b.Close(testIdle, testTotal) }()
				synctest.Wait()
				var held, atClose Loss
				if settleFirst {
					settle := b.Hold()
					l.close()
					held = settle()
					atClose = <-closed
				} else {
					l.set(func(l *script) { l.err = fmt.Errorf("reset") })
					atClose = <-closed
					held = cut(b, l)
				}
				wait()
				got := Loss{held.Unconfirmed + atClose.Unconfirmed, held.Dropped + atClose.Dropped}
				if want := (Loss{Unconfirmed: 1, Dropped: 1}); got != want {
					t.Errorf("loss: got %+v and %+v, want %+v together", held, atClose, want)
				}
			})
		})
	}
}

func TestCloseWithoutWriter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(testConfig())
		b.Release(newScript(-1), true, nil, nil)
		publish(t, b, "a", "")
		began := time.Now()
		if got, want := b.Close(testIdle, testTotal), (Loss{Dropped: 1}); got != want {
			t.Errorf("loss: got %+v, want %+v", got, want)
		}
		if took := time.Since(began); took > 2*testIdle {
			t.Errorf("took %v, want about %v", took, testIdle)
		}
	})
}

func TestCloseNeverTakesLongerThanTotal(t *testing.T) {
	t.Parallel()
	for _, total := range []time.Duration{-1, 0, 10 * time.Millisecond, time.Second} {
		t.Run(total.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, l := New(testConfig()), newScript(0)
				l.deaf = true
				wait := start(t, b, l, true, "")
				publish(t, b, "a", "")
				synctest.Wait()
				began := time.Now()
				loss := b.Close(time.Hour, total)
				if took := time.Since(began); took > max(total, 0) {
					t.Errorf("took %v, want at most %v", took, total)
				}
				if want := (Loss{Unconfirmed: 1}); loss != want {
					t.Errorf("loss: got %+v, want %+v", loss, want)
				}
				l.set(func(l *script) { l.deaf, l.closed = false, true })
				wait()
			})
		})
	}
}

func TestCloseRefusesWhileItWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(0)
		wait := start(t, b, l, true, "")
		publish(t, b, "a", "")
		closed := make(chan Loss)
		go func() { closed <- b.Close(testIdle, testTotal) }()
		synctest.Wait()
		if err := b.Publish("b", "", nil, nil); err != natserr.ConnectionClosed {
			t.Errorf("Publish: got %v, want %v", err, natserr.ConnectionClosed)
		}
		if b.Control([]byte("PING\r\n")) {
			t.Error("Control: got true, want false")
		}
		l.open()
		if loss := <-closed; loss != (Loss{}) {
			t.Errorf("loss: got %+v, want none", loss)
		}
		wait()
		if got, want := l.text(), "PUB a 0\r\n\r\n"; got != want {
			t.Errorf("written: got %q, want %q", got, want)
		}
	})
}
