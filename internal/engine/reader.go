package engine

import (
	"errors"
	"io"
	"runtime"
	"sync/atomic"

	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// reader takes apart what one socket sends. It never blocks but in Read, and never runs user code.
//
// Consecutive messages of one subscription are one run: the table is asked once and the sink settles once. The
// simple version (look up, lock, wake for every message) cost 123 ns a message where this costs 90. After a large read that
// delivered something it yields once, so that callbacks run while the bytes are in the cache: 81 MB of backlog became 9 MB.
type reader struct {
	c *Conn
	l *link

	buf  []byte // buf[from:to] is unread
	from int
	to   int

	frame proto.Frame
	sub   *Sub // of the current run; nil: none, or nobody wants these messages
	sid   uint64
	got   uint64 // received of sub, with this run: stored at its end, because a store that others see costs a tenth of a small message

	msgs, bytes uint64 // of this read
}

const (
	smallBuffer  = 4 << 10
	fullBuffer   = 64 << 10
	ownPayload   = 16 << 10  // from here on a payload is read straight into a buffer of its own
	firstPayload = 256 << 10 // memory for a large payload before its bytes come; the rest follows them
	yieldFrom    = 16 << 10  // bytes in one read that make the reader yield
)

// run reads until the socket fails; the supervisor is told why.
func (r *reader) run() {
	defer r.end()
	r.buf = r.l.store
	r.to = copy(r.buf, r.l.rest)
	r.l.store, r.l.rest = nil, nil
	err := r.consume()
	for err == nil {
		var n int
		n, err = r.l.conn.Read(r.buf[r.to:])
		if r.c.current.Load() != r.l {
			return // the link was given up, and its successor may have a reader already
		}
		if n > 0 {
			r.c.heard.Store(int64(mono.Now()))
			r.to += n
			if perr := r.consume(); perr != nil {
				err = perr
			} else {
				r.rhythm(n)
			}
		}
	}
	if first := r.l.writeErr.Load(); first != nil {
		err = *first
	}
	r.c.linkFailed(r.l, readError(err))
}

// end lets go of the buffer: the link may be kept, for its INFO.
func (r *reader) end() {
	r.buf = nil
	r.l.oneEnded()
}

// readError is what users see of a failed read.
func readError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// rhythm enlarges the buffer for a busy link, and lets others run after a large read.
func (r *reader) rhythm(n int) {
	if n >= smallBuffer/2 && len(r.buf) < fullBuffer {
		grown := make([]byte, fullBuffer)
		r.to = copy(grown, r.buf[r.from:r.to])
		r.from, r.buf = 0, grown
	}
	if n >= yieldFrom {
		runtime.Gosched()
	}
}

// consume takes every complete operation out of the buffer and makes room for the rest of the next one.
func (r *reader) consume() error {
	defer r.settle()
	for {
		if err := r.parse(); err != nil {
			return err
		}
		large, err := r.makeRoom()
		if err != nil || !large {
			return err
		}
	}
}

func (r *reader) parse() error {
	for r.from < r.to {
		n, op, err := r.l.parser.Next(r.buf[r.from:r.to], &r.frame)
		if err != nil {
			return err
		}
		if op == proto.OpNone {
			return nil
		}
		r.from += n
		if op == proto.OpMsg {
			r.deliver()
		} else if err := r.control(op); err != nil {
			return err
		}
	}
	return nil
}

// makeRoom moves an incomplete operation to the front. A buffer that is full grows by doubling, so that memory follows
// what has come and not what was announced; the parser bounds it. A large payload is read whole into a buffer of its
// own; then large says that there may be more to parse.
func (r *reader) makeRoom() (large bool, err error) {
	if r.from == r.to {
		r.from, r.to = 0, 0
		if len(r.buf) > fullBuffer {
			r.buf = make([]byte, fullBuffer)
		}
		return false, nil
	}
	if start, size, ok := r.l.parser.Payload(); ok && size >= ownPayload {
		return true, r.readLarge(start, size)
	}
	if r.from > 0 {
		r.to = copy(r.buf, r.buf[r.from:r.to])
		r.from = 0
	}
	if r.to == len(r.buf) {
		grown := make([]byte, max(2*len(r.buf), fullBuffer))
		r.to = copy(grown, r.buf[:r.to])
		r.buf = grown
	}
	return false, nil
}

// readLarge reads the rest of a message's header block and payload into a buffer of its own that the sink may keep.
// start is where it begins behind r.from, size how long it is.
func (r *reader) readLarge(start, size int) error {
	r.settle()
	line := append([]byte(nil), r.buf[r.from:r.from+start]...)
	have := r.buf[r.from+start : r.to]
	extra := []byte(nil) // part of the final CRLF
	if len(have) > size {
		have, extra = have[:size], have[size:]
	}
	body := r.c.spare(size)
	if body == nil {
		body = make([]byte, 0, min(size, max(2*len(have), firstPayload)))
	}
	body = append(body, have...)
	r.to = copy(r.buf, extra)
	r.from = 0
	for len(body) < size {
		if len(body) == cap(body) {
			grown := make([]byte, len(body), min(size, 2*cap(body)))
			copy(grown, body)
			body = grown
		}
		n, err := r.l.conn.Read(body[len(body):min(size, cap(body))])
		body = body[:len(body)+n]
		if n > 0 {
			r.c.heard.Store(int64(mono.Now()))
		}
		if err != nil && len(body) < size {
			return err
		}
	}
	if err := r.endOfPayload(); err != nil {
		return err
	}
	if err := r.l.parser.Finish(line, body, &r.frame); err != nil {
		return err
	}
	r.deliver()
	return nil
}

// endOfPayload takes the CRLF behind a large payload.
func (r *reader) endOfPayload() error {
	for r.to < 2 {
		n, err := r.l.conn.Read(r.buf[r.to:])
		r.to += n
		if err != nil && r.to < 2 {
			return err
		}
	}
	r.from = 2
	return r.l.parser.Tail(r.buf[:2])
}

// deliver gives the frame to its subscription.
func (r *reader) deliver() {
	f := &r.frame
	r.msgs++
	r.bytes += uint64(len(f.Header) + len(f.Data))
	if f.SID != r.sid || r.sub == nil {
		r.endRun()
		r.sid, r.sub = f.SID, r.c.subs.lookup(f.SID)
		if r.sub == nil {
			return
		}
		r.got = r.sub.received.Load()
	}
	s := r.sub
	limit := s.max.Load()
	if limit > 0 && r.got >= limit {
		return
	}
	r.got++
	if len(f.Data) == 0 && proto.Status(f.Header) == noResponders {
		s.uncounted = true // by nats-server 2.15
	}
	s.sink.Deliver(f)
	if limit > 0 && r.got == limit {
		r.endRun()
	}
}

// endRun has what has come be handed on. A limit that was set in the middle of the run is seen by who sets it, in received, or here.
func (r *reader) endRun() {
	s := r.sub
	if s == nil {
		return
	}
	several := r.got-s.received.Load() > 1
	s.received.Store(r.got)
	r.sub, r.sid = nil, 0
	s.sink.Settle()
	if several && s.answers {
		r.c.out.Expect()
	}
	if limit := s.max.Load(); limit > 0 && r.got >= limit && r.c.ended(s) {
		s.sink.Closed(natserr.MaxMessages)
	}
}

// settle ends the current run and counts what has come.
func (r *reader) settle() {
	r.endRun()
	r.c.disp.flush()
	if r.msgs > 0 {
		atomic.AddUint64(&r.c.cfg.Counters.InMsgs, r.msgs)
		atomic.AddUint64(&r.c.cfg.Counters.InBytes, r.bytes)
		r.msgs, r.bytes = 0, 0
	}
}

// control handles what is not a message. What is rare goes to the supervisor.
func (r *reader) control(op proto.Op) error {
	switch op {
	case proto.OpPing:
		r.c.control(pong)
	case proto.OpPong:
		// Whoever asked may look at what was delivered before.
		r.settle()
		r.c.pong()
	case proto.OpErr:
		r.settle()
		r.c.serverError(r.l, string(r.l.parser.Arg()))
	case proto.OpInfo:
		info, err := proto.ParseInfo(r.l.parser.Arg())
		if err != nil {
			return err
		}
		r.c.newInfo(r.l, info)
	}
	return nil
}
