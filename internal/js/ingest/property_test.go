package ingest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

var (
	sequences = flag.Int("sequences", 8_000, "random sequences of TestRandomSequences")
	firstSeed = flag.Uint64("seed", 1, "the first of their seeds")
)

// play runs one sequence with a server that keeps to the rules. It returns what is wrong.
func play(seed uint64, spoilt mutant) (wrong string) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := &server{rnd: rnd, batches: map[int]*serverBatch{}, leader: true, every: 1 + rnd.Uint64N(5), dedupe: rnd.IntN(3) == 0}
	c := &client{up: rnd.IntN(5) > 0, strict: true, mutant: spoilt}
	c.m = New(Config{Every: s.every, Repeat: s.dedupe || spoilt.repeats, GiveUp: time.Hour}, c.up)
	if rnd.IntN(10) == 0 {
		s.bad = 1 + rnd.Uint64N(20)
	}
	if rnd.IntN(10) == 0 {
		s.oversize = 1 + rnd.Uint64N(20)
	}
	cut := func() {
		c.toServer, s.out, c.up = nil, nil, false
		c.apply(c.m.Down(c.now))
	}
	hear := func() {
		if !c.up {
			s.out = nil // what a server says without a link is lost
		}
		if len(s.out) > 0 {
			a := s.out[0]
			s.out = s.out[1:]
			c.hear(a)
		}
	}
	deliver := func() {
		if len(c.toServer) > 0 {
			f := c.toServer[0]
			c.toServer = c.toServer[1:]
			s.take(f)
		}
	}
	steps := 50 + rnd.IntN(150)
	for range steps {
		switch p := rnd.IntN(100); {
		case p < 20:
			if n := rnd.IntN(4); n > 0 && c.m.Room() >= n {
				c.apply(c.m.Accept(c.now, n))
			}
		case p < 50:
			deliver()
		case p < 80:
			hear()
		case p < 82:
			if c.up {
				cut()
			}
		case p < 88:
			if !c.up {
				c.linked()
			}
		case p < 89:
			if len(s.out) > 0 {
				s.out = s.out[1:] // lost on the way
			}
		case p < 90:
			s.leader = false
		case p < 93:
			if !s.leader {
				s.elect()
			}
		case p < 94 && rnd.IntN(8) == 0:
			clear(s.batches)
		case p < 99:
			c.wait(time.Duration(rnd.IntN(1500)) * time.Millisecond)
		default:
			c.apply(c.m.Close(c.now))
		}
		if wrong := judge(c, s); wrong != "" {
			return wrong
		}
	}
	// Everything works again.
	if !s.leader {
		s.elect()
	}
	if !c.up {
		c.linked()
	}
	c.apply(c.m.Close(c.now))
	for i := 0; len(c.finished) == 0; i++ {
		if i == 10_000 {
			return fmt.Sprintf("no end, in phase %d with %d of %d acked", c.m.Phase(), c.m.acked, c.m.accepted)
		}
		switch {
		case len(c.toServer) > 0:
			deliver()
		case len(s.out) > 0:
			hear()
		default:
			c.wait(time.Second)
		}
		if wrong := judge(c, s); wrong != "" {
			return wrong
		}
	}
	// Nothing may happen behind the end.
	c.apply(c.m.Accept(c.now, 1))
	c.apply(c.m.Up(c.now))
	c.apply(c.m.Ack(c.now, 99))
	c.apply(c.m.Closed(c.now))
	return end(c, s)
}

// judge looks at the invariants.
func judge(c *client, s *server) string {
	if c.broken != "" {
		return c.broken
	}
	for i, ord := range s.stored {
		if ord != uint64(i+1) {
			return fmt.Sprint("stored out of order or twice: ", s.stored)
		}
	}
	if c.m.Acked() > uint64(len(s.stored)) || c.m.Acked() != c.released {
		return fmt.Sprintf("acked %d, released %d, stored %d", c.m.Acked(), c.released, len(s.stored))
	}
	if len(s.stored) > 0 && c.m.MayBeStored() < slices.Max(s.stored) {
		return fmt.Sprintf("%d is stored, %d may be", slices.Max(s.stored), c.m.MayBeStored())
	}
	if c.m.phase == Open && c.m.accepted > c.m.sent && c.m.Deadline() > c.m.spoke.Add(overdue) {
		return "a full window may be silent for long"
	}
	if c.m.again != mono.Never && c.m.again > c.now.Add(lastPause) {
		return fmt.Sprintf("a pause of %v", c.m.again.Sub(c.now))
	}
	if c.m.sent > c.m.acked+window*s.every {
		return fmt.Sprintf("%d under way, acks every %d", c.m.sent-c.m.acked, s.every)
	}
	return ""
}

func end(c *client, s *server) string {
	if len(c.finished) != 1 {
		return fmt.Sprintf("ended %d times", len(c.finished))
	}
	switch a := c.finished[0]; a.Code {
	case wire.OK:
		if c.m.acked != c.m.accepted || uint64(len(s.stored)) < c.m.accepted {
			return fmt.Sprintf("well ended with %d of %d stored", len(s.stored), c.m.accepted)
		}
	case wire.ServerRefused:
		if first := c.m.acked + 1; a.Refused == nil || first != s.bad && first != s.oversize {
			return fmt.Sprintf("refused behind %d, bad are %d and %d", c.m.acked, s.bad, s.oversize)
		}
	case wire.BatchForgotten:
		if s.dedupe {
			return "gave up although it may repeat"
		}
	default:
		return fmt.Sprint("ended with ", a.Code)
	}
	return ""
}

func TestRandomSequences(t *testing.T) {
	n := *sequences
	if testing.Short() {
		n /= 10
	}
	reached := map[string]bool{}
	for i := range n {
		seed := *firstSeed + uint64(i)
		wrong := play(seed, mutant{})
		if wrong == "" {
			wrong = playWild(wildScript(seed), reached)
		}
		if wrong != "" {
			t.Fatalf("-seed %d -sequences 1: %s", seed, wrong)
		}
	}
	if n < 2000 {
		return
	}
	for phase := Idle; phase <= Over; phase++ {
		for _, event := range wildEvents {
			if pair := fmt.Sprint(phase, " ", event); !reached[pair] {
				t.Errorf("never reached: phase, event %s", pair)
			}
		}
	}
}
