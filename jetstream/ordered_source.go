package jetstream

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/ordered"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// orderedSource makes the consumers of an ordered consumer, one after the other, and deletes them. What is left behind all the same is deleted by
// the server after the inactive threshold.
//
// Each consumer has a new name. So has each attempt, unless the server has refused the last one: an attempt that nobody answered may have placed
// its consumer on a server that is gone, where a second one of that name would be looked for in vain.
type orderedSource struct {
	js     *jetStream
	stream string
	cfg    OrderedConsumerConfig // its own
	chosen bool                  // the program has said how names begin
	leave  func()                // from engine.Conn.OnClose

	mu     sync.Mutex
	used   int           // the last serial number of an attempt
	serial int           // of the current consumer; 0: none yet
	info   *ConsumerInfo // of the current consumer
	origin run.Origin    // likewise
	left   []string      // consumers that may exist: nobody answered the attempt
	over   bool
	failed error // the last attempt's

	seen ordered.Stream

	// For batches; a feed has its own.
	order *ordered.Machine // the reader judges by it
	from  uint64           // where the next consumer starts
	asked uint64           // where the current one does
	links uint64           // that there had been when the last one was made
	doubt bool             // whether the stream is the one that it was
}

func newOrderedSource(js *jetStream, stream string, cfg OrderedConsumerConfig) *orderedSource {
	return &orderedSource{js: js, stream: stream, cfg: cfg.own(), chosen: cfg.NamePrefix != "", order: ordered.New(0)}
}

// firstPatience is how long the answer to the request for the first consumer is waited for before another one is asked for. nats-server 2.15 may
// place a consumer on a server that has just died: then nobody answers.
const firstPatience = 2 * time.Second

// begin makes the first consumer.
func (o *orderedSource) begin(ctx context.Context) error {
	ctx, cancel := o.js.api.Bound(ctx)
	defer cancel()
	for {
		unanswered, err := o.attempt(ctx)
		if !unanswered || ctx.Err() != nil {
			return err
		}
	}
}

func (o *orderedSource) attempt(ctx context.Context) (unanswered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, firstPatience)
	defer cancel()
	_, err = o.Create(ctx, 0)
	return errors.Is(err, context.DeadlineExceeded), err
}

// Create makes the next consumer. When there was no stream at an attempt before, it looks whether there is another one now before anything is read.
func (o *orderedSource) Create(ctx context.Context, from uint64) (run.Origin, error) {
	return o.createAndLook(ctx, from, false)
}

// createForBatch is Create for a batch, which reads on behind what batches have got. When the last one has got nothing, or the link was lost since, it
// looks at the stream, too.
func (o *orderedSource) createForBatch(ctx context.Context) (run.Origin, error) {
	from, doubtful := o.nextBatch(o.js.eng.Stats().Reconnects)
	origin, err := o.createAndLook(ctx, from, doubtful)
	if err == nil && origin.Change.Kind != ordered.Same {
		o.Accept(origin.Change)
	}
	return origin, err
}

func (o *orderedSource) createAndLook(ctx context.Context, from uint64, look bool) (run.Origin, error) {
	origin, err := o.create(ctx, from)
	vanished := o.hasVanished()
	if err != nil || !look && !vanished {
		return origin, err
	}
	change := o.Compare(ctx, from)
	switch {
	case change.Kind == ordered.Unseen && o.unanswered() && vanished:
		return origin, context.DeadlineExceeded // it may be another stream: once more
	case change.Kind.Words() == "":
		return origin, nil
	}
	o.aim(change.Start)
	if origin, err = o.create(ctx, change.Start); err != nil {
		o.aim(from)
		return origin, err
	}
	origin.Change = change
	return origin, nil
}

func (o *orderedSource) create(ctx context.Context, from uint64) (run.Origin, error) {
	name, serial := o.next()
	info, err := o.js.putConsumer(ctx, o.stream, o.cfg.consumer(name, from), wire.CreateOrUpdate)
	if err != nil {
		o.remove(o.missed(serial, err))
		return run.Origin{}, err
	}
	origin, leftover := o.adopt(serial, info)
	o.remove(leftover)
	return origin, nil
}

func (o *orderedSource) next() (name string, serial int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.used++
	return o.nameLocked(o.used), o.used
}

func (o *orderedSource) nameLocked(serial int) string {
	return o.cfg.NamePrefix + "_" + strconv.Itoa(serial)
}

// leftMost bounds the consumers that are remembered for their deletion. That of further ones is asked for once: nobody answers for long, and the server
// deletes them after the inactive threshold.
const leftMost = 16

// missed notes that an attempt has failed, and returns what is to be deleted at once.
func (o *orderedSource) missed(serial int, err error) (leftover []run.Leftover) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = err
	if errors.Is(err, ErrStreamNotFound) {
		o.seen.Vanished()
	}
	var refused JetStreamError
	switch {
	case errors.As(err, &refused) || errors.Is(err, nats.ErrNoResponders): // there is none
		if serial == o.used {
			o.used--
		}
	case o.over:
		return []run.Leftover{o.leftover(o.nameLocked(serial), true)}
	case len(o.left) == leftMost:
		l := o.leftover(o.nameLocked(serial), true)
		l.Once = true
		return []run.Leftover{l}
	default:
		o.left = append(o.left, o.nameLocked(serial))
	}
	return leftover
}

// adopt makes info's the current consumer, and returns those that are to be deleted.
func (o *orderedSource) adopt(serial int, info *ConsumerInfo) (origin run.Origin, leftover []run.Leftover) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.over || serial <= o.serial: // too late
		return o.origin, []run.Leftover{o.leftover(o.nameLocked(serial), false)}
	case o.serial > 0:
		leftover = append(leftover, o.leftover(o.nameLocked(o.serial), false))
	}
	leftover = o.appendLeftLocked(leftover)
	o.serial, o.info, o.left, o.failed = serial, info, nil, nil
	o.origin = run.Origin{Subject: o.js.api.Prefix + wire.PullSubject(o.stream, info.Name), From: o.cfg.start(info)}
	if o.from == 0 {
		o.from = o.origin.From
	}
	o.seen.Began(info.Created)
	o.asked = o.from
	o.order = ordered.New(o.from)
	return o.origin, leftover
}

// Compare is part of [run.Supplier].
func (o *orderedSource) Compare(ctx context.Context, from uint64) ordered.Change {
	return run.CompareStream(ctx, o.js.api, o.stream, func(made time.Time, last uint64, before ordered.Change) ordered.Change {
		o.mu.Lock()
		defer o.mu.Unlock()
		change := o.seen.Look(made, last, from, before)
		o.doubt = o.doubt && change.Kind != ordered.Same
		return change
	})
}

// Accept is part of [run.Supplier].
func (o *orderedSource) Accept(change ordered.Change) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen.Accept(change)
	o.doubt = false
}

func (o *orderedSource) hasVanished() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen.HasVanished()
}

func (o *orderedSource) unanswered() (again bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen.Unanswered()
}

// aim says where batches read on.
func (o *orderedSource) aim(from uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.from = from
}

// first is the current consumer, for a feed that begins.
func (o *orderedSource) first() run.Origin {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.origin
}

// Enough is part of [run.Supplier].
func (o *orderedSource) Enough(attempts int, lasted time.Duration) bool {
	most := o.cfg.MaxResetAttempts
	return most > 0 && attempts >= most && lasted >= patience(most)
}

// Forsake has the server delete what there is. It does not wait.
func (o *orderedSource) Forsake() {
	o.remove(o.end())
}

func (o *orderedSource) end() (leftover []run.Leftover) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return nil
	}
	o.over = true
	if o.leave != nil {
		o.leave()
	}
	if o.serial > 0 {
		leftover = append(leftover, o.leftover(o.nameLocked(o.serial), false))
	}
	if name := o.nameLocked(o.used); o.used > o.serial && !slices.Contains(o.left, name) {
		leftover = append(leftover, o.leftover(name, true)) // it may be on its way
	}
	return o.appendLeftLocked(leftover)
}

// cached is the information about the current consumer.
func (o *orderedSource) cached() *ConsumerInfo {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.info
}

func (o *orderedSource) cache(info *ConsumerInfo) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.info.Name == info.Name {
		o.info = info
	}
}

// trouble is the error of what a feed tells.
func (o *orderedSource) trouble(code wire.Code, words string) error {
	if code != wire.OrderedReset {
		return trouble(code, words)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed != nil && o.failed.Error() == words {
		return orderedFailure(o.failed)
	}
	return orderedFailure(errors.New(words))
}

// accept judges the messages of batches, on the reader. Those of a consumer that is given up may still come.
func (o *orderedSource) accept(f *proto.Frame) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	meta, ok := wire.ParseAckSubject(string(f.Reply))
	return ok && meta.Consumer == o.info.Name && o.order.Message(meta.ConsumerSeq, meta.StreamSeq) == ordered.Deliver
}

// taken says that a batch has got the messages up to m.
func (o *orderedSource) taken(m Msg) {
	if meta, ok := wire.ParseAckSubject(m.Reply()); ok {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.from = meta.StreamSeq + 1
	}
}

// back says that a batch has thrown m away: the next consumer starts with it.
func (o *orderedSource) back(m Msg) {
	if meta, ok := wire.ParseAckSubject(m.Reply()); ok {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.from = min(o.from, meta.StreamSeq)
	}
}

// nextBatch says where the consumer of the next batch starts, 0 by the policy, and whether the stream has to be looked at.
func (o *orderedSource) nextBatch(links uint64) (from uint64, doubtful bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.doubt = o.doubt || o.serial > 1 && (o.from == o.asked || o.links != links)
	if o.links != links {
		o.seen.Relinked()
	}
	o.links = links
	return o.from, o.doubt && !o.seen.IsMute()
}
