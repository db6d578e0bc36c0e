package nats

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPendingLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		msgs, bytes      int
		queueLen         int
		arrive           []string
		kept, dropped    int
		keptBytes, slows int
	}{
		{name: "below", msgs: 3, bytes: -1, arrive: []string{"1", "2", "3"}, kept: 3, keptBytes: 3},
		{name: "messages", msgs: 2, bytes: -1, arrive: []string{"1", "2", "3", "4"}, kept: 2, keptBytes: 2, dropped: 2, slows: 1},
		{name: "bytes", msgs: -1, bytes: 5, arrive: []string{"123", "45", "6"}, kept: 2, keptBytes: 5, dropped: 1, slows: 1},
		{name: "a large one does not fit, a small one does", msgs: -1, bytes: 5, arrive: []string{"123", "456", "45"}, kept: 2, keptBytes: 5, dropped: 1, slows: 1},
		{name: "two episodes", msgs: -1, bytes: 5, arrive: []string{"123", "456", "4", "567", "5"}, kept: 3, keptBytes: 5, dropped: 2, slows: 2},
		{name: "none", msgs: -1, bytes: -1, arrive: []string{"1", "2", "3"}, kept: 3, keptBytes: 3},
		{name: "queue length below the limit", msgs: 100, bytes: -1, queueLen: 2, arrive: []string{"1", "2", "3"}, kept: 2, keptBytes: 2, dropped: 1, slows: 1},
	}
	for _, tt := range tests {
		for _, oneRun := range []bool{true, false} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				var h heard
				s := syncSub(unlinked(t, h.option(), SyncQueueLen(tt.queueLen)), "a")
				if err := s.SetPendingLimits(tt.msgs, tt.bytes); err != nil {
					t.Fatal(err)
				}
				for _, data := range tt.arrive {
					(*inlet)(s).Deliver(frame("a", data))
					if !oneRun {
						(*inlet)(s).Settle()
					}
				}
				(*inlet)(s).Settle()
				msgs, bytes, err := s.Pending()
				dropped, err2 := s.Dropped()
				if err != nil || err2 != nil || msgs != tt.kept || bytes != tt.keptBytes || dropped != tt.dropped {
					t.Errorf("kept %d (%d bytes), dropped %d, want %d (%d), %d", msgs, bytes, dropped, tt.kept, tt.keptBytes, tt.dropped)
				}
				if m, b, err := s.MaxPending(); err != nil || m != tt.kept || b != tt.keptBytes {
					t.Errorf("MaxPending() = %d, %d, %v, want %d, %d", m, b, err, tt.kept, tt.keptBytes)
				}
				for range tt.slows {
					receive(t, h.more, "ErrSlowConsumer")
				}
				if h.count() != tt.slows {
					t.Errorf("%d reports, want %d", h.count(), tt.slows)
				}
			})
		}
	}
}

func TestSlowConsumerIsToldOnce(t *testing.T) {
	t.Parallel()
	var h heard
	s := syncSub(unlinked(t, h.option()), "a")
	statuses := s.StatusChanged()
	if err := s.SetPendingLimits(2, -1); err != nil {
		t.Fatal(err)
	}
	pushN(s, 5)
	want := []error{ErrSlowConsumer, nil, nil, ErrTimeout}
	for i, w := range want {
		if _, err := s.NextMsg(0); err != w {
			t.Errorf("call %d: got %v, want %v", i, err, w)
		}
	}
	for _, w := range []SubStatus{SubscriptionActive, SubscriptionSlowConsumer, SubscriptionActive} {
		if got := receive(t, statuses, "status"); got != w {
			t.Errorf("got status %v, want %v", got, w)
		}
	}
	receive(t, h.more, "error")
	if h.count() != 1 {
		t.Errorf("%d reports, want 1", h.count())
	}
}

// TestLimitsCountTheCallback: the message that a callback has in hand is pending.
func TestLimitsCountTheCallback(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	s := asyncSub(unlinked(t, ErrorHandler(nil)), "a", func(*Msg) {
		entered <- struct{}{}
		<-leave
	})
	if err := s.SetPendingLimits(3, -1); err != nil {
		t.Fatal(err)
	}
	push(s, frame("a", "x"))
	receive(t, entered, "callback")
	pushN(s, 5)
	msgs, bytes, _ := s.Pending()
	delivered, _ := s.Delivered()
	dropped, _ := s.Dropped()
	if msgs != 3 || bytes != 3 || delivered != 1 || dropped != 3 {
		t.Errorf("pending %d (%d bytes), delivered %d, dropped %d, want 3 (3), 1, 3", msgs, bytes, delivered, dropped)
	}
	close(leave)
	receive(t, entered, "callback")
	receive(t, entered, "callback")
	done := make(chan struct{})
	if err := s.conn.Barrier(func() { close(done) }); err == nil {
		receive(t, done, "barrier")
	}
	if msgs, bytes, _ := s.Pending(); msgs != 0 || bytes != 0 {
		t.Errorf("pending %d (%d bytes) in the end, want none", msgs, bytes)
	}
}

func TestLimitArguments(t *testing.T) {
	t.Parallel()
	nc := unlinked(t)
	s := syncSub(nc, "a")
	for _, bad := range [][2]int{{0, 1}, {1, 0}, {0, 0}} {
		if err := s.SetPendingLimits(bad[0], bad[1]); err != ErrInvalidArg {
			t.Errorf("SetPendingLimits(%d, %d) = %v, want ErrInvalidArg", bad[0], bad[1], err)
		}
	}
	if m, b, err := s.PendingLimits(); m != DefaultSubPendingMsgsLimit || b != DefaultSubPendingBytesLimit || err != nil {
		t.Errorf("PendingLimits() = %d, %d, %v, want the defaults", m, b, err)
	}
	c := chanSub(nc, "a", make(chan *Msg, 1))
	if err := c.SetPendingLimits(1, 1); err != ErrTypeSubscription {
		t.Errorf("channel subscription: got %v, want ErrTypeSubscription", err)
	}
	if m, b, err := c.Pending(); m != -1 || b != -1 || err != ErrTypeSubscription {
		t.Errorf("channel subscription: Pending() = %d, %d, %v, want -1, -1, ErrTypeSubscription", m, b, err)
	}
	// Lower limits hold from the next message on.
	pushN(s, 4)
	if err := s.SetPendingLimits(5, -1); err != nil {
		t.Fatal(err)
	}
	pushN(s, 4)
	if m, _, _ := s.Pending(); m != 5 {
		t.Errorf("%d pending after the limit was lowered to 5", m)
	}
}

func TestChannelSubscription(t *testing.T) {
	t.Parallel()
	var h heard
	ch := make(chan *Msg, 2)
	s := chanSub(unlinked(t, h.option()), "a", ch)
	pushN(s, 5)
	delivered, _ := s.Delivered()
	dropped, _ := s.Dropped()
	if delivered != 2 || dropped != 3 {
		t.Errorf("delivered %d, dropped %d, want 2, 3", delivered, dropped)
	}
	for i, want := range []error{ErrSlowConsumer, nil, nil, ErrTimeout} {
		m, err := s.NextMsg(time.Millisecond)
		if m != nil && s.in.fill != nil && s.in.fill.next != nil {
			t.Error("a message in the channel holds those behind it")
		}
		if err != want {
			t.Errorf("NextMsg %d: got %v, want %v", i, err, want)
		}
	}
	receive(t, h.more, "error")
	push(s, frame("a", "last"))
	if err := s.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	push(s, frame("a", "late"))
	if m := <-ch; string(m.Data) != "last" {
		t.Errorf("got %q, want last", m.Data)
	}
	select {
	case m, open := <-ch:
		t.Errorf("got %v (open: %v) after Unsubscribe", m, open)
	default:
	}
}

// TestClosedChannel closes the user's channel under the subscription's feet: messages are dropped and the reader lives on.
func TestClosedChannel(t *testing.T) {
	t.Parallel()
	ch := make(chan *Msg, 2)
	s := chanSub(unlinked(t, ErrorHandler(nil)), "a", ch)
	close(ch)
	pushN(s, 2)
	if n, _ := s.Dropped(); n != 2 {
		t.Errorf("dropped %d, want 2", n)
	}
	if _, err := s.NextMsg(time.Millisecond); err != ErrSlowConsumer {
		t.Errorf("got %v, want ErrSlowConsumer", err)
	}
	if _, err := s.NextMsg(time.Millisecond); err != ErrBadSubscription {
		t.Errorf("got %v, want ErrBadSubscription", err)
	}
}

func TestUnbufferedChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ch := make(chan *Msg)
		s := chanSub(unlinked(t, ErrorHandler(nil)), "a", ch)
		got := make(chan *Msg, 1)
		go func() { got <- <-ch }()
		synctest.Wait()
		push(s, frame("a", "1"))
		push(s, frame("a", "2"))
		if m := <-got; string(m.Data) != "1" {
			t.Errorf("got %q, want 1", m.Data)
		}
		if n, _ := s.Dropped(); n != 1 {
			t.Errorf("dropped %d, want 1", n)
		}
	})
}
