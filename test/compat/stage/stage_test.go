package stage

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	a, b := errors.New("a"), errors.New("b")
	coded := errors.New("coded")
	s := New(t, &Suite{
		Errors: []NamedError{{Name: "p.A", Err: a}, {Name: "p.B", Err: b}},
		Code: func(err error) string {
			if errors.Is(err, coded) {
				return "p 1/2"
			}
			return ""
		},
	})
	for _, tc := range []struct {
		err  error
		want string
	}{
		{nil, "nil"},
		{a, "p.A"},
		{fmt.Errorf("more: %w", a), "is p.A"},
		{errors.Join(b, a), "is p.A, p.B"},
		{errors.New("a"), `"a"`},
		{coded, "p 1/2"},
		{errors.Join(coded, b), "p 1/2, is p.B"},
		{context.Canceled, "context.Canceled"},
		{uncomparable{"x"}, `"x"`},
	} {
		if got := s.Describe(tc.err); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.err, got, tc.want)
		}
	}
}

type uncomparable []string

func (u uncomparable) Error() string { return u[0] }

func TestTapAndPeer(t *testing.T) {
	t.Parallel()
	s := New(t, &Suite{Code: func(error) string { return "" }})
	p := s.Peer()
	p.Stream("S", "s.>")
	p.Consumer("S", "C")
	p.Store("s.a", "1", "2")
	p.Respond("ask", func(f Frame) string { return f.Data + "!" })
	if got := p.Request("ask", "x"); got != "x!" {
		t.Errorf("answer: got %q, want x!", got)
	}

	client := newPeer(s, s.Tap().ln.Addr().String()) // any client will do
	heard := make(chan Frame, 8)
	client.Subscribe("a", func(f Frame) { heard <- f })
	client.Publish("a", "r", "503", "x")
	if f := Take(s, heard, "message"); f.Status() != "503" || f.Data != "x" || f.Reply != "r" {
		t.Errorf("heard %+v", f)
	}
	s.Tap().Await(1, func(f Frame) bool { return f.Op == "SUB" && f.Subject == "a" })
	if got := len(s.Tap().Published("a")); got != 1 {
		t.Errorf("publishes: got %d, want 1", got)
	}
	s.Tap().Drop(func(f Frame) bool { return f.Op == "MSG" })
	client.Publish("a", "", "", "lost")
	client.Flush()
	s.Tap().Inject("2", "a", "$JS.ACK.x", "injected")
	if f := Take(s, heard, "message"); f.Data != "injected" || f.Reply != "$JS.ACK.x" {
		t.Errorf("heard %+v, want the injected one", f)
	}
	if Wait(heard, 50*time.Millisecond) {
		t.Error("heard what was to be dropped")
	}
}
