package run

import (
	"bytes"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// serveLink serves each request at once when it is told to, and costs next to nothing. For one goroutine.
type serveLink struct {
	sink  engine.Sink
	owed  int
	batch int // that is being read
	frame proto.Frame
}

func newServeLink() *serveLink {
	return &serveLink{frame: proto.Frame{Subject: []byte("s.x"), Reply: []byte("$JS.ACK.S.C.1.1.1.1.1"), Data: make([]byte, 16)}}
}

func (l *serveLink) Subscribe(_, _ string, s engine.Sink) (*engine.Sub, error) {
	l.sink = s
	return nil, nil
}
func (l *serveLink) PublishVolatile(_, _ string, _, body []byte) bool {
	_, after, _ := bytes.Cut(body, []byte(`"batch":`))
	for _, c := range after {
		if c < '0' || c > '9' {
			break
		}
		l.batch = 10*l.batch + int(c-'0')
	}
	l.owed += l.batch
	l.batch = 0
	return true
}
func (l *serveLink) Unsubscribe(*engine.Sub) error                   { return nil }
func (l *serveLink) StopServer(*engine.Sub) error                    { return nil }
func (l *serveLink) OnPong(func(error)) error                        { return nil }
func (l *serveLink) Watch(func(session.Status, error)) (stop func()) { return func() {} }
func (l *serveLink) Status() session.Status                          { return session.Connected }
func (l *serveLink) NewInbox() string                                { return "_INBOX.1" }
func (l *serveLink) Doubt()                                          {}
func (l *serveLink) HoldDrain(<-chan struct{})                       {}
func (l *serveLink) OnDeleted(func(string)) (stop func())            { return func() {} }
func (l *serveLink) Owe(int)                                         {}
func (l *serveLink) Ready(*engine.Task)                              {}

// send delivers runs of 50, and what the requests allow.
func (l *serveLink) send() (sent int) {
	for l.owed >= 50 {
		for range 50 {
			l.sink.Deliver(&l.frame)
		}
		l.sink.Settle()
		l.owed -= 50
		sent += 50
	}
	return sent
}

func newServed(t testing.TB, handle func(int)) (*Feed[int], *serveLink) {
	l := newServeLink()
	p := NewPuller(PullerConfig[int]{Link: l, Subject: "x", Build: func(*proto.Frame) int { return 1 }})
	flow := pull.FlowConfig{Request: wire.PullRequest{Batch: 500, Expires: 30 * time.Second, Heartbeat: 15 * time.Second}}
	f := NewFeed(p, FeedConfig[int]{FlowConfig: flow, Handle: handle})
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Stop)
	return f, l
}

func TestFeedAllocations(t *testing.T) {
	if pullRace {
		t.Skip("the race detector allocates")
	}
	t.Run("Handle", func(t *testing.T) {
		handled, sent := 0, 0
		f, l := newServed(t, func(n int) { handled += n })
		got := testing.AllocsPerRun(200, func() {
			sent += l.send()
			f.handle(func() bool { return false })
		})
		if got > 0 || handled != sent || handled < 200*200 {
			t.Errorf("got %v allocations for %d messages of %d sent, want none", got, handled, sent)
		}
	})
	for name, next := range nexts {
		t.Run(name, func(t *testing.T) {
			sent := 0
			f, l := newServed(t, nil)
			got := testing.AllocsPerRun(200, func() {
				n := l.send()
				for range n {
					if got := next(f); got != 1 {
						t.Fatalf("got %d, want a message", got)
					}
				}
				sent += n
			})
			if got > 0 || sent < 200*200 {
				t.Errorf("got %v allocations for %d messages, want none", got, sent)
			}
		})
	}
}

// nexts are the ways to a message that is there.
var nexts = map[string]func(f *Feed[int]) int{
	"Next": func(f *Feed[int]) int { return f.Next(nil, 0).Message },
	"Take": func(f *Feed[int]) int { m, _ := f.Take(); return m },
}

func BenchmarkFeed(b *testing.B) {
	b.Run("Handle", func(b *testing.B) {
		b.ReportAllocs()
		handled := 0
		f, l := newServed(b, func(n int) { handled += n })
		for b.Loop() {
			if handled--; handled < 0 {
				l.send()
				f.handle(func() bool { return false })
			}
		}
	})
	for name, next := range nexts {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			left := 0
			f, l := newServed(b, nil)
			for b.Loop() {
				if left == 0 {
					left = l.send()
				}
				next(f)
				left--
			}
		})
	}
}
