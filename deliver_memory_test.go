package nats

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/gannet-io/nats/internal/proto"
)

// heldBy is how many bytes of memory a byte on the wire costs while n messages wait in a subscription.
func heldBy(t *testing.T, f *proto.Frame, n int) float64 {
	t.Helper()
	s := syncSub(unlinked(t), "a.*")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		(*inlet)(s).Deliver(f)
	}
	(*inlet)(s).Settle()
	runtime.GC()
	runtime.ReadMemStats(&after)
	wire := float64(n * (len(f.Header) + len(f.Data)))
	if msgs, _, err := s.Pending(); err != nil || msgs != n {
		t.Fatalf("%d pending, %v", msgs, err)
	}
	return float64(after.HeapAlloc-before.HeapAlloc) / wire
}

// TestWaitingMessagesHoldLittle is what the pending limit in bytes is worth in memory: not parallel, since it measures the heap.
func TestWaitingMessagesHoldLittle(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	tiny := "NATS/1.0\r\n"
	for i := range 5000 {
		tiny += fmt.Sprintf("%x:\r\n", i)
	}
	for _, tt := range []struct {
		name   string
		header string
		data   int
		most   float64
	}{
		{"1,000 bytes", "", 1000, 1.4},
		{"just above a size", "", 420, 2},
		{"16 KiB", "", 16 << 10, 1.3},
		{"many tiny headers", tiny + "\r\n", 0, 1.5},
		{"a hundred tiny headers", tiny[:strings.Index(tiny, "64:")] + "\r\n", 0, 1.6},
	} {
		f := &proto.Frame{Subject: []byte("a.b"), Header: []byte(tt.header), Data: make([]byte, tt.data)}
		if got := heldBy(t, f, 4000000/(len(tt.header)+tt.data)); got > tt.most {
			t.Errorf("%s: %.2f bytes held for each byte received, want at most %.2f", tt.name, got, tt.most)
		} else {
			t.Logf("%s: %.2f", tt.name, got)
		}
	}
}

// TestManyHeadersCome reads blocks that are decoded late, by NextMsg and by a callback, between others that are not.
func TestManyHeadersCome(t *testing.T) {
	t.Parallel()
	block := func(i int) string {
		b := fmt.Sprintf("NATS/1.0\r\nNo: %d\r\n", i)
		if i%3 == 0 {
			for j := range 40 {
				b += fmt.Sprintf("K%d: v\r\n", j)
			}
		}
		return b + "\r\n"
	}
	const n = 100
	deliver := func(s *Subscription) {
		for i := range n {
			(*inlet)(s).Deliver(&proto.Frame{Subject: []byte("a"), Header: []byte(block(i)), Data: []byte("x")})
			if i%7 == 0 {
				(*inlet)(s).Settle()
			}
		}
		(*inlet)(s).Settle()
	}
	check := func(i int, m *Msg) {
		want := 1
		if i%3 == 0 {
			want = 41
		}
		if m.Header.Get("No") != fmt.Sprint(i) || len(m.Header) != want {
			t.Errorf("message %d has the header %v", i, m.Header)
		}
	}
	nc := unlinked(t)
	s := syncSub(nc, "a")
	deliver(s)
	for i := range n {
		m, err := s.NextMsg(0)
		if err != nil {
			t.Fatal(err)
		}
		check(i, m)
	}
	i, over := 0, make(chan struct{})
	a := asyncSub(nc, "a", func(m *Msg) {
		check(i, m)
		if i++; i == n {
			close(over)
		}
	})
	deliver(a)
	receive(t, over, "the last message")
}

// TestLateBadHeader has a block whose end is missing among those that are decoded late.
func TestLateBadHeader(t *testing.T) {
	t.Parallel()
	var h heard
	s := syncSub(unlinked(t, h.option()), "a")
	push(s, &proto.Frame{Subject: []byte("a"), Header: []byte("NATS/1.0\r\n" + strings.Repeat("a:b\r\n", 50)), Data: []byte("x")})
	m, err := s.NextMsg(0)
	if err != nil || m.Header != nil || string(m.Data) != "x" {
		t.Errorf("got %v, %v, want the payload without headers", m, err)
	}
	receive(t, h.more, "error")
	if h.errs[0] != ErrBadHeaderMsg {
		t.Errorf("got %v, want %v", h.errs[0], ErrBadHeaderMsg)
	}
}

// TestReceiveWithHeadersAllocates is the budget of a message with two headers: map and table; the rest is part of the chunk.
func TestReceiveWithHeadersAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	const run = 800
	s := syncSub(unlinked(t), "a.b")
	f := &proto.Frame{Subject: []byte("a.b"), Header: []byte("NATS/1.0\r\nA: b\r\nC: d\r\n\r\n"), Data: make([]byte, 128)}
	got := testing.AllocsPerRun(20, func() {
		for range run {
			(*inlet)(s).Deliver(f)
		}
		(*inlet)(s).Settle()
		for range run {
			if _, err := s.NextMsg(0); err != nil {
				t.Fatal(err)
			}
		}
	}) / run
	if got > 2.3 {
		t.Errorf("%.3f allocations a message, want at most 2.3", got)
	}
}
