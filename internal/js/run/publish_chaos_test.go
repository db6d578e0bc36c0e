package run

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
)

// Four publishers, a server of bad character, a link that is cut, and cleanups: every future ends once, every handler is called
// once, nothing is pending at the end, and Complete is closed.
func TestEveryFutureEnds(t *testing.T) {
	t.Parallel()
	for range 8 {
		bubble(t, func(t *testing.T) { chaos(t, uint64(time.Now().UnixNano())+rand.Uint64()) })
	}
}

func chaos(t *testing.T, seed uint64) {
	const publishers, each = 4, 150
	var handled atomic.Int64
	handler := func(Result) { handled.Add(1) }
	p, l := newScripted(PublisherConfig{MaxPending: 32, AckTimeout: 3 * time.Second, OnAck: handler, OnError: handler})
	dice := &dice{rnd: rand.New(rand.NewPCG(seed, 1))}
	l.script(func(a *ask) error { return serveBadly(l, a, dice) })

	var mu sync.Mutex
	var futures []*testFuture
	var work sync.WaitGroup
	for range publishers {
		work.Go(func() {
			for range each {
				f := &testFuture{}
				retry := pubwin.Retry{Attempts: dice.roll(4), Wait: time.Duration(dice.roll(3)) * 10 * time.Millisecond, Repeat: dice.roll(2) == 0}
				if p.PublishAsync(&AsyncSpec{Subject: "s", Retry: retry}, f) == nil {
					mu.Lock()
					futures = append(futures, f)
					mu.Unlock()
				}
				if _, code, _, _ := p.Publish(t.Context(), SyncSpec{Subject: "s", Retry: retry, Budget: 20 * time.Millisecond}); code == wire.Canceled {
					t.Errorf("seed %d: a sync publish with a live context was canceled", seed)
				}
			}
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			time.Sleep(time.Duration(1+dice.roll(60)) * time.Millisecond)
			if dice.roll(3) == 0 {
				p.Close()
			} else {
				l.cut()
			}
		}
	}()
	work.Wait()
	stop()
	<-p.Complete()
	time.Sleep(time.Second) // the goroutine above, and the timer
	synctest.Wait()
	if l.isJoined() || timerDue(p) != mono.Never {
		t.Errorf("seed %d: the connection knows the publisher: %t; the timer is due at %d", seed, l.isJoined(), timerDue(p))
	}

	wantPending(t, p, 0)
	codes := map[wire.Code]int{}
	for i, f := range futures {
		if codes[f.code]++; f.resolved != 1 {
			t.Errorf("seed %d: future %d was resolved %d times", seed, i, f.resolved)
		}
	}
	for _, code := range []wire.Code{wire.OK, wire.NoResponders, wire.Disconnected, wire.PublisherClosed} {
		if codes[code] == 0 {
			t.Errorf("seed %d: no future ended with %v: %v", seed, code, codes)
		}
	}
	if got := handled.Load(); got != int64(len(futures)) {
		t.Errorf("seed %d: handlers were called %d times for %d futures", seed, got, len(futures))
	}
	if i := slices.IndexFunc(l.all(), func(a *ask) bool { return !a.over && !a.async() }); i >= 0 {
		t.Errorf("seed %d: ask %d is still out", seed, i)
	}
}

func serveBadly(l *scriptedLink, a *ask, d *dice) error {
	answer := func(f func()) {
		switch d.roll(3) {
		case 0:
			f()
		case 1:
			go f()
		default:
			time.AfterFunc(time.Duration(d.roll(30))*time.Millisecond, f)
		}
	}
	switch n := d.roll(20); {
	case n < 12:
		answer(func() { l.ack(a, 1) })
	case n < 17:
		answer(func() { l.noStream(a) })
	case n < 18:
		answer(func() { l.reply(a, "junk") })
	case n < 19:
		return natserr.ReconnectBufExceeded
	}
	return nil // silence
}

// dice may be rolled by many.
type dice struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func (d *dice) roll(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rnd.IntN(n)
}
