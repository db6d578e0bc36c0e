package sockets

import (
	"strings"
	"testing"
)

func TestFramesAreTakenApart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in                     string
		op                           op
		sid                          int
		subject, reply, header, data string
	}{
		{"message", "MSG a.b 12 3\r\nxyz\r\n", opMsg, 12, "a.b", "", "", "xyz"},
		{"empty message", "MSG a 1 0\r\n\r\n", opMsg, 1, "a", "", "", ""},
		{"message with reply", "MSG a.b 1 _INBOX.7 2\r\nxy\r\n", opMsg, 1, "a.b", "_INBOX.7", "", "xy"},
		{"headers", "HMSG a 1 12 14\r\nNATS/1.0\r\n\r\nxy\r\n", opMsg, 1, "a", "", "NATS/1.0\r\n\r\n", "xy"},
		{"headers and a reply of digits", "HMSG a 1 7 12 12\r\nNATS/1.0\r\n\r\n\r\n", opMsg, 1, "a", "7", "NATS/1.0\r\n\r\n", ""},
		{"ping", "PING\r\n", opPing, 0, "", "", "", ""},
		{"pong", "PONG\r\n", opPong, 0, "", "", "", ""},
		{"info", "INFO {}\r\n", opInfo, 0, "", "", "", ""},
	}
	for _, tt := range tests {
		const before = "PING\r\n"
		in := []byte(before + tt.in)
		for cut := len(before); cut < len(in); cut++ {
			var f frame
			if next, err := f.parse(in[:cut], len(before)); next != len(before) || err != nil {
				t.Errorf("%s, %q: got %d, %v; want that more must come", tt.name, in[:cut], next, err)
			}
		}
		var f frame
		next, err := f.parse(append(in, "MSG"...), len(before))
		if err != nil || next != len(in) || f.op != tt.op {
			t.Errorf("%s: got %v up to %d, %v; want %v up to %d", tt.name, f.op, next, err, tt.op, len(in))
			continue
		}
		c := conn{in: in}
		got := []string{string(c.bytes(f.subject)), string(c.bytes(f.reply)), string(c.bytes(f.header)), string(c.bytes(f.data))}
		want := []string{tt.subject, tt.reply, tt.header, tt.data}
		if strings.Join(got, "|") != strings.Join(want, "|") || f.sid != tt.sid {
			t.Errorf("%s: got %q for %d, want %q for %d", tt.name, got, f.sid, want, tt.sid)
		}
	}
}

func TestWhatIsNoFrameIsAnError(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"-ERR 'Authorization Violation'\r\n", "MSG \r\n", "MSG a\r\n", "MSG a 1\r\n", "MSG a x 1\r\n", "MSG a 1 -1\r\n", "MSG a 1 1000000000000000\r\n",
		"HMSG a 1 3\r\n", "HMSG a 1 4 3\r\n", "HMSG \r\n", " \r\n",
	} {
		var f frame
		if next, err := f.parse([]byte(in), 0); err == nil || next != 0 {
			t.Errorf("%q: got %+v up to %d, want an error", in, f, next)
		}
	}
}

func TestAcksAreChecked(t *testing.T) {
	t.Parallel()
	ack := ackOf("ORDERS")
	tests := []struct {
		in   string
		want int
	}{
		{`{"stream":"ORDERS","seq":17}`, 17},
		{`{"stream":"ORDERS","seq":17,"duplicate": true}`, 17},
		{`{"stream":"ORDERS","seq":0}`, 0},
		{`{"stream":"OTHERS","seq":17}`, 0},
		{`{"error":{"code":503,"err_code":10076,"description":"resources"},"stream":"ORDERS","seq":0}`, 0},
		{``, 0},
	}
	for _, tt := range tests {
		if got, err := sequence([]byte(tt.in), ack); got != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("%s: got %d, %v; want %d", tt.in, got, err, tt.want)
		}
	}
}

func TestMessagesMayBeKept(t *testing.T) {
	t.Parallel()
	c := &conn{in: []byte("HMSG a.b 1 r 18 21\r\n" + headerLine + "A: b\r\n\r\nxyz\r\n")}
	if _, err := c.frame.parse(c.in, 0); err != nil {
		t.Fatal(err)
	}
	var mem memory
	var kept []*message
	for range 3 * pieceMessages {
		m, err := mem.message(c, "a.*")
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, m)
	}
	clear(c.in)
	for i, m := range kept {
		if m.subject != "a.b" || m.reply != "r" || string(m.data) != "xyz" || len(m.header) != 1 || m.header["A"][0] != "b" {
			t.Fatalf("message %d became %+v", i, *m)
		}
	}
}
