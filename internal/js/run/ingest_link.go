package run

import (
	"time"

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
		if a.Error.ErrCode == wire.ErrCodeUnknownBatch {
			return i.machine.Unknown(now, r.Op == wire.FastPing)
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

// armLocked makes the timer fire at the given time. It is moved only earlier, and not by messages.
func (i *Ingest) armLocked(now, at mono.Time) {
	if at >= i.armed || i.ended {
		return
	}
	i.armed = at
	wait := max(at.Sub(now), 0)
	if i.timer == nil {
		i.timer = time.AfterFunc(wait, i.tick)
		return
	}
	i.timer.Reset(wait)
}

func (i *Ingest) tick() {
	i.event(func(now mono.Time) []ingest.Action {
		i.armed = mono.Never
		return i.machine.Tick(now)
	})
}

// work does what is to be done outside the lock. None of it waits, so it may run on the reader or the supervisor.
func (i *Ingest) work() {
	for job, ok := i.startJob(); ok; job, ok = i.nextJob() {
		switch job.kind {
		case ingestSend:
			i.reply = wire.AppendFastReply(i.reply[:0], i.inbox, job.batch, i.cfg.Every, job.n, job.op)
			// What finds no link is lost, as what was written to one that breaks: the machine asks what the server has.
			i.cfg.Link.PublishVolatile(job.msg.subject, string(i.reply), job.msg.hdr, job.msg.data)
		case ingestDoubt:
			i.cfg.Link.Doubt()
		case ingestUnsubscribe:
			_ = i.cfg.Link.Unsubscribe(i.sub) // the connection may be over
		}
	}
}

func (i *Ingest) startJob() (ingestJob, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.jobs.start()
}

func (i *Ingest) nextJob() (ingestJob, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.jobs.pop()
}
