package obj

import (
	"context"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// WatchOpts refine a watch.
type WatchOpts struct {
	History       bool // all meta messages there are; rollups leave one of each object
	UpdatesOnly   bool // nothing that is there already, and no mark behind it
	IgnoreDeletes bool
}

// Watcher delivers meta data as a public package's E; the zero E is the mark behind what was there at the start.
type Watcher[E any] struct {
	store   *Store
	updates chan E
	quit    chan struct{}
	reader  *run.Reader[note]
	wrap    func(*Info) E
	opts    WatchOpts

	// Used by the reader's callbacks only, which run one after the other.
	left   uint64 // messages before the mark
	marked bool

	mu     sync.Mutex
	over   bool
	unhook func() bool
	err    error
}

// note is a meta message as it came.
type note struct {
	data []byte
	seq  uint64
	time time.Time
}

// watchHeartbeat is how often the server says that it is there while nothing changes. A server that dies, or a bucket that is
// deleted, is noticed after two of them.
const watchHeartbeat = 2 * time.Second

// watchAhead is how many objects wait for the user, beside what waits in the reader.
const watchAhead = 32

// Watch tells what is put, changed and deleted, from the objects that are there now on. It ends, and its channel is closed, with Stop,
// the context, the connection and the bucket. While nobody reads the channel the server sends no more. Errors as of [Store.Get].
func Watch[E any](ctx context.Context, s *Store, o WatchOpts, wrap func(*Info) E) (*Watcher[E], error) {
	w := &Watcher[E]{store: s, updates: make(chan E, watchAhead), quit: make(chan struct{}), wrap: wrap, opts: o, marked: o.UpdatesOnly}
	start := run.ReaderStart{Policy: run.ReadLastPerSubject}
	switch {
	case o.UpdatesOnly:
		start.Policy = run.ReadNew
	case o.History:
		start.Policy = run.ReadAll
	}
	w.reader = run.NewReader(run.ReaderConfig[note]{
		API: s.cfg.API, Link: s.cfg.Conn, Stream: s.stream, Filters: []string{metaPrefix(s.cfg.Bucket) + ">"}, Start: start, Heartbeat: watchHeartbeat,
		Build: func(f *proto.Frame, at wire.Place) note {
			return note{append([]byte(nil), f.Data...), at.StreamSeq, at.Time()}
		},
		Handle: w.take, Started: w.started,
	})
	if err := w.reader.Start(ctx); err != nil {
		return nil, err
	}
	go w.follow() // ends with the reader, which Stop, the context or the connection end
	w.hook(context.AfterFunc(ctx, func() { w.stop(ctx.Err()) }))
	return w, nil
}

func (w *Watcher[E]) hook(unhook func() bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unhook = unhook
}

// Updates is closed at the end. Err says why.
func (w *Watcher[E]) Updates() <-chan E { return w.updates }

// Err is why the watch ended by itself: the context's error, natserr.ConnectionClosed, or *wire.APIError when the bucket is gone.
// nil: it goes on, or Stop ended it.
func (w *Watcher[E]) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Stop ends the watch. It does not wait; again does nothing.
func (w *Watcher[E]) Stop() { w.stop(nil) }

func (w *Watcher[E]) stop(err error) {
	unhook, first := w.end(err)
	if !first {
		return
	}
	w.reader.Stop()
	if unhook != nil {
		unhook()
	}
}

func (w *Watcher[E]) end(err error) (unhook func() bool, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return nil, false
	}
	w.over, w.err = true, err
	close(w.quit)
	return w.unhook, true
}

// follow closes the channel when the last callback has returned.
func (w *Watcher[E]) follow() {
	<-w.reader.Over()
	code, words := w.reader.Result()
	var err error
	switch code {
	case wire.ConnectionClosed:
		err = natserr.ConnectionClosed
	case wire.Canceled:
	default:
		err = &wire.APIError{Code: 404, ErrCode: wire.ErrCodeStreamNotFound, Description: words}
	}
	w.stop(err)
	close(w.updates)
}

// started is called whenever a consumer begins, with the number of messages that are there.
func (w *Watcher[E]) started(pending uint64) {
	w.left = pending
	w.mark()
}

// mark puts the mark into the channel when its time has come.
func (w *Watcher[E]) mark() {
	if w.left == 0 && !w.marked {
		w.marked = true
		var mark E
		w.put(mark)
	}
}

// take is the reader's handler.
func (w *Watcher[E]) take(n note) {
	// What is no meta data is not told, as nobody can read it; it counts towards the mark.
	if info, err := parseInfo(n.data, n.seq, n.time); err == nil && !(info.Deleted && w.opts.IgnoreDeletes) {
		w.put(w.wrap(info))
	}
	if w.left > 0 {
		w.left--
		w.mark()
	}
}

// put waits for the user, but not on a connection that is closed: nobody need read for it to end.
func (w *Watcher[E]) put(e E) {
	select {
	case w.updates <- e:
	case <-w.quit:
	case <-w.store.cfg.Conn.Done():
	}
}

// List returns the objects of a bucket, in the order in which they were put; with deleted also the deleted ones. It is bounded by the
// deadline of ctx; without one [Patience] may pass without an object. Errors: [NoObjects], natserr.Timeout, and those of [Watch].
func (s *Store) List(ctx context.Context, deleted bool) ([]*Info, error) {
	w, err := Watch(ctx, s, WatchOpts{IgnoreDeletes: !deleted}, func(i *Info) *Info { return i })
	if err != nil {
		return nil, err
	}
	defer w.Stop()
	var all []*Info
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	for {
		select {
		case info, ok := <-w.Updates():
			switch {
			case !ok:
				return nil, w.Err()
			case info != nil:
				all = append(all, info)
				timer.Reset(Patience)
				continue
			case len(all) == 0:
				return nil, NoObjects
			}
			return all, nil
		case <-timer.C:
			if _, bounded := ctx.Deadline(); !bounded {
				return nil, natserr.Timeout
			}
		}
	}
}
