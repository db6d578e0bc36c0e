package run

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// scriptedLink is a connection whose server is the test. It keeps the engine's promises: one of Reply and Fail per Ask of its own, once;
// the deadline; nothing for an asker that has left; handlers run by one goroutine at a time.
type scriptedLink struct {
	mu     sync.Mutex
	asks   []*ask
	joined bool // the publisher's asker
	doubts int
	task   struct{ running, again bool }
	pub    *Publisher
	done   chan struct{}

	// What happens within these calls, before they return; nil: nothing.
	onAsk    func(a *ask) error
	onForget func(a *ask)
}

// ask is one request: of the link's own, with a waiter, or of the publisher's asker, with a number.
type ask struct {
	n        int
	at       time.Time
	subject  string
	hdr      string
	data     string
	w        engine.Waiter
	number   uint64    // where there is no waiter
	room     mono.Time // until when it may wait for room
	by       mono.Time
	opts     engine.AskOpts
	deadline *time.Timer
	over     bool
}

func (a *ask) async() bool { return a.w == nil }

func newScripted(cfg PublisherConfig) (*Publisher, *scriptedLink) {
	l := &scriptedLink{done: make(chan struct{})}
	l.pub = newPublisher(cfg, l)
	return l.pub, l
}

func (l *scriptedLink) Ask(subject string, hdr, data []byte, w engine.Waiter, deadline mono.Time, o engine.AskOpts) (engine.Token, error) {
	a := &ask{at: time.Now(), subject: subject, hdr: string(hdr), data: string(data), w: w, by: deadline, opts: o}
	return engine.Token(l.add(a)), l.send(a)
}

func (l *scriptedLink) asker(engine.Taker) asker { return scriptedAsker{l} }

type scriptedAsker struct{ link *scriptedLink }

func (s scriptedAsker) Ask(n uint64, subject string, hdr, data []byte, by mono.Time) error {
	a := &ask{at: time.Now(), subject: subject, hdr: string(hdr), data: string(data), number: n, by: mono.Never, room: by}
	s.link.add(a)
	return s.link.send(a)
}

func (s scriptedAsker) AskNow(n uint64, subject string, hdr, data []byte) error {
	a := &ask{at: time.Now(), subject: subject, hdr: string(hdr), data: string(data), number: n, by: mono.Never, opts: engine.AskOpts{Now: true}}
	s.link.add(a)
	return s.link.send(a)
}

func (s scriptedAsker) Join()  { s.link.join(true) }
func (s scriptedAsker) Leave() { s.link.join(false) }

func (l *scriptedLink) join(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.joined = yes
}

// add has a be on its way, and its deadline run.
func (l *scriptedLink) add(a *ask) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.n = len(l.asks)
	l.asks = append(l.asks, a)
	if a.by != mono.Never {
		a.deadline = time.AfterFunc(a.by.Sub(mono.Now()), func() {
			l.end(a, func() {
				l.Doubt()
				a.w.Fail(natserr.Timeout)
			})
		})
	}
	return a.n
}

// send does what the script has happen.
func (l *scriptedLink) send(a *ask) error {
	select {
	case <-l.done:
		l.take(a)
		return natserr.ConnectionClosed
	default:
	}
	if onAsk := l.scripted(); onAsk != nil {
		if err := onAsk(a); err != nil && l.take(a) {
			return err
		}
	}
	return nil
}

func (l *scriptedLink) scripted() func(a *ask) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.onAsk
}

func (l *scriptedLink) script(onAsk func(a *ask) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onAsk = onAsk
}

// take ends a in the eyes of the link; false: it has ended.
func (l *scriptedLink) take(a *ask) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.over {
		return false
	}
	a.over = true
	if a.deadline != nil {
		a.deadline.Stop()
	}
	return true
}

func (l *scriptedLink) end(a *ask, tell func()) {
	if l.take(a) {
		tell()
	}
}

func (l *scriptedLink) Forget(t engine.Token) bool {
	a := l.ask(int(t))
	if l.onForget != nil {
		l.onForget(a)
	}
	return l.take(a)
}

func (l *scriptedLink) Doubt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubts++
}

func (l *scriptedLink) Done() <-chan struct{} { return l.done }

func (l *scriptedLink) Ready(*engine.Task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.task.running {
		l.task.again = true
		return
	}
	l.task.running = true
	go l.runTask()
}

func (l *scriptedLink) runTask() {
	more := true // also when a handler ends the goroutine
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if more || l.task.again {
			l.task.again = false
			go l.runTask()
			return
		}
		l.task.running = false
	}()
	more = l.pub.runCalls(func() bool { return true })
}

// What the test, as the server and the network, does.

func (l *scriptedLink) ask(n int) *ask {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asks[n]
}

func (l *scriptedLink) all() []*ask {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.asks)
}

// answer gives a its one answer.
func (l *scriptedLink) answer(a *ask, f *proto.Frame) {
	l.end(a, func() {
		switch {
		case !a.async():
			a.w.Reply(f)
		case l.isJoined():
			l.pub.Answer(a.number, f)
		}
	})
}

func (l *scriptedLink) reply(a *ask, data string) { l.answer(a, &proto.Frame{Data: []byte(data)}) }

func (l *scriptedLink) ack(a *ask, seq uint64) {
	l.reply(a, fmt.Sprintf(`{"stream":"S","seq":%d}`, seq))
}

func (l *scriptedLink) noStream(a *ask) {
	l.answer(a, &proto.Frame{Header: []byte("NATS/1.0 503\r\n\r\n")})
}

// cut loses the link: no answer comes to what is out now.
func (l *scriptedLink) cut() {
	l.lose(natserr.Disconnected, func(a *ask) bool { return a.async() || a.opts.FailOnDisconnect })
}

// close ends the connection for good.
func (l *scriptedLink) close() {
	close(l.done)
	l.lose(natserr.ConnectionClosed, func(*ask) bool { return true })
}

func (l *scriptedLink) lose(err error, lost func(a *ask) bool) {
	for _, a := range l.all() {
		if lost(a) {
			l.end(a, func() {
				if !a.async() {
					a.w.Fail(err)
				}
			})
		}
	}
	if l.isJoined() {
		l.pub.Lost(err)
	}
}

func (l *scriptedLink) isJoined() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.joined
}

func (l *scriptedLink) counts() (asks, doubts int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.asks), l.doubts
}

// testFuture is what a public package's future looks like.
type testFuture struct {
	Future[wire.PubAck]
	pending  Pending
	name     string
	ack      wire.PubAck
	code     wire.Code
	refused  *wire.APIError
	err      error
	resolved int
	at       time.Time
}

func (f *testFuture) Pending() *Pending { return &f.pending }

func (f *testFuture) Resolved(ack wire.StreamAck, code wire.Code, refused *wire.APIError, err error) {
	f.ack, f.code, f.refused, f.err, f.at = ack.PubAck(), code, refused, err, time.Now()
	f.resolved++
	if code == wire.OK {
		f.Resolve(ack, nil, same)
		return
	}
	if err == nil {
		err = fmt.Errorf("code %v", code)
	}
	f.Resolve(ack, err, same)
}

// bubble runs f in fake time and makes sure that nothing is left behind.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func publishAsync(t *testing.T, p *Publisher, s AsyncSpec) *testFuture {
	t.Helper()
	f := &testFuture{name: string(s.Data)}
	if s.Subject == "" {
		s.Subject = "orders"
	}
	if err := p.PublishAsync(&s, f); err != nil {
		t.Fatalf("PublishAsync: %v", err)
	}
	return f
}

// wantEnd waits for everything that goes on by itself now, and compares.
func wantEnd(t *testing.T, f *testFuture, code wire.Code, err error) {
	t.Helper()
	synctest.Wait()
	if f.resolved != 1 || f.code != code || f.err != err {
		t.Fatalf("future %q: resolved %d times, %v, %v; want once, %v, %v", f.name, f.resolved, f.code, f.err, code, err)
	}
	select {
	case <-f.Ok(same):
		if code != wire.OK {
			t.Errorf("future %q: Ok got a value after %v", f.name, code)
		}
	case <-f.Err(same):
		if code == wire.OK {
			t.Errorf("future %q: Err got a value after an ack", f.name)
		}
	default:
		t.Errorf("future %q: neither channel got a value", f.name)
	}
}

func wantPending(t *testing.T, p *Publisher, want int) {
	t.Helper()
	if got := p.Pending(); got != want {
		t.Errorf("Pending: got %d, want %d", got, want)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

var twice = pubwin.Retry{Attempts: 2, Wait: 250 * time.Millisecond}
