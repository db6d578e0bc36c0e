package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// cut is what the engine does when the link is lost.
func cut(b *Box, l *script) Loss {
	settle := b.Hold()
	l.close()
	return settle()
}

func TestHold(t *testing.T) {
	t.Parallel()
	message := func(i int) string { return fmt.Sprintf("PUB s%d 4\r\ndata\r\n", i) }
	size := len(message(0))
	for _, tt := range []struct {
		name      string
		exact     bool
		lie       bool
		taken     int // bytes that the link takes
		messages  int
		confirm   int // messages that a PONG confirms
		kept      string
		loss      Loss
		whileHeld bool
	}{
		{"nothing taken", true, false, 0, 3, 0, "s0 s1 s2", Loss{}, false},
		{"one and a half taken", true, false, size + size/2, 3, 0, "s1 s2", Loss{Unconfirmed: 1}, false},
		{"exactly two taken", true, false, 2 * size, 3, 0, "s2", Loss{Unconfirmed: 2}, false},
		{"one byte missing", true, false, 3*size - 1, 3, 0, "s2", Loss{Unconfirmed: 2}, false},
		{"all taken", true, false, -1, 3, 0, "", Loss{Unconfirmed: 3}, false},
		{"all taken, two confirmed", true, false, -1, 3, 2, "", Loss{Unconfirmed: 1}, false},
		{"all confirmed", true, false, -1, 3, 3, "", Loss{}, false},
		{"no true count", false, true, size, 3, 0, "", Loss{Unconfirmed: 3}, false},
		{"published while held", true, false, size, 2, 0, "s1 held", Loss{Unconfirmed: 1}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := New(testConfig())
				for i := range tt.messages {
					publish(t, b, fmt.Sprint("s", i), "data")
				}
				l := newScript(tt.taken)
				l.lie = tt.lie
				wait := start(t, b, l, tt.exact, "")
				synctest.Wait()
				b.Confirm(uint64(tt.confirm))
				settle := b.Hold()
				if tt.whileHeld {
					publish(t, b, "held", "data")
				}
				l.close()
				if got := settle(); got != tt.loss {
					t.Errorf("loss: got %+v, want %+v", got, tt.loss)
				}
				wait()
				if got := settle(); got != (Loss{}) {
					t.Errorf("loss told again: got %+v, want none", got)
				}
				if got := b.Hold()(); got != (Loss{}) {
					t.Errorf("Hold while held: got %+v, want no loss", got)
				}
				next := newScript(-1)
				wait = start(t, b, next, true, "SUB x 1\r\n")
				if loss := b.Close(time.Second, time.Second); loss != (Loss{}) {
					t.Errorf("Close: got %+v, want no loss", loss)
				}
				wait()
				want := "SUB x 1\r\n"
				for s := range strings.FieldsSeq(tt.kept) {
					want += fmt.Sprintf("PUB %s 4\r\ndata\r\n", s)
				}
				if got := next.text(); got != want {
					t.Errorf("replayed:\n got %q\nwant %q", got, want)
				}
			})
		})
	}
}

func TestHoldKeepsPublishesOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(0)
		wait := start(t, b, l, true, "SUB first 1\r\n")
		synctest.Wait()
		b.Control([]byte("SUB x 2\r\nPING\r\n"))
		publish(t, b, "a", "")
		b.PublishVolatile("pull", "r", nil, []byte("1"))
		_ = b.Publish("request", "r", []byte("NATS/1.0\r\n\r\n"), nil)
		b.Control([]byte("UNSUB 2\r\n"))
		publish(t, b, "b", "PUB inside 3\r\nabc\r\n")
		loss := cut(b, l)
		wait()
		if loss != (Loss{}) {
			t.Errorf("loss: got %+v, want none: a volatile publish is none", loss)
		}
		next := newScript(-1)
		wait = start(t, b, next, true, "")
		b.Close(time.Second, time.Second)
		wait()
		if got, want := ops(t, next.text()), "[PUB a 0 HPUB request r 12 12 PUB b 19]"; fmt.Sprint(got) != want {
			t.Errorf("replayed: got %v, want %v", got, want)
		}
	})
}

func TestHoldWithNothingToKeepDrops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Keep = -1
		b, l := New(cfg), newScript(len("PUB a 0\r\n\r\n"))
		wait := start(t, b, l, true, "")
		publish(t, b, "a", "")
		synctest.Wait()
		publish(t, b, "b", "")
		_ = b.Publish("c", "reply", nil, nil)
		if got, want := cut(b, l), (Loss{Unconfirmed: 1, Dropped: 2}); got != want {
			t.Errorf("loss: got %+v, want %+v", got, want)
		}
		wait()
		if got := b.Buffered(); got != 0 {
			t.Errorf("Buffered: got %d, want 0", got)
		}
		l = newScript(-1)
		wait = start(t, b, l, true, "")
		publish(t, b, "d", "")
		synctest.Wait()
		if got, want := cut(b, l), (Loss{Unconfirmed: 1}); got != want {
			t.Errorf("next loss: got %+v, want %+v: each publish is told once", got, want)
		}
		wait()
	})
}

func TestWhatWasAcceptedIsKeptBeyondKeep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Keep = 1000
		b, l := New(cfg), newScript(0)
		wait := start(t, b, l, true, "")
		for range 100 {
			publish(t, b, "s", strings.Repeat("x", 1000))
		}
		if got := cut(b, l); got != (Loss{}) {
			t.Errorf("loss: got %+v, want none", got)
		}
		wait()
		if got, want := b.Buffered(), 100*len("PUB s 1000\r\n\r\n")+100_000; got != want {
			t.Errorf("Buffered: got %d, want %d", got, want)
		}
	})
}

// A write that ignores that its socket was closed does not hold up the next link.
func TestSettleGivesUpAWriteThatNeverReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(3)
		l.deaf = true
		wait := start(t, b, l, false, "")
		publish(t, b, "a", "")
		synctest.Wait()
		publish(t, b, "b", "")
		began := time.Now()
		if got, want := cut(b, l), (Loss{Unconfirmed: 1}); got != want {
			t.Errorf("loss: got %+v, want %+v", got, want)
		}
		if took := time.Since(began); took != settleGrace {
			t.Errorf("settle took %v, want %v", took, settleGrace)
		}
		next := newScript(-1)
		waitNext := start(t, b, next, true, "")
		synctest.Wait()
		l.set(func(l *script) { l.err = errors.New("at last") })
		wait()
		publish(t, b, "c", "")
		b.Close(time.Second, time.Second)
		waitNext()
		if got, want := next.text(), "PUB b 0\r\n\r\nPUB c 0\r\n\r\n"; got != want {
			t.Errorf("next link: got %q, want %q", got, want)
		}
	})
}

func TestReleaseSettlesWhatWasForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(0)
		wait := start(t, b, l, true, "")
		publish(t, b, "a", "")
		synctest.Wait()
		b.Hold()
		l.close()
		publish(t, b, "b", "")
		next := newScript(-1)
		waitNext := start(t, b, next, true, "")
		b.Close(time.Second, time.Second)
		wait()
		waitNext()
		if got, want := next.text(), "PUB a 0\r\n\r\nPUB b 0\r\n\r\n"; got != want {
			t.Errorf("next link: got %q, want %q", got, want)
		}
	})
}

func TestNoErrorIsToldAfterHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(0)
		b.Release(l, true, nil, toldOf(func(err error) { t.Errorf("WriteFailed(%v) after Hold", err) }))
		go b.Run()
		publish(t, b, "a", "")
		synctest.Wait()
		cut(b, l)
	})
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	b := New(testConfig())
	b.Confirm(100) // of what was never published
	publish(t, b, "a", "")
	mark := b.Mark()
	publish(t, b, "b", "")
	b.Confirm(mark)
	b.Confirm(0) // an older one changes nothing
	if got := b.confirmed; got != 1 {
		t.Errorf("confirmed: got %d, want 1", got)
	}
}
