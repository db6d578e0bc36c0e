package wire

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseAckSubject(t *testing.T) {
	t.Parallel()
	at := time.Unix(0, 1700000000123456789)
	full := Meta{Stream: "S", Consumer: "c", Delivered: 1, StreamSeq: 20, ConsumerSeq: 3, Timestamp: at, Pending: 4}
	withDomain := full
	withDomain.Domain = "hub"
	const numbers = ".1.20.3.1700000000123456789.4"
	for _, tc := range []struct {
		name, reply string
		want        Meta
		ok          bool
	}{
		{"v1", "$JS.ACK.S.c" + numbers, full, true},
		{"v2 with domain", "$JS.ACK.hub.hash.S.c" + numbers, withDomain, true},
		{"v2 without domain", "$JS.ACK._.hash.S.c" + numbers, full, true},
		{"v2 and more", "$JS.ACK._.hash.S.c" + numbers + ".token", full, true},
		{"v2 and much more", "$JS.ACK._.hash.S.c" + numbers + ".a.b.c.d.e", full, true},
		{"v2 and a dot", "$JS.ACK._.hash.S.c" + numbers + ".", full, true},
		{"largest numbers", "$JS.ACK.S.c.18446744073709551615.18446744073709551615.0.9223372036854775807.0",
			Meta{Stream: "S", Consumer: "c", Delivered: 1<<64 - 1, StreamSeq: 1<<64 - 1, Timestamp: time.Unix(0, 1<<63-1)}, true},
		{"ten tokens", "$JS.ACK.hub.S.c" + numbers, Meta{}, false},
		{"eight tokens", "$JS.ACK.S" + numbers, Meta{}, false},
		{"too large", "$JS.ACK.S.c.18446744073709551616.1.1.1.1", Meta{}, false},
		{"time too large", "$JS.ACK.S.c.1.1.1.9223372036854775808.1", Meta{}, false},
		{"21 digits", "$JS.ACK.S.c.100000000000000000000.1.1.1.1", Meta{}, false},
		{"sign", "$JS.ACK.S.c.-1.1.1.1.1", Meta{}, false},
		{"letter", "$JS.ACK.S.c.1.1.x.1.1", Meta{}, false},
		{"empty number", "$JS.ACK.S.c.1..1.1.1", Meta{}, false},
		{"empty stream", "$JS.ACK..c" + numbers, Meta{}, false},
		{"empty consumer", "$JS.ACK.S." + numbers, Meta{}, false},
		{"prefix only", "$JS.ACK.", Meta{}, false},
		{"other prefix", "$JS.FC.S.c" + numbers, Meta{}, false},
		{"inbox", "_INBOX.abc.def", Meta{}, false},
		{"empty", "", Meta{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := ParseAckSubject(tc.reply)
			if ok != tc.ok || got != tc.want {
				t.Errorf("got %+v %v, want %+v %v", got, ok, tc.want, tc.ok)
			}
			stream, consumer, ok := AckSequences([]byte(tc.reply))
			if ok != tc.ok || stream != tc.want.StreamSeq || consumer != tc.want.ConsumerSeq {
				t.Errorf("sequences: got %d %d %v, want %d %d %v", stream, consumer, ok, tc.want.StreamSeq, tc.want.ConsumerSeq, tc.ok)
			}
		})
	}
}

const benchReply = "$JS.ACK.ORDERS.worker.1.123456.123400.1700000000123456789.4242"

func TestAckSubjectAllocs(t *testing.T) {
	reply := []byte(benchReply)
	noAllocs(t, func() {
		AckSequences(reply)
		ParseAckSubject(benchReply)
	})
}

// oracle reads a reply subject the simple way.
func oracle(reply string) (m Meta, ok bool) {
	tokens := strings.Split(reply, ".")
	if len(tokens) < 9 || len(tokens) == 10 || tokens[0] != "$JS" || tokens[1] != "ACK" {
		return Meta{}, false
	}
	tokens = tokens[2:]
	if len(tokens) > 7 {
		if m.Domain = tokens[0]; m.Domain == "_" {
			m.Domain = ""
		}
		tokens = tokens[2:]
	}
	if tokens[0] == "" || tokens[1] == "" {
		return Meta{}, false
	}
	m.Stream, m.Consumer = tokens[0], tokens[1]
	var n [5]uint64
	for i := range n {
		token := tokens[2+i]
		v, err := strconv.ParseUint(token, 10, 64)
		if err != nil || len(token) > 20 || i == 3 && v > 1<<63-1 {
			return Meta{}, false
		}
		n[i] = v
	}
	m.Delivered, m.StreamSeq, m.ConsumerSeq, m.Timestamp, m.Pending = n[0], n[1], n[2], time.Unix(0, int64(n[3])), n[4]
	return m, true
}

func FuzzAckSubject(f *testing.F) {
	f.Add(benchReply)
	f.Add("$JS.ACK._.hash.S.c.1.20.3.1700000000123456789.4.more")
	f.Add("$JS.ACK.hub.S.c.1.20.3.1700000000123456789.4")
	f.Add("$JS.ACK.S.c.18446744073709551616.1.1.1.1")
	f.Add("$JS.ACK........")
	f.Fuzz(func(t *testing.T, reply string) {
		want, wantOK := oracle(reply)
		got, ok := ParseAckSubject(reply)
		if got != want || ok != wantOK {
			t.Fatalf("%q: got %+v %v, want %+v %v", reply, got, ok, want, wantOK)
		}
		stream, consumer, ok := AckSequences([]byte(reply))
		if stream != want.StreamSeq || consumer != want.ConsumerSeq || ok != wantOK {
			t.Fatalf("%q: got sequences %d %d %v, want those of %+v %v", reply, stream, consumer, ok, want, wantOK)
		}
	})
}

func BenchmarkAckSequences(b *testing.B) {
	reply := []byte(benchReply)
	b.ReportAllocs()
	for b.Loop() {
		AckSequences(reply)
	}
}

func BenchmarkParseAckSubject(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ParseAckSubject(benchReply)
	}
}
