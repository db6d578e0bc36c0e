package run

import (
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/ordered"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// feedSlot is an inbox subscription of a Feed.
type feedSlot[M any] struct {
	f     *Feed[M]
	inbox string
	sub   *engine.Sub

	// The reader's own: the messages since the last Settle.
	run   []held[M]
	bytes int
	pin   string           // the last pin id seen
	order *ordered.Machine // of an ordered feed
	acks  wire.AckCursor   // likewise
}

var _ engine.Sink = (*feedSlot[int])(nil)

// newSlot makes an inbox. from is where the consumer of an ordered feed starts.
func (f *Feed[M]) newSlot(from uint64) (*feedSlot[M], error) {
	s := &feedSlot[M]{f: f, inbox: f.p.link.NewInbox()}
	if f.cfg.Supplier != nil {
		s.order = ordered.New(from)
	}
	var err error
	s.sub, err = f.p.link.Subscribe(s.inbox, "", s)
	return s, err
}

// Deliver takes a frame on the reader, as a pullSlot does.
func (s *feedSlot[M]) Deliver(fr *proto.Frame) {
	if len(fr.Header) > 0 {
		if string(fr.Subject) == s.inbox {
			if status, ok := wire.StatusOf(fr.Header, fr.Data); ok {
				s.status(status)
				return
			}
		}
		if s.f.p.grouped.Load() {
			s.notePin(proto.HeaderValue(fr.Header, wire.HdrPinID))
		}
	}
	if s.order != nil && !s.inOrder(fr) {
		return
	}
	size := len(fr.Subject) + len(fr.Reply) + len(fr.Header) + len(fr.Data)
	s.run = append(s.run, held[M]{s.f.p.build(fr), size})
	s.bytes += size
}

// notePin keeps the pin id for all requests of the consumer handle.
func (s *feedSlot[M]) notePin(pin []byte) {
	if len(pin) > 0 && string(pin) != s.pin {
		s.pin = string(pin)
		s.f.p.setPin(s.pin)
	}
}

// Settle hands over the run.
func (s *feedSlot[M]) Settle() {
	if len(s.run) == 0 {
		return
	}
	surplus, work := s.f.take(s)
	for _, h := range surplus {
		s.f.p.surplus(h.m)
	}
	s.bytes = 0
	clear(s.run)
	if s.run = s.run[:0]; cap(s.run) > runKept {
		s.run = nil
	}
	if work {
		s.f.work()
	}
}

// take puts the run of s into the queue. It returns what is more than StopAfter allows: that goes back to the server.
func (f *Feed[M]) take(s *feedSlot[M]) (surplus []held[M], work bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ended && f.code == wire.OK:
		return s.run, false
	case s != f.slot && s != f.old:
		return nil, false
	}
	n, bytes := min(len(s.run), f.machine.Room()), s.bytes
	for _, h := range s.run[n:] {
		bytes -= h.size
	}
	f.queue.push(s.run[:n])
	f.wakeLocked()
	if s.order != nil {
		f.arrivedLocked(s)
	}
	now := mono.Now()
	act := false
	if s == f.slot {
		act = f.machine.Arrived(now, n, bytes)
	} else {
		act = f.machine.Late(n, bytes)
	}
	if act {
		f.applyLocked(now, f.machine.Tick(now))
	}
	return s.run[n:], f.jobs.waiting()
}

// status takes a status message, after the messages before it.
func (s *feedSlot[M]) status(status wire.Status) {
	s.Settle()
	s.f.takeStatus(s, status)
	s.f.work()
}

func (f *Feed[M]) takeStatus(s *feedSlot[M], status wire.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s != f.slot {
		return // about requests that are void
	}
	if status.Code == wire.PinIDMismatch {
		f.p.setPin("") // this inbox is left, too
	}
	f.judgeLocked(mono.Now(), status)
}

// judgeLocked does what a status of the current inbox wants.
func (f *Feed[M]) judgeLocked(now mono.Time, status wire.Status) {
	if f.cfg.Supplier != nil && f.statusLocked(now, status) {
		return
	}
	f.applyLocked(now, f.machine.Status(now, status))
}

// Closed says that the connection is over.
func (s *feedSlot[M]) Closed(error) { s.f.linkClosed() }

// voidLocked leaves the inbox: the server is to forget what was asked on it.
func (f *Feed[M]) voidLocked() {
	f.serial++
	if f.slot == nil {
		return
	}
	if f.old != nil {
		f.jobs.add(feedJob[M]{kind: feedUnsubscribe, slot: f.old})
	}
	f.old, f.slot = f.slot, nil
	f.jobs.add(feedJob[M]{kind: feedLeave, slot: f.old})
}

// releaseLocked gives the inboxes back.
func (f *Feed[M]) releaseLocked() {
	for _, s := range []*feedSlot[M]{f.slot, f.old} {
		if s != nil {
			f.jobs.add(feedJob[M]{kind: feedUnsubscribe, slot: s})
		}
	}
	f.slot, f.old = nil, nil
}

// left says that all has arrived that the server sent to s before it was left.
func (f *Feed[M]) left(s *feedSlot[M]) {
	f.settleLeft(s)
	f.work()
}

func (f *Feed[M]) settleLeft(s *feedSlot[M]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch s {
	case f.slot:
		now := mono.Now()
		f.applyLocked(now, f.machine.Left(now))
	case f.old:
		f.old = nil
		f.jobs.add(feedJob[M]{kind: feedUnsubscribe, slot: s})
	}
}
