package run

import (
	"slices"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// pullJob is something to do outside the lock.
type pullJob[M any] struct {
	kind    pullJobKind
	batch   *Batch[M]
	serial  uint32 // of the batch when the job was decided
	request wire.PullRequest
	sub     *engine.Sub
	detach  func() bool
}

type pullJobKind uint8

const (
	pullAsk pullJobKind = iota
	pullUnsubscribe
	pullDoubt
	pullDetach // from the context; here, because a context can be the user's code
)

// applyLocked carries out what the machine of b decided. Sending is left to jobs.
func (p *Puller[M]) applyLocked(now mono.Time, b *Batch[M], acts []pull.Action) {
	for i := range acts {
		switch a := &acts[i]; a.Kind {
		case pull.Ask:
			p.jobs.add(pullJob[M]{kind: pullAsk, batch: b, serial: b.serial, request: a.Request})
		case pull.Doubt:
			p.jobs.add(pullJob[M]{kind: pullDoubt})
		case pull.Finish:
			p.finishLocked(now, b, a)
		}
	}
}

func (p *Puller[M]) finishLocked(now mono.Time, b *Batch[M], a *pull.Action) {
	p.backoff.Ended(now, a.Code)
	if i := slices.Index(p.active, b); i >= 0 {
		last := len(p.active) - 1
		p.active[i] = p.active[last]
		p.active[last] = nil
		p.active = p.active[:last]
	}
	p.releaseLocked(now, b.slot, b.machine.Clean())
	b.slot = nil
	b.serial++
	b.endLocked(a.Code, a.Words)
	if len(p.active) == 0 {
		p.link.Owe(-1)
		p.armLocked(now, now.Add(slotIdle)) // for the sweep
	}
}

// work does the jobs, unless somebody else is at it.
func (p *Puller[M]) work() {
	for job, ok := p.firstJob(); ok; job, ok = p.anotherJob() {
		switch job.kind {
		case pullAsk:
			p.ask(&job)
		case pullUnsubscribe:
			_ = p.link.Unsubscribe(job.sub) // fails when the connection is closed only
		case pullDoubt:
			p.link.Doubt()
		case pullDetach:
			job.detach()
		}
	}
}

func (p *Puller[M]) firstJob() (pullJob[M], bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.jobs.start()
}

func (p *Puller[M]) anotherJob() (pullJob[M], bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.jobs.pop()
}

// ask sends a request on the subscription of its batch, a new one if the last was thrown away.
func (p *Puller[M]) ask(job *pullJob[M]) {
	s, subject, fresh := p.slotOf(job)
	if !fresh {
		return
	}
	if s == nil {
		var err error
		if s, err = p.takeSlot(); err != nil {
			p.unreachable(job)
			return
		}
		if !p.reattach(job, s) {
			return
		}
	}
	p.body = job.request.AppendJSON(p.body[:0])
	if !p.link.PublishVolatile(subject, s.inbox, nil, p.body) {
		p.unsent(job)
	}
}

// slotOf returns the subscription of the job's batch, and where to ask; fresh is false when the batch has gone on without the job.
func (p *Puller[M]) slotOf(job *pullJob[M]) (s *pullSlot[M], subject string, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if job.batch.serial != job.serial {
		return nil, "", false
	}
	if job.request.Group != "" {
		job.request.PinID = p.pin
	}
	return job.batch.slot, p.subject, true
}

// reattach gives s to the job's batch, or to nobody if that has ended.
func (p *Puller[M]) reattach(job *pullJob[M], s *pullSlot[M]) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if job.batch.serial != job.serial {
		p.releaseLocked(mono.Now(), s, true)
		return false
	}
	job.batch.slot, s.batch = s, job.batch
	return true
}

// unsent says that the link took no request: it is down, and the batch will hear of it, or it has no room at all.
func (p *Puller[M]) unsent(job *pullJob[M]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := job.batch; b.serial == job.serial {
		now := mono.Now()
		b.again = now.Add(retryUnsent)
		p.applyLocked(now, b, b.machine.Disconnected(now))
		p.armLocked(now, min(b.machine.Deadline(), b.again))
	}
}

// unreachable ends a batch that cannot subscribe again: the connection is closed, or about to.
func (p *Puller[M]) unreachable(job *pullJob[M]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := job.batch; b.serial == job.serial {
		now := mono.Now()
		p.applyLocked(now, b, b.machine.Closed(now))
	}
}
