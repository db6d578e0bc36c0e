package run

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

func TestAsyncAck(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		p, l := newScripted(PublisherConfig{AckTimeout: DefaultAckTimeout})
		if !isClosed(p.Complete()) {
			t.Error("Complete is open with nothing pending")
		}
		a := publishAsync(t, p, AsyncSpec{Header: []byte("h"), Data: []byte("a"), Retry: twice})
		b := publishAsync(t, p, AsyncSpec{Data: []byte("b")})
		wantPending(t, p, 2)
		complete := p.Complete()
		got := l.ask(0)
		if got.subject != "orders" || got.hdr != "h" || got.data != "a" || !got.async() || got.opts.Now {
			t.Errorf("asked %+v", got)
		}
		l.ack(l.ask(1), 8)
		wantEnd(t, b, wire.OK, nil)
		if isClosed(complete) {
			t.Error("Complete is closed with one pending")
		}
		l.reply(l.ask(0), `{"stream":"S","seq":7,"duplicate":true,"domain":"D","val":"5"}`)
		wantEnd(t, a, wire.OK, nil)
		if want := (wire.PubAck{Stream: "S", Sequence: 7, Duplicate: true, Domain: "D", Value: "5"}); a.ack != want {
			t.Errorf("ack: got %+v, want %+v", a.ack, want)
		}
		wantPending(t, p, 0)
		if !isClosed(complete) || !isClosed(p.Complete()) {
			t.Error("Complete is open after the last ack")
		}
		if timerDue(p) != mono.Never {
			t.Error("the timer is still set with nothing pending")
		}
	})
}

// Every way in which a publish can end, with the time it takes.
func TestAsyncEnds(t *testing.T) {
	t.Parallel()
	other := errors.New("the buffer is full")
	for name, tc := range map[string]struct {
		retry pubwin.Retry
		cfg   PublisherConfig
		act   func(t *testing.T, p *Publisher, l *scriptedLink)
		code  wire.Code
		err   error
		after time.Duration
		asks  int
	}{
		"refused": {code: wire.ServerRefused, asks: 1, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			l.reply(l.ask(0), `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 1"}}`)
		}},
		"503 with a body is an answer": {code: wire.ServerRefused, asks: 1, retry: twice, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			l.answer(l.ask(0), &proto.Frame{Header: []byte("NATS/1.0 503\r\n\r\n"), Data: []byte(`{"error":{"code":503,"err_code":10077}}`)})
		}},
		"no ack in the answer": {code: wire.InvalidAck, asks: 1, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			l.reply(l.ask(0), `pong`)
		}},
		"no stream, no retries": {code: wire.NoResponders, asks: 1, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			l.noStream(l.ask(0))
		}},
		"silence": {code: wire.AckTimeout, asks: 1, retry: twice, after: time.Second, cfg: PublisherConfig{AckTimeout: time.Second},
			act: func(t *testing.T, p *Publisher, l *scriptedLink) {
				time.Sleep(2 * time.Second)
				if _, doubts := l.counts(); doubts != 1 {
					t.Errorf("got %d doubts, want 1", doubts)
				}
				l.ack(l.ask(0), 1) // too late
			}},
		"link lost": {code: wire.Disconnected, err: natserr.Disconnected, asks: 1, retry: twice, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			l.cut()
		}},
		"link lost between two attempts": {code: wire.Disconnected, err: natserr.Disconnected, asks: 1, after: 100 * time.Millisecond, retry: twice,
			act: func(t *testing.T, p *Publisher, l *scriptedLink) {
				l.noStream(l.ask(0))
				time.Sleep(100 * time.Millisecond)
				l.cut()
			}},
		"connection closed": {code: wire.ConnectionClosed, err: natserr.ConnectionClosed, asks: 1, retry: twice, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			l.close()
		}},
		"connection closed between two attempts": {code: wire.ConnectionClosed, err: natserr.ConnectionClosed, asks: 1, after: time.Second,
			retry: pubwin.Retry{Attempts: 1, Wait: time.Hour}, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
				l.noStream(l.ask(0))
				time.Sleep(time.Second)
				l.close()
			}},
		"publisher closed": {code: wire.PublisherClosed, asks: 1, retry: twice, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			p.Close()
			l.ack(l.ask(0), 1) // too late
		}},
		"publisher closed between two attempts": {code: wire.PublisherClosed, asks: 1, retry: twice, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			l.noStream(l.ask(0))
			p.Close()
			time.Sleep(time.Second)
		}},
		"two more attempts": {code: wire.NoResponders, asks: 3, retry: twice, after: 500 * time.Millisecond, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			for n := range 3 {
				l.noStream(l.ask(n))
				time.Sleep(250 * time.Millisecond)
				synctest.Wait() // the timer is due in the same instant
			}
		}},
		"three more without a wait": {code: wire.NoResponders, asks: 4, retry: pubwin.Retry{Attempts: 3}, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			for n := range 4 {
				l.noStream(l.ask(n))
			}
		}},
		"the stream appears": {code: wire.OK, asks: 3, retry: twice, after: 500 * time.Millisecond, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			for n := range 2 {
				l.noStream(l.ask(n))
				time.Sleep(250 * time.Millisecond)
				synctest.Wait() // the timer is due in the same instant
			}
			l.ack(l.ask(2), 1)
		}},
		"an attempt that the connection refuses": {code: wire.OtherStatus, err: other, asks: 2, retry: twice, after: 250 * time.Millisecond,
			act: func(t *testing.T, p *Publisher, l *scriptedLink) {
				l.noStream(l.ask(0))
				l.script(func(*ask) error { return other })
				time.Sleep(time.Second)
			}},
		"a lost link with a message id": {code: wire.OK, asks: 2, retry: pubwin.Retry{Repeat: true}, act: func(t *testing.T, p *Publisher, l *scriptedLink) {
			l.cut()
			if again := l.ask(1); !again.opts.Now || again.number != l.ask(0).number {
				t.Errorf("asked again as %d with %+v, want as %d", again.number, again.opts, l.ask(0).number)
			}
			l.ack(l.ask(1), 1)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				p, l := newScripted(tc.cfg)
				start := time.Now()
				f := publishAsync(t, p, AsyncSpec{Data: []byte("m"), Retry: tc.retry})
				complete := p.Complete()
				tc.act(t, p, l)
				wantEnd(t, f, tc.code, tc.err)
				if got := f.at.Sub(start); got < tc.after || got > tc.after+2*time.Millisecond {
					t.Errorf("ended after %v, want %v", got, tc.after)
				}
				if len(l.all()) != tc.asks {
					t.Errorf("published %d times, want %d", len(l.all()), tc.asks)
				}
				wantPending(t, p, 0)
				if !isClosed(complete) {
					t.Error("Complete is still open")
				}
				time.Sleep(2 * time.Hour) // whatever was set must have fired
				if l.isJoined() {
					t.Error("the connection still knows the publisher")
				}
				if timerDue(p) != mono.Never {
					t.Error("the timer is still set")
				}
			})
		})
	}
}

func TestAsyncTimeoutOff(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		p, l := newScripted(PublisherConfig{AckTimeout: -1})
		f := publishAsync(t, p, AsyncSpec{})
		time.Sleep(24 * time.Hour)
		if f.resolved != 0 {
			t.Fatalf("resolved with %v", f.code)
		}
		l.ack(l.ask(0), 1)
		wantEnd(t, f, wire.OK, nil)
	})
}

// Answers and ends that come before Ask has returned.
func TestAsyncFasterThanAsk(t *testing.T) {
	t.Parallel()
	refuse := errors.New("refused")
	for name, tc := range map[string]struct {
		retry pubwin.Retry
		onAsk func(p *Publisher, l *scriptedLink, a *ask) error
		code  wire.Code
		err   error
		asks  int
	}{
		"ack": {code: wire.OK, asks: 1, onAsk: func(p *Publisher, l *scriptedLink, a *ask) error {
			l.ack(a, 1)
			return nil
		}},
		"no stream": {code: wire.OK, asks: 3, retry: pubwin.Retry{Attempts: 2}, onAsk: func(p *Publisher, l *scriptedLink, a *ask) error {
			if a.n < 2 {
				l.noStream(a)
			} else {
				l.ack(a, 1)
			}
			return nil
		}},
		"link lost": {code: wire.Disconnected, err: natserr.Disconnected, asks: 1, onAsk: func(p *Publisher, l *scriptedLink, a *ask) error {
			l.cut()
			return nil
		}},
		"publisher closed": {code: wire.PublisherClosed, asks: 1, onAsk: func(p *Publisher, l *scriptedLink, a *ask) error {
			p.Close()
			return nil
		}},
		"publisher closed, then refused": {code: wire.PublisherClosed, asks: 1, onAsk: func(p *Publisher, l *scriptedLink, a *ask) error {
			p.Close()
			return refuse
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				p, l := newScripted(PublisherConfig{})
				l.onAsk = func(a *ask) error { return tc.onAsk(p, l, a) }
				f := publishAsync(t, p, AsyncSpec{Retry: tc.retry})
				wantEnd(t, f, tc.code, tc.err)
				if asks, _ := l.counts(); asks != tc.asks {
					t.Errorf("published %d times, want %d", asks, tc.asks)
				}
				if l.isJoined() {
					t.Error("the connection still knows the publisher")
				}
				wantPending(t, p, 0)
			})
		})
	}
}

func TestAsyncFirstSendRefused(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		called := 0
		p, l := newScripted(PublisherConfig{MaxPending: 1, OnError: func(Result) { called++ }})
		complete := p.Complete()
		l.onAsk = func(*ask) error { return natserr.MaxPayload }
		f := &testFuture{}
		for range 3 { // the window is free again each time
			if err := p.PublishAsync(&AsyncSpec{Subject: "s"}, f); err != natserr.MaxPayload {
				t.Fatalf("got %v, want %v", err, natserr.MaxPayload)
			}
			f = &testFuture{}
		}
		synctest.Wait()
		if f.resolved != 0 || called != 0 {
			t.Errorf("future resolved %d times, handler called %d times, want 0", f.resolved, called)
		}
		wantPending(t, p, 0)
		if !isClosed(complete) {
			t.Error("Complete is open")
		}
	})
}

func TestStall(t *testing.T) {
	t.Parallel()
	// fill leaves a window of eight with no room.
	fill := func(t *testing.T) (*Publisher, *scriptedLink) {
		p, l := newScripted(PublisherConfig{MaxPending: 8})
		for range 8 {
			publishAsync(t, p, AsyncSpec{})
		}
		return p, l
	}
	for name, tc := range map[string]struct {
		stall time.Duration
		act   func(p *Publisher, l *scriptedLink)
		err   error
		after time.Duration
	}{
		"no room for 200 ms":     {err: ErrStalled, after: DefaultStall},
		"no room for 50 ms":      {stall: 50 * time.Millisecond, err: ErrStalled, after: 50 * time.Millisecond},
		"no patience at all":     {stall: -1, err: ErrStalled},
		"opens at three fourths": {act: func(p *Publisher, l *scriptedLink) { l.ack(l.ask(0), 1); l.ack(l.ask(1), 2) }},
		"a single free place":    {act: func(p *Publisher, l *scriptedLink) { l.ack(l.ask(0), 1) }, after: time.Millisecond},
		"a place at the last moment": {after: 150 * time.Millisecond, act: func(p *Publisher, l *scriptedLink) {
			time.Sleep(150*time.Millisecond - 100)
			l.ack(l.ask(0), 1)
		}},
		"publisher closed":  {act: func(p *Publisher, l *scriptedLink) { p.Close() }},
		"link lost":         {act: func(p *Publisher, l *scriptedLink) { l.cut() }},
		"connection closed": {act: func(p *Publisher, l *scriptedLink) { l.close() }, err: natserr.ConnectionClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				p, l := fill(t)
				start, ended := time.Now(), make(chan error, 1)
				go func() { ended <- p.PublishAsync(&AsyncSpec{Subject: "s", Stall: tc.stall}, &testFuture{}) }()
				if tc.stall >= 0 {
					synctest.Wait()
				}
				if tc.act != nil {
					tc.act(p, l)
				}
				if err := <-ended; err != tc.err {
					t.Errorf("got %v, want %v", err, tc.err)
				}
				if got := time.Since(start); got < tc.after || got > tc.after+time.Millisecond {
					t.Errorf("took %v, want %v", got, tc.after)
				}
				if p.Pending() > 8 {
					t.Errorf("%d pending, the limit is 8", p.Pending())
				}
			})
		})
	}
}

// A stall wait that the caller has given bounds the wait for room in the window and in the connection's buffer together.
func TestStallBoundsBothWaits(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const stall, inWindow = 300 * time.Millisecond, 100 * time.Millisecond
		p, l := newScripted(PublisherConfig{MaxPending: 1})
		publishAsync(t, p, AsyncSpec{})
		l.script(func(a *ask) error { // there is never room
			if a.room == mono.Never {
				return natserr.Timeout
			}
			time.Sleep(a.room.Sub(mono.Now()))
			return natserr.Timeout
		})
		time.AfterFunc(inWindow, func() { l.ack(l.ask(0), 1) })
		began := time.Now()
		if err := p.PublishAsync(&AsyncSpec{Subject: "s", Stall: stall}, &testFuture{}); err != ErrStalled {
			t.Errorf("got %v, want %v", err, ErrStalled)
		}
		if took := time.Since(began); took != stall {
			t.Errorf("took %v, want %v", took, stall)
		}
		if err := p.PublishAsync(&AsyncSpec{Subject: "s"}, &testFuture{}); err != natserr.Timeout {
			t.Errorf("with no stall wait of its own: got %v, want the connection's %v", err, natserr.Timeout)
		}
		wantPending(t, p, 0)
	})
}

func TestCloseEndsAllInOrder(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var got []string
		p, l := newScripted(PublisherConfig{AckTimeout: time.Minute, OnError: func(r Result) { got = append(got, r.(*testFuture).name) }})
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			publishAsync(t, p, AsyncSpec{Data: []byte(name)})
		}
		l.ack(l.ask(2), 1)
		p.Close()
		synctest.Wait()
		if want := []string{"a", "b", "d", "e"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		f := publishAsync(t, p, AsyncSpec{}) // it can be used again
		l.ack(l.ask(5), 2)
		wantEnd(t, f, wire.OK, nil)
	})
}

func timerDue(p *Publisher) mono.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.armed
}

// One timer serves many publishes and is not set for each.
func TestOneTimer(t *testing.T) {
	t.Parallel()
	const most = 2 * time.Millisecond
	for name, tc := range map[string]struct{ timeout, late time.Duration }{
		"exact":    {beatsFrom - time.Second, most},
		"in beats": {30 * time.Second, 2*20*time.Millisecond + most},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				p, l := newScripted(PublisherConfig{AckTimeout: tc.timeout})
				var fs []*testFuture
				for range 10 {
					fs = append(fs, publishAsync(t, p, AsyncSpec{Retry: twice}))
					if beat := p.beat(); beat > 0 && timerDue(p).Sub(mono.Now()) > beat {
						t.Errorf("the timer is due in %v, want at most a beat of %v", timerDue(p).Sub(mono.Now()), beat)
					}
					time.Sleep(tc.timeout / 30)
				}
				before := timerDue(p)
				l.noStream(l.ask(3))
				if after := timerDue(p); after >= before && after.Sub(mono.Now()) > twice.Wait {
					t.Errorf("the wait for the next attempt did not move the timer: due %v, then %v", before, after)
				}
				time.Sleep(time.Second)
				l.ack(l.ask(10), 1)
				wantEnd(t, fs[3], wire.OK, nil)
				time.Sleep(2 * tc.timeout)
				for i, f := range fs {
					if i == 3 {
						continue
					}
					wantEnd(t, f, wire.AckTimeout, nil)
					if got := f.at.Sub(l.ask(i).at); got < tc.timeout || got > tc.timeout+tc.late {
						t.Errorf("%d timed out after %v, want %v and %v more at most", i, got, tc.timeout, tc.late)
					}
				}
				if due := timerDue(p); due != mono.Never {
					t.Errorf("with nothing pending the timer is due in %v", due.Sub(mono.Now()))
				}
			})
		})
	}
}

// What is sent again goes out in order: one copy after the other, whoever causes them, and not what has ended meanwhile.
func TestOneRunnerOfJobs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		p, l := newScripted(PublisherConfig{})
		repeat := pubwin.Retry{Repeat: true}
		a := publishAsync(t, p, AsyncSpec{Data: []byte("a"), Retry: repeat})
		b := publishAsync(t, p, AsyncSpec{Data: []byte("b"), Retry: repeat})
		c := publishAsync(t, p, AsyncSpec{Data: []byte("c"), Retry: repeat})
		slow := make(chan struct{})
		l.script(func(again *ask) error { <-slow; return nil })
		go l.cut() // a is being sent again
		synctest.Wait()
		l.script(nil)
		l.cut() // and once more: that waits for its turn
		p.refused(pubwin.Token(l.ask(1).number), natserr.MaxPayload)
		if asks, _ := l.counts(); asks != 4 {
			t.Errorf("published %d times beside another, want 4", asks)
		}
		close(slow)
		synctest.Wait()
		var again []string
		for _, ask := range l.all()[3:] {
			again = append(again, ask.data)
		}
		if want := []string{"a", "c", "a", "c"}; !slices.Equal(again, want) {
			t.Errorf("sent again: got %q, want %q", again, want)
		}
		wantEnd(t, b, wire.OtherStatus, natserr.MaxPayload)
		p.Close()
		wantEnd(t, a, wire.PublisherClosed, nil)
		wantEnd(t, c, wire.PublisherClosed, nil)
	})
}

// The link is lost while a publish waits for room. Its second copy is sent then, and the first is refused: the call has succeeded all the same, and
// the future knows the end.
func TestSecondCopyIsFirst(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		p, l := newScripted(PublisherConfig{})
		l.onAsk = func(a *ask) error {
			if a.n > 0 {
				return nil
			}
			l.pub.Lost(natserr.Disconnected)
			return natserr.ReconnectBufExceeded
		}
		f := publishAsync(t, p, AsyncSpec{Retry: pubwin.Retry{Repeat: true}})
		wantPending(t, p, 1)
		l.ack(l.ask(1), 7)
		wantEnd(t, f, wire.OK, nil)
		wantPending(t, p, 0)
	})
}
