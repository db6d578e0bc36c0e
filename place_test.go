package nats

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/proto"
)

func TestPlace(t *testing.T) {
	t.Parallel()
	var p place
	check := func(what string, done, there int, more, open bool) {
		t.Helper()
		s := p.load()
		if s.done() != done || s.there() != there || s.left() != there-done || s.more() != more || s.open() != open {
			t.Errorf("%s: %d of %d done, more %v, open %v, want %d of %d, %v, %v", what, s.done(), s.there(), s.more(), s.open(), done, there, more, open)
		}
	}
	check("zero", 0, 0, false, false)
	p.begin(3, false, false)
	check("begin", 0, 3, false, false)
	p.open()
	p.step()
	check("step", 1, 3, false, true)
	if was := p.add(5, true); was.left() != 2 || was.more() {
		t.Errorf("add found %d left and more %v, want 2 and false", was.left(), was.more())
	}
	p.add(0, true)
	check("more, twice", 1, 8, true, true)
	old := p.load()
	for i := 1; i < 8; i++ {
		if got, ok := p.take(); got != i || !ok {
			t.Errorf("took %d, %v, want %d", got, ok, i)
		}
	}
	if i, ok := p.take(); ok {
		t.Errorf("took %d where nothing is left", i)
	}
	p.begin(8, true, true)
	p.step()
	check("the next chunk", 1, 8, true, true)
	if p.takeAt(old) {
		t.Error("a word of the chunk before was taken for the present one")
	}
	now := p.load()
	p.close()
	check("closed", 1, 8, true, false)
	if p.takeAt(now) {
		t.Error("a message was taken behind close")
	}
}

// TestNextMsgSeesWhatChanges: what happens to a subscription counts from the next call of NextMsg on, also where the messages could be taken
// without a look at anything else.
func TestNextMsgSeesWhatChanges(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	tests := []struct {
		name   string
		change func(t *testing.T, s *Subscription)
		want   []error // of the next calls
	}{
		{"unsubscribed", func(_ *testing.T, s *Subscription) { _ = s.Unsubscribe() }, []error{ErrBadSubscription}},
		{"connection closed", func(_ *testing.T, s *Subscription) { (*inlet)(s).Closed(ErrConnectionClosed) }, []error{ErrConnectionClosed}},
		{"limit", func(_ *testing.T, s *Subscription) { limited(s, 4) }, []error{nil, nil, ErrMaxMessages}},
		{"drained", func(_ *testing.T, s *Subscription) { _, _ = s.beginDrain(); s.complete() }, []error{nil, nil, nil, nil, ErrBadSubscription}},
		{"refused", func(_ *testing.T, s *Subscription) { s.refuse(refused) }, []error{refused}},
		{"dropped", func(_ *testing.T, s *Subscription) { pushN(s, 3) }, []error{ErrSlowConsumer, nil, nil, nil, nil, nil, nil, ErrTimeout}},
		{"a place to pass", func(t *testing.T, s *Subscription) {
			passed := make(chan struct{})
			b := &barrier{fn: func() { close(passed) }}
			b.left.Store(1)
			s.putMark(b)
			b.release()
			for range 4 {
				select {
				case <-passed:
					t.Error("passed too early")
				default:
				}
				_, _ = s.NextMsg(0)
			}
			receive(t, passed, "call at the place")
		}, []error{ErrTimeout}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := syncSub(unlinked(t, ErrorHandler(nil)), "a")
			_ = s.SetPendingLimits(6, -1)
			pushN(s, 1)
			_, _ = s.NextMsg(0) // from here on chunks are for eight
			pushN(s, 5)
			if m, err := s.NextMsg(0); err != nil || string(m.Data) != "0" {
				t.Fatalf("got %v, %v, want the first message", m, err)
			}
			if !s.place.load().open() {
				t.Fatal("the way without the lock is not open: this tests nothing")
			}
			tt.change(t, s)
			for i, want := range tt.want {
				if _, err := s.NextMsg(0); err != want {
					t.Errorf("call %d: got %v, want %v", i, err, want)
				}
			}
		})
	}
}

// TestNextMsgWithoutTheLock has several goroutines take messages, each of which must come once and in order, while others look and change
// what does not matter.
func TestNextMsgWithoutTheLock(t *testing.T) {
	t.Parallel()
	const readers, messages = 3, 30_000
	s := syncSub(unlinked(t), "a")
	var seen [messages]uint8
	var mu sync.Mutex
	var taking, looking sync.WaitGroup
	for range readers {
		taking.Go(func() {
			var mine []int
			for {
				m, err := s.NextMsg(patience)
				if err != nil {
					if err != ErrBadSubscription {
						t.Errorf("NextMsg: %v", err)
					}
					break
				}
				n := int(m.Data[0])<<16 | int(m.Data[1])<<8 | int(m.Data[2])
				if len(mine) > 0 && n <= mine[len(mine)-1] {
					t.Errorf("%d came behind %d", n, mine[len(mine)-1])
				}
				mine = append(mine, n)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, n := range mine {
				seen[n]++
			}
		})
	}
	stop := make(chan struct{})
	looking.Go(func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			n, _, err := s.Pending()
			d, _ := s.Delivered()
			if n < 0 || err == nil && d < 0 || n > messages {
				t.Errorf("%d pending, %d delivered", n, d)
			}
			_ = s.SetPendingLimits(messages, i<<20)
			runtime.Gosched()
		}
	})
	for i := 0; i < messages; {
		for range min(1+i%23, messages-i) {
			(*inlet)(s).Deliver(&proto.Frame{Subject: []byte("a"), Data: []byte{byte(i >> 16), byte(i >> 8), byte(i)}})
			i++
		}
		(*inlet)(s).Settle()
	}
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		if n, _, _ := s.Pending(); n == 0 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("%d messages are still there", n)
		}
	}
	if d, err := s.Delivered(); d != messages || err != nil {
		t.Errorf("Delivered() = %d, %v, want %d", d, err, messages)
	}
	close(stop)
	looking.Wait()
	_ = s.Unsubscribe()
	taking.Wait()
	for n, times := range seen {
		if times != 1 {
			t.Fatalf("message %d came %d times", n, times)
		}
	}
}

// TestValuesOfHeadersAreApart: the values of a chunk's messages share an array, and what is added to one changes no other.
func TestValuesOfHeadersAreApart(t *testing.T) {
	t.Parallel()
	s := syncSub(unlinked(t), "a")
	const n = 3 * chunkMsgs
	for i := range n {
		block := fmt.Sprintf("NATS/1.0\r\nA: a%d\r\nB: b%d\r\n", i, i)
		if i%5 == 0 {
			block = fmt.Sprintf("NATS/1.0 503 none\r\nA: a%d\r\nB: b%d\r\nA: again\r\n", i, i)
		}
		(*inlet)(s).Deliver(&proto.Frame{Subject: []byte("a"), Header: []byte(block + "\r\n"), Data: []byte("x")})
	}
	(*inlet)(s).Settle()
	var msgs []*Msg
	for range n {
		m, err := s.NextMsg(0)
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, m)
		m.Header.Add("A", "x")
		m.Header.Add("B", "y")
	}
	for i, m := range msgs {
		want := fmt.Sprintf("map[A:[a%d x] B:[b%d y]]", i, i)
		if i%5 == 0 {
			want = fmt.Sprintf("map[A:[a%d again x] B:[b%d y] Description:[none] Status:[503]]", i, i)
		}
		if got := fmt.Sprint(m.Header); got != want {
			t.Errorf("message %d has %s, want %s", i, got, want)
		}
	}
}
