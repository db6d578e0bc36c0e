package run

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
)

// Renewing says how a [Gate] makes consumers. Functions run under no lock and must not block; nil ones are skipped.
type Renewing struct {
	API    *api.Client
	Stream string // the caller checked the name
	Start  ReaderStart
	// StreamCreated is when the stream was made, if the caller knows: then one of the same name that was made later is recognised.
	StreamCreated time.Time
	// Config is the configuration of a consumer with this name, which delivers to inbox and begins at start; it is sent as JSON. filter is the
	// one subject that it selects, if it is one, for the subject of the request.
	Config func(name, inbox string, start ReaderStart) (config any, filter string)
	// Inactive is their threshold of inactivity; 0: the server's default.
	Inactive time.Duration
	// Begin is called before a consumer is made, Made when the server has said so, Left when it is given up; round is its number.
	Begin func(round uint32)
	Made  func(round uint32, m Made)
	Left  func(round uint32)
}

func (r *Renewing) leftover(s *gateSlot) Leftover {
	l := LeftBehind(r.API, r.Stream, s.name)
	l.Inactive, l.Unsure = r.Inactive, !s.sure
	return l
}

// consumerMade is what is read of the answer.
type consumerMade struct {
	Stream    string    `json:"stream_name"`
	Name      string    `json:"name"`
	Created   time.Time `json:"created"`
	Delivered struct {
		Consumer uint64 `json:"consumer_seq"`
		Stream   uint64 `json:"stream_seq"`
	} `json:"delivered"`
	Pending uint64 `json:"num_pending"`
}

// errNoName is for an answer that names no consumer.
var errNoName = errors.New("no consumer in it")

// openInOrder makes the first consumer. A request that is lost is sent again, within ctx.
func (g *Gate) openInOrder(ctx context.Context) error {
	ctx, cancel := g.patience(ctx)
	defer cancel()
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		s, err := g.newSlot()
		if err != nil {
			return err
		}
		losses, ok := g.take(s)
		if !ok {
			return natserr.ConnectionClosed
		}
		made, err := g.request(ctx, s, wait)
		if err == nil {
			g.opened(s, made, losses)
			g.work()
			return nil
		}
		if !errors.Is(err, errUnanswered) {
			g.refused(s, err)
			return err
		}
		g.link.Doubt()
	}
}

// How long the answer to a request is waited for before it is sent again.
const (
	firstWait = 500 * time.Millisecond
	lastWait  = 2 * time.Second
)

// errUnanswered says that a request has to be sent again.
var errUnanswered = errors.New("not answered in time")

// patience is the context of the first consumer: it ends with the gate, and without a deadline after the client's timeout.
func (g *Gate) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx == nil {
		return g.ctx, func() {}
	}
	ctx, cancel := g.cfg.Renew.API.Bound(ctx)
	detach := context.AfterFunc(g.ctx, cancel)
	return ctx, func() {
		detach()
		cancel()
	}
}

// newSlot subscribes to a new inbox for a new consumer. Its start is where the one before has stopped.
func (g *Gate) newSlot() (*gateSlot, error) {
	r := g.cfg.Renew
	s := &gateSlot{g: g, subject: g.link.NewInbox(), round: g.nextRound()}
	s.name = s.subject[strings.LastIndexByte(s.subject, '.')+1:]
	start := g.begins()
	if s.start, s.rewound = g.nextStart(); s.start > 0 {
		start = ReaderStart{Policy: ReadFromSeq, Seq: s.start}
	}
	config, filter := r.Config(s.name, s.subject, start)
	s.target = wire.ConsumerCreate(r.Stream, s.name, filter)
	var err error
	if s.body, err = json.Marshal(wire.ConsumerRequest[any]{Stream: r.Stream, Config: config}); err != nil {
		return nil, err
	}
	s.live.Store(true)
	if r.Begin != nil {
		r.Begin(s.round)
	}
	sub, err := g.link.Subscribe(s.subject, "", s)
	if err != nil {
		return nil, err
	}
	s.sub.Store(sub)
	return s, nil
}

// begins is where the first consumer began.
func (g *Gate) begins() ReaderStart {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.start
}

func (g *Gate) nextRound() uint32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rounds++
	return g.rounds
}

// take makes s the slot, in place of another one. It returns how often the link had been lost.
func (g *Gate) take(s *gateSlot) (losses int, ok bool) {
	losses, ok = g.tryTake(s)
	if !ok {
		g.leaveSlot(s)
	}
	g.work()
	return losses, ok
}

func (g *Gate) tryTake(s *gateSlot) (losses int, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return 0, false
	}
	s.mayLive = true
	if g.slot != s {
		if g.slot != nil {
			g.abandonLocked()
		}
		g.slot = s
		g.flow.Start()
	}
	return g.losses, true
}

// refused notes that there is no consumer of s, if that is what err says.
func (g *Gate) refused(s *gateSlot, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.refusedLocked(err)
}

func (s *gateSlot) refusedLocked(err error) {
	var refused *wire.APIError
	if errors.As(err, &refused) && refused.Code < 500 || errors.Is(err, natserr.NoResponders) {
		s.mayLive = false
	}
}

// request asks for the consumer of s.
func (g *Gate) request(ctx context.Context, s *gateSlot, wait time.Duration) (consumerMade, error) {
	attempt, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	made, refused, err := api.Call[consumerMade](attempt, g.cfg.Renew.API, s.target, s.body)
	switch {
	case refused != nil:
		return made, refused
	case err == nil && made.Name != s.name:
		return made, errNoName
	case err != nil && attempt.Err() != nil:
		if err := ctx.Err(); err != nil {
			return made, err
		}
		return made, errUnanswered
	}
	return made, err
}

// opened says that the first consumer is there. The link may have been lost since it was asked for.
func (g *Gate) opened(s *gateSlot, made consumerMade, losses int) {
	m := g.note(s, made)
	g.tellMade(s, m)
	g.begin(losses)
}

// note fixes the start with the answer, unless it is known.
func (g *Gate) note(s *gateSlot, made consumerMade) Made {
	m := Made{Stream: made.Stream, Name: made.Name, Pending: made.Pending + made.Delivered.Consumer, Created: made.Created}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.sure = true
	if g.made.Name == "" {
		g.made = m
		g.stream.Began(m.Created)
	}
	untouched := made.Delivered.Consumer == 0 // then Delivered.Stream is the sequence before the first one
	switch policy := g.start.Policy; {
	case untouched && (policy == ReadLast || policy == ReadNew || policy == ReadLastPerSubject && made.Pending == 0):
		g.from.CompareAndSwap(0, made.Delivered.Stream+1)
	case policy == ReadNew: // its first messages are on their way
		g.start = ReaderStart{Policy: ReadFromTime, Time: made.Created}
	}
	return m
}

func (g *Gate) tellMade(s *gateSlot, m Made) {
	if g.cfg.Renew.Made != nil {
		g.cfg.Renew.Made(s.round, m)
	}
}

// begin starts the watch over the first consumer.
func (g *Gate) begin(losses int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return
	}
	now := mono.Now()
	g.flow.Watch(now, g.cfg.Heartbeat, g.up)
	same := g.up && losses == g.losses
	g.ups, g.downs = 0, 0
	g.renewLocked(now, g.renew.Start(now, same))
	if g.up && !same {
		g.renewLocked(now, g.renew.Reconnected())
	}
	g.armLocked(now)
}

// create makes another consumer, on a goroutine that ends with the answer, after a while, or with the gate.
func (g *Gate) create(job *gateJob) {
	s, fresh := g.slotFor(job.serial)
	if !fresh {
		return
	}
	another := s == nil
	if another {
		var err error
		if s, err = g.newSlot(); err != nil {
			return // the connection is closed, or about to be: the gate will hear of it
		}
	}
	switch {
	case g.launch(s, job.serial):
		go g.attempt(s, job.serial, job.wait)
	case another:
		g.leaveSlot(s)
	}
}

// slotFor returns the slot of a further attempt, nil if it needs a new one. On one that something has come on the numbers of another consumer
// would be mistaken. One whose consumer nobody confirmed may have it on a server that is gone: nats-server 2.15 places a consumer before it
// knows, and a second request of that name waits for the same server.
func (g *Gate) slotFor(serial uint32) (s *gateSlot, fresh bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped || g.serial != serial {
		return nil, false
	}
	if g.slot != nil && (g.slot.unheard || g.slot.touched.Load()) {
		g.abandonLocked()
	}
	return g.slot, true
}

func (g *Gate) launch(s *gateSlot, serial uint32) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped || g.serial != serial {
		return false
	}
	s.mayLive = true
	if g.slot != s {
		g.slot = s
		g.flow.Start()
	}
	g.running++
	return true
}

func (g *Gate) attempt(s *gateSlot, serial uint32, wait time.Duration) {
	defer g.landed()
	if !g.lookFirst(s, serial) {
		return
	}
	made, err := g.request(g.ctx, s, wait)
	if err != nil {
		g.failed(serial, err)
		g.work()
		return
	}
	m := g.note(s, made)
	g.tellMade(s, m)
	if g.created(serial) {
		g.work()
		g.compare(s)
	}
}

// landed is the end of an attempt.
func (g *Gate) landed() {
	g.land()
	g.work()
}

func (g *Gate) land() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	g.doneLocked()
}

func (g *Gate) failed(serial uint32, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped || g.serial != serial {
		return
	}
	now := mono.Now()
	code, words, unknown := reasonOf(err)
	if g.slot != nil {
		g.slot.unheard = g.slot.unheard || code == wire.Timeout
		g.slot.refusedLocked(err)
	}
	if unknown {
		g.stream.Vanished()
	}
	g.renewLocked(now, g.renew.Failed(now, code, words, unknown))
}

// reasonOf says why there is no consumer.
func reasonOf(err error) (code wire.Code, words string, unknown bool) {
	var refused *wire.APIError
	switch {
	case errors.As(err, &refused):
		return wire.ServerRefused, refused.Description, refused.ErrCode == wire.ErrCodeStreamNotFound
	case errors.Is(err, natserr.NoResponders):
		return wire.NoResponders, "", false
	case errors.Is(err, errUnanswered), errors.Is(err, context.DeadlineExceeded):
		return wire.Timeout, "", false
	}
	return wire.OtherStatus, err.Error(), false
}

func (g *Gate) created(serial uint32) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped || g.serial != serial {
		return false
	}
	now := mono.Now()
	g.flow.Watch(now, g.cfg.Heartbeat, g.up)
	g.renewLocked(now, g.renew.Created(now))
	g.removeLeftLocked()
	return true
}
