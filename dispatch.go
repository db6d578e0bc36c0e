package nats

import "github.com/gannet-io/nats/internal/engine"

// turn is what a worker is to call the user's function for: messages from..to of a chunk; nil: none.
type turn struct {
	c        *chunk
	from, to int
	epoch    uint32
}

// chores are what else a worker is to do, before its turn.
type chores struct {
	passed []*barrier   // barriers that the queue has passed
	ended  bool         // the subscription has come to its end
	closed func(string) // the closed handler
}

// Run calls the user's function for what is queued. One worker at a time runs it. Where it is in the queue is in the subscription, not in
// variables of its own: a callback may end its goroutine.
func (r *turns) Run(w *engine.Worker) (more bool) {
	s := (*Subscription)(r)
	for {
		t := s.resume()
		if t.c == nil {
			var first chores
			first, t = s.claim()
			if s.do(first); first.ended {
				continue // what finish has left to do
			}
		}
		switch {
		case t.c == nil:
			return false
		case !s.work(w, t):
			return true
		case s.settled(t.c):
			return false
		}
	}
}

// do does the chores.
func (s *Subscription) do(c chores) {
	for _, b := range c.passed {
		b.release()
	}
	if c.ended {
		s.finish(0)
	}
	if c.closed != nil {
		c.closed(s.Subject)
	}
}

// work calls the user's function for the messages of a turn. It stops early when something about the subscription has
// changed; false means that the worker is wanted elsewhere.
func (s *Subscription) work(w *engine.Worker, t turn) (stay bool) {
	s.calling = true
	stay = true
	for i := t.from; i < t.to && stay && s.epoch.Load() == t.epoch; i++ {
		if raw := t.c.raw; raw != nil && raw[i] != "" {
			t.c.msgs[i].Header = s.conn.parseHeader(s, raw[i], nil)
			raw[i] = ""
		}
		s.cb(&t.c.msgs[i])
		s.place.step()
		stay = !w.Yield()
	}
	s.calling = false
	return stay
}

// settled reports whether there is nothing more to do, without the lock. Whoever has something new says so in the place, and sees there whether
// the worker was done: then he calls for one. A chunk that is full has to be left.
func (s *Subscription) settled(c *chunk) bool {
	p := s.place.load()
	return p.open() && p.left() == 0 && !p.more() && p.there() < len(c.msgs)
}

// resume is claim without the lock, for messages in the chunk that the last claim has opened.
func (s *Subscription) resume() (t turn) {
	t.epoch = s.epoch.Load() // before the place: whoever closes it changes epoch behind that
	if p := s.place.load(); p.open() && p.left() > 0 && !s.calling {
		t.c, t.from, t.to = s.lent.Load(), p.done(), p.there()
	}
	return t
}

// claim looks what there is to do. The last turn's messages are done.
func (s *Subscription) claim() (first chores, t turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(subClosedCue) {
		s.state &^= subClosedCue
		first.closed = s.extras.closed
	}
	if s.is(subOver) {
		return first, t
	}
	if s.calling { // left over from a callback that ended its goroutine
		s.calling = false
		s.place.step()
	}
	s.advanceLocked()
	slow := s.slowLocked()
	if slow != nil {
		slow.claimed = nil
		slow.tellRoom()
	}
	p := s.place.load()
	done := s.gone + uint64(p.done())
	first.passed = s.passedLocked(done)
	s.lendLocked()
	head := s.head
	if first.ended = s.endedLocked(); first.ended || head == nil {
		return first, t
	}
	t.from, t.to = p.done(), p.there()
	if s.max > 0 {
		t.to = min(t.to, t.from+int(s.max-done))
	}
	if at, ok := s.nextBarrierLocked(); ok {
		t.to = min(t.to, t.from+int(at-done))
	}
	if t.from < t.to {
		t.c, t.epoch = head, s.epoch.Load()
		if slow != nil {
			slow.claimed = head
		}
	}
	return first, t
}
