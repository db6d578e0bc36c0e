package obj

import (
	"context"
	"errors"
	"io"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/session"
)

// put is one object on its way into the stream. One goroutine runs it, the caller's; acks come into its mailbox.
type put struct {
	s        *Store
	info     *Info
	progress func(uint64)
	subject  string
	pub      *run.Publisher // of its own, so that chunks pass nobody else's window and handlers
	source   *source
	win      window
	pace     pace
	batch    batch
	stored   uint64    // bytes that are in the stream, in order
	began    bool      // something was sent
	repeated bool      // something was sent twice
	repaired time.Time // when that was
	moved    time.Time // of the last progress
	unheard  time.Time // since when nobody stores what is sent; zero: somebody does
	kicked   time.Time // when acks were last given up
	header   []byte

	mu   sync.Mutex
	mail []*attempt
	bell chan struct{} // one place: there is mail
}

const (
	// idRoom is what a chunk's header block may take beside its bytes.
	idRoom = 160
	// noStreamPatience is how long a stream may be without a leader in the middle of a put: one that died is missed after 4 to 9 s
	// (nats-server 2.15), and a vote that nobody wins is repeated as late. noStreamPause is the time between two attempts.
	noStreamPatience = 20 * time.Second
	noStreamPause    = 100 * time.Millisecond
	// holeTime is how late an ack may be while acks of later chunks come, silentTime how long no ack may come at all, before the chunks
	// are sent again. The latter is long enough for slow links, where a second copy makes matters worse.
	holeTime   = 2 * time.Second
	silentTime = Patience / 2
)

func newPut(s *Store, info *Info, progress func(uint64)) *put {
	return &put{
		s: s, info: info, progress: progress, subject: chunkSubject(s.cfg.Bucket, info.NUID), bell: make(chan struct{}, 1),
		pub: run.NewPublisher(run.PublisherConfig{Conn: s.cfg.Conn}), // its acks are waited for here
	}
}

// chunkSize is how large chunks are in truth: the server may not take what the meta data allows.
func (p *put) chunkSize() int {
	size := uint64(p.info.Opts.ChunkSize)
	limit := p.s.cfg.Conn.Info().MaxPayload
	if limit <= 0 {
		limit = math.MaxInt32
	}
	return int(min(size, uint64(max(limit-idRoom, 1))))
}

// chunks stores what r reads, and writes size, number and digest into the info.
func (p *put) chunks(ctx context.Context, r io.Reader) error {
	size := p.chunkSize()
	p.pace = newPace(size)
	p.source = newSource(r, size)
	defer p.source.close()
	p.moved = time.Now()
	p.batch.gathering = p.s.batches.Load()
	over := func() error { return p.over(ctx) }
	for index, read := 0, false; ; {
		for !read && !p.win.broken() && p.mayRead() {
			b, err := p.source.next(over)
			if err != nil {
				return err
			}
			if read = b == nil; read {
				break
			}
			if uint64(index) == math.MaxUint32 {
				return natserr.MaxPayload // the number of chunks has 32 bits
			}
			p.moved = time.Now() // the reader's time is not ours
			p.info.Size += uint64(len(b.data))
			c := &chunk{index: index, buf: b}
			index++
			p.win.sent(c)
			if err := p.dispatch(c); err != nil {
				return err
			}
			if err := p.collect(); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		switch {
		case read && p.batch.gathering:
			if err := p.scatter(); err != nil {
				return err
			}
		case read && p.batch.in != nil:
			p.batch.in.Commit()
		case p.win.ready():
			if err := p.repair(ctx); err != nil {
				return err
			}
		case read && p.batch.in == nil && len(p.win.chunks) == 0:
			p.source.close()
			p.info.Chunks, p.info.Digest = uint32(index), p.source.digest()
			return p.verify(ctx)
		}
		if err := p.await(ctx); err != nil {
			return err
		}
	}
}

// over is why nothing more is to be read: the context or the connection has ended.
func (p *put) over(ctx context.Context) error {
	select {
	case <-p.s.cfg.Conn.Done():
		return natserr.ConnectionClosed
	default:
		return ctx.Err()
	}
}

// send publishes a chunk that the window counts as on its way.
func (p *put) send(c *chunk) error {
	p.began = true
	p.header = p.appendHeader(p.header[:0], c)
	// The publisher never sends it again by itself, so that the header may be used for the next one.
	spec := run.AsyncSpec{Subject: p.subject, Header: p.header, Data: c.buf.data}
	err := p.pub.PublishAsync(&spec, &attempt{put: p, chunk: c, sent: mono.Now()})
	if err == nil {
		return nil
	}
	if !passing(err) {
		return err
	}
	p.win.lost(c)
	return nil
}

// appendHeader appends the header block of a chunk: its id.
func (p *put) appendHeader(dst []byte, c *chunk) []byte {
	dst = append(dst, "NATS/1.0\r\n"+wire.HdrMsgID+": "...)
	dst = append(append(dst, p.info.NUID...), '.')
	dst = strconv.AppendInt(dst, int64(c.index), 10)
	if c.epoch > 0 {
		dst = strconv.AppendInt(append(dst, '.'), int64(c.epoch), 10)
	}
	return append(dst, "\r\n\r\n"...)
}

// passing reports whether an error of the connection is over when there is a link again.
func passing(err error) bool {
	return err == natserr.Disconnected || err == natserr.ReconnectBufExceeded || err == natserr.Timeout
}

// isCopy reports whether a chunk was refused because the one that was sent before is not replicated yet, and may still come to nothing.
func isCopy(refused *wire.APIError) bool {
	return refused != nil && refused.ErrCode == wire.ErrCodeDuplicateInProcess
}

// attempt is one publish of a chunk: a [run.Result].
type attempt struct {
	pending run.Pending
	put     *put
	chunk   *chunk
	sent    mono.Time
	took    time.Duration
	seq     uint64
	code    wire.Code
	refused *wire.APIError
	err     error
}

func (a *attempt) Pending() *run.Pending { return &a.pending }

// Resolved puts the end into the mailbox.
func (a *attempt) Resolved(ack wire.StreamAck, code wire.Code, refused *wire.APIError, err error) {
	a.seq, a.code, a.refused, a.err, a.took = ack.Sequence, code, refused, err, mono.Now().Sub(a.sent)
	p := a.put
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mail = append(p.mail, a)
	p.ring()
}

func (p *put) letters() []*attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	mail := p.mail
	p.mail = nil
	return mail
}

// collect takes in the results that have come.
func (p *put) collect() error {
	if p.batch.in != nil {
		p.hear()
	}
	for _, a := range p.letters() {
		switch {
		case a.code == wire.OK:
			p.win.stored(a.chunk, a.seq)
			p.unheard = time.Time{}
			p.pace.acked(a.took)
		case a.code == wire.NoResponders:
			p.win.lost(a.chunk)
			if p.unheard.IsZero() {
				p.unheard = time.Now()
			}
			if time.Since(p.unheard) > noStreamPatience {
				return NoStream
			}
		case a.code == wire.PublisherClosed, a.code == wire.Disconnected, passing(a.err), isCopy(a.refused):
			p.win.lost(a.chunk)
		default:
			return ended(a.code, a.refused, a.err)
		}
	}
	p.settle(p.win.settle())
	return nil
}

// settle gives back what is in the stream, in order.
func (p *put) settle(chunks []*chunk) {
	for _, c := range chunks {
		p.moved = time.Now()
		p.stored += uint64(len(c.buf.data))
		p.source.release(c.buf)
		if p.progress != nil {
			p.progress(p.stored)
		}
	}
}

// await waits for results. Those that are late are given up, so that the window can be repaired.
func (p *put) await(ctx context.Context) error {
	switch {
	case p.batch.in != nil:
		p.widen()
		if err := p.rest(ctx, p.bell, Patience); err != nil {
			return err
		}
		return p.collect()
	case p.win.out == 0:
		return p.collect()
	}
	since, late := p.moved, silentTime
	if p.kicked.After(since) {
		since = p.kicked
	}
	if p.win.hole() {
		late = holeTime
	}
	if len(p.win.chunks) >= p.pace.room {
		p.pace.full()
	}
	if err := p.rest(ctx, p.bell, late-time.Since(since)); err != nil {
		return err
	}
	if err := p.collect(); err != nil || p.win.out == 0 || time.Since(since) < late || p.moved.After(since) {
		return err
	}
	p.kicked = time.Now()
	p.s.cfg.Conn.Doubt()
	p.pub.Close()
	return p.collect()
}

// rest waits for ready, for as long as the context or the patience allows. most bounds the wait without being an error, unless it is
// Patience.
func (p *put) rest(ctx context.Context, ready <-chan struct{}, most time.Duration) error {
	left := most
	if _, ok := ctx.Deadline(); !ok {
		left = min(left, Patience-time.Since(p.moved))
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ready:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.s.cfg.Conn.Done():
		return natserr.ConnectionClosed
	case <-timer.C:
		if _, ok := ctx.Deadline(); !ok && time.Since(p.moved) >= Patience {
			return natserr.Timeout
		}
	}
	return nil
}

// repair sends again what may be missing, when there is a link for it.
func (p *put) repair(ctx context.Context) error {
	if err := p.linked(ctx); err != nil {
		return err
	}
	vain := p.repeated && !p.moved.After(p.repaired)
	p.repeated, p.repaired = true, time.Now()
	if vain || !p.unheard.IsZero() {
		if err := p.rest(ctx, nil, noStreamPause); err != nil {
			return err
		}
	}
	remove, again := p.win.repair()
	for _, seq := range remove {
		err := p.s.insist(ctx, wire.StreamMsgDelete(p.s.stream), wire.MsgDeleteRequest{Seq: seq, NoErase: true})
		var refused *wire.APIError
		if err != nil && !errors.As(err, &refused) { // a refusal means that it is gone; verify counts anyway
			return err
		}
	}
	for _, c := range again {
		if err := p.send(c); err != nil {
			return err
		}
	}
	return nil
}

// linked waits until the connection has a link.
func (p *put) linked(ctx context.Context) error {
	conn := p.s.cfg.Conn
	change := make(chan struct{}, 1)
	stop := conn.Watch(func(session.Status, error) {
		select {
		case change <- struct{}{}:
		default:
		}
	})
	defer stop()
	for conn.Status() != session.Connected {
		if err := p.rest(ctx, change, Patience); err != nil {
			return err
		}
	}
	return nil
}

var errCount = errors.New("nats: the stream does not have each chunk of the object once")

// verify counts the chunks in the stream if any was sent twice: a copy that arrives after the stream has forgotten its id is not
// recognised.
func (p *put) verify(ctx context.Context) error {
	if !p.repeated {
		return nil
	}
	n, err := p.s.stored(ctx, p.subject)
	if err != nil {
		return err
	}
	if n != uint64(p.info.Chunks) {
		return errCount
	}
	return nil
}
