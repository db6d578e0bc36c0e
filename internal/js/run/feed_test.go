package run

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// feedUser is what a test knows of a feed: what was handled and told.
type feedUser struct {
	l *fakeLink
	p *Puller[string]
	f *Feed[string]

	mu      sync.Mutex
	handled []string
	told    []string
}

// beats is the configuration of most tests: batches of 10, an expiry of 4 s, a heartbeat of 1 s.
var beats = pull.FlowConfig{Request: wire.PullRequest{Batch: 10, Expires: 4 * time.Second, Heartbeat: time.Second}}

// newFeedUser starts a feed whose handler notes, and then does what handle says. With next there is no handler.
func newFeedUser(t *testing.T, flow pull.FlowConfig, next bool, change func(u *feedUser, cfg *FeedConfig[string])) *feedUser {
	t.Helper()
	u := &feedUser{l: newFakeLink()}
	u.p, _ = newTestPuller(u.l)
	cfg := FeedConfig[string]{FlowConfig: flow, Tell: u.tell}
	if !next {
		cfg.Handle = u.handle
	}
	if change != nil {
		change(u, &cfg)
	}
	u.f = NewFeed(u.p, cfg)
	if err := u.f.Start(); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return u
}

func (u *feedUser) handle(m string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.handled = append(u.handled, m)
}

func (u *feedUser) tell(code wire.Code, words string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.told = append(u.told, strings.TrimSpace(code.String()+" "+words))
}

// want waits until nothing moves, and compares what was handled and told.
func (u *feedUser) want(t *testing.T, handled, told string) {
	t.Helper()
	synctest.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	if got := strings.Join(u.handled, " "); got != handled {
		t.Errorf("handled %q, want %q", got, handled)
	}
	if got := strings.Join(u.told, ", "); got != told {
		t.Errorf("told %q, want %q", got, told)
	}
}

// over wants the end, with nothing left behind.
func (u *feedUser) over(t *testing.T, code wire.Code) {
	t.Helper()
	synctest.Wait()
	if !isClosed(u.f.Over()) || !isClosed(u.f.Finished()) {
		t.Error("the feed is not over")
	}
	if got, _ := u.f.Result(); got != code {
		t.Errorf("ended with %v, want %v", got, code)
	}
	subs, watchers, _, _ := u.l.counts()
	if owed := u.l.owed.Load(); subs != 0 || watchers != 0 || owed != 0 {
		t.Errorf("%d subscriptions, %d watchers, %d owed are left", subs, watchers, owed)
	}
}

// request is the last one.
func (u *feedUser) request(t *testing.T) struct {
	Batch int
	ID    string
} {
	t.Helper()
	a := u.l.last(t)
	r := a.request()
	return struct {
		Batch int
		ID    string
	}{r.Batch, r.ID}
}

// requests are the payloads of all requests.
func (u *feedUser) requests() (all []string) {
	u.l.mu.Lock()
	defer u.l.mu.Unlock()
	for _, a := range u.l.asked {
		all = append(all, a.JSON)
	}
	return all
}

func msgs(from, to int) (lines []string) {
	for i := from; i <= to; i++ {
		lines = append(lines, fmt.Sprint("msg ", i))
	}
	return lines
}

func numbers(from, to int) string {
	return strings.ReplaceAll(strings.Join(msgs(from, to), " "), "msg ", "")
}

func TestFeedRefills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, false, nil)
		a := u.l.last(t)
		if want := `{"expires":4000000000,"batch":10,"idle_heartbeat":1000000000}`; a.JSON != want || a.Subject != "$JS.API.CONSUMER.MSG.NEXT.S.C" {
			t.Errorf("asked %s %s, want %s", a.Subject, a.JSON, want)
		}
		if n := u.l.owed.Load(); n != 1 {
			t.Errorf("the link owes %d answers, want 1", n)
		}
		u.l.sendNow(a.Inbox, msgs(1, 5)...)
		u.want(t, numbers(1, 5), "")
		if all := u.requests(); len(all) != 1 {
			t.Errorf("%d requests after 5 of 10", len(all))
		}
		u.l.sendNow(a.Inbox, "msg 6")
		u.want(t, numbers(1, 6), "")
		if r := u.l.last(t); r.JSON != `{"expires":4000000000,"batch":6,"idle_heartbeat":1000000000}` || r.Inbox != a.Inbox {
			t.Errorf("asked %s on %s after 6 of 10, the first on %s", r.JSON, r.Inbox, a.Inbox)
		}
		u.l.sendNow(a.Inbox, "100 Idle Heartbeat", "408 Request Timeout\r\nNats-Pending-Messages: 6\r\nNats-Pending-Bytes: 0")
		u.want(t, numbers(1, 6), "")
		if r := u.request(t); len(u.requests()) != 3 || r.Batch != 6 {
			t.Errorf("asked %v after a 408 with 6 left, want 6 more", u.requests())
		}
		u.f.Stop()
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.want(t, numbers(1, 6), "")
		u.l.closeNow()
	})
}

// TestFeedSlowHandler: what the user has not got is bounded; the request goes out while the handler runs.
func TestFeedSlowHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		u := newFeedUser(t, beats, false, func(u *feedUser, cfg *FeedConfig[string]) {
			cfg.Handle = func(m string) { u.handle(m); <-gate }
		})
		inbox := u.l.last(t).Inbox
		u.l.sendNow(inbox, msgs(1, 10)...)
		for n := 1; n <= 5; n++ {
			u.want(t, numbers(1, n), "")
			if all := u.requests(); len(all) != 1 {
				t.Fatalf("asked %v with %d of 10 taken", all, n)
			}
			gate <- struct{}{}
		}
		u.want(t, numbers(1, 6), "")
		if r := u.request(t); len(u.requests()) != 2 || r.Batch != 6 {
			t.Errorf("asked %v with the 6th in the handler, want 6 more", u.requests())
		}
		time.Sleep(1500 * time.Millisecond) // heartbeats are read while the handler is busy
		u.l.sendNow(inbox, "100 Idle Heartbeat")
		time.Sleep(1500 * time.Millisecond)
		u.l.sendNow(inbox, "100 Idle Heartbeat")
		u.want(t, numbers(1, 6), "")
		close(gate)
		u.want(t, numbers(1, 10), "")
		u.f.Stop()
		u.l.closeNow()
	})
}

func TestFeedStopInHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, false, func(u *feedUser, cfg *FeedConfig[string]) {
			cfg.Handle = func(m string) {
				u.handle(m)
				if m == "2" {
					u.f.Stop()
					if isClosed(u.f.Over()) {
						t.Error("over while the handler runs")
					}
				}
			}
		})
		inbox := u.l.last(t).Inbox
		s := u.l.find(inbox)
		u.l.sendNow(inbox, msgs(1, 5)...)
		u.over(t, wire.Canceled)
		u.l.runNow(s, "msg 6") // the reader had it in hand
		u.want(t, "1 2", "")
		u.l.closeNow()
	})
}

func TestFeedDrainInHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, false, func(u *feedUser, cfg *FeedConfig[string]) {
			cfg.Handle = func(m string) {
				u.handle(m)
				if m == "2" {
					u.f.Drain()
				}
			}
		})
		u.l.holdPongs = true
		inbox := u.l.last(t).Inbox
		u.l.sendNow(inbox, msgs(1, 5)...)
		u.want(t, numbers(1, 5), "")
		u.l.sendNow(inbox, msgs(6, 9)...) // on their way
		u.want(t, numbers(1, 9), "")
		if isClosed(u.f.Over()) || len(u.l.stopped) != 1 || len(u.requests()) != 1 {
			t.Errorf("over %v, left %v, asked %v before the PONG", isClosed(u.f.Over()), u.l.stopped, u.requests())
		}
		u.l.pongNow()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedDrainUnanswered: a server that does not answer the PING does not hold up the end.
func TestFeedDrainUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		u.l.holdPongs = true
		u.l.sendNow(u.l.last(t).Inbox, msgs(1, 2)...)
		u.f.Drain()
		start := time.Now()
		<-u.f.Finished()
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("ended after %v", took)
		}
		for _, want := range []Taken[string]{{Message: "1"}, {Message: "2"}, {Code: wire.Canceled, Over: true}, {Code: wire.Canceled, Over: true}} {
			if got := u.f.Next(nil, 0); got != want {
				t.Errorf("Next: got %+v, want %+v", got, want)
			}
		}
		u.over(t, wire.Canceled)
		u.l.closeNow()
		u.l.pongNow()
	})
}

func TestFeedStopAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := beats
		flow.StopAfter = 3
		u := newFeedUser(t, flow, false, nil)
		a := u.l.last(t)
		if r := a.request(); r.Batch != 3 {
			t.Errorf("asked for %d, want 3", r.Batch)
		}
		s := u.l.find(a.Inbox)
		log := new(surplusLog)
		u.p.surplus = log.add
		u.l.sendNow(a.Inbox, msgs(1, 4)...)
		u.want(t, "1 2 3", "")
		u.l.runNow(s, "msg 5")
		if got := log.all(); got != "4 5" {
			t.Errorf("surplus %q, want 4 5", got)
		}
		u.over(t, wire.OK)
		u.l.closeNow()
	})
}

func TestFeedNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, func(_ *feedUser, cfg *FeedConfig[string]) {
			cfg.Disturbs = func(code wire.Code, lasting bool) bool { return code == wire.NoHeartbeat || lasting }
		})
		inbox := u.l.last(t).Inbox
		start := time.Now()
		expectNext := func(got, want Taken[string], at time.Duration) {
			t.Helper()
			if took := time.Since(start); got != want || took != at {
				t.Errorf("got %+v at %v, want %+v at %v", got, took, want, at)
			}
		}
		u.l.sendNow(inbox, "msg 1")
		expectNext(u.f.Next(nil, time.Hour), Taken[string]{Message: "1"}, 0)
		expectNext(u.f.Next(nil, 500*time.Millisecond), Taken[string]{Code: wire.Timeout}, 500*time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		expectNext(u.f.Next(ctx.Done(), 0), Taken[string]{Code: wire.Canceled}, time.Second)
		expectNext(u.f.Next(nil, 0), Taken[string]{Code: wire.NoHeartbeat}, 2*time.Second)
		synctest.Wait()
		if next := u.l.last(t); next.Inbox == inbox || len(u.requests()) != 2 {
			t.Errorf("asked %v, the last on %s after %s", u.requests(), next.Inbox, inbox)
		}
		// Nobody waits at the next one: it is not kept for later.
		time.Sleep(2500 * time.Millisecond)
		go func() {
			time.Sleep(100 * time.Millisecond)
			u.l.sendNow(u.l.last(t).Inbox, "msg 2", "409 Consumer Deleted")
		}()
		expectNext(u.f.Next(nil, 0), Taken[string]{Message: "2"}, 4600*time.Millisecond)
		expectNext(u.f.Next(nil, 0), Taken[string]{Code: wire.ConsumerDeleted, Words: "Consumer Deleted", Over: true}, 4600*time.Millisecond)
		expectNext(u.f.Next(nil, 0), Taken[string]{Code: wire.Canceled, Over: true}, 4600*time.Millisecond)
		u.want(t, "", "NoHeartbeat, NoHeartbeat, ConsumerDeleted Consumer Deleted")
		u.over(t, wire.ConsumerDeleted)
		u.l.closeNow()
	})
}

// TestFeedTake: Take has what is there, asks as Next does, and leaves the end to Next.
func TestFeedTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		take := func(want string, asked int) {
			t.Helper()
			if m, ok := u.f.Take(); m != want || ok != (want != "") || len(u.requests()) != asked {
				t.Errorf("got %q, %v and %d requests, want %q and %d", m, ok, len(u.requests()), want, asked)
			}
		}
		take("", 1)
		u.l.sendNow(u.l.last(t).Inbox, msgs(1, 7)...)
		for i := 1; i <= 5; i++ {
			take(fmt.Sprint(i), 1)
		}
		take("6", 2)
		if r := u.request(t); r.Batch != 6 {
			t.Errorf("asked for %d, want 6", r.Batch)
		}
		u.f.Drain()
		take("7", 2)
		synctest.Wait()
		take("", 2)
		if got, want := u.f.Next(nil, 0), (Taken[string]{Code: wire.Canceled, Over: true}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		u.over(t, wire.Canceled)
		u.l.sendNow(u.l.last(t).Inbox, "msg 8")
		take("", 2)
		u.l.closeNow()
	})
}

// TestFeedManyNext: messages go to whoever waits, each once, and the end to everybody.
func TestFeedManyNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := beats
		flow.Request.Batch = 1000
		u := newFeedUser(t, flow, true, nil)
		var mu sync.Mutex
		got := map[string]int{}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for {
					n := u.f.Next(nil, 0)
					if n.Over {
						return
					}
					func() {
						mu.Lock()
						defer mu.Unlock()
						got[n.Message]++
					}()
				}
			})
		}
		for i := range 50 {
			u.l.sendNow(u.l.last(t).Inbox, msgs(i*7, i*7+6)...)
			if i%5 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if len(got) != 350 {
			t.Errorf("%d messages, want 350", len(got))
		}
		for m, n := range got {
			if n != 1 {
				t.Errorf("message %s came %d times", m, n)
			}
		}
		u.f.Stop()
		all.Wait()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedHandsOn: a run of messages wakes as many Nexts as it has messages.
func TestFeedHandsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { u.f.Next(nil, 0) })
		}
		synctest.Wait()
		u.l.sendNow(u.l.last(t).Inbox, msgs(1, 3)...)
		start := time.Now()
		all.Wait()
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		u.f.Stop()
		u.l.closeNow()
	})
}

// TestFeedOldTrouble: a failure is for those who wait when it happens.
func TestFeedOldTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, func(_ *feedUser, cfg *FeedConfig[string]) {
			cfg.Disturbs = func(wire.Code, bool) bool { return true }
		})
		result := make(chan Taken[string])
		next := func() { result <- u.f.Next(nil, 500*time.Millisecond) }
		go next()
		synctest.Wait()
		func() {
			u.f.mu.Lock()
			defer u.f.mu.Unlock()
			u.f.queue.push([]held[string]{{m: "1"}})
			u.f.warnLocked(feedNews{code: wire.NoHeartbeat})
		}()
		if got := <-result; got.Message != "1" {
			t.Errorf("got %+v, want the message", got)
		}
		go next()
		synctest.Wait()
		u.f.signal <- struct{}{} // for nothing
		if got := <-result; got.Code != wire.Timeout {
			t.Errorf("got %+v, want a timeout", got)
		}
		u.f.Stop()
		u.l.closeNow()
	})
}

// TestFeedGoexit: a handler that ends its goroutine, as t.FailNow does, loses its message and no other.
func TestFeedGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, false, func(u *feedUser, cfg *FeedConfig[string]) {
			cfg.Handle = func(m string) {
				u.handle(m)
				if m == "2" {
					runtime.Goexit()
				}
			}
		})
		u.l.sendNow(u.l.last(t).Inbox, msgs(1, 5)...)
		u.want(t, numbers(1, 5), "")
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedPin: the pin id is remembered for the whole consumer handle.
func TestFeedPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := beats
		flow.Request.Group = "g"
		u := newFeedUser(t, flow, true, nil)
		a := u.l.last(t)
		if r := a.request(); r.ID != "" {
			t.Errorf("asked %s before there was a pin", a.JSON)
		}
		s := u.l.find(a.Inbox)
		s.sink.Deliver(&proto.Frame{Subject: []byte("s.x"), Reply: []byte("$JS.ACK.S.C.1.1.1.1.1"), Header: []byte("NATS/1.0\r\nNats-Pin-Id: p1\r\n\r\n"), Data: []byte("1")})
		u.l.sendNow(a.Inbox, msgs(2, 6)...)
		for range 6 {
			u.f.Next(nil, 0)
		}
		if r := u.request(t); r.ID != "p1" {
			t.Errorf("asked %s, want the pin p1", u.l.last(t).JSON)
		}
		u.l.sendNow(a.Inbox, "423 Nats-Wrong-Pin-Id")
		u.want(t, "", "PinIDMismatch Nats-Wrong-Pin-Id")
		if r := u.l.last(t); u.request(t).ID != "" || r.Inbox == a.Inbox {
			t.Errorf("asked %s on %s, want no pin and a new inbox", r.JSON, r.Inbox)
		}
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedClosed: the connection's end is told, and what is in the queue is worth nothing.
func TestFeedClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		u := newFeedUser(t, beats, false, func(u *feedUser, cfg *FeedConfig[string]) {
			cfg.Handle = func(m string) { u.handle(m); <-gate }
		})
		u.l.sendNow(u.l.last(t).Inbox, msgs(1, 5)...)
		synctest.Wait()
		u.l.closeNow()
		u.want(t, "1", "ConnectionClosed")
		if isClosed(u.f.Over()) {
			t.Error("over while the handler runs")
		}
		close(gate)
		u.over(t, wire.ConnectionClosed)
		u.want(t, "1", "ConnectionClosed")
		if err := NewFeed(u.p, FeedConfig[string]{}).Start(); err != errClosed {
			t.Errorf("Start after the end: %v", err)
		}
	})
}

// TestFeedClosedWhileStarting: the end comes between the subscription and the start.
func TestFeedClosedWhileStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(closingLink{l})
		f := NewFeed(p, FeedConfig[string]{FlowConfig: beats})
		if err := f.Start(); err != nil {
			t.Errorf("Start: %v", err)
		}
		synctest.Wait()
		if code, _ := f.Result(); code != wire.ConnectionClosed || !isClosed(f.Over()) {
			t.Errorf("ended with %v", code)
		}
		if got := f.Next(nil, 0); !got.Over {
			t.Errorf("Next: got %+v", got)
		}
		if owed := l.owed.Load(); owed != 0 {
			t.Errorf("%d owed", owed)
		}
	})
}

func TestFeedConnectionDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, false, nil)
		inbox := u.l.last(t).Inbox
		u.l.holdPongs = true
		u.l.statusNow(session.DrainingSubs)
		synctest.Wait()
		if len(u.l.holds) != 1 || isClosed(u.l.holds[0]) {
			t.Errorf("the drain is held by %d, want 1", len(u.l.holds))
		}
		u.l.sendNow(inbox, msgs(1, 3)...)
		u.l.pongNow()
		u.want(t, "1 2 3", "")
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}
