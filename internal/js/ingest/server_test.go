package ingest

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// frame is what travels from the machine to the server model.
type frame struct {
	kind  Kind // Begin, Send, Commit, Ping
	batch int
	n     uint64 // batch sequence
	ord   uint64 // ordinal of the message
}

// answer is what travels back.
type answer struct {
	kind     answerKind
	batch    int
	n, every uint64
	ping     bool
}

type answerKind uint8

const (
	flowAck answerKind = iota
	gap
	refusal
	ack
	failure
	unknown
	nobody
)

// serverBatch is a fast batch in the mode that allows no gaps.
type serverBatch struct {
	lseq, fseq, every uint64
}

// server stores messages as nats-server 2.15 does, told in the fewest words.
type server struct {
	rnd      *rand.Rand
	batches  map[int]*serverBatch
	stored   []uint64
	dedupe   bool
	bad      uint64 // this ordinal is refused by the batch; 0: none
	oversize uint64 // this one before the batch looks at it
	leader   bool
	every    uint64
	out      []answer
}

func (s *server) say(a answer) { s.out = append(s.out, a) }

func (s *server) take(f frame) {
	if !s.leader {
		s.say(answer{kind: nobody, batch: f.batch, n: f.n})
		return
	}
	if f.ord != 0 && f.ord == s.oversize {
		s.say(answer{kind: failure, batch: f.batch, n: f.n})
		return
	}
	b := s.batches[f.batch]
	if b == nil {
		if f.kind != Begin || f.n != 1 {
			s.say(answer{kind: unknown, batch: f.batch, n: f.n, ping: f.kind == Ping})
			return
		}
		b = &serverBatch{every: 1 + s.rnd.Uint64N(s.every)}
		s.batches[f.batch] = b
	}
	if f.kind == Ping {
		if f.n > b.lseq {
			s.say(answer{kind: gap, batch: f.batch})
			s.end(f.batch, b)
			return
		}
		s.say(answer{kind: flowAck, batch: f.batch, n: b.fseq, every: b.every})
		return
	}
	if f.n != b.lseq+1 {
		s.say(answer{kind: gap, batch: f.batch})
		s.end(f.batch, b)
		return
	}
	if f.kind == Commit {
		s.end(f.batch, b)
		return
	}
	s.store(f, b)
}

func (s *server) store(f frame, b *serverBatch) {
	known := s.dedupe && slices.Contains(s.stored, f.ord)
	if f.n == 1 {
		if known || f.ord == s.bad {
			delete(s.batches, f.batch)
			if known {
				s.say(answer{kind: ack, batch: f.batch, n: 1})
			} else {
				s.say(answer{kind: failure, batch: f.batch, n: 1})
			}
			return
		}
		s.say(answer{kind: flowAck, batch: f.batch, every: b.every})
	}
	if f.ord == s.bad {
		s.say(answer{kind: refusal, batch: f.batch, n: f.n})
		s.end(f.batch, b)
		return
	}
	b.lseq = f.n
	if !known {
		s.stored = append(s.stored, f.ord)
	}
	if b.lseq >= b.fseq+b.every {
		b.fseq += (b.lseq - b.fseq) / b.every * b.every
		b.every = 1 + s.rnd.Uint64N(s.every)
		s.say(answer{kind: flowAck, batch: f.batch, n: b.fseq, every: b.every})
	}
}

func (s *server) end(id int, b *serverBatch) {
	delete(s.batches, id)
	s.say(answer{kind: ack, batch: id, n: b.lseq})
}

// elect makes another server the leader: it tells what it has.
func (s *server) elect() {
	s.leader = true
	for id, b := range s.batches {
		b.fseq = b.lseq
		s.say(answer{kind: flowAck, batch: id, n: b.fseq, every: b.every})
	}
}

// client drives the machine as the shell does.
type client struct {
	m     *Machine
	now   mono.Time
	batch int
	base  uint64
	up    bool

	toServer []frame
	finished []Action
	released uint64
	sent     uint64
	broken   string

	strict  bool // the server keeps to the rules: so does the machine
	unheard int  // questions since the last answer, and on this link
	mutant  mutant
}

func (c *client) apply(actions []Action) {
	if c.mutant.acts != nil {
		actions = c.mutant.acts(c.m, c.now, actions)
	}
	doubts := false
	for _, a := range actions {
		if c.strict && !c.up && a.Kind <= Ping {
			c.broken = "something is sent without a link"
		}
		switch a.Kind {
		case Begin:
			c.unheard = 0
			c.batch++
			c.base = a.From - 1
			c.sent = a.From
			if a.From != c.released+1 {
				c.broken = "a batch begins behind something that is not stored"
			}
			c.send(frame{kind: Begin, n: 1, ord: a.From})
		case Send:
			if a.From != c.sent+1 || a.To < a.From {
				c.broken = "messages are left out or sent twice"
			}
			c.sent = a.To
			for ord := a.From; ord <= a.To; ord++ {
				c.send(frame{kind: Send, n: ord - c.base, ord: ord})
			}
		case Commit:
			if a.From != c.sent+1 {
				c.broken = "a commit is not the next message"
			}
			c.send(frame{kind: Commit, n: a.From - c.base})
		case Ping:
			if c.unheard++; c.strict && c.unheard > 1 && !doubts {
				c.broken = "the link is not doubted although nobody answers"
			}
			c.send(frame{kind: Ping, n: a.From - c.base})
		case Doubt:
			doubts = true
		case Release:
			if a.To <= c.released {
				c.broken = "released twice"
			}
			c.released = a.To
		case Finish:
			c.finished = append(c.finished, a)
		}
	}
	if c.m.acked > c.m.sent || c.m.sent > c.m.accepted {
		c.broken = "acked, sent and accepted are out of order"
	}
	if len(c.finished) == 0 && c.m.phase != Idle && c.m.phase != Open && c.up && c.due() == mono.Never {
		c.broken = "a wait without a bound"
	}
}

func (c *client) due() mono.Time {
	if c.mutant.due != nil {
		return c.mutant.due(c.m, c.m.Deadline())
	}
	return c.m.Deadline()
}

func (c *client) send(f frame) {
	f.batch = c.batch
	if c.up {
		c.toServer = append(c.toServer, f)
	}
}

// hear takes an answer. What is a reason to ask is one at once.
func (c *client) hear(a answer) {
	if a.batch != c.batch {
		return
	}
	c.unheard = 0
	before, frames := c.m.phase, len(c.toServer)
	err := &wire.APIError{Code: 400, ErrCode: 1}
	asks := false
	switch a.kind {
	case flowAck:
		c.apply(c.m.FlowAck(c.now, a.n, a.every))
	case gap:
		c.apply(c.m.Gap(c.now))
	case refusal:
		c.apply(c.m.Refused(c.now, a.n, err))
	case ack:
		c.apply(c.m.Ack(c.now, a.n))
	case failure:
		asks = before == Open || before == Committing
		c.apply(c.m.Failed(c.now, a.n, err))
	case unknown:
		asks = before == Open || before == Committing
		c.apply(c.m.Unknown(c.now, a.ping))
	case nobody:
		c.apply(c.m.Nobody(c.now))
		if before != Idle && before != Over && c.m.again < c.now.Add(firstPause) {
			c.broken = "no pause although nobody leads the stream"
		}
	}
	if asks && len(c.toServer) == frames {
		c.broken = "does not ask what the server has"
	}
}

// linked is the event of a link that comes.
func (c *client) linked() {
	before, frames := c.m.phase, len(c.toServer)
	c.up, c.unheard = true, 0
	c.apply(c.m.Up(c.now))
	if c.strict && before != Idle && before != Over && len(c.toServer) == frames {
		c.broken = "does not ask on a new link"
	}
}

// wait lets the time go on. What is due is over with a few ticks.
func (c *client) wait(d time.Duration) {
	c.now = c.now.Add(d)
	for n := 0; c.due() <= c.now; n++ {
		if n == 10 {
			c.broken = "due for ever"
			return
		}
		c.apply(c.m.Tick(c.now))
	}
}
