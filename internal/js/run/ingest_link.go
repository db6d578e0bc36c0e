package run

import (
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/ingest"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

// ingestSink is an Ingest as the reader sees it.
type ingestSink Ingest

var _ engine.Sink = (*ingestSink)(nil)

// Deliver takes an answer.
func (s *ingestSink) Deliver(f *proto.Frame) {
	i := (*Ingest)(s)
	r, ok := wire.ParseFastReply(f.Subject, i.inbox)
	if !ok {
		return
	}
	if status, ok := wire.StatusOf(f.Header, f.Data); ok {
		if status.Code == wire.NoResponders {
			i.answer(r, func(now mono.Time) []ingest.Action { return i.machine.Nobody(now) })
		}
		return
	}
	a := wire.ParseFastAnswer(f.Data)
	i.answer(r, func(now mono.Time) []ingest.Action { return i.hearLocked(now, r, &a) })
}

// answer is an event of the current batch; those of earlier ones are too late to matter.
func (i *Ingest) answer(r wire.FastReply, tell func(now mono.Time) []ingest.Action) {
	i.event(func(now mono.Time) []ingest.Action {
		if string(r.Batch) != i.batch {
			return nil
		}
		return tell(now)
	})
}

func (i *Ingest) hearLocked(now mono.Time, r wire.FastReply, a *wire.FastAnswer) []ingest.Action {
	switch a.Kind {
	case wire.FastFlow:
		return i.machine.FlowAck(now, a.Seq, a.Every)
	case wire.FastGap:
		return i.machine.Gap(now)
	case wire.FastRefused:
		return i.machine.Refused(now, a.Seq, a.Error)
	case wire.FastAck:
		i.result.Ack = a.Ack
		return i.machine.Ack(now, a.Count)
	case wire.FastFailed:
		switch ping := r.Op == wire.FastPing; {
		case a.Error.ErrCode == wire.ErrCodeUnknownBatch, ping && a.Error.ErrCode == wire.ErrCodeNoFastBatches:
			return i.machine.Unknown(now, ping)
		}
		return i.machine.Failed(now, r.N, a.Error)
	}
	return nil
}

// Settle has nothing to do: answers are few.
func (s *ingestSink) Settle() {}

// Closed says that the connection is over.
func (s *ingestSink) Closed(error) { (*Ingest)(s).linkClosed() }

func (i *Ingest) linkClosed() {
	i.event(func(now mono.Time) []ingest.Action { return i.machine.Closed(now) })
}

// statusChanged runs on the supervisor of the connection.
func (i *Ingest) statusChanged(s session.Status, _ error) {
	if s == session.Closed {
		i.linkClosed()
		return
	}
	i.event(func(now mono.Time) []ingest.Action {
		was := i.up
		i.up = up(s)
		switch {
		case i.up && !was:
			return i.machine.Up(now)
		case was && !i.up:
			return i.machine.Down(now)
		}
		return nil
	})
}

// armLocked makes the timer fire at the given time.
func (i *Ingest) armLocked(now, at mono.Time) {
	if !i.ended {
		i.alarm.ringAt(now, at, i)
	}
}

// wake is the timer.
func (i *Ingest) wake() {
	i.tell(func(now mono.Time) []ingest.Action {
		i.alarm.rang()
		return i.machine.Tick(now)
	})
	i.work(byTimer)
}

// worker is who does what is to be done outside the lock.
type worker uint8

const (
	byAnybody worker = iota // a caller, the reader, the supervisor
	byTimer
	byLender // whoever calls Offer: it may wait
)

// work does what is to be done outside the lock. None of it waits, so it may run on the reader or the supervisor; except for a lender, for room in
// the connection's buffer. What was lent is left to the lender if he comes in time: he needs no copy.
func (i *Ingest) work(w worker) {
	for job, ok := i.startJob(w); ok; job, ok = i.nextJob(w) {
		switch job.kind {
		case ingestSend:
			i.send(&job, w)
		case ingestDoubt:
			i.cfg.Link.Doubt()
		case ingestEnd:
			_ = i.cfg.Link.Unsubscribe(i.sub) // the connection may be over
			close(i.over)
			i.told()
		}
	}
}

// send sends one frame. What finds no link is lost, as what was written to one that breaks: the machine asks what the server has.
//
// A lent message that waits in the connection's buffer may be kept there over a lost link. So it goes out in front of the question, as if
// the link had been slow, and the server's answer counts it.
func (i *Ingest) send(job *ingestJob, w worker) {
	m := job.msg
	i.reply = wire.AppendFastReply(i.reply[:0], i.inbox, job.batch, i.cfg.Every, job.n, job.op)
	if w == byLender && m.lent {
		_ = i.cfg.Link.Publish(m.subject, string(i.reply), m.hdr, m.data)
		return
	}
	i.cfg.Link.PublishVolatile(m.subject, string(i.reply), m.hdr, m.data)
}

func (i *Ingest) startJob(w worker) (job ingestJob, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.jobs.running {
		return job, false
	}
	i.jobs.running = true
	return i.nextJobLocked(w)
}

func (i *Ingest) nextJob(w worker) (ingestJob, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.nextJobLocked(w)
}

func (i *Ingest) nextJobLocked(w worker) (job ingestJob, ok bool) {
	if next, ok := i.jobs.peek(); ok && w == byAnybody && next.kind == ingestSend && next.msg.lent {
		i.jobs.rest()
		i.told()
		return job, false
	}
	return i.jobs.pop()
}
