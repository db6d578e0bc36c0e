package proto

import "testing"

// TestAllocations holds the hot paths to their budgets.
func TestAllocations(t *testing.T) {
	if race {
		t.Skip("the race detector allocates")
	}
	var p Parser
	var f Frame
	h := header{"Nats-Msg-Id": {"0123456789"}, "Trace": {"abc\r\n"}}
	block, _ := AppendHeader(nil, h)
	known := NewHeaderKeys(h)
	buf := make([]byte, 0, 4096)
	data := make([]byte, 128)
	status := []byte("NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 12\r\n\r\n")
	next := func(ins ...string) func() {
		var b [][]byte
		for _, in := range ins {
			b = append(b, []byte(in))
		}
		return func() {
			for _, in := range b {
				if _, op, err := p.Next(in, &f); op == OpMsg && (err != nil || f.SubjectString() == "") {
					t.Error(err)
				}
			}
		}
	}
	for _, tc := range []struct {
		name string
		most float64
		f    func()
	}{
		{"MSG", 0, next("MSG a.b 1 5\r\nhello\r\n")},
		{"MSG with reply subject", 0, next("MSG a.b 1 r.1 5\r\nhello\r\n")},
		{"HMSG", 0, next("HMSG a.b 1 r.1 2 5\r\nhello\r\n")},
		{"two subscriptions in turn", 0, next("MSG a.b 1 5\r\nhello\r\n", "MSG a.c 2 5\r\nhello\r\n")},
		{"unusual spaces", 0, next("MSG  a.b 1 5\nhello\r\n", "msg\ta.b 1 5\r\nhello\r\n")},
		{"incomplete", 0, next("MSG a.b 1 5\r\nhel", "MSG a.b 1")},
		{"PING, +OK, -ERR, INFO", 0, next("PING\r\n", "+OK\r\n", "-ERR 'x'\r\n", "INFO {}\r\n")},
		{"AppendPub", 0, func() { buf = AppendPub(buf[:0], "a.b", "r.1", block, data) }},
		{"AppendSub, AppendUnsub", 0, func() { buf = AppendUnsub(AppendSub(buf[:0], "a.b", "q", 1<<40), 1<<40, 10) }},
		{"Boundary", 0, func() { Boundary(buf, len(buf)) }},
		{"Publishes", 0, func() { Publishes(buf, func([]byte, bool) {}) }},
		{"AppendHeader on the stack", 0, func() {
			var b [256]byte
			if out, err := AppendHeader(b[:0], h); err != nil || string(out) != string(block) {
				t.Error("another block") // printing out would move b to the heap
			}
		}},
		{"HeaderKeys.Append on the stack", 0, func() {
			var b [256]byte
			if out, ok := known.Append(b[:0], h); !ok || string(out) != string(block) {
				t.Error("another block")
			}
		}},
		{"HeaderLen", 0, func() { HeaderLen(h) }},
		{"ParseHeader", 4, func() {
			if _, err := ParseHeader(block); err != nil {
				t.Error(err)
			}
		}},
		{"Status, Description, HeaderValue", 0, func() {
			if Status(status) != 100 || len(Description(status)) == 0 || HeaderValue(status, "Nats-Last-Consumer") == nil {
				t.Error("not found")
			}
		}},
	} {
		tc.f()
		if got := testing.AllocsPerRun(100, tc.f); got > tc.most {
			t.Errorf("%s: %v allocations, want at most %v", tc.name, got, tc.most)
		}
	}
}
