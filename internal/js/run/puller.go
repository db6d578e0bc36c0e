package run

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// PullerConfig says what a [Puller] is made of.
type PullerConfig[M any] struct {
	Link    pullLink // an *engine.Conn
	Subject string   // of pull requests, with the API prefix: $JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>
	// Build makes the user's message from a borrowed frame. It runs on the reader and must not block.
	Build func(f *proto.Frame) M
	// Surplus takes a message that came when no batch wanted it, on the reader or another goroutine, under no lock. It should tell the
	// server (a nak), and must not block. nil: such messages are dropped, and redelivered after the ack wait.
	Surplus func(m M)
	// Accept judges a message of a batch before it is made; one that is refused is dropped, and not counted. On the reader. nil: all are good.
	Accept func(f *proto.Frame) bool
	// Taken is told of the last message of each run that a batch has got, before the batch can be over. It runs under the Puller's lock and must
	// not call it. nil: nobody wants to know.
	Taken func(m M)
}

// Puller fetches from one consumer. A consumer handle keeps one for its life and need not close it: ten seconds after the last
// batch it holds nothing of the connection. It is safe for concurrent use; batches run side by side.
//
// Lock order: mu, then the connection's watch list. mu is never held while requests are sent.
type Puller[M any] struct {
	link    pullLink
	build   func(f *proto.Frame) M
	surplus func(m M)
	accept  func(f *proto.Frame) bool // nil: all
	taken   func(m M)                 // nil: nobody wants to know
	grouped atomic.Bool               // a batch of a priority group was started: messages may carry a pin id
	quit    chan struct{}             // closed when the connection has closed

	mu      sync.Mutex
	subject string // of requests
	active  []*Batch[M]
	free    []*pullSlot[M] // clean subscriptions, the last used one at the end
	spare   *Batch[M]      // of a Next that has returned
	backoff pull.Backoff
	pin     string // the pin id of the consumer's priority group, as last seen

	alarm alarm

	unwatch func() // nil while nothing is subscribed
	deafen  func() // to deletions; likewise
	watch   int    // number of the registration: a late call of an earlier one is not heard
	up      bool
	ups     uint32 // how often the connection came
	downs   uint32 // and went
	leaving bool   // the connection drains: subscriptions are not kept
	closed  bool
	jobs    jobQueue[pullJob[M]]
	body    []byte // of a request; the runner's
}

// NewPuller makes a Puller. It does nothing until the first batch.
func NewPuller[M any](cfg PullerConfig[M]) *Puller[M] {
	p := &Puller[M]{
		link:    cfg.Link,
		subject: cfg.Subject,
		build:   cfg.Build,
		surplus: cfg.Surplus,
		accept:  cfg.Accept,
		taken:   cfg.Taken,
		quit:    make(chan struct{}),
	}
	if p.surplus == nil {
		p.surplus = func(M) {}
	}
	return p
}

// Aim makes the batches to come ask another consumer. There must be none that runs.
func (p *Puller[M]) Aim(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subject = subject
}

func (p *Puller[M]) target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.subject
}

// FetchSpec is one batch. Mind that Config.Deadline must be mono.Never when there is none.
type FetchSpec struct {
	pull.Config
	// Context ends the batch with wire.Canceled. nil: nothing does.
	Context context.Context
}

// Fetch starts a batch, whose messages come through a channel. While the connection is down the batch waits for it, within
// its time. Errors are those of engine.Conn.Subscribe; all else is told by [Batch.Result].
func (p *Puller[M]) Fetch(spec FetchSpec) (*Batch[M], error) {
	b := &Batch[M]{p: p, ch: make(chan M, channelSize(spec.Request))}
	if err := p.begin(b, &spec); err != nil {
		return nil, err
	}
	if ctx := spec.Context; ctx != nil && ctx.Done() != nil {
		b.watchContext(ctx)
	}
	return b, nil
}

// Collect waits for a batch and returns its messages in a slice: a Fetch without the channel. The code is that of
// [Batch.Result]; messages may come with any code. The error is one of engine.Conn.Subscribe.
func (p *Puller[M]) Collect(spec FetchSpec) ([]M, wire.Code, string, error) {
	b, err := p.wait(&spec)
	if err != nil {
		return nil, wire.OK, "", err
	}
	ms, code, words := b.more, b.code, b.words
	b.more = nil
	p.recycle(b)
	return ms, code, words, nil
}

// Next waits for one message. ok says that it came; else code says why not, as in [Batch.Result]. The error is one of
// engine.Conn.Subscribe.
func (p *Puller[M]) Next(spec FetchSpec) (m M, ok bool, code wire.Code, words string, err error) {
	spec.Request.Batch = 1
	b, err := p.wait(&spec)
	if err != nil {
		return m, false, wire.OK, "", err
	}
	if ok = len(b.more) > 0; ok {
		m = b.more[0]
	}
	code, words = b.code, b.words
	p.recycle(b)
	return m, ok, code, words, nil
}

// wait runs a batch without a channel until it is over.
func (p *Puller[M]) wait(spec *FetchSpec) (*Batch[M], error) {
	b := p.takeSpare()
	if err := p.begin(b, spec); err != nil {
		p.recycle(b)
		return nil, err
	}
	var canceled <-chan struct{}
	if spec.Context != nil {
		canceled = spec.Context.Done()
	}
	select {
	case <-b.over:
	case <-canceled:
		p.stop(b, wire.Canceled)
		<-b.over
	}
	return b, nil
}

func (p *Puller[M]) takeSpare() *Batch[M] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.spare; b != nil {
		p.spare = nil
		return b
	}
	return &Batch[M]{p: p, over: make(chan struct{}, 1)}
}

// recycle keeps b for the next batch without a channel. Nobody else may know b: it is over, or never began.
func (p *Puller[M]) recycle(b *Batch[M]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(b.more)
	b.more = b.more[:0]
	b.ended, b.abandoned, b.code, b.words = false, false, wire.OK, ""
	p.spare = b
}

// begin attaches b to a subscription and starts its machine.
func (p *Puller[M]) begin(b *Batch[M], spec *FetchSpec) error {
	if spec.Request.Group != "" {
		p.grouped.Store(true)
	}
	s, err := p.takeSlot()
	if err != nil {
		return err
	}
	p.attach(b, s, spec)
	p.work()
	return nil
}

func (p *Puller[M]) attach(b *Batch[M], s *pullSlot[M], spec *FetchSpec) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchLocked()
	now := mono.Now()
	if p.active = append(p.active, b); len(p.active) == 1 {
		p.link.Owe(1) // a silent link is probed while somebody waits on it
	}
	b.slot, s.batch = s, b
	b.ups, b.downs, b.again, b.bereftAt = p.ups, p.downs, mono.Never, mono.Never
	b.machine.Reset(spec.Config)
	p.applyLocked(now, b, b.machine.Start(now, p.up, p.backoff.Pause(now)))
	if p.closed {
		p.applyLocked(now, b, b.machine.Closed(now))
	}
	p.armLocked(now, b.machine.Deadline())
}

// stop ends b with code, unless it is over.
func (p *Puller[M]) stop(b *Batch[M], code wire.Code) {
	p.stopBatch(b, code)
	p.work()
}

func (p *Puller[M]) stopBatch(b *Batch[M], code wire.Code) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := mono.Now()
	p.applyLocked(now, b, b.machine.Stop(now, code))
	b.abandonLocked()
}
