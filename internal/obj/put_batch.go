package obj

import (
	"time"

	"github.com/gannet-io/nats/internal/js/ingest"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// batch is how a put uses fast batches (ADR-50): the server stores a prefix of what was sent, and says which one with one ack for several
// chunks.
//
//	gathering ─a full window─► in a batch ─the batch is over─► the window of acks
//	     │                         ▲  └──acks are slow──► gathering, for larger intervals
//	     └─the end of the reader───┼─────────────────────► the window
//
// What the server tells exactly is resumed in the batch, over lost links and new leaders. Whatever else ends it leaves chunks whose fate is unknown,
// and these are the window's business: they are sent again with the ids that they had.
type batch struct {
	in        *run.Ingest // nil: none is under way
	gathering bool        // chunks are kept back until there are enough for a batch
	settled   uint64      // of the chunks of in
	wide      bool        // the way is long
	left      bool        // too long: no further batch
}

const (
	// slowInterval is slowAck for acks that come for several chunks.
	slowInterval = 5 * time.Millisecond
	// farAck is how late they may be at all: with fewer acks than chunks a link that is thin looks like one that is dead.
	farAck = 250 * time.Millisecond
)

// mayRead reports whether there is room for another chunk.
func (p *put) mayRead() bool {
	if p.batch.in != nil {
		return p.batch.in.HasRoom()
	}
	return len(p.win.chunks) < p.pace.room
}

// dispatch sends a chunk that the window counts as on its way, or keeps it back.
func (p *put) dispatch(c *chunk) error {
	switch b := &p.batch; {
	case b.in != nil:
		p.offer(c)
	case !b.gathering:
		return p.send(c)
	case len(p.win.chunks) >= p.pace.room:
		return p.beginBatch()
	}
	return nil
}

// scatter sends what was kept back without a batch: a small object needs one round trip that way, not two.
func (p *put) scatter() error {
	p.batch.gathering = false
	for _, c := range p.win.chunks {
		if err := p.send(c); err != nil {
			return err
		}
	}
	return nil
}

func (p *put) beginBatch() error {
	b := &p.batch
	every := max(min(p.pace.room/2, p.pace.most/4), 1)
	in, err := run.NewIngest(run.IngestConfig{
		Link: p.s.cfg.Conn, Told: p.ring, Config: ingest.Config{Every: uint64(every), GiveUp: silentTime},
	})
	if err != nil {
		return err
	}
	p.began = true
	b.in, b.gathering, b.settled = in, false, 0
	for _, c := range p.win.chunks {
		p.offer(c)
	}
	return nil
}

// offer gives a chunk to the batch. One that has ended meanwhile does not take it, and then it is lost.
func (p *put) offer(c *chunk) {
	c.sent = mono.Now()
	c.buf.header = p.appendHeader(c.buf.header[:0], c)
	p.batch.in.Offer(p.subject, c.buf.header, c.buf.data)
}

// ring is the bell of the mailbox.
func (p *put) ring() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}

// hear takes in what the stream told of the batch.
func (p *put) hear() {
	b := &p.batch
	b.in.Work()
	over := false
	select {
	case <-b.in.Over():
		over = true
	default:
	}
	r := b.in.Result()
	if n := int(r.Stored - b.settled); n > 0 {
		p.pace.acked(mono.Now().Sub(p.win.chunks[n-1].sent))
		b.settled = r.Stored
		p.settle(p.win.batched(n))
	}
	if over {
		p.leaveBatch(r)
	}
}

// leaveBatch follows the end of a batch, for whatever reason. If it is one that lasts the window will meet it, too.
func (p *put) leaveBatch(r run.IngestResult) {
	b := &p.batch
	b.in = nil
	p.repeated = p.repeated || r.Batches > 1
	if r.Code == wire.OK {
		b.gathering = !b.left
		return
	}
	if r.Refused != nil && r.Refused.ErrCode == wire.ErrCodeNoFastBatches {
		p.s.batches.Store(false)
	}
	for _, c := range p.win.chunks {
		p.win.lost(c)
	}
}

// widen follows a wait for room. When acks are slow there is to be more under way: a new batch, with larger intervals, or the window.
func (p *put) widen() {
	b := &p.batch
	if b.in.HasRoom() || b.wide || !p.pace.slow(slowInterval) {
		return
	}
	b.wide, b.left = true, p.pace.fastest > farAck
	p.pace.room = max(p.pace.room, p.pace.most/2)
	b.in.Commit()
}

// dropBatch ends a batch that is under way. Behind it none of its chunks is sent any more.
func (p *put) dropBatch() {
	if in := p.batch.in; in != nil {
		in.Abandon()
		<-in.Over() // nothing that it does waits for the network
	}
}
