package nats

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/subject"
)

// Subscription is interest in a subject. Its methods may be called concurrently and from any callback; those of a nil or zero
// *Subscription return [ErrBadSubscription]. Its fields must not be changed.
type Subscription struct {
	// Subject that was asked for, with its wildcards.
	Subject string
	// Queue is the queue group: each message goes to one of its members. Empty: none.
	Queue string

	// Messages pass from the reader to the consumer like this:
	//
	//	reader: intake ──Settle──► queue of chunks ──► worker: callback
	//	                                          └──► NextMsg
	//	        (channel subscriptions: ──► the user's channel)
	//
	// There may be 100,000 idle ones, so what few of them need is in extras.

	conn *Conn
	own  engine.Sub   // core subscriptions. The engine takes no notice of one that it does not know, yet or any more
	cb   MsgHandler   // asynchronous subscriptions
	ch   chan *Msg    // channel subscriptions
	task engine.Task  // asynchronous subscriptions
	cons *consumerSub // subscriptions to a consumer of a stream; nil: a core subscription

	prev, next *Subscription // in Conn.subs, guarded by Conn.mu

	in  intake // the reader's
	out *feed  // likewise; channel subscriptions

	mu    sync.Mutex // before the outbox's lock, after the engine's
	head  *chunk     // where the consumer is; nil: nothing is queued
	tail  *chunk
	place place                 // in the chunk at head
	lent  atomic.Pointer[chunk] // that chunk, for who looks at it without the lock while place is open. Written under mu
	spare *waiter               // of the last NextMsg that waited

	arrived, gone           uint64 // messages queued, and of these the ones before head
	arrivedBytes, goneBytes uint64
	dropped                 uint64
	max                     uint64 // AutoUnsubscribe; 0: none
	limits                  extent // 0 or less: none
	peak                    extent
	waiters                 *waiter // NextMsg calls that wait, in no particular order
	extras                  *extras
	// epoch changes with whatever the reader or a worker must notice in the middle of a run: see changedLocked.
	epoch   atomic.Uint32
	typ     uint8 // SubscriptionType
	state   subState
	calling bool // a callback runs, or has ended its goroutine. The worker's
}

// changedLocked has the reader and the consumer notice what has changed before they go on. What they are doing is with one message at most.
func (s *Subscription) changedLocked() {
	s.place.close() // first: see resume
	s.epoch.Add(1)
}

// simpleLocked reports whether the consumer need look at nothing but the queue.
func (s *Subscription) simpleLocked() bool {
	e := s.extras
	return s.state == 0 && s.max == 0 && (e == nil || e.slow == nil && e.refused == nil && len(e.barriers) == 0)
}

// extent is a number of messages and of their bytes.
type extent struct{ msgs, bytes int }

// subState is a set of facts about a subscription.
type subState uint8

const (
	subOver      subState = 1 << iota // final: unsubscribed, drained, at its limit, or the connection is closed
	subConnOver                       // the connection is closed
	subMaxed                          // it ended at its limit
	subCut                            // the engine has seen the last message of the limit
	subDraining                       // Drain was called
	subComplete                       // draining: everything that the server sent has arrived
	subSlow                           // the last message was dropped, and nobody was told by NextMsg
	subClosedCue                      // the closed handler is to be called by the worker
)

func (s *Subscription) is(flags subState) bool { return s.state&flags != 0 }

// extras are what most subscriptions never have. Guarded by Subscription.mu.
type extras struct {
	listeners []subListener
	closed    func(string)
	refused   error // the server denied the subscription, and the user wants to know
	barriers  []barrierMark
	ended     []func() // called when the subscription is over
	slow      *slowness
}

func (s *Subscription) extrasLocked() *extras {
	if s.extras == nil {
		s.extras = new(extras)
	}
	return s.extras
}

// inlet is the side of a Subscription that the engine delivers to.
type inlet Subscription

// turns is the side of a Subscription that the dispatcher runs.
type turns Subscription

// Subscribe has cb called for each message on subj, one after the other; each subscription has its own sequence of calls, so a callback
// that blocks holds up no other. Wildcards are * for a token and > for the rest.
//
// Errors: [ErrBadSubject] when subj has white space or an empty token, [ErrBadSubscription] when cb is nil, [ErrConnectionClosed],
// [ErrConnectionDraining].
func (nc *Conn) Subscribe(subj string, cb MsgHandler) (*Subscription, error) {
	return nc.subscribe(&Subscription{Subject: subj, cb: cb, typ: uint8(AsyncSubscription)})
}

// QueueSubscribe is [Conn.Subscribe] as a member of a queue group: each message goes to one of its members. White space in queue is
// [ErrBadQueueName]; an empty queue is no group.
func (nc *Conn) QueueSubscribe(subj, queue string, cb MsgHandler) (*Subscription, error) {
	return nc.subscribe(&Subscription{Subject: subj, Queue: queue, cb: cb, typ: uint8(AsyncSubscription)})
}

// SubscribeSync keeps messages on subj for [Subscription.NextMsg]. Errors: see [Conn.Subscribe].
func (nc *Conn) SubscribeSync(subj string) (*Subscription, error) {
	return nc.subscribe(&Subscription{Subject: subj, typ: uint8(SyncSubscription)})
}

// QueueSubscribeSync is [Conn.SubscribeSync] as a member of a queue group, see [Conn.QueueSubscribe].
func (nc *Conn) QueueSubscribeSync(subj, queue string) (*Subscription, error) {
	return nc.subscribe(&Subscription{Subject: subj, Queue: queue, typ: uint8(SyncSubscription)})
}

// ChanSubscribe sends the messages on subj to ch. Those that it has no room for are dropped; the channel is never closed, and must not be
// while the subscription is active. A nil channel is [ErrBadSubscription]. Other errors: see [Conn.Subscribe].
func (nc *Conn) ChanSubscribe(subj string, ch chan *Msg) (*Subscription, error) {
	return nc.subscribe(&Subscription{Subject: subj, ch: ch, typ: uint8(ChanSubscription)})
}

// ChanQueueSubscribe is [Conn.ChanSubscribe] as a member of a queue group, see [Conn.QueueSubscribe].
func (nc *Conn) ChanQueueSubscribe(subj, queue string, ch chan *Msg) (*Subscription, error) {
	return nc.subscribe(&Subscription{Subject: subj, Queue: queue, ch: ch, typ: uint8(ChanSubscription)})
}

// QueueSubscribeSyncWithChan is the same as [Conn.ChanQueueSubscribe].
func (nc *Conn) QueueSubscribeSyncWithChan(subj, queue string, ch chan *Msg) (*Subscription, error) {
	return nc.ChanQueueSubscribe(subj, queue, ch)
}

// subscribe completes s and makes it known to the engine.
func (nc *Conn) subscribe(s *Subscription) (*Subscription, error) {
	if nc.engine() == nil {
		return nil, ErrInvalidConnection
	}
	if err := nc.checkSubscription(s); err != nil {
		return nil, err
	}
	nc.equip(s)
	nc.list(s)
	if err := nc.register(s); err != nil {
		nc.unlist(s)
		return nil, err
	}
	return s, nil
}

// equip gives s what it needs before messages come.
func (nc *Conn) equip(s *Subscription) {
	s.conn = nc
	s.limits = extent{DefaultSubPendingMsgsLimit, DefaultSubPendingBytesLimit}
	if n := nc.Opts.SubChanLen; s.Type() == SyncSubscription && n > 0 {
		s.limits.msgs = n
	}
	if s.cb != nil {
		s.task.Bind((*turns)(s))
	}
}

func (nc *Conn) checkSubscription(s *Subscription) error {
	switch {
	case !subject.ValidSubscribe(s.Subject) && !(nc.Opts.SkipSubjectValidation && subject.ValidPublish(s.Subject)):
		return ErrBadSubject
	case !subject.ValidQueue(s.Queue):
		return ErrBadQueueName
	case s.Type() == AsyncSubscription && s.cb == nil, s.Type() == ChanSubscription && s.ch == nil:
		return ErrBadSubscription
	}
	return nil
}

func (nc *Conn) register(s *Subscription) error {
	if err := nc.eng.SubscribeAs(&s.own, s.Subject, s.Queue, (*inlet)(s)); err != nil {
		return err
	}
	if s.has(subOver) { // ended by a drain of the connection, perhaps before the engine knew it
		_ = nc.eng.Unsubscribe(&s.own) // fails when the connection is closed, which ends it too
	}
	return nil
}

// Type says how the messages are handed out. It is [NilSubscription] for a nil *Subscription.
func (s *Subscription) Type() SubscriptionType {
	if s == nil {
		return NilSubscription
	}
	return SubscriptionType(s.typ)
}

// boundsLocked are the pending limits in force, without special values. Callers of NextMsg have the smaller of the limit and SubChanLen.
func (s *Subscription) boundsLocked() extent {
	b := s.limits
	if b.msgs <= 0 {
		b.msgs = math.MaxInt
	}
	if b.bytes <= 0 {
		b.bytes = math.MaxInt
	}
	if n := s.conn.Opts.SubChanLen; s.Type() == SyncSubscription && n > 0 {
		b.msgs = min(b.msgs, n)
	}
	return b
}

// subList is a list of subscriptions, linked through themselves. Guarded by Conn.mu.
type subList struct {
	first *Subscription
	n     int
}

func (nc *Conn) list(s *Subscription) {
	nc.mu.Lock()
	defer nc.mu.Unlock()
	s.next = nc.subs.first
	if s.next != nil {
		s.next.prev = s
	}
	nc.subs.first = s
	nc.subs.n++
}

// unlist takes s off the list; again does nothing.
func (nc *Conn) unlist(s *Subscription) {
	nc.mu.Lock()
	defer nc.mu.Unlock()
	switch {
	case s.prev != nil:
		s.prev.next = s.next
	case nc.subs.first == s:
		nc.subs.first = s.next
	default:
		return
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
	nc.subs.n--
}

// subscriptions is a copy of the list.
func (nc *Conn) subscriptions() []*Subscription {
	nc.mu.Lock()
	defer nc.mu.Unlock()
	all := make([]*Subscription, 0, nc.subs.n)
	for s := nc.subs.first; s != nil; s = s.next {
		all = append(all, s)
	}
	return all
}
