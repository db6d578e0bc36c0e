package engine

import (
	"fmt"
	"testing"
)

// TestListeners: they are called in the order in which they came, not after their stop, and may come and go while others are called.
func TestListeners(t *testing.T) {
	t.Parallel()
	var l listeners[func()]
	got := ""
	var stops []func()
	for i := range 5 {
		stops = append(stops, l.add(func() {
			got += fmt.Sprint(i)
			if i == 0 {
				stops[4]()
				l.add(func() { got += "x" })
			}
		}))
	}
	stops[2]()
	stops[2]()
	for _, want := range []string{"0134", "013x"} {
		got = ""
		for _, fn := range l.all() {
			fn()
		}
		if got != want {
			t.Errorf("called %q, want %q", got, want)
		}
	}
	if n := len(l.take()); n != 5 {
		t.Errorf("took %d, want 5", n)
	}
	stops[0]()
	if n := len(l.all()) + len(l.take()); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// TestDeletedIsTold: to all who listen, before the call returns.
func TestDeletedIsTold(t *testing.T) {
	t.Parallel()
	var c Conn
	var got []string
	stop := c.OnDeleted(func(request string) { got = append(got, request) })
	c.Deleted("$JS.API.STREAM.DELETE.S")
	stop()
	c.Deleted("$JS.API.STREAM.DELETE.T")
	if len(got) != 1 || got[0] != "$JS.API.STREAM.DELETE.S" {
		t.Errorf("told %q", got)
	}
}
