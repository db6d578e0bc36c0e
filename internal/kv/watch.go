package kv

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
)

// WatchOptions say what a watch delivers. The zero value: the last entry of each key, then all that follow.
type WatchOptions struct {
	History       bool   // all entries that are there, instead of the last ones
	UpdatesOnly   bool   // none that are there; no end of the initial ones is marked
	IgnoreDeletes bool   // no deletions
	MetaOnly      bool   // no values
	From          uint64 // all entries from this revision on; 0: as the others say
	// once ends the watch where the initial entries end, without a mark. distinct drops entries of keys that were delivered.
	once, distinct bool
}

// start is where the reading begins.
func (o *WatchOptions) start() run.ReaderStart {
	switch {
	case o.From > 0:
		return run.ReaderStart{Policy: run.ReadFromSeq, Seq: o.From}
	case o.UpdatesOnly:
		return run.ReaderStart{Policy: run.ReadNew}
	case o.History:
		return run.ReaderStart{Policy: run.ReadAll}
	}
	return run.ReaderStart{Policy: run.ReadLastPerSubject}
}

// updatesLen is how many entries wait for a caller who is slow. Behind them the reader's queue fills, then the server waits.
const updatesLen = 256

// Watcher delivers the entries of keys, each once, in the order of the stream, until it is stopped, its context ends, or the connection or the
// bucket is gone. Links, servers and leaders may come and go meanwhile. A caller who does not read holds up nobody else, and costs what the
// reader's queue may hold.
//
//	reader goroutine ── Build ──▶ run.Reader's queue ── dispatcher: handle ──▶ updates ──▶ caller
//	                                                                           ▲
//	its own goroutine: the end of the context, a missing mark, the close ──────┘
//
// E is what the façade makes of an entry.
type Watcher[E any] struct {
	store   *Store
	opts    WatchOptions
	filters []string // subjects
	reader  *run.Reader[*Entry]
	emit    func(*Entry) E // nil: the mark behind the initial entries
	hooks   Hooks
	updates chan E
	over    chan struct{} // closed after updates

	parent context.Context
	ctx    context.Context // ends with parent, or when nobody wants more
	cancel context.CancelCauseFunc

	seen    map[string]struct{} // keys, with distinct. The dispatcher's
	settled bool                // the initial entries are over. The dispatcher's

	mu      sync.Mutex
	busy    bool   // in handle
	handled uint64 // entries
	last    uint64 // the highest revision of them
	initial uint64 // entries that are still to come before the mark
	marked  bool   // the mark is due, was sent, or is not wanted
	reason  error  // why it ended; nil: it was stopped
}

// Hooks are what a caller wants to be told. Nil ones are not called.
type Hooks struct {
	// Disturbed is called with what disturbs a watch, one after the other, on the connection's dispatcher.
	Disturbed func(error)
	// Ended is called with what Err will say, before Updates is closed. It must not block.
	Ended func(error)
}

// Watch starts a watch of the keys that match one of filters; none: of all keys. ctx bounds the watch.
//
// filters were checked by the caller. Errors: NilContext, and what Failed makes of those of the reader's start.
func Watch[E any](ctx context.Context, s *Store, filters []string, o WatchOptions, emit func(*Entry) E, h Hooks) (*Watcher[E], error) {
	if ctx == nil {
		return nil, s.cfg.Errors.NilContext
	}
	w := &Watcher[E]{
		store: s, opts: o, filters: s.subjects(filters), emit: emit, hooks: h,
		updates: make(chan E, updatesLen), over: make(chan struct{}), parent: ctx,
		marked: o.UpdatesOnly && !o.once,
	}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	if o.distinct {
		w.seen = make(map[string]struct{})
	}
	b := builder{bucket: s.cfg.Bucket, prefix: len(s.keys)}
	w.reader = run.NewReader(run.ReaderConfig[*Entry]{
		API: s.cfg.API, Link: s.cfg.Conn, Stream: s.stream, Filters: w.filters, Start: o.start(), HeadersOnly: o.MetaOnly,
		Build: b.build, Handle: w.handle, Started: w.started, Tell: w.told,
	})
	if err := w.reader.Start(w.ctx); err != nil {
		w.cancel(errStopped)
		refused, _ := err.(*wire.APIError)
		if refused != nil {
			err = nil
		}
		return nil, s.cfg.Errors.Failed(refused, err)
	}
	go w.run()
	return w, nil
}

// errStopped is the cause of an end that the caller wanted.
var errStopped = errors.New("stopped")

// subjects of filters, without doubles, which the server refuses.
func (s *Store) subjects(filters []string) []string {
	if len(filters) == 0 {
		return []string{s.keys + ">"}
	}
	var subjects []string
	known := make(map[string]bool, len(filters))
	for _, f := range filters {
		if !known[f] {
			known[f] = true
			subjects = append(subjects, s.keys+f)
		}
	}
	return subjects
}

// Updates is closed when the watch has ended.
func (w *Watcher[E]) Updates() <-chan E { return w.updates }

// Stop ends the watch. It does not wait: entries that are in the channel stay there, and it is closed soon. Again does nothing.
func (w *Watcher[E]) Stop() { w.cancel(errStopped) }

// Over is closed after Updates.
func (w *Watcher[E]) Over() <-chan struct{} { return w.over }

// Err says why the watch ended: nil while it runs and after Stop, the context's error, or what ended it.
func (w *Watcher[E]) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reason
}

// handle passes an entry on. It runs on the dispatcher, and waits for the caller.
func (w *Watcher[E]) handle(e *Entry) {
	if !w.settled {
		w.enter(e)
	}
	if w.wanted(e) {
		w.send(w.emit(e))
	}
	if !w.settled && w.leave(e) {
		w.mark()
	}
}

func (w *Watcher[E]) wanted(e *Entry) bool {
	if w.opts.IgnoreDeletes && e.Op != Put {
		return false
	}
	if w.seen != nil {
		if _, again := w.seen[e.Key]; again {
			return false
		}
		w.seen[e.Key] = struct{}{}
	}
	return true
}

func (w *Watcher[E]) enter(e *Entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = true
	w.handled++
	w.last = e.Revision
}

// leave reports whether e was the last initial entry: it was counted so, or the server had no more behind it.
func (w *Watcher[E]) leave(e *Entry) (mark bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy = false
	w.settled = w.marked
	if w.initial > 0 {
		w.initial--
	}
	return (w.initial == 0 || e.Delta == 0) && w.dueLocked()
}

// started is told how many entries were there when a consumer was made.
func (w *Watcher[E]) started(pending uint64) {
	if w.counted(pending) {
		w.mark()
	}
}

func (w *Watcher[E]) counted(pending uint64) (mark bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.initial = pending
	return pending == 0 && w.dueLocked()
}

func (w *Watcher[E]) dueLocked() bool {
	due := !w.marked
	w.marked = true
	return due
}

// mark says that the initial entries are over.
func (w *Watcher[E]) mark() {
	if w.opts.once {
		w.Stop()
		return
	}
	w.send(w.emit(nil))
}

// send waits for room, or until nobody wants it any more.
func (w *Watcher[E]) send(v E) {
	select {
	case w.updates <- v:
		return
	default:
	}
	select {
	case w.updates <- v:
	case <-w.ctx.Done():
	case <-w.store.cfg.Conn.Done():
	}
}

// told passes on what disturbs the reader.
func (w *Watcher[E]) told(code wire.Code, words string) {
	if tell := w.hooks.Disturbed; tell != nil && code != wire.OK && code != wire.ConnectionClosed {
		tell(w.store.disturbance(code, words))
	}
}

var errMissing = errors.New("nats: entries have not come; they are read again")

// disturbance is the error of what a reader tells.
func (s *Store) disturbance(code wire.Code, words string) error {
	switch {
	case words != "":
		return errors.New("nats: " + words)
	case code == wire.Gap:
		return errMissing
	}
	return s.cfg.Errors.Disturbed(code)
}

// checkEvery is how often a watch whose initial entries do not come to their end looks whether there are any left.
const checkEvery = time.Second

// run is the watcher's goroutine. It ends with the reader.
func (w *Watcher[E]) run() {
	defer w.end()
	check := time.NewTicker(checkEvery)
	defer check.Stop()
	var handled uint64
	for {
		select {
		case <-w.reader.Over():
			return
		case <-w.ctx.Done():
			w.reader.Stop()
			<-w.reader.Over()
			return
		case <-check.C:
			n, marked := w.progress()
			switch {
			case marked:
				check.Stop()
			case n == handled && w.complete(n):
				w.mark()
			}
			handled = n
		}
	}
}

// end closes what the caller reads. Nobody sends any more: the reader has called for the last time, and this is the watcher's own goroutine.
func (w *Watcher[E]) end() {
	w.finish()
	w.cancel(errStopped) // gives up what it holds
	if w.hooks.Ended != nil {
		w.hooks.Ended(w.Err())
	}
	close(w.updates)
	close(w.over)
}

// finish finds the reason of the end.
func (w *Watcher[E]) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	code, words := w.reader.Result()
	switch {
	case context.Cause(w.ctx) == errStopped:
	case w.parent.Err() != nil:
		w.reason = w.parent.Err()
	case code == wire.ConnectionClosed, code == wire.Canceled: // the latter by a drain of the connection
		w.reason = natserr.ConnectionClosed
	case code == wire.ServerRefused:
		w.reason = w.store.cfg.Errors.BucketNotFound // the stream is gone
	case code != wire.OK:
		w.reason = w.store.disturbance(code, words)
	}
}
