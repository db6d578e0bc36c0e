package nats

import (
	"testing"
)

// TestNothingIsStranded: a message or a barrier that comes at the very moment in which a callback ends is not left in the queue. The worker ends its
// turn without the lock then.
func TestNothingIsStranded(t *testing.T) {
	t.Parallel()
	nc := unlinked(t)
	ran := make(chan struct{}, 1)
	s := asyncSub(nc, "a", func(*Msg) { ran <- struct{}{} })
	for range 20_000 {
		pushN(s, 1)
		receive(t, ran, "callback")
	}
	passed := make(chan struct{}, 1)
	for range 20_000 {
		pushN(s, 1)
		receive(t, ran, "callback")
		if err := nc.Barrier(func() { passed <- struct{}{} }); err != nil {
			t.Fatal(err)
		}
		receive(t, passed, "call of the barrier")
	}
}

// TestPendingAfterQuickTurns: turns that end without the lock leave the counts as others do.
func TestPendingAfterQuickTurns(t *testing.T) {
	t.Parallel()
	nc := unlinked(t)
	ran := make(chan struct{}, 1)
	s := asyncSub(nc, "a", func(*Msg) { ran <- struct{}{} })
	for i := range 3 * chunkMsgs {
		pushN(s, 1)
		receive(t, ran, "callback")
		if n, err := s.Delivered(); n != int64(i+1) || err != nil {
			t.Errorf("Delivered() = %d, %v, want %d", n, err, i+1)
		}
	}
	done := make(chan struct{})
	if err := nc.Barrier(func() { close(done) }); err != nil {
		t.Fatal(err)
	}
	receive(t, done, "call of the barrier")
	if msgs, bytes, err := s.Pending(); msgs != 0 || bytes != 0 || err != nil {
		t.Errorf("Pending() = %d, %d, %v, want nothing", msgs, bytes, err)
	}
	if msgs, _, err := s.MaxPending(); msgs < 1 || msgs > 2 || err != nil {
		t.Errorf("MaxPending() = %d, %v, want 1 or 2", msgs, err)
	}
}
