package run

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
)

// TestDeletionsOfOthers: what was deleted concerns those who live on it only.
func TestDeletionsOfOthers(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]bool{
		"$JS.API.STREAM.DELETE.S":         true,
		"$JS.API.CONSUMER.DELETE.S.C":     true,
		"$JS.API.STREAM.DELETE.C":         false,
		"$JS.API.CONSUMER.DELETE.S.D":     false,
		"$JS.API.CONSUMER.DELETE.S":       false,
		"$JS.hub.API.STREAM.DELETE.S":     false,
		"STREAM.DELETE.S":                 false,
		"$JS.API.STREAM.PURGE.S":          false,
		"$JS.API.$JS.API.STREAM.DELETE.S": false,
	} {
		if got := deletesTarget(request, "$JS.API.CONSUMER.MSG.NEXT.S.C"); got != want {
			t.Errorf("%s: got %v, want %v", request, got, want)
		}
	}
	for _, odd := range []string{"", ".", "S.C", "CONSUMER.MSG.NEXT", "$JS.API.CONSUMER.MSG.NEXTS.C", "$JS.API.CONSUMER.MSG.NEXT..C"} {
		if deletesTarget("STREAM.DELETE.S", odd) || deletesTarget("STREAM.DELETE.", odd) {
			t.Errorf("%q is the target of a request", odd)
		}
	}
}

// TestDeletionEndsFeed: a request that the server drops while it deletes the consumer is answered by nobody; two heartbeats would tell.
func TestDeletionEndsFeed(t *testing.T) {
	for name, request := range map[string]string{"consumer": "$JS.API.CONSUMER.DELETE.S.C", "stream": "$JS.API.STREAM.DELETE.S"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := newFeedUser(t, beats, false, nil)
				u.l.sendNow(u.l.last(t).Inbox, msgs(1, 2)...)
				u.l.deletedNow("$JS.API.CONSUMER.DELETE.S.other")
				u.l.deletedNow(request)
				time.Sleep(deletedGrace)
				u.over(t, wire.ConsumerDeleted)
				u.want(t, "1 2", "ConsumerDeleted Consumer Deleted")
				u.l.closeNow()
			})
		})
	}
}

// TestDeletionWaitsForTheServer: its own word is the last one, and comes behind its last messages.
func TestDeletionWaitsForTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, false, nil)
		u.l.deletedNow("$JS.API.STREAM.DELETE.S")
		time.Sleep(deletedGrace / 2)
		u.l.sendNow(u.l.last(t).Inbox, "msg 1", "409 Consumer Deleted")
		time.Sleep(deletedGrace)
		u.over(t, wire.ConsumerDeleted)
		u.want(t, "1", "ConsumerDeleted Consumer Deleted")
		u.l.closeNow()
	})
}

// TestDeletionOfAnIdleConsumer: a feed that waits for nothing goes on; its next request will tell.
func TestDeletionOfAnIdleConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newFeedUser(t, beats, true, nil)
		u.l.sendNow(u.l.last(t).Inbox, msgs(1, 10)...)
		u.l.deletedNow("$JS.API.STREAM.DELETE.S")
		time.Sleep(2 * deletedGrace)
		u.want(t, "", "")
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestDeletionRenewsOrderedFeed: the server would have said so.
func TestDeletionRenewsOrderedFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(fakeSupplier)
		u := newFeedUser(t, beats, false, func(_ *feedUser, cfg *FeedConfig[string]) {
			cfg.Supplier, cfg.First = s, Origin{Subject: "$JS.API.CONSUMER.MSG.NEXT.S.C", From: 7}
		})
		u.l.deletedNow("$JS.API.CONSUMER.DELETE.S.C")
		time.Sleep(deletedGrace)
		u.want(t, "", "ConsumerDeleted Consumer Deleted")
		if got := s.attempts(); got != 1 {
			t.Errorf("%d consumers were made, want 1", got)
		}
		u.f.Stop()
		u.over(t, wire.Canceled)
		u.l.closeNow()
	})
}

// TestDeletionEndsBatches: those that run, and none that is begun later.
func TestDeletionEndsBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		first := fetch(t, p, spec(10, 20*time.Second, 5*time.Second))
		l.sendNow(l.last(t).Inbox, "msg 1")
		l.deletedNow("$JS.API.CONSUMER.DELETE.S.C")
		second := fetch(t, p, spec(10, 20*time.Second, 5*time.Second))
		time.Sleep(deletedGrace)
		expect(t, first, "1", wire.ConsumerDeleted)
		l.sendNow(l.last(t).Inbox, "msg 2", "408 Request Timeout")
		expect(t, second, "2", wire.RequestTimeout)
		l.closeNow()
	})
}

// TestDeletionRenewsReader: a push consumer is replaced at once, since the server says nothing.
func TestDeletionRenewsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := startReader(t, nil)
		c := u.s.consumer(t, 0)
		u.l.push(c.Inbox, "1/10 a")
		u.l.deletedNow("$JS.API.CONSUMER.DELETE.S.other")
		if got := u.s.asked(); got != 1 {
			t.Fatalf("%d consumers were asked for, want 1", got)
		}
		u.l.deletedNow("$JS.API.CONSUMER.DELETE.S." + c.Name)
		time.Sleep(time.Second)
		if again := u.s.consumer(t, 1); again.Seq != 11 {
			t.Errorf("asked for %+v, want it from 11 on", again)
		}
		u.want(t, "+0 a +0", "ConsumerDeleted, OK")
		u.r.Stop()
		u.over(t, wire.Canceled)
		u.l.workers.Close()
		if left := len(u.l.allDeletions()); left > 0 {
			t.Errorf("%d still listen", left)
		}
	})
}
