package outbox

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/proto"
)

// A PING follows so many bytes of operations, and comes so long after the last publish without one.
func TestConfirming(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bytes int
		after time.Duration
		wait  time.Duration
		want  string
	}{
		"off":                 {0, 0, time.Hour, "[PUB a 1 PUB a 1 PUB a 1]"},
		"every publish":       {1, 0, 0, "[PUB a 1 PING PUB a 1 PING PUB a 1 PING]"},
		"every second":        {24, 0, time.Hour, "[PUB a 1 PUB a 1 PING PUB a 1]"},
		"by time, not yet":    {0, time.Second, time.Second - 1, "[PUB a 1 PUB a 1 PUB a 1]"},
		"by time, once":       {0, time.Second, time.Hour, "[PUB a 1 PUB a 1 PUB a 1 PING]"},
		"by both":             {24, time.Second, time.Second, "[PUB a 1 PUB a 1 PING PUB a 1 PING]"},
		"nothing left to ask": {36, time.Second, time.Hour, "[PUB a 1 PUB a 1 PUB a 1 PING]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := testConfig()
				cfg.ConfirmBytes, cfg.ConfirmAfter = tc.bytes, tc.after
				b, l := New(cfg), newScript(-1)
				wait := start(t, b, l, true, "")
				for range 3 {
					publish(t, b, "a", "x")
				}
				synctest.Wait()
				time.Sleep(tc.wait)
				synctest.Wait()
				if got := fmt.Sprint(ops(t, l.text())); got != tc.want {
					t.Errorf("written: got %v, want %v", got, tc.want)
				}
				b.Close(time.Second, time.Second)
				wait()
			})
		})
	}
}

// PONGs belong to PINGs in their order, whoever asked; what nobody asked for is nobody's.
func TestPongs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.ConfirmBytes = 24
		b, l := New(cfg), newScript(-1)
		wait := start(t, b, l, true, "")
		publish(t, b, "a", "x")
		if !b.Ping() { // counts as one behind 12 bytes
			t.Error("Ping: got false")
		}
		publish(t, b, "a", "x")
		publish(t, b, "a", "x") // own
		for i, want := range []struct{ own, ok, unconfirmed bool }{{false, true, true}, {true, true, false}, {false, false, false}} {
			own, ok := b.Pong()
			if own != want.own || ok != want.ok || b.Unconfirmed() != want.unconfirmed {
				t.Errorf("PONG %d: own %v, ok %v, unconfirmed %v; want %+v", i, own, ok, b.Unconfirmed(), want)
			}
		}
		synctest.Wait()
		if got := cut(b, l); got != (Loss{}) {
			t.Errorf("loss: got %+v, want none", got)
		}
		wait()
		if b.Ping() {
			t.Error("Ping without a link: got true")
		}
	})
}

// What is kept gets PINGs in between, so that a cut in the replay takes little with it.
func TestConfirmingTheReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.ConfirmBytes = 24
		b := New(cfg)
		for range 4 {
			publish(t, b, "a", "x")
		}
		l := newScript(-1)
		wait := start(t, b, l, true, "SUB s 1\r\n")
		synctest.Wait()
		if got, want := fmt.Sprint(ops(t, l.text())), "[SUB s 1 PUB a 1 PUB a 1 PING PUB a 1 PUB a 1 PING]"; got != want {
			t.Errorf("written: got %v, want %v", got, want)
		}
		b.Pong()
		if got, want := cut(b, l), (Loss{Unconfirmed: 2}); got != want {
			t.Errorf("loss: got %+v, want %+v", got, want)
		}
		wait()
	})
}

// With nothing confirmed, writing stops at the window; a confirmation moves it.
func TestWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Resend = 10_000 // a PING and a write every 2,500 bytes: 209 publishes of 12
		b, l := New(cfg), newScript(-1)
		wait := start(t, b, l, true, "SUB s 1\r\n")
		count := func() int { return strings.Count(l.text(), "PUB") }
		for range 3000 {
			publish(t, b, "a", "x")
			synctest.Wait()
		}
		first := count()
		if first < 10_000/12-209 || first > 10_000/12+209 {
			t.Errorf("%d messages written, want about 10,000 bytes", first)
		}
		for range 5 {
			before := count()
			if own, ok := b.Pong(); !own || !ok {
				t.Fatalf("PONG: own %v, ok %v", own, ok)
			}
			synctest.Wait()
			if count() == before {
				t.Errorf("a confirmation did not move the window")
			}
		}
		if got := cut(b, l); got != (Loss{}) {
			t.Errorf("loss: got %+v, want none", got)
		}
		wait()
		if got, most := int(b.Resent()), first+209; got == 0 || got > most {
			t.Errorf("%d sent again, want %d at most", got, most)
		}
	})
}

// A link that is left keeps to the window too: its writer sleeps until a PONG moves it, and everything goes out with further ones.
func TestLeaveWithAFullWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig()
		cfg.Resend = 10_000
		b, l := New(cfg), newScript(-1)
		wait := start(t, b, l, true, "")
		const all = 2000
		for range all {
			publish(t, b, "a", "x")
		}
		synctest.Wait()
		if !b.Leave() {
			t.Fatal("Leave: got false, want true")
		}
		synctest.Wait() // returns only when the writer sleeps
		count := func() int { return strings.Count(l.text(), "PUB") }
		if got := count(); got == 0 || got == all {
			t.Fatalf("%d messages written, want a window full of %d", got, all)
		}
		for range 100 {
			if own, ok := b.Pong(); !own || !ok {
				break
			}
			synctest.Wait()
		}
		if got := count(); got != all {
			t.Errorf("%d messages written in the end, want %d", got, all)
		}
		if got := cut(b, l); got != (Loss{}) {
			t.Errorf("loss: got %+v, want none", got)
		}
		wait()
	})
}

// Leave writes what was accepted, and a PING; what comes later is kept for the next link.
func TestLeave(t *testing.T) {
	t.Parallel()
	for name, cutEarly := range map[string]bool{"in peace": false, "cut meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, l := New(testConfig()), newScript(5)
				wait := start(t, b, l, true, "")
				publish(t, b, "a", "x")
				synctest.Wait() // in flight
				publish(t, b, "b", "x")
				if !b.Leave() || b.Leave() {
					t.Error("Leave: want true once")
				}
				publish(t, b, "c", "x")
				if b.Control([]byte("SUB x 1\r\n")) {
					t.Error("a SUB went to a link that is left")
				}
				want, loss := "[PUB a 1 PUB b 1 PING]", Loss{}
				if cutEarly {
					want = "[PUB a 1]"
					loss.Unconfirmed = 1
					l.allow(len("PUB a 1\r\nx\r\n"))
				} else {
					l.open()
				}
				synctest.Wait()
				text := l.text()
				if cutEarly {
					text = text[:len("PUB a 1\r\nx\r\n")]
				} else if own, ok := b.Pong(); own || !ok {
					t.Errorf("PONG: own %v, ok %v", own, ok)
				}
				if got := fmt.Sprint(ops(t, text)); got != want {
					t.Errorf("written: got %v, want %v", got, want)
				}
				if got := cut(b, l); got != loss {
					t.Errorf("loss: got %+v, want %+v", got, loss)
				}
				wait()
				next := newScript(-1)
				wait = start(t, b, next, true, "")
				b.Close(time.Second, time.Second)
				wait()
				want = "[PUB c 1]"
				if cutEarly {
					want = "[PUB b 1 PUB c 1]"
				}
				if got := fmt.Sprint(ops(t, next.text())); got != want {
					t.Errorf("on the next link: got %v, want %v", got, want)
				}
			})
		})
	}
}

// TestResendLosesNothing cuts links at random bytes and confirms at random times: every accepted publish without a reply subject
// arrives, each publisher's in order when they come first, and twice at most what was sent again.
func TestResendLosesNothing(t *testing.T) {
	t.Parallel()
	seeds := 12
	if raceEnabled {
		seeds = 4
	}
	for range seeds {
		seed := rand.Uint64()
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { newResend(t, seed).run() })
		})
	}
}

type resend struct {
	t        *testing.T
	rand     *rand.Rand
	box      *Box
	accepted [3]int // by publisher; messages are numbered from 0
	next     [3]int // the number of the first one that has not arrived
	seen     map[string]bool
	doubles  uint64
}

func newResend(t *testing.T, seed uint64) *resend {
	cfg := testConfig()
	r := rand.New(rand.NewPCG(seed, 3))
	cfg.Keep, cfg.Resend = 8<<20, []int{1, 1000, 50_000, 1 << 20}[r.IntN(4)]
	if r.IntN(2) == 0 {
		cfg.ConfirmAfter = time.Millisecond
	}
	return &resend{t: t, rand: r, box: New(cfg), seen: map[string]bool{}}
}

func (r *resend) run() {
	var publishers sync.WaitGroup
	for who := range r.accepted {
		rng := rand.New(rand.NewPCG(r.rand.Uint64(), 4))
		publishers.Go(func() { r.publish(who, rng) })
	}
	for range 4 + r.rand.IntN(8) {
		r.link(false)
	}
	done := make(chan struct{})
	go func() { publishers.Wait(); close(done) }()
	r.link(true)
	<-done
	r.link(true)
	for who, n := range r.accepted {
		if r.next[who] != n {
			r.t.Errorf("publisher %d: %d of %d arrived", who, r.next[who], n)
		}
	}
	if again := r.box.Resent(); r.doubles > again {
		r.t.Errorf("%d arrived twice, %d were sent again", r.doubles, again)
	}
}

// link is one life of a link; a last one takes and confirms everything.
func (r *resend) link(last bool) {
	l := newScript(0)
	exact := r.rand.IntN(3) > 0
	l.lie = !exact
	wait := start(r.t, r.box, l, exact, "SUB first 1\r\n")
	answered := 0
	steps := r.rand.IntN(12)
	if last {
		steps = 300
	}
	for range steps {
		l.allow(r.rand.IntN([]int{30, 3000, 300_000}[r.rand.IntN(3)]))
		if last {
			l.open()
		}
		time.Sleep(time.Duration(r.rand.IntN(5)) * time.Millisecond)
		synctest.Wait()
		for asked := strings.Count(l.text(), "PING\r\n"); answered < asked && (last || r.rand.IntN(3) > 0); answered++ {
			r.box.Pong()
		}
	}
	settle := r.box.Hold()
	l.close()
	loss := settle()
	wait()
	if loss != (Loss{}) {
		r.t.Errorf("loss: got %+v, want none", loss)
	}
	r.took(l.text())
}

func (r *resend) publish(who int, rng *rand.Rand) {
	for i := range 200 {
		data := fmt.Sprintf("%d %s", i, strings.Repeat("x", rng.IntN([]int{10, 300, 5000, 60_000}[rng.IntN(8)/2])))
		if err := r.box.PublishData(strconv.Itoa(who), []byte(data)); err != nil {
			r.t.Errorf("publish: %v", err)
			return
		}
		r.accepted[who]++
		if rng.IntN(4) == 0 {
			_ = r.box.Publish("request", "reply", nil, nil)
		}
		if rng.IntN(3) == 0 {
			time.Sleep(time.Duration(rng.IntN(2000)) * time.Microsecond)
		}
	}
}

func (r *resend) took(text string) {
	proto.Publishes([]byte(text), func(op []byte, hasReply bool) {
		if hasReply {
			return
		}
		line, body, _ := strings.Cut(string(op), "\r\n")
		name := strings.Fields(line)[1]
		number, _, _ := strings.Cut(body, " ")
		if r.seen[name+" "+number] {
			r.doubles++
			return
		}
		r.seen[name+" "+number] = true
		who, _ := strconv.Atoi(name)
		if got, want := number, strconv.Itoa(r.next[who]); got != want {
			r.t.Errorf("publisher %s: %s came first, want %s", name, got, want)
		}
		r.next[who]++
	})
}
