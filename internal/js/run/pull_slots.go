package run

import (
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

const (
	slotsKept = 4                // free subscriptions of one consumer
	slotIdle  = 10 * time.Second // after which a free one is given back
	runKept   = 1024             // messages of a run whose memory is kept
)

// pullSlot is one inbox subscription of a Puller. It serves one batch at a time, and another one only when the server has
// nothing more to send for the last.
type pullSlot[M any] struct {
	p     *Puller[M]
	inbox string
	sub   *engine.Sub

	// Guarded by Puller.mu.
	batch *Batch[M]
	since mono.Time // when it became free

	// The reader's own: the messages since the last Settle.
	run   []M
	bytes int    // as the server counts them
	pin   string // the last pin id seen
	fresh bool   // pin is not the Puller's yet
}

var _ engine.Sink = (*pullSlot[int])(nil)

// takeSlot returns a free subscription or a new one.
func (p *Puller[M]) takeSlot() (*pullSlot[M], error) {
	if s := p.popFree(); s != nil {
		return s, nil
	}
	s := &pullSlot[M]{p: p, inbox: p.link.NewInbox()}
	var err error
	if s.sub, err = p.link.Subscribe(s.inbox, "", s); err != nil {
		return nil, err
	}
	return s, nil
}

func (p *Puller[M]) popFree() *pullSlot[M] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 || p.leaving {
		return nil
	}
	last := len(p.free) - 1
	s := p.free[last]
	p.free[last] = nil
	p.free = p.free[:last]
	return s
}

// releaseLocked takes s, which may be nil, from its batch. A clean one is kept for the next batch, any other is thrown away:
// what still comes for it must not reach another batch.
func (p *Puller[M]) releaseLocked(now mono.Time, s *pullSlot[M], clean bool) {
	if s == nil {
		return
	}
	s.batch = nil
	if !clean || p.closed || p.leaving || len(p.free) >= slotsKept {
		p.jobs.add(pullJob[M]{kind: pullUnsubscribe, sub: s.sub})
		return
	}
	s.since = now
	p.free = append(p.free, s)
}

// sweepLocked gives back what has been free for long, and says when it wants to be called again.
func (p *Puller[M]) sweepLocked(now mono.Time) mono.Time {
	kept, next := p.free[:0], mono.Never
	for _, s := range p.free {
		if end := s.since.Add(slotIdle); now < end && !p.leaving {
			kept = append(kept, s)
			next = min(next, end)
			continue
		}
		p.jobs.add(pullJob[M]{kind: pullUnsubscribe, sub: s.sub})
	}
	clear(p.free[len(kept):])
	if p.free = kept; len(kept) == 0 && len(p.active) == 0 {
		p.unwatchLocked()
	}
	return next
}

// Deliver takes a frame on the reader. A status comes on the inbox itself, a message under the subject of the stream: a stored
// message may look like a status otherwise.
func (s *pullSlot[M]) Deliver(f *proto.Frame) {
	if len(f.Header) > 0 {
		if string(f.Subject) == s.inbox {
			if status, ok := wire.StatusOf(f.Header, f.Data); ok {
				s.status(status)
				return
			}
		}
		if s.p.grouped.Load() {
			s.notePin(proto.HeaderValue(f.Header, wire.HdrPinID))
		}
	}
	if s.p.accept != nil && !s.p.accept(f) {
		return
	}
	s.run = append(s.run, s.p.build(f))
	s.bytes += len(f.Subject) + len(f.Reply) + len(f.Header) + len(f.Data)
}

func (s *pullSlot[M]) notePin(pin []byte) {
	if len(pin) > 0 && string(pin) != s.pin {
		s.pin, s.fresh = string(pin), true
	}
}

// Settle hands over the run.
func (s *pullSlot[M]) Settle() {
	if len(s.run) == 0 {
		return
	}
	surplus, work := s.p.take(s)
	for _, m := range surplus {
		s.p.surplus(m)
	}
	s.bytes = 0
	clear(s.run)
	if s.run = s.run[:0]; cap(s.run) > runKept {
		s.run = nil
	}
	if work {
		s.p.work()
	}
}

// take gives the run of s to its batch. It returns what the batch does not want.
func (p *Puller[M]) take(s *pullSlot[M]) (surplus []M, work bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.fresh {
		p.pin, s.fresh = s.pin, false
	}
	b := s.batch
	if b == nil {
		return s.run, false
	}
	now := mono.Now()
	p.backoff.Heard()
	n := min(len(s.run), b.machine.Room())
	b.addLocked(s.run[:n])
	if p.taken != nil && n > 0 {
		p.taken(s.run[n-1])
	}
	if b.machine.Messages(now, n, s.bytes) {
		p.applyLocked(now, b, b.machine.Tick(now))
	}
	return s.run[n:], p.jobs.waiting()
}

// status takes a status message, after the messages before it.
func (s *pullSlot[M]) status(status wire.Status) {
	s.Settle()
	s.p.takeStatus(s, status)
	s.p.work()
}

func (p *Puller[M]) takeStatus(s *pullSlot[M], status wire.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if status.Code == wire.PinIDMismatch {
		p.pin, s.pin, s.fresh = "", "", false
	}
	b := s.batch
	if b == nil {
		return
	}
	now := mono.Now()
	if status.Code != wire.NoResponders {
		p.backoff.Heard()
	}
	p.applyLocked(now, b, b.machine.Status(now, status))
	p.armLocked(now, b.machine.Deadline())
}

// setPin keeps the pin id of the consumer's priority group for the next requests; empty: forgotten.
func (p *Puller[M]) setPin(pin string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pin = pin
}

func (p *Puller[M]) currentPin() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pin
}

// Closed says that the connection is over.
func (s *pullSlot[M]) Closed(error) { s.p.linkClosed() }
