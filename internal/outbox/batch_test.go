package outbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/nats/internal/proto"
)

func op(subject string, size int) []byte {
	return proto.AppendPub(nil, subject, "", nil, make([]byte, size))
}

func TestPieces(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		sizes []int // payloads
		want  []int // operations that begin in each piece
	}{
		{"small", []int{10, 10, 10}, []int{3}},
		{"two pieces", []int{40_000, 40_000}, []int{1, 1}},
		{"filled with small ones", slices.Repeat([]int{1000}, 130), []int{64, 64, 2}},
		{"one large", []int{200_000}, []int{1, 0, 0, 0}},
		{"large between small", []int{10, 200_000, 10, 10}, []int{1, 1, 0, 0, 0, 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b batch
			var starts []int
			for i, size := range tt.sizes {
				starts = append(starts, len(b.buf))
				b.add(op(fmt.Sprintf("s%d", i), size))
			}
			var got []int
			for sent := 0; sent < len(b.buf); {
				p := b.piece(sent, WriteSize)
				if len(p) == 0 || len(p) > WriteSize {
					t.Fatalf("piece at %d has %d bytes, want 1 to %d", sent, len(p), WriteSize)
				}
				n := 0
				for _, s := range starts {
					if s >= sent && s < sent+len(p) {
						n++
					}
				}
				got = append(got, n)
				sent += len(p)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("operations in pieces: got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPieceAfterPartialWrite(t *testing.T) {
	t.Parallel()
	var b batch
	for i := range 100 {
		b.add(op(fmt.Sprint(i), 2000))
	}
	first := len(b.piece(0, WriteSize))
	if got, want := len(b.piece(100, WriteSize)), first-100; got != want {
		t.Errorf("rest of the first piece: got %d bytes, want %d", got, want)
	}
}

func TestPublishesLeavesOutVolatile(t *testing.T) {
	t.Parallel()
	var b batch
	var starts []int
	for i := range 8 {
		starts = append(starts, len(b.buf))
		b.add(op(fmt.Sprintf("s%d", i), 5))
		if i == 0 || i == 3 || i == 4 || i == 7 {
			b.volatile(starts[i])
		}
	}
	if got, want := len(b.vol), 3; got != want {
		t.Errorf("spans: got %d, want %d: neighbours share one", got, want)
	}
	for from, want := range map[int]string{0: "s1 s2 s5 s6", 2: "s2 s5 s6", 4: "s5 s6", 6: "s6", 7: ""} {
		var got []string
		b.publishes(starts[from], func(op []byte, _ bool) { got = append(got, strings.Fields(string(op))[1]) })
		if strings.Join(got, " ") != want {
			t.Errorf("from operation %d: got %q, want %q", from, got, want)
		}
	}
}

func TestEmptiedKeepsModestMemory(t *testing.T) {
	t.Parallel()
	small, large := batch{}, batch{}
	small.add(op("s", 1000))
	large.add(op("s", 2*keepCapacity))
	if e := small.emptied(); cap(e.buf) == 0 || len(e.buf) != 0 || e.ops != 0 {
		t.Errorf("small: got cap %d, len %d, ops %d; want the memory without contents", cap(e.buf), len(e.buf), e.ops)
	}
	if e := large.emptied(); cap(e.buf) != 0 {
		t.Errorf("large: got cap %d, want 0", cap(e.buf))
	}
}
