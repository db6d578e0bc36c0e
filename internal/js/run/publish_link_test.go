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
	"github.com/gannet-io/nats/internal/session"
)

// scriptedLink is a connection whose server is the test. It keeps the engine's promises: one of Reply and Fail per Ask, once;
// the deadline; handlers run by one goroutine at a time.
type scriptedLink struct {
	mu       sync.Mutex
	asks     []*ask
	watchers map[int]func(session.Status, error)
	watched  int // number of Watch calls
	doubts   int
	forgot   int // Forget calls that gave up an Ask
	task     struct{ running, again bool }
	pub      *Publisher
	done     chan struct{}

	// What happens within these calls, before they return; nil: nothing.
	onAsk    func(a *ask) error
	onForget func(a *ask)
	onWatch  func()
}

type ask struct {
	n        int
	at       time.Time
	subject  string
	hdr      string
	data     string
	w        engine.Waiter
	by       mono.Time
	opts     engine.AskOpts
	deadline *time.Timer
	over     bool
}

func newScripted(cfg PublisherConfig) (*Publisher, *scriptedLink) {
	l := &scriptedLink{watchers: map[int]func(session.Status, error){}, done: make(chan struct{})}
	l.pub = newPublisher(cfg, l)
	return l.pub, l
}

func (l *scriptedLink) Ask(subject string, hdr, data []byte, w engine.Waiter, deadline mono.Time, o engine.AskOpts) (engine.Token, error) {
	a := &ask{at: time.Now(), subject: subject, hdr: string(hdr), data: string(data), w: w, by: deadline, opts: o}
	l.mu.Lock()
	a.n = len(l.asks)
	l.asks = append(l.asks, a)
	onAsk := l.onAsk
	if deadline != mono.Never {
		a.deadline = time.AfterFunc(deadline.Sub(mono.Now()), func() {
			l.end(a, func() {
				l.Doubt()
				w.Fail(natserr.Timeout)
			})
		})
	}
	l.mu.Unlock()
	select {
	case <-l.done:
		l.take(a)
		return 0, natserr.ConnectionClosed
	default:
	}
	if onAsk != nil {
		if err := onAsk(a); err != nil && l.take(a) {
			return 0, err
		}
	}
	return engine.Token(a.n), nil
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
	ok := l.take(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	if ok {
		l.forgot++
	}
	return ok
}

func (l *scriptedLink) Watch(fn func(session.Status, error)) func() {
	if l.onWatch != nil {
		l.onWatch()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.watched
	l.watched++
	l.watchers[n] = fn
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watchers, n)
	}
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

func (l *scriptedLink) reply(a *ask, data string) {
	l.end(a, func() { a.w.Reply(&proto.Frame{Data: []byte(data)}) })
}

func (l *scriptedLink) ack(a *ask, seq uint64) {
	l.reply(a, fmt.Sprintf(`{"stream":"S","seq":%d}`, seq))
}

func (l *scriptedLink) noStream(a *ask) {
	l.end(a, func() { a.w.Reply(&proto.Frame{Header: []byte("NATS/1.0 503\r\n\r\n")}) })
}

// cut loses the link: fragile asks fail, then the status is told.
func (l *scriptedLink) cut() {
	for _, a := range l.all() {
		if a.opts.FailOnDisconnect {
			l.end(a, func() { a.w.Fail(natserr.Disconnected) })
		}
	}
	l.tell(session.Reconnecting)
}

// close ends the connection for good.
func (l *scriptedLink) close() {
	close(l.done)
	for _, a := range l.all() {
		l.end(a, func() { a.w.Fail(natserr.ConnectionClosed) })
	}
	l.tell(session.Closed)
}

func (l *scriptedLink) tell(s session.Status) {
	for _, fn := range l.watching() {
		fn(s, nil)
	}
}

func (l *scriptedLink) watching() (fns []func(session.Status, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, fn := range l.watchers {
		fns = append(fns, fn)
	}
	return fns
}

func (l *scriptedLink) counts() (asks, doubts, forgot, watchers int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.asks), l.doubts, l.forgot, len(l.watchers)
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
	if err := p.PublishAsync(s, f); err != nil {
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
