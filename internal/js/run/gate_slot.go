package run

import (
	"sync/atomic"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/ordered"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
)

// gateSlot is one subscription of a Gate; in order each consumer has one of its own.
type gateSlot struct {
	g       *Gate
	subject string
	sub     atomic.Pointer[engine.Sub]
	live    atomic.Bool // what comes is taken
	touched atomic.Bool // something came

	// In order, and fixed before anything is sent:
	name    string
	round   uint32
	target  string // of the request
	body    []byte
	start   uint64 // the stream sequence from which it was asked for; 0: as at the beginning
	rewound bool   // that is not where the slot before has stopped
	mayLive bool   // the consumer may exist: guarded by Gate.mu
	sure    bool   // the server has said so: guarded by Gate.mu
	unheard bool   // a request for it was not answered: guarded by Gate.mu
	left    func() // when it is given up; nil: nobody wants to know. Guarded by Gate.mu; does not block

	// The reader's own:
	order ordered.Machine
	begun bool // order is set
	n     int  // messages since the last Settle
	last  wire.Place
}

var _ engine.Sink = (*gateSlot)(nil)

// Deliver takes a frame on the reader.
func (s *gateSlot) Deliver(f *proto.Frame) {
	// A stream message arrives under its own subject, a status under that of the subscription.
	if len(f.Header) > 0 && string(f.Subject) == s.subject {
		if status, ok := wire.StatusOf(f.Header, f.Data); ok && status.Number == 100 {
			s.status(status, f)
			return
		}
	}
	if !s.live.Load() {
		return
	}
	at, ok := wire.AckPlace(f.Reply)
	if s.g.cfg.Renew == nil {
		s.g.cfg.Down.Deliver(f, at)
	} else if !ok || !s.deliverInOrder(f, at) {
		return
	}
	s.n++
	s.last = at
}

// deliverInOrder takes the message if it is the next one. The numbers of a consumer are judged here, on the reader, and so are the stream's: a
// slot begins where the one before has stopped, whatever its consumer was asked for. Readers follow one another, so this needs no lock.
func (s *gateSlot) deliverInOrder(f *proto.Frame, at wire.Place) bool {
	s.begin()
	before := s.order
	switch s.order.Message(at.ConsumerSeq, at.StreamSeq) {
	case ordered.Drop:
		return false
	case ordered.Reset:
		s.broken(wire.Gap, "")
		return false
	}
	if !s.g.cfg.Down.Deliver(f, at) {
		s.order = before
		s.broken(wire.LimitExceeded, noRoom)
		return false
	}
	s.g.from.Store(s.order.From())
	return true
}

// noRoom are the words for a message that the user has no room for.
const noRoom = "no room for more messages"

func (s *gateSlot) begin() {
	if !s.begun {
		s.begun = true
		if s.rewound {
			s.g.startOver(s)
		}
		s.order = *ordered.New(s.g.from.Load())
		s.touched.Store(true)
	}
}

// broken ends the slot: its consumer is of no use any more.
func (s *gateSlot) broken(code wire.Code, words string) {
	s.live.Store(false)
	s.settle()
	s.g.broken(s, code, words)
}

// Settle hands over the run.
func (s *gateSlot) Settle() {
	if s.n > 0 {
		s.settle()
	}
}

func (s *gateSlot) settle() {
	s.g.cfg.Down.Settle()
	s.g.arrived(s, s.n, s.last)
	s.n = 0
}

// status takes what is no message, after the messages before it.
func (s *gateSlot) status(status wire.Status, f *proto.Frame) {
	s.Settle()
	if status.Code == wire.FlowControl {
		s.g.flowControl(s, string(f.Reply))
		return
	}
	beat := wire.BeatOf(f.Header)
	if s.g.cfg.Renew != nil && s.live.Load() && beat.Known {
		s.begin()
		if s.order.Heartbeat(beat.LastConsumer) == ordered.Reset {
			s.broken(wire.Gap, "")
			return
		}
	}
	s.g.heartbeat(s, beat)
}

// Closed says that the connection is over.
func (s *gateSlot) Closed(error) { s.g.linkClosed() }

func (g *Gate) arrived(s *gateSlot, n int, last wire.Place) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s == g.slot {
		g.flow.Arrived(mono.Now(), n, last.ConsumerSeq, last.StreamSeq)
	}
}

func (g *Gate) flowControl(s *gateSlot, reply string) {
	g.takeFlowControl(s, reply)
	g.work()
}

func (g *Gate) takeFlowControl(s *gateSlot, reply string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s == g.slot {
		g.flowLocked(g.flow.FlowControl(mono.Now(), reply))
	}
}

func (g *Gate) heartbeat(s *gateSlot, beat wire.Beat) {
	g.takeHeartbeat(s, beat)
	g.work()
}

func (g *Gate) takeHeartbeat(s *gateSlot, beat wire.Beat) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s == g.slot {
		known := beat.Known && g.cfg.Renew == nil // in order the slot has judged it
		g.flowLocked(g.flow.Heartbeat(mono.Now(), beat.LastConsumer, known, string(beat.Stalled)))
	}
}

// handled says that the first total messages have been.
func (g *Gate) handled(total uint64) {
	g.takeHandled(total)
	g.work()
}

func (g *Gate) takeHandled(total uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flowLocked(g.flow.Handled(total))
}

func (g *Gate) broken(s *gateSlot, code wire.Code, words string) {
	g.takeBroken(s, code, words)
	g.work()
	if code == wire.LimitExceeded {
		g.cfg.Down.WhenHandled(g.room)
	}
}

// room says that the user has caught up.
func (g *Gate) room() {
	g.takeRoom()
	g.work()
}

func (g *Gate) takeRoom() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.stopped {
		now := mono.Now()
		g.renewLocked(now, g.renew.Room())
		g.armLocked(now)
	}
}

func (g *Gate) takeBroken(s *gateSlot, code wire.Code, words string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s == g.slot {
		now := mono.Now()
		g.renewLocked(now, g.renew.Broken(now, code, words))
		g.armLocked(now)
	}
}
