package run

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/session"
)

// FeedConfig says what a [Feed] is made of. All functions run under no lock.
type FeedConfig[M any] struct {
	pull.FlowConfig
	// Handle is called for each message, one after the other, on the connection's dispatcher. nil: messages are taken by Next.
	Handle func(m M)
	// Tell is called with every failure, one after the other, on the connection's dispatcher, beside Handle. Also with the reason of an end
	// that the user did not cause. nil: nobody wants to know.
	Tell func(code wire.Code, words string)
	// Disturbs says which failures end a Next that waits; lasting means that failures have lasted for two heartbeats. nil: none does.
	Disturbs func(code wire.Code, lasting bool) bool
	// Missing asks the server whether the consumer does not exist; any doubt is a no. It may wait until ctx ends. nil: nobody knows.
	Missing func(ctx context.Context) bool
	// Supplier makes the feed ordered: it reads each message of a stream once, in order, from consumers without acks, and begins with the
	// one that is First. nil: there is one consumer, that of the Puller.
	Supplier Supplier
	First    Origin
}

// missingTime bounds a Missing.
const missingTime = 2 * time.Second

// Feed is a continuous pull: Consume and Messages. Its methods may be called concurrently, also by Handle and Tell.
//
//	reader ── run of messages ──▶ queue ──▶ Handle on the dispatcher, or Next
//	             │                  │
//	             └──▶ pull.Flow ◀───┘ taken: below the threshold it asks for more
//
// The reader puts what comes into a queue, which the flow bounds, and never waits. Requests are sent by whoever takes the message that
// makes the queue too short. There is one inbox; when the requests on it are void it is left and a new one is made,
// so that nothing is served twice. What still comes on the last one is welcome.
//
// Lock order: mu, then Puller.mu, then what the engine locks. mu is never held while something is sent, or in a user's function.
type Feed[M any] struct {
	p   *Puller[M]
	cfg FeedConfig[M]

	discard  atomic.Bool   // the user does not want what is in the queue
	signal   chan struct{} // something is there for a Next that waits
	finished chan struct{} // closed when nothing more will come
	over     chan struct{} // closed when nothing more will be called either

	handling engine.Task
	chunk    chunk[M] // the worker's
	telling  engine.Task

	mu      sync.Mutex
	machine pull.Flow
	subject string       // of requests
	slot    *feedSlot[M] // the inbox; nil: the next request makes one
	old     *feedSlot[M] // the one before
	serial  uint32       // changes when jobs that were decided before become void
	queue   feedQueue[M]
	busy    bool                  // handling is queued or runs
	taken   struct{ n, size int } // out of the queue, not told to the machine
	news    []feedNews
	talking bool // telling is queued or runs

	ended  bool
	closed bool // over is closed
	code   wire.Code
	words  string
	known  bool // a Next has returned the end's reason

	waiting   int // in Next
	disturbed bool
	trouble   feedNews

	alarm   alarm
	unwatch func()
	up      bool
	ups     int // changes of the connection that the machine has not been told of
	downs   int
	leaving bool      // the connection drains
	again   mono.Time // when a link that took no request is tried again
	renewal renewal   // of an ordered feed

	bereft   *feedSlot[M] // the inbox of requests to a consumer that is known to be deleted
	bereftAt mono.Time    // when they end, unless the server says so before; mono.Never: there are none
	deafen   func()       // to deletions

	jobs  jobQueue[feedJob[M]]
	body  []byte          // of a request; the runner's
	ctx   context.Context // of Missing
	leave context.CancelFunc
}

// feedNews is a failure on its way to the user.
type feedNews struct {
	code    wire.Code
	words   string
	lasting bool
}

// newsKept bounds the failures that wait for a Tell that does not return.
const newsKept = 64

// NewFeed makes a Feed of the Puller's consumer. It does nothing until Start.
func NewFeed[M any](p *Puller[M], cfg FeedConfig[M]) *Feed[M] {
	f := &Feed[M]{
		p: p, cfg: cfg,
		signal:   make(chan struct{}, 1),
		finished: make(chan struct{}),
		over:     make(chan struct{}),
		subject:  p.target(),
		again:    mono.Never,
		bereftAt: mono.Never,
		renewal:  renewal{from: cfg.First.From, at: mono.Never},
	}
	if cfg.Supplier != nil {
		f.subject = cfg.First.Subject
	}
	f.ctx, f.leave = context.WithCancel(context.Background())
	f.handling.Bind((*feedHandling[M])(f))
	f.telling.Bind((*feedTelling[M])(f))
	f.machine.Reset(cfg.FlowConfig)
	return f
}

// Start begins, once. Errors are those of engine.Conn.Subscribe; after one the feed is not in use.
func (f *Feed[M]) Start() error {
	if f.cfg.Request.Group != "" {
		f.p.grouped.Store(true)
	}
	s, err := f.newSlot(f.cfg.First.From)
	if err != nil {
		return err
	}
	f.start(s)
	f.work()
	return nil
}

func (f *Feed[M]) start(s *feedSlot[M]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended { // closed, or stopped by somebody quick
		f.jobs.add(feedJob[M]{kind: feedUnsubscribe, slot: s})
		return
	}
	f.slot = s
	f.p.link.Owe(1) // a silent link is probed while somebody waits on it
	f.unwatch = f.p.link.Watch(f.statusChanged)
	f.deafen = f.p.link.OnDeleted(f.noteDeletion)
	// A change from here on waits for mu.
	status := f.p.link.Status()
	f.up, f.leaving = up(status), draining(status)
	now := mono.Now()
	f.applyLocked(now, f.machine.Start(now, f.up))
	if status == session.Closed {
		f.applyLocked(now, f.machine.Closed(now))
	}
}

// Stop ends the feed. What has arrived and was not taken is thrown away; the server delivers it again after the ack wait.
func (f *Feed[M]) Stop() {
	f.stop()
	f.work()
}

func (f *Feed[M]) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.discardLocked()
	now := mono.Now()
	f.applyLocked(now, f.machine.Stop(now))
	f.closeLocked()
}

func (f *Feed[M]) discardLocked() {
	f.discard.Store(true)
	f.queue.drop()
}

// Drain ends the feed. What has arrived, and what the server has sent by now, is delivered.
func (f *Feed[M]) Drain() {
	f.drain()
	f.work()
}

func (f *Feed[M]) drain() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := mono.Now()
	f.applyLocked(now, f.machine.Drain(now))
}

// Finished is closed when nothing more will come; messages may be left.
func (f *Feed[M]) Finished() <-chan struct{} { return f.finished }

// Over is closed when nothing more will come, everything has been handled, told or thrown away, and the last Handle and Tell have returned.
func (f *Feed[M]) Over() <-chan struct{} { return f.over }

// Result says how the feed ended, with the server's words if it was the server who ended it: wire.OK after StopAfter messages, or while it
// runs; wire.Canceled after Stop and Drain.
func (f *Feed[M]) Result() (code wire.Code, words string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.code, f.words
}

// finishLocked is the end of asking.
func (f *Feed[M]) finishLocked(code wire.Code, words string) {
	f.ended, f.code, f.words = true, code, words
	f.serial++
	f.releaseLocked()
	if f.cfg.Supplier != nil {
		f.jobs.add(feedJob[M]{kind: feedForsake})
	}
	if f.unwatch != nil {
		f.unwatch()
		f.deafen()
		f.p.link.Owe(-1)
	}
	f.alarm.stop()
	f.leave()
	if code == wire.ConnectionClosed { // nothing can be acknowledged any more
		f.discardLocked()
	}
	if code != wire.OK && code != wire.Canceled {
		f.tellLocked(feedNews{code: code, words: words})
	}
	close(f.finished)
	f.closeLocked()
}

// closeLocked closes over when it is time.
func (f *Feed[M]) closeLocked() {
	if f.ended && !f.closed && f.queue.len() == 0 && !f.busy && !f.talking {
		f.closed = true
		close(f.over)
	}
}
