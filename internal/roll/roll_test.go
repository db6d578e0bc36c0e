package roll

import "testing"

func TestRoll(t *testing.T) {
	t.Parallel()
	r := Of(make([]byte, 8))
	text, empty, data := r.Text([]byte("abc")), r.Bytes(nil), r.Bytes([]byte("defgh"))
	if text != "abc" || empty == nil || len(empty) != 0 || string(data) != "defgh" || r.Left() != 0 {
		t.Errorf("got %q, %v, %q and %d left, want abc, an empty slice, defgh and 0", text, empty, data, r.Left())
	}
	if r = Of(make([]byte, 8)); r.Left() != 8 {
		t.Errorf("%d left of a new one, want 8", r.Left())
	}
	first, second := r.Bytes([]byte("ab")), r.Bytes([]byte("cd"))
	if _ = append(first, 'x'); string(second) != "cd" {
		t.Errorf("what is appended to a neighbour changed cd to %q", second)
	}
	var none Roll
	if none.Left() != 0 || none.Text(nil) != "" || len(none.Bytes(nil)) != 0 {
		t.Error("the zero value has something")
	}
}
