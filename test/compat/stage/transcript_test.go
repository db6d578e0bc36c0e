package stage

import (
	"testing"
	"time"
)

func text(key, text string) Entry { return Entry{Key: key, Text: text} }

func timed(key string, took time.Duration) Entry { return Entry{Key: key, Took: took, Timed: true} }

func TestEntriesAreReadBack(t *testing.T) {
	t.Parallel()
	for _, e := range []Entry{
		text("a", "b"), text("a", ""), text("a: b", "c = d ~ e"), text("x", `"nats: y"`), timed("a", 1234*time.Millisecond), timed("a b", 0),
	} {
		got, err := ParseEntry(e.String())
		if err != nil || got != e {
			t.Errorf("%q: got %+v, %v, want %+v", e.String(), got, err, e)
		}
	}
	for _, line := range []string{"", "a", "a ~ soon"} {
		if got, err := ParseEntry(line); err == nil {
			t.Errorf("%q: got %+v, want an error", line, got)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	base := []Entry{text("a", "1"), timed("b", 400*ms), text("c", "2")}
	for _, tc := range []struct {
		name      string
		got       []Entry
		want      int
		onlyTimes bool
	}{
		{"the same", []Entry{text("a", "1"), timed("b", 400*ms), text("c", "2")}, 0, true},
		{"a little late", []Entry{text("a", "1"), timed("b", 550*ms), text("c", "2")}, 0, true},
		{"late", []Entry{text("a", "1"), timed("b", 551*ms), text("c", "2")}, 1, true},
		{"early", []Entry{text("a", "1"), timed("b", 249*ms), text("c", "2")}, 1, true},
		{"another text", []Entry{text("a", "x"), timed("b", 400*ms), text("c", "y")}, 2, false},
		{"another key", []Entry{text("x", "1"), timed("b", 900*ms), text("c", "y")}, 1, false},
		{"one less", []Entry{text("a", "1"), timed("b", 400*ms)}, 1, false},
		{"one more", append(base[:3:3], text("d", "")), 1, false},
		{"a text instead of a time", []Entry{text("a", "1"), text("b", "400ms"), text("c", "2")}, 1, false},
		{"nothing", nil, 1, false},
	} {
		found := Compare(base, tc.got)
		if len(found) != tc.want {
			t.Errorf("%s: got %d mismatches, want %d: %v", tc.name, len(found), tc.want, found)
		}
		for _, m := range found {
			if m.OnlyTime() != tc.onlyTimes {
				t.Errorf("%s: only a time: got %v, want %v: %v", tc.name, m.OnlyTime(), tc.onlyTimes, m)
			}
		}
	}
}

func TestToleranceGrowsWithTheTime(t *testing.T) {
	t.Parallel()
	if a, b := timed("a", 10*time.Second), timed("a", 11*time.Second); !a.Matches(b) {
		t.Errorf("%v and %v: got a mismatch, want 10 %%", a, b)
	}
	if a, b := timed("a", 10*time.Second), timed("a", 11200*time.Millisecond); a.Matches(b) {
		t.Errorf("%v and %v: got a match, want a mismatch", a, b)
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	want := []Entry{text("a", "1"), timed("b", time.Second)}
	got, stale := Apply([]Difference{Differs("1.1", "a", "2"), Lasts("1.1", "b", 2*time.Second)}, want)
	if len(stale) != 0 || got[0].Text != "2" || got[1].Took != 2*time.Second {
		t.Errorf("got %v, stale %v", got, stale)
	}
	if want[0].Text != "1" {
		t.Error("the reference was changed")
	}
	_, stale = Apply([]Difference{Differs("1.1", "a", "1"), Differs("1.1", "x", "2"), Lasts("1.1", "b", time.Second)}, want)
	if len(stale) != 3 {
		t.Errorf("stale: got %v, want a, x, b", stale)
	}
}
