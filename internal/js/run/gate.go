package run

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/js/ordered"
	"github.com/gannet-io/nats/internal/js/push"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// Downstream is where the messages of a [Gate] go. Deliver and Settle are called as those of an engine.Sink.
type Downstream interface {
	// Deliver takes one message; at is where it stands, the zero value when its reply subject does not say. false: there is no room for it. In
	// order it then comes again later, else it is lost.
	Deliver(f *proto.Frame, at wire.Place) bool
	Settle()
	// WhenHandled calls fn once the user is done with everything that was settled; at once when he is. fn does not block. When nothing will be
	// handled any more fn need not be called. It is called on the reader.
	WhenHandled(fn func())
}

// GateConfig says what a [Gate] is made of. No function runs under a lock; none may block.
type GateConfig struct {
	Link      pushLink      // an *engine.Conn
	Down      Downstream    // of the messages
	Heartbeat time.Duration // of the consumer; 0: none, and nobody notices its silence
	// Subject is where the consumer delivers, and Queue its deliver group, if Renew is nil.
	Subject, Queue string
	// Renew makes consumers, for delivery in order. nil: the consumer is somebody else's.
	Renew *Renewing
	// Tell is called with what disturbs the delivery, one after the other. nil: nobody wants to know.
	Tell func(n GateNews)
	// Drain is called when the connection begins to drain, which then waits for Hold to be closed. nil: a drain is nothing to the gate.
	Drain func()
	Hold  <-chan struct{}
	// Over is called when the gate has ended by itself, once: with wire.ConnectionClosed, or with the reason why there will be no consumer. Not
	// after Stop.
	Over func(code wire.Code, words string)
	// Done is called when the gate has ended, however that came, and none of its goroutines is left. nil: nobody wants to know.
	Done func()
}

// GateNews is what a [Gate] tells:
//
//   - wire.NoHeartbeat: two silent intervals; again after two more;
//   - wire.Gap: messages are missing; without Renew with a Mismatch, as a heartbeat has shown it;
//   - with Renew: wire.Disconnected; wire.Timeout, wire.NoResponders, wire.ServerRefused with the server's words when a consumer
//     cannot be made; wire.LimitExceeded when there is no room for a message; wire.OtherStatus when the stream is another one; wire.OK when
//     there is a consumer after one of these.
type GateNews struct {
	Code     wire.Code
	Words    string
	Mismatch push.Mismatch
}

// Gate stands between the engine and whoever takes the messages of a push consumer. It takes out what is no message: heartbeats, which it
// misses when they do not come, and flow control, which it answers when everything before was handled. With Renew it sees to it that every
// message is delivered once, in order: it replaces the consumer whenever that is in doubt.
//
//	reader ──▶ gateSlot ── message ──▶ Downstream
//	              │ status, gap
//	              ▼
//	           push.Flow, push.Renewal ──▶ jobs: answer, subscribe, create, delete, tell
//
// Its methods may be called concurrently. Lock order: mu, then the connection's watch list; nothing else is called with mu held.
type Gate struct {
	cfg  GateConfig
	link pushLink
	from atomic.Uint64 // in order: the stream sequence behind the last message; 0: the start is not known yet. See gateSlot.judge

	mu      sync.Mutex
	flow    push.Flow
	renew   push.Renewal
	slot    *gateSlot // nil: none at the moment
	rounds  uint32    // slots made
	serial  uint32    // changes when an attempt to make a consumer becomes void
	made    Made      // the first consumer
	stream  ordered.Stream
	rewound uint64     // where the next slot begins, whatever from says; 0: at from
	left    []Leftover // consumers that could not be deleted

	start   ReaderStart // of the first consumer
	stopped bool
	running int  // goroutines
	leaving bool // the connection drains
	drained bool // and Drain was called

	alarm   alarm
	unwatch func()
	deafen  func() // to deletions; nil: the consumer is somebody else's
	up      bool
	ups     int // changes of the connection that the machines have not been told of
	downs   int
	losses  int // of the link, in all

	jobs  jobQueue[gateJob]
	ctx   context.Context // of requests; ends with the gate
	leave context.CancelFunc
}

// NewGate makes a Gate. It does nothing until Open.
func NewGate(cfg GateConfig) *Gate {
	g := &Gate{cfg: cfg, link: cfg.Link}
	g.ctx, g.leave = context.WithCancel(context.Background())
	if r := cfg.Renew; r != nil {
		g.start, g.stream = r.Start, ordered.NewStream(r.StreamCreated)
		if r.Start.Policy == ReadFromSeq {
			g.from.Store(max(r.Start.Seq, 1))
		}
	}
	return g
}

// Open begins, once. With Renew it makes the first consumer and waits for the answer. Errors: those of engine.Conn.Subscribe, and with Renew those
// of api.Call and a *wire.APIError; the context's when it ends first. After one nothing is left behind, and the gate is stopped.
func (g *Gate) Open(ctx context.Context) error {
	g.watch()
	err := g.open(ctx)
	if err != nil {
		g.Stop()
	}
	return err
}

func (g *Gate) open(ctx context.Context) error {
	if g.cfg.Renew != nil {
		return g.openInOrder(ctx)
	}
	s := &gateSlot{g: g, subject: g.cfg.Subject}
	s.live.Store(true)
	sub, err := g.link.Subscribe(s.subject, g.cfg.Queue, s)
	if err != nil {
		return err
	}
	s.sub.Store(sub)
	if !g.attach(s) {
		_ = g.link.Unsubscribe(sub)
	}
	return nil
}

// attach makes s the slot of a gate that does not renew.
func (g *Gate) attach(s *gateSlot) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return false
	}
	g.slot = s
	now := mono.Now()
	g.flow.Watch(now, g.cfg.Heartbeat, g.up)
	g.armLocked(now)
	return true
}

// Stop ends the gate: nothing is delivered any more but the message that the reader has in hand. A consumer that the gate made is deleted, without
// waiting for it. Again does nothing.
func (g *Gate) Stop() {
	g.stop()
	g.work()
}

func (g *Gate) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopLocked()
}

func (g *Gate) stopLocked() {
	if g.stopped {
		return
	}
	g.stopped = true
	g.serial++
	g.flow.Stop()
	g.renew.Stop()
	if g.slot != nil {
		g.abandonLocked()
	}
	g.removeLeftLocked()
	g.alarm.stop()
	if g.unwatch != nil {
		g.unwatch()
		g.link.Owe(-1)
	}
	if g.deafen != nil {
		g.deafen()
	}
	g.leave()
	g.doneLocked()
}

// doneLocked tells when it is time that nothing of the gate runs any more.
func (g *Gate) doneLocked() {
	if g.stopped && g.running == 0 && g.cfg.Done != nil {
		g.jobs.add(gateJob{kind: gateDone})
	}
}

// StopServer asks the server for no more: the beginning of a drain. What it has sent is delivered until Stop.
func (g *Gate) StopServer() {
	if s := g.stopServer(); s != nil {
		if sub := s.sub.Load(); sub != nil {
			_ = g.link.StopServer(sub) // fails when the connection is closed only
		}
	}
}

func (g *Gate) stopServer() *gateSlot {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flow.Stop()
	g.renew.Stop()
	g.serial++
	return g.slot
}

// Made describes a consumer at its creation.
type Made struct {
	Stream, Name string
	Pending      uint64 // messages that it had to deliver
	Created      time.Time
}

// First is the first consumer that the gate made.
func (g *Gate) First() Made {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.made
}

// Consumer is the name of the current consumer that the gate made, empty while there is none.
func (g *Gate) Consumer() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slot == nil {
		return ""
	}
	return g.slot.name
}

// SID is the number of the current subscription on the wire, 0 while there is none.
func (g *Gate) SID() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slot == nil || g.slot.sub.Load() == nil {
		return 0
	}
	return g.slot.sub.Load().SID()
}

// finish ends the gate by itself.
func (g *Gate) finish(code wire.Code, words string) {
	if g.firstEnd() && g.cfg.Over != nil {
		g.cfg.Over(code, words)
	}
}

func (g *Gate) firstEnd() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return false
	}
	g.stopLocked()
	return true
}

// linkClosed ends the gate: the connection is over.
func (g *Gate) linkClosed() {
	g.finish(wire.ConnectionClosed, "")
	g.work()
}
