package run

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

func TestSync(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	noStream := func(l *scriptedLink, a *ask) error { go l.noStream(a); return nil }
	silent := func(l *scriptedLink, a *ask) error { return nil }
	reply := func(data string) func(l *scriptedLink, a *ask) error {
		return func(l *scriptedLink, a *ask) error { go l.reply(a, data); return nil }
	}
	crowded := func(_ *scriptedLink, a *ask) error {
		if a.opts.Now {
			return natserr.ReconnectBufExceeded
		}
		wait := time.Minute // that of a connection
		if a.opts.Patient {
			wait = min(wait, a.by.Sub(mono.Now())+ms) // the deadline is a moment faster
		}
		select {
		case <-time.After(wait):
		case <-a.opts.Quit:
		}
		return natserr.Timeout
	}
	disconnected := func(l *scriptedLink, a *ask) error {
		go l.end(a, func() { a.w.Fail(natserr.Disconnected) })
		return nil
	}
	// answers gives the attempts one answer each; nil: none.
	answers := func(each ...func(l *scriptedLink, a *ask) error) func(l *scriptedLink, a *ask) error {
		return func(l *scriptedLink, a *ask) error {
			if each[a.n] == nil {
				return nil
			}
			return each[a.n](l, a)
		}
	}
	withID := proto.AppendPairs(nil, wire.HdrMsgID, "m1")
	for name, tc := range map[string]struct {
		retry  pubwin.Retry
		header []byte
		budget time.Duration
		ctx    time.Duration // 0: no deadline
		onAsk  func(l *scriptedLink, a *ask) error
		act    func(l *scriptedLink, cancel context.CancelFunc) // beside the call
		code   wire.Code
		err    error
		after  time.Duration
		asks   int
		doubts int // an answer is owed when the time is over
	}{
		"ack":           {budget: 5000 * ms, onAsk: reply(`{"stream":"S","seq":3}`), code: wire.OK, asks: 1},
		"refused":       {budget: 5000 * ms, onAsk: reply(`{"error":{"code":400,"err_code":10071}}`), code: wire.ServerRefused, asks: 1},
		"no ack":        {budget: 5000 * ms, onAsk: reply(`{}`), code: wire.InvalidAck, asks: 1},
		"no stream":     {budget: 5000 * ms, onAsk: noStream, retry: twice, code: wire.NoResponders, after: 500 * ms, asks: 3},
		"no retries":    {budget: 5000 * ms, onAsk: noStream, code: wire.NoResponders, asks: 1},
		"wait of 0":     {budget: 5000 * ms, onAsk: noStream, retry: pubwin.Retry{Attempts: 3}, code: wire.NoResponders, asks: 4},
		"silence":       {budget: 5000 * ms, onAsk: silent, retry: twice, code: wire.Timeout, after: 5000 * ms, asks: 1, doubts: 1},
		"wait = budget": {budget: 5000 * ms, onAsk: noStream, retry: pubwin.Retry{Attempts: 10, Wait: 5000 * ms}, code: wire.Timeout, after: 5000 * ms, asks: 1},
		"the budget bounds the whole": {budget: 12000 * ms, onAsk: noStream, retry: pubwin.Retry{Attempts: 10, Wait: 5000 * ms}, code: wire.Timeout,
			after: 12000 * ms, asks: 3},
		"the context bounds the whole": {ctx: 12000 * ms, onAsk: noStream, retry: pubwin.Retry{Attempts: 10, Wait: 5000 * ms}, code: wire.Canceled,
			err: context.DeadlineExceeded, after: 12000 * ms, asks: 3},
		"until the time is over": {budget: 5000 * ms, onAsk: noStream, retry: pubwin.Retry{Attempts: -1, Wait: 250 * ms}, code: wire.Timeout, after: 5000 * ms, asks: 20},
		"the third try": {budget: 5000 * ms, retry: twice, code: wire.OK, after: 500 * ms, asks: 3, onAsk: func(l *scriptedLink, a *ask) error {
			if a.n < 2 {
				return noStream(l, a)
			}
			return reply(`{"stream":"S","seq":3}`)(l, a)
		}},
		"silence until the context ends": {ctx: 700 * ms, budget: 5000 * ms, onAsk: silent, code: wire.Canceled, err: context.DeadlineExceeded, after: 700 * ms, asks: 1, doubts: 1},
		"the budget before the context":  {ctx: 9000 * ms, budget: 5000 * ms, onAsk: silent, code: wire.Timeout, after: 5000 * ms, asks: 1, doubts: 1},
		"canceled while waiting for the ack": {onAsk: silent, code: wire.Canceled, err: context.Canceled, after: 300 * ms, asks: 1,
			act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(300 * ms); cancel() }},
		"canceled between two attempts": {onAsk: noStream, retry: twice, code: wire.Canceled, err: context.Canceled, after: 300 * ms, asks: 2,
			act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(300 * ms); cancel() }},
		"closed while waiting for the ack": {onAsk: silent, code: wire.ConnectionClosed, err: natserr.ConnectionClosed, after: 300 * ms, asks: 1,
			act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(300 * ms); l.close() }},
		"closed between two attempts": {onAsk: noStream, retry: twice, code: wire.ConnectionClosed, err: natserr.ConnectionClosed, after: 100 * ms, asks: 1,
			act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(100 * ms); l.close() }},
		"a lost link: it waits for its time": {budget: 5000 * ms, onAsk: silent, retry: twice, code: wire.Timeout, after: 5000 * ms, asks: 1, doubts: 1,
			act: func(l *scriptedLink, cancel context.CancelFunc) { l.cut() }},
		"a lost link with a message id": {budget: 5000 * ms, retry: pubwin.Retry{Repeat: true}, code: wire.OK, after: 100 * ms, asks: 2,
			onAsk: func(l *scriptedLink, a *ask) error {
				if a.n == 0 {
					return nil
				}
				return reply(`{"stream":"S","seq":3}`)(l, a)
			},
			act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(100 * ms); l.cut() }},
		"a lost link, and the first copy is being stored": {budget: 5000 * ms, retry: pubwin.Retry{Repeat: true}, code: wire.OK, after: 140 * ms, asks: 4,
			onAsk: func(l *scriptedLink, a *ask) error {
				switch a.n {
				case 0:
					return nil
				case 1, 2:
					return reply(`{"error":{"code":409,"err_code":10158}}`)(l, a)
				}
				return reply(`{"stream":"S","seq":3,"duplicate":true}`)(l, a)
			},
			act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(100 * ms); l.cut() }},
		"a lost link, and the first copy is what the second one did not expect": {budget: 5000 * ms, retry: pubwin.Retry{Repeat: true}, header: withID, code: wire.OK,
			after: 140 * ms, asks: 6, act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(100 * ms); l.cut() },
			onAsk: answers(nil, reply(`{"error":{"code":400,"err_code":10071}}`), noStream, reply(`{"error":{"code":503,"err_code":10008}}`), disconnected,
				reply(`{"stream":"S","seq":3,"duplicate":true}`))},
		"a lost link, and somebody else was faster": {budget: 5000 * ms, retry: pubwin.Retry{Repeat: true}, header: withID, code: wire.ServerRefused,
			after: 100 * ms, asks: 3, act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(100 * ms); l.cut() },
			onAsk: answers(nil, reply(`{"error":{"code":400,"err_code":10071}}`), reply(`{"error":{"code":500,"err_code":10111}}`))},
		"a lost link, a refusal, and no word about the first copy": {budget: 5000 * ms, retry: pubwin.Retry{Repeat: true}, header: withID, code: wire.Timeout,
			after: 5000 * ms, asks: 3, doubts: 1, act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(100 * ms); l.cut() },
			onAsk: answers(nil, reply(`{"error":{"code":400,"err_code":10071}}`), nil)},
		"a lost link, and no leader for a while": {budget: 5000 * ms, retry: pubwin.Retry{Attempts: 2, Wait: 250 * ms, Repeat: true}, code: wire.OK,
			after: 1100 * ms, asks: 6, act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(100 * ms); l.cut() },
			onAsk: answers(nil, noStream, noStream, noStream, noStream, reply(`{"stream":"S","seq":3,"duplicate":true}`))},
		"a lost link, and no leader any more": {budget: 5000 * ms, retry: pubwin.Retry{Attempts: 2, Wait: 250 * ms, Repeat: true}, code: wire.Timeout,
			after: 5000 * ms, asks: 21, act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(100 * ms); l.cut() },
			onAsk: func(l *scriptedLink, a *ask) error {
				if a.n == 0 {
					return nil
				}
				return noStream(l, a)
			}},
		"a copy of somebody else is being stored": {budget: 5000 * ms, retry: pubwin.Retry{Repeat: true}, code: wire.ServerRefused, asks: 1,
			onAsk: reply(`{"error":{"code":409,"err_code":10158}}`)},
		"links that never last, with a message id": {budget: 5000 * ms, retry: pubwin.Retry{Repeat: true}, onAsk: silent, code: wire.Timeout, after: 5000 * ms, asks: 6, doubts: 1,
			act: func(l *scriptedLink, cancel context.CancelFunc) {
				for range 5 {
					time.Sleep(900 * ms)
					l.cut()
				}
			}},
		"refused by the connection": {onAsk: func(*scriptedLink, *ask) error { return natserr.MaxPayload }, retry: twice, code: wire.OtherStatus, err: natserr.MaxPayload, asks: 1},
		"no room in the reserve: waits for some": {budget: 5000 * ms, code: wire.OK, asks: 2, onAsk: func(l *scriptedLink, a *ask) error {
			if a.opts.Now {
				return natserr.ReconnectBufExceeded
			}
			return reply(`{"stream":"S","seq":3}`)(l, a)
		}},
		"no room before the budget is used up": {budget: 5000 * ms, code: wire.Timeout, after: 5000 * ms, asks: 2, doubts: 1, onAsk: crowded},
		"canceled while it waits for room": {budget: 5000 * ms, code: wire.Canceled, err: context.Canceled, after: 300 * ms, asks: 2, onAsk: crowded,
			act: func(l *scriptedLink, cancel context.CancelFunc) { time.Sleep(300 * ms); cancel() }},
		"no room at all": {budget: 5000 * ms, code: wire.OtherStatus, err: natserr.ReconnectBufExceeded, asks: 2,
			onAsk: func(l *scriptedLink, a *ask) error { return natserr.ReconnectBufExceeded }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				p, l := newScripted(PublisherConfig{})
				l.onAsk = func(a *ask) error { return tc.onAsk(l, a) }
				ctx, cancel := context.WithCancel(t.Context())
				if tc.ctx > 0 {
					ctx, cancel = context.WithTimeout(t.Context(), tc.ctx)
				}
				defer cancel()
				if tc.act != nil {
					go tc.act(l, cancel)
				}
				start := time.Now()
				ack, code, refused, err := p.Publish(ctx, SyncSpec{Subject: "orders", Header: tc.header, Data: []byte("m"), Retry: tc.retry, Budget: tc.budget})
				if code != tc.code || !errors.Is(err, tc.err) || (err != nil) != (tc.err != nil) {
					t.Errorf("got %v, %v; want %v, %v", code, err, tc.code, tc.err)
				}
				if got := time.Since(start); got < tc.after || got > tc.after+2*ms {
					t.Errorf("took %v, want %v", got, tc.after)
				}
				if got := len(l.all()); got != tc.asks {
					t.Errorf("published %d times, want %d", got, tc.asks)
				}
				if (ack.Sequence == 3) != (code == wire.OK) || (refused != nil) != (code == wire.ServerRefused) {
					t.Errorf("with %v: ack %+v, refusal %v", code, ack, refused)
				}
				if _, doubts := l.counts(); doubts != tc.doubts {
					t.Errorf("the link was doubted %d times, want %d", doubts, tc.doubts)
				}
				for _, a := range l.all() {
					if !a.over {
						t.Errorf("ask %d is still out", a.n)
					}
				}
				wantPending(t, p, 0)
			})
		})
	}
}

func TestSyncEndedContext(t *testing.T) {
	t.Parallel()
	p, l := newScripted(PublisherConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, code, _, err := p.Publish(ctx, SyncSpec{Subject: "s"}); code != wire.Canceled || err != context.Canceled || len(l.all()) != 0 {
		t.Errorf("got %v, %v and %d publishes; want Canceled, %v and none", code, err, len(l.all()), context.Canceled)
	}
}

// An answer that comes in the same moment as the end of the context is taken: the message is stored, and the waiter must
// not go back to the pool with something in its channel.
func TestSyncAnswerAgainstContext(t *testing.T) {
	t.Parallel()
	p, l := newScripted(PublisherConfig{})
	l.onForget = func(a *ask) { l.ack(a, uint64(a.n+1)) }
	for n := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		l.script(func(*ask) error { cancel(); return nil })
		if ack, code, _, err := p.Publish(ctx, SyncSpec{Subject: "s"}); code != wire.OK || err != nil || ack.Sequence != uint64(n+1) {
			t.Fatalf("publish %d: got %+v, %v, %v; want the ack", n, ack, code, err)
		}
	}
}
