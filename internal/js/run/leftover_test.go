package run

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

const (
	granted     = `{"success":true}`
	noLeader    = `{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`
	notThere    = `{"error":{"code":404,"err_code":10014,"description":"consumer not found"}}`
	notThisWay  = `{"error":{"code":400,"err_code":10003,"description":"bad request"}}`
	noResponder = "NATS/1.0 503\r\n\r\n"
)

// answers has the requests to delete answered: a JSON text, a status block, "" by nobody, or an error; the last one again and again.
func (l *fakeLink) answers(all ...any) {
	n := 0
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answerAsk = func(_ string, w engine.Waiter) {
		answer := all[min(n, len(all)-1)]
		n++
		switch a := answer.(type) {
		case error:
			w.Fail(a)
		case string:
			switch {
			case a == "":
				go func() {
					time.Sleep(removalAnswer)
					w.Fail(natserr.Timeout)
				}()
			case strings.HasPrefix(a, "NATS/1.0"):
				w.Reply(&proto.Frame{Header: []byte(a)})
			default:
				w.Reply(&proto.Frame{Data: []byte(a)})
			}
		}
	}
}

// TestRemoval: a deletion is asked for until a server says that the consumer is gone, or must have deleted it by itself.
func TestRemoval(t *testing.T) {
	lost := &engine.LostAsk{MayHaveRun: true, Err: natserr.Disconnected}
	denied := &engine.LostAsk{Err: natserr.PermissionViolation}
	for name, tt := range map[string]struct {
		answers []any
		unsure  bool
		once    bool
		asked   int
		left    string
		lasts   time.Duration
	}{
		"granted":              {answers: []any{granted}, asked: 1},
		"there is none":        {answers: []any{notThere}, asked: 1},
		"no leader":            {answers: []any{noLeader, noLeader, granted}, asked: 3, lasts: 750 * time.Millisecond},
		"nobody listens":       {answers: []any{noResponder, granted}, asked: 2, lasts: 250 * time.Millisecond},
		"nobody answers":       {answers: []any{"", granted}, asked: 2, lasts: 2250 * time.Millisecond},
		"link lost":            {answers: []any{lost, granted}, asked: 2, lasts: 250 * time.Millisecond},
		"outbox full":          {answers: []any{natserr.ReconnectBufExceeded, granted}, asked: 2, lasts: 250 * time.Millisecond},
		"junk":                 {answers: []any{"{", granted}, asked: 2, lasts: 250 * time.Millisecond},
		"not permitted":        {answers: []any{denied}, asked: 1, left: "violation"},
		"refused":              {answers: []any{notThisWay}, asked: 1, left: "bad request"},
		"on its way":           {answers: []any{notThere, granted}, unsure: true, asked: 2, lasts: 2 * time.Second},
		"never came":           {answers: []any{notThere, notThere}, unsure: true, asked: 2, lasts: 2 * time.Second},
		"once, granted":        {answers: []any{granted}, once: true, asked: 1},
		"once, no leader":      {answers: []any{noLeader}, once: true, asked: 1, left: "10008"},
		"once, never came":     {answers: []any{notThere}, unsure: true, once: true, asked: 1},
		"connection closes":    {answers: []any{noLeader, natserr.ConnectionClosed}, asked: 2, lasts: 250 * time.Millisecond},
		"connection is closed": {answers: []any{natserr.ConnectionClosed}, asked: 1},
		"never a leader":       {answers: []any{noLeader}, asked: 7, left: "10008", lasts: 10 * time.Second},
		"never anybody":        {answers: []any{noResponder}, asked: 7, left: "no responders", lasts: 10 * time.Second},
		"never an answer":      {answers: []any{""}, asked: 5, left: "timeout", lasts: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, asked := newFakeLink(), 0
				l.answers(tt.answers...)
				answer := l.answerAsk
				began, last := time.Now(), time.Now()
				l.answerAsk = func(subject string, w engine.Waiter) {
					asked++
					last = time.Now()
					answer(subject, w)
				}
				Remove(l, Leftover{Request: deletes + "c", Unsure: tt.unsure, Once: tt.once})
				time.Sleep(time.Hour)
				synctest.Wait()
				if asked != tt.asked {
					t.Errorf("asked %d times, want %d", asked, tt.asked)
				}
				if lasts := last.Sub(began); lasts != tt.lasts {
					t.Errorf("the last request was sent after %v, want %v", lasts, tt.lasts)
				}
				want := 0
				if tt.left != "" {
					want = 1
				}
				if got := l.left; len(got) != want || want > 0 && !strings.Contains(got[0], tt.left) {
					t.Errorf("told %q, want %q", got, tt.left)
				}
				if n := len(l.watchers); n > 0 {
					t.Errorf("%d watchers are left", n)
				}
			})
		})
	}
}

// TestRemovalPatience: a consumer that the server keeps for long is worth more requests, of which none comes long after a leader.
func TestRemovalPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		l.answers(noLeader)
		Remove(l, Leftover{Request: deletes + "c", Inactive: 5 * time.Minute})
		time.Sleep(4 * time.Minute)
		if n := len(strings.Fields(l.published(deletes))); n < 20 || n > 40 {
			t.Errorf("%d requests in 4 min", n)
		}
		l.answers(granted)
		time.Sleep(removalMaxPause)
		synctest.Wait()
		if n := len(l.watchers); n > 0 {
			t.Errorf("not over %v after there is a leader", removalMaxPause)
		}
		if len(l.left) > 0 {
			t.Errorf("told %q", l.left)
		}
	})
}

// TestRemovalWithoutLink: nothing is sent before there is one, and then at once.
func TestRemovalWithoutLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		l.statusNow(session.Reconnecting)
		Remove(l, Leftover{Request: deletes + "c"})
		time.Sleep(5 * time.Second)
		if got := l.published(deletes); got != "" {
			t.Errorf("sent %q without a link", got)
		}
		l.answers(noLeader, granted)
		l.statusNow(session.Connected)
		time.Sleep(time.Millisecond)
		if got := l.published(deletes); got != "c" {
			t.Errorf("sent %q, want c", got)
		}
		l.statusNow(session.Reconnecting)
		l.statusNow(session.Connected) // of which a leader may be the cause
		time.Sleep(time.Millisecond)
		if got := l.published(deletes); got != "c c" {
			t.Errorf("sent %q, want c c", got)
		}
		if n := len(l.watchers); n > 0 {
			t.Errorf("%d watchers are left", n)
		}
	})
}

// TestRemovalEndsWithConnection: a timer that is left would be seen by who looks for what remains after Close.
func TestRemovalEndsWithConnection(t *testing.T) {
	for _, status := range []session.Status{session.Connected, session.Reconnecting} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newFakeLink()
				l.answers(noLeader)
				l.statusNow(status)
				Remove(l, Leftover{Request: deletes + "c"})
				sent := l.published(deletes)
				l.closeNow()
				time.Sleep(time.Hour)
				if got := l.published(deletes); got != sent {
					t.Errorf("sent %q after the end", got)
				}
				if n := len(l.watchers); n > 0 || len(l.left) > 0 {
					t.Errorf("%d watchers are left, told %q", n, l.left)
				}
			})
		})
	}
}

// TestRemovalIsTraced: each request is.
func TestRemovalIsTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		l.answers(noLeader, granted)
		var sent []string
		Remove(l, Leftover{Request: deletes + "c", Sent: func(subject string, _ []byte) { sent = append(sent, subject) }})
		time.Sleep(time.Second)
		synctest.Wait()
		if len(sent) != 2 || sent[0] != deletes+"c" {
			t.Errorf("traced %q", sent)
		}
	})
}
