package outbox

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWriterWritesAtOnceWhenAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(-1)
		wait := start(t, b, l, true, "")
		for i := range 3 {
			publish(t, b, fmt.Sprint("s", i), "x")
			synctest.Wait()
			if got := len(l.pieces()); got != i+1 {
				t.Errorf("after %d messages: got %d writes, want as many", i+1, got)
			}
		}
		b.Close(0, 0)
		wait()
	})
}

func TestWritesAreWholeAndBounded(t *testing.T) {
	t.Parallel()
	for _, exact := range []bool{true, false} {
		t.Run(fmt.Sprint("exact=", exact), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // no time passes, so no patience ends
				b, l := New(testConfig()), newScript(-1)
				wait := start(t, b, l, exact, "")
				const n = 5000
				for i := range n {
					publish(t, b, "s", strings.Repeat("x", 3*i%2000))
				}
				if loss := b.Close(time.Second, time.Second); loss != (Loss{}) {
					t.Errorf("Close: got %+v, want no loss", loss)
				}
				wait()
				text := l.text()
				if got := len(ops(t, text)); got != n {
					t.Errorf("written: got %d messages, want %d", got, n)
				}
				at, most := 0, WriteSize
				if !exact {
					most = inexactSize
				}
				for i, size := range l.pieces() {
					if size > most {
						t.Errorf("write %d has %d bytes, want at most %d", i, size, most)
					}
					if exact && !strings.HasPrefix(text[at:], "PUB ") {
						t.Errorf("write %d begins within an operation: %.20q", i, text[at:])
					}
					at += size
				}
			})
		})
	}
}

func TestOnlyTheWriterWritesToInexactLinks(t *testing.T) {
	t.Parallel()
	b, l := New(testConfig()), newScript(-1)
	b.Release(l, false, nil, nil)
	for range 100 {
		publish(t, b, "s", strings.Repeat("x", 1000))
	}
	if got := l.pieces(); len(got) != 0 {
		t.Errorf("writes without a writer: got %v, want none", got)
	}
	b.Close(0, 0)
}

func TestWriteErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		link Link
		want error
	}{
		{"error", &script{err: broken, window: 3, changed: make(chan struct{})}, broken},
		{"short write", counting(func(p []byte) int { return len(p) - 1 }), io.ErrShortWrite},
		{"negative count", counting(func([]byte) int { return -5 }), io.ErrShortWrite},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := New(testConfig())
			told := make(chan error, 2)
			b.Release(tt.link, true, nil, toldOf(func(err error) {
				// Whoever is told may do all of this at once.
				settle := b.Hold()
				settle()
				told <- err
			}))
			go b.Run()
			publish(t, b, "s", "data")
			if err := <-told; err != tt.want {
				t.Errorf("WriteFailed: got %v, want %v", err, tt.want)
			}
			if got, want := b.Buffered(), len("PUB s 4\r\ndata\r\n"); got != want {
				t.Errorf("kept: got %d bytes, want %d", got, want)
			}
			if len(told) > 0 {
				t.Error("WriteFailed was called twice")
			}
		})
	}
}

// counting says that a write took as many bytes as the function says.
type counting func(p []byte) int

func (c counting) Write(p []byte) (int, error)    { return c(p), nil }
func (counting) SetWriteDeadline(time.Time) error { return errors.New("not supported") }

func TestTooLargeCountIsNotBelieved(t *testing.T) {
	t.Parallel()
	b := New(testConfig())
	wait := start(t, b, counting(func(p []byte) int { return len(p) + 100 }), true, "")
	publish(t, b, "s", "x")
	if loss := b.Close(time.Second, time.Second); loss != (Loss{}) {
		t.Errorf("Close: got %+v, want no loss", loss)
	}
	wait()
	if got := b.Buffered(); got != 0 {
		t.Errorf("Buffered: got %d, want 0", got)
	}
}

func TestWriteTimeoutEndsTheLink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(0)
		told := make(chan error, 1)
		b.Release(l, true, nil, toldOf(func(err error) { told <- err }))
		began := time.Now()
		go b.Run()
		publish(t, b, "s", "x")
		if err := <-told; err == nil || time.Since(began) != time.Minute {
			t.Errorf("got %v after %v, want an error after 1m", err, time.Since(began))
		}
		// The link is dead, but nobody has said so yet: publishes are accepted without a wait.
		for range 1000 {
			publish(t, b, "s", strings.Repeat("x", 1000))
		}
		if got := time.Since(began); got != time.Minute {
			t.Errorf("publishing on a failed link took %v, want 0", got-time.Minute)
		}
		b.Hold()()
		if got := b.Mark(); got != 1001 {
			t.Errorf("Mark: got %d, want 1001", got)
		}
	})
}

// While publishers fill whole buffers the writer does not cut them to pieces, but the last bytes are not forgotten.
func TestWriterRests(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		urge func(b *Box)
		late bool
	}{
		{"nothing urgent", func(*Box) {}, true},
		{"Kick", func(b *Box) { b.Kick() }, false},
		{"Control", func(b *Box) { b.Control([]byte("PING\r\n")) }, false},
		{"PublishNow", func(b *Box) { _ = b.PublishNow("n", "", nil, nil) }, false},
		{"request", func(b *Box) { _ = b.Publish("n", "reply", nil, nil) }, false},
		{"plain", func(b *Box) { _ = b.Publish("n", "", nil, nil) }, true},
		{"data", func(b *Box) { _ = b.PublishData("n", nil) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, l := New(testConfig()), newScript(0)
				b.Release(l, true, nil, nil)
				go func() {
					for range 2 {
						publish(t, b, "s", strings.Repeat("x", 50_000))
					}
				}()
				synctest.Wait() // the publisher writes; the writer comes now, and finds that
				done := make(chan struct{})
				go func() {
					defer close(done)
					b.Run()
				}()
				synctest.Wait()
				l.open()
				synctest.Wait()
				tt.urge(b)
				synctest.Wait()
				if got := b.Buffered() > 0; got != tt.late {
					t.Errorf("something waits at once: got %v, want %v", got, tt.late)
				}
				time.Sleep(2 * linger)
				synctest.Wait()
				if got := b.Buffered(); got != 0 {
					t.Errorf("after twice the rest: got %d bytes waiting, want 0", got)
				}
				b.Close(0, 0)
				<-done
			})
		})
	}
}

// What comes in while a publisher writes does not wake the writer; the end of that write does.
func TestWriterGoesOnAfterAPublisher(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		open time.Duration // after the beginning of the publisher's write
	}{
		{"which finished", time.Millisecond},
		{"whose patience ended", time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, l := New(testConfig()), newScript(0)
				wait := start(t, b, l, true, "")
				synctest.Wait()
				go func() {
					for range 2 {
						publish(t, b, "s", strings.Repeat("x", 50_000))
					}
				}()
				time.Sleep(tt.open)
				publish(t, b, "s", "")
				l.open()
				time.Sleep(2 * linger)
				synctest.Wait()
				if got := b.Buffered(); got != 0 {
					t.Errorf("got %d bytes waiting, want 0", got)
				}
				b.Close(0, 0)
				wait()
			})
		})
	}
}

// A write that carried several operations makes the writer let others join the next ones, until they come alone again.
func TestWriterLetsOthersJoin(t *testing.T) {
	t.Parallel()
	b := New(testConfig())
	b.Release(newScript(-1), true, nil, nil)
	w := b.wire
	round := func(messages int) look {
		for range messages {
			publish(t, b, "s", "x")
		}
		did, _ := b.look(w)
		b.write(w, b.take(w), time.Time{})
		return did
	}
	if got := round(1); got != lookWrite {
		t.Errorf("alone: got %v, want %v", got, lookWrite)
	}
	round(2)
	for i := range sharedMemory {
		if got := round(1); got != lookJoin {
			t.Errorf("write %d after a shared one: got %v, want %v", i+1, got, lookJoin)
		}
	}
	if got := round(1); got != lookWrite {
		t.Errorf("alone again: got %v, want %v", got, lookWrite)
	}
}

// An urgent message keeps the writer from resting also when it comes before the writer has looked.
func TestWriterDoesNotRestOverUrgent(t *testing.T) {
	t.Parallel()
	for _, urgent := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) { // no time passes, so the publisher's write is not cut short
			b := New(testConfig())
			b.Release(newScript(-1), true, nil, nil)
			reply, want := "", lookRest
			if urgent {
				reply, want = "reply", lookJoin
			}
			publish(t, b, "s", "x")
			publish(t, b, "s", strings.Repeat("x", WriteSize)) // writes the first one
			_ = b.Publish("s", reply, nil, nil)
			b.wire.shared = sharedMemory
			if got, _ := b.look(b.wire); got != want {
				t.Errorf("urgent %v: got %v, want %v", urgent, got, want)
			}
		})
	}
}

func TestOneWriterOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(-1)
		b.Run() // held: returns at once
		wait := start(t, b, l, true, "")
		synctest.Wait()
		b.Run() // there is one: returns at once
		b.Close(0, 0)
		wait()
	})
}

func TestPiecesOfAFullBuffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(-1)
		for range 1000 {
			publish(t, b, "s", strings.Repeat("x", 1000))
		}
		wait := start(t, b, l, true, "")
		synctest.Wait()
		if got := l.pieces(); len(got) != 16 || slices.Max(got) > WriteSize {
			t.Errorf("1 MB that was kept: got writes %v, want 16 of at most %d", got, WriteSize)
		}
		b.Close(0, 0)
		wait()
	})
}
