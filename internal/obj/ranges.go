package obj

import (
	"context"
	"io"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// Ranges reads any part of an object, without the parts before it. Digests cover whole objects, so what it reads is not checked against
// one. Its methods may be called concurrently.
type Ranges struct {
	store *Store
	info  *Info

	mu    sync.Mutex
	index []extent // nil: not made yet
	at    int      // which chunk data is; -1: none
	data  []byte
}

// extent is a chunk: where it is in the stream, and which bytes of the object it has.
type extent struct {
	seq        uint64
	start, end uint64
}

// Ranges gives access to parts of an object that [Store.Info] has returned, which is no link. Errors: [BadMeta].
func (s *Store) Ranges(info *Info) (*Ranges, error) {
	if info.link() != nil || info.Size > 0 && !validNUID(info.NUID) {
		return nil, BadMeta
	}
	return &Ranges{store: s, info: info, at: -1}, nil
}

// ReadAt reads from offset off on. It returns io.EOF, and fewer bytes, at the end only. Other errors: [NotFound] when the object is
// replaced or deleted, [DigestMismatch] when its chunks are not those that it says, natserr.Timeout, natserr.InvalidArg, and those of
// [api.Call].
func (r *Ranges) ReadAt(ctx context.Context, b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, natserr.InvalidArg
	}
	r.mu.Lock()
	defer r.mu.Unlock() // held while a chunk is fetched: whoever waits wants the same chunk more often than not
	for n < len(b) {
		if uint64(off)+uint64(n) >= r.info.Size {
			return n, io.EOF
		}
		data, err := r.fromLocked(ctx, uint64(off)+uint64(n))
		if err != nil {
			return n, err
		}
		n += copy(b[n:], data)
	}
	return n, nil
}

// fromLocked is what the chunk with the byte at off has from there on.
func (r *Ranges) fromLocked(ctx context.Context, off uint64) ([]byte, error) {
	if r.index == nil {
		index, err := r.store.extents(ctx, r.info)
		if err != nil {
			return nil, err
		}
		r.index = index
	}
	i := sort.Search(len(r.index), func(i int) bool { return r.index[i].end > off })
	e := r.index[i]
	if r.at != i {
		data, err := r.store.message(ctx, e.seq)
		if err != nil {
			return nil, err
		}
		if uint64(len(data)) != e.end-e.start {
			return nil, DigestMismatch
		}
		r.at, r.data = i, data
	}
	return r.data[off-e.start:], nil
}

// message reads one message of the stream.
func (s *Store) message(ctx context.Context, seq uint64) ([]byte, error) {
	get := api.GetMsg
	if s.direct {
		get = api.DirectGet
	}
	m, refused, err := get(ctx, s.cfg.API, s.stream, wire.MsgGetRequest{Seq: seq})
	switch {
	case err != nil:
		return nil, err
	case refused != nil && refused.ErrCode == wire.ErrCodeMessageNotFound:
		return nil, NotFound
	case refused != nil:
		return nil, refused
	}
	return m.Data, nil
}

// header is a chunk without its bytes.
type header struct {
	seq     uint64
	size    uint64
	pending uint64
}

// extents lists the chunks of an object: their headers are read, which say how large each is.
func (s *Store) extents(ctx context.Context, info *Info) ([]extent, error) {
	headers, stop := make(chan header, 256), make(chan struct{})
	take := func(h header) {
		select {
		case headers <- h:
		case <-stop:
		}
	}
	r := run.NewReader(run.ReaderConfig[header]{
		API: s.cfg.API, Link: s.cfg.Conn, Stream: s.stream, Filters: []string{chunkSubject(s.cfg.Bucket, info.NUID)}, HeadersOnly: true,
		Heartbeat: readHeartbeat,
		Build: func(f *proto.Frame, at wire.Place) header {
			size, _ := strconv.ParseUint(string(proto.HeaderValue(f.Header, wire.HdrMsgSize)), 10, 63)
			return header{at.StreamSeq, size, at.Pending}
		},
		Handle: take,
		Started: func(pending uint64) {
			if pending == 0 {
				take(header{}) // none is left, see reading.started
			}
		},
	})
	if err := r.Start(ctx); err != nil {
		return nil, err
	}
	defer r.Stop()
	defer close(stop)
	timer := time.NewTimer(lookAfter)
	defer timer.Stop()
	var all []extent
	var lack rest
	for at, began := uint64(0), time.Now(); ; {
		select {
		case h := <-headers:
			if h.size == 0 && h.seq > 0 || h.size > info.Size-at {
				return nil, DigestMismatch
			}
			if h.size > 0 {
				all = append(all, extent{h.seq, at, at + h.size})
			}
			if at += h.size; at == info.Size {
				return all, nil
			}
			if lack.came(); h.pending == 0 && !lack.mayCome(ctx, s, info) {
				return nil, s.gone(ctx, info)
			}
			began = time.Now()
		case <-r.Over():
			return nil, natserr.ConnectionClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			timer.Reset(lookAfter)
			if lack.late() {
				return nil, s.gone(ctx, info)
			}
			if err := s.same(ctx, info); err != nil {
				return nil, err
			}
			if _, bounded := ctx.Deadline(); !bounded && time.Since(began) > Patience {
				return nil, natserr.Timeout
			}
		}
	}
}

// Reopen streams the whole object. Errors as of [Store.Get].
func (s *Store) Reopen(ctx context.Context, r *Ranges) (*Object, error) { return s.open(ctx, r.info) }
