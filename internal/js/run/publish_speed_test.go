package run

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// publishRace is set under the race detector, which allocates.
var publishRace bool

// echoLink acks when it is told to, or within Ask, and costs next to nothing. For one goroutine.
type echoLink struct {
	at      int // next in waiting to be acked
	waiting []engine.Waiter
	now     bool
	frame   proto.Frame
}

func newEcho(cfg PublisherConfig, now bool) (*Publisher, *echoLink) {
	l := &echoLink{now: now, frame: proto.Frame{Data: []byte(`{"stream":"ORDERS","seq":123456789}`)}}
	return newPublisher(cfg, l), l
}

func (l *echoLink) Ask(_ string, _, _ []byte, w engine.Waiter, _ mono.Time, _ engine.AskOpts) (engine.Token, error) {
	if l.now {
		w.Reply(&l.frame)
	} else {
		l.waiting = append(l.waiting, w)
	}
	return 1, nil
}

// ack answers the next n.
func (l *echoLink) ack(n int) {
	for _, w := range l.waiting[l.at : l.at+n] {
		w.Reply(&l.frame)
	}
	if l.at += n; l.at == len(l.waiting) {
		l.at, l.waiting = 0, l.waiting[:0]
	}
}

func (l *echoLink) Forget(engine.Token) bool                        { return true }
func (l *echoLink) Watch(func(session.Status, error)) (stop func()) { return func() {} }
func (l *echoLink) Ready(*engine.Task)                              {}
func (l *echoLink) Doubt()                                          {}
func (l *echoLink) Done() <-chan struct{}                           { return nil }

// fastFuture is a future without the bookkeeping of the tests.
type fastFuture struct {
	Future[wire.PubAck]
	pending Pending
}

func (f *fastFuture) Pending() *Pending { return &f.pending }
func (f *fastFuture) Resolved(ack wire.StreamAck, _ wire.Code, _ *wire.APIError, err error) {
	f.Resolve(ack, err, same)
}

func TestPublishAllocations(t *testing.T) {
	if publishRace {
		t.Skip("the race detector allocates")
	}
	data := make([]byte, 16)
	t.Run("async", func(t *testing.T) {
		p, l := newEcho(PublisherConfig{MaxPending: 64, AckTimeout: time.Minute}, false)
		got := testing.AllocsPerRun(200, func() {
			for range 64 {
				if err := p.PublishAsync(AsyncSpec{Subject: "orders", Data: data, Retry: twice}, &fastFuture{}); err != nil {
					t.Fatal(err)
				}
			}
			l.ack(64)
		}) / 64
		if got > 1 {
			t.Errorf("got %v allocations for a publish and its ack, want 1: the future", got)
		}
	})
	t.Run("sync", func(t *testing.T) {
		p, _ := newEcho(PublisherConfig{}, true)
		ctx := t.Context()
		got := testing.AllocsPerRun(1000, func() {
			if _, code, _, err := p.Publish(ctx, SyncSpec{Subject: "orders", Data: data, Budget: time.Second, Retry: twice}); code != wire.OK || err != nil {
				t.Fatal(code, err)
			}
		})
		if got > 0 {
			t.Errorf("got %v allocations, want none", got)
		}
	})
}

func BenchmarkPublishAsync(b *testing.B) {
	for _, window := range []int{1, 256, 4000} {
		b.Run(fmt.Sprint(window), func(b *testing.B) {
			p, l := newEcho(PublisherConfig{MaxPending: window, AckTimeout: 30 * time.Second}, false)
			data := make([]byte, 128)
			b.ReportAllocs()
			for b.Loop() {
				if p.Pending() == window {
					l.ack(window)
				}
				if err := p.PublishAsync(AsyncSpec{Subject: "orders", Data: data, Retry: twice}, &fastFuture{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPublishSync(b *testing.B) {
	p, _ := newEcho(PublisherConfig{}, true)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	data := make([]byte, 128)
	b.ReportAllocs()
	for b.Loop() {
		if _, code, _, _ := p.Publish(ctx, SyncSpec{Subject: "orders", Data: data, Budget: time.Second}); code != wire.OK {
			b.Fatal(code)
		}
	}
}
