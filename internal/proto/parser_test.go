package proto

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestNext(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	for _, tc := range []struct {
		name, in string
		want     result
	}{
		{"ping", "PING\r\n", result{n: 6, op: OpPing}},
		{"pong", "PONG\r\nPING\r\n", result{n: 6, op: OpPong}},
		{"ok", "+OK\r\n", result{n: 5, op: OpOK}},
		{"lower case and a lone LF", "ping\n", result{n: 5, op: OpPing}},
		{"white space before the end", "PiNg \t\r\n", result{n: 8, op: OpPing}},
		{"info", "INFO {\"a\":1} \r\n", result{n: 15, op: OpInfo, arg: `{"a":1}`}},
		{"info without text", "INFO\r\n", result{n: 6, op: OpInfo}},
		{"error", "-ERR 'Stale Connection'\r\n", result{n: 25, op: OpErr, arg: "Stale Connection"}},
		{"error without quotes", "-ERR Stale Connection \r\n", result{n: 24, op: OpErr, arg: "Stale Connection"}},
		{"error with quotes in it", "-ERR 'no 'x''\r\n", result{n: 15, op: OpErr, arg: "no 'x'"}},
		{"error with one quote", "-ERR '\r\n", result{n: 8, op: OpErr, arg: "'"}},
		{"error without text", "-ERR\r\n", result{n: 6, op: OpErr}},
		{"message", "MSG a.b 7 5\r\nhello\r\nPING", result{n: 20, op: OpMsg, sid: 7, subject: "a.b", data: "hello"}},
		{"empty message", "MSG a 0 0\r\n\r\n", result{n: 13, op: OpMsg, subject: "a"}},
		{"reply subject", "MSG a 7 r.1 5\r\nhello\r\n", result{n: 22, op: OpMsg, sid: 7, subject: "a", reply: "r.1", data: "hello"}},
		{"reply subject of digits", "MSG a 7 99 5\r\nhello\r\n", result{n: 21, op: OpMsg, sid: 7, subject: "a", reply: "99", data: "hello"}},
		{"spaces and tabs", "mSg\t a  \t7 \t r  5 \t\nhello\r\n", result{n: 27, op: OpMsg, sid: 7, subject: "a", reply: "r", data: "hello"}},
		{"leading zeros", "MSG a 007 00000000000000000000000005\r\nhello\r\n", result{n: 45, op: OpMsg, sid: 7, subject: "a", data: "hello"}},
		{"the largest sid", "MSG a 18446744073709551615 0\r\n\r\n", result{n: 32, op: OpMsg, sid: 1<<64 - 1, subject: "a"}},
		{"line ends in the payload", "MSG a 7 4\r\n\r\n\r\n\r\n", result{n: 17, op: OpMsg, sid: 7, subject: "a", data: "\r\n\r\n"}},
		{"control characters in a subject", "MSG a\x00\x01 7 0\r\n\r\n", result{n: 15, op: OpMsg, sid: 7, subject: "a\x00\x01"}},
		{"header", "HMSG a 7 3 5\r\nhello\r\n", result{n: 21, op: OpMsg, sid: 7, subject: "a", header: "hel", data: "lo"}},
		{"header and reply subject", "HMSG a 7 9 3 5\r\nhello\r\n", result{n: 23, op: OpMsg, sid: 7, subject: "a", reply: "9", header: "hel", data: "lo"}},
		{"header only", "HMSG a 7 5 5\r\nhello\r\n", result{n: 21, op: OpMsg, sid: 7, subject: "a", header: "hello"}},
		{"long subject", "MSG " + long + " 7 0\r\n\r\n", result{n: 312, op: OpMsg, sid: 7, subject: long}},
		{"nothing", "", result{}},
		{"part of a verb", "P", result{}},
		{"verb", "HMSG", result{}},
		{"part of a line", "MSG a 7 5\r", result{}},
		{"line", "MSG a 7 5\r\n", result{need: 18}},
		{"part of a payload", "MSG a 7 5\r\nhel", result{need: 18}},
		{"payload without its end", "MSG a 7 5\r\nhello\r", result{need: 18}},
		{"the largest message", "HMSG a 7 1048576 68157440\r\n", result{need: 27 + 65<<20 + 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var p reading
			for _, round := range []string{"first", "with the line remembered"} {
				if got := p.step([]byte(tc.in)); got != tc.want {
					t.Errorf("%s: Next(%.60q)\ngot  %v\nwant %v", round, tc.in, got, tc.want)
				}
			}
			if got := oracle(tc.in); got != tc.want {
				t.Errorf("oracle(%.60q)\ngot  %v\nwant %v", tc.in, got, tc.want)
			}
		})
	}
}

func TestNextRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, reason string }{
		{"another protocol", "HTTP/1.1 400 Bad Request\r\n", "unknown operation"},
		{"another protocol, seen early", "SS", "unknown operation"},
		{"empty line", "\r\n", "unknown operation"},
		{"leading space", " PING\r\n", "unknown operation"},
		{"longer verb", "PINGS", "unknown operation"},
		{"control character behind the verb", "MSG\x01a 1 0\r\n\r\n", "unknown operation"},
		{"client operation", "PUB a 0\r\n\r\n", "unknown operation"},
		{"ping with an argument", "PING x\r\n", "unexpected argument"},
		{"ok with an argument", "+OK x\r\n", "unexpected argument"},
		{"no fields", "MSG\r\n", "message with 0 fields"},
		{"too few fields", "MSG a 5\r\n", "message with 2 fields"},
		{"too many fields", "MSG a 1 r 5 5\r\nhello\r\n", "message with 5 fields"},
		{"far too many fields", "MSG a 1 r 5 5 5\r\n", "too many fields"},
		{"header with too few fields", "HMSG a 1 5\r\nhello\r\n", "message with 3 fields"},
		{"header with too many fields", "HMSG a 1 r 5 5 5\r\nhello\r\n", "too many fields"},
		{"CR in the subject", "MSG a\rb 1 0\r\n\r\n", "CR in a line"},
		{"CR at the end", "MSG a 1 0\r\r\n\r\n", "CR in a line"},
		{"sid of letters", "MSG a b 0\r\n\r\n", "SID is not a number of 64 bits"},
		{"negative sid", "MSG a -1 0\r\n\r\n", "SID is not a number of 64 bits"},
		{"sid too large", "MSG a 18446744073709551616 0\r\n\r\n", "SID is not a number of 64 bits"},
		{"size of letters", "MSG a 1 x\r\n", "size is not a number of 64 bits"},
		{"negative size", "MSG a 1 -1\r\n", "size is not a number of 64 bits"},
		{"size with a plus", "MSG a 1 +5\r\nhello\r\n", "size is not a number of 64 bits"},
		{"size in hexadecimal", "MSG a 1 0x5\r\nhello\r\n", "size is not a number of 64 bits"},
		{"size too large", "MSG a 1 67108865\r\n", "payload of 67108865 bytes exceeds 67108864"},
		{"size far too large", "MSG a 1 99999999999\r\n", "payload of 99999999999 bytes exceeds 67108864"},
		{"size of MaxInt64", "MSG a 1 9223372036854775807\r\n", "payload of 9223372036854775807 bytes exceeds 67108864"},
		{"size of MaxUint64", "MSG a 1 18446744073709551615\r\n", "payload of 18446744073709551615 bytes exceeds 67108864"},
		{"size of 65 bits", "MSG a 1 18446744073709551616\r\n", "size is not a number of 64 bits"},
		{"size of 100 digits", "MSG a 1 " + strings.Repeat("9", 100) + "\r\n", "size is not a number of 64 bits"},
		{"header size of letters", "HMSG a 1 x 5\r\nhello\r\n", "header size is not a number of 64 bits"},
		{"negative header size", "HMSG a 1 -1 5\r\nhello\r\n", "header size is not a number of 64 bits"},
		{"header larger than all", "HMSG a 1 6 5\r\nhello\r\n", "header of 6 bytes in a message of 5"},
		{"header too large", "HMSG a 1 1048577 1048577\r\n", "header of 1048577 bytes exceeds 1048576"},
		{"payload besides a header too large", "HMSG a 1 5 67108870\r\n", "payload of 67108865 bytes exceeds 67108864"},
		{"payload longer than said", "MSG a 1 4\r\nhello\r\n", "no CRLF behind the payload"},
		{"payload shorter than said", "MSG a 1 6\r\nhello\r\nPING\r\n", "no CRLF behind the payload"},
		{"payload with a lone LF at the right place", "MSG a 1 4\r\nhello\n", "no CRLF behind the payload"},
		{"size with something behind it", "MSG a 1 5x\nhello\r\n", "size is not a number of 64 bits"},
		{"control character behind the reply subject", "MSG a 1 r\x011\r\nx\r\n", "size is not a number of 64 bits"},
		{"CR behind the reply subject", "MSG a 1 r\r1\r\nx\r\n", "CR in a line"},
		{"long reply subject", "MSG a 1 " + strings.Repeat("r", MaxControlLine) + " 0\r\n\r\n", "line longer than 65536 bytes"},
		{"payload with a lone LF", "MSG a 1 5\r\nhello\nPING\r\n", "no CRLF behind the payload"},
		{"line without end", "MSG " + strings.Repeat("a", MaxControlLine-4), "line longer than 65536 bytes"},
		{"line with a late end", "MSG " + strings.Repeat("a", MaxControlLine) + " 1 0\r\n", "line longer than 65536 bytes"},
		{"error without end", "-ERR " + strings.Repeat("a", MaxControlLine), "line longer than 65536 bytes"},
		{"info without end", "INFO " + strings.Repeat("a", MaxInfo), "line longer than 1048576 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var fresh, warm reading
			warm.step([]byte("MSG a 1 0\r\n\r\n"))
			if strings.HasPrefix(tc.in, "HMSG") {
				warm.step([]byte("HMSG a 1 0 0\r\n\r\n"))
			}
			for _, p := range []*reading{&fresh, &warm} {
				n, op, err := p.Next([]byte(tc.in), &p.frame)
				var bad *Error
				if !errors.As(err, &bad) || bad.Reason != tc.reason || n != 0 || op != OpNone {
					t.Errorf("Next(%.60q) = %d, %d, %v, want 0, 0 and an Error because of %q", tc.in, n, op, err, tc.reason)
				} else if len(bad.Near) > 4*64+2 {
					t.Errorf("Next(%.60q): Near has %d bytes", tc.in, len(bad.Near))
				}
			}
			if got := oracle(tc.in); !got.failed {
				t.Errorf("oracle(%.60q) = %v, want an error", tc.in, got)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	var p Parser
	var f Frame
	_, _, err := p.Next([]byte("MSG \x1ba\xff 1 99999999999\r\nsecret"), &f)
	want := `nats: protocol error: payload of 99999999999 bytes exceeds 67108864 near "MSG \x1ba\xff 1 99999999999"`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestLongestLines are those that just pass.
func TestLongestLines(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"INFO " + strings.Repeat("a", MaxInfo-7) + "\r\n",
		"-ERR " + strings.Repeat("a", MaxControlLine-7) + "\r\n",
		"MSG " + strings.Repeat("a", MaxControlLine-10) + " 1 0\r\n\r\n",
	} {
		var p reading
		for cut := len(in) - 5; cut < len(in); cut++ {
			if got := p.step([]byte(in[:cut])); got.failed || got.n != 0 {
				t.Errorf("%.10q... cut to %d bytes: %v, want to wait", in, cut, got)
			}
		}
		if got := p.step([]byte(in)); got.n != len(in) {
			t.Errorf("%.10q... of %d bytes: %v", in, len(in), got)
		}
	}
}

// TestRemembered runs lines through one parser that nearly begin alike.
func TestRemembered(t *testing.T) {
	t.Parallel()
	lines := []string{
		"MSG a 1 0\r\n\r\n", "MSG a 1 1\r\nx\r\n", "MSG a 1 r 1\r\nx\r\n", "MSG a 1 1\r\nx\r\n", "MSG a 12 1\r\nx\r\n", "MSG a 1  1\r\nx\r\n",
		"MSG a 1 1\nx\r\n", "msg a 1 1\r\nx\r\n", "MSG ab 1 1\r\nx\r\n", "HMSG a 1 1 1\r\nx\r\n", "HMSG a 1 0 1\r\nx\r\n", "HMSG a 1 r.s 1 1\r\nx\r\n",
		"HMSG a 1 0 0\r\n\r\n", "MSG  a 1 1\r\nx\r\n", "MSG  a 1 r\t1\r\nx\r\n", "MSG a 1 1 1\r\nx\r\n", "MSG a 1 0000000001\r\nx\r\n", "MSG a 1 \x01 1\r\nx\r\n",
		"MSG " + strings.Repeat("a", maxPrefix) + " 1 1\r\nx\r\n", "MSG " + strings.Repeat("a", maxName+1) + " 1 1\r\nx\r\n", "PING\r\n",
	}
	var p reading
	for _, first := range lines {
		for _, second := range lines {
			for _, in := range []string{first, second} {
				if got, want := p.step([]byte(in)), oracle(in); got != want || want.failed {
					t.Fatalf("%.40q behind %.40q\ngot  %v\nwant %v", in, first, got, want)
				}
			}
		}
	}
}

func TestSubjectString(t *testing.T) {
	t.Parallel()
	var p Parser
	var f Frame
	names := []string{"a", "b", strings.Repeat("c", maxName+1)}
	for range 3 {
		for sid, name := range names {
			in := fmt.Appendf(nil, "MSG %s %d 0\r\n\r\n", name, sid)
			if _, op, err := p.Next(in, &f); op != OpMsg || err != nil {
				t.Fatalf("Next(%.20q): %v, %v", in, op, err)
			}
			if got := f.SubjectString(); got != name {
				t.Errorf("SubjectString() = %.20q, want %.20q", got, name)
			}
		}
	}
	if got := (&Frame{Subject: []byte("x"), SID: 1}).SubjectString(); got != "x" {
		t.Errorf("SubjectString of a frame made by hand = %q, want x", got)
	}
	if got := (&Frame{}).SubjectString(); got != "" {
		t.Errorf("SubjectString of the zero frame = %q, want nothing", got)
	}
}

// TestFrameHasNoRoom: appending to a part of a frame must not reach what is behind it.
func TestFrameHasNoRoom(t *testing.T) {
	t.Parallel()
	in := []byte("HMSG a 1 r 3 5\r\nhello\r\nPING\r\n")
	before := string(in)
	var p Parser
	var f Frame
	if _, op, err := p.Next(in, &f); op != OpMsg || err != nil {
		t.Fatalf("Next: %v, %v", op, err)
	}
	for _, part := range [][]byte{f.Subject, f.Reply, f.Header, f.Data} {
		_ = append(part, "XXXX"...)
	}
	if string(in) != before {
		t.Errorf("the input became %q", in)
	}
}

func TestPayloadAndFinish(t *testing.T) {
	t.Parallel()
	const in = "HMSG a.b 7 r 3 5\r\nhello\r\n"
	var p Parser
	var f Frame
	f.Owned = true
	if _, _, ok := p.Payload(); ok {
		t.Error("Payload of a fresh parser is ok")
	}
	for cut := range len(in) {
		p.Next([]byte(in[:cut]), &f)
		start, size, ok := p.Payload()
		if want := cut >= 18; ok != want || ok && (start != 18 || size != 5 || p.Need() != len(in)) {
			t.Errorf("%d bytes: Payload() = %d, %d, %v, Need() = %d; want 18, 5, %v, %d", cut, start, size, ok, p.Need(), want, len(in))
		}
	}
	line, body := []byte(in[:18]), []byte("hello")
	if err := p.Finish(line, body, &f); err != nil {
		t.Fatalf("Finish: %v", err)
	}
	want := result{sid: 7, subject: "a.b", reply: "r", header: "hel", data: "lo"}
	var got result
	if got.message(&f); got != want || !f.Owned {
		t.Errorf("Finish made %v, owned %v, want %v and owned", got, f.Owned, want)
	}
	if _, _, ok := p.Payload(); ok || p.Need() != 0 {
		t.Error("Payload is ok after Finish")
	}
	if &f.Header[0] != &body[0] || &f.Data[0] != &body[3] {
		t.Error("Finish copied the body")
	}
	p.Next([]byte(in), &f)
	if f.Owned {
		t.Error("Next left Owned set")
	}
}

func TestFinishRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, line, body string }{
		{"short body", "MSG a 1 5\r\n", "hell"},
		{"long body", "MSG a 1 5\r\n", "hello!"},
		{"no message", "PING\r\n", ""},
		{"part of a line", "MSG a 1 5", "hello"},
		{"more than the line", "MSG a 1 5\r\nx", "hello"},
		{"bad line", "MSG a 1\r\n", ""},
		{"nothing", "", ""},
	} {
		var p Parser
		var f Frame
		var bad *Error
		if err := p.Finish([]byte(tc.line), []byte(tc.body), &f); !errors.As(err, &bad) {
			t.Errorf("%s: %v, want an Error", tc.name, err)
		}
	}
	var p Parser
	for in, ok := range map[string]bool{"\r\n": true, "": false, "\r": false, "\n\r": false, "\r\nP": false} {
		if err := p.Tail([]byte(in)); (err == nil) != ok {
			t.Errorf("Tail(%q) = %v, want ok %v", in, err, ok)
		}
	}
}
