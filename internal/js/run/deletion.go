package run

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// deletedGrace is how long the server's own word is waited for once a pull consumer is known to be deleted. nats-server 2.15 ends the requests
// that it knows of, and drops in silence those that reach it meanwhile; push consumers end in silence anyway.
const deletedGrace = 250 * time.Millisecond

// consumerDeleted is what the server says to the requests that it ends.
var consumerDeleted = wire.Status{Number: 409, Code: wire.ConsumerDeleted, Description: []byte("Consumer Deleted"), PendingMsgs: -1, PendingBytes: -1}

// deletesTarget reports whether a request to delete has deleted the consumer that requests to subject are for.
func deletesTarget(request, subject string) bool {
	prefix, stream, consumer := wire.PulledFrom(subject)
	return stream != "" && wire.Deletes(request, prefix, stream, consumer)
}

// noteDeletion runs on whoever had something deleted through this connection.
func (f *Feed[M]) noteDeletion(request string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended || !f.machine.Owed() || !deletesTarget(request, f.subject) {
		return
	}
	now := mono.Now()
	f.bereft, f.bereftAt = f.slot, now.Add(deletedGrace)
	f.armLocked(now, f.bereftAt)
}

// bereaveLocked does what the server's word would have done, unless it came.
func (f *Feed[M]) bereaveLocked(now mono.Time) {
	if now < f.bereftAt {
		return
	}
	s := f.bereft
	f.bereft, f.bereftAt = nil, mono.Never
	if s != nil && s == f.slot && f.machine.Owed() {
		f.judgeLocked(now, consumerDeleted)
	}
}

// noteDeletion runs on whoever had something deleted through this connection.
func (p *Puller[M]) noteDeletion(request string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.active) == 0 || !deletesTarget(request, p.subject) {
		return
	}
	now := mono.Now()
	at := now.Add(deletedGrace)
	for _, b := range p.active {
		b.bereftAt = at
	}
	p.armLocked(now, at)
}

// bereaveLocked does what the server's word would have done, unless it came.
func (p *Puller[M]) bereaveLocked(now mono.Time, b *Batch[M]) {
	if now < b.bereftAt {
		return
	}
	b.bereftAt = mono.Never
	p.applyLocked(now, b, b.machine.Stop(now, wire.ConsumerDeleted))
}

// noteDeletion runs on whoever had something deleted through this connection. There is nothing to wait for: the server says nothing to the
// subscriber of a push consumer.
func (g *Gate) noteDeletion(request string) {
	g.takeDeletion(request)
	g.work()
}

func (g *Gate) takeDeletion(request string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.cfg.Renew
	if g.stopped || g.slot == nil || !wire.Deletes(request, r.API.Prefix, r.Stream, g.slot.name) {
		return
	}
	now := mono.Now()
	g.renewLocked(now, g.renew.Broken(now, wire.ConsumerDeleted, ""))
}
