package wire

import (
	"fmt"
	"testing"
)

// TestAckCursor: the same numbers as without a cursor, whatever came before.
func TestAckCursor(t *testing.T) {
	t.Parallel()
	var c AckCursor
	for _, reply := range []string{
		"$JS.ACK.S.C.1.7.1.1700000000000000000.3",
		"$JS.ACK.S.C.1.8.2.1700000000000000001.2",
		"$JS.ACK.S.C.1.18446744073709551615.3.1.1", // 20 digits
		"$JS.ACK.S.C.1.18446744073709551616.3.1.1", // one too many
		"$JS.ACK.S.C.1..3.1.1",
		"$JS.ACK.S.C.1.x.3.1.1",
		"$JS.ACK.S.C.1.9.3.1.1",
		"$JS.ACK.S.C2.1.9.1.1.1",
		"$JS.ACK.S.C.2.9.3.1.1",
		"$JS.ACK._.hash.S.C.1.9.4.1700000000000000000.0",
		"$JS.ACK._.hash.S.C.1.10.5.1700000000000000000.0.more",
		"", "x", "$JS.ACK.", "$JS.ACK.S.C.2.", "$JS.ACK.S.C.2.9", "$JS.ACK.S.C.2.9.",
	} {
		stream, consumer, ok := c.Sequences([]byte(reply))
		wantStream, wantConsumer, wantOK := AckSequences([]byte(reply))
		if stream != wantStream || consumer != wantConsumer || ok != wantOK {
			t.Errorf("%q: got %d, %d, %v, want %d, %d, %v", reply, stream, consumer, ok, wantStream, wantConsumer, wantOK)
		}
	}
}

// FuzzAckCursor: what AckSequences reads, a cursor reads likewise, behind any other reply.
func FuzzAckCursor(f *testing.F) {
	f.Add("$JS.ACK.S.C.1.7.1.17.3", "$JS.ACK.S.C.1.8.2.17.3")
	f.Add("$JS.ACK._.h.S.C.1.7.1.17.3", "$JS.ACK.S.C.1.8.2.17.3")
	f.Fuzz(func(t *testing.T, before, reply string) {
		var c AckCursor
		c.Sequences([]byte(before))
		stream, consumer, ok := c.Sequences([]byte(reply))
		if s, n, good := AckSequences([]byte(reply)); good && (!ok || s != stream || n != consumer) {
			t.Fatalf("%q behind %q: got %d, %d, %v, want %d, %d", reply, before, stream, consumer, ok, s, n)
		}
	})
}

func BenchmarkAckCursor(b *testing.B) {
	replies := make([][]byte, 64)
	for i := range replies {
		replies[i] = fmt.Appendf(nil, "$JS.ACK.ORDERS.K00keIA2rRJ0chTOwrcvH5_1.1.%d.%d.1700000000000000000.%d", 900000+i, 900000+i, 100000-i)
	}
	for name, read := range map[string]func([]byte) (uint64, uint64, bool){"cursor": new(AckCursor).Sequences, "each": AckSequences} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				read(replies[i%64])
			}
		})
	}
}
