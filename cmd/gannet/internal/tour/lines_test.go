package tour

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	long := bytes.Repeat([]byte("x"), maxPiece)
	for _, tt := range []struct {
		name, text string
		limit      int
		want       []string
	}{
		{"nothing", "", 10, nil},
		{"no end of line", "abc", 10, []string{"abc"}},
		{"ends are kept", "a\nb\r\n\nc", 10, []string{"a\n", "b\r\n", "\n", "c"}},
		{"last line ended", "a\nb\n", 10, []string{"a\n", "b\n"}},
		{"only ends", "\n\n", 10, []string{"\n", "\n"}},
		{"long line", "abcdef\ngh", 3, []string{"abc", "def", "\n", "gh"}},
		{"end just fits", "ab\ncd", 3, []string{"ab\n", "cd"}},
		{"bytes that are no text", "\x00\xff\n\x80", 10, []string{"\x00\xff\n", "\x80"}},
		{"64 KiB and its end", string(long) + "\n", maxPiece, []string{string(long), "\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := split([]byte(tt.text), tt.limit)
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i := range got {
				if string(got[i]) != tt.want[i] {
					t.Errorf("piece %d: got %q, want %q", i, got[i], tt.want[i])
				}
			}
		})
	}
}

// checkPieces holds for every text and limit.
func checkPieces(t *testing.T, data []byte, limit int, pieces [][]byte) {
	t.Helper()
	if joined := bytes.Join(pieces, nil); !bytes.Equal(joined, data) {
		t.Fatalf("joined %q, want %q", joined, data)
	}
	for i, p := range pieces {
		if len(p) == 0 || len(p) > limit {
			t.Fatalf("piece %d has %d bytes, want 1 to %d", i, len(p), limit)
		}
		if n := bytes.IndexByte(p, '\n'); n >= 0 && n != len(p)-1 {
			t.Fatalf("piece %d has an end of line inside: %q", i, p)
		}
		if cap(p) != len(p) {
			t.Fatalf("piece %d: appending would write into the next one", i)
		}
		if i < len(pieces)-1 && p[len(p)-1] != '\n' && len(p) < limit {
			t.Fatalf("piece %d ends for no reason: %q", i, p)
		}
	}
}

func TestSplitAnything(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	for range 5000 {
		data := make([]byte, rng.IntN(200))
		for i := range data {
			data[i] = "\n\n\r a\x00\xff"[rng.IntN(7)]
		}
		limit := 1 + rng.IntN(40)
		checkPieces(t, data, limit, split(data, limit))

		pieces := cut(data, limit)
		if joined := bytes.Join(pieces, nil); !bytes.Equal(joined, data) {
			t.Fatalf("cut and joined %q, want %q", joined, data)
		}
		if len(pieces) < min(minPieces, len(data)) {
			t.Fatalf("cut %d bytes into %d pieces", len(data), len(pieces))
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(""), uint16(1))
	f.Add([]byte("a\r\nb\n\nc"), uint16(2))
	f.Add([]byte("no end"), uint16(3))
	f.Fuzz(func(t *testing.T, data []byte, limit uint16) {
		n := int(limit) + 1
		checkPieces(t, data, n, split(data, n))
	})
}

func TestSharesCoverEverything(t *testing.T) {
	t.Parallel()
	for n := minPieces; n < 2000; n++ {
		late, lost, window := shares(n)
		if late.from != 0 || late.to != lost.from || lost.to != window.from || window.to != n {
			t.Fatalf("shares(%d) = %v, %v, %v", n, late, lost, window)
		}
		if late.len() < 1 || lost.len() < 2 || window.len() < 4 {
			t.Fatalf("shares(%d) = %v, %v, %v: one is too small", n, late, lost, window)
		}
		if m := lost.middle(); m < lost.from || m >= lost.to {
			t.Fatalf("the middle of %v is %d", lost, m)
		}
	}
}

func TestTheLinkBreaksInsideTheShare(t *testing.T) {
	t.Parallel()
	for n := minPieces; n < 20_000; n++ {
		_, _, share := shares(n)
		window := windowFor(share)
		waitAt, breakAt := breakingPoint(share, window)
		if waitAt < share.from || breakAt <= waitAt || breakAt >= share.to {
			t.Fatalf("%d pieces, share %v, window %d: waits behind %d, breaks behind %d", n, share, window, waitAt, breakAt)
		}
		if breakAt-waitAt > window/2 {
			t.Fatalf("%d pieces, window %d: no room between %d and %d", n, window, waitAt, breakAt)
		}
	}
}
