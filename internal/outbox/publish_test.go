package outbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
)

func TestHeldKeepsPublishesOnly(t *testing.T) {
	t.Parallel()
	b := New(testConfig())
	publish(t, b, "a", "1")
	if err := b.PublishNow("b", "r", []byte("NATS/1.0\r\n\r\n"), []byte("22")); err != nil {
		t.Fatalf("PublishNow while held: %v", err)
	}
	if b.PublishVolatile("c", "r", nil, nil) {
		t.Error("PublishVolatile while held: got true, want false")
	}
	if b.Control([]byte("PING\r\n")) {
		t.Error("Control while held: got true, want false")
	}
	want := "PUB a 1\r\n1\r\nHPUB b r 12 14\r\nNATS/1.0\r\n\r\n22\r\n"
	if got := b.Buffered(); got != len(want) {
		t.Errorf("Buffered: got %d, want %d", got, len(want))
	}
	if msgs, bytes := b.Stats(); msgs != 2 || bytes != 15 {
		t.Errorf("Stats: got %d messages, %d bytes; want 2 and 15", msgs, bytes)
	}
	if got := b.Mark(); got != 1 {
		t.Errorf("Mark: got %d, want 1: the one with a reply subject is not counted", got)
	}
	l := newScript(-1)
	wait := start(t, b, l, true, "SUB x 1\r\n")
	if loss := b.Close(time.Second, time.Second); loss != (Loss{}) {
		t.Errorf("Close: got %+v, want no loss", loss)
	}
	wait()
	if got := l.text(); got != "SUB x 1\r\n"+want {
		t.Errorf("written:\n got %q\nwant %q", got, "SUB x 1\r\n"+want)
	}
}

// TestPublishDataIsPublish: the way of most messages has an encoding and a count of its own. Both write the same.
func TestPublishDataIsPublish(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		exact bool
		tune  func(*Config)
	}{
		{"exact link", true, func(*Config) {}},
		{"inexact link", false, func(*Config) {}},
		{"PINGs between", true, func(c *Config) { c.ConfirmBytes = 10_000 }},
		{"sent again", true, func(c *Config) { c.Resend = 1 << 20 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var text [2]string
			var counters [2]Counters
			for i := range text {
				synctest.Test(t, func(t *testing.T) {
					cfg := testConfig()
					cfg.Counters = &counters[i]
					tt.tune(&cfg)
					b := New(cfg)
					l := newScript(-1)
					wait := start(t, b, l, tt.exact, "SUB x 1\r\n")
					synctest.Wait()
					for n, size := range []int{0, 9, 10, 99, 100, 999, 1000, 4000, 9999, 10_000, 50_000, 14_000, 60_000, 65_000, 16, 200_000, 128} {
						for range 3 {
							var err error
							if i == 0 {
								err = b.Publish("s."+strings.Repeat("x", n), "", nil, make([]byte, size))
							} else {
								err = b.PublishData("s."+strings.Repeat("x", n), make([]byte, size))
							}
							if err != nil {
								t.Fatalf("%d bytes: %v", size, err)
							}
						}
						if n%5 == 4 {
							synctest.Wait() // until it is written
						}
					}
					if got := b.Mark(); got != 51 {
						t.Errorf("Mark: got %d, want 51", got)
					}
					_ = b.Close(time.Second, time.Second)
					wait()
					text[i] = l.text()
				})
			}
			if text[0] != text[1] {
				t.Errorf("PublishData wrote %d bytes, other than the %d of Publish", len(text[1]), len(text[0]))
			}
			if counters[0] != counters[1] || counters[0].OutMsgs != 51 {
				t.Errorf("PublishData counted %+v, Publish %+v; want 51 messages", counters[1], counters[0])
			}
		})
	}
}

func TestKeepIsExact(t *testing.T) {
	t.Parallel()
	hdr := []byte("NATS/1.0\r\n\r\n")
	for _, tt := range []struct {
		name  string
		reply string
		hdr   []byte
		data  int
		size  int
	}{
		{"empty", "", nil, 0, len("PUB s 0\r\n\r\n")},
		{"nine", "", nil, 9, len("PUB s 9\r\n\r\n") + 9},
		{"ten", "", nil, 10, len("PUB s 10\r\n\r\n") + 10},
		{"reply", "rr", nil, 5, len("PUB s rr 5\r\n\r\n") + 5},
		{"header", "", hdr, 100, len("HPUB s 12 112\r\n\r\n") + 112},
		{"both", "rr", hdr, 0, len("HPUB s rr 12 12\r\n\r\n") + 12},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, short := range []int{0, 1} {
				cfg := testConfig()
				cfg.Keep = 2*tt.size - short
				b := New(cfg)
				if err := b.Publish("s", tt.reply, tt.hdr, make([]byte, tt.data)); err != nil {
					t.Fatalf("first: %v", err)
				}
				if got := b.Buffered(); got != tt.size {
					t.Fatalf("Buffered: got %d, want %d", got, tt.size)
				}
				var want error
				if short > 0 {
					want = natserr.ReconnectBufExceeded
				}
				if err := b.Publish("s", tt.reply, tt.hdr, make([]byte, tt.data)); err != want {
					t.Errorf("second with %d bytes missing: got %v, want %v", short, err, want)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Keep = -1
	none := New(cfg)
	if err := none.Publish("s", "", nil, nil); err != natserr.ReconnectBufExceeded {
		t.Errorf("Publish with nothing to keep: got %v, want %v", err, natserr.ReconnectBufExceeded)
	}
	if err := none.PublishNow("s", "", nil, nil); err != natserr.ReconnectBufExceeded {
		t.Errorf("PublishNow with nothing to keep: got %v, want %v", err, natserr.ReconnectBufExceeded)
	}
	if msgs, _ := none.Stats(); msgs != 0 {
		t.Errorf("refused publishes counted: got %d, want 0", msgs)
	}
	none.Close(0, 0)
	if err := none.Publish("s", "", nil, nil); err != natserr.ConnectionClosed {
		t.Errorf("Publish after Close: got %v, want %v", err, natserr.ConnectionClosed)
	}
	if err := none.PublishNow("s", "", nil, nil); err != natserr.ConnectionClosed {
		t.Errorf("PublishNow after Close: got %v, want %v", err, natserr.ConnectionClosed)
	}
	if none.PublishVolatile("s", "", nil, nil) || none.Control([]byte("PING\r\n")) {
		t.Error("PublishVolatile or Control after Close: got true, want false")
	}
	none.Release(newScript(-1), true, nil, nil)
	none.Run() // returns: Release did nothing
}

// stall makes a box whose link takes nothing and whose publishers have found that out.
func stall(t *testing.T, cfg Config) (b *Box, l *script, wait func()) {
	t.Helper()
	b, l = New(cfg), newScript(0)
	wait = start(t, b, l, true, "")
	publish(t, b, "first", "")
	synctest.Wait()
	time.Sleep(2 * cfg.Patience)
	return b, l, wait
}

func TestPublisherWritesForItsPatienceOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(100)
		b.Release(l, true, nil, toldOf(func(err error) { t.Errorf("WriteFailed(%v)", err) }))
		// No writer yet: whoever fills the buffer writes.
		for range 2 {
			publish(t, b, "s", strings.Repeat("x", 40_000))
		}
		if got, want := l.pieces(), "[40015]"; fmt.Sprint(got) != want {
			t.Fatalf("writes: got %v, want %v", got, want)
		}
		if got := len(l.text()); got != 100 {
			t.Errorf("taken: got %d bytes, want 100", got)
		}
		began := time.Now()
		publish(t, b, "s", strings.Repeat("x", 40_000))
		if got := time.Since(began); got != 0 {
			t.Errorf("the rest is the writer's: the next Publish took %v, want 0", got)
		}
		l.open()
		go b.Run()
		if loss := b.Close(time.Second, time.Second); loss != (Loss{}) {
			t.Errorf("Close: got %+v, want no loss", loss)
		}
		if got, want := ops(t, l.text()), "[PUB s 40000 PUB s 40000 PUB s 40000]"; fmt.Sprint(got) != want {
			t.Errorf("written: got %v, want %v", got, want)
		}
	})
}

func TestPublishOnStalledSocketGrowsThenWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Keep = 1 << 20
		b, l, wait := stall(t, cfg)
		began, longest := time.Now(), time.Duration(0)
		data := strings.Repeat("x", 1000)
		for b.Buffered() < cfg.Keep-2000 {
			at := time.Now()
			publish(t, b, "s", data)
			longest = max(longest, time.Since(at))
		}
		if longest > 10*time.Millisecond {
			t.Errorf("longest Publish: got %v, want at most 10ms", longest)
		}
		if total := time.Since(began); total > 10*time.Millisecond {
			t.Errorf("all of them: got %v, want at most 10ms: one of them finds out for all", total)
		}
		// Now everything is used up.
		for b.Buffered()+room(1, 0, len(data)) <= cfg.Keep {
			publish(t, b, "s", data)
		}
		b.cfg.WriteTimeout = time.Second // the publisher's; the write under way has its minute
		at := time.Now()
		if err := b.Publish("s", "", nil, []byte(data)); err != natserr.Timeout || time.Since(at) != time.Second {
			t.Errorf("Publish without room: got %v after %v, want %v after 1s", err, time.Since(at), natserr.Timeout)
		}
		// Whoever has less patience than that.
		at = time.Now()
		if err := b.PublishBy("s", "", nil, []byte(data), mono.Now().Add(300*time.Millisecond), nil); err != natserr.Timeout || time.Since(at) != 300*time.Millisecond {
			t.Errorf("PublishBy without room: got %v after %v, want %v after 300ms", err, time.Since(at), natserr.Timeout)
		}
		quit := make(chan struct{})
		time.AfterFunc(200*time.Millisecond, func() { close(quit) })
		at = time.Now()
		if err := b.PublishBy("s", "", nil, []byte(data), mono.Never, quit); err != natserr.Timeout || time.Since(at) != 200*time.Millisecond {
			t.Errorf("PublishBy without room that is given up: got %v after %v, want %v after 200ms", err, time.Since(at), natserr.Timeout)
		}
		if err := b.PublishBy("s", "", nil, []byte(data), mono.Now(), nil); err != natserr.Timeout || time.Since(at) != 200*time.Millisecond {
			t.Errorf("PublishBy whose time is over: got %v, want %v at once", err, natserr.Timeout)
		}
		b.Hold()
		l.close()
		wait()
	})
}

func TestWhatEndsTheWaitForRoom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(b *Box, l *script)
		want error
	}{
		{"room", func(_ *Box, l *script) { l.open() }, nil},
		{"Hold", func(b *Box, _ *script) { b.Hold() }, natserr.ReconnectBufExceeded},
		{"Close", func(b *Box, _ *script) { b.Close(0, 0) }, natserr.ConnectionClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := testConfig()
				cfg.Keep = 300_000
				b, l, wait := stall(t, cfg)
				data := strings.Repeat("x", 1000)
				for b.Buffered()+room(1, 0, len(data)) <= cfg.Keep {
					publish(t, b, "s", data)
				}
				result := make(chan error, 3)
				for range cap(result) {
					go func() { result <- b.Publish("late", "", nil, []byte(data)) }()
				}
				synctest.Wait()
				if len(result) > 0 {
					t.Fatalf("Publish without room returned %v, want it to wait", <-result)
				}
				time.Sleep(time.Second)
				began := time.Now()
				tt.end(b, l)
				for range cap(result) {
					if err := <-result; err != tt.want {
						t.Errorf("got %v, want %v", err, tt.want)
					}
				}
				if took := time.Since(began); took > 2*cfg.Patience {
					t.Errorf("took %v, want at most %v", took, 2*cfg.Patience)
				}
				settle := b.Hold()
				l.close()
				settle()
				wait()
			})
		})
	}
}

func TestPublishWaitsWhileTheSocketProgresses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(0)
		wait := start(t, b, l, false, "")
		stop := make(chan struct{})
		go func() { // 64 KiB every 2 ms: slow, but no standstill
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
					l.allow(WriteSize)
				}
			}
		}()
		most := 0
		for range 2000 {
			publish(t, b, "s", strings.Repeat("x", 1000))
			most = max(most, b.Buffered())
		}
		close(stop)
		if limit := 2*softLimit + 2000; most > limit {
			t.Errorf("most bytes that waited: got %d, want at most %d", most, limit)
		}
		if got := b.Buffered(); got == 0 {
			t.Error("nothing waits at the end: the publisher was never slowed down")
		}
		b.Hold()
		l.close()
		wait()
	})
}

// Who waits for room takes the token as soon as another publisher gives it back, writer or no writer.
func TestWaitingPublisherTakesTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, l := New(testConfig()), newScript(0)
		b.Release(l, true, nil, nil)
		data := strings.Repeat("x", 50_000)
		publish(t, b, "s", data)
		began := time.Now()
		done := make(chan time.Duration, 3)
		for range 4 { // the first writes, the others fill the active buffer, but for the last
			go func() {
				publish(t, b, "s", data)
				done <- time.Since(began)
			}()
			synctest.Wait()
		}
		if got := len(done); got != 2 {
			t.Fatalf("publishes that returned while one writes and one waits: got %d, want 2", got)
		}
		time.Sleep(time.Millisecond)
		l.open()
		for range 4 {
			if took := <-done; took > time.Millisecond {
				t.Errorf("returned after %v, want at once when the socket took something, after 1ms", took)
			}
		}
		b.Close(0, 0)
	})
}

// With all buffers used up, each piece that is written lets publishers go on.
func TestPieceMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Keep = 1 << 20
		b, l := New(cfg), newScript(0)
		data := strings.Repeat("x", 1000)
		for b.Buffered()+room(1, 0, len(data)) <= cfg.Keep {
			publish(t, b, "s", data)
		}
		wait := start(t, b, l, true, "")
		synctest.Wait()
		// All that was kept is in flight as one buffer now; the active one takes little more.
		done := make(chan struct{})
		go func() {
			for range 200 {
				publish(t, b, "s", data)
			}
			close(done)
		}()
		time.Sleep(time.Second)
		select {
		case <-done:
			t.Fatal("nobody waits")
		default:
		}
		l.allow(400_000) // six pieces, of sixteen
		began := time.Now()
		<-done
		if took := time.Since(began); took > 2*cfg.Patience {
			t.Errorf("publishers went on after %v, want at most %v", took, 2*cfg.Patience)
		}
		cut(b, l)
		wait()
	})
}

func TestReserves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Keep = 200_000
		b, l, wait := stall(t, cfg)
		data := make([]byte, 100_000)
		for b.Buffered()+101_000 <= cfg.Keep {
			publish(t, b, "s", string(data))
		}
		began := time.Now()
		var err error
		n := 0
		for ; err == nil; n++ {
			err = b.PublishNow("now", "", nil, data)
		}
		if err != natserr.ReconnectBufExceeded || n < 80 || n > 90 {
			t.Errorf("PublishNow: got %v after %d messages of 100 kB, want %v after about 84", err, n, natserr.ReconnectBufExceeded)
		}
		if b.PublishVolatile("v", "", nil, data) {
			t.Error("PublishVolatile without reserve: got true, want false")
		}
		ping := []byte(strings.Repeat("PING\r\n", 1000))
		for n = 0; b.Control(ping); n++ {
			if n > 10_000 {
				t.Fatal("Control has no bound")
			}
		}
		if n == 0 {
			t.Error("Control has no reserve of its own")
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v, want no wait", took)
		}
		b.Hold()
		l.close()
		wait()
	})
}

func TestPublishLargerThanEveryBuffer(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Keep = 1000
	b, l := New(cfg), newScript(-1)
	wait := start(t, b, l, true, "")
	for range 3 {
		publish(t, b, "s", strings.Repeat("x", 3<<20))
	}
	if loss := b.Close(time.Second, 10*time.Second); loss != (Loss{}) {
		t.Errorf("Close: got %+v, want no loss", loss)
	}
	wait()
	if got := len(ops(t, l.text())); got != 3 {
		t.Errorf("written: got %d messages, want 3", got)
	}
	if err := b.Publish("s", "", nil, nil); !errors.Is(err, natserr.ConnectionClosed) {
		t.Errorf("Publish after Close: got %v, want %v", err, natserr.ConnectionClosed)
	}
}
