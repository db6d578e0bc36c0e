package obj

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
)

// Object is an object being read. Its methods may be called concurrently, but concurrent Reads share what comes. It must be closed, or read
// to its end.
type Object struct {
	reading *reading
}

// Info is the object that is read: the one that links led to.
func (o *Object) Info() *Info { return o.reading.info }

// Err is how reading ended; nil while it goes on, and after all was read well.
func (o *Object) Err() error {
	if err := o.reading.ended(); err != io.EOF {
		return err
	}
	return nil
}

// Read returns bytes of the object as they come. The digest is checked when all have come: the Read after the last byte returns io.EOF
// or [DigestMismatch]. Other errors: natserr.Timeout, the context's, [NotFound] when the object is replaced meanwhile, [BadDigest],
// *wire.APIError, natserr.ConnectionClosed; context.Canceled after Close.
func (o *Object) Read(b []byte) (int, error) {
	defer runtime.KeepAlive(o)
	return o.reading.read(b)
}

// WriteTo writes the rest of the object to w, without a copy in between.
func (o *Object) WriteTo(w io.Writer) (int64, error) {
	defer runtime.KeepAlive(o)
	return o.reading.writeTo(w)
}

// Close ends reading. It never fails.
func (o *Object) Close() error {
	o.reading.abandon()
	return nil
}

// reading is the object apart from the handle that the user has: when the user forgets that, the reading ends.
type reading struct {
	store  *Store
	info   *Info
	ctx    context.Context
	closed chan struct{}
	unhook func() bool

	mu    sync.Mutex // of Read
	sum   hash.Hash
	cur   piece  // what the last Read left
	rest  []byte // of it
	seq   uint64 // of the last piece that had any
	bytes uint64
	heard time.Time // when the last piece came
	lack  rest

	end  sync.Mutex
	feed *feed // nil: there is nothing to read. Who holds mu replaces it, and may look at it without end
	err  error // how reading ended; nil: it goes on
}

// piece is a chunk as it came.
type piece struct {
	data    []byte
	body    []byte // the buffer that holds it; nil: not to be used again
	brake   *brake // of a piece with a body
	pending uint64
	seq     uint64 // in the stream
}

const (
	// readAhead is how many chunks wait for the user, beside what waits in the reader.
	readAhead = 8
	// readHeartbeat is how often the server says that it is there while it has nothing to send: reads are short, so it may be often.
	readHeartbeat = time.Second
	// lookAfter is how long nothing may come before the object itself is looked at: it may have been replaced.
	lookAfter = time.Second
	// maxLinks bounds how many links are followed from one to the next.
	maxLinks = 8
)

// Get opens an object, links followed. Reading it is bounded by the deadline of ctx; without one [Patience] may pass without a chunk while
// Read waits. Errors: [GetOfBucket], those of [Store.Info], of [Open], and of the consumer that reads.
func (s *Store) Get(ctx context.Context, name string, deleted bool) (*Object, error) {
	for range maxLinks {
		info, err := s.Info(ctx, name, deleted)
		if err != nil {
			return nil, err
		}
		to := info.link()
		switch {
		case to == nil:
			return s.open(ctx, info)
		case to.Name == "":
			return nil, GetOfBucket
		case to.Bucket != s.cfg.Bucket:
			cfg := s.cfg
			cfg.Bucket = to.Bucket
			if s, err = Open(ctx, cfg); err != nil {
				return nil, err
			}
		}
		name = to.Name
	}
	return nil, fmt.Errorf("%w: links lead to links", BadMeta)
}

func (s *Store) open(ctx context.Context, info *Info) (*Object, error) {
	r := &reading{store: s, info: info, ctx: ctx, closed: make(chan struct{}), sum: sha256.New(), heard: time.Now()}
	o := &Object{reading: r}
	if info.Deleted || info.Size == 0 {
		return o, nil
	}
	if !validNUID(info.NUID) {
		return nil, BadMeta
	}
	r.feed = r.newFeed()
	if err := r.feed.reader.Start(ctx); err != nil {
		return nil, err
	}
	r.hook(context.AfterFunc(ctx, r.expire))
	runtime.AddCleanup(o, (*reading).abandon, r)
	return o, nil
}

// hook keeps how to unhook from the context, whose end may have come already.
func (r *reading) hook(unhook func() bool) {
	r.end.Lock()
	defer r.end.Unlock()
	r.unhook = unhook
}

func (r *reading) abandon() { r.finish(context.Canceled) }

// expire follows the end of the context.
func (r *reading) expire() {
	err := r.ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		err = natserr.Timeout
	}
	r.finish(err)
}

// finish ends reading with err, unless it has ended.
func (r *reading) finish(err error) error {
	first, err := r.note(err)
	if feed := r.fed(); first && feed != nil {
		feed.reader.Stop()
		if stop := r.hooked(); stop != nil {
			stop()
		}
	}
	return err
}

func (r *reading) hooked() func() bool {
	r.end.Lock()
	defer r.end.Unlock()
	return r.unhook
}

// note records the end; err is how it was the first time.
func (r *reading) note(how error) (first bool, err error) {
	r.end.Lock()
	defer r.end.Unlock()
	if r.err == nil {
		r.err, first = how, true
		close(r.closed)
	}
	return first, r.err
}

func (r *reading) read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.fill(); err != nil {
		return 0, err
	}
	n := copy(b, r.rest)
	r.used(n)
	return n, nil
}

func (r *reading) writeTo(w io.Writer) (written int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if err := r.fill(); err != nil {
			if err == io.EOF {
				err = nil
			}
			return written, err
		}
		want := len(r.rest)
		n, err := w.Write(r.rest)
		if n < 0 || n > want {
			return written, errBadWriter
		}
		written += int64(n)
		r.used(n)
		if err != nil {
			return written, err
		}
		if n < want {
			return written, io.ErrShortWrite
		}
	}
}

var errBadWriter = errors.New("nats: the writer returned an impossible count")

// used counts n bytes of the current chunk as read.
func (r *reading) used(n int) {
	if r.rest = r.rest[n:]; len(r.rest) == 0 && r.cur.body != nil {
		r.store.cfg.Conn.Recycle(r.cur.body)
		r.cur.brake.taken(len(r.cur.data))
		r.cur, r.rest = piece{}, nil
	}
}

// fill makes sure that there are bytes to read.
func (r *reading) fill() error {
	for len(r.rest) == 0 {
		if err := r.ended(); err != nil {
			return err
		}
		if r.feed == nil || r.complete() {
			return r.finish(r.check())
		}
		p, err := r.wait()
		if err != nil {
			return r.finish(err)
		}
		r.cur, r.rest = p, p.data
		r.bytes += uint64(len(p.data))
		_, _ = r.sum.Write(p.data) // a hash does not fail
		if p.seq > 0 {
			r.seq = p.seq
			r.lack.came()
		}
		switch {
		case r.bytes > r.info.Size:
			return r.finish(DigestMismatch)
		case p.pending > 0 || r.complete():
		case !r.lack.mayCome(r.ctx, r.store, r.info):
			return r.finish(r.store.gone(r.ctx, r.info))
		}
	}
	return nil
}

func (r *reading) ended() error {
	r.end.Lock()
	defer r.end.Unlock()
	return r.err
}

// complete reports that all bytes have come.
func (r *reading) complete() bool { return r.bytes == r.info.Size }

// check compares the digests; io.EOF: they match. A deleted object has none, and an object without bytes may have none.
func (r *reading) check() error {
	if r.info.Deleted || r.info.Size == 0 && r.info.Digest == "" {
		return io.EOF
	}
	if err := matches(r.info.Digest, r.sum.Sum(nil)); err != nil {
		return err
	}
	return io.EOF
}

// wait returns the next chunk.
func (r *reading) wait() (piece, error) {
	select {
	case p := <-r.feed.pieces:
		return p, nil
	default:
	}
	r.heard = time.Now() // the user's time is not ours
	timer := time.NewTimer(lookAfter)
	defer timer.Stop()
	for {
		select {
		case p := <-r.feed.pieces:
			return p, nil
		case <-r.closed:
			return piece{}, r.ended()
		case <-r.feed.reader.Over():
			select {
			case p := <-r.feed.pieces:
				return p, nil
			default:
			}
			return piece{}, r.interrupted()
		case <-timer.C:
			if r.lack.late() {
				return piece{}, r.store.gone(r.ctx, r.info)
			}
			if r.lack.waits() {
				r.feedAgain()
			}
			if _, ok := r.ctx.Deadline(); !ok && time.Since(r.heard) >= Patience {
				return piece{}, natserr.Timeout
			}
			if err := r.store.same(r.ctx, r.info); err != nil {
				return piece{}, err
			}
			timer.Reset(lookAfter)
		}
	}
}

// same reports as an error that info is not what the bucket has now: its chunks will never come. Who cannot be asked says nothing.
func (s *Store) same(ctx context.Context, info *Info) error {
	ctx, cancel := context.WithTimeout(ctx, lookAfter)
	defer cancel()
	now, err := s.find(ctx, info.Name)
	if err == nil && (now == nil || now.NUID != info.NUID || now.Deleted) {
		return fmt.Errorf("%w: it was replaced or deleted while it was read", NotFound)
	}
	return nil
}

// interrupted is why the reader ended by itself.
func (r *reading) interrupted() error {
	select {
	case <-r.closed:
		return r.ended()
	default:
	}
	code, words := r.feed.reader.Result()
	switch code {
	case wire.ConnectionClosed:
		return natserr.ConnectionClosed
	case wire.Canceled:
		return natserr.ConnectionDraining
	}
	return &wire.APIError{Code: 404, ErrCode: wire.ErrCodeStreamNotFound, Description: words}
}
