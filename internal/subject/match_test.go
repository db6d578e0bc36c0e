package subject

import (
	"slices"
	"strings"
	"testing"
)

func TestWildcard(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"": false, "a": false, "a.b": false, "a*": false, "*a": false, "a.b>": false, ">>": false, "a.*b.c": false, "**": false,
		"*": true, ">": true, "a.*": true, "a.>": true, "*.a": true, "a.*.b": true, "a.>.b": true, ".*": true, "*.": true,
	} {
		if got := Wildcard(s); got != want {
			t.Errorf("Wildcard(%q) = %v, want %v", s, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, literal string
		want             bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a", "a.b", false},
		{"a.b", "a", false},
		{"a.b", "a.b", true},
		{"*", "a", true},
		{"*", "a.b", false},
		{"a.*", "a", false},
		{"a.*", "a.b", true},
		{"a.*", "a.b.c", false},
		{"*.b", "a.b", true},
		{"a.*.c", "a.b.c", true},
		{"a.*.c", "a.b.d", false},
		{">", "a", true},
		{">", "a.b.c", true},
		{"a.>", "a", false},
		{"a.>", "a.b", true},
		{"a.>", "a.b.c.d", true},
		{"a.>", "b.c", false},
		{"*.>", "a", false},
		{"*.>", "a.b", true},
		{"a*", "ab", false},
		{"a*", "a*", true},
		{"a>", "ab", false},
		{"a.>.c", "a.b.c", false},
		{"a.>.c", "a.>.c", true},
		{"a.b", "a.*", false},
		{"a.*", "a.*", true},
		{"", "", false},
		{">", "", false},
		{"*", "", false},
		{"", "a", false},
		{"a.*", "a.", false},
		{"a.>", "a.", false},
		{">", "a..b", false},
		{"a..b", "a..b", false},
		{".", ".", false},
	} {
		if got := Match(tc.pattern, tc.literal); got != tc.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tc.pattern, tc.literal, got, tc.want)
		}
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a", "*", true},
		{"a.b", "*", false},
		{"a.*", "*.b", true},
		{"a.*", "b.*", false},
		{"a.*.c", "a.b.*", true},
		{"a.>", "a.*.c", true},
		{"a.>", "a", false},
		{"a.>", "*.b", true},
		{"a.>", "b.>", false},
		{">", ">", true},
		{">", "a", true},
		{"a.>", "a.b.>", true},
		{"a.*", "a.b.>", false},
		{"a.>.c", "a.*.c", true},
		{"a.>.c", "a.b.c", false},
		{"", ">", false},
		{"a..b", ">", false},
		{"a.", "a.>", false},
	} {
		if got := Overlap(tc.a, tc.b); got != tc.want {
			t.Errorf("Overlap(%q, %q) = %v, want %v", tc.a, tc.b, got, tc.want)
		}
		if got := Overlap(tc.b, tc.a); got != tc.want {
			t.Errorf("Overlap(%q, %q) = %v, want %v", tc.b, tc.a, got, tc.want)
		}
	}
}

// matches is Match on lists of tokens, straight from the definition.
func matches(pattern, literal []string) bool {
	switch {
	case len(pattern) == 0 || len(literal) == 0:
		return len(pattern) == len(literal)
	case pattern[0] == ">" && len(pattern) == 1:
		return true
	case pattern[0] == "*" || pattern[0] == literal[0]:
		return matches(pattern[1:], literal[1:])
	}
	return false
}

func slowMatch(pattern, literal string) bool {
	p, l := strings.Split(pattern, "."), strings.Split(literal, ".")
	return !slices.Contains(p, "") && !slices.Contains(l, "") && matches(p, l)
}

// common looks for a subject that both patterns cover, among all that can be made of their tokens and one token more.
func common(a, b string) bool {
	s, t := strings.Split(a, "."), strings.Split(b, ".")
	if slices.Contains(s, "") || slices.Contains(t, "") {
		return false
	}
	words := append(append([]string{"new"}, s...), t...)
	slices.Sort(words)
	words = slices.Compact(words)
	var try func(subject []string) bool
	try = func(subject []string) bool {
		if len(subject) > 0 && matches(s, subject) && matches(t, subject) {
			return true
		}
		if len(subject) > max(len(s), len(t)) {
			return false
		}
		for _, w := range words {
			if try(append(subject, w)) {
				return true
			}
		}
		return false
	}
	return try(nil)
}

func FuzzMatch(f *testing.F) {
	for _, p := range [][2]string{{"a.*.>", "a.b.c"}, {">", "a"}, {"a.>.b", "a.b.b"}, {"*", "."}, {"", ""}, {"a.*b", "a.bb"}} {
		f.Add(p[0], p[1])
	}
	f.Fuzz(func(t *testing.T, pattern, literal string) {
		if got, want := Match(pattern, literal), slowMatch(pattern, literal); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, literal, got, want)
		}
		if Match(pattern, literal) && !Wildcard(literal) && !Overlap(pattern, literal) {
			t.Errorf("%q covers %q, but Overlap denies it", pattern, literal)
		}
	})
}

// FuzzOverlap makes two short patterns of few words out of its input, so that the search for a common subject stays small.
func FuzzOverlap(f *testing.F) {
	f.Add([]byte{0, 1, 2}, []byte{1, 1, 4})
	f.Add([]byte{4}, []byte{0, 3})
	f.Add([]byte{0, 4, 1}, []byte{0, 3, 1})
	f.Fuzz(func(t *testing.T, x, y []byte) {
		words := []string{"a", "b", "a*", "*", ">", ""}
		spell := func(b []byte) string {
			var tokens []string
			for _, c := range b[:min(len(b), 4)] {
				tokens = append(tokens, words[int(c)%len(words)])
			}
			return strings.Join(tokens, ".")
		}
		a, b := spell(x), spell(y)
		want := common(a, b)
		if got := Overlap(a, b); got != want {
			t.Errorf("Overlap(%q, %q) = %v, want %v", a, b, got, want)
		}
		if got := Overlap(b, a); got != want {
			t.Errorf("Overlap(%q, %q) = %v, want %v", b, a, got, want)
		}
	})
}

func TestNoAllocations(t *testing.T) {
	for name, f := range map[string]func(){
		"publish":   func() { sink = ValidPublish("orders.new.eu.20.abc") },
		"subscribe": func() { sink = ValidSubscribe("orders.*.eu.>") },
		"match":     func() { sink = Match("orders.*.eu.>", "orders.new.eu.20.abc") },
		"overlap":   func() { sink = Overlap("orders.*.eu.>", "orders.new.>") },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s: %v allocations, want 0", name, got)
		}
	}
}
