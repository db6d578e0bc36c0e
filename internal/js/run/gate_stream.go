package run

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
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

// compareTime bounds the look at the stream.
const compareTime = 2 * time.Second

// compare looks whether the stream is still the one that it was, once s has its consumer. nats-server 2.15 makes a consumer that starts behind the
// end of a stream, and then says nothing until the stream has grown so far: a stream that was made anew, or has lost its end in a
// crash, would be silent. An answer that does not come, or that the account does not permit, says nothing.
func (g *Gate) compare(s *gateSlot) {
	ctx, cancel := context.WithTimeout(g.ctx, compareTime)
	defer cancel()
	r := g.cfg.Renew
	facts, refused, err := api.Call[streamFacts](ctx, r.API, wire.StreamInfo(r.Stream), nil)
	if refused != nil || err != nil {
		return
	}
	g.compareWith(s, facts)
	g.work()
}

func (g *Gate) compareWith(s *gateSlot, facts streamFacts) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slot != s || g.stopped {
		return
	}
	now := mono.Now()
	switch {
	case g.replacedLocked(facts):
		s.live.Store(false)
		g.start = ReaderStart{}
		g.from.Store(0)
		g.renewLocked(now, g.renew.Broken(now, wire.OtherStatus, "the stream was made anew"))
	case s.start > facts.State.LastSeq+1 && !s.touched.Load():
		s.live.Store(false)
		g.from.Store(facts.State.LastSeq + 1)
		g.renewLocked(now, g.renew.Broken(now, wire.OtherStatus, "the stream has lost its end"))
	}
	g.vanished = false
	g.streamCreated = facts.Created
}

// replacedLocked reports whether the stream is another one of the same name. Without a look at the first one only a stream that was missing
// meanwhile can be another one.
func (g *Gate) replacedLocked(facts streamFacts) bool {
	if g.streamCreated.IsZero() {
		return g.vanished && facts.Created.After(g.made.Created)
	}
	return !facts.Created.Equal(g.streamCreated)
}
