package jetstream

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/api"
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
	leave  func()                // from engine.Conn.OnClose

	mu     sync.Mutex
	used   int           // the last serial number of an attempt
	serial int           // of the current consumer; 0: none yet
	info   *ConsumerInfo // of the current consumer
	origin run.Origin    // likewise
	left   []string      // consumers that may exist, from attempts that nobody answered
	over   bool
	failed error // the last attempt's

	began    time.Time // when the first consumer was made; its stream is not younger
	made     time.Time // when the stream was; zero: not known
	vanished bool      // there was no stream at an attempt since it was looked at

	// For batches; a feed has its own.
	order *ordered.Machine // the reader judges by it
	from  uint64           // where the next consumer starts
}

func newOrderedSource(js *jetStream, stream string, cfg OrderedConsumerConfig) *orderedSource {
	return &orderedSource{js: js, stream: stream, cfg: cfg.own(), order: ordered.New(0)}
}

// Create makes the next consumer.
func (o *orderedSource) Create(ctx context.Context, from uint64) (run.Origin, error) {
	name, serial := o.next()
	info, err := o.js.putConsumer(ctx, o.stream, o.cfg.consumer(name, from), wire.CreateOrUpdate)
	if err != nil {
		if name := o.missed(serial, err); name != "" {
			o.remove(name)
		}
		return run.Origin{}, err
	}
	origin, leftover := o.adopt(serial, info)
	for _, name := range leftover {
		o.remove(name)
	}
	return o.reread(ctx, origin, from)
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

// leftMost bounds the consumers that are remembered for their deletion. The server deletes the others after the inactive threshold.
const leftMost = 16

// missed notes that an attempt has failed, and returns the name of a consumer that is to be deleted at once.
func (o *orderedSource) missed(serial int, err error) (leftover string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failed = err
	o.vanished = o.vanished || errors.Is(err, ErrStreamNotFound)
	var refused JetStreamError
	switch {
	case errors.As(err, &refused) || errors.Is(err, nats.ErrNoResponders): // there is none
		if serial == o.used {
			o.used--
		}
	case o.over:
		return o.nameLocked(serial)
	case len(o.left) < leftMost:
		o.left = append(o.left, o.nameLocked(serial))
	}
	return ""
}

// adopt makes info's the current consumer, and returns the names of those that are to be deleted.
func (o *orderedSource) adopt(serial int, info *ConsumerInfo) (origin run.Origin, leftover []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.over || serial <= o.serial: // too late
		return o.origin, []string{o.nameLocked(serial)}
	case o.serial > 0:
		leftover = append(leftover, o.nameLocked(o.serial))
	}
	leftover = append(leftover, o.left...)
	o.serial, o.info, o.left, o.failed = serial, info, nil, nil
	o.origin = run.Origin{Subject: o.js.api.Prefix + wire.PullSubject(o.stream, info.Name), From: o.cfg.start(info)}
	if o.from == 0 {
		o.from = o.origin.From
	}
	if o.began.IsZero() {
		o.began = info.Created
	}
	o.order = ordered.New(o.from)
	return o.origin, leftover
}

// Compare is part of [run.Supplier]. nats-server 2.15 makes a consumer that starts behind the end of a stream, which says nothing until the stream has
// grown so far. An answer that does not come, or that the account does not permit, says nothing either.
func (o *orderedSource) Compare(ctx context.Context, from uint64) (start uint64, words string, changed bool) {
	for look := 1; ; look++ {
		info, err := o.js.streamInfo(ctx, o.stream, wire.StreamInfoRequest{})
		if err != nil {
			return 0, "", false
		}
		short := from > info.State.LastSeq+1
		switch {
		case o.replaced(info.Created, short):
			return 1, "the stream was made anew", true
		case !short:
			return 0, "", false
		case look == shortLooks:
			return info.State.LastSeq + 1, "the stream has lost its end", true
		}
		if api.Pause(ctx, shortPause) != nil {
			return 0, "", false
		}
	}
}

// A stream is shorter than it was when it looks so several times: a new leader may not have taken up all yet.
const (
	shortLooks = 3
	shortPause = 250 * time.Millisecond
)

// replaced reports whether the stream is another one of the same name. Without a look at the first one its age alone does not tell, because clocks
// differ: it must have been missing meanwhile, or be too short.
func (o *orderedSource) replaced(made time.Time, short bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	another := (o.vanished || short) && made.After(o.began)
	if !o.made.IsZero() {
		another = !made.Equal(o.made)
	}
	o.made, o.vanished = made, false
	return another
}

// reread makes a consumer once more when the stream was missing since the last one, and is another one now: nothing is read of it before its start.
func (o *orderedSource) reread(ctx context.Context, origin run.Origin, from uint64) (run.Origin, error) {
	if !o.hasVanished() {
		return origin, nil
	}
	start, words, changed := o.Compare(ctx, from)
	if !changed {
		return origin, nil
	}
	o.rewind(start)
	origin, err := o.Create(ctx, start)
	origin.From, origin.Changed = start, words
	return origin, err
}

func (o *orderedSource) hasVanished() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.vanished
}

func (o *orderedSource) rewind(start uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.from = start
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
	for _, name := range o.end() {
		o.remove(name)
	}
}

func (o *orderedSource) end() (leftover []string) {
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
		leftover = append(leftover, o.nameLocked(o.serial))
	}
	if o.used > o.serial {
		leftover = append(leftover, o.nameLocked(o.used)) // it may be on its way
	}
	return append(leftover, o.left...)
}

// remove has the server delete a consumer; nobody waits for the answer. Without a link it is sent when there is one.
func (o *orderedSource) remove(name string) {
	a := o.js.api
	subj := a.Prefix + wire.ConsumerDelete(o.stream, name)
	if a.Sent != nil {
		a.Sent(subj, nil)
	}
	_ = o.js.conn.PublishNow(subj, o.js.eng.NewInbox(), nil, nil) // else the server does it after the threshold
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

// nextFrom is where the consumer of the next batch starts; 0: by the policy.
func (o *orderedSource) nextFrom() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.from
}
