package run

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// ReaderPolicy says with which message a [Reader] begins.
type ReaderPolicy uint8

const (
	ReadAll            ReaderPolicy = iota // with the first one
	ReadLast                               // with the last one
	ReadLastPerSubject                     // with the last one of each subject, in the stream's order
	ReadNew                                // with the first one that is stored after Start has found the stream
	ReadFromSeq                            // with Seq, or the first one after it
	ReadFromTime                           // with the first one that was stored at Time or later
)

// ReaderStart is where a [Reader] begins. The zero value is the stream's first message.
type ReaderStart struct {
	Policy ReaderPolicy
	Seq    uint64    // of ReadFromSeq; 0 is 1
	Time   time.Time // of ReadFromTime
}

// ReaderConfig says what a [Reader] is made of. Build, Handle and API are needed. No function runs under a lock.
type ReaderConfig[M any] struct {
	API    *api.Client
	Link   pushLink // an *engine.Conn
	Stream string   // the caller checked the name
	// Filters are the subjects to read, which must not overlap and were checked by the caller. None: all.
	Filters []string
	Start   ReaderStart
	// StreamCreated is when the stream was made, if the caller knows: then one of the same name that was made later is recognised, and
	// read from its first message on.
	StreamCreated time.Time
	HeadersOnly   bool          // without payloads
	Heartbeat     time.Duration // the longest silence of a healthy server; 0 or less: 5 s
	Metadata      map[string]string

	// Build makes the user's message from a borrowed frame. It runs on the reader goroutine and must not block.
	Build func(f *proto.Frame, at wire.Place) M
	// Handle is called for each message, one after the other, in the order of the stream, on the connection's dispatcher. It may
	// block as long as it likes: the server stops sending when some megabytes wait for it.
	Handle func(m M)
	// Started is called between two calls of Handle whenever a consumer was made, before its first message: then pending messages
	// were there that had not been handled. So all that was there at Start has been handled when as many messages as the last call
	// said have followed it. nil: nobody wants to know.
	Started func(pending uint64)
	// Tell is called with what disturbs the delivery, one after the other, on the connection's dispatcher, beside Handle:
	// wire.NoHeartbeat, wire.ServerRefused and others each time, wire.OK when a consumer delivers again after that, and
	// with the reason of an end that the user did not cause. nil: nobody wants to know.
	Tell func(code wire.Code, words string)
}

// readerHeartbeat is the heartbeat of readers that ask for none.
const readerHeartbeat = 5 * time.Second

// Reader reads a stream: every message that matches, once, in the stream's order, from the start on, whatever happens to links, servers,
// leaders and consumers meanwhile. It pushes: on the wire it is a consumer without acks, with heartbeats and flow
// control, which is replaced whenever it is in doubt. Its methods may be called concurrently, also by its callbacks.
//
//	Gate ── message ──▶ pushQueue ──▶ Handle, Started
//	  └──── news ─────▶ pushNews ───▶ Tell
//
// A message of a stream with more than one message a subject can come although it is not the last of its subject, with ReadLastPerSubject: when a
// consumer is replaced before it has delivered all that was there at Start, the next one delivers everything from there on.
type Reader[M any] struct {
	cfg   ReaderConfig[M]
	gate  *Gate
	queue pushQueue[M]
	news  pushNews
	parts atomic.Int32  // of gate, queue and news, those that are not over
	over  chan struct{} // closed when all are

	mu    sync.Mutex
	ended bool
	code  wire.Code
	words string
}

// NewReader makes a Reader. It does nothing until Start.
func NewReader[M any](cfg ReaderConfig[M]) *Reader[M] {
	if cfg.Heartbeat <= 0 {
		cfg.Heartbeat = readerHeartbeat
	}
	r := &Reader[M]{cfg: cfg, over: make(chan struct{})}
	r.parts.Store(3)
	r.queue.link, r.queue.build, r.queue.handle, r.queue.started = cfg.Link, cfg.Build, cfg.Handle, cfg.Started
	r.queue.over = r.partOver
	r.queue.task.Bind(&r.queue)
	r.news.link, r.news.over = cfg.Link, r.partOver
	if cfg.Tell != nil {
		r.news.tell = func(n GateNews) { cfg.Tell(n.Code, n.Words) }
	}
	r.news.task.Bind(&r.news)
	r.gate = NewGate(GateConfig{
		Link: cfg.Link, Down: &r.queue, Heartbeat: cfg.Heartbeat,
		Renew: &Renewing{
			API: cfg.API, Stream: cfg.Stream, Start: cfg.Start, StreamCreated: cfg.StreamCreated, Config: cfg.consumer,
			Begin: r.queue.begin, Made: r.queue.made, Left: r.queue.left,
		},
		Tell:  r.news.add,
		Drain: r.Drain, Hold: r.over,
		Over: func(code wire.Code, words string) { r.end(code, words, code == wire.ConnectionClosed) },
		Done: r.partOver,
	})
	return r
}

// Start makes the consumer and waits for the server's answer, once: within ctx, or the client's timeout when it has no deadline. After an error
// nothing is left behind, and the reader is over. Errors: a *wire.APIError of the server, those of api.Call, and those of engine.Conn.Subscribe.
func (r *Reader[M]) Start(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	err := r.gate.Open(ctx)
	if err != nil {
		r.end(wire.Canceled, "", true)
	}
	return err
}

// Stop ends the reader. It does not wait: at most the Handle that runs, or is about to, is still to come, and Over is closed after
// it. Again does nothing.
func (r *Reader[M]) Stop() { r.end(wire.Canceled, "", true) }

// Drain ends the reader when what the server has sent by now has been handled. It does not wait. [Reader.Stop] ends it at once.
func (r *Reader[M]) Drain() {
	r.gate.StopServer()
	if err := r.cfg.Link.OnPong(func(error) { r.end(wire.Canceled, "", false) }); err != nil {
		r.end(wire.Canceled, "", true) // the connection is closed
	}
}

// Over is closed when the last callback has returned.
func (r *Reader[M]) Over() <-chan struct{} { return r.over }

// Result says how the reader ended: wire.OK while it runs, wire.Canceled after Stop, Drain, a failed Start and a drain of the connection,
// wire.ConnectionClosed, and wire.ServerRefused, with the server's words, when the stream is gone.
func (r *Reader[M]) Result() (code wire.Code, words string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.code, r.words
}

// end ends everything. Later ends count only as far as they discard what an earlier one wanted to be handled.
func (r *Reader[M]) end(code wire.Code, words string, discard bool) {
	if r.noteEnd(code, words) && code != wire.Canceled {
		r.news.add(GateNews{Code: code, Words: words})
	}
	r.gate.Stop()
	r.queue.finish(discard)
	r.news.finish()
}

func (r *Reader[M]) noteEnd(code wire.Code, words string) (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return false
	}
	r.ended, r.code, r.words = true, code, words
	return true
}

func (r *Reader[M]) partOver() {
	if r.parts.Add(-1) == 0 {
		close(r.over)
	}
}
