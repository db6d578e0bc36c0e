package nats

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/proto"
)

func TestNextMsgWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := syncSub(unlinked(t), "a")
		start := time.Now()
		if _, err := s.NextMsg(time.Second); err != ErrTimeout || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want ErrTimeout after 1s", err, time.Since(start))
		}
		for _, d := range []time.Duration{0, -time.Second} {
			start = time.Now()
			if _, err := s.NextMsg(d); err != ErrTimeout || time.Since(start) != 0 {
				t.Errorf("NextMsg(%v): got %v after %v, want ErrTimeout at once", d, err, time.Since(start))
			}
		}
		start = time.Now()
		time.AfterFunc(300*time.Millisecond, func() { push(s, frame("a", "x")) })
		m, err := s.NextMsg(time.Second)
		if err != nil || string(m.Data) != "x" || time.Since(start) != 300*time.Millisecond {
			t.Errorf("got %v, %v after %v, want x after 300ms", m, err, time.Since(start))
		}
	})
}

func TestNextMsgAllocatesNothingWhenItWaitsAgain(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	s := syncSub(unlinked(t), "a")
	_, _ = s.NextMsg(time.Nanosecond)
	if got := testing.AllocsPerRun(100, func() { _, _ = s.NextMsg(time.Nanosecond) }); got != 0 {
		t.Errorf("%v allocations a wait, want 0", got)
	}
}

func TestNextMsgWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := syncSub(unlinked(t), "a")
		if _, err := s.NextMsgWithContext(nil); err != ErrInvalidContext { //nolint:staticcheck // that is the point
			t.Errorf("nil context: got %v, want ErrInvalidContext", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.NextMsgWithContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline's error", err)
		}
		push(s, frame("a", "x"))
		if _, err := s.NextMsgWithContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("context that is over: got %v, want its error", err)
		}
		if m, err := s.NextMsgWithContext(context.Background()); err != nil || string(m.Data) != "x" {
			t.Errorf("got %v, %v, want x", m, err)
		}
	})
}

// TestNextMsgFromMany has several goroutines wait: each message goes to one, and nobody is forgotten.
func TestNextMsgFromMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := syncSub(unlinked(t), "a")
		const readers, messages = 7, 700
		var mu sync.Mutex
		seen := make(map[string]int)
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				for {
					m, err := s.NextMsg(time.Minute)
					if err != nil {
						return
					}
					mu.Lock()
					seen[string(m.Data)]++
					mu.Unlock()
				}
			})
		}
		for i := range messages / 10 {
			pushN(s, 10)
			if i%3 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if err := s.Unsubscribe(); err != nil {
			t.Error(err)
		}
		wg.Wait()
		for data, n := range seen {
			if n != messages/10 {
				t.Errorf("%q came %d times, want %d", data, n, messages/10)
			}
		}
		if len(seen) != 10 {
			t.Errorf("%d different messages, want 10", len(seen))
		}
	})
}

// TestNextMsgEnds has each end of a subscription wake who waits, with the right error.
func TestNextMsgEnds(t *testing.T) {
	t.Parallel()
	ends := []struct {
		name        string
		end         func(*Subscription)
		want, later error
	}{
		{"unsubscribe", func(s *Subscription) { _ = s.Unsubscribe() }, ErrBadSubscription, ErrBadSubscription},
		{"connection closed", func(s *Subscription) { (*inlet)(s).Closed(ErrConnectionClosed) }, ErrConnectionClosed, ErrConnectionClosed},
		{"refused", func(s *Subscription) { s.refuse(ErrPermissionViolation) }, ErrPermissionViolation, ErrPermissionViolation},
		{"drained", func(s *Subscription) { _, _ = s.beginDrain(); s.complete() }, ErrBadSubscription, ErrBadSubscription},
	}
	for _, tt := range ends {
		for _, kind := range []string{"sync", "chan"} {
			t.Run(tt.name+" "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := syncSub(unlinked(t), "a")
					if kind == "chan" {
						s = chanSub(unlinked(t), "a", make(chan *Msg, 1))
					}
					errs := make(chan error, 2)
					for range 2 {
						go func() {
							_, err := s.NextMsg(time.Hour)
							errs <- err
						}()
					}
					synctest.Wait()
					start := time.Now()
					tt.end(s)
					for range 2 {
						if err := <-errs; err != tt.want {
							t.Errorf("got %v, want %v", err, tt.want)
						}
					}
					if time.Since(start) != 0 {
						t.Errorf("woke after %v", time.Since(start))
					}
					if _, err := s.NextMsg(0); err != tt.later {
						t.Errorf("later: got %v, want %v", err, tt.later)
					}
				})
			})
		}
	}
}

func TestNextMsgOfNoResponders(t *testing.T) {
	t.Parallel()
	s := syncSub(unlinked(t), "a")
	push(s,
		&proto.Frame{Subject: []byte("a"), Header: []byte("NATS/1.0 503\r\n\r\n")},
		&proto.Frame{Subject: []byte("a"), Header: []byte("NATS/1.0 503\r\n\r\n"), Data: []byte("x")},
	)
	if _, err := s.NextMsg(0); err != ErrNoResponders {
		t.Errorf("got %v, want ErrNoResponders", err)
	}
	if m, err := s.NextMsg(0); err != nil || m.Header.Get("Status") != "503" {
		t.Errorf("with a payload: got %v, %v, want the message", m, err)
	}
}

func TestIterators(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := syncSub(unlinked(t), "a")
		pushN(s, 2)
		time.AfterFunc(50*time.Millisecond, func() { push(s, frame("a", "2")) })
		time.AfterFunc(75*time.Millisecond, func() { _ = s.Unsubscribe() })
		var got []string
		for m, err := range s.MsgsTimeout(20 * time.Millisecond) {
			if err != nil {
				got = append(got, err.Error())
			} else {
				got = append(got, string(m.Data))
			}
		}
		want := []string{"0", "1", "nats: timeout", "nats: timeout", "2", "nats: timeout", "nats: invalid subscription"}
		if len(got) != len(want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("value %d is %q, want %q", i, got[i], want[i])
			}
		}
		n := 0
		for _, err := range s.Msgs() {
			if n++; err != ErrBadSubscription {
				t.Errorf("got %v, want ErrBadSubscription", err)
			}
		}
		for _, err := range s.MsgsTimeout(0) {
			if n++; err != ErrInvalidArg {
				t.Errorf("got %v, want ErrInvalidArg", err)
			}
		}
		if n != 2 {
			t.Errorf("%d values, want one of each", n)
		}
	})
}
