package run

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/session"
)

// TestShortCut: after a reconnect the batch asks for the rest on a new inbox, within its expiry.
func TestShortCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		b := fetch(t, p, spec(10, 20*time.Second, 5*time.Second))
		first := l.last(t)
		l.sendNow(first.Inbox, "msg 1", "msg 2")
		time.Sleep(time.Second)
		l.statusNow(session.Reconnecting)
		time.Sleep(200 * time.Millisecond)
		l.statusNow(session.Connected)
		synctest.Wait()
		second := l.last(t)
		if second.Inbox == first.Inbox || second.JSON != `{"expires":18800000000,"batch":8,"idle_heartbeat":5000000000}` {
			t.Errorf("asked %s on %s after %s", second.JSON, second.Inbox, first.Inbox)
		}
		if l.find(first.Inbox) != nil {
			t.Error("the old inbox is still subscribed")
		}
		l.sendNow(second.Inbox, "msg 3", "408 Request Timeout")
		expect(t, b, "1 2 3", wire.RequestTimeout)
		l.closeNow()
	})
}

// TestFetchUnsent: a link that takes no request, and says nothing, is tried again.
func TestFetchUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		expect(t, fetchOne(t, l, p), "1", wire.OK) // follows the connection from here on
		l.setStatus(session.Reconnecting)
		b := fetch(t, p, spec(10, 20*time.Second, 0))
		time.Sleep(3 * retryUnsent)
		synctest.Wait()
		if _, _, asked, _ := l.counts(); asked != 1 {
			t.Errorf("%d requests went out, want 1", asked)
		}
		l.setStatus(session.Connected)
		time.Sleep(retryUnsent)
		synctest.Wait()
		if _, _, asked, _ := l.counts(); asked != 2 {
			t.Fatalf("%d requests, want 2", asked)
		}
		l.sendNow(l.last(t).Inbox, "msg 2", "408 Request Timeout")
		expect(t, b, "2", wire.RequestTimeout)
		l.closeNow()
	})
}

// fetchOne is a batch of one message that has come.
func fetchOne(t *testing.T, l *fakeLink, p *Puller[string]) *Batch[string] {
	t.Helper()
	b := fetch(t, p, spec(1, 20*time.Second, 0))
	l.sendNow(l.last(t).Inbox, "msg 1")
	return b
}

// TestFlapping: the timer learns of several changes at once; a request that was decided before them is not sent.
func TestFlapping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		b := fetch(t, p, spec(1, 20*time.Second, 0))
		for range 3 {
			l.statusNow(session.Reconnecting)
			l.statusNow(session.Connected)
		}
		synctest.Wait()
		if subs, _, asked, _ := l.counts(); asked != 2 || subs != 1 {
			t.Errorf("%d requests on %d subscriptions, want 2 on 1", asked, subs)
		}
		l.sendNow(l.last(t).Inbox, "msg 1")
		expect(t, b, "1", wire.OK)
		l.closeNow()
	})
}

func TestFetchWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		l.statusNow(session.Reconnecting)
		p, _ := newTestPuller(l)
		b := fetch(t, p, spec(1, 20*time.Second, 0))
		dead := fetch(t, p, spec(1, 15*time.Second, 5*time.Second))
		start := time.Now()
		expect(t, dead, "", wire.NoHeartbeat)
		if at := time.Since(start); at != 10*time.Second {
			t.Errorf("ended at %v, want 10s", at)
		}
		expect(t, fetch(t, p, failFast()), "", wire.Disconnected)
		l.statusNow(session.Connected)
		synctest.Wait()
		a := l.last(t)
		if r := a.request(); r.Expires != 10*time.Second {
			t.Errorf("asked %s after 10 of 20 s", a.JSON)
		}
		l.sendNow(a.Inbox, "msg 1")
		expect(t, b, "1", wire.OK)
		l.closeNow()
	})
}

// TestUnsent: the link is lost before anybody was told.
func TestUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		expectNothing := fetch(t, p, spec(1, time.Second, 0)) // registers the watch
		tell := l.setStatus(session.Reconnecting)
		b := fetch(t, p, spec(1, 20*time.Second, 0))
		if _, _, asked, _ := l.counts(); asked != 1 {
			t.Errorf("%d requests went out, want 1", asked)
		}
		for _, fn := range tell {
			fn(session.Reconnecting, nil)
		}
		l.statusNow(session.Connected)
		synctest.Wait()
		for _, a := range l.asked[1:] {
			l.sendNow(a.Inbox, "msg 1")
		}
		expect(t, b, "1", wire.OK)
		expect(t, expectNothing, "1", wire.OK)
		l.closeNow()
	})
}

// TestLeaderless: a loop of fetches that nobody answers waits inside, and the first error comes at once.
func TestLeaderless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		l.answer = func(a *fakeAsk) { go l.sendNow(a.Inbox, "503") }
		p, _ := newTestPuller(l)
		start, told := time.Now(), 0
		var times []time.Duration
		for time.Since(start) < 5*time.Second {
			expect(t, fetch(t, p, spec(10, 30*time.Second, 5*time.Second)), "", wire.NoResponders)
			times = append(times, time.Since(start))
			told++
		}
		if told > 50 || times[0] != 0 || times[1] != 10*time.Millisecond || times[2] != 30*time.Millisecond {
			t.Errorf("%d errors, the first at %v, want at most 50, at 0, 10ms, 30ms", told, times[:3])
		}
		// The leader is back: the next one waits for the rest of the pause and then works.
		l.answer = func(a *fakeAsk) { go l.sendNow(a.Inbox, "404 No Messages") }
		again := time.Now()
		expect(t, fetch(t, p, spec(10, 30*time.Second, 5*time.Second)), "", wire.NoMessages)
		if waited := time.Since(again); waited > 250*time.Millisecond {
			t.Errorf("waited %v for a consumer that is back", waited)
		}
		again = time.Now()
		l.answer = func(a *fakeAsk) { go l.sendNow(a.Inbox, "503") }
		expect(t, fetch(t, p, spec(10, 30*time.Second, 5*time.Second)), "", wire.NoResponders)
		if waited := time.Since(again); waited != 0 {
			t.Errorf("the first error after an answer took %v", waited)
		}
		l.closeNow()
	})
}

func TestClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		var all []*Batch[string]
		for range 5 {
			all = append(all, fetch(t, p, spec(10, 30*time.Second, 5*time.Second)))
		}
		next := make(chan wire.Code)
		go func() {
			_, _, code, _, _ := p.Next(spec(1, 30*time.Second, 5*time.Second))
			next <- code
		}()
		synctest.Wait()
		l.sendNow("_INBOX.1", "msg 1")
		l.closeNow()
		for i, b := range all {
			expect(t, b, []string{"1", "", "", "", ""}[i], wire.ConnectionClosed)
		}
		if code := <-next; code != wire.ConnectionClosed {
			t.Errorf("Next ended with %v", code)
		}
		if _, err := p.Fetch(spec(1, time.Second, 0)); !errors.Is(err, errClosed) {
			t.Errorf("Fetch after the close: %v", err)
		}
		if _, _, _, _, err := p.Next(spec(1, time.Second, 0)); !errors.Is(err, errClosed) {
			t.Errorf("Next after the close: %v", err)
		}
		if _, watchers, _, _ := l.counts(); watchers != 0 {
			t.Errorf("%d watchers are left", watchers)
		}
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		l.answer = func(a *fakeAsk) { go l.sendNow(a.Inbox, "404 No Messages") }
		expect(t, fetch(t, p, spec(1, time.Second, 0)), "", wire.NoMessages)
		draining := errors.New("draining")
		l.refuse = draining
		l.statusNow(session.DrainingSubs)
		if _, err := p.Fetch(spec(1, time.Second, 0)); !errors.Is(err, draining) {
			t.Errorf("Fetch while draining: %v", err)
		}
		synctest.Wait()
		if subs, _, _, _ := l.counts(); subs != 0 {
			t.Errorf("%d subscriptions are kept while draining", subs)
		}
		l.closeNow()
	})
}

// TestIdle: a consumer that is not used any more holds nothing.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		l.answer = func(a *fakeAsk) { go l.sendNow(a.Inbox, "404 No Messages") }
		for range 3 {
			expect(t, fetch(t, p, spec(1, time.Minute, 0)), "", wire.NoMessages)
			time.Sleep(slotIdle - time.Millisecond)
			if subs, watchers, _, _ := l.counts(); subs != 1 || watchers != 1 {
				t.Errorf("%d subscriptions, %d watchers just before, want 1, 1", subs, watchers)
			}
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if subs, watchers, _, _ := l.counts(); subs != 0 || watchers != 0 {
			t.Errorf("%d subscriptions, %d watchers afterwards, want 0, 0", subs, watchers)
		}
		// And it works again, also when the connection changed meanwhile.
		l.statusNow(session.Reconnecting)
		b := fetch(t, p, spec(1, time.Minute, 0))
		l.statusNow(session.Connected)
		expect(t, b, "", wire.NoMessages)
		l.closeNow()
	})
}
