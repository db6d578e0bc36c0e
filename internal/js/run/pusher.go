package run

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// PusherConfig says what a [Pusher] is made of. No function runs under a lock.
type PusherConfig[M any] struct {
	Link pushLink // an *engine.Conn
	// Subject and Queue are the deliver subject and the deliver group of the consumer, and Heartbeat its idle heartbeat, 0 for none.
	Subject, Queue string
	Heartbeat      time.Duration

	// Build makes the user's message from a borrowed frame. It runs on the reader goroutine and must not block.
	Build func(f *proto.Frame) M
	// Handle is called for each message, one after the other, on the connection's dispatcher. While it blocks, flow control, if the consumer has
	// it, stops the server; without, what comes is held up to queueBytes, and dropped beyond: Dropped counts it, and Tell is told.
	Handle func(m M)
	// Tell is called with what disturbs the delivery, one after the other, on the connection's dispatcher, beside Handle: wire.NoHeartbeat
	// after two silent intervals, and again after two more; wire.Gap when a heartbeat shows that messages are missing; wire.LimitExceeded when
	// messages are dropped; wire.ConnectionClosed at the end. nil: nobody wants to know.
	Tell func(n GateNews)
}

// Pusher hands out what a push consumer delivers. The consumer is the caller's. Its methods may be called concurrently, also by its callbacks.
type Pusher[M any] struct {
	cfg   PusherConfig[M]
	gate  *Gate
	queue pushQueue[M]
	news  pushNews
	parts atomic.Int32  // of gate, queue and news, those that are not over
	over  chan struct{} // closed when all are

	mu    sync.Mutex
	ended bool
	code  wire.Code
}

// NewPusher makes a Pusher. It does nothing until Start.
func NewPusher[M any](cfg PusherConfig[M]) *Pusher[M] {
	p := &Pusher[M]{cfg: cfg, over: make(chan struct{})}
	p.parts.Store(3)
	p.queue.link, p.queue.handle, p.queue.over = cfg.Link, cfg.Handle, p.partOver
	p.queue.build = func(f *proto.Frame, _ wire.Place) M { return cfg.Build(f) }
	p.queue.full = func() { p.news.add(GateNews{Code: wire.LimitExceeded, Words: noRoom}) }
	p.queue.task.Bind(&p.queue)
	p.news.link, p.news.tell, p.news.over = cfg.Link, cfg.Tell, p.partOver
	p.news.task.Bind(&p.news)
	p.gate = NewGate(GateConfig{
		Link: cfg.Link, Down: &p.queue, Heartbeat: cfg.Heartbeat, Subject: cfg.Subject, Queue: cfg.Queue,
		Tell:  p.news.add,
		Drain: p.Drain, Hold: p.over,
		Over: func(code wire.Code, _ string) { p.end(code, code == wire.ConnectionClosed) },
		Done: p.partOver,
	})
	return p
}

// Start subscribes, once. Errors: those of engine.Conn.Subscribe; after one the pusher is over.
func (p *Pusher[M]) Start() error {
	err := p.gate.Open(nil)
	if err != nil {
		p.end(wire.Canceled, true)
	}
	return err
}

// Report has Tell called with news that the caller has found, after what is there.
func (p *Pusher[M]) Report(n GateNews) { p.news.add(n) }

// Stop ends the pusher. What has arrived and was not handled is thrown away. It does not wait: at most the Handle that runs, or is about to, is
// still to come, and Over is closed after it. Again does nothing.
func (p *Pusher[M]) Stop() { p.end(wire.Canceled, true) }

// Drain ends the pusher when what the server has sent by now has been handled. It does not wait. [Pusher.Stop] ends it at once.
func (p *Pusher[M]) Drain() {
	p.gate.StopServer()
	if err := p.cfg.Link.OnPong(func(error) { p.end(wire.Canceled, false) }); err != nil {
		p.end(wire.Canceled, true) // the connection is closed
	}
}

// Over is closed when the last callback has returned.
func (p *Pusher[M]) Over() <-chan struct{} { return p.over }

// Dropped counts the messages that were dropped for lack of room.
func (p *Pusher[M]) Dropped() uint64 { return p.queue.dropped.Load() }

// Result says how the pusher ended: wire.OK while it runs, wire.Canceled after Stop, Drain, a failed Start and a drain of the connection, and
// wire.ConnectionClosed.
func (p *Pusher[M]) Result() wire.Code {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.code
}

// end ends everything. Later ends count only as far as they discard what an earlier one wanted to be handled.
func (p *Pusher[M]) end(code wire.Code, discard bool) {
	if p.noteEnd(code) && code != wire.Canceled {
		p.news.add(GateNews{Code: code})
	}
	p.gate.Stop()
	p.queue.finish(discard)
	p.news.finish()
}

func (p *Pusher[M]) noteEnd(code wire.Code) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	p.ended, p.code = true, code
	return true
}

func (p *Pusher[M]) partOver() {
	if p.parts.Add(-1) == 0 {
		close(p.over)
	}
}
