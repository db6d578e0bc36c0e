package run

import (
	"context"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// feedJob is something to do outside the lock.
type feedJob[M any] struct {
	kind    feedJobKind
	serial  uint32           // ask: of the feed when it was decided
	request wire.PullRequest // ask
	slot    *feedSlot[M]
	task    *engine.Task
	create  creation
}

type feedJobKind uint8

const (
	feedAsk feedJobKind = iota
	feedUnsubscribe
	feedLeave
	feedDoubt
	feedInquire
	feedReady
	feedCreate
	feedForsake
)

// applyLocked carries out what the machine decided. Sending is left to jobs.
func (f *Feed[M]) applyLocked(now mono.Time, acts []pull.Action) {
	left, void := false, false
	for i := range acts {
		switch a := &acts[i]; a.Kind {
		case pull.Ask:
			f.jobs.add(feedJob[M]{kind: feedAsk, serial: f.serial, request: a.Request})
		case pull.Void:
			if void = true; f.cfg.Supplier == nil {
				f.voidLocked()
			}
		case pull.Leave:
			left = f.leaveLocked()
		case pull.Warn:
			f.warnLocked(feedNews{a.Code, a.Words, a.Lasting})
		case pull.Doubt:
			f.jobs.add(feedJob[M]{kind: feedDoubt})
		case pull.Inquire:
			f.jobs.add(feedJob[M]{kind: feedInquire})
		case pull.Finish:
			f.finishLocked(a.Code, a.Words)
		}
	}
	if left {
		f.applyLocked(now, f.machine.Left(now))
	}
	if void && f.cfg.Supplier != nil {
		f.renewLocked(now)
	}
	f.armLocked(now, f.machine.Deadline())
}

// leaveLocked begins a drain. Without an inbox nothing is on its way, and it is left already.
func (f *Feed[M]) leaveLocked() (left bool) {
	f.serial++
	if f.slot != nil {
		f.jobs.add(feedJob[M]{kind: feedLeave, slot: f.slot})
	}
	return f.slot == nil
}

// work does the jobs, unless somebody else is at it.
func (f *Feed[M]) work() {
	for job, ok := f.firstJob(); ok; job, ok = f.anotherJob() {
		switch job.kind {
		case feedAsk:
			f.ask(&job)
		case feedUnsubscribe:
			_ = f.p.link.Unsubscribe(job.slot.sub) // fails when the connection is closed only
		case feedLeave:
			f.abandon(job.slot)
		case feedDoubt:
			f.p.link.Doubt()
		case feedInquire:
			go f.inquire()
		case feedReady:
			f.p.link.Ready(job.task)
		case feedCreate:
			go f.create(job.create)
		case feedForsake:
			f.cfg.Supplier.Forsake()
		}
	}
}

func (f *Feed[M]) firstJob() (feedJob[M], bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.jobs.start()
}

func (f *Feed[M]) anotherJob() (feedJob[M], bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.jobs.pop()
}

// ask sends a request on the inbox, a new one if the last was left.
func (f *Feed[M]) ask(job *feedJob[M]) {
	s, subject, from, fresh := f.slotOf(job)
	if !fresh {
		return
	}
	if s == nil {
		var err error
		if s, err = f.newSlot(from); err != nil {
			return // the connection is closed, or about to be: the feed will hear of it
		}
		if !f.attach(job, s) {
			_ = f.p.link.Unsubscribe(s.sub)
			return
		}
	}
	if job.request.Group != "" {
		job.request.PinID = f.p.currentPin()
	}
	f.body = job.request.AppendJSON(f.body[:0])
	if !f.p.link.PublishVolatile(subject, s.inbox, nil, f.body) {
		f.unsent(job)
	}
}

// slotOf returns the inbox, where to ask, and where an ordered feed goes on; fresh is false when the feed has gone on without the job.
func (f *Feed[M]) slotOf(job *feedJob[M]) (s *feedSlot[M], subject string, from uint64, fresh bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.slot, f.subject, f.renewal.from, f.serial == job.serial && !f.ended
}

func (f *Feed[M]) attach(job *feedJob[M], s *feedSlot[M]) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.serial != job.serial || f.ended {
		return false
	}
	f.slot = s
	return true
}

// unsent says that the link took no request: it is down, and the feed will hear of it, or it has no room at all.
func (f *Feed[M]) unsent(job *feedJob[M]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.serial == job.serial && !f.ended {
		now := mono.Now()
		f.again = now.Add(retryUnsent)
		f.applyLocked(now, f.machine.Disconnected(now))
	}
}

// abandon has the server forget what was asked on s.
func (f *Feed[M]) abandon(s *feedSlot[M]) {
	_ = f.p.link.StopServer(s.sub)
	_ = f.p.link.OnPong(func(error) { f.left(s) }) // fails when the connection is closed only
}

// inquire is a goroutine that ends with its answer, after a while, or with the feed.
func (f *Feed[M]) inquire() {
	ctx, cancel := context.WithTimeout(f.ctx, missingTime)
	defer cancel()
	f.inquired(f.cfg.Missing != nil && f.cfg.Missing(ctx))
	f.work()
}

func (f *Feed[M]) inquired(gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := mono.Now()
	f.applyLocked(now, f.machine.Inquired(now, gone))
}
