package nats

import "sync/atomic"

// place is where the consumer of a queue is, in one word that the reader adds to and the consumer takes from:
//
//	turn 32 | - | open 1 | more 1 | there 8 | done 8
//
// It speaks of the chunk at the head of the queue: there of its messages are in the queue, the consumer is done with done of them, and
// more says that another chunk follows. turn changes with the chunk, so that a word never comes again.
//
// While it is open the consumer goes through these messages without the lock, because nothing else about the subscription matters. The way
// through the lock was a third of receiving with NextMsg. Whoever changes something else closes it first and looks at it then; the consumer
// sees that it is closed, and comes for the lock.
type place struct{ word atomic.Uint64 }

// spot is a value of a place.
type spot uint64

const (
	spotDone  spot = 1
	spotThere spot = 1 << 8
	spotMore  spot = 1 << 16
	spotOpen  spot = 1 << 17
	spotTurn  spot = 1 << 32
)

func (s spot) done() int  { return int(uint8(s)) }
func (s spot) there() int { return int(uint8(s / spotThere)) }
func (s spot) left() int  { return s.there() - s.done() }
func (s spot) more() bool { return s&spotMore != 0 }
func (s spot) open() bool { return s&spotOpen != 0 }

func (p *place) load() spot { return spot(p.word.Load()) }

// begin is the beginning of another chunk with n messages. The lock is held.
func (p *place) begin(n uint16, more, open bool) {
	s := p.load()&^(spotTurn-1) + spotTurn + spot(n)*spotThere
	if more {
		s |= spotMore
	}
	if open {
		s |= spotOpen
	}
	p.word.Store(uint64(s))
}

// add says that n messages more are there, and perhaps another chunk, and returns what was. The lock is held.
func (p *place) add(n uint16, more bool) (was spot) {
	by := spot(n) * spotThere
	if more && !p.load().more() {
		by += spotMore
	}
	return spot(p.word.Add(uint64(by))) - by
}

// step says that one message more is done. It is called by the only consumer, for a message that is there.
func (p *place) step() { p.word.Add(uint64(spotDone)) }

// take takes a message, where several may try: number i of the chunk, unless there is none. The lock is held.
func (p *place) take() (i int, ok bool) {
	for {
		s := p.load()
		if s.left() == 0 {
			return 0, false
		}
		if p.takeAt(s) {
			return s.done(), true
		}
	}
}

// takeAt takes the message that s speaks of; false: somebody was faster, or it was closed. Without the lock s must be open.
func (p *place) takeAt(s spot) bool {
	return p.word.CompareAndSwap(uint64(s), uint64(s+spotDone))
}

// open and close are called with the lock held. What is seen behind close is what consumers are bound to.
func (p *place) open()  { p.word.Or(uint64(spotOpen)) }
func (p *place) close() { p.word.And(^uint64(spotOpen)) }
