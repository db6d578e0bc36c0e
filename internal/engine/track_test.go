package engine

import (
	"errors"
	"testing"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// told is a waiter that keeps its end.
type told struct {
	track Tracked
	ends  []error
}

func (w *told) Reply(*proto.Frame) { w.ends = append(w.ends, nil) }
func (w *told) Fail(err error)     { w.ends = append(w.ends, err) }

// newTracked is a mux in front of no connection, with one tracked Ask.
func newTracked(t *testing.T, inbox string) (*mux, *told, Token) {
	t.Helper()
	m := &mux{due: mono.Never, prefix: "_INBOX.x.", sub: &Sub{subject: "_INBOX.x.*"}}
	w := &told{}
	return m, w, trackOne(t, m, w, "work", inbox)
}

func trackOne(t *testing.T, m *mux, w *told, subject, inbox string) Token {
	t.Helper()
	tok, err := m.take(w, mono.Never, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.track(tok, &w.track, subject, inbox); err != nil {
		t.Fatal(err)
	}
	return tok
}

func replyOf(m *mux, tok Token, inbox string) []byte {
	if inbox != "" {
		return []byte(inbox)
	}
	return appendToken([]byte(m.prefix), tok)
}

func (m *mux) violated(text string) {
	for _, l := range m.dropDenied(errors.Join(natserr.PermissionViolation, errors.New(text))) {
		l.w.Fail(l.err)
	}
}

// The loss of the link and the way into the outbox may come in any order.
func TestTrackedEnds(t *testing.T) {
	t.Parallel()
	type ends struct{ told, mayHaveRun bool }
	for name, tc := range map[string]struct {
		events func(m *mux, tok Token, reply []byte)
		want   ends
	}{
		"nothing":                  {func(m *mux, tok Token, _ []byte) { m.placed(tok, 0) }, ends{}},
		"written, then lost":       {func(m *mux, tok Token, _ []byte) { m.placed(tok, 0); m.failTracked(1) }, ends{true, true}},
		"not written, then lost":   {func(m *mux, tok Token, r []byte) { m.placed(tok, 0); m.Withdraw(r); m.failTracked(1) }, ends{true, false}},
		"behind the loss":          {func(m *mux, tok Token, _ []byte) { m.placed(tok, 1); m.failTracked(1) }, ends{}},
		"behind it, noted later":   {func(m *mux, tok Token, _ []byte) { m.failTracked(1); m.placed(tok, 1) }, ends{}},
		"written, noted later":     {func(m *mux, tok Token, _ []byte) { m.failTracked(1); m.placed(tok, 0) }, ends{true, true}},
		"not written, noted later": {func(m *mux, tok Token, r []byte) { m.Withdraw(r); m.failTracked(1); m.placed(tok, 0) }, ends{true, false}},
		"kept, lost again":         {func(m *mux, tok Token, r []byte) { m.placed(tok, 1); m.failTracked(1); m.Withdraw(r); m.failTracked(2) }, ends{true, false}},
		"answered before":          {func(m *mux, tok Token, r []byte) { m.placed(tok, 0); m.release(tok); m.Withdraw(r); m.failTracked(1) }, ends{}},
		"denied":                   {func(m *mux, tok Token, _ []byte) { m.placed(tok, 0); m.violated(`Publish to "work"`) }, ends{true, false}},
		"another denied":           {func(m *mux, tok Token, _ []byte) { m.placed(tok, 0); m.violated(`Publish to "works"`) }, ends{}},
		"words without a subject":  {func(m *mux, tok Token, _ []byte) { m.placed(tok, 0); m.violated(`Publish to work`) }, ends{}},
		"reply denied": {func(m *mux, tok Token, r []byte) {
			m.placed(tok, 0)
			m.violated(`Publish with Reply of "` + string(r) + `"`)
		}, ends{true, false}},
		"FailPending": {func(m *mux, tok Token, _ []byte) { m.placed(tok, 1); m.fail(natserr.Disconnected, true, false) }, ends{}},
	} {
		for _, inbox := range []string{"", "_INBOX.own"} {
			t.Run(name+inbox, func(t *testing.T) {
				t.Parallel()
				m, w, tok := newTracked(t, inbox)
				tc.events(m, tok, replyOf(m, tok, inbox))
				got := ends{}
				for _, err := range w.ends {
					var lost *LostAsk
					if !errors.As(err, &lost) {
						t.Fatalf("got %v, want a *LostAsk", err)
					}
					got = ends{true, lost.MayHaveRun}
				}
				if got != tc.want || len(w.ends) > 1 {
					t.Errorf("got %+v (%v), want %+v", got, w.ends, tc.want)
				}
				m.release(tok)
				if m.live != 0 || len(m.inboxes) != 0 {
					t.Errorf("%d slots, %d inboxes are left", m.live, len(m.inboxes))
				}
			})
		}
	}
}

// Of several on one subject nobody knows which ones were denied.
func TestSeveralDenied(t *testing.T) {
	t.Parallel()
	m, a, one := newTracked(t, "")
	b := &told{}
	m.placed(one, 0)
	m.placed(trackOne(t, m, b, "work", "_INBOX.own"), 0)
	m.violated(`Publish to "work"`)
	for _, w := range []*told{a, b} {
		var lost *LostAsk
		if len(w.ends) != 1 || !errors.As(w.ends[0], &lost) || !lost.MayHaveRun {
			t.Errorf("got %v, want one *LostAsk that may have run", w.ends)
		}
	}
}

// A denied subscription for replies is remembered for as long as the link lasts.
func TestDeniedReplies(t *testing.T) {
	t.Parallel()
	m, w, tok := newTracked(t, "")
	m.placed(tok, 0)
	m.violated(`Subscription to "_INBOX.x.*"`)
	var lost *LostAsk
	if len(w.ends) != 1 || !errors.As(w.ends[0], &lost) || !lost.MayHaveRun {
		t.Fatalf("got %v, want one *LostAsk that may have run", w.ends)
	}
	next, err := m.take(w, mono.Never, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.track(next, &w.track, "work", ""); !errors.As(err, &lost) || lost.MayHaveRun {
		t.Errorf("the next one: got %v, want a *LostAsk that has not run", err)
	}
	m.failTracked(1)
	if err := m.track(next, &w.track, "work", ""); err != nil {
		t.Errorf("on the next link: %v", err)
	}
}
