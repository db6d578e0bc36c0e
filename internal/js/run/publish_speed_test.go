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
)

// publishRace is set under the race detector, which allocates.
var publishRace bool

// echoLink acks when it is told to, or within Ask, and costs next to nothing. For one goroutine.
type echoLink struct {
	pub     *Publisher
	at      int // next in waiting to be acked
	waiting []uint64
	frame   proto.Frame
}

func newEcho(cfg PublisherConfig) (*Publisher, *echoLink) {
	l := &echoLink{frame: proto.Frame{Data: []byte(`{"stream":"ORDERS","seq":123456789}`)}}
	l.pub = newPublisher(cfg, l)
	return l.pub, l
}

func (l *echoLink) Ask(_ string, _, _ []byte, w engine.Waiter, _ mono.Time, _ engine.AskOpts) (engine.Token, error) {
	w.Reply(&l.frame)
	return 1, nil
}

func (l *echoLink) asker(engine.Taker) asker { return echoAsker{l} }

type echoAsker struct{ *echoLink }

func (a echoAsker) Ask(n uint64, subject string, hdr, data []byte, _ mono.Time) error {
	return a.AskNow(n, subject, hdr, data)
}

func (a echoAsker) AskNow(n uint64, _ string, _, _ []byte) error {
	a.waiting = append(a.waiting, n)
	return nil
}

func (echoAsker) Join()  {}
func (echoAsker) Leave() {}

// ack answers the next n.
func (l *echoLink) ack(n int) {
	for _, t := range l.waiting[l.at : l.at+n] {
		l.pub.Answer(t, &l.frame)
	}
	if l.at += n; l.at == len(l.waiting) {
		l.at, l.waiting = 0, l.waiting[:0]
	}
}

func (l *echoLink) Forget(engine.Token) bool { return true }
func (l *echoLink) Ready(*engine.Task)       {}
func (l *echoLink) Doubt()                   {}
func (l *echoLink) Done() <-chan struct{}    { return nil }

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
		p, l := newEcho(PublisherConfig{MaxPending: 64, AckTimeout: time.Minute})
		got := testing.AllocsPerRun(200, func() {
			for range 64 {
				if err := p.PublishAsync(&AsyncSpec{Subject: "orders", Data: data, Retry: twice}, &fastFuture{}); err != nil {
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
		p, _ := newEcho(PublisherConfig{})
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
			p, l := newEcho(PublisherConfig{MaxPending: window, AckTimeout: 30 * time.Second})
			data := make([]byte, 128)
			b.ReportAllocs()
			for b.Loop() {
				if p.Pending() == window {
					l.ack(window)
				}
				if err := p.PublishAsync(&AsyncSpec{Subject: "orders", Data: data, Retry: twice}, &fastFuture{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPublishSync(b *testing.B) {
	p, _ := newEcho(PublisherConfig{})
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
