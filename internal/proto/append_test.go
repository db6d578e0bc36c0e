package proto

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("s", 100)
	for _, tc := range []struct {
		name string
		got  []byte
		want string
	}{
		{"pub", AppendPub(nil, "a.b", "", nil, []byte("hello")), "PUB a.b 5\r\nhello\r\n"},
		{"empty pub", AppendPub(nil, "a", "", nil, nil), "PUB a 0\r\n\r\n"},
		{"reply subject", AppendPub(nil, "a", "r.1", nil, []byte("0123456789")), "PUB a r.1 10\r\n0123456789\r\n"},
		{"header", AppendPub(nil, "a", "", []byte("NATS/1.0\r\n\r\n"), []byte("x")), "HPUB a 12 13\r\nNATS/1.0\r\n\r\nx\r\n"},
		{"header and reply subject", AppendPub(nil, "a", "r", []byte("NATS/1.0\r\n\r\n"), nil), "HPUB a r 12 12\r\nNATS/1.0\r\n\r\n\r\n"},
		{"long arguments", AppendPub(nil, long, long, nil, []byte(long)), "PUB " + long + " " + long + " 100\r\n" + long + "\r\n"},
		{"around a payload", around("a", "r", []byte("hh"), "0123456789"), "HPUB a r 2 12\r\nhh0123456789\r\n"},
		{"around no payload", around("a", "", nil, ""), "PUB a 0\r\n\r\n"},
		{"behind something", AppendPub([]byte("PING\r\n"), "a", "", nil, nil), "PING\r\nPUB a 0\r\n\r\n"},
		{"sub", AppendSub(nil, "a.>", "", 1), "SUB a.> 1\r\n"},
		{"queue sub", AppendSub([]byte("x"), "a", "q", math.MaxUint64), "xSUB a q 18446744073709551615\r\n"},
		{"unsub", AppendUnsub(nil, 12, 0), "UNSUB 12\r\n"},
		{"unsub later", AppendUnsub(nil, 12, math.MaxUint64), "UNSUB 12 18446744073709551615\r\n"},
	} {
		if string(tc.got) != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, tc.got, tc.want)
		}
	}
}

func TestAppendUint(t *testing.T) {
	t.Parallel()
	for n, i := uint64(1), 0; i < 64; n, i = n<<1, i+1 {
		for _, v := range []uint64{n - 1, n, n + 1} {
			if got, want := string(appendUint([]byte("x"), v)), "x"+strconv.FormatUint(v, 10); got != want {
				t.Errorf("appendUint(%d) = %q, want %q", v, got, want)
			}
		}
	}
	for n := uint64(1); n < math.MaxUint64/10; n *= 10 {
		for _, v := range []uint64{n - 1, n, n + 1} {
			if got, want := string(appendUint(nil, v)), strconv.FormatUint(v, 10); got != want {
				t.Errorf("appendUint(%d) = %q, want %q", v, got, want)
			}
		}
	}
}

// TestAppendInPlace: with room behind it, dst is written in place and nothing behind the operation is touched.
func TestAppendInPlace(t *testing.T) {
	t.Parallel()
	buf := bytes.Repeat([]byte{'#'}, 300)
	out := AppendPub(buf[:10], "a", "r", []byte("hh"), []byte("dd"))
	if &out[0] != &buf[0] {
		t.Error("AppendPub moved the buffer")
	}
	if want := "##########HPUB a r 2 4\r\nhhdd\r\n####"; !bytes.HasPrefix(buf, []byte(want)) {
		t.Errorf("the buffer begins %.40q, want %q", buf, want)
	}
}

// publish is what Publishes reports.
type publish struct {
	op       string
	hasReply bool
}

func (p publish) String() string { return fmt.Sprintf("%q (reply %v)", p.op, p.hasReply) }

// written is a buffer of operations and what is in it.
type written struct {
	buf       []byte
	ends      []int
	publishes []publish
}

// write makes one operation of each byte of spec.
func write(spec []byte) (w written) {
	payloads := []string{"", "x", "\r\n", "PUB a 5\r\nhello\r\n", "\n\n\n", strings.Repeat("y", 150), "12345\r", "-1"}
	for _, c := range spec {
		start := len(w.buf)
		payload, reply := []byte(payloads[c>>3&7]), ""
		if c&0x40 != 0 {
			reply = "r.9"
		}
		switch c & 7 {
		case 0, 1, 2:
			w.buf = AppendPub(w.buf, "a.5", reply, nil, payload)
		case 3, 4:
			w.buf = AppendPub(w.buf, "a.5", reply, []byte("NATS/1.0\r\nA: b\r\n\r\n"), payload)
		case 5:
			w.buf = AppendSub(w.buf, "a.>", reply, uint64(c))
		case 6:
			w.buf = AppendUnsub(w.buf, uint64(c), uint64(c>>3&7))
		case 7:
			w.buf = append(w.buf, []string{"PING\r\n", "PONG\r\n", "CONNECT {\"a\": 1}\r\n"}[c>>3%3]...)
		}
		w.ends = append(w.ends, len(w.buf))
		if c&7 < 5 {
			w.publishes = append(w.publishes, publish{string(w.buf[start:]), reply != ""})
		}
	}
	return w
}

func TestBoundary(t *testing.T) {
	t.Parallel()
	spec := make([]byte, 256)
	for i := range spec {
		spec[i] = byte(i * 37)
	}
	w := write(spec)
	next, want := 0, 0
	for n := range len(w.buf) + 3 {
		for next < len(w.ends) && w.ends[next] <= n {
			want = w.ends[next]
			next++
		}
		if got := Boundary(w.buf, n); got != want {
			t.Fatalf("Boundary(buf of %d, %d) = %d, want %d", len(w.buf), n, got, want)
		}
	}
	if want != len(w.buf) {
		t.Errorf("all taken: %d, want %d", want, len(w.buf))
	}
}

func TestBoundaryCutOff(t *testing.T) {
	t.Parallel()
	const ping = "PING\r\n"
	for _, tc := range []struct {
		buf  string
		n    int
		want int
	}{
		{"", 0, 0}, {"", 5, 0}, {ping, -1, 0}, {ping, math.MinInt, 0}, {ping, math.MaxInt, 6},
		{ping + "PUB a 5\r\nhell", 100, 6}, {ping + "PUB a", 100, 6}, {ping + "PUB a 5\r\nhello\r\n", 100, 22},
		{ping + "PUB a 99999999999999999999\r\n" + ping, 100, 40}, {ping + "PUB a 18446744073709551615\r\n", 100, 6},
		{"\n\n\n", 2, 2}, {"PUB \r\nx", 100, 6}, {"x", 1, 0},
	} {
		if got := Boundary([]byte(tc.buf), tc.n); got != tc.want {
			t.Errorf("Boundary(%q, %d) = %d, want %d", tc.buf, tc.n, got, tc.want)
		}
	}
}

func TestPublishes(t *testing.T) {
	t.Parallel()
	in := "SUB a 1\r\nPUB a 5\r\nhello\r\nPUB a r 0\r\n\r\nPING\r\nHPUB a 2 3\r\nhhd\r\nHPUB a r 2 3\r\nhhd\r\nUNSUB 1 2\r\nPUB cut 5\r\nhel"
	want := []publish{{"PUB a 5\r\nhello\r\n", false}, {"PUB a r 0\r\n\r\n", true}, {"HPUB a 2 3\r\nhhd\r\n", false}, {"HPUB a r 2 3\r\nhhd\r\n", true}}
	var got []publish
	Publishes([]byte(in), func(op []byte, hasReply bool) { got = append(got, publish{string(op), hasReply}) })
	if len(got) != len(want) {
		t.Fatalf("kept %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: kept %v, want %v", i, got[i], want[i])
		}
	}
}

// around is AppendPub in two steps, in a buffer that had other things in it.
func around(subject, reply string, hdr []byte, data string) []byte {
	out, gap := AppendPubAround(bytes.Repeat([]byte("?"), 4000)[:0], subject, reply, hdr, len(data))
	copy(out[gap:], data)
	return out
}
