package run

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/session"
)

// The tests of this file hold open the windows between a decision and its execution.

// TestStaleAsk: a request that was decided before the connection went is not sent after it came back: the batch has asked
// anew, and the server would serve both.
func TestStaleAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		sending := make(chan struct{})
		first := true
		l.answer = func(*fakeAsk) {
			if first {
				first = false
				<-sending
			}
		}
		started := make(chan *Batch[string])
		go func() {
			b, _ := p.Fetch(spec(1, time.Minute, 0))
			started <- b
		}()
		synctest.Wait() // it is sending
		second := fetch(t, p, spec(2, time.Minute, 0))
		l.statusNow(session.Reconnecting)
		synctest.Wait()
		l.statusNow(session.Connected)
		synctest.Wait()
		close(sending)
		b := <-started
		synctest.Wait()
		asks := map[int]int{}
		for _, a := range l.asked {
			asks[a.request().Batch]++
		}
		if asks[1] != 2 || asks[2] != 1 {
			t.Errorf("asked %v, want 2 requests of the first batch and 1 of the second", l.asked)
		}
		if subs, _, _, _ := l.counts(); subs != 2 {
			t.Errorf("%d subscriptions, want 2", subs)
		}
		l.closeNow()
		expect(t, b, "", wire.ConnectionClosed)
		expect(t, second, "", wire.ConnectionClosed)
	})
}

// TestUnsentFailsFast: the link refuses the request before it has told anybody that it is down.
func TestUnsentFailsFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		keep := fetch(t, p, spec(1, time.Minute, 0)) // watches
		l.setStatus(session.Reconnecting)
		start := time.Now()
		expect(t, fetch(t, p, failFast()), "", wire.Disconnected)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		keep.Stop()
		l.closeNow()
	})
}

// closingLink closes while a subscription is made.
type closingLink struct{ *fakeLink }

func (l closingLink) Subscribe(subject, queue string, s engine.Sink) (*engine.Sub, error) {
	sub, err := l.fakeLink.Subscribe(subject, queue, s)
	l.closeNow()
	return sub, err
}

func TestClosedWhileSubscribing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(closingLink{l})
		expect(t, fetch(t, p, spec(1, time.Minute, 0)), "", wire.ConnectionClosed)
	})
}

// TestLateStatus: a call of a watch that was given up means nothing.
func TestLateStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		fetch(t, p, spec(1, time.Minute, 0)).Stop()
		old := l.setStatus(session.Connected)[0]
		time.Sleep(2 * slotIdle)
		b := fetch(t, p, spec(1, time.Minute, 0))
		old(session.Reconnecting, nil)
		old(session.Connected, nil)
		synctest.Wait()
		if _, _, asked, _ := l.counts(); asked != 2 {
			t.Errorf("%d requests, want 2", asked)
		}
		l.sendNow(l.last(t).Inbox, "msg 1")
		expect(t, b, "1", wire.OK)
		l.closeNow()
	})
}

// TestOverflowOrder: messages that come while the pump is at work stay behind those that it moves.
func TestOverflowOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFakeLink()
		p, _ := newTestPuller(l)
		b := overflow(t, l, p, 600)
		inbox := l.last(t).Inbox
		sent := 600
		for got := range 1000 {
			if m := <-b.Messages(); m != fmt.Sprint(got) {
				t.Fatalf("message %d is %q", got, m)
			}
			if got%3 == 0 && sent < 1000 {
				l.sendNow(inbox, fmt.Sprint("msg ", sent), fmt.Sprint("msg ", sent+1))
				sent += 2
			}
			if got == sent-1 {
				break
			}
		}
		b.Stop()
		l.closeNow()
	})
}
