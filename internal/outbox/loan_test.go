package outbox

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// large is a payload that its publisher writes itself, different at each byte's neighbours.
func large(size int) []byte { return bytes.Repeat([]byte("\r\nPUB x 1 "), size/10) }

// publishLarge publishes data and then spoils it: it is the caller's again.
func publishLarge(t *testing.T, b *Box, reply string, data []byte) {
	t.Helper()
	data = bytes.Clone(data)
	if err := b.Publish("large", reply, []byte("NATS/1.0\r\n\r\n"), data); err != nil {
		t.Fatalf("Publish: %v", err)
	}
	for i := range data {
		data[i] = '?'
	}
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	t.Errorf("%s: got %d bytes, want %d; they differ from byte %d on", what, len(got), len(want), i)
}

// A large message goes out at once, behind what waits, without the writer. Wherever the link stops taking it, the rest follows as it was when
// Publish was called.
func TestLargeIsWrittenByItsPublisher(t *testing.T) {
	t.Parallel()
	data := large(200_000)
	small := "PUB small 4\r\ndata\r\n"
	head := fmt.Sprintf("HPUB large 12 %d\r\nNATS/1.0\r\n\r\n", len(data)+12)
	want := small + head + string(data) + "\r\n"
	for _, taken := range []int{-1, 0, 1, len(small), len(small) + len(head) - 1, len(small) + len(head), 100_000, len(want) - 3, len(want) - 2, len(want) - 1} {
		t.Run(fmt.Sprint("taken=", taken), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, l := New(testConfig()), newScript(taken)
				b.Release(l, true, nil, toldOf(func(err error) { t.Errorf("WriteFailed(%v)", err) }))
				publish(t, b, "small", "data") // no writer yet
				began := time.Now()
				publishLarge(t, b, "", data)
				if took := time.Since(began); taken < 0 && took != 0 || took > 2*testConfig().Patience {
					t.Errorf("Publish took %v", took)
				}
				if taken < 0 {
					wantText(t, "written by the publisher", l.text(), want)
				}
				l.open()
				done := make(chan struct{})
				go func() { defer close(done); b.Run() }()
				publishLarge(t, b, "reply", data)
				if loss := b.Close(time.Second, time.Second); loss != (Loss{}) {
					t.Errorf("Close: got %+v, want no loss", loss)
				}
				<-done
				wantText(t, "written", l.text(), want+strings.Replace(head, "large ", "large reply ", 1)+string(data)+"\r\n")
			})
		})
	}
}

// The link breaks in the middle: what was not taken whole goes to the next link.
func TestLargeIsKept(t *testing.T) {
	t.Parallel()
	data := large(100_000)
	for _, tt := range []struct {
		name  string
		taken int
		exact bool
		loss  Loss
		kept  bool
	}{
		{"nothing taken", 0, true, Loss{}, true},
		{"half taken", 50_000, true, Loss{}, true},
		{"all but a byte taken", len(data) + len("HPUB large 12 100012\r\nNATS/1.0\r\n\r\n\r\n") - 1, true, Loss{}, true},
		{"all taken", -1, true, Loss{Unconfirmed: 1}, false},
		{"no true count", 50_000, false, Loss{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, l := New(testConfig()), newScript(tt.taken)
				wait := start(t, b, l, tt.exact, "")
				synctest.Wait()
				publishLarge(t, b, "", data)
				synctest.Wait()
				if got := cut(b, l); got != tt.loss {
					t.Errorf("loss: got %+v, want %+v", got, tt.loss)
				}
				wait()
				next := newScript(-1)
				wait = start(t, b, next, true, "")
				b.Close(time.Second, time.Second)
				wait()
				want := ""
				if tt.kept {
					want = fmt.Sprintf("HPUB large 12 %d\r\nNATS/1.0\r\n\r\n%s\r\n", len(data)+12, data)
				}
				wantText(t, "on the next link", next.text(), want)
			})
		})
	}
}

// A write that does not even end when its socket is closed counts as written.
func TestLargeOnADeafLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(10)
		l.deaf = true
		b.Release(l, true, nil, nil)
		done := make(chan struct{})
		go func() { defer close(done); publishLarge(t, b, "", large(100_000)) }()
		synctest.Wait()
		if got, want := cut(b, l), (Loss{Unconfirmed: 1}); got != want {
			t.Errorf("loss: got %+v, want %+v", got, want)
		}
		l.set(func(l *script) { l.deaf = false })
		<-done
		if b.parked != nil || b.Buffered() != 0 {
			t.Errorf("%d bytes are left", b.Buffered())
		}
	})
}

// What may be sent again is kept, so it is copied; and so is what goes to a link that is busy or not exact.
func TestLargeIsCopied(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		exact  bool
		resend int
	}{{"resend", true, 1 << 20}, {"not exact", false, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			cfg.Resend = tt.resend
			b, l := New(cfg), newScript(-1)
			b.Release(l, tt.exact, nil, nil)
			publishLarge(t, b, "", large(100_000))
			if got := l.text(); got != "" {
				t.Errorf("the publisher wrote %d bytes, want none", len(got))
			}
		})
	}
}

// Not parallel: allocations are counted for the whole process.
func TestLargeDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	b := New(testConfig())
	client, server := tcpPair(t)
	go io.Copy(io.Discard, server)
	wait := start(t, b, client, true, "")
	data := large(128 << 10)
	send := func() { _ = b.Publish("some.subject", "reply", nil, data) }
	for range 1000 {
		send()
	}
	if got := testing.AllocsPerRun(1000, send); got >= 0.1 {
		t.Errorf("got %v allocations a message, want 0", got)
	}
	b.Close(time.Second, time.Second)
	wait()
}
