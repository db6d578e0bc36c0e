package proto

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gannet-io/nats/internal/natserr"
)

type header = map[string][]string

func sameHeader(a, b header) bool { return maps.EqualFunc(a, b, slices.Equal[[]string]) }

func TestAppendHeader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		h    header
		want string
	}{
		{"nil", nil, ""},
		{"empty", header{}, ""},
		{"one", header{"A": {"b"}}, "NATS/1.0\r\nA: b\r\n\r\n"},
		{"sorted, case kept", header{"b": {"1"}, "B": {"2"}, "a": {"3"}}, "NATS/1.0\r\nB: 2\r\na: 3\r\nb: 1\r\n\r\n"},
		{"several values", header{"A": {"2", "1", ""}}, "NATS/1.0\r\nA: 2\r\nA: 1\r\nA: \r\n\r\n"},
		{"no values", header{"A": nil, "B": {}}, "NATS/1.0\r\n\r\n"},
		{"trimmed", header{"A": {" \t\r\nb c\n "}}, "NATS/1.0\r\nA: b c\r\n\r\n"},
		{"injection", header{"A": {"b\r\nEvil: 1\r\n\r\nPUB x 0"}}, "NATS/1.0\r\nA: b  Evil: 1    PUB x 0\r\n\r\n"},
		{"white space only", header{"A": {"\r\n"}}, "NATS/1.0\r\nA: \r\n\r\n"},
		{"any bytes in a value", header{"A": {"\x00\xff:"}}, "NATS/1.0\r\nA: \x00\xff:\r\n\r\n"},
		{"odd key", header{"!#$%&'*+-.^_`|~09azAZ": {"b"}}, "NATS/1.0\r\n!#$%&'*+-.^_`|~09azAZ: b\r\n\r\n"},
	} {
		got, err := AppendHeader([]byte("x"), tc.h)
		if err != nil || string(got) != "x"+tc.want {
			t.Errorf("%s: got %q, %v, want %q", tc.name, got, err, "x"+tc.want)
		}
		if got := HeaderLen(tc.h); got != len(tc.want) {
			t.Errorf("%s: HeaderLen = %d, want %d", tc.name, got, len(tc.want))
		}
	}
}

func TestAppendHeaderSortsAnyNumber(t *testing.T) {
	t.Parallel()
	for count := 1; count < 40; count++ {
		h := header{}
		for i := range count {
			h[fmt.Sprintf("Key-%02d", i*7%count)] = []string{"v"}
		}
		block, err := AppendHeader(nil, h)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(block), "\r\n")
		lines = lines[1 : len(lines)-2]
		if len(lines) != len(h) || !slices.IsSorted(lines) {
			t.Errorf("%d keys: lines are %q", count, lines)
		}
	}
}

func TestAppendHeaderRefusesKeys(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", " ", "a b", "a:", ":", "a\r", "a\nb", "a\tb", "a\x00", "a\x7f", "ä", "a\xff", "(a)", "a/b", `"a"`, "a,b", "a@b", "[a]", "{a}", "a=b", "a;b", "a?b", `a\b`} {
		for _, h := range []header{{key: {"v"}}, {key: nil}, {"A": {"b"}, key: {"v"}}} {
			got, err := AppendHeader([]byte("x"), h)
			if !errors.Is(err, natserr.BadHeaderMsg) || string(got) != "x" {
				t.Errorf("key %q: got %q, %v, want %v", key, got, err, natserr.BadHeaderMsg)
			}
		}
	}
}

func hasBadKey(h header) bool {
	for key := range h {
		if key == "" || strings.ContainsFunc(key, func(r rune) bool {
			return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
		}) {
			return true
		}
	}
	return false
}

// cleaned is h as it arrives.
func cleaned(h header) header {
	out := header{}
	for key, values := range h {
		for _, v := range values {
			out[key] = append(out[key], strings.Trim(strings.NewReplacer("\r", " ", "\n", " ").Replace(v), " \t"))
		}
	}
	return out
}

func TestParseHeader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want header // nil: refused
	}{
		{"NATS/1.0\r\n\r\n", header{}},
		{"NATS/1.0\r\nA: b\r\n\r\n", header{"A": {"b"}}},
		{"NATS/1.0\r\nA: b\r\n\r\nthe rest: is ignored", header{"A": {"b"}}},
		{"NATS/1.0\nA: b\n\n", header{"A": {"b"}}},
		{"NATS/1.0\r\nA:b\r\na: d\r\nA:  c\r\n\r\n", header{"A": {"b", "c"}, "a": {"d"}}},
		{"NATS/1.0\r\nA: 1\r\nB: 2\r\nA: 3\r\nB: 4\r\nA: 5\r\n\r\n", header{"A": {"1", "3", "5"}, "B": {"2", "4"}}},
		{"NATS/1.0\r\nA:\r\n\r\n", header{"A": {""}}},
		{"NATS/1.0\r\nA: \t b:c \r\n\r\n", header{"A": {"b:c "}}},
		{"NATS/1.0\r\nA : b\r\nB C: d\r\n\xff: \xfe\r\n\r\n", header{"A ": {"b"}, "B C": {"d"}, "\xff": {"\xfe"}}},
		{"NATS/1.0\r\n: b\r\n\r\n", header{}},
		{"NATS/1.0\r\nA: b\rc\x00\r\n\r\n", header{"A": {"b\rc\x00"}}},
		{"NATS/1.0 503\r\n\r\n", header{"Status": {"503"}}},
		{"NATS/1.0 503 \r\n\r\n", header{"Status": {"503"}}},
		{"NATS/1.0 100 Idle Heartbeat\r\nX: 1\r\n\r\n", header{"Status": {"100"}, "Description": {"Idle Heartbeat"}, "X": {"1"}}},
		{"NATS/1.0  100\t Idle  Heartbeat \r\n\r\n", header{"Status": {"100"}, "Description": {"Idle  Heartbeat"}}},
		{"NATS/1.0503\r\n\r\n", header{"Status": {"503"}}},
		{"NATS/1.0 4040 x\r\n\r\n", header{"Status": {"404"}, "Description": {"0 x"}}},
		{"NATS/1.0 abc def\r\n\r\n", header{"Status": {"abc"}, "Description": {"def"}}},
		{"NATS/1.0 503\r\nStatus: 7\r\n\r\n", header{"Status": {"7", "503"}}},
		{"NATS/1.0\r\nA: b\r\n c\r\n\td \r\nB: e\r\n\r\n", header{"A": {"b c d"}, "B": {"e"}}},
		{"NATS/1.0\r\nA:\r\n c: d\r\n \r\n\r\n", header{"A": {"c: d"}}},
		{"NATS/1.0 ab\r\n\r\n", nil},
		{"NATS/1.0 \r\r\n\r\n", nil},
		{"NATS/1.1\r\n\r\n", nil},
		{"nats/1.0\r\n\r\n", nil},
		{"", nil},
		{"NATS/1.0", nil},
		{"NATS/1.0\r\n", nil},
		{"NATS/1.0\r\nA: b\r\n", nil},
		{"NATS/1.0\r\nA: b\r\n c", nil},
		{"NATS/1.0\r\nA\r\n\r\n", nil},
		{"NATS/1.0\r\n A: b\r\n\r\n", nil},
		{"A: b\r\n\r\n", nil},
	} {
		got, err := ParseHeader([]byte(tc.in))
		switch {
		case tc.want == nil:
			if err != natserr.BadHeaderMsg || got != nil {
				t.Errorf("ParseHeader(%q) = %q, %v, want %v", tc.in, got, err, natserr.BadHeaderMsg)
			}
		case err != nil || got == nil || !sameHeader(got, tc.want):
			t.Errorf("ParseHeader(%q) = %q, %v, want %q", tc.in, got, err, tc.want)
		default:
			checkReaders(t, []byte(tc.in), got)
		}
		if slow := slowHeader(tc.in); (slow == nil) != (tc.want == nil) || !sameHeader(slow, tc.want) {
			t.Errorf("slowHeader(%q) = %q, want %q", tc.in, slow, tc.want)
		}
	}
}

// slowHeader is ParseHeader line by line with the standard library; nil stands for the error.
func slowHeader(in string) header {
	lines := strings.Split(in, "\n")
	if len(lines) < 2 || !strings.HasPrefix(in, "NATS/1.0") {
		return nil
	}
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	lines = lines[:len(lines)-1] // what follows the last LF is no line
	status := strings.Trim(lines[0][len("NATS/1.0"):], " \t")
	if len(status) == 1 || len(status) == 2 {
		return nil
	}
	end := slices.Index(lines, "")
	if end < 0 {
		return nil
	}
	h := header{}
	var key string // of the line before; white space continues it
	for i, line := range lines[1:end] {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			if i == 0 {
				return nil
			}
			if values := h[key]; key != "" {
				values[len(values)-1] = strings.Trim(strings.TrimRight(values[len(values)-1], " \t")+" "+strings.Trim(line, " \t"), " \t")
			}
			continue
		}
		var value string
		var ok bool
		if key, value, ok = strings.Cut(line, ":"); !ok {
			return nil
		}
		if key != "" {
			h[key] = append(h[key], strings.TrimLeft(value, " \t"))
		}
	}
	if status != "" {
		h["Status"] = append(h["Status"], status[:3])
		if rest := strings.Trim(status[3:], " \t"); rest != "" {
			h["Description"] = append(h["Description"], rest)
		}
	}
	return h
}

// checkReaders compares what Status, Description and HeaderValue find in a good block with the decoded one.
func checkReaders(t *testing.T, in []byte, h header) {
	t.Helper()
	last := func(key string) string {
		if v := h[key]; len(v) > 0 {
			return v[len(v)-1]
		}
		return ""
	}
	status := HeaderValue(in, "Status") // hides an inline one
	if code := Status(in); code != 0 && status == nil && last("Status") != fmt.Sprintf("%03d", code) {
		t.Errorf("Status(%q) = %d, decoded %q", in, code, last("Status"))
	}
	if d := Description(in); len(d) != 0 && last("Description") != string(d) {
		t.Errorf("Description(%q) = %q, decoded %q", in, d, last("Description"))
	}
	for key, values := range h {
		got := HeaderValue(in, key)
		if got == nil && (key == StatusHeader || key == DescriptionHeader) {
			continue // inline
		}
		folded := strings.Contains(string(in), "\n ") || strings.Contains(string(in), "\n\t")
		if got == nil || string(got) != values[0] && !folded {
			t.Errorf("HeaderValue(%q, %q) = %q, decoded %q", in, key, got, values)
		}
	}
}

func TestReadBlock(t *testing.T) {
	t.Parallel()
	const block = "NATS/1.0 409 Leadership Change\r\nNats-Pending-Messages: 5\r\nA:\r\nAB:  c\r\nA: d\r\n\r\nBehind: e\r\n"
	for _, tc := range []struct {
		in, description string
		status          int
	}{
		{block, "Leadership Change", 409},
		{"NATS/1.0 503\r\n\r\n", "", 503},
		{"NATS/1.0 100 Idle Heartbeat\n\n", "Idle Heartbeat", 100},
		{"NATS/1.0\r\n\r\n", "", 0},
		{"NATS/1.0 000\r\n\r\n", "", 0},
		{"NATS/1.0 40\r\n\r\n", "", 0},
		{"NATS/1.0 abc def\r\n\r\n", "def", 0},
		{"NATS/1.0 -12 x\r\n\r\n", "x", 0},
		{"NATS/1.0 503", "", 0},
		{"NATS/1.0", "", 0},
		{"NATS/1.", "", 0},
		{"", "", 0},
		{"\n\n", "", 0},
	} {
		if got := Status([]byte(tc.in)); got != tc.status {
			t.Errorf("Status(%q) = %d, want %d", tc.in, got, tc.status)
		}
		if got := string(Description([]byte(tc.in))); got != tc.description {
			t.Errorf("Description(%q) = %q, want %q", tc.in, got, tc.description)
		}
	}
	for _, tc := range []struct {
		in, key, want string
		absent        bool
	}{
		{block, "Nats-Pending-Messages", "5", false},
		{block, "A", "", false},
		{block, "AB", "c", false},
		{block, "nats-pending-messages", "", true},
		{block, "B", "", true},
		{block, "Behind", "", true},
		{block, "", "", true},
		{block, "NATS/1.0 409 Leadership Change", "", true},
		{"NATS/1.0\nA: b\n\n", "A", "b", false},
		{"NATS/1.0\nA: b", "A", "", true},
		{"NATS/1.0\n\nA: b\n", "A", "", true},
		{"NATS/1.0\r\n: b\r\n\r\n", "", "", true},
		{"A: b\r\n\r\n", "A", "", true},
		{"", "A", "", true},
		{"", "", "", true},
	} {
		got := HeaderValue([]byte(tc.in), tc.key)
		if (got == nil) != tc.absent || string(got) != tc.want {
			t.Errorf("HeaderValue(%q, %q) = %q (nil: %v), want %q (absent: %v)", tc.in, tc.key, got, got == nil, tc.want, tc.absent)
		}
	}
}

// TestParseHeaderMemory: what a block takes up is in proportion to its length, whatever is in there.
func TestParseHeaderMemory(t *testing.T) {
	for name, in := range map[string]string{
		"empty lines": "NATS/1.0\r\n\r\n" + strings.Repeat("\n", 1<<20),
		"one key":     "NATS/1.0\r\n" + strings.Repeat("a:\n", 1<<18) + "\r\n",
		"no key":      "NATS/1.0\r\n" + strings.Repeat(":\n", 1<<19) + "\r\n",
		"folded":      "NATS/1.0\r\na: b\r\n" + strings.Repeat(" c\n", 1<<18) + "\r\n",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ParseHeader([]byte(in)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(32*len(in)); got > most {
			t.Errorf("%s: %d bytes for a block of %d, want at most %d", name, got, len(in), most)
		}
	}
}
