package run

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// TestFeedReconnects: what was asked on a lost connection is void; what has arrived stays, and counts.
func TestFeedReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		first := u.l.last(t)
		s := u.l.find(first.Inbox)
		u.l.sendNow(first.Inbox, msgs(1, 2)...)
		u.l.statusNow(session.Reconnecting)
		synctest.Wait()
		if u.l.find(first.Inbox) != nil {
			t.Error("the old inbox is still subscribed")
		}
		u.l.runNow(s, "msg 3") // the reader had it in hand
		time.Sleep(time.Minute)
		u.l.statusNow(session.Connected)
		synctest.Wait()
		second := u.l.last(t)
		if r := second.request(); second.Inbox == first.Inbox || r.Batch != 7 {
			t.Errorf("asked %s on %s after %s, want 7", second.JSON, second.Inbox, first.Inbox)
		}
		u.l.sendNow(second.Inbox, "msg 4")
		for _, want := range []string{"1", "2", "3", "4"} {
			if got := u.f.Next(nil, time.Second); got.Message != want {
				t.Errorf("Next: got %+v, want %s", got, want)
			}
		}
		u.want(t, "", "")
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedFlaps: the timer learns of several changes at once; one request is sent.
func TestFeedFlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		for range 3 {
			u.l.statusNow(session.Reconnecting)
			u.l.statusNow(session.Connected)
		}
		synctest.Wait()
		if subs, _, asked, _ := u.l.counts(); asked != 2 || subs != 1 {
			t.Errorf("%d requests on %d subscriptions, want 2 on 1", asked, subs)
		}
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedStartsWhileDown: it asks when the connection is there.
func TestFeedStartsWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		l.statusNow(session.Reconnecting)
		p, _ := newTestPuller(l)
		f := NewFeed(p, FeedConfig[string]{FlowConfig: beats})
		if err := f.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		l.statusNow(session.Connected)
		synctest.Wait()
		l.sendNow(l.last(t).Inbox, "msg 1")
		if got := f.Next(nil, time.Second); got.Message != "1" {
			t.Errorf("Next: got %+v", got)
		}
		f.Stop()
		l.closeNow()
	})
}

// TestFeedUnsent: a link that takes no request, and says nothing, is tried again.
func TestFeedUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		u.l.setStatus(session.Reconnecting)
		u.l.sendNow(u.l.last(t).Inbox, msgs(1, 6)...)
		for range 6 {
			u.f.Next(nil, 0)
		}
		if _, _, asked, _ := u.l.counts(); asked != 1 {
			t.Errorf("%d requests went out, want 1", asked)
		}
		u.l.setStatus(session.Connected)
		time.Sleep(retryUnsent)
		synctest.Wait()
		if r := u.request(t); r.Batch != 10 {
			t.Errorf("asked for %d, want 10", r.Batch)
		}
		// The same, but the link is down indeed.
		for _, fn := range u.l.setStatus(session.Reconnecting) {
			u.l.sendNow(u.l.last(t).Inbox, msgs(1, 6)...)
			for range 6 {
				u.f.Next(nil, 0)
			}
			fn(session.Reconnecting, nil)
		}
		time.Sleep(time.Minute)
		u.l.statusNow(session.Connected)
		synctest.Wait()
		if _, _, asked, _ := u.l.counts(); asked != 3 {
			t.Errorf("%d requests, want 3", asked)
		}
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedStaleAsk: a request that was decided before the connection went is not sent after it came back.
func TestFeedStaleAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		first := u.l.last(t).Inbox
		sending := make(chan struct{})
		block := true
		u.l.answer = func(*fakeAsk) {
			if block {
				block = false
				<-sending
			}
		}
		go u.l.sendNow(first, "409 Leadership Change") // its request blocks the jobs
		synctest.Wait()
		u.l.statusNow(session.Reconnecting)
		synctest.Wait()
		u.l.statusNow(session.Connected)
		synctest.Wait()
		u.l.statusNow(session.Reconnecting)
		synctest.Wait()
		u.l.statusNow(session.Connected)
		synctest.Wait()
		close(sending)
		synctest.Wait()
		if subs, _, asked, _ := u.l.counts(); asked != 3 || subs != 1 {
			t.Errorf("%d requests on %d subscriptions, want 3 on 1", asked, subs)
		}
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedSilence: the link is doubted, the inbox left and replaced; what still comes on the old one is taken.
func TestFeedSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, false, nil)
		u.l.holdPongs = true
		first := u.l.last(t).Inbox
		time.Sleep(1300 * time.Millisecond)
		synctest.Wait()
		if _, _, _, doubts := u.l.counts(); doubts != 1 {
			t.Errorf("%d doubts after 1.25 heartbeats, want 1", doubts)
		}
		time.Sleep(700 * time.Millisecond)
		u.want(t, "", "NoHeartbeat")
		second := u.l.last(t).Inbox
		if second == first || len(u.l.stopped) != 1 || u.l.stopped[0] != first {
			t.Errorf("asked on %s after %s, left %v", second, first, u.l.stopped)
		}
		u.l.sendNow(first, "msg 1", "408 Request Timeout", "423 Nats-Wrong-Pin-Id")
		u.l.sendNow(second, "msg 2")
		u.want(t, "1 2", "NoHeartbeat")
		u.l.pongNow()
		if u.l.find(first) != nil || u.l.find(second) == nil {
			t.Error("the old inbox stays after the PONG, or the new one does not")
		}
		time.Sleep(2 * time.Second)
		u.want(t, "1 2", "NoHeartbeat, NoHeartbeat")
		time.Sleep(2 * time.Second) // the second one is left before it was answered for
		u.want(t, "1 2", "NoHeartbeat, NoHeartbeat, NoHeartbeat")
		if subs, _, _, _ := u.l.counts(); subs != 2 {
			t.Errorf("%d subscriptions, want 2", subs)
		}
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.pongNow()
		u.l.closeNow()
	})
}

// TestFeedMissing: a consumer that is not there is told at once, and after a while of asking it is the end.
func TestFeedMissing(t *testing.T) {
	for name, gone := range map[string]bool{"gone": true, "only without a leader": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var back atomic.Bool
				u := newFeedUser(t, beats, false, func(u *feedUser, cfg *FeedConfig[string]) {
					u.l.answer = func(a *fakeAsk) {
						if back.Load() {
							go u.l.sendNow(a.Inbox, "msg 1")
						} else {
							go u.l.sendNow(a.Inbox, "503")
						}
					}
					cfg.Missing = func(ctx context.Context) bool {
						if !gone {
							<-ctx.Done() // nobody answers
						}
						return gone
					}
				})
				start := time.Now()
				u.want(t, "", "NoResponders")
				select {
				case <-u.f.Over():
				case <-time.After(10 * time.Second):
				}
				if took := time.Since(start); gone && (took < 2*time.Second || took > 4*time.Second) {
					t.Errorf("over after %v", took)
				}
				if gone {
					u.over(t, wire.ConsumerDeleted)
					u.want(t, "", "NoResponders, NoResponders, ConsumerDeleted")
					u.l.closeNow()
					return
				}
				if _, _, asked, _ := u.l.counts(); asked < 10 || asked > 25 {
					t.Errorf("%d requests in 10 s, want 10 to 25", asked)
				}
				back.Store(true)
				time.Sleep(time.Second)
				synctest.Wait()
				if len(u.handled) == 0 {
					t.Error("nothing came within a second of the leader's return")
				}
				u.f.Stop()
				u.over(t, wire.Canceled)
				u.l.closeNow()
			})
		})
	}
}

// TestFeedBlockedTell: a Tell that does not return holds up no message, and does not fill the memory.
func TestFeedBlockedTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		u := newFeedUser(t, beats, false, func(u *feedUser, cfg *FeedConfig[string]) {
			cfg.Tell = func(wire.Code, string) { <-gate }
		})
		time.Sleep(10*time.Minute + time.Second) // 300 missing heartbeats
		u.l.sendNow(u.l.last(t).Inbox, "msg 1")
		u.want(t, "1", "")
		if n := len(u.f.news); n != newsKept {
			t.Errorf("%d failures are kept, want %d", n, newsKept)
		}
		u.f.Stop()
		synctest.Wait()
		if isClosed(u.f.Over()) {
			t.Error("over while Tell runs")
		}
		close(gate)
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedStopsInquiry: the question whether the consumer exists ends with the feed.
func TestFeedStopsInquiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asking := make(chan bool, 2)
		u := newFeedUser(t, beats, false, func(u *feedUser, cfg *FeedConfig[string]) {
			u.l.answer = func(a *fakeAsk) { go u.l.sendNow(a.Inbox, "503") }
			cfg.Missing = func(ctx context.Context) bool {
				asking <- true
				<-ctx.Done()
				asking <- false
				return true
			}
		})
		<-asking
		start := time.Now()
		u.f.Stop()
		<-asking
		if took := time.Since(start); took != 0 {
			t.Errorf("ended after %v", took)
		}
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedLate: what comes on the old inbox was not asked for on the new one.
func TestFeedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		u.l.holdPongs = true
		first := u.l.last(t).Inbox
		u.l.sendNow(first, "409 Leadership Change")
		u.l.sendNow(first, msgs(1, 6)...)
		for range 6 {
			u.f.Next(nil, 0)
		}
		if all := u.requests(); len(all) != 2 {
			t.Errorf("asked %v: the second request is unanswered", all)
		}
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.pongNow()
		u.l.closeNow()
	})
}

// TestFeedDrainWithoutInbox: with no request out, nothing is on its way.
func TestFeedDrainWithoutInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, false, nil)
		u.l.sendNow(u.l.last(t).Inbox, "503")
		u.f.Drain()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestFeedStaleAskAfterDrain: a request that was decided before the drain is not sent.
func TestFeedStaleAskAfterDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		sending := make(chan struct{})
		u.l.answer = func(*fakeAsk) { <-sending }
		go u.l.sendNow(u.l.last(t).Inbox, "409 Leadership Change") // its request blocks the jobs
		synctest.Wait()
		second := u.l.find(u.l.last(t).Inbox)
		u.f.take(deliver(second, 6))
		for range 6 {
			u.f.Next(nil, 0)
		}
		u.f.Drain()
		close(sending)
		u.over(t, wire.Canceled)
		if all := u.requests(); len(all) != 2 {
			t.Errorf("asked %v", all)
		}
		u.l.closeNow()
	})
}

// deliver puts n messages into the run of an inbox while the reader is busy elsewhere.
func deliver(sub *fakeSub, n int) *feedSlot[string] {
	s := sub.sink.(*feedSlot[string])
	for range n {
		s.Deliver(&proto.Frame{Subject: []byte("s.x"), Reply: []byte("$JS.ACK.S.C.1.1.1.1.1"), Data: []byte("x")})
	}
	return s
}
