package stage

import (
	"bufio"
	"strings"
	"testing"
)

func TestReadFrame(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in         string
		fromClient bool
		want       Frame
	}{
		{"PING\r\n", true, Frame{Op: "PING"}},
		{"CONNECT {\"a\": 1}\r\n", true, Frame{Op: "CONNECT", Data: `{"a": 1}`}},
		{"PUB a 2\r\nhi\r\n", true, Frame{Op: "PUB", Subject: "a", Data: "hi"}},
		{"pub a b 2\r\nhi\r\n", true, Frame{Op: "PUB", Subject: "a", Reply: "b", Data: "hi"}},
		{"HPUB a b 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", true, Frame{Op: "HPUB", Subject: "a", Reply: "b", Header: "NATS/1.0\r\n\r\n", Data: "hi"}},
		{"SUB a 1\r\n", true, Frame{Op: "SUB", Subject: "a", SID: "1"}},
		{"SUB a q 1\r\n", true, Frame{Op: "SUB", Subject: "a", Queue: "q", SID: "1"}},
		{"UNSUB 1 5\r\n", true, Frame{Op: "UNSUB", SID: "1", Data: "5"}},
		{"MSG a 1 0\r\n\r\n", false, Frame{Op: "MSG", Subject: "a", SID: "1"}},
		{"MSG a 1 r 1\r\nx\r\n", false, Frame{Op: "MSG", Subject: "a", SID: "1", Reply: "r", Data: "x"}},
		{"HMSG a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", false, Frame{Op: "HMSG", Subject: "a", SID: "1", Header: "NATS/1.0 503\r\n\r\n"}},
	} {
		got, err := readFrame(bufio.NewReader(strings.NewReader(tc.in)), tc.fromClient)
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
			continue
		}
		if string(got.raw) != tc.in {
			t.Errorf("%q: passes on %q", tc.in, got.raw)
		}
		got.raw, tc.want.FromClient = nil, tc.fromClient
		if got.Op != tc.want.Op || got.Subject != tc.want.Subject || got.Reply != tc.want.Reply || got.SID != tc.want.SID ||
			got.Queue != tc.want.Queue || got.Header != tc.want.Header || got.Data != tc.want.Data || got.FromClient != tc.want.FromClient {
			t.Errorf("%q: got %+v, want %+v", tc.in, got, tc.want)
		}
	}
	for _, odd := range []string{"PUB a\r\n", "PUB a -1\r\n", "PUB a 99999999999\r\n", "MSG a 1\r\n", "HMSG a 1 5 4\r\nxxxx\r\n", "PUB a b c d 1\r\n"} {
		if f, err := readFrame(bufio.NewReader(strings.NewReader(odd)), true); err == nil {
			t.Errorf("%q: got %+v, want an error", odd, f)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "", "NATS/1.0\r\n\r\n": "", "NATS/1.0 503\r\n\r\n": "503", "NATS/1.0 100 Idle Heartbeat\r\nA: b\r\n\r\n": "100",
	} {
		if got := (Frame{Header: header}).Status(); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}
