package proto

import (
	"bytes"
	"errors"
	"testing"
)

// conversation are whole operations, for the fuzz targets to begin with.
var conversation = []string{
	"INFO {\"server_id\":\"A\",\"max_payload\":1048576} \r\nPING\r\nPONG\r\n+OK\r\n-ERR 'Unknown Protocol Operation'\r\n",
	"MSG a.b 1 5\r\nhello\r\nMSG a.b 1 0\r\n\r\nMSG a.b 1 r.1 2\r\n\r\n\r\nMSG a.b 12 1\r\nx\r\nmsg\ta.b  1 1\nx\r\n",
	"HMSG a 1 12 15\r\nNATS/1.0\r\n\r\nabc\r\nHMSG a 1 r 12 12\r\nNATS/1.0\r\n\r\n\r\nMSG a 1 1 1\r\nx\r\n",
	"MSG a 1 99999999999\r\n", "MSG a 1 -1\r\n", "HMSG a 1 6 5\r\nhello\r\n", "MSG a 18446744073709551616 0\r\n\r\n", "MSG a 1 5\r\nhello  PING\r\n",
	"MSG a 1 10000000000000000000000000001\r\nx\r\n", "MSG a\r 1 1\r\nx\r\n", "MSG a 1 \x01 1\r\nx\r\nPINGPONG",
}

// all lets next take b apart until it stops at the end or an error.
func all(b []byte, next func([]byte) result) (rs []result) {
	for {
		r := next(b)
		rs = append(rs, r)
		if r.n == 0 {
			return rs
		}
		b = b[r.n:]
	}
}

// FuzzParser compares Next with the oracle on the whole input, and then with itself when the input comes in pieces.
func FuzzParser(f *testing.F) {
	for _, in := range conversation {
		f.Add([]byte(in), []byte{1})
		f.Add([]byte(in), []byte{3, 0, 17, 1})
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		var p reading
		whole := all(in, p.step)
		want := all(in, func(b []byte) result { return oracle(string(b)) })
		if len(whole) != len(want) {
			t.Fatalf("Next made %d steps, the oracle %d\nNext   %v\noracle %v", len(whole), len(want), whole, want)
		}
		for i := range want {
			if whole[i] != want[i] {
				t.Fatalf("step %d\nNext   %v\noracle %v", i, whole[i], want[i])
			}
		}
		got := pieces(t, in, cuts)
		for i := range want {
			if want[i].need != 0 {
				want[i].need = 0 // pieces does not report it
			}
			if i >= len(got) || got[i] != want[i] {
				t.Fatalf("step %d in pieces\ngot  %v\nwant %v", i, got[i:], want[i])
			}
		}
	})
}

// pieces feeds a parser like a reader does: with a buffer that moves, whose rest comes in pieces of the lengths that cuts
// gives. Where a cut is odd it takes bodies that are incomplete through Payload and Finish.
func pieces(t *testing.T, in, cuts []byte) (rs []result) {
	var p reading
	var buf []byte
	for i := 0; ; i++ {
		for {
			r := p.step(buf)
			if r.need != 0 && r.need <= len(buf) {
				t.Fatalf("Need() = %d with %d bytes", r.need, len(buf))
			}
			r.need = 0
			if r.n == 0 && !r.failed {
				break
			}
			rs = append(rs, r)
			if r.failed {
				return rs
			}
			buf = buf[r.n:]
		}
		cut := byte(5)
		if len(cuts) > 0 {
			cut = cuts[i%len(cuts)]
		}
		if start, size, ok := p.Payload(); ok && cut%2 == 1 && start+size+2 <= len(buf)+len(in) {
			rest := append(bytes.Clone(buf), in...)
			r := finish(t, &p, rest, start, size)
			rs = append(rs, r)
			if r.failed {
				return rs
			}
			buf, in = nil, rest[r.n:]
			continue
		}
		if len(in) == 0 {
			return append(rs, result{})
		}
		n := min(len(in), int(cut)%64+1)
		buf = append(bytes.Clone(buf), in[:n]...)
		in = in[n:]
	}
}

// finish takes the message at the start of b, whose body is b[start:start+size], as a reader of large payloads does.
func finish(t *testing.T, p *reading, b []byte, start, size int) (r result) {
	if err := p.Finish(bytes.Clone(b[:start]), bytes.Clone(b[start:start+size]), &p.frame); err != nil {
		t.Fatalf("Finish(%q): %v", b[:start], err)
	}
	if p.Tail(b[start+size:][:2]) != nil {
		return result{failed: true}
	}
	r = result{n: start + size + 2, op: OpMsg}
	r.message(&p.frame)
	return r
}

func FuzzParseHeader(f *testing.F) {
	for _, in := range []string{
		"NATS/1.0\r\n\r\n", "NATS/1.0\r\nA: b\r\nA: c\r\nB:\r\n\r\n", "NATS/1.0 503\r\n\r\n", "NATS/1.0 100 Idle Heartbeat\r\nStatus: x\r\n\r\n",
		"NATS/1.0\r\nA: b\r\n c\r\n\td\r\n\r\n", "NATS/1.0\n: x\nA : b\n\nrest", "NATS/1.0 4", "NATS/1.0\r\n A: b\r\n\r\n",
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		h, err := ParseHeader(in)
		Description(in)
		code := Status(in)
		if code < 0 || code > 999 {
			t.Errorf("Status = %d", code)
		}
		if !bytes.Equal(in, before) {
			t.Errorf("input changed")
		}
		if want := slowHeader(string(in)); (want == nil) != (err != nil) || err == nil && !sameHeader(h, want) {
			t.Fatalf("ParseHeader(%q)\ngot  %q, %v\nwant %q", in, h, err, want)
		}
		if err != nil {
			return
		}
		checkReaders(t, in, h)
		for _, values := range h {
			_ = append(values, "mine") // must not reach the values of other keys
		}
		if !sameHeader(h, slowHeader(string(in))) {
			t.Errorf("appending to values changed others: %q", h)
		}
	})
}

// FuzzAppendHeader makes a header of its input, and expects that it comes back with nothing but white space changed.
func FuzzAppendHeader(f *testing.F) {
	f.Add([]byte("Nats-Msg-Id\x00abc\x00A\x00b\r\nEvil: 1\x00A\x00 c "))
	f.Add([]byte("a b\x00c"))
	f.Add([]byte("\x00c"))
	f.Add([]byte("a\x001\x00b\x002\x00c\x003\x00d\x004\x00e\x005\x00f\x006\x00g\x007\x00h\x008\x00i\x009"))
	f.Fuzz(func(t *testing.T, in []byte) {
		h := map[string][]string{}
		parts := bytes.Split(in, []byte{0})
		for i := 0; i+1 < len(parts); i += 2 {
			h[string(parts[i])] = append(h[string(parts[i])], string(parts[i+1]))
		}
		block, err := AppendHeader([]byte("before"), h)
		if bad := hasBadKey(h); bad != (err != nil) {
			t.Fatalf("AppendHeader(%q): %v, bad key %v", h, err, bad)
		}
		if err != nil {
			if string(block) != "before" {
				t.Errorf("AppendHeader(%q) failed and wrote %q", h, block)
			}
			return
		}
		if len(block) != len("before")+HeaderLen(h) {
			t.Errorf("AppendHeader(%q) wrote %d bytes, HeaderLen is %d", h, len(block)-len("before"), HeaderLen(h))
		}
		if again, ok := NewHeaderKeys(h).Append([]byte("before"), h); ok && string(again) != string(block) {
			t.Errorf("with its keys known, %q is %q, want %q", h, again, block)
		}
		if len(h) == 0 {
			return
		}
		got, err := ParseHeader(block[len("before"):])
		if err != nil || !sameHeader(got, cleaned(h)) {
			t.Errorf("%q came back as %q, %v", h, got, err)
		}
	})
}

func FuzzInfo(f *testing.F) {
	for _, in := range []string{
		`{}`, `null`, `[]`, `{"server_id":"A","port":4222,"max_payload":-1,"connect_urls":["a",null,"b"]}`, `{"port":1e99}`, `{"a":[[[[[[[[]]]]]]]]}`, `{"connect_urls":{}}`,
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		info, err := ParseInfo(in)
		var bad *Error
		if err != nil && (!errors.As(err, &bad) || len(err.Error()) > 1000) {
			t.Errorf("ParseInfo(%q): %v, want a short Error", in, err)
		}
		if info.MaxPayload < 0 || info.Port < 0 || info.Port > 65535 || len(info.ConnectURLs) > maxConnectURLs {
			t.Errorf("ParseInfo(%q) = %+v", in, info)
		}
	})
}

// FuzzBoundary reads its input as a list of operations, writes them while noting where each ends, and asks for every n
// that the list is good for.
func FuzzBoundary(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 5)
	f.Add([]byte{0xf0, 0x83, 0x42, 0x11, 0xff}, 100)
	f.Add([]byte{}, -1)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		w := write(in[:min(len(in), 300)])
		want := 0
		for _, end := range w.ends {
			if end <= n {
				want = end
			}
		}
		if got := Boundary(w.buf, n); got != want {
			t.Fatalf("Boundary(%q, %d) = %d, want %d", w.buf, n, got, want)
		}
		var got []publish
		Publishes(w.buf, func(op []byte, hasReply bool) { got = append(got, publish{string(op), hasReply}) })
		if len(got) != len(w.publishes) {
			t.Fatalf("Publishes(%q) kept %v, want %v", w.buf, got, w.publishes)
		}
		for i := range got {
			if got[i] != w.publishes[i] {
				t.Errorf("Publishes(%q): %d is %v, want %v", w.buf, i, got[i], w.publishes[i])
			}
		}
		// Whatever is in a buffer, the walk ends inside it.
		if got := Boundary(in, n); got < 0 || got > max(n, 0) || got > len(in) {
			t.Errorf("Boundary(%q, %d) = %d", in, n, got)
		}
		Publishes(in, func(op []byte, _ bool) {
			if len(op) == 0 || len(op) > len(in) {
				t.Errorf("Publishes(%q) kept %q", in, op)
			}
		})
	})
}
