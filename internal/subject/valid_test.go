package subject

import (
	"strings"
	"testing"
)

func TestValid(t *testing.T) {
	t.Parallel()
	// The columns: publish, reply, subscribe, queue, name.
	for _, tc := range []struct {
		s    string
		want string // one letter for each check that accepts s
	}{
		{"", "rq"},
		{"a", "prsqn"},
		{"orders", "prsqn"},
		{"orders.new", "prsq"},
		{"orders.*", "prsq"},
		{"orders.>", "prsq"},
		{"*", "prsq"},
		{">", "prsq"},
		{".", "prq"},
		{"..", "prq"},
		{".a", "prq"},
		{"a.", "prq"},
		{"a..b", "prq"},
		{"a.b.c..", "prq"},
		{"a b", ""},
		{" a", ""},
		{"a ", ""},
		{"a\tb", ""},
		{"a\rb", ""},
		{"a\nb", ""},
		{"a\r\nPUB x 0\r\n\r\n", ""},
		{"a\x00b", "prsq"},
		{"a\x0bb\x0cc", "prsq"},
		{"a\x7fb", "prsq"},
		{"a/b", "prsq"},
		{`a\b`, "prsq"},
		{"grüße", "prsqn"},
		{"\xff\xfe", "prsqn"},
		{"a-b_c=d", "prsqn"},
		{strings.Repeat("a", 1000), "prsqn"},
	} {
		got := ""
		for _, check := range []struct {
			letter string
			f      func(string) bool
		}{{"p", ValidPublish}, {"r", ValidReply}, {"s", ValidSubscribe}, {"q", ValidQueue}, {"n", ValidName}} {
			if check.f(tc.s) {
				got += check.letter
			}
		}
		if got != tc.want {
			t.Errorf("%.40q is valid for %q, want %q", tc.s, got, tc.want)
		}
	}
}

// TestSpaceAnywhere puts every byte at every place of subjects of every length around the eight bytes that one step looks at.
func TestSpaceAnywhere(t *testing.T) {
	t.Parallel()
	for length := 1; length <= 33; length++ {
		for at := range length {
			for c := range 256 {
				b := []byte(strings.Repeat("\x80", length)) // the neighbours with the most borrow in them
				if at > 0 {
					b[at-1] = '!'
				}
				b[at] = byte(c)
				s := string(b)
				if got, want := ValidPublish(s), !strings.ContainsAny(s[at:at+1], " \t\r\n"); got != want {
					t.Fatalf("ValidPublish(%q) = %v, want %v", s, got, want)
				}
			}
		}
	}
}

func TestNameRefusesControls(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		s := "a" + string([]byte{byte(c)}) + "b"
		want := c > 0x20 && c != 0x7f && !strings.ContainsRune(`>*./\`, rune(c))
		if got := ValidName(s); got != want {
			t.Errorf("ValidName(%q) = %v, want %v", s, got, want)
		}
	}
}

func FuzzValid(f *testing.F) {
	for _, s := range []string{"", "a", "a.b.c", "a..b", "orders.new.eu.2024", "a\x01\x02b c", "0123456701234567\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		word := !strings.ContainsAny(s, " \t\r\n")
		empty := false
		for _, token := range strings.Split(s, ".") {
			empty = empty || token == ""
		}
		if got, want := ValidPublish(s), word && s != ""; got != want {
			t.Errorf("ValidPublish(%q) = %v, want %v", s, got, want)
		}
		if got, want := ValidSubscribe(s), word && !empty; got != want {
			t.Errorf("ValidSubscribe(%q) = %v, want %v", s, got, want)
		}
		if got := ValidReply(s); got != word {
			t.Errorf("ValidReply(%q) = %v, want %v", s, got, word)
		}
		if got := ValidQueue(s); got != word {
			t.Errorf("ValidQueue(%q) = %v, want %v", s, got, word)
		}
	})
}

var sink bool

func BenchmarkValidPublish(b *testing.B) {
	for _, s := range []string{"orders", "orders.new.eu.20.abc", "_INBOX.R5u8iJ1WbBDB1bNlL8mYcA.gH3kLm2P"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = ValidPublish(s)
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sink = Match("orders.*.eu.>", "orders.new.eu.20.abc")
	}
}
