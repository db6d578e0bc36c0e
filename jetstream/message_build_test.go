package jetstream

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/gannet-io/nats/internal/proto"
)

// TestBuilderCopies: messages keep what the frames said after the frames have died, for all sizes and their mixtures, and no
// append reaches a neighbour.
func TestBuilderCopies(t *testing.T) {
	t.Parallel()
	for _, largest := range []int{0, 1, 100, 600, 1200, 3000, aloneFrom - 100, aloneFrom, 3 * aloneFrom} {
		random := rand.New(rand.NewPCG(1, uint64(largest)))
		fill := func(n int) []byte {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte('a' + random.IntN(26))
			}
			return b
		}
		b := &builder{from: &source{}}
		type pair struct {
			m     *message
			frame proto.Frame
		}
		var built []pair
		for range 300 {
			f := proto.Frame{Subject: []byte("s.a"), Reply: fill(40), Data: fill(random.IntN(largest + 1))}
			switch random.IntN(4) {
			case 0:
				f.Subject = fill(1 + random.IntN(30))
			case 1:
				f.Header = fill(random.IntN(largest/4 + 1))
			case 2:
				f.Owned, f.Reply = true, nil
			}
			want := proto.Frame{Subject: bytes.Clone(f.Subject), Reply: bytes.Clone(f.Reply), Header: bytes.Clone(f.Header), Data: bytes.Clone(f.Data)}
			built = append(built, pair{b.build(&f).(*message), want})
			for _, borrowed := range [][]byte{f.Subject, f.Reply} {
				clear(borrowed)
			}
			if !f.Owned {
				clear(f.Header)
				clear(f.Data)
			}
		}
		for _, p := range built {
			block, _ := p.m.undecoded()
			_ = append(p.m.Data(), "grown over the end"...)
			_ = append(block, "grown over the end"...)
		}
		for i, p := range built {
			m, f := p.m, p.frame
			block, _ := m.undecoded()
			if m.subject != string(f.Subject) || m.reply != string(f.Reply) || !bytes.Equal(block, f.Header) || !bytes.Equal(m.Data(), f.Data) {
				t.Fatalf("payloads up to %d, message %d: got %q %q %q %q, want %q %q %q %q", largest, i, m.subject, m.reply, block, m.Data(), f.Subject, f.Reply, f.Header, f.Data)
			}
			if m.Data() == nil {
				t.Fatalf("payloads up to %d, message %d: the payload is nil, want it empty", largest, i)
			}
		}
	}
}

// TestMessageSize guards what each message costs beside its bytes.
func TestMessageSize(t *testing.T) {
	t.Parallel()
	if got := unsafe.Sizeof(message{}); got > 80 {
		t.Errorf("a message has %d bytes, want at most 80", got)
	}
}

func TestBuilderKeepsOwned(t *testing.T) {
	t.Parallel()
	b := &builder{from: &source{}}
	f := proto.Frame{Subject: []byte("s"), Data: make([]byte, 16<<10), Owned: true}
	if m := b.build(&f); &m.Data()[0] != &f.Data[0] {
		t.Error("a payload that may be kept was copied")
	}
}

// TestMessageAllocations gates what a message costs from the frame to its acknowledgement.
func TestMessageAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, tc := range []struct {
		payload, header int
		max             float64
	}{{0, 0, 0.2}, {16, 0, 0.2}, {128, 0, 0.2}, {128, 60, 0.2}, {1024, 0, 0.2}, {1500, 0, 1.1}, {3000, 0, 1.1}, {8 << 10, 0, 1.2}} {
		b := &builder{from: &source{js: &jetStream{conn: mute{}}}}
		frames := make([]proto.Frame, 64)
		for i := range frames {
			frames[i] = proto.Frame{Subject: []byte("orders.new"), Reply: fmt.Appendf(nil, "%s%04d", ackReply, i), Data: make([]byte, tc.payload), Header: make([]byte, tc.header)}
		}
		got := testing.AllocsPerRun(100, func() {
			for i := range frames {
				if err := b.build(&frames[i]).Ack(); err != nil {
					t.Fatal(err)
				}
			}
		}) / float64(len(frames))
		if got > tc.max {
			t.Errorf("payload %d, header %d: %.2f allocations a message, want at most %v", tc.payload, tc.header, got, tc.max)
		}
	}
}

// mute is a connection that takes everything.
type mute struct{ *acks }

func (mute) PublishNow(_, _ string, _, _ []byte) error { return nil }

func BenchmarkMessage(b *testing.B) {
	for _, size := range []int{16, 128, 1024, 4096} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.ReportAllocs()
			build := &builder{from: &source{js: &jetStream{conn: mute{}}}}
			f := proto.Frame{Subject: []byte("orders.new"), Reply: []byte(ackReply), Data: make([]byte, size)}
			for b.Loop() {
				if err := build.build(&f).Ack(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
