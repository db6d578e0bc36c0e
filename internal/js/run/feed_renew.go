package run

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/js/ordered"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// Origin is a consumer that an ordered feed reads from.
type Origin struct {
	Subject string // of pull requests, as in [PullerConfig]
	From    uint64 // the stream sequence from which it delivers; 0: unknown, and to be asked for by its policy again
	// Change is what has become of the stream, if that was found out already: then the consumer starts where the change says.
	Change ordered.Change
}

// Supplier makes the consumers of an ordered feed: one at a time, without acks, on the stream and for the messages that it knows.
type Supplier interface {
	// Create makes a consumer that starts at a stream sequence, or 0: where the first one did. It replaces the last one, which it has the
	// server delete. It may wait until ctx ends. It is called again after an error, and after a success whose result came too late; then that one is replaced.
	Create(ctx context.Context, from uint64) (Origin, error)
	// Compare looks whether the stream is still the one that it was, once there is a consumer that starts at from. It may wait until ctx ends.
	Compare(ctx context.Context, from uint64) ordered.Change
	// Accept says that the feed reads on from the start of a change. Until then Compare says it again. It is called under the feed's lock.
	Accept(change ordered.Change)
	// Enough reports whether so many attempts in a row, which took so long, are to be the last ones. It is called under the feed's lock.
	Enough(attempts int, lasted time.Duration) bool
	// Forsake is the end: it has the server delete what there is. It must not wait.
	Forsake()
}

const (
	createTime        = 500 * time.Millisecond // for an answer; three attempts in a row that nobody answers double it, see push.Renewal
	createTimeMost    = 5 * time.Second
	renewPause        = 10 * time.Millisecond // after the second attempt; each one doubles it
	renewPauseLongest = 800 * time.Millisecond
	renewRetell       = 2 * time.Second // how long an attempt goes on in vain before it is told again, without heartbeats
)

// renewal is how an ordered feed replaces its consumer. Guarded by Feed.mu.
//
//	reading ── void, gap, deleted, disconnected ──▶ lost ── created ──▶ reading
//	                                               ▲    │
//	                                               └────┘ Create failed: again after a pause
type renewal struct {
	from   uint64             // where the next consumer starts
	lost   bool               // there is none
	at     mono.Time          // when to make one; mono.Never: while one is being made, or there is no link, or none is lost
	row    int                // consumers made, or tried, since the last sign of life
	mute   int                // attempts in a row that nobody answered
	serial uint32             // changes when the Create that runs becomes void
	cancel context.CancelFunc // ends it, or the comparison behind it

	tries  int       // failures in a row
	since  mono.Time // of the first one
	retell mono.Time
	told   string
}

// creation is one Create.
type creation struct {
	ctx    context.Context
	cancel context.CancelFunc
	serial uint32
	from   uint64
}

// inOrder judges a message on the reader. What is not the next one is not even built.
func (s *feedSlot[M]) inOrder(fr *proto.Frame) bool {
	stream, consumer, ok := s.acks.Sequences(fr.Reply)
	if !ok {
		return false // not from a stream
	}
	switch s.order.Message(consumer, stream) {
	case ordered.Deliver:
		return true
	case ordered.Reset:
		s.Settle()
		s.f.gap(s)
		s.f.work()
	}
	return false
}

func (f *Feed[M]) gap(s *feedSlot[M]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s == f.slot && !f.ended {
		f.warnLocked(feedNews{code: wire.OrderedReset, words: "messages are missing"})
		f.renewLocked(mono.Now())
	}
}

// arrivedLocked notes how far the messages of s have come. They are a sign of life.
func (f *Feed[M]) arrivedLocked(s *feedSlot[M]) {
	f.renewal.from = s.order.From()
	f.renewal.row = 0
}

// statusLocked reports whether a status is not the flow's business: a consumer that is gone is replaced.
func (f *Feed[M]) statusLocked(now mono.Time, s wire.Status) bool {
	switch s.Code {
	case wire.IdleHeartbeat, wire.NoMessages, wire.RequestTimeout:
		f.renewal.row = 0
	case wire.ConsumerDeleted:
		f.warnLocked(feedNews{code: s.Code, words: string(s.Description)})
		f.renewLocked(now)
		return true
	}
	return false
}

// renewLocked gives the consumer up. What has arrived in order is kept; what its inbox still brings is not looked at.
func (f *Feed[M]) renewLocked(now mono.Time) {
	r := &f.renewal
	f.serial++
	f.releaseLocked()
	f.applyLocked(now, f.machine.Disconnected(now))
	if f.ended {
		return
	}
	r.lost = true
	r.stop()
	if r.at = mono.Never; f.up {
		r.at = now.Add(r.pause())
	}
	f.armLocked(now, r.at)
}

// stop makes the Create that runs void.
func (r *renewal) stop() {
	r.serial++
	if r.cancel != nil {
		r.cancel()
		r.cancel = nil
	}
}

// pause is for the next attempt: none for the first after a sign of life.
func (r *renewal) pause() time.Duration {
	if r.row == 0 {
		return 0
	}
	return min(renewPause<<min(r.row-1, 20), renewPauseLongest)
}

// createLocked begins to make a consumer when it is time.
func (f *Feed[M]) createLocked(now mono.Time) {
	r := &f.renewal
	if !r.lost || f.ended || now < r.at {
		return
	}
	r.at = mono.Never
	r.row++
	c := creation{serial: r.serial, from: r.from}
	c.ctx, c.cancel = context.WithTimeout(f.ctx, min(createTime<<min(r.mute/3, 10), createTimeMost))
	r.cancel = c.cancel
	f.jobs.add(feedJob[M]{kind: feedCreate, create: c})
}

// create is a goroutine that ends with the server's answers, after a while, or with the feed.
func (f *Feed[M]) create(c creation) {
	defer c.cancel()
	o, err := f.cfg.Supplier.Create(c.ctx, c.from)
	ctx, cancel := context.WithCancel(f.ctx) // ends with the consumer
	defer cancel()
	fresh := f.created(c, o, err, cancel)
	f.work()
	if fresh && err == nil && o.Change.Kind == ordered.Same {
		f.restart(c, f.cfg.Supplier.Compare(ctx, c.from))
		f.work()
	}
}

// restart reads on elsewhere, with another consumer, unless the one of c is not the current one any more: then the next one is compared, too.
func (f *Feed[M]) restart(c creation, change ordered.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &f.renewal
	if change.Kind.Words() == "" || c.serial != r.serial || r.lost || f.ended {
		return
	}
	f.acceptLocked(change)
	f.renewLocked(mono.Now())
}

func (f *Feed[M]) acceptLocked(change ordered.Change) {
	f.cfg.Supplier.Accept(change)
	f.warnLocked(feedNews{code: wire.OrderedReset, words: change.Kind.Words()})
	f.renewal.from = change.Start
}

// created reports whether the attempt has not become void meanwhile. left is called when the consumer is given up.
func (f *Feed[M]) created(c creation, o Origin, err error, left context.CancelFunc) (fresh bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &f.renewal
	if c.serial != r.serial || f.ended {
		return false
	}
	now := mono.Now()
	r.cancel = nil
	if err != nil {
		f.notCreatedLocked(now, c.ctx.Err() != nil, err)
		return true
	}
	r.cancel, r.lost, r.mute, r.tries, r.told = left, false, 0, 0, ""
	f.subject = o.Subject
	switch {
	case o.Change.Kind != ordered.Same:
		f.acceptLocked(o.Change)
	case r.from == 0:
		r.from = o.From
	}
	f.applyLocked(now, f.machine.Reconnected(now))
	return true
}

// notCreatedLocked tells what is new or lasts, and tries again, or ends an iterator that has tried enough.
func (f *Feed[M]) notCreatedLocked(now mono.Time, unanswered bool, err error) {
	r := &f.renewal
	if r.mute++; !unanswered {
		r.mute = 0
	}
	patience := max(2*f.cfg.Request.Heartbeat, renewRetell)
	if r.tries++; r.tries == 1 {
		r.since, r.retell = now, now.Add(patience)
	}
	enough := f.cfg.Supplier.Enough(r.tries, now.Sub(r.since))
	if enough && f.cfg.Handle == nil {
		f.applyLocked(now, f.machine.End(now, wire.OrderedReset, err.Error()))
		return
	}
	lasting := now >= r.retell
	if lasting || enough {
		r.retell = now.Add(patience)
	}
	if words := err.Error(); lasting || enough || words != r.told {
		r.told = words
		f.warnLocked(feedNews{code: wire.OrderedReset, words: words, lasting: lasting})
	}
	if enough {
		r.tries = 0
	}
	r.at = now.Add(r.pause())
	f.armLocked(now, r.at)
}
