package run

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/ordered"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// streamFacts are what is read of a stream's info.
type streamFacts struct {
	Created time.Time `json:"created"`
	State   struct {
		LastSeq uint64 `json:"last_seq"`
	} `json:"state"`
}

// lookTime is how long the answer to the first question of a look is waited for; each that does not come doubles it.
const lookTime = time.Second

// CompareStream looks at a stream until judge knows what has become of it. It is told when the stream was made, its last sequence, and what it has
// said of the look before. What the server refuses to tell counts as the same; without an answer to [ordered.MuteLooks] questions, and when ctx ends, the
// stream is unseen.
func CompareStream(ctx context.Context, a *api.Client, stream string,
	judge func(made time.Time, last uint64, before ordered.Change) ordered.Change,
) ordered.Change {
	var change ordered.Change
	for tries := 0; ; {
		facts, refused, err := lookAt(ctx, a, stream, lookTime<<tries)
		switch {
		case refused != nil:
			return ordered.Change{}
		case err == nil:
			change = judge(facts.Created, facts.State.LastSeq, change)
			if change.Kind != ordered.LookAgain {
				return change
			}
		default:
			tries++
		}
		if tries == ordered.MuteLooks || api.Pause(ctx, ordered.LookPause) != nil {
			return ordered.Change{Kind: ordered.Unseen}
		}
	}
}

func lookAt(ctx context.Context, a *api.Client, stream string, patience time.Duration) (streamFacts, *wire.APIError, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return api.Call[streamFacts](ctx, a, wire.StreamInfo(stream), nil)
}

// compare looks whether the stream is still the one that it was, once s has its consumer, and as long as s has it.
func (g *Gate) compare(s *gateSlot) {
	g.restart(s, g.look(g.ctx, s))
	g.work()
}

// look is over when s is given up, if not before.
func (g *Gate) look(ctx context.Context, s *gateSlot) ordered.Change {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !g.mayCompare(s, cancel) {
		return ordered.Change{}
	}
	r := g.cfg.Renew
	return CompareStream(ctx, r.API, r.Stream, func(made time.Time, last uint64, before ordered.Change) ordered.Change {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.stream.Look(made, last, s.start, before)
	})
}

// lookFirst reports whether s is to have a consumer. Where there was no stream at an attempt before, there may be another one now, of which nothing is to be
// read but from its beginning: so the look comes before the consumer, which sends at once.
func (g *Gate) lookFirst(s *gateSlot, serial uint32) bool {
	if !g.hasVanished() {
		return true
	}
	ctx, cancel := context.WithTimeout(g.ctx, 2*lookTime)
	defer cancel()
	switch change := g.look(ctx, s); {
	case change.Kind.Words() != "":
		g.restart(s, change)
	case change.Kind == ordered.Unseen && g.unanswered():
		g.failed(serial, errUnanswered)
	default:
		return true
	}
	g.work()
	return false
}

func (g *Gate) hasVanished() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stream.HasVanished()
}

func (g *Gate) unanswered() (again bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stream.Unanswered()
}

// mayCompare has a comparison end with s.
func (g *Gate) mayCompare(s *gateSlot, cancel context.CancelFunc) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.left = cancel
	return g.slot == s && !g.stopped
}

// restart reads on elsewhere, with another consumer, unless s is not the slot any more: then the next one is compared, too.
func (g *Gate) restart(s *gateSlot, change ordered.Change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slot != s || g.stopped || change.Kind.Words() == "" {
		return
	}
	g.stream.Accept(change)
	g.rewound = change.Start
	now := mono.Now()
	g.renewLocked(now, g.renew.Broken(now, wire.OtherStatus, change.Kind.Words()))
}

// nextStart is where the next consumer starts, and whether that is behind what was delivered; 0: where the first one did.
func (g *Gate) nextStart() (seq uint64, rewound bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rewound > 0 {
		return g.rewound, true
	}
	return g.from.Load(), false
}

// startOver makes s begin where it was asked to, and not where the slot before it has stopped.
func (g *Gate) startOver(s *gateSlot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.rewound == s.start {
		g.rewound = 0
	}
	g.from.Store(s.start)
}
