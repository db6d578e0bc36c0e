package run

import (
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// What applies where the user says nothing.
const (
	DefaultMaxPending = 4000
	DefaultAckTimeout = 30 * time.Second
	DefaultStall      = 200 * time.Millisecond
)

// PublisherConfig says how a [Publisher] works. It does not change afterwards.
type PublisherConfig struct {
	Conn       *engine.Conn
	MaxPending int           // async publishes that wait for their ack; 0 or less: no limit
	AckTimeout time.Duration // of an async publish, counted from the call; 0 or less: none
	// OnAck and OnError are called for each async publish that ended well or otherwise, on a goroutine of the dispatcher: one at
	// a time, in the order of the ends, under no lock, so that they may call whatever they like. Nil: not called.
	// Calls that are due are queued without bound: the queue holds results that the caller asked for.
	OnAck, OnError func(r Result)
}

// pubLink is what a publisher needs of the connection.
type pubLink interface {
	Ask(subject string, hdr, data []byte, w engine.Waiter, deadline mono.Time, o engine.AskOpts) (engine.Token, error)
	Forget(t engine.Token) bool
	asker(t engine.Taker) asker
	Ready(t *engine.Task)
	Doubt()
	Done() <-chan struct{}
}

// asker is an [engine.Asker].
type asker interface {
	Ask(n uint64, subject string, hdr, data []byte, by mono.Time) error
	AskNow(n uint64, subject string, hdr, data []byte) error
	Join()
	Leave()
}

// Tokens are the numbers that the publisher's asker asks by.
const _ = uint64(engine.MostAsked - pubwin.MostToken)

type connLink struct{ *engine.Conn }

func (c connLink) asker(t engine.Taker) asker { return c.NewAsker(t) }

// Publisher publishes to streams, for one JetStream context. Its methods may be called concurrently, and from its handlers.
type Publisher struct {
	link pubLink
	cfg  PublisherConfig
	task engine.Task // the handlers
	idle sync.Pool   // *syncWaiter; of the publisher, because channels must not leave a synctest bubble

	once  sync.Once
	asker asker // of the async publishes; made for the first of them. It has joined while there are any

	mu      sync.Mutex
	parser  wire.AckParser
	win     *pubwin.Machine
	pending []Result      // by slot of the token
	room    chan struct{} // closed when a stalled window opens; nil: nobody is stalled
	done    chan struct{} // closed when everything has ended; nil: nobody asked
	calls   callList
	jobs    jobList
	timer   *time.Timer // nil before the first deadline
	armed   mono.Time   // when the timer fires; Never: it does not
}

// NewPublisher makes a publisher. It starts nothing: the goroutines it uses are those of the connection, of its callers, and of a
// timer while publishes are pending.
func NewPublisher(cfg PublisherConfig) *Publisher { return newPublisher(cfg, connLink{cfg.Conn}) }

func newPublisher(cfg PublisherConfig, link pubLink) *Publisher {
	p := &Publisher{link: link, cfg: cfg, win: pubwin.New(pubwin.Config{MaxPending: cfg.MaxPending}), armed: mono.Never}
	p.idle.New = func() any { return &syncWaiter{pub: p, told: make(chan struct{}, 1)} }
	p.task.Bind(p)
	return p
}

// Pending is the number of async publishes that wait for their end. It may be called from a handler.
func (p *Publisher) Pending() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.win.Pending()
}

// Complete returns a channel that is closed once no async publish is pending and the handlers of those that were have
// returned; it is closed already when that is so now, not counting a handler that is running, so that the last one may wait
// for it.
func (p *Publisher) Complete() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.win.Pending() == 0 && p.calls.empty() {
		return closed
	}
	if p.done == nil {
		p.done = make(chan struct{})
	}
	return p.done
}

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Close ends all pending async publishes with wire.PublisherClosed. The publisher can be used again.
func (p *Publisher) Close() {
	p.mu.Lock()
	defer p.leave()
	p.applyLocked(p.win.Close(mono.Now(), wire.PublisherClosed), nil)
}

// leave unlocks. What was queued under the lock is done here, outside of it: jobs unless somebody is at them already.
func (p *Publisher) leave() {
	ready, work := p.calls.fresh, p.jobs.takeLocked()
	p.calls.fresh = false
	p.mu.Unlock() // by hand: the other half of the methods that say "defer p.leave()"
	if ready {
		p.link.Ready(&p.task)
	}
	if work {
		p.work()
	}
}

// applyLocked does what the machine decided. Futures are resolved here, in order, so that Complete cannot be faster; what
// talks to the connection becomes a job. err goes to those that end.
func (p *Publisher) applyLocked(actions []pubwin.Action, err error) {
	late := false
	for _, a := range actions {
		switch a.Kind {
		case pubwin.Send:
			p.pending[a.Token.Slot()].Pending().again = true
			p.jobs.addLocked(job{resend, a.Token})
		case pubwin.Resolve:
			late = late || a.Code == wire.AckTimeout
			p.endLocked(a.Token, wire.StreamAck{}, a.Code, nil, err)
		case pubwin.Unstall:
			p.openLocked()
		case pubwin.Idle:
			p.idleLocked()
		}
	}
	if late {
		p.jobs.addLocked(job{kind: doubt})
	}
	p.armLocked()
}

// openLocked wakes the stalled callers.
func (p *Publisher) openLocked() {
	if p.room != nil {
		close(p.room)
		p.room = nil
	}
}

// completeLocked closes what Complete gave out when its time has come.
func (p *Publisher) completeLocked() {
	if p.done != nil && p.win.Pending() == 0 && p.calls.empty() && !p.calls.running {
		close(p.done)
		p.done = nil
	}
}

// deadlineLocked is when the ack of a publish is late that begins now. While the timer runs in beats nobody reads the clock: it is not later
// than the next beat, by less than a beat also where the timer is late.
func (p *Publisher) deadlineLocked() mono.Time {
	switch beat := p.beat(); {
	case p.cfg.AckTimeout <= 0:
		return mono.Never
	case beat == 0 || p.armed == mono.Never:
		return mono.Now().Add(p.cfg.AckTimeout)
	default:
		return p.armed.Add(beat + p.cfg.AckTimeout)
	}
}

// beat is the longest time between two runs of the timer while publishes are pending; 0: there is no such bound. Reading the clock for each
// publish was 4% of its cost. Two of them are less than a deadline may be late by.
func (p *Publisher) beat() time.Duration {
	if p.cfg.AckTimeout < beatsFrom {
		return 0
	}
	return 20 * time.Millisecond
}

// beatsFrom is the ack timeout below which deadlines are exact.
const beatsFrom = 5 * time.Second

// sweepGap is the least time between now and the next run of the timer, so that many close deadlines share one.
const sweepGap = time.Millisecond

// armLocked makes sure that the timer fires for the next deadline, and within a beat. While publishes are pending it is only moved earlier: with
// an ack timeout of seconds it is set 50 times a second, not once a message.
func (p *Publisher) armLocked() {
	due := p.win.Deadline()
	beat := p.beat()
	if beat > 0 && p.armed == mono.Never && p.win.Pending() > 0 {
		due = min(due, mono.Now().Add(beat))
	}
	if due >= p.armed {
		return
	}
	p.armed = due
	wait := max(due.Sub(mono.Now()), sweepGap)
	if p.timer == nil {
		p.timer = time.AfterFunc(wait, p.tick)
	} else {
		p.timer.Reset(wait)
	}
}

// idleLocked follows the end of the last pending publish. Stopping the timer costs 0.1 us in a round trip of 20, and leaves nothing
// behind when the connection is closed next.
func (p *Publisher) idleLocked() {
	if p.armed != mono.Never {
		p.timer.Stop()
		p.armed = mono.Never
	}
	p.asker.Leave()
	p.completeLocked()
}

// tick is the timer's function.
func (p *Publisher) tick() {
	p.mu.Lock()
	defer p.leave()
	p.armed = mono.Never
	p.applyLocked(p.win.Tick(mono.Now()), nil)
}

// Answer takes an answer to an async publish, on the reader. It is for the engine.
func (p *Publisher) Answer(n uint64, f *proto.Frame) {
	p.mu.Lock()
	defer p.leave()
	t := pubwin.Token(n)
	if len(f.Header) != 0 && noStream(f) {
		p.applyLocked(p.win.NoResponders(mono.Now(), t), nil)
		return
	}
	live, idle, unstall := p.win.Acked(t)
	if !live {
		return
	}
	ack, code, refused := p.parser.ParseShort(f.Data)
	p.endLocked(t, ack, code, refused, nil)
	p.followLocked(idle, unstall)
}

// Lost takes the end of a link, or of all, on the supervisor. It is for the engine.
func (p *Publisher) Lost(err error) {
	p.mu.Lock()
	defer p.leave()
	if code := codeOf(err); code == wire.Disconnected {
		p.applyLocked(p.win.Disconnected(mono.Now()), err)
	} else {
		p.applyLocked(p.win.Close(mono.Now(), code), err)
	}
}

// Outstanding is for the engine.
func (p *Publisher) Outstanding() int { return p.Pending() }

// followLocked does what else an end has made true.
func (p *Publisher) followLocked(idle, unstall bool) {
	if unstall {
		p.openLocked()
	}
	if idle {
		p.idleLocked()
	}
}

// codeOf names an error of the connection; OtherStatus is one that only its own words describe.
func codeOf(err error) wire.Code {
	switch err {
	case natserr.Disconnected:
		return wire.Disconnected
	case natserr.ConnectionClosed:
		return wire.ConnectionClosed
	case natserr.Timeout:
		return wire.Timeout
	}
	return wire.OtherStatus
}

// parse reads an ack for a sync publish.
func (p *Publisher) parse(data []byte) (wire.PubAck, wire.Code, *wire.APIError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.parser.Parse(data)
}

// noStream reports whether f says that nobody listens on the subject.
func noStream(f *proto.Frame) bool {
	return len(f.Data) == 0 && proto.Status(f.Header) == 503
}
