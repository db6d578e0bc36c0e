package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

var errClosed = errors.New("closed")

// fakeLink is a connection whose server is the test: its methods ending in Now play the reader and the supervisor.
type fakeLink struct {
	mu       sync.Mutex
	state    session.Status
	inboxes  int
	subs     map[*engine.Sub]*fakeSub
	bySubj   map[string]*fakeSub
	watchers map[int]func(session.Status, error)
	watches  int
	asked    []fakeAsk
	doubts   int
	owed     atomic.Int64
	refuse   error            // of Subscribe
	answer   func(a *fakeAsk) // called for every request, under no lock
	reader   sync.Mutex       // one reader at a time

	stopped   []string      // inboxes of which the server was told to send no more
	holdPongs bool          // PONGs come with pongNow
	pongs     []func(error) // that are awaited
	workers   engine.Conn   // runs tasks
	holds     []<-chan struct{}
	deletions map[int]func(string)
	answerAsk func(subject string, w engine.Waiter)
	left      []string // consumers that were given up
}

type fakeSub struct {
	inbox string
	sink  engine.Sink
	sub   *engine.Sub
}

type fakeAsk struct {
	Subject, Inbox string
	JSON           string
}

func newFakeLink() *fakeLink {
	return &fakeLink{state: session.Connected, subs: map[*engine.Sub]*fakeSub{}, bySubj: map[string]*fakeSub{}, watchers: map[int]func(session.Status, error){}}
}

func (l *fakeLink) Subscribe(subject, _ string, s engine.Sink) (*engine.Sub, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		return nil, l.refuse
	}
	f := &fakeSub{inbox: subject, sink: s, sub: new(engine.Sub)}
	l.subs[f.sub], l.bySubj[subject] = f, f
	return f.sub, nil
}

func (l *fakeLink) Unsubscribe(s *engine.Sub) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.subs[s]
	if f == nil {
		return errClosed
	}
	delete(l.subs, s)
	delete(l.bySubj, f.inbox)
	return nil
}

func (l *fakeLink) PublishVolatile(subject, reply string, _, data []byte) bool {
	a := fakeAsk{subject, reply, string(data)}
	if !l.note(a) {
		return false
	}
	if l.answer != nil {
		l.answer(&a)
	}
	return true
}

func (l *fakeLink) note(a fakeAsk) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != session.Connected {
		return false
	}
	l.asked = append(l.asked, a)
	return true
}

// Ask notes requests to delete consumers. answerAsk is what becomes of them, at once; without it they are granted.
func (l *fakeLink) Ask(subject string, _, _ []byte, w engine.Waiter, _ mono.Time, _ engine.AskOpts) (engine.Token, error) {
	switch l.Status() {
	case session.Closed:
		return 0, natserr.ConnectionClosed
	case session.Connected:
		l.note(fakeAsk{Subject: subject})
	}
	if answer := l.answerOfAsk(); answer != nil {
		answer(subject, w)
		return 0, nil
	}
	w.Reply(&proto.Frame{Data: []byte(`{"success":true}`)})
	return 0, nil
}

func (l *fakeLink) answerOfAsk() func(subject string, w engine.Waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answerAsk
}

func (l *fakeLink) ConsumerLeft(request string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = append(l.left, fmt.Sprintf("%s: %v", request, err))
}

func (l *fakeLink) Watch(fn func(session.Status, error)) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.watches
	l.watches++
	l.watchers[n] = fn
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.watchers, n)
	}
}

func (l *fakeLink) Status() session.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

func (l *fakeLink) NewInbox() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inboxes++
	return fmt.Sprintf("_INBOX.%d", l.inboxes)
}

func (l *fakeLink) StopServer(s *engine.Sub) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.subs[s]
	if f == nil {
		return errClosed
	}
	l.stopped = append(l.stopped, f.inbox)
	return nil
}

func (l *fakeLink) OnPong(fn func(error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pongs = append(l.pongs, fn)
	if !l.holdPongs {
		go l.pongNow()
	}
	return nil
}

// pongNow answers all PINGs.
func (l *fakeLink) pongNow() {
	for _, fn := range l.takePongs() {
		fn(nil)
	}
}

func (l *fakeLink) takePongs() []func(error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pongs := l.pongs
	l.pongs = nil
	return pongs
}

func (l *fakeLink) Ready(t *engine.Task) { l.workers.Ready(t) }

func (l *fakeLink) HoldDrain(done <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds = append(l.holds, done)
}

func (l *fakeLink) OnDeleted(fn func(string)) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.watches
	l.watches++
	if l.deletions == nil {
		l.deletions = map[int]func(string){}
	}
	l.deletions[n] = fn
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.deletions, n)
	}
}

// deletedNow says that the program had something deleted.
func (l *fakeLink) deletedNow(request string) {
	for _, fn := range l.allDeletions() {
		fn(request)
	}
}

func (l *fakeLink) allDeletions() []func(string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Collect(maps.Values(l.deletions))
}

func (l *fakeLink) Owe(n int) { l.owed.Add(int64(n)) }

func (l *fakeLink) Doubt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubts++
}

// statusNow changes the state and tells it.
func (l *fakeLink) statusNow(s session.Status) {
	for _, fn := range l.setStatus(s) {
		fn(s, nil)
	}
}

func (l *fakeLink) setStatus(s session.Status) (tell []func(session.Status, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	for _, fn := range l.watchers {
		tell = append(tell, fn)
	}
	return tell
}

// closeNow closes the connection as the engine does.
func (l *fakeLink) closeNow() {
	l.statusNow(session.Closed)
	for _, s := range l.closeSubs() {
		s.sink.Closed(errClosed)
	}
	l.workers.Close()
}

func (l *fakeLink) closeSubs() (subs []*fakeSub) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = errClosed
	for _, s := range l.subs {
		subs = append(subs, s)
	}
	clear(l.subs)
	clear(l.bySubj)
	return subs
}

func (l *fakeLink) find(inbox string) *fakeSub {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bySubj[inbox]
}

// sendNow delivers lines to an inbox in one run: "msg x" is a message with payload x, "404 No Messages" a status.
func (l *fakeLink) sendNow(inbox string, lines ...string) {
	if s := l.find(inbox); s != nil {
		l.runNow(s, lines...)
	}
}

func (l *fakeLink) runNow(s *fakeSub, lines ...string) {
	l.reader.Lock()
	defer l.reader.Unlock()
	for _, line := range lines {
		f := proto.Frame{Subject: []byte("s.x"), Reply: []byte("$JS.ACK.S.C.1.1.1.1.1")}
		if word, ok := strings.CutPrefix(line, "msg "); ok {
			f.Data = []byte(word)
		} else {
			f = proto.Frame{Subject: []byte(s.inbox), Header: []byte("NATS/1.0 " + line + "\r\n\r\n")}
		}
		s.sink.Deliver(&f)
	}
	s.sink.Settle()
}

// last is the last request.
func (l *fakeLink) last(t *testing.T) fakeAsk {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.asked) == 0 {
		t.Fatal("nothing was asked")
	}
	return l.asked[len(l.asked)-1]
}

func (l *fakeLink) counts() (subs, watchers, asked, doubts int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.subs), len(l.watchers), len(l.asked), l.doubts
}

func (a *fakeAsk) request() (r struct {
	Batch   int
	Expires time.Duration
	NoWait  bool `json:"no_wait"`
	ID      string
}) {
	if err := json.Unmarshal([]byte(a.JSON), &r); err != nil {
		panic(err)
	}
	return r
}

// newTestPuller makes a Puller whose surplus is collected.
func newTestPuller(l pullLink) (*Puller[string], *surplusLog) {
	log := new(surplusLog)
	return NewPuller(PullerConfig[string]{
		Link:    l,
		Subject: "$JS.API.CONSUMER.MSG.NEXT.S.C",
		Build:   func(f *proto.Frame) string { return string(f.Data) },
		Surplus: log.add,
	}), log
}

type surplusLog struct {
	mu sync.Mutex
	ms []string
}

func (s *surplusLog) add(m string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ms = append(s.ms, m)
}

func (s *surplusLog) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.ms, " ")
}

func spec(batch int, expires, heartbeat time.Duration) FetchSpec {
	return FetchSpec{Config: pull.Config{
		Request:  wire.PullRequest{Batch: batch, Expires: expires, Heartbeat: heartbeat},
		Deadline: mono.Never,
	}}
}

// read drains a batch and says how it ended.
func read(b *Batch[string]) (ms string, code wire.Code) {
	var all []string
	for m := range b.Messages() {
		all = append(all, m)
	}
	code, _ = b.Result()
	return strings.Join(all, " "), code
}
