package run

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/ingest"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/session"
)

// IngestConfig says what an [Ingest] is made of.
type IngestConfig struct {
	Link ingestLink // an *engine.Conn
	ingest.Config
	// Told is called when more is known to be stored, when there is work for whoever calls Offer, and when the ingest is over; nil: not. It may
	// be called under a lock and on the connection's reader: it must not block nor call the ingest.
	Told func()
}

// IngestResult is how an ingest stands, or how it ended.
type IngestResult struct {
	Code    wire.Code // OK: committed, or still running
	Refused *wire.APIError
	// Ack is the stream's last one, of a batch that has ended.
	Ack wire.PubAck
	// Stored messages are so for certain; those up to MayBeStored perhaps.
	Stored, MayBeStored uint64
	// Batches is how many there were: more than one if something was sent again.
	Batches int
}

// ErrIngestOver is returned by Publish when the ingest was closed or has ended.
var ErrIngestOver = errors.New("ingest is over")

// Ingest publishes messages as fast batches, in order and without gaps. Its methods may be called concurrently; the order is that in which
// the calls of Publish return.
//
//	Publish ──► held, by ordinal ──► jobs ──► connection
//	               ▲ released              reader ──► answers
//
// Messages are kept until they are known to be stored, and are never left to the connection's reconnect buffer: after a loss
// the machine says which of them go out again. Lock order: mu, then the connection's watch list; nothing is sent under mu.
type Ingest struct {
	cfg   IngestConfig
	inbox string
	id    string // its unique token, with which the ids of batches begin
	sub   *engine.Sub
	over  chan struct{} // closed at the end, when nothing is read out of anybody's memory any more

	mu      sync.Mutex
	machine *ingest.Machine
	held    []*ingestMsg // from the ordinal first on
	first   uint64
	batches int
	batch   string // the current one
	base    uint64 // messages before it
	last    string // the subject of the message that was accepted last
	closing bool
	ended   bool
	result  IngestResult
	room    chan struct{} // closed and renewed when there is more; nil: nobody waits

	jobs    jobQueue[ingestJob]
	reply   []byte // the runner's
	alarm   alarm
	unwatch func()
	up      bool
}

// ingestMsg is one message that is not known to be stored.
type ingestMsg struct {
	subject   string
	hdr, data []byte
	lent      bool // the caller's memory: see Offer
}

type ingestJob struct {
	kind  ingestJobKind
	msg   *ingestMsg
	batch string
	n     uint64
	op    wire.FastOp
}

type ingestJobKind uint8

const (
	ingestSend ingestJobKind = iota
	ingestDoubt
	ingestEnd // the last one
)

// NewIngest makes an ingest. It sends nothing but a subscription for answers. Errors are those of engine.Conn.Subscribe.
func NewIngest(cfg IngestConfig) (*Ingest, error) {
	i := &Ingest{cfg: cfg, inbox: cfg.Link.NewInbox(), over: make(chan struct{}), first: 1}
	i.id = i.inbox[strings.LastIndexByte(i.inbox, '.')+1:]
	sub, err := cfg.Link.Subscribe(i.inbox+".>", "", (*ingestSink)(i))
	if err != nil {
		return nil, err
	}
	i.start(sub)
	i.work(byAnybody)
	return i, nil
}

func (i *Ingest) start(sub *engine.Sub) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.sub = sub
	i.cfg.Link.Owe(1)
	i.unwatch = i.cfg.Link.Watch(i.statusChanged)
	status := i.cfg.Link.Status()
	i.up = up(status)
	i.machine = ingest.New(i.cfg.Config, i.up)
	if status == session.Closed {
		i.applyLocked(mono.Now(), i.machine.Closed(mono.Now()))
	}
}

// Publish takes one message, whose bytes it copies. It waits while as much is under way as the stream allows. Errors: the context's,
// and [ErrIngestOver].
func (i *Ingest) Publish(ctx context.Context, subject string, hdr, data []byte) error {
	m := &ingestMsg{subject: subject}
	block := append(append(make([]byte, 0, len(hdr)+len(data)), hdr...), data...)
	m.hdr, m.data = block[:len(hdr):len(hdr)], block[len(hdr):]
	for {
		room, err := i.accept(m)
		if room == nil {
			i.work(byAnybody)
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// accept takes m, or says what to wait for.
func (i *Ingest) accept(m *ingestMsg) (room <-chan struct{}, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended || i.closing {
		return nil, ErrIngestOver
	}
	if i.machine.Room() <= 0 {
		if i.room == nil {
			i.room = make(chan struct{})
		}
		return i.room, nil
	}
	i.acceptLocked(m)
	return nil, nil
}

func (i *Ingest) acceptLocked(m *ingestMsg) {
	i.held, i.last = append(i.held, m), m.subject
	now := mono.Now()
	i.applyLocked(now, i.machine.Accept(now, 1))
}

// Offer takes one message without a copy: its bytes must stay as they are until it is known to be stored, or the ingest is over. It waits
// for room in the connection's buffer only, and writes large payloads out of the caller's memory. Who calls it looks at HasRoom before, and calls Work
// when it is told something. False: the ingest was closed or has ended.
func (i *Ingest) Offer(subject string, hdr, data []byte) bool {
	taken := i.offer(&ingestMsg{subject: subject, hdr: hdr, data: data, lent: true})
	i.work(byLender)
	return taken
}

func (i *Ingest) offer(m *ingestMsg) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.ended || i.closing {
		return false
	}
	i.acceptLocked(m)
	return true
}

// Work sends what was offered and may go out now. It is for whoever calls Offer; when he does not come the timer does it, with a copy.
func (i *Ingest) Work() { i.work(byLender) }

// HasRoom reports whether the stream lets more be under way.
func (i *Ingest) HasRoom() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.ended && !i.closing && i.machine.Room() > 0
}

// Commit says that there are no more messages, and does not wait.
func (i *Ingest) Commit() {
	i.close()
	i.work(byAnybody)
}

// Close says that there are no more messages, and waits until all are stored. When ctx ends before, the ingest ends, too.
func (i *Ingest) Close(ctx context.Context) (IngestResult, error) {
	i.Commit()
	select {
	case <-i.over:
		return i.Result(), nil
	case <-ctx.Done():
		i.Abandon()
		return i.Result(), ctx.Err()
	}
}

func (i *Ingest) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closing = true
	i.wakeLocked()
	now := mono.Now()
	i.applyLocked(now, i.machine.Close(now))
}

// Abandon ends the ingest. What has been stored stays.
func (i *Ingest) Abandon() {
	i.event(func(now mono.Time) []ingest.Action { return i.machine.Abandon(now) })
}

// Over is closed at the end.
func (i *Ingest) Over() <-chan struct{} { return i.over }

// Result is how the ingest stands, or ended.
func (i *Ingest) Result() IngestResult {
	i.mu.Lock()
	defer i.mu.Unlock()
	r := i.result
	r.Stored, r.MayBeStored, r.Batches = i.machine.Acked(), i.machine.MayBeStored(), i.batches
	return r
}

// event tells the machine something, and does what it says.
func (i *Ingest) event(tell func(now mono.Time) []ingest.Action) {
	i.tell(tell)
	i.work(byAnybody)
}

func (i *Ingest) tell(tell func(now mono.Time) []ingest.Action) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.ended {
		now := mono.Now()
		i.applyLocked(now, tell(now))
	}
}

func (i *Ingest) applyLocked(now mono.Time, actions []ingest.Action) {
	for _, a := range actions {
		switch a.Kind {
		case ingest.Begin:
			i.batches++
			i.batch, i.base = i.id+"-"+strconv.Itoa(i.batches), a.From-1
			i.sendLocked(a.From, wire.FastStart)
		case ingest.Send:
			for ord := a.From; ord <= a.To; ord++ {
				i.sendLocked(ord, wire.FastAppend)
			}
		case ingest.Commit:
			i.askLocked(a.From, wire.FastCommitEnd)
		case ingest.Ping:
			i.askLocked(a.From, wire.FastPing)
		case ingest.Release:
			i.releaseLocked(a.To)
		case ingest.Doubt:
			i.jobs.add(ingestJob{kind: ingestDoubt})
		case ingest.Finish:
			i.finishLocked(a)
		}
	}
	i.armLocked(now, i.machine.Deadline())
}

func (i *Ingest) sendLocked(ord uint64, op wire.FastOp) {
	i.jobs.add(ingestJob{msg: i.held[ord-i.first], batch: i.batch, n: ord - i.base, op: op})
}

// askLocked sends an operation without a message, on the subject of the last one: that leads to the same stream.
func (i *Ingest) askLocked(ord uint64, op wire.FastOp) {
	i.jobs.add(ingestJob{msg: &ingestMsg{subject: i.last}, batch: i.batch, n: ord - i.base, op: op})
}

func (i *Ingest) releaseLocked(to uint64) {
	n := to - i.first + 1
	clear(i.held[:n])
	i.held = i.held[n:]
	i.first = to + 1
	i.wakeLocked()
	i.told()
}

func (i *Ingest) told() {
	if i.cfg.Told != nil {
		i.cfg.Told()
	}
}

// wakeLocked tells those who wait for room.
func (i *Ingest) wakeLocked() {
	if i.room != nil {
		close(i.room)
		i.room = nil
	}
}

func (i *Ingest) finishLocked(a ingest.Action) {
	i.ended = true
	i.result.Code, i.result.Refused = a.Code, a.Refused
	i.held = nil
	i.unwatch()
	i.cfg.Link.Owe(-1)
	i.alarm.stop()
	i.jobs.drop()
	i.jobs.add(ingestJob{kind: ingestEnd})
	i.wakeLocked()
}
