package nats

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/gannet-io/nats/internal/natserr"
)

// TestSizes guards what idle subscriptions and messages cost.
func TestSizes(t *testing.T) {
	t.Parallel()
	if got := unsafe.Sizeof(Subscription{}); got > 448 { // 96 of them are the engine's part, which was an object of its own
		t.Errorf("a Subscription has %d bytes, want at most 448: a size class of the allocator", got)
	}
	if got := unsafe.Sizeof(Msg{}); got > 80 {
		t.Errorf("a Msg has %d bytes, want at most 80", got)
	}
}

func TestSubscribeArguments(t *testing.T) {
	t.Parallel()
	nc := unlinked(t)
	cb := func(*Msg) {}
	tests := []struct {
		name string
		call func() (*Subscription, error)
		want error
	}{
		{"white space", func() (*Subscription, error) { return nc.SubscribeSync("a b") }, ErrBadSubject},
		{"line break", func() (*Subscription, error) { return nc.SubscribeSync("a\r\nPUB b 0") }, ErrBadSubject},
		{"empty token", func() (*Subscription, error) { return nc.Subscribe("a..b", cb) }, ErrBadSubject},
		{"empty", func() (*Subscription, error) { return nc.Subscribe("", cb) }, ErrBadSubject},
		{"queue", func() (*Subscription, error) { return nc.QueueSubscribe("a", "q q", cb) }, ErrBadQueueName},
		{"nil callback", func() (*Subscription, error) { return nc.Subscribe("a", nil) }, ErrBadSubscription},
		{"nil channel", func() (*Subscription, error) { return nc.ChanSubscribe("a", nil) }, ErrBadSubscription},
		{"nil channel, queue", func() (*Subscription, error) { return nc.QueueSubscribeSyncWithChan("a", "q", nil) }, ErrBadSubscription},
		{"nil connection", func() (*Subscription, error) { return (*Conn)(nil).SubscribeSync("a") }, ErrInvalidConnection},
		{"zero connection", func() (*Subscription, error) { return new(Conn).SubscribeSync("a") }, ErrInvalidConnection},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if s, err := tt.call(); err != tt.want || s != nil {
				t.Errorf("got %v, %v, want %v", s, err, tt.want)
			}
		})
	}
}

func TestZeroSubscription(t *testing.T) {
	t.Parallel()
	for _, s := range []*Subscription{nil, {}} {
		_, err := s.NextMsg(0)
		_, _, errPending := s.Pending()
		for what, err := range map[string]error{
			"NextMsg": err, "Pending": errPending, "Drain": s.Drain(), "AutoUnsubscribe": s.AutoUnsubscribe(1),
			"SetPendingLimits": s.SetPendingLimits(1, 1), "ClearMaxPending": s.ClearMaxPending(),
		} {
			if err != ErrBadSubscription {
				t.Errorf("%s: got %v, want ErrBadSubscription", what, err)
			}
		}
		if s.IsValid() || s.IsDraining() || s.Unsubscribe() == nil {
			t.Error("it says that it is active")
		}
		s.SetClosedHandler(nil)
		if st, open := <-s.StatusChanged(); st != SubscriptionClosed || !open {
			t.Errorf("got status %v, want Closed", st)
		}
	}
	if got := (*Subscription)(nil).Type(); got != NilSubscription {
		t.Errorf("type %v, want NilSubscription", got)
	}
}

func TestCallbacksKeepOrder(t *testing.T) {
	t.Parallel()
	const n = 1000
	got := make(chan string, n)
	s := asyncSub(unlinked(t), "a", func(m *Msg) { got <- string(m.Data) })
	for i := range n {
		(*inlet)(s).Deliver(frame("a", fmt.Sprint(i)))
		if i%7 == 0 {
			(*inlet)(s).Settle()
		}
	}
	(*inlet)(s).Settle()
	for i := range n {
		if m := receive(t, got, "message"); m != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m)
		}
	}
}

// TestCallbackEndsItsGoroutine: the messages after it come all the same, and each once.
func TestCallbackEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	got := make(chan string, 20)
	s := asyncSub(unlinked(t), "a", func(m *Msg) {
		got <- string(m.Data)
		if string(m.Data) == "3" || string(m.Data) == "9" {
			runtime.Goexit()
		}
	})
	pushN(s, 10)
	for i := range 10 {
		if m := receive(t, got, "message"); m != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m)
		}
	}
	done := make(chan struct{})
	_ = s.conn.Barrier(func() { close(done) })
	receive(t, done, "barrier")
	if n, _, _ := s.Pending(); n != 0 {
		t.Errorf("%d pending, want 0", n)
	}
}

func TestUnsubscribeInsideCallback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []string
		closed := 0
		s := asyncSub(unlinked(t), "a", func(m *Msg) {
			got = append(got, string(m.Data))
			if len(got) == 3 {
				if err := m.Sub.Unsubscribe(); err != nil {
					t.Error(err)
				}
			}
		})
		s.SetClosedHandler(func(subject string) {
			closed++
			got = append(got, "closed "+subject)
		})
		pushN(s, 10)
		synctest.Wait()
		if len(got) != 4 || got[3] != "closed a" || closed != 1 {
			t.Errorf("got %q, want 3 messages and the closed handler once", got)
		}
		if err := s.Unsubscribe(); err != ErrBadSubscription {
			t.Errorf("second Unsubscribe: got %v, want ErrBadSubscription", err)
		}
		if len(s.conn.subscriptions()) != 0 {
			t.Error("the connection still knows the subscription")
		}
	})
}

// limited plays AutoUnsubscribe without an engine: max is set, and the engine reports its end when the last message came.
func limited(s *Subscription, max uint64) { _ = s.limit(max) }

func TestAutoUnsubscribe(t *testing.T) {
	t.Parallel()
	t.Run("sync", func(t *testing.T) {
		t.Parallel()
		s := syncSub(unlinked(t), "a")
		limited(s, 5)
		pushN(s, 5)
		(*inlet)(s).Closed(natserr.MaxMessages)
		for range 5 {
			if !s.IsValid() {
				t.Error("over before the last message")
			}
			if _, err := s.NextMsg(0); err != nil {
				t.Error(err)
			}
		}
		for range 2 {
			if _, err := s.NextMsg(0); err != ErrMaxMessages || s.IsValid() {
				t.Errorf("got %v, want ErrMaxMessages", err)
			}
		}
	})
	t.Run("async, set inside the callback", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n := 0
			s := asyncSub(unlinked(t), "a", func(m *Msg) {
				if n++; n == 3 {
					limited(m.Sub, 5)
					(*inlet)(m.Sub).Closed(natserr.MaxMessages)
				}
			})
			closed := false
			s.SetClosedHandler(func(string) { closed = true })
			pushN(s, 10)
			synctest.Wait()
			if n != 5 || !closed || s.IsValid() {
				t.Errorf("%d callbacks, closed %v, valid %v, want 5, true, false", n, closed, s.IsValid())
			}
		})
	})
	t.Run("dropped messages count", func(t *testing.T) {
		t.Parallel()
		s := syncSub(unlinked(t, ErrorHandler(nil)), "a")
		_ = s.SetPendingLimits(2, -1)
		limited(s, 4)
		pushN(s, 4)
		(*inlet)(s).Closed(natserr.MaxMessages)
		for i, want := range []error{ErrSlowConsumer, nil, nil, ErrMaxMessages} {
			if _, err := s.NextMsg(0); err != want {
				t.Errorf("call %d: got %v, want %v", i, err, want)
			}
		}
	})
	t.Run("the end is told before the run is settled", func(t *testing.T) {
		t.Parallel()
		s := syncSub(unlinked(t), "a")
		limited(s, 1)
		(*inlet)(s).Deliver(frame("a", "x"))
		(*inlet)(s).Closed(natserr.MaxMessages)
		(*inlet)(s).Settle()
		if m, err := s.NextMsg(0); err != nil || string(m.Data) != "x" {
			t.Errorf("got %v, %v, want x", m, err)
		}
	})
	t.Run("channel", func(t *testing.T) {
		t.Parallel()
		s := chanSub(unlinked(t), "a", make(chan *Msg, 4))
		limited(s, 2)
		pushN(s, 2)
		(*inlet)(s).Closed(natserr.MaxMessages)
		for i, want := range []error{nil, nil, ErrMaxMessages} {
			if _, err := s.NextMsg(0); err != want {
				t.Errorf("call %d: got %v, want %v", i, err, want)
			}
		}
	})
}

func TestDrainedSubscription(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leave := make(chan struct{})
		n := 0
		s := asyncSub(unlinked(t), "a", func(*Msg) {
			<-leave
			n++
		})
		statuses := s.StatusChanged()
		s.SetClosedHandler(func(string) {
			if n != 3 {
				t.Errorf("closed after %d callbacks, want 3", n)
			}
		})
		pushN(s, 3)
		if began, err := s.beginDrain(); !began || err != nil {
			t.Fatal(began, err)
		}
		if began, err := s.beginDrain(); began || err != nil {
			t.Errorf("second drain: got %v, %v, want false, nil", began, err)
		}
		s.complete()
		synctest.Wait()
		if !s.IsDraining() || !s.IsValid() {
			t.Error("over before the queue is empty")
		}
		close(leave)
		synctest.Wait()
		if s.IsDraining() || s.IsValid() || n != 3 {
			t.Errorf("%d callbacks, draining %v, want 3, false", n, s.IsDraining())
		}
		var got []SubStatus
		for st := range statuses {
			got = append(got, st)
		}
		if fmt.Sprint(got) != "[Active Draining Closed]" {
			t.Errorf("statuses %v, want Active, Draining, Closed", got)
		}
	})
}

func TestBarrier(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		nc := unlinked(t)
		ran := 0
		if err := nc.Barrier(func() { ran++ }); err != nil || ran != 1 {
			t.Errorf("nothing queued: %v, ran %d times, want once before Barrier returns", err, ran)
		}
		if err := nc.Barrier(nil); err != ErrInvalidArg {
			t.Errorf("nil: got %v, want ErrInvalidArg", err)
		}
		n := 0
		slow := asyncSub(nc, "a", func(*Msg) {
			time.Sleep(time.Second)
			n++
		})
		dead := asyncSub(nc, "b", func(*Msg) { time.Sleep(time.Hour) })
		pushN(slow, 20)
		pushN(dead, 2)
		at := -1
		if err := nc.Barrier(func() { at = n }); err != nil {
			t.Fatal(err)
		}
		pushN(slow, 5)
		synctest.Wait()
		if err := dead.Unsubscribe(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if at != 20 || n != 25 {
			t.Errorf("ran behind %d of %d callbacks, want 20 of 25", at, n)
		}
		time.Sleep(time.Hour)
	})
}

func TestSubscriptionList(t *testing.T) {
	t.Parallel()
	nc := unlinked(t)
	a, b, c := syncSub(nc, "a"), syncSub(nc, "b"), syncSub(nc, "c")
	for _, s := range []*Subscription{b, b, a, c, c} {
		nc.unlist(s)
		for _, left := range nc.subscriptions() {
			if left == s {
				t.Fatalf("%s is still listed", s.Subject)
			}
		}
	}
	if nc.subs.n != 0 || nc.subs.first != nil {
		t.Errorf("%d left, first %v", nc.subs.n, nc.subs.first)
	}
}

// noDialer has no network.
type noDialer struct{}

func (noDialer) Dial(_, _ string) (net.Conn, error) { return nil, errors.ErrUnsupported }

// TestEndedBeforeRegistered: a drain finds a subscription in the list that the engine does not know yet.
func TestEndedBeforeRegistered(t *testing.T) {
	t.Parallel()
	nc, err := Connect("nats://nowhere", SetCustomDialer(noDialer{}), RetryOnFailedConnect(true), ErrorHandler(nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	for name, s := range map[string]*Subscription{
		"over":     {Subject: "a", typ: uint8(SyncSubscription)},
		"not over": {Subject: "b", typ: uint8(SyncSubscription)},
	} {
		nc.equip(s)
		nc.list(s)
		want := 1
		if name == "over" {
			s.finish(0)
			want = 0
		}
		before := nc.eng.NumSubscriptions()
		if err := nc.register(s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := nc.eng.NumSubscriptions() - before; got != want {
			t.Errorf("%s: the engine knows %d more, want %d", name, got, want)
		}
	}
}
