package nats

import "github.com/gannet-io/nats/internal/engine"

// turn is what a worker is to do next.
type turn struct {
	c        *chunk // messages from..to of it; nil: none
	from, to int
	epoch    uint32
	runs     uint32
	simple   bool // behind these messages there is nothing to do that epoch and runs do not tell

	passed []*barrier   // barriers that the queue has passed
	ended  bool         // the subscription has come to its end
	closed func(string) // the closed handler
}

// Run calls the user's function for what is queued. One worker at a time runs it. Where it is in the queue is in the subscription, not in
// variables of its own: a callback may end its goroutine.
func (r *turns) Run(w *engine.Worker) (more bool) {
	s := (*Subscription)(r)
	for {
		t := s.claim()
		for _, b := range t.passed {
			b.release()
		}
		switch {
		case t.closed != nil:
			t.closed(s.Subject)
			return false
		case t.ended:
			s.finish(0)
		case t.c == nil:
			return false
		case !s.work(w, &t):
			return true
		case t.simple && s.settled(&t):
			return false
		}
	}
}

// work calls the user's function for the messages of a turn. It stops early when something about the subscription has
// changed; false means that the worker is wanted elsewhere.
func (s *Subscription) work(w *engine.Worker, t *turn) (stay bool) {
	i := t.from
	for stay = true; i < t.to && stay && s.epoch.Load() == t.epoch; i++ {
		s.step.Store(uint32(2*i + 1))
		if raw := t.c.raw; raw != nil && raw[i] != "" {
			t.c.msgs[i].Header = s.conn.parseHeader(s, raw[i])
			raw[i] = ""
		}
		s.cb(&t.c.msgs[i])
		stay = !w.Yield()
	}
	s.step.Store(uint32(2 * i))
	return stay
}

// settled reports whether the turn was the last thing to do, without the lock that another claim takes: of a thousand subscriptions that get a
// message now and then each would take it twice a message. Whoever has something new says so in runs or epoch first, and then looks at step, which
// was written before these are read here: so either he sees that the worker is done and calls for one, or it is seen here.
func (s *Subscription) settled(t *turn) bool {
	return int(s.step.Load()) == 2*t.to && s.runs.Load() == t.runs && s.epoch.Load() == t.epoch
}

// claim looks what there is to do. The last turn's messages are done.
func (s *Subscription) claim() (t turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subClosedCue) {
		s.state &^= subClosedCue
		t.closed = s.extras.closed
	}
	if s.is(subOver) {
		return t
	}
	if step := s.step.Load(); step%2 != 0 { // left over from a callback that ended its goroutine
		s.step.Store(step + 1)
	}
	s.advanceLocked()
	slow := s.slowLocked()
	if slow != nil {
		slow.claimed = nil
		slow.tellRoom()
	}
	done := s.gone + uint64(s.step.Load()/2)
	t.passed = s.passedLocked(done)
	if t.ended = s.endedLocked(); t.ended || s.head == nil {
		return t
	}
	t.from, t.to = int(s.step.Load()/2), int(s.head.n)
	if s.max > 0 {
		t.to = min(t.to, t.from+int(s.max-done))
	}
	if at, ok := s.nextBarrierLocked(); ok {
		t.to = min(t.to, t.from+int(at-done))
	}
	if t.from < t.to {
		t.c, t.epoch, t.runs = s.head, s.epoch.Load(), s.runs.Load()
		// A chunk that is full has to be left.
		t.simple = s.extras == nil && s.state == 0 && s.max == 0 && t.to == int(s.head.n) && s.head.next == nil && !s.head.full()
		if slow != nil {
			slow.claimed = s.head
		}
	}
	return t
}
