package nats

import (
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// prepare makes the request's subscription one to a push consumer that is not kept in order. It is on the connection's list then, and
// not subscribed yet.
func (p *pushRequest) prepare(deliver, consumer string, cfg *ConsumerConfig) {
	s := p.attach(deliver, cfg)
	c := s.cons
	c.setName(consumer)
	c.lasting, c.inactive = cfg.Durable != "" || cfg.InactiveThreshold > 0, cfg.InactiveThreshold
	c.gate = run.NewGate(run.GateConfig{
		Link: p.js.nc.eng, Down: (*pushInlet)(s), Heartbeat: cfg.Heartbeat, Subject: deliver, Queue: s.Queue,
		Tell: s.tellNews, Over: s.gateOver,
	})
	p.js.nc.list(s)
}

// attach makes the subscription. Its callback sends the acks that the program does not send.
func (p *pushRequest) attach(subj string, cfg *ConsumerConfig) *Subscription {
	c := &consumerSub{js: p.js, stream: p.stream, ackNone: cfg.AckPolicy == AckNonePolicy}
	s := &Subscription{Subject: subj, Queue: p.queue, cb: p.cb, ch: p.ch, typ: uint8(p.typ), cons: c}
	if user := p.cb; user != nil && !c.ackNone && !p.o.has(givenManualAck) {
		s.cb = func(m *Msg) {
			user(m)
			_ = m.Ack() // the program may have done it
		}
	}
	p.js.nc.equip(s)
	p.sub = s
	return s
}

// pushInlet is the side of a Subscription that a gate delivers to.
type pushInlet Subscription

var _ run.Downstream = (*pushInlet)(nil)

// pushIntake is what the reader, and who wants to know what was handled, need of a push subscription.
type pushIntake struct {
	taken uint64 // messages that came for the user, dropped ones included. The reader's
	cut   bool   // the limit of AutoUnsubscribe has come. The reader's

	mu    sync.Mutex
	retry *time.Timer // looks at a channel from time to time
	wants func()      // called when the channel has room again
	over  bool
}

// Deliver takes one message, on the reader. What is more than AutoUnsubscribe allows is nobody's.
func (p *pushInlet) Deliver(f *proto.Frame, _ wire.Place) bool {
	s := (*Subscription)(p)
	c := s.cons
	if max := c.max.Load(); max > 0 && c.push.taken >= max {
		c.push.cut = true
		return true
	}
	if c.ordered && s.ch != nil && len(s.ch)+s.fed() >= cap(s.ch) {
		return false // before it is in the user's hands, so that it can come again
	}
	before := s.in.msgs
	(*inlet)(s).Deliver(f)
	if s.in.msgs == before && c.ordered {
		return false
	}
	c.push.taken++
	c.push.cut = c.push.taken == c.max.Load()
	return true
}

// fed is how many messages are gathered for the channel.
func (s *Subscription) fed() int {
	if s.out == nil {
		return 0
	}
	return s.out.n
}

// Settle hands over the run.
func (p *pushInlet) Settle() {
	s := (*Subscription)(p)
	(*inlet)(s).Settle()
	if s.cons.push.cut {
		s.cons.push.cut = false
		s.cutOff()
	}
}

// cutOff says that the last message of the limit has come.
func (s *Subscription) cutOff() {
	s.cons.gate.StopServer()
	s.mark(subCut)
	s.check()
}

// WhenHandled calls fn when the program is done with what is queued; for a channel, when half of it is free.
func (p *pushInlet) WhenHandled(fn func()) {
	s := (*Subscription)(p)
	if s.ch != nil {
		s.whenChanFree(fn)
		return
	}
	b := &barrier{fn: fn}
	b.left.Store(1)
	s.putMark(b)
	b.release()
}

// putMark is putBarrier for synchronous subscriptions too.
func (s *Subscription) putMark(b *barrier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changedLocked() // before what is pending is looked at
	if s.is(subOver) || s.pendingLocked().msgs == 0 {
		return
	}
	b.left.Add(1)
	e := s.extrasLocked()
	e.barriers = append(e.barriers, barrierMark{s.arrived, b})
}

// chanLook is the time between two looks at a channel whose user is behind.
const chanLook = 5 * time.Millisecond

// whenChanFree calls fn when half of the channel is free. Nobody tells when a message is taken out of it.
func (s *Subscription) whenChanFree(fn func()) {
	if 2*len(s.ch) <= cap(s.ch) {
		fn()
		return
	}
	p := &s.cons.push
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	p.wants = fn
	if p.retry == nil {
		p.retry = time.AfterFunc(chanLook, s.lookAtChan)
		return
	}
	p.retry.Reset(chanLook)
}

func (s *Subscription) lookAtChan() {
	if fn := s.chanFree(); fn != nil {
		fn()
	}
}

// chanFree returns who waits if there is room, or looks again later.
func (s *Subscription) chanFree() (fn func()) {
	p := &s.cons.push
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
		return nil
	case 2*len(s.ch) <= cap(s.ch):
		fn, p.wants = p.wants, nil
		return fn
	}
	p.retry.Reset(chanLook)
	return nil
}

func (p *pushIntake) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over, p.wants = true, nil
	if p.retry != nil {
		p.retry.Stop()
	}
}

// tellNews tells the error handler what disturbs the delivery.
func (s *Subscription) tellNews(n run.GateNews) {
	switch n.Code {
	case wire.NoHeartbeat:
		if !s.cons.ordered { // in order the consumer is replaced
			s.conn.reportError(s, ErrConsumerNotActive)
		}
	case wire.Gap:
		if m := n.Mismatch; !s.cons.ordered {
			s.conn.reportError(s, &ErrConsumerSequenceMismatch{
				StreamResumeSequence: m.Stream, ConsumerSequence: m.Seen, LastConsumerSequence: m.Sent,
			})
		}
	case wire.ServerRefused, wire.OtherStatus:
		s.conn.reportError(s, &orderedTrouble{words: n.Words})
	}
}

// orderedTrouble is why an ordered subscription has no consumer at the moment.
type orderedTrouble struct{ words string }

func (e *orderedTrouble) Error() string { return "nats: recreating ordered consumer: " + e.words }

// gateOver ends the subscription: the connection is closed, or there will be no consumer any more.
func (s *Subscription) gateOver(code wire.Code, words string) {
	if code == wire.ConnectionClosed {
		s.finish(subConnOver)
		return
	}
	s.conn.reportError(s, &orderedTrouble{words: words})
	s.finish(0)
}

// endPush is the part of finish for push subscriptions. When a drain is through, and at the limit of AutoUnsubscribe, a consumer that was made
// for the subscription is deleted; one that lasts only by the former.
func (s *Subscription) endPush(how subState) {
	c := s.cons
	c.gate.Stop()
	c.push.stop()
	if how&subConnOver == 0 && (s.has(subComplete) || s.has(subMaxed) && !c.lasting) {
		c.dismiss(s.conn.eng.PublishNow)
	}
}
