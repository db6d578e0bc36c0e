package natstest

import (
	"bytes"
	"testing"
	"time"
)

func TestAdvance(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, text string
		want          int // bytes up to the end of the match, or -1
	}{
		{"a", "a", 1},
		{"PING", "PIPING\r\n", 6},
		{"aab", "aaaab", 5},
		{"abab", "abaabab", 7},
		{"abc", "ababab", -1},
		{"abc", "", -1},
	}
	for _, tt := range tests {
		for split := range len(tt.text) + 1 { // wherever the reads fall
			if got := find(tt.pattern, tt.text[:split], tt.text[split:]); got != tt.want {
				t.Errorf("%q in %q|%q: got %d, want %d", tt.pattern, tt.text[:split], tt.text[split:], got, tt.want)
			}
		}
	}
}

func find(pattern string, parts ...string) int {
	tr := &trigger{pattern: []byte(pattern), fall: fallbacks([]byte(pattern))}
	matched, before := 0, 0
	for _, part := range parts {
		now, taken, whole := tr.advance(matched, []byte(part))
		if whole {
			return before + taken
		}
		matched, before = now, before+taken
	}
	return -1
}

func FuzzAdvance(f *testing.F) {
	f.Add([]byte("aab"), []byte("aaabaab"), uint(2))
	f.Add([]byte("\r\n"), []byte("\r\r\n"), uint(1))
	f.Add([]byte("abab"), []byte("abaabab"), uint(3))
	f.Fuzz(func(t *testing.T, pattern, text []byte, split uint) {
		if len(pattern) == 0 {
			return
		}
		split %= uint(len(text) + 1)
		want := bytes.Index(text, pattern)
		if want >= 0 {
			want += len(pattern)
		}
		if got := find(string(pattern), string(text[:split]), string(text[split:])); got != want {
			t.Errorf("%q in %q|%q: got %d, want %d", pattern, text[:split], text[split:], got, want)
		}
	})
}

func TestHoleOnMatch(t *testing.T) {
	t.Parallel()
	s := Run(t)
	p := NewProxy(t, s.URL())
	c := connect(t, p.Addr(), "")
	c.createStream("S", "s", 1)
	c.ping()

	// The publish arrives and is stored; its ack does not come back.
	seen := p.Seen([]byte("PUB s "), ClientToServer)
	p.HoleOnMatch([]byte("PUB s "), ClientToServer, ServerToClient)
	c.ask("s", "x")
	select {
	case <-seen:
	case <-time.After(patience):
		t.Fatal("Seen did not see the publish")
	}
	direct := connect(t, s.Addr(), "")
	if !poll(patience, func() bool { return direct.messages("S") == 1 }) {
		t.Errorf("messages: got %d, want 1", direct.messages("S"))
	}
	expectSilence(t, c.conn)
}

func TestHoleBehindTheMatch(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	p.HoleOnMatch([]byte("END"), Both, ClientToServer)
	write(t, client, "beginEN")
	expect(t, server, "beginEN")
	write(t, client, "Dand no more")
	expect(t, server, "D")
	expectSilence(t, server)
}

func TestCutOnMatch(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	p.CutOnMatch([]byte("cut"), ServerToClient)
	p.CutOnMatch([]byte("never"), ServerToClient)
	write(t, client, "cut")
	expect(t, server, "cut")
	write(t, server, "one cut two")
	if got, err := expectEnd(t, client); got != "one cut" || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, "one cut")
	}
	if _, err := expectEnd(t, server); err == nil {
		t.Error("sender: got an orderly end, want a reset")
	}
}

func TestOnMatch(t *testing.T) {
	t.Parallel()
	target := newPeer(t)
	p := NewProxy(t, target.addr)
	client, server := target.pair(t, p)
	var calls []string // only the goroutine that reads the client's bytes appends
	note := func(s string) func() {
		return func() {
			calls = append(calls, s)
			p.Conns() // the proxy's methods may be called
		}
	}
	p.OnMatch([]byte("bc"), ClientToServer, note("bc"))
	p.OnMatch([]byte("abcd"), Both, note("abcd"))
	p.OnMatch([]byte("abcd"), ServerToClient, note("wrong way"))
	p.OnMatch([]byte("ab"), ClientToServer, note("ab"))
	write(t, client, "abcdabcd")
	expect(t, server, "abcdabcd")
	if got, want := len(calls), 3; got != want || calls[0] != "ab" || calls[1] != "bc" || calls[2] != "abcd" {
		t.Errorf("calls: got %q, want ab, bc, abcd, once each", calls)
	}
	gone := p.Seen([]byte("later"), Both)
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	write(t, client, "later")
	expect(t, server, "later")
	select {
	case <-gone:
		t.Error("Heal did not end the watch")
	default:
	}
}
