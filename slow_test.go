package nats

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/proto"
)

// ends are the payloads that a subscription has left, without waiting.
func ends(t *testing.T, s *Subscription) (left []string) {
	t.Helper()
	for {
		m, err := s.NextMsg(0)
		switch {
		case err == nil:
			left = append(left, string(m.Data))
		case errors.Is(err, ErrSlowConsumer):
		case err == ErrTimeout:
			return left
		default:
			t.Fatal(err)
		}
	}
}

func numbers(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

func wantStats(t *testing.T, s *Subscription, droppedNew, droppedOld int) {
	t.Helper()
	st, err := s.SlowStats()
	if err != nil || st.DroppedNew != uint64(droppedNew) || st.DroppedOld != uint64(droppedOld) {
		t.Errorf("got %+v, %v, want %d dropped new, %d old", st, err, droppedNew, droppedOld)
	}
	if n, err := s.Dropped(); err != nil || n != droppedNew+droppedOld {
		t.Errorf("Dropped() = %d, %v, want %d", n, err, droppedNew+droppedOld)
	}
}

func TestDropOld(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		before        int // messages that are there when the policy is set
		limits        extent
		arrive        []string
		want          []string
		old, newer    int // dropped
		leftoverBytes int
	}{
		{name: "room", limits: extent{5, -1}, arrive: numbers(0, 5), want: numbers(0, 5)},
		{name: "messages", limits: extent{3, -1}, arrive: numbers(0, 10), want: numbers(7, 10), old: 7},
		{name: "one", limits: extent{1, -1}, arrive: numbers(0, 10), want: numbers(9, 10), old: 9},
		{name: "bytes", limits: extent{-1, 4}, arrive: []string{"1", "22", "333", "4"}, want: []string{"333", "4"}, old: 2},
		{name: "one for many", limits: extent{-1, 4}, arrive: []string{"1", "2", "3", "4", "5555"}, want: []string{"5555"}, old: 4},
		{name: "too large for ever", limits: extent{-1, 4}, arrive: []string{"1", "22", "55555"}, want: []string{"1", "22"}, newer: 1},
		{name: "more than a chunk", limits: extent{20, -1}, arrive: numbers(0, 100), want: numbers(80, 100), old: 80},
		{name: "from before", before: 30, limits: extent{10, -1}, arrive: numbers(0, 4), want: append(numbers(24, 30), numbers(0, 4)...), old: 24},
	}
	for _, tt := range tests {
		for _, oneRun := range []bool{true, false} {
			t.Run(fmt.Sprint(tt.name, oneRun), func(t *testing.T) {
				t.Parallel()
				s := syncSub(unlinked(t), "a")
				pushN(s, tt.before)
				if err := s.SetPendingLimits(tt.limits.msgs, tt.limits.bytes); err != nil {
					t.Fatal(err)
				}
				if err := s.SetSlowPolicy(SlowPolicy{DropOld: true}); err != nil {
					t.Fatal(err)
				}
				for _, data := range tt.arrive {
					(*inlet)(s).Deliver(frame("a", data))
					if !oneRun {
						(*inlet)(s).Settle()
					}
				}
				(*inlet)(s).Settle()
				wantStats(t, s, tt.newer, tt.old)
				n, bytes, _ := s.Pending()
				if want := len(strings.Join(tt.want, "")); n != len(tt.want) || bytes != want {
					t.Errorf("%d messages, %d bytes pending, want %d, %d", n, bytes, len(tt.want), want)
				}
				if got := ends(t, s); !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if n, _, _ := s.Pending(); n != 0 {
					t.Errorf("%d pending at the end", n)
				}
				if n, err := s.Delivered(); err != nil || n != int64(len(tt.want)) {
					t.Errorf("Delivered() = %d, %v, want %d", n, err, len(tt.want))
				}
			})
		}
	}
}

// A callback keeps what it has in hand, and gets the latest next.
func TestDropOldBesideACallback(t *testing.T) {
	t.Parallel()
	for _, before := range []int{0, 20} {
		warm, entered, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
		var got []string
		over := make(chan struct{})
		s := asyncSub(unlinked(t), "a", func(m *Msg) {
			got = append(got, string(m.Data))
			switch string(m.Data) {
			case "warm":
				close(warm)
			case "first":
				close(entered)
				<-release
			case "99":
				close(over)
			}
		})
		push(s, frame("a", "warm"))
		receive(t, warm, "call")
		run := []*proto.Frame{frame("a", "first")}
		for i := range before {
			run = append(run, frame("a", fmt.Sprint(i)))
		}
		push(s, run...) // the callback has the first of a chunk
		receive(t, entered, "call")
		if err := s.SetSlowPolicy(SlowPolicy{DropOld: true}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetPendingLimits(10, -1); err != nil {
			t.Fatal(err)
		}
		pushN(s, 100)
		if n, _, _ := s.Pending(); n != 10 {
			t.Errorf("%d pending, want 10", n)
		}
		close(release)
		receive(t, over, "last message")
		// What the worker has in its hands stays: seven more at most.
		kept := min(before, chunkMsgs-1)
		want := slices.Concat([]string{"warm", "first"}, numbers(0, kept), numbers(91+kept, 100))
		if !slices.Equal(got, want) {
			t.Errorf("%d before: got %q, want %q", before, got, want)
		}
		wantStats(t, s, 0, 102+before-len(want))
	}
}

func TestDropOldEndsAtTheLimit(t *testing.T) {
	t.Parallel()
	nc := unlinked(t)
	s := syncSub(nc, "a")
	s.max = 20
	if err := errors.Join(s.SetSlowPolicy(SlowPolicy{DropOld: true}), s.SetPendingLimits(3, -1)); err != nil {
		t.Fatal(err)
	}
	pushN(s, 20)
	(*inlet)(s).Closed(ErrMaxMessages)
	if got := ends20(s); !slices.Equal(got, numbers(17, 20)) {
		t.Errorf("got %q, want %q", got, numbers(17, 20))
	}
	if s.IsValid() {
		t.Error("the subscription goes on")
	}
}

func ends20(s *Subscription) (left []string) {
	for m, err := range s.Msgs() {
		switch {
		case err == nil:
			left = append(left, string(m.Data))
		case err != ErrSlowConsumer:
			return left
		}
	}
	for {
		m, err := s.NextMsg(0)
		if err != nil {
			return left
		}
		left = append(left, string(m.Data))
	}
}

func TestChannelPolicies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		cap        int
		policy     *SlowPolicy
		want       []string
		newer, old int
	}{
		{name: "none", cap: 3, want: numbers(0, 3), newer: 97},
		{name: "none, large", cap: 70, want: numbers(0, 70), newer: 30},
		{name: "drop new", cap: 3, policy: &SlowPolicy{}, want: numbers(0, 3), newer: 97},
		{name: "drop old", cap: 3, policy: &SlowPolicy{DropOld: true}, want: numbers(97, 100), old: 97},
		{name: "drop old, large", cap: 70, policy: &SlowPolicy{DropOld: true}, want: numbers(30, 100), old: 30},
		{name: "drop old without a buffer", cap: 0, policy: &SlowPolicy{DropOld: true}, newer: 100},
		{name: "wait in vain", cap: 3, policy: &SlowPolicy{Wait: time.Millisecond}, want: numbers(0, 3), newer: 97},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ch := make(chan *Msg, tt.cap)
			s := chanSub(unlinked(t), "a", ch)
			if tt.policy != nil {
				if err := s.SetSlowPolicy(*tt.policy); err != nil {
					t.Fatal(err)
				}
			}
			pushN(s, 100)
			wantStats(t, s, tt.newer, tt.old)
			if n, err := s.Delivered(); err != nil || n != int64(len(tt.want)) {
				t.Errorf("Delivered() = %d, %v, want %d", n, err, len(tt.want))
			}
			var got []string
			for len(ch) > 0 {
				got = append(got, string((<-ch).Data))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// consumers are the ways to take messages from a subscription, one each time take is called.
// free ends a callback that waits for the next one.
func consumers() map[string]func(nc *Conn) (s *Subscription, take func() string, free func()) {
	return map[string]func(nc *Conn) (*Subscription, func() string, func()){
		"sync": func(nc *Conn) (*Subscription, func() string, func()) {
			s := syncSub(nc, "a")
			return s, func() string {
				m, err := s.NextMsg(time.Minute)
				if err != nil {
					return err.Error()
				}
				return string(m.Data)
			}, func() {}
		},
		"async": func(nc *Conn) (*Subscription, func() string, func()) {
			got, free := make(chan string), make(chan struct{})
			s := asyncSub(nc, "a", func(m *Msg) {
				select {
				case got <- string(m.Data):
				case <-free:
				}
			})
			return s, func() string { return <-got }, func() { close(free) }
		},
		"chan": func(nc *Conn) (*Subscription, func() string, func()) {
			ch := make(chan *Msg, 2)
			return chanSub(nc, "a", ch), func() string { return string((<-ch).Data) }, func() {}
		},
	}
}

// TestWaitLosesNothing has a slow program and a reader that waits for it.
func TestWaitLosesNothing(t *testing.T) {
	t.Parallel()
	for name, make := range consumers() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nc := unlinked(t)
				defer nc.eng.Close()
				s, take, free := make(nc)
				defer free()
				if s.ch == nil {
					if err := s.SetPendingLimits(2, -1); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.SetSlowPolicy(SlowPolicy{Wait: time.Second}); err != nil {
					t.Fatal(err)
				}
				var reader sync.WaitGroup
				began := time.Now()
				reader.Go(func() { pushN(s, 50) })
				for i := range 50 {
					time.Sleep(10 * time.Millisecond)
					if got := take(); got != fmt.Sprint(i) {
						t.Fatalf("message %d is %q", i, got)
					}
				}
				reader.Wait()
				if took := time.Since(began); took > 600*time.Millisecond {
					t.Errorf("took %v for 50 messages of 10 ms", took)
				}
				st, err := s.SlowStats()
				if err != nil || st.DroppedNew+st.DroppedOld > 0 || st.Waits < 40 || st.Waited < 400*time.Millisecond || st.Waited > 600*time.Millisecond {
					t.Errorf("got %+v, %v, want about 47 waits of 10 ms and nothing dropped", st, err)
				}
			})
		})
	}
}

// TestWaitIsBounded has a program that does not take anything: one wait, then messages are dropped at once.
func TestWaitIsBounded(t *testing.T) {
	t.Parallel()
	for name, make := range consumers() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var h heard
				nc := unlinked(t, h.option())
				defer nc.eng.Close()
				s, take, free := make(nc)
				defer free()
				if s.ch == nil {
					if err := s.SetPendingLimits(2, -1); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.SetSlowPolicy(SlowPolicy{Wait: 300 * time.Millisecond}); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				pushN(s, 50)
				if took := time.Since(began); took != 300*time.Millisecond {
					t.Errorf("the reader stood still for %v, want 300ms", took)
				}
				wantStats(t, s, 48, 0)
				receive(t, h.more, "ErrSlowConsumer")
				if name == "sync" {
					_ = take() // ErrSlowConsumer
				}
				for i := range 2 {
					if got := take(); got != fmt.Sprint(i) {
						t.Errorf("got %q, want %d", got, i)
					}
				}
				synctest.Wait()
				began = time.Now()
				pushN(s, 3) // there is room again, and so there are waits
				if took := time.Since(began); took != 300*time.Millisecond {
					t.Errorf("the second time: stood still for %v, want 300ms", took)
				}
				for i := range 2 {
					if got := take(); name != "sync" && got != fmt.Sprint(i) {
						t.Errorf("got %q, want %d", got, i)
					}
				}
			})
		})
	}
}

// TestWaitEnds ends the reader's wait by what makes it pointless.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	for name, make := range consumers() {
		for how, end := range map[string]func(nc *Conn, s *Subscription){
			"unsubscribed":  func(_ *Conn, s *Subscription) { s.finish(0) },
			"closed":        func(_ *Conn, s *Subscription) { (*inlet)(s).Closed(ErrConnectionClosed) },
			"link lost":     func(nc *Conn, _ *Subscription) { nc.still.bar(true) },
			"another limit": func(_ *Conn, s *Subscription) { _ = s.SetPendingLimits(1000, -1) },
			"no more wait":  func(nc *Conn, s *Subscription) { nc.still.bar(true); nc.still.bar(false) },
		} {
			if name == "chan" && how == "another limit" {
				continue
			}
			t.Run(name+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					nc := unlinked(t)
					defer nc.eng.Close()
					s, _, free := make(nc)
					defer free()
					if s.ch == nil {
						if err := s.SetPendingLimits(2, -1); err != nil {
							t.Fatal(err)
						}
					}
					if err := s.SetSlowPolicy(SlowPolicy{Wait: MaxSlowWait}); err != nil {
						t.Fatal(err)
					}
					began := time.Now()
					done := time.Duration(-1)
					go func() { pushN(s, 10); done = time.Since(began) }()
					synctest.Wait()
					end(nc, s)
					synctest.Wait()
					if done != 0 {
						t.Errorf("the reader went on after %v, want at once", done)
					}
				})
			})
		}
	}
}

// A channel that the program closes costs the message, not the process.
func TestWaitOnAClosedChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := make(chan *Msg, 1)
		s := chanSub(unlinked(t), "a", ch)
		if err := s.SetSlowPolicy(SlowPolicy{Wait: time.Second, DropOld: true}); err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		go func() { pushN(s, 3); close(over) }()
		synctest.Wait()
		close(ch)
		<-over
		wantStats(t, s, 2, 1)
	})
}

func TestSlowConsumerErrors(t *testing.T) {
	t.Parallel()
	var h heard
	s := syncSub(unlinked(t, h.option(), SlowConsumerErrors()), "a")
	s.Queue = "q"
	if err := s.SetPendingLimits(2, -1); err != nil {
		t.Fatal(err)
	}
	pushN(s, 5)
	receive(t, h.more, "error")
	_, err := s.NextMsg(0)
	want := SlowConsumerError{Subject: "a", Queue: "q", PendingMsgs: 2, PendingBytes: 2, Dropped: 1}
	for _, got := range []error{h.errs[0], err} {
		var slow *SlowConsumerError
		if !errors.As(got, &slow) || !errors.Is(got, ErrSlowConsumer) || *slow != want {
			t.Errorf("got %v, want %+v", got, want)
		}
		want.Dropped = 3
	}
}

func TestSlowPolicyArguments(t *testing.T) {
	t.Parallel()
	s := syncSub(unlinked(t), "a")
	for _, wait := range []time.Duration{-1, MaxSlowWait + 1, 1<<63 - 1, -1 << 63} {
		if err := s.SetSlowPolicy(SlowPolicy{Wait: wait}); !errors.Is(err, ErrInvalidArg) {
			t.Errorf("wait %d: got %v, want %v", wait, err, ErrInvalidArg)
		}
	}
	if err := s.SetSlowPolicy(SlowPolicy{Wait: MaxSlowWait, DropOld: true}); err != nil {
		t.Error(err)
	}
	if p, err := s.SlowPolicy(); err != nil || p != (SlowPolicy{Wait: MaxSlowWait, DropOld: true}) {
		t.Errorf("got %+v, %v", p, err)
	}
	_ = s.finish(0)
	_, policy := s.SlowPolicy()
	_, stats := s.SlowStats()
	var none *Subscription
	for _, err := range []error{s.SetSlowPolicy(SlowPolicy{}), policy, stats, none.SetSlowPolicy(SlowPolicy{})} {
		if err != ErrBadSubscription {
			t.Errorf("got %v, want %v", err, ErrBadSubscription)
		}
	}
}
