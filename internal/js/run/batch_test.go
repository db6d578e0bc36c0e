package run

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

func bytesSpec(maxBytes int) FetchSpec {
	s := spec(1_000_000, 30*time.Second, 0)
	s.Request.MaxBytes = maxBytes
	return s
}

func TestChannelSize(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		r    wire.PullRequest
		want int
	}{
		{wire.PullRequest{}, 1},
		{wire.PullRequest{Batch: 100}, 100},
		{wire.PullRequest{Batch: math.MaxInt}, channelMax},
		{wire.PullRequest{Batch: 1_000_000, MaxBytes: 1}, 64},
		{wire.PullRequest{Batch: 1_000_000, MaxBytes: 1 << 20}, 4096},
		{wire.PullRequest{Batch: 10, MaxBytes: 1 << 20}, 10},
	} {
		if got := channelSize(tc.r); got != tc.want {
			t.Errorf("batch %d, bytes %d: got %d, want %d", tc.r.Batch, tc.r.MaxBytes, got, tc.want)
		}
	}
}

// overflow starts a batch by bytes and delivers n messages without anybody reading.
func overflow(t *testing.T, l *fakeLink, p *Puller[string], n int) *Batch[string] {
	t.Helper()
	b := fetch(t, p, bytesSpec(100_000))
	if n <= cap(b.ch) {
		t.Fatalf("%d messages fit", n)
	}
	inbox := l.last(t).Inbox
	for i := range n {
		l.sendNow(inbox, fmt.Sprint("msg ", i))
	}
	return b
}

// TestOverflow: the reader never waits for a user, and the order stays.
func TestOverflow(t *testing.T) {
	const n = 1500
	for name, tc := range map[string]struct {
		end  func(l *fakeLink, b *Batch[string])
		all  bool
		code wire.Code
	}{
		"read":             {func(l *fakeLink, b *Batch[string]) { l.sendNow(l.asked[0].Inbox, "408 Request Timeout") }, true, wire.RequestTimeout},
		"read, then ended": {nil, true, wire.RequestTimeout},
		"stopped":          {func(_ *fakeLink, b *Batch[string]) { b.Stop() }, false, wire.Canceled},
		"closed":           {func(l *fakeLink, _ *Batch[string]) { l.closeNow() }, false, wire.ConnectionClosed},
		"complete, then closed": {func(l *fakeLink, b *Batch[string]) {
			l.sendNow(l.asked[0].Inbox, "msg "+strings.Repeat("x", 100_000))
			l.closeNow()
		}, false, wire.ConnectionClosed},
		"complete, then stopped": {func(l *fakeLink, b *Batch[string]) {
			l.sendNow(l.asked[0].Inbox, "msg "+strings.Repeat("x", 100_000))
			b.Stop()
		}, false, wire.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newFakeLink()
				p, log := newTestPuller(l)
				b := overflow(t, l, p, n)
				if tc.end != nil {
					tc.end(l, b)
				} else {
					time.AfterFunc(time.Second, func() { l.sendNow(l.asked[0].Inbox, "408 Request Timeout") })
				}
				synctest.Wait()
				got := 0
				for m := range b.Messages() {
					if m != fmt.Sprint(got) {
						t.Fatalf("message %d is %q", got, m)
					}
					got++
				}
				if code, _ := b.Result(); code != tc.code || tc.all != (got == n) {
					t.Errorf("%d of %d messages, %v; want all %v, %v", got, n, code, tc.all, tc.code)
				}
				if lost := n - got - len(strings.Fields(log.all())); lost > 0 {
					t.Errorf("%d messages are neither read nor surplus", lost)
				}
				l.closeNow()
			})
		})
	}
}

// TestEverythingEnds runs many batches over a link that flaps, with servers that answer, stop short, send too much or stay
// silent. Every batch ends in time, every message comes once or is surplus, and nothing is left.
func TestEverythingEnds(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { everythingEnds(t, seed) })
		})
	}
}

func everythingEnds(t *testing.T, seed uint64) {
	l := newFakeLink()
	p, log := newTestPuller(l)
	var sent, got atomic.Int64
	l.answer = chaoticServer(l, seed, &sent)
	var users, rest sync.WaitGroup
	for u := range 8 {
		users.Add(1)
		go func() {
			defer users.Done()
			rnd := rand.New(rand.NewPCG(seed, uint64(u)))
			for range 30 {
				got.Add(int64(chaoticFetch(t, p, rnd)))
			}
		}()
	}
	stop := make(chan struct{})
	rest.Add(1)
	go func() {
		defer rest.Done()
		rnd := rand.New(rand.NewPCG(seed, 99))
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rnd.IntN(3000)) * time.Millisecond):
			}
			l.statusNow(session.Reconnecting)
			time.Sleep(time.Duration(rnd.IntN(500)) * time.Millisecond)
			l.statusNow(session.Connected)
		}
	}()
	users.Wait()
	close(stop)
	rest.Wait()
	time.Sleep(time.Minute) // what is on its way
	if n := int64(len(strings.Fields(log.all()))) + got.Load(); n != sent.Load() {
		t.Errorf("%d messages were delivered, %d read or surplus", sent.Load(), n)
	}
	if subs, watchers, _, _ := l.counts(); subs != 0 || watchers != 0 {
		t.Errorf("%d subscriptions, %d watchers are left", subs, watchers)
	}
	l.closeNow()
}

// chaoticServer answers requests after a while, in one of many ways, and counts the messages that reached a subscription.
func chaoticServer(l *fakeLink, seed uint64, sent *atomic.Int64) func(a *fakeAsk) {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 1000))
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rnd.IntN(n)
	}
	return func(a *fakeAsk) {
		sub, r := l.find(a.Inbox), a.request()
		how, n := draw(6), draw(r.Batch+1)
		time.AfterFunc(time.Duration(draw(2000))*time.Millisecond, func() {
			var lines []string
			switch how {
			case 0: // silence
			case 1:
				lines = []string{"503"}
			case 2:
				n = r.Batch
			case 3:
				n = r.Batch + 2
			case 4:
				lines = []string{"100 Idle Heartbeat", "404 No Messages"}
			case 5:
				lines = []string{"409 Leadership Change"}
			}
			if how < 2 {
				n = 0
			}
			sent.Add(int64(n))
			l.runNow(sub, append(messages(n), lines...)...)
		})
	}
}

func chaoticFetch(t *testing.T, p *Puller[string], rnd *rand.Rand) (got int) {
	s := spec(1+rnd.IntN(5), time.Duration(1+rnd.IntN(4))*time.Second, 0)
	if rnd.IntN(2) == 0 {
		s.Request.Heartbeat = s.Request.Expires / 2
	}
	s.FailOnDisconnect = rnd.IntN(3) == 0
	start := time.Now()
	switch rnd.IntN(3) {
	case 0:
		if _, ok, _, _, err := p.Next(s); err != nil {
			t.Error(err)
		} else if ok {
			got = 1
		}
	case 1:
		ms, _, _, err := p.Collect(s)
		if err != nil {
			t.Error(err)
		}
		got = len(ms)
	case 2:
		b := fetch(t, p, s)
		if rnd.IntN(3) == 0 {
			time.AfterFunc(time.Duration(rnd.IntN(2000))*time.Millisecond, b.Stop)
		}
		for range b.Messages() {
			got++
		}
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("a batch of %v took %v", s.Request.Expires, took)
	}
	return got
}

// quietLink answers every request at once with a full batch, without allocating.
type quietLink struct {
	*fakeLink
	sink  engine.Sink
	frame proto.Frame
	batch int
}

func (l *quietLink) Subscribe(_, _ string, s engine.Sink) (*engine.Sub, error) {
	l.sink = s
	return new(engine.Sub), nil
}
func (l *quietLink) Unsubscribe(*engine.Sub) error { return nil }
func (l *quietLink) PublishVolatile(_, _ string, _, _ []byte) bool {
	for i := range l.batch {
		l.sink.Deliver(&l.frame)
		if i%16 == 15 {
			l.sink.Settle()
		}
	}
	l.sink.Settle()
	return true
}

func newQuiet(batch int) (*quietLink, *Puller[*proto.Frame]) {
	l := &quietLink{fakeLink: newFakeLink(), batch: batch, frame: proto.Frame{Subject: []byte("s.x"), Reply: []byte("$JS.ACK.S.C.1.1.1.1.1"), Data: make([]byte, 128)}}
	m := new(proto.Frame)
	p := NewPuller(PullerConfig[*proto.Frame]{Link: l, Subject: "$JS.API.CONSUMER.MSG.NEXT.S.C", Build: func(*proto.Frame) *proto.Frame { return m }})
	return l, p
}

func quietSpec(batch int) FetchSpec {
	return FetchSpec{Config: pull.Config{Request: wire.PullRequest{Batch: batch, Expires: 30 * time.Second, Heartbeat: 5 * time.Second}, Deadline: mono.Never}}
}

func drainQuiet(tb testing.TB, p *Puller[*proto.Frame], s FetchSpec) {
	b, err := p.Fetch(s)
	if err != nil {
		tb.Fatal(err)
	}
	n := 0
	for range b.Messages() {
		n++
	}
	if n != s.Request.Batch {
		tb.Fatalf("%d messages, want %d", n, s.Request.Batch)
	}
}

// pullRace is set under the race detector, which allocates.
var pullRace bool

// TestPullAllocations: a batch is an object and a channel, whatever its size; a Next is nothing but its message.
func TestPullAllocations(t *testing.T) {
	if pullRace {
		t.Skip("the race detector allocates")
	}
	_, p := newQuiet(100)
	s := quietSpec(100)
	if got := testing.AllocsPerRun(100, func() { drainQuiet(t, p, s) }); got > 3 {
		t.Errorf("Fetch(100): %v allocations besides the messages, want at most 3", got)
	}
	l, p := newQuiet(1)
	if got := testing.AllocsPerRun(100, func() {
		if _, ok, _, _, err := p.Next(s); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}); got > 1 {
		t.Errorf("Next: %v allocations besides the message, want at most 1", got)
	}
	l.sink.Closed(errClosed)
	runtime.KeepAlive(l)
}

func BenchmarkFetch100(b *testing.B) {
	b.ReportAllocs()
	_, p := newQuiet(100)
	s := quietSpec(100)
	for b.Loop() {
		drainQuiet(b, p, s)
	}
}

func BenchmarkNext(b *testing.B) {
	b.ReportAllocs()
	_, p := newQuiet(1)
	s := quietSpec(1)
	for b.Loop() {
		if _, ok, _, _, err := p.Next(s); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func messages(n int) (lines []string) {
	for range n {
		lines = append(lines, "msg x")
	}
	return lines
}
