package run

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

func fetch(t *testing.T, p *Puller[string], s FetchSpec) *Batch[string] {
	t.Helper()
	b, err := p.Fetch(s)
	if err != nil {
		t.Fatalf("Fetch: %v", err)
	}
	return b
}

func expect(t *testing.T, b *Batch[string], wantMsgs string, wantCode wire.Code) {
	t.Helper()
	ms, code := read(b)
	if ms != wantMsgs || code != wantCode {
		t.Errorf("got %q and %v, want %q and %v", ms, code, wantMsgs, wantCode)
	}
	select {
	case <-b.Done():
	default:
		t.Error("Done is open after the end")
	}
}

func TestFetchComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, log := newTestPuller(l)
		b := fetch(t, p, spec(3, 30*time.Second, 5*time.Second))
		a := l.last(t)
		if want := `{"expires":30000000000,"batch":3,"idle_heartbeat":5000000000}`; a.JSON != want || a.Subject != "$JS.API.CONSUMER.MSG.NEXT.S.C" {
			t.Errorf("asked %s %s, want %s", a.Subject, a.JSON, want)
		}
		if code, _ := b.Result(); code != wire.OK {
			t.Errorf("result of a running batch: %v", code)
		}
		select {
		case <-b.Done():
			t.Error("Done is closed while the batch runs")
		default:
		}
		if n := l.owed.Load(); n != 1 {
			t.Errorf("the link owes %d answers while a batch runs, want 1", n)
		}
		l.sendNow(a.Inbox, "msg 1", "msg 2")
		l.sendNow(a.Inbox, "msg 3", "msg 4")
		expect(t, b, "1 2 3", wire.OK)
		if n := l.owed.Load(); n != 0 {
			t.Errorf("the link owes %d answers after the end, want 0", n)
		}
		if log.all() != "4" {
			t.Errorf("surplus %q, want 4", log.all())
		}
		// The server has nothing left to send: the subscription serves the next batch.
		b = fetch(t, p, spec(2, time.Second, 0))
		if next := l.last(t); next.Inbox != a.Inbox {
			t.Errorf("a new inbox %s after a complete batch", next.Inbox)
		}
		l.sendNow(a.Inbox, "msg 5", "408 Request Timeout")
		expect(t, b, "5", wire.RequestTimeout)
		if subs, _, _, _ := l.counts(); subs != 1 {
			t.Errorf("%d subscriptions, want 1", subs)
		}
		l.closeNow()
	})
}

// TestFetchEnds: how a batch ends, when, and whether its subscription is used again.
func TestFetchEnds(t *testing.T) {
	fetch10 := spec(10, 15*time.Second, 5*time.Second)
	noBeat := spec(10, 9*time.Second, 0)
	noWait := spec(10, 0, 0)
	noWait.Request.NoWait = true
	for name, tc := range map[string]struct {
		spec   FetchSpec
		after  time.Duration // when do is called
		do     func(l *fakeLink, inbox string)
		code   wire.Code
		words  string
		at     time.Duration
		doubts int
		reused bool
	}{
		"idle":             {fetch10, 15 * time.Second, nil, wire.NoHeartbeat, "", 10 * time.Second, 1, false},
		"no answer":        {noBeat, 20 * time.Second, nil, wire.NoAnswer, "", 10 * time.Second, 1, false},
		"no wait":          {noWait, 20 * time.Second, nil, wire.NoAnswer, "", time.Second, 1, false},
		"404":              {noWait, 0, says("404 No Messages"), wire.NoMessages, "No Messages", 0, 0, true},
		"503":              {fetch10, 0, says("503"), wire.NoResponders, "", 0, 0, true},
		"consumer deleted": {fetch10, time.Second, says("409 Consumer Deleted"), wire.ConsumerDeleted, "Consumer Deleted", time.Second, 0, true},
		"server shutdown":  {fetch10, 0, says("409 Server Shutdown"), wire.ServerShutdown, "Server Shutdown", 0, 0, false},
		"limit":            {fetch10, 0, says("409 Exceeded MaxWaiting"), wire.LimitExceeded, "Exceeded MaxWaiting", 0, 0, true},
		"unknown":          {fetch10, 0, says("412 Required Api Level"), wire.OtherStatus, "Required Api Level", 0, 0, false},
		"closed":           {fetch10, time.Second, func(l *fakeLink, _ string) { l.closeNow() }, wire.ConnectionClosed, "", time.Second, 0, false},
		"disconnected":     {failFast(), time.Second, func(l *fakeLink, _ string) { l.statusNow(session.Reconnecting) }, wire.Disconnected, "", time.Second, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newFakeLink()
				p, _ := newTestPuller(l)
				start := time.Now()
				b := fetch(t, p, tc.spec)
				inbox := l.last(t).Inbox
				if tc.do != nil {
					time.Sleep(tc.after)
					tc.do(l, inbox)
				}
				ms, code := read(b)
				if _, words := b.Result(); ms != "" || code != tc.code || words != tc.words {
					t.Errorf("got %q, %v, %q, want %v, %q", ms, code, words, tc.code, tc.words)
				}
				if at := time.Since(start); at != tc.at {
					t.Errorf("ended at %v, want %v", at, tc.at)
				}
				synctest.Wait()
				subs, _, _, doubts := l.counts()
				if (subs == 1) != tc.reused || doubts != tc.doubts {
					t.Errorf("%d subscriptions kept, %d doubts, want %v, %d", subs, doubts, tc.reused, tc.doubts)
				}
				l.closeNow()
			})
		})
	}
}

func says(line string) func(*fakeLink, string) {
	return func(l *fakeLink, inbox string) { l.sendNow(inbox, line) }
}

func failFast() FetchSpec {
	s := spec(10, 5*time.Second, 0)
	s.FailOnDisconnect = true
	return s
}

func TestHeartbeatsKeepABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		b := fetch(t, p, spec(10, 15*time.Second, 5*time.Second))
		inbox := l.last(t).Inbox
		for range 2 {
			time.Sleep(5 * time.Second)
			l.sendNow(inbox, "100 Idle Heartbeat")
		}
		time.Sleep(5 * time.Second)
		l.sendNow(inbox, "408 Request Timeout\r\nNats-Pending-Messages: 10\r\nNats-Pending-Bytes: 0")
		expect(t, b, "", wire.RequestTimeout)
		if _, _, asked, doubts := l.counts(); asked != 1 || doubts != 0 {
			t.Errorf("%d requests, %d doubts, want 1, 0", asked, doubts)
		}
		l.closeNow()
	})
}

// TestStop: the subscription of a stopped batch is thrown away, and what still comes is surplus.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, log := newTestPuller(l)
		b := fetch(t, p, spec(10, 30*time.Second, 5*time.Second))
		inbox := l.last(t).Inbox
		sub := l.find(inbox)
		l.sendNow(inbox, "msg 1")
		b.Stop()
		l.runNow(sub, "msg 2") // the reader had it in hand
		expect(t, b, "1", wire.Canceled)
		if log.all() != "2" {
			t.Errorf("surplus %q, want 2", log.all())
		}
		if subs, _, _, _ := l.counts(); subs != 0 {
			t.Errorf("%d subscriptions after Stop, want 0", subs)
		}
		b.Stop() // again does nothing
		l.closeNow()
	})
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := spec(10, 900*time.Millisecond, 0)
		s.Context = ctx
		start := time.Now()
		expect(t, fetch(t, p, s), "", wire.Canceled)
		if _, _, code, _, err := p.Next(s); code != wire.Canceled || err != nil {
			t.Errorf("Next with a context that is over: %v, %v", code, err)
		}
		if at := time.Since(start); at != time.Second {
			t.Errorf("ended at %v, want 1s", at)
		}
		s.Context = context.Background()
		l.answer = func(a *fakeAsk) { go l.sendNow(a.Inbox, "msg 1", "404 No Messages") }
		expect(t, fetch(t, p, s), "1", wire.NoMessages)
		l.closeNow()
	})
}

func TestManyBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		var all []*Batch[string]
		for range 20 {
			all = append(all, fetch(t, p, spec(1, time.Minute, 0)))
		}
		for _, a := range l.asked {
			l.sendNow(a.Inbox, "msg "+a.Inbox)
		}
		for i, b := range all {
			expect(t, b, l.asked[i].Inbox, wire.OK)
		}
		if subs, _, _, _ := l.counts(); subs != slotsKept {
			t.Errorf("%d subscriptions kept, want %d", subs, slotsKept)
		}
		l.closeNow()
	})
}

func TestNextAndCollect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		l.answer = func(a *fakeAsk) { go l.sendNow(a.Inbox, "msg 1") }
		for range 3 {
			m, ok, code, _, err := p.Next(spec(99, time.Second, 0))
			if m != "1" || !ok || code != wire.OK || err != nil {
				t.Errorf("Next: %q, %v, %v, %v", m, ok, code, err)
			}
		}
		l.answer = func(a *fakeAsk) { go l.sendNow(a.Inbox, "408 Request Timeout") }
		if m, ok, code, _, _ := p.Next(spec(1, time.Second, 0)); m != "" || ok || code != wire.RequestTimeout {
			t.Errorf("Next: %q, %v, %v", m, ok, code)
		}
		l.answer = func(a *fakeAsk) {
			go func() {
				l.sendNow(a.Inbox, "msg 1", "msg 2")
				l.sendNow(a.Inbox, "msg 3", "404 No Messages")
			}()
		}
		ms, code, words, err := p.Collect(spec(10, time.Second, 0))
		if strings.Join(ms, " ") != "1 2 3" || code != wire.NoMessages || words != "No Messages" || err != nil {
			t.Errorf("Collect: %q, %v, %q, %v", ms, code, words, err)
		}
		l.answer = func(a *fakeAsk) { go l.sendNow(a.Inbox, "msg 4") }
		if m, _, _, _, _ := p.Next(spec(1, time.Second, 0)); m != "4" || ms[0] != "1" {
			t.Errorf("Next after Collect: %q, and the collected are %q", m, ms)
		}
		l.closeNow()
	})
}

// TestOldFetch: no wait first, then a waiting request, then until the caller's time is over.
func TestOldFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		l.answer = func(a *fakeAsk) {
			r := a.request()
			time.AfterFunc(r.Expires, func() { l.sendNow(a.Inbox, "408 Request Timeout") })
		}
		s := spec(10, 0, 0)
		s.NoWaitFirst, s.Linger, s.FailOnDisconnect = true, true, true
		s.Deadline = mono.Now().Add(time.Second)
		start := time.Now()
		ms, code, _, err := p.Collect(s)
		if len(ms) != 0 || code != wire.Timeout || err != nil || time.Since(start) != time.Second {
			t.Errorf("got %q, %v, %v after %v, want Timeout after 1s", ms, code, err, time.Since(start))
		}
		if len(l.asked) != 2 || !l.asked[0].request().NoWait || l.asked[1].request().NoWait || l.asked[1].request().Expires != 90*time.Millisecond {
			t.Errorf("asked %v", l.asked)
		}
		l.closeNow()
	})
}

func TestPinID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		s := spec(1, time.Minute, 0)
		s.Request.Group = "g"
		for i, want := range []string{"", "pin1", "pin1", ""} {
			b := fetch(t, p, s)
			a := l.last(t)
			if got := a.request().ID; got != want {
				t.Errorf("request %d has pin id %q, want %q", i, got, want)
			}
			sub := l.find(a.Inbox)
			if i == 2 {
				l.sendNow(a.Inbox, "423 Nats-Wrong-Pin-Id")
				expect(t, b, "", wire.PinIDMismatch)
				continue
			}
			f := proto.Frame{Subject: []byte("s.x"), Reply: []byte("r"), Header: []byte("NATS/1.0\r\nNats-Pin-Id: pin1\r\n\r\n"), Data: []byte("x")}
			sub.sink.Deliver(&f)
			sub.sink.Settle()
			expect(t, b, "x", wire.OK)
		}
		l.closeNow()
	})
}

// TestStoredStatus: a stored message whose header block looks like a status is a message.
func TestStoredStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		b := fetch(t, p, spec(1, time.Minute, 0))
		sub := l.find(l.last(t).Inbox)
		sub.sink.Deliver(&proto.Frame{Subject: []byte("s.x"), Header: []byte("NATS/1.0 409 Consumer Deleted\r\n\r\n")})
		sub.sink.Settle()
		expect(t, b, "", wire.OK)
		l.closeNow()
	})
}
