package proto

import (
	"fmt"
	"strings"
	"testing"
)

func TestHeaderKeys(t *testing.T) {
	t.Parallel()
	of := header{"b": {"1"}, "A": {"2"}}
	for _, tc := range []struct {
		name string
		of   header // whose keys are known
		h    header
		ok   bool
	}{
		{"the same", of, of, true},
		{"other values", of, header{"A": {" x\r\ny ", ""}, "b": {"2"}}, true},
		{"without values", of, header{"A": nil, "b": {}}, true},
		{"another key", of, header{"A": {"2"}, "B": {"1"}}, false},
		{"an invalid key", of, header{"A": {"2"}, "b: c": {"1"}}, false},
		{"fewer", of, header{"A": {"2"}}, false},
		{"more", of, header{"A": {"2"}, "b": {"1"}, "c": nil}, false},
		{"none", of, nil, false},
		{"none of none", nil, header{}, false},
		{"eight", numbered(8, ""), numbered(8, ""), true},
		{"nine", numbered(9, ""), numbered(9, ""), false},
		{"nine known, none", numbered(9, ""), nil, false},
		{"long", numbered(8, strings.Repeat("x", 80)), numbered(8, strings.Repeat("x", 80)), false},
	} {
		got, ok := NewHeaderKeys(tc.of).Append([]byte("before"), tc.h)
		want := "before"
		if tc.ok {
			block, err := AppendHeader([]byte(want), tc.h)
			if err != nil {
				t.Fatal(err)
			}
			want = string(block)
		}
		if ok != tc.ok || string(got) != want {
			t.Errorf("%s: got %q, %v; want %q, %v", tc.name, got, ok, want, tc.ok)
		}
	}
}

// numbered is a header of so many keys.
func numbered(count int, end string) header {
	h := header{}
	for i := range count {
		h[fmt.Sprint("Key-", i*5%count, end)] = []string{"v"}
	}
	return h
}
