package natstest

import (
	"bytes"
	"math/rand/v2"
	"net"
	"slices"
	"time"
)

const (
	readSize   = 32 << 10
	queueLimit = 64 << 10 // a reader waits while so much is queued
	rateSteps  = 50       // writes a second under a rate limit, if the rate allows
	idleWait   = time.Hour
)

// stream carries the bytes of a link in one direction. Its reader takes them in and decides what becomes of them; its writer
// hands them on when their time has come.
//
//	src ─► read ─► decide (swallow, garble, cut, match) ─► queue ─► next (delay, rate, stall) ─► write ─► dst
type stream struct {
	link     *link
	dir      Direction
	src, dst *net.TCPConn
	wake     chan struct{} // for the writer: the queue or the faults have changed
	room     chan struct{} // for the reader: the queue has become shorter

	// Guarded by the proxy's lock.
	rng      *rand.Rand
	queue    []piece
	queued   int       // bytes
	free     time.Time // when the rate limit allows the next write
	deaf     bool      // the receiver is gone and the sender must not know: swallow
	cleanFor int       // bytes until the next one to garble, valid if odds is the current setting
	odds     int
	info     bool // a half handshake has let the server's first line pass
	progress map[*trigger]int
}

// piece is a part of the stream on its way; its bytes belong to it.
type piece struct {
	data []byte
	due  time.Time
	end  ending
}

// ending says what happens when a piece has been handed on.
type ending int

const (
	goOn    ending = iota
	hangup         // the sender has closed: so does the proxy
	cutHere        // a fault ends the link: the receiver sees an orderly end, the sender a reset
)

func newStream(l *link, dir Direction, src, dst *net.TCPConn) *stream {
	return &stream{
		link: l, dir: dir, src: src, dst: dst, rng: l.random(dir),
		wake: make(chan struct{}, 1), room: make(chan struct{}, 1),
		progress: map[*trigger]int{},
	}
}

// signal never blocks: one pending signal is as good as many.
func (s *stream) signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *stream) read() {
	buf := make([]byte, readSize)
	for {
		n, err := s.src.Read(buf)
		for b := buf[:n]; len(b) > 0; {
			if !s.waitForRoom() {
				return
			}
			b = b[s.takeIn(b):]
		}
		if err != nil {
			s.finish()
			return
		}
	}
}

// waitForRoom returns false when the link is over.
func (s *stream) waitForRoom() bool {
	for {
		if !s.full() {
			return true
		}
		select {
		case <-s.room:
		case <-s.link.done:
			return false
		}
	}
}

func (s *stream) full() bool {
	s.link.proxy.mu.Lock()
	defer s.link.proxy.mu.Unlock()
	return s.queued >= queueLimit
}

// takeIn passes the beginning of b on its way and returns how much of b that was. Triggers run after the decision and before
// the bytes leave: a match itself passes, and an answer to it already meets what the trigger has done.
func (s *stream) takeIn(b []byte) int {
	n, p, keep, fired := s.decide(b)
	for _, t := range fired {
		t.do()
	}
	if keep {
		s.push(p)
	}
	if p.end == cutHere {
		return len(b) // nobody will want the rest
	}
	return n
}

// decide applies the faults to the beginning of b, up to the first place where something changes.
func (s *stream) decide(b []byte) (n int, p piece, keep bool, fired []*trigger) {
	s.link.proxy.mu.Lock()
	defer s.link.proxy.mu.Unlock()
	f := &s.link.proxy.faults
	n = len(b)
	counted := f.budget != nil && f.budget.dir.includes(s.dir)
	if counted {
		n = int(min(int64(n), f.budget.left))
	}
	n, fired = s.matchLocked(b[:n])
	if counted {
		if f.budget.left -= int64(n); f.budget.left == 0 {
			f.budget, p.end = nil, cutHere
		}
	}
	for _, t := range fired {
		if t.cut {
			p.end = cutHere
		}
	}
	p.data = s.survivorsLocked(b[:n])
	s.link.proxy.stats.Lost += int64(n - len(p.data))
	if len(p.data) < n {
		s.link.damaged = true
	}
	return n, p, len(p.data) > 0 || p.end != goOn, fired
}

// survivorsLocked returns a copy of what is left of b.
func (s *stream) survivorsLocked(b []byte) []byte {
	f := &s.link.proxy.faults
	switch {
	case *f.hole.at(s.dir) || s.deaf:
		return nil
	case s.link.half == NoPong && s.dir == ServerToClient:
		if s.info {
			return nil
		}
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			s.info, b = true, b[:i+1]
			s.link.damaged = true // even if nothing follows: it never will
		}
	}
	b = slices.Clone(b)
	s.garbleLocked(b, *f.garble.at(s.dir))
	return b
}

// garbleLocked draws the distance to the next victim instead of a number for each byte.
func (s *stream) garbleLocked(b []byte, oneIn int) {
	if oneIn <= 0 {
		s.odds = 0
		return
	}
	if s.odds != oneIn {
		s.odds, s.cleanFor = oneIn, s.gap(oneIn)
	}
	for s.cleanFor < len(b) {
		b[s.cleanFor] ^= byte(1 + s.rng.IntN(255))
		s.cleanFor += 1 + s.gap(oneIn)
		s.link.damaged = true
	}
	s.cleanFor -= len(b)
}

// gap is uniform between 0 and twice the mean, which is as good as any for a test and repeatable.
func (s *stream) gap(oneIn int) int { return s.rng.IntN(2*(oneIn-1) + 1) }

// finish is called when the sender has closed its side or is gone. A hole swallows that too.
func (s *stream) finish() {
	s.link.proxy.mu.Lock()
	defer s.link.proxy.mu.Unlock()
	if *s.link.proxy.faults.hole.at(s.dir) {
		s.link.damaged = true
		return
	}
	s.pushLocked(piece{end: hangup})
}

func (s *stream) push(p piece) {
	s.link.proxy.mu.Lock()
	defer s.link.proxy.mu.Unlock()
	s.pushLocked(p)
}

// pushLocked also gives the piece its time. Nothing overtakes: the writer looks at the head of the queue only.
func (s *stream) pushLocked(p piece) {
	f := &s.link.proxy.faults
	if f.latency > 0 || f.jitter > 0 {
		p.due = time.Now().Add(f.latency + time.Duration(s.rng.Int64N(int64(f.jitter)+1)))
	}
	s.queue = append(s.queue, p)
	s.queued += len(p.data)
	s.signal(s.wake)
}

// hurryLocked lets everything queued go now.
func (s *stream) hurryLocked() {
	for i := range s.queue {
		s.queue[i].due = time.Time{}
	}
	s.free = time.Time{}
	s.signal(s.wake)
}
