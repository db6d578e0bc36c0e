package obj

import (
	"context"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// feed brings the chunks of an object that is being read.
type feed struct {
	reader *run.Reader[piece]
	pieces chan piece
	quit   chan struct{} // closed: another feed has taken its place
	closed chan struct{} // of the reading
	store  *Store
	brake  *brake
}

// newFeed makes one that begins behind what was read. Its reader is to be started.
func (r *reading) newFeed() *feed {
	f := &feed{pieces: make(chan piece, readAhead), quit: make(chan struct{}), closed: r.closed, store: r.store, brake: newBrake()}
	start := run.ReaderStart{}
	if r.seq > 0 {
		start = run.ReaderStart{Policy: run.ReadFromSeq, Seq: r.seq + 1}
	}
	f.reader = run.NewReader(run.ReaderConfig[piece]{
		API: r.store.cfg.API, Link: r.store.cfg.Conn, Stream: r.store.stream, Filters: []string{chunkSubject(r.store.cfg.Bucket, r.info.NUID)},
		Start: start, Heartbeat: readHeartbeat, Build: f.build, Handle: f.take, Started: f.started,
	})
	return f
}

// build runs on the connection's reader.
func (f *feed) build(m *proto.Frame, at wire.Place) piece {
	if m.Owned {
		f.brake.came(len(m.Data), f.closed)
		return piece{m.Data, m.Body, f.brake, at.Pending, at.StreamSeq}
	}
	return piece{data: append([]byte(nil), m.Data...), pending: at.Pending, seq: at.StreamSeq}
}

// take hands a chunk to Read. While nobody reads it blocks, and the server sends no more. When the connection is closed nothing is handed over
// behind a chunk that was not.
func (f *feed) take(p piece) {
	select {
	case f.pieces <- p:
	case <-f.quit:
	case <-f.closed:
	case <-f.store.cfg.Conn.Done():
	}
}

// started is told whenever a consumer begins. Chunks are stored before the meta data, so when none is left none will come, unless a replica
// is behind: Read is told with a piece that has nothing.
func (f *feed) started(pending uint64) {
	if pending == 0 {
		f.take(piece{})
	}
}

// feedAgain begins anew behind what was read: a consumer on a replica that was behind does not always notice that it has caught up
// (nats-server 2.15). The caller holds mu.
func (r *reading) feedAgain() {
	ctx, cancel := context.WithTimeout(r.ctx, lookAfter)
	defer cancel()
	next := r.newFeed()
	if next.reader.Start(ctx) != nil {
		return // the old one goes on
	}
	if old := r.replaceFeed(next); old != nil {
		close(old.quit)
		old.reader.Stop()
	}
}

// replaceFeed puts next in the place of the feed, and returns the one that is to be stopped: next, when reading has ended.
func (r *reading) replaceFeed(next *feed) (stop *feed) {
	r.end.Lock()
	defer r.end.Unlock()
	if r.err != nil {
		return next
	}
	stop, r.feed = r.feed, next
	return stop
}

func (r *reading) fed() *feed {
	r.end.Lock()
	defer r.end.Unlock()
	return r.feed
}
