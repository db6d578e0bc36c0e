package run

import (
	"time"

	"github.com/gannet-io/nats/internal/js/push"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// gateJob is something to do outside the lock.
type gateJob struct {
	kind   gateJobKind
	slot   *gateSlot
	reply  string   // of an answer
	gone   Leftover // to be deleted
	mark   uint64
	serial uint32
	wait   time.Duration
	news   GateNews
}

type gateJobKind uint8

const (
	gateAnswer gateJobKind = iota
	gateAwait
	gateDoubt
	gateTell
	gateCreate
	gateLeave
	gateDelete
	gateDrain
	gateFinish
	gateDone
)

// flowLocked carries out what the machine decided.
func (g *Gate) flowLocked(acts []push.FlowAction) {
	for i := range acts {
		switch a := &acts[i]; a.Kind {
		case push.Answer:
			g.jobs.add(gateJob{kind: gateAnswer, reply: a.Reply})
		case push.Await:
			g.jobs.add(gateJob{kind: gateAwait, mark: a.Mark})
		case push.Doubt:
			g.jobs.add(gateJob{kind: gateDoubt})
		case push.Missed:
			g.missedLocked(mono.Now())
		case push.Differs:
			g.tellLocked(GateNews{Code: wire.Gap, Mismatch: a.Mismatch})
		}
	}
}

// renewLocked carries out what the machine decided.
func (g *Gate) renewLocked(now mono.Time, acts []push.RenewalAction) {
	for i := range acts {
		switch a := &acts[i]; a.Kind {
		case push.Create:
			g.serial++
			g.jobs.add(gateJob{kind: gateCreate, serial: g.serial, wait: a.Wait})
		case push.Abandon:
			g.serial++
			g.flow.Stop()
			if g.slot != nil {
				g.abandonLocked()
			}
		case push.Probe:
			g.jobs.add(gateJob{kind: gateDoubt})
		case push.Tell:
			g.tellLocked(GateNews{Code: a.Code, Words: a.Words})
		case push.Finish:
			g.jobs.add(gateJob{kind: gateFinish, news: GateNews{Code: a.Code, Words: a.Words}})
		}
	}
	g.armLocked(now)
}

// abandonLocked leaves the slot. Nothing of it is delivered from now on, except what the reader has in hand.
func (g *Gate) abandonLocked() {
	s := g.slot
	g.slot = nil
	s.live.Store(false)
	if s.left != nil {
		s.left()
	}
	g.jobs.add(gateJob{kind: gateLeave, slot: s})
	if !s.mayLive {
		return
	}
	c := g.cfg.Renew.leftover(s)
	if s.unheard && !g.stopped { // nobody would hear of it now
		if len(g.left) < leftKept {
			g.left = append(g.left, c)
			return
		}
		c.Once = true // there are others enough to insist on
	}
	g.jobs.add(gateJob{kind: gateDelete, gone: c})
}

// removeLeftLocked has those deleted that nobody would have heard of before.
func (g *Gate) removeLeftLocked() {
	for _, c := range g.left {
		g.jobs.add(gateJob{kind: gateDelete, gone: c})
	}
	g.left = nil
}

// leftKept bounds the consumers that are deleted when there is another one: somebody answers. Further ones, of attempts that nobody answers
// for long, are asked for once.
const leftKept = 4

func (g *Gate) tellLocked(n GateNews) {
	if g.cfg.Tell != nil {
		g.jobs.add(gateJob{kind: gateTell, news: n})
	}
}

// work does the jobs, unless somebody else is at it.
func (g *Gate) work() {
	for job, ok := g.firstJob(); ok; job, ok = g.anotherJob() {
		switch job.kind {
		case gateAnswer:
			_ = g.link.PublishNow(job.reply, "", nil, nil) // the server asks again when it does not come
		case gateAwait:
			g.cfg.Down.WhenHandled(func() { g.handled(job.mark) })
		case gateDoubt:
			g.link.Doubt()
		case gateTell:
			g.cfg.Tell(job.news)
		case gateCreate:
			g.create(&job)
		case gateLeave:
			g.leaveSlot(job.slot)
		case gateDelete:
			Remove(g.link, job.gone)
		case gateDrain:
			g.cfg.Drain()
		case gateDone:
			g.cfg.Done()
		case gateFinish:
			g.finish(job.news.Code, job.news.Words)
		}
	}
}

func (g *Gate) leaveSlot(s *gateSlot) {
	if sub := s.sub.Load(); sub != nil {
		_ = g.link.Unsubscribe(sub) // fails when the connection is closed only
	}
	if r := g.cfg.Renew; r != nil && r.Left != nil {
		r.Left(s.round)
	}
}

func (g *Gate) firstJob() (gateJob, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.jobs.start()
}

func (g *Gate) anotherJob() (gateJob, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.jobs.pop()
}
