package nats

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gannet-io/nats/internal/proto"
)

func TestDeliverKeepsWhatCame(t *testing.T) {
	t.Parallel()
	header := "NATS/1.0\r\nA: b\r\n\r\n"
	long := strings.Repeat("x.", 400) + "x"
	tests := []struct {
		name                                string
		on, subject, reply, header, payload string
		owned                               bool
	}{
		{name: "literal", on: "a.b", subject: "a.b", payload: "hello"},
		{name: "empty payload", on: "a.b", subject: "a.b"},
		{name: "wildcard", on: "a.*", subject: "a.b", payload: "hello", reply: "r.1"},
		{name: "headers", on: "a", subject: "a", header: header, payload: "hello"},
		{name: "subject of a stream on an inbox", on: "_INBOX.x", subject: "orders.new", reply: "$JS.ACK.x", payload: "hello"},
		{name: "largest of a chunk", on: "a", subject: "a", payload: strings.Repeat("p", aloneFrom)},
		{name: "alone", on: "a", subject: "b", reply: "c", payload: strings.Repeat("p", aloneFrom+1)},
		{name: "owned", on: "a", subject: "b", reply: "c", payload: strings.Repeat("p", 20000), owned: true},
		{name: "long names", on: ">", subject: long, reply: long, payload: "hello"},
		{name: "long names, alone", on: ">", subject: long, reply: long, payload: strings.Repeat("p", 9000)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := syncSub(unlinked(t), tt.on)
			for range 3 * chunkMsgs {
				f := &proto.Frame{
					Subject: []byte(tt.subject), Reply: []byte(tt.reply), Header: []byte(tt.header), Data: []byte(tt.payload), Owned: tt.owned,
				}
				(*inlet)(s).Deliver(f)
				if !tt.owned {
					clear(f.Data)
				}
				clear(f.Subject)
				clear(f.Reply)
				clear(f.Header)
			}
			(*inlet)(s).Settle()
			for i := range 3 * chunkMsgs {
				m, err := s.NextMsg(0)
				if err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
				if m.Subject != tt.subject || m.Reply != tt.reply || string(m.Data) != tt.payload || m.Sub != s {
					t.Fatalf("message %d: got %.40q %.40q %d bytes, want %.40q %.40q %d bytes", i, m.Subject, m.Reply, len(m.Data), tt.subject, tt.reply, len(tt.payload))
				}
				if m.Data == nil {
					t.Error("Data is nil, want empty")
				}
				if got, want := m.Header.Get("A"), ""; (got != want) == (tt.header == "") {
					t.Errorf("header A is %q, block was %q", got, tt.header)
				}
				if got, want := m.Size(), len(tt.subject)+len(tt.reply)+len(tt.header)+len(tt.payload); got != want {
					t.Errorf("Size() = %d, want %d", got, want)
				}
			}
		})
	}
}

// TestAppendStaysAway appends to each message: its neighbours must not change.
func TestAppendStaysAway(t *testing.T) {
	t.Parallel()
	s := syncSub(unlinked(t), "a.*")
	for i := range 40 {
		(*inlet)(s).Deliver(&proto.Frame{Subject: []byte("a.b"), Reply: fmt.Appendf(nil, "r%d", i), Data: fmt.Appendf(nil, "d%d", i)})
	}
	(*inlet)(s).Settle()
	var msgs []*Msg
	for range 40 {
		m, err := s.NextMsg(0)
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, m)
		_ = append(m.Data, "garbage that is quite long"...)
	}
	for i, m := range msgs {
		if got, want := m.Reply+" "+string(m.Data), fmt.Sprintf("r%d d%d", i, i); got != want || m.Subject != "a.b" {
			t.Errorf("message %d is %q %q, want a.b %q", i, m.Subject, got, want)
		}
	}
}

// TestKeptMessagePinsLittle checks that no chunk that was left knows the next one, and that those that are used up are left.
func TestKeptMessagePinsLittle(t *testing.T) {
	t.Parallel()
	s := syncSub(unlinked(t), "a")
	pushN(s, 5*chunkMsgs)
	push(s, &proto.Frame{Subject: []byte("a"), Data: make([]byte, 1000)}) // there is room for none of this size
	for range 5 * chunkMsgs {
		c := s.head
		if _, err := s.NextMsg(0); err != nil {
			t.Fatal(err)
		}
		if p := s.place.load(); p.left() == 0 && (p.more() || p.there() == chunkMsgs) {
			t.Fatalf("a chunk whose %d messages were taken is still there", p.done())
		}
		if s.head != c && c.next != nil {
			t.Fatal("a chunk that was left holds the next one")
		}
	}
	c := s.head
	if err := s.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	if c.next != nil {
		t.Error("the last chunk of an ended subscription holds the rest of the queue")
	}
}

// TestNextMsgHoldsNothing is TestIdleSubscriptionHoldsNothing for NextMsg.
func TestNextMsgHoldsNothing(t *testing.T) {
	t.Parallel()
	s := syncSub(unlinked(t), "a")
	for _, n := range []int{1, chunkMsgs, 3, chunkMsgs - 3} {
		pushN(s, n)
		for range n {
			if _, err := s.NextMsg(0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s.head != nil || s.tail != nil || s.lent.Load() != nil {
		t.Error("a chunk whose messages were taken is still there")
	}
}

// TestChannelPinsLittle is TestKeptMessagePinsLittle for a user's channel.
func TestChannelPinsLittle(t *testing.T) {
	t.Parallel()
	ch := make(chan *Msg, 100)
	s := chanSub(unlinked(t), "a", ch)
	var chunks []*chunk
	for range 5 * chunkMsgs {
		(*inlet)(s).Deliver(frame("a", "x"))
		if c := s.in.fill; len(chunks) == 0 || chunks[len(chunks)-1] != c {
			chunks = append(chunks, c)
		}
	}
	(*inlet)(s).Settle()
	for i, c := range chunks {
		if c.next != nil {
			t.Errorf("chunk %d of %d holds the next one", i, len(chunks))
		}
	}
	if s.out.first != nil || len(ch) != 5*chunkMsgs {
		t.Errorf("%d messages in the channel, want %d, and the last chunk left", len(ch), 5*chunkMsgs)
	}
}

// TestIdleSubscriptionHoldsNothing: the chunk whose last message a callback has had is not kept until the next message comes.
func TestIdleSubscriptionHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := asyncSub(unlinked(t), "a", func(*Msg) {})
		pushN(s, 1)
		for range chunkMsgs {
			pushN(s, 1)
			synctest.Wait()
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.head != nil || s.tail != nil || s.lent.Load() != nil {
			t.Errorf("it holds a chunk with %d messages", s.head.n)
		}
	})
}

// TestSubjectsTakeTurns has messages of one run on the subscription's own subject and on others: as a parser numbers their lines, and made
// by hand.
func TestSubjectsTakeTurns(t *testing.T) {
	t.Parallel()
	subjects := strings.Fields("own own x x own own y x x own")
	for _, parsed := range []bool{true, false} {
		for _, run := range []int{1, 3, 100} {
			s := syncSub(unlinked(t), "own")
			p, f := new(proto.Parser), new(proto.Frame)
			for i := range 5 * len(subjects) {
				subject := subjects[i%len(subjects)]
				if parsed {
					if _, op, err := p.Next([]byte("MSG "+subject+" 1 1\r\nd\r\n"), f); op != proto.OpMsg {
						t.Fatal(op, err)
					}
				} else {
					f = frame(subject, "d")
				}
				(*inlet)(s).Deliver(f)
				if i%run == 0 {
					(*inlet)(s).Settle()
					p, f = new(proto.Parser), new(proto.Frame) // as after a reconnect
				}
			}
			(*inlet)(s).Settle()
			for i := range 5 * len(subjects) {
				if m, err := s.NextMsg(0); err != nil || m.Subject != subjects[i%len(subjects)] {
					t.Fatalf("runs of %d, parsed %v, message %d: got %+v, %v, want the subject %q", run, parsed, i, m, err, subjects[i%len(subjects)])
				}
			}
		}
	}
}

func TestBadHeaderIsToldAndTheMessageComes(t *testing.T) {
	t.Parallel()
	var h heard
	s := syncSub(unlinked(t, h.option()), "a")
	push(s, &proto.Frame{Subject: []byte("a"), Header: []byte("junk\r\n\r\n"), Data: []byte("x")})
	m, err := s.NextMsg(0)
	if err != nil || m.Header != nil || string(m.Data) != "x" {
		t.Errorf("got %v, %v, want the payload without headers", m, err)
	}
	receive(t, h.more, "error")
	if h.errs[0] != ErrBadHeaderMsg {
		t.Errorf("got %v, want ErrBadHeaderMsg", h.errs[0])
	}
}

// TestReceiveAllocates is the budget of receiving: a fifth of an object for a message of one subject.
func TestReceiveAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	const run = 800
	for _, size := range []int{0, 16, 128, 1024} {
		for _, subject := range []string{"a.b", "a.*"} {
			t.Run(fmt.Sprintf("sync %d bytes on %s", size, subject), func(t *testing.T) {
				s := syncSub(unlinked(t), subject)
				f := &proto.Frame{Subject: []byte("a.b"), Reply: []byte("r"), Data: bytes.Repeat([]byte("x"), size)}
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
				if got > 0.2 {
					t.Errorf("%.3f allocations a message, want at most 0.2", got)
				}
			})
		}
	}
	t.Run("async", func(t *testing.T) {
		done := make(chan struct{}, 1)
		n := 0
		s := asyncSub(unlinked(t), "a.b", func(*Msg) {
			if n++; n%run == 0 {
				done <- struct{}{}
			}
		})
		f := frame("a.b", "0123456789abcdef")
		got := testing.AllocsPerRun(20, func() {
			for range run {
				(*inlet)(s).Deliver(f)
			}
			(*inlet)(s).Settle()
			<-done
		}) / run
		if got > 0.2 {
			t.Errorf("%.3f allocations a message, want at most 0.2", got)
		}
	})
}

func BenchmarkReceive(b *testing.B) {
	for _, size := range []int{16, 128, 1024} {
		f := &proto.Frame{Subject: []byte("a.b"), Data: bytes.Repeat([]byte("x"), size)}
		b.Run(fmt.Sprintf("sync/%d", size), func(b *testing.B) {
			s := syncSub(unlinked(b), "a.b")
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				(*inlet)(s).Deliver(f)
				if i%64 == 63 {
					(*inlet)(s).Settle()
					for range 64 {
						_, _ = s.NextMsg(0)
					}
				}
			}
		})
		b.Run(fmt.Sprintf("async/%d", size), func(b *testing.B) {
			seen := make(chan struct{}, 1)
			n := 0
			s := asyncSub(unlinked(b), "a.b", func(*Msg) {
				if n++; n%64 == 0 {
					seen <- struct{}{}
				}
			})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				(*inlet)(s).Deliver(f)
				if i%64 == 63 {
					(*inlet)(s).Settle()
					<-seen
				}
			}
		})
		b.Run(fmt.Sprintf("chan/%d", size), func(b *testing.B) {
			ch := make(chan *Msg, 64)
			s := chanSub(unlinked(b), "a.b", ch)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				(*inlet)(s).Deliver(f)
				if i%64 == 63 {
					(*inlet)(s).Settle()
					for range 64 {
						<-ch
					}
				}
			}
		})
	}
}
