package engine

import (
	"strings"
	"testing"

	"github.com/gannet-io/nats/internal/proto"
)

func TestTable(t *testing.T) {
	var tab table
	var subs []*Sub
	for range 10 * pageSize {
		s := new(Sub)
		tab.add(s)
		subs = append(subs, s)
	}
	if tab.live != len(subs) {
		t.Errorf("live = %d, want %d", tab.live, len(subs))
	}
	for i, s := range subs {
		if i%3 == 0 && !tab.remove(s) {
			t.Fatalf("subscription %d was not there", s.sid)
		}
		if i%3 == 0 && tab.remove(s) {
			t.Fatalf("subscription %d removed twice", s.sid)
		}
	}
	n := 0
	tab.each(func(*Sub) { n++ })
	if n != tab.live {
		t.Errorf("each found %d, want %d", n, tab.live)
	}
	for i, s := range subs {
		want := s
		if i%3 == 0 {
			want = nil
		}
		if got := tab.lookup(s.sid); got != want {
			t.Fatalf("lookup(%d) = %p, want %p", s.sid, got, want)
		}
	}
	for _, sid := range []uint64{0, 1 << 20, 1<<64 - 1} {
		if got := tab.lookup(sid); got != nil {
			t.Errorf("lookup(%d) = %p, want nil", sid, got)
		}
	}
}

// Pages whose subscriptions are all gone are given back.
func TestTableFreesPages(t *testing.T) {
	var tab table
	for range 1000 * pageSize {
		s := new(Sub)
		tab.add(s)
		tab.remove(s)
	}
	live := 0
	for i := range *tab.dir.Load() {
		if (*tab.dir.Load())[i].Load() != nil {
			live++
		}
	}
	if live > 1 {
		t.Errorf("%d pages are kept for no subscription", live)
	}
}

func TestTokenRoundTrip(t *testing.T) {
	for _, want := range []Token{0, 1, 62, 63, 64, 1<<indexBits - 1, 1 << indexBits, 1<<48 - 1} {
		text := appendToken(nil, want)
		if got, ok := parseToken(text); !ok || got != want {
			t.Errorf("token %d is %q and back %d, %v", want, text, got, ok)
		}
	}
	for _, bad := range []string{"", "1234567", "123456789", "1234567!", "1234 678", "\x00\x00\x00\x00\x00\x00\x00\x00"} {
		if got, ok := parseToken([]byte(bad)); ok {
			t.Errorf("parseToken(%q) = %d, want none", bad, got)
		}
	}
}

func FuzzMuxDeliver(f *testing.F) {
	f.Add([]byte("_INBOX.x.00000000"))
	f.Add([]byte("_INBOX.x.zzzzzzzz"))
	f.Add([]byte("_INBOX.x.100000000000000"))
	f.Add([]byte("_INBOX.x.00000100000000!"))
	f.Fuzz(func(t *testing.T, subject []byte) {
		m := &mux{prefix: "_INBOX.x."}
		k := &asked{}
		a := &Asker{taker: k, prefix: m.nextAsker()}
		m.join(a)
		m.Deliver(&proto.Frame{Subject: subject})
		if len(k.heard) > 0 && !strings.HasPrefix(string(subject[len(m.prefix):]), a.key()) {
			t.Errorf("%q came to the asker %s", subject, a.key())
		}
	})
}
