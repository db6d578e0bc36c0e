package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/ordered"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// fakeSupplier makes consumers as the test says.
type fakeSupplier struct {
	create func(n int, ctx context.Context) error // nil: at once
	anew   map[uint64]uint64                      // a stream that has changed: a consumer from here is of no use, one from there is
	enough int
	look   func() // before a comparison has its result

	mu       sync.Mutex
	made     []string // from where, and when
	start    time.Time
	forsaken int
	accepted int
}

func (s *fakeSupplier) Create(ctx context.Context, from uint64) (Origin, error) {
	n := s.note(from)
	if s.create != nil {
		if err := s.create(n, ctx); err != nil {
			return Origin{}, err
		}
	}
	return Origin{Subject: fmt.Sprint("next.", n), From: 100}, nil
}

func (s *fakeSupplier) Compare(_ context.Context, from uint64) ordered.Change {
	if s.look != nil {
		s.look()
	}
	if start, changed := s.anew[from]; changed {
		return ordered.Change{Kind: ordered.MadeAnew, Start: start}
	}
	return ordered.Change{}
}

func (s *fakeSupplier) Accept(ordered.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted++
}

func (s *fakeSupplier) note(from uint64) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, fmt.Sprintf("%d at %v", from, time.Since(s.start)))
	return len(s.made)
}

func (s *fakeSupplier) attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.made)
}

func (s *fakeSupplier) Enough(attempts int, _ time.Duration) bool {
	return s.enough > 0 && attempts >= s.enough
}

func (s *fakeSupplier) Forsake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forsaken++
}

// orderedUser starts an ordered feed that begins with message 7, or where first says.
func orderedUser(t *testing.T, s *fakeSupplier, next bool, first uint64, flow ...pull.FlowConfig) *feedUser {
	t.Helper()
	s.start = time.Now()
	return newFeedUser(t, append(flow, beats)[0], next, func(u *feedUser, cfg *FeedConfig[string]) {
		cfg.Supplier, cfg.First = s, Origin{Subject: "next.0", From: first}
	})
}

// deliver plays messages with the same consumer and stream sequences as numbers, the latter 6 higher.
func (u *feedUser) deliver(t *testing.T, seqs ...int) {
	t.Helper()
	s := u.l.find(u.l.last(t).Inbox)
	if s == nil {
		t.Fatal("nobody listens")
	}
	u.l.reader.Lock()
	defer u.l.reader.Unlock()
	for _, n := range seqs {
		s.sink.Deliver(&proto.Frame{
			Subject: []byte("s.x"), Reply: fmt.Appendf(nil, "$JS.ACK.S.C.1.%d.%d.1.1", n+6, n), Data: fmt.Append(nil, n+6),
		})
	}
	s.sink.Settle()
}

// wantMade compares the consumers that were made, and to whom the last request went.
func (s *fakeSupplier) wantMade(t *testing.T, u *feedUser, subject string, want ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := strings.Join(s.made, ", "); got != strings.Join(want, ", ") {
		t.Errorf("made consumers from %s, want %s", got, strings.Join(want, ", "))
	}
	if got := u.l.last(t).Subject; got != subject {
		t.Errorf("asked %s, want %s", got, subject)
	}
}

// ends stops the feed and wants nothing left.
func (s *fakeSupplier) ends(t *testing.T, u *feedUser) {
	t.Helper()
	u.f.Stop()
	u.f.Stop()
	u.over(t, wire.Canceled)
	if s.forsaken != 1 {
		t.Errorf("forsaken %d times, want once", s.forsaken)
	}
	u.l.closeNow()
}

// TestFeedOrdered: what makes a new consumer, from where, and what is told of it.
func TestFeedOrdered(t *testing.T) {
	for name, tc := range map[string]struct {
		play    func(t *testing.T, u *feedUser)
		handled string
		told    string
		made    string
	}{
		"in order": {func(t *testing.T, u *feedUser) { u.deliver(t, 1, 2, 2, 1, 3) }, "7 8 9", "", ""},
		"a gap":    {func(t *testing.T, u *feedUser) { u.deliver(t, 1, 2, 4, 5) }, "7 8", "OrderedReset messages are missing", "9 at 0s"},
		"deleted": {func(t *testing.T, u *feedUser) {
			u.deliver(t, 1)
			u.l.sendNow(u.l.last(t).Inbox, "409 Consumer Deleted")
		}, "7", "ConsumerDeleted Consumer Deleted", "8 at 0s"},
		"leader":       {func(t *testing.T, u *feedUser) { u.l.sendNow(u.l.last(t).Inbox, "409 Leadership Change") }, "", "LeadershipChange Leadership Change", "7 at 0s"},
		"nobody there": {func(t *testing.T, u *feedUser) { u.l.sendNow(u.l.last(t).Inbox, "503") }, "", "NoResponders", "7 at 0s"},
		"expired": {func(t *testing.T, u *feedUser) {
			u.l.sendNow(u.l.last(t).Inbox, "408 Request Timeout\r\nNats-Pending-Messages: 10\r\nNats-Pending-Bytes: 0")
		}, "", "", ""},
		"silence": {func(t *testing.T, u *feedUser) { u.deliver(t, 1); time.Sleep(2 * time.Second) }, "7", "NoHeartbeat", "8 at 2s"},
		"not a stream's message": {func(t *testing.T, u *feedUser) {
			s := u.l.find(u.l.last(t).Inbox)
			s.sink.Deliver(&proto.Frame{Subject: []byte("s.x"), Data: []byte("x")})
			s.sink.Settle()
			u.deliver(t, 1)
		}, "7", "", ""},
		"the link": {func(t *testing.T, u *feedUser) {
			u.deliver(t, 1)
			u.l.statusNow(session.Reconnecting)
			time.Sleep(time.Minute)
			u.l.statusNow(session.Connected)
		}, "7", "", "8 at 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := new(fakeSupplier)
				u := orderedUser(t, s, false, 7)
				old := u.l.find(u.l.last(t).Inbox)
				tc.play(t, u)
				u.want(t, tc.handled, tc.told)
				if tc.made != "" {
					s.wantMade(t, u, "next.1", tc.made)
					// What the last consumer still sends is not taken, what the new one sends is.
					u.l.runNow(old, "msg x")
					u.deliver(t, 10)
				} else {
					s.wantMade(t, u, "next.0")
				}
				s.ends(t, u)
			})
		})
	}
}

// TestFeedOrderedPauses: attempts that fail, and consumers that are of no use, follow each other with growing pauses, until there is a sign of life.
func TestFeedOrderedPauses(t *testing.T) {
	t.Run("no consumer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			refused := errors.New("no stream")
			s := &fakeSupplier{create: func(n int, _ context.Context) error {
				if n <= 10 {
					return refused
				}
				return nil
			}}
			u := orderedUser(t, s, false, 7)
			u.l.sendNow(u.l.last(t).Inbox, "409 Consumer Deleted")
			time.Sleep(4 * time.Second)
			s.wantMade(t, u, "next.11", "7 at 0s", "7 at 10ms", "7 at 30ms", "7 at 70ms", "7 at 150ms", "7 at 310ms", "7 at 630ms", "7 at 1.27s",
				"7 at 2.07s", "7 at 2.87s", "7 at 3.67s")
			u.want(t, "", "ConsumerDeleted Consumer Deleted, OrderedReset no stream, OrderedReset no stream")
			s.ends(t, u)
		})
	})
	t.Run("no leader", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := new(fakeSupplier)
			u := orderedUser(t, s, false, 7)
			var back atomic.Bool
			u.l.answer = func(a *fakeAsk) {
				if !back.Load() {
					go u.l.sendNow(a.Inbox, "503")
				}
			}
			u.l.sendNow(u.l.last(t).Inbox, "503")
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if n := s.attempts(); n < 8 || n > 15 {
				t.Errorf("%d consumers were made in 5 s, want 8 to 15", n)
			}
			back.Store(true)
			time.Sleep(time.Second)
			synctest.Wait()
			n := s.attempts()
			u.deliver(t, 1)
			u.l.sendNow(u.l.last(t).Inbox, "503") // after a sign of life at once
			synctest.Wait()
			if more := s.attempts() - n; more != 1 {
				t.Errorf("%d consumers more after a sign of life, want 1", more)
			}
			s.ends(t, u)
		})
	})
	t.Run("no answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &fakeSupplier{create: func(_ int, ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
			u := orderedUser(t, s, false, 7)
			u.l.sendNow(u.l.last(t).Inbox, "503")
			time.Sleep(12 * time.Second)
			s.wantMade(t, u, "next.0", "7 at 0s", "7 at 510ms", "7 at 1.03s", "7 at 1.57s", "7 at 2.65s", "7 at 3.81s", "7 at 5.13s", "7 at 7.77s", "7 at 10.57s")
			// A lost link makes the attempt void; the next one follows the reconnect at once.
			u.l.statusNow(session.Reconnecting)
			time.Sleep(time.Hour)
			u.l.statusNow(session.Connected)
			s.wantMade(t, u, "next.0", "7 at 0s", "7 at 510ms", "7 at 1.03s", "7 at 1.57s", "7 at 2.65s", "7 at 3.81s", "7 at 5.13s", "7 at 7.77s", "7 at 10.57s", "7 at 1h0m12s")
			s.ends(t, u)
		})
	})
}

// TestFeedOrderedStart: an unknown start is fixed by the first consumer, and by messages.
func TestFeedOrderedStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeSupplier)
		u := orderedUser(t, s, false, 0)
		u.l.sendNow(u.l.last(t).Inbox, "503")
		s.wantMade(t, u, "next.1", "0 at 0s")
		u.l.sendNow(u.l.last(t).Inbox, "100 Idle Heartbeat", "503")
		s.wantMade(t, u, "next.2", "0 at 0s", "100 at 0s")
		u.deliver(t, 1) // message 7: below the start, so it is dropped
		u.want(t, "", "NoResponders, NoResponders")
		s.ends(t, u)
	})
}

// TestFeedOrderedEnough: an iterator ends with the last attempt, a Consume is told and goes on; a Next that waits hears of what lasts.
func TestFeedOrderedEnough(t *testing.T) {
	fails := func(int, context.Context) error { return errors.New("no stream") }
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSupplier{create: fails, enough: 3}
		u := orderedUser(t, s, true, 7)
		u.l.sendNow(u.l.last(t).Inbox, "409 Consumer Deleted")
		got := u.f.Next(nil, 0)
		if got.Code != wire.OrderedReset || got.Words != "no stream" || !got.Over {
			t.Errorf("Next: got %+v", got)
		}
		u.f.Stop()
		u.over(t, wire.OrderedReset)
		if len(s.made) != 3 || s.forsaken != 1 {
			t.Errorf("%d attempts, forsaken %d times, want 3 and once", len(s.made), s.forsaken)
		}
		u.l.closeNow()
	})
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSupplier{create: fails, enough: 3}
		u := orderedUser(t, s, false, 7)
		u.l.sendNow(u.l.last(t).Inbox, "409 Consumer Deleted")
		time.Sleep(200 * time.Millisecond)
		u.want(t, "", "ConsumerDeleted Consumer Deleted, OrderedReset no stream, OrderedReset no stream")
		s.ends(t, u)
	})
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSupplier{create: fails}
		l := newFakeLink()
		p, _ := newTestPuller(l)
		cfg := FeedConfig[string]{FlowConfig: beats, Supplier: s, First: Origin{Subject: "next.0", From: 7}}
		cfg.Disturbs = func(code wire.Code, lasting bool) bool { return code == wire.OrderedReset && lasting }
		f := NewFeed(p, cfg)
		if err := f.Start(); err != nil {
			t.Fatal(err)
		}
		l.sendNow(l.last(t).Inbox, "503")
		began := time.Now()
		got := f.Next(nil, time.Minute)
		if took := time.Since(began); got.Code != wire.OrderedReset || got.Over || took < 2*time.Second || took > 3*time.Second {
			t.Errorf("Next: got %+v after %v", got, took)
		}
		f.Stop()
		l.closeNow()
	})
}

// TestFeedOrderedEnds: the end while a consumer is being made, in each way.
func TestFeedOrderedEnds(t *testing.T) {
	for name, end := range map[string]func(u *feedUser){
		"stop":   func(u *feedUser) { u.f.Stop() },
		"drain":  func(u *feedUser) { u.f.Drain() },
		"closed": func(u *feedUser) { u.l.closeNow() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &fakeSupplier{create: func(_ int, ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
				u := orderedUser(t, s, false, 7)
				u.deliver(t, 1, 2)
				u.l.sendNow(u.l.last(t).Inbox, "503")
				synctest.Wait()
				end(u)
				synctest.Wait()
				if !isClosed(u.f.Over()) || s.forsaken != 1 {
					t.Errorf("over: %v, forsaken %d times", isClosed(u.f.Over()), s.forsaken)
				}
				if subs, watchers, _, _ := u.l.counts(); subs != 0 || watchers != 0 && name != "closed" || u.l.owed.Load() != 0 {
					t.Errorf("%d subscriptions, %d watchers, %d owed are left", subs, watchers, u.l.owed.Load())
				}
				if name != "closed" {
					u.l.closeNow()
				}
			})
		})
	}
}

// TestFeedOrderedOtherStream: behind each new consumer the feed looks at the stream. On another one, or a shorter one, it goes on elsewhere, and says so.
func TestFeedOrderedOtherStream(t *testing.T) {
	for name, tc := range map[string]struct {
		anew map[uint64]uint64
		made []string
		told string
		then int // the first message of the last consumer
	}{
		"the same": {nil, []string{"9 at 0s"}, "ConsumerDeleted Consumer Deleted", 3},
		"another":  {map[uint64]uint64{9: 1}, []string{"9 at 0s", "1 at 10ms"}, "ConsumerDeleted Consumer Deleted, OrderedReset the stream was made anew", -5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &fakeSupplier{anew: tc.anew}
				u := orderedUser(t, s, false, 7)
				u.deliver(t, 1, 2)
				u.l.sendNow(u.l.last(t).Inbox, "409 Consumer Deleted")
				time.Sleep(time.Second)
				s.wantMade(t, u, fmt.Sprint("next.", len(tc.made)), tc.made...)
				sink := u.l.find(u.l.last(t).Inbox).sink
				u.l.reader.Lock()
				sink.Deliver(&proto.Frame{Subject: []byte("s.x"), Reply: fmt.Appendf(nil, "$JS.ACK.S.C.1.%d.1.1.1", tc.then+6), Data: fmt.Append(nil, tc.then+6)})
				sink.Settle()
				u.l.reader.Unlock()
				synctest.Wait()
				u.want(t, fmt.Sprint("7 8 ", tc.then+6), tc.told)
				s.ends(t, u)
			})
		})
	}
}

// TestFeedOrderedLostWhileItLooks: what a comparison has found of a consumer that is lost meanwhile is found again with the next one.
func TestFeedOrderedLostWhileItLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeSupplier{anew: map[uint64]uint64{9: 1}, look: func() { time.Sleep(time.Second) }}
		u := orderedUser(t, s, false, 7)
		u.deliver(t, 1, 2)
		for range 2 {
			u.l.sendNow(u.l.last(t).Inbox, "409 Consumer Deleted")
			time.Sleep(500 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond)
		if s.mu.Lock(); s.accepted != 0 {
			t.Error("a change was accepted that is of no consequence")
		}
		s.mu.Unlock()
		time.Sleep(5 * time.Second)
		if s.mu.Lock(); s.accepted != 1 || !strings.HasPrefix(s.made[len(s.made)-1], "1 at ") {
			t.Errorf("%d changes were accepted, consumers %q, want 1, and the last one from 1", s.accepted, s.made)
		}
		s.mu.Unlock()
		s.ends(t, u)
		time.Sleep(time.Second) // for a look that is under way
	})
}
