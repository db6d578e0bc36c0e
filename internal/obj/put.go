package obj

import (
	"context"
	"fmt"
	"io"

	"github.com/nats-io/nuid"
)

// Put stores what r reads as an object, in place of what has its name; a nil r is an object without bytes. progress, when it is not nil, is
// called with the number of bytes that the stream has, after each chunk, on this goroutine. A put survives lost links. Its end is
// bounded by the context's deadline; without one [Patience] may pass without progress, not counting the time in r.Read.
//
// After an error nothing of the new object is left behind, and the old one is there; what could not be removed in time is removed in the
// background, for [cleanupTime] at most. The one exception is an error beside an Info: the object is stored, but the chunks that it
// replaced are still there.
//
// Errors: [BadMeta] without a name, [LinkInPut], that of r, the context's, natserr.Timeout, [NoStream], [NotAnAck], *wire.APIError and those
// of the connection.
func (s *Store) Put(ctx context.Context, meta *Meta, r io.Reader, progress func(stored uint64)) (*Info, error) {
	switch {
	case meta == nil || meta.Name == "":
		return nil, BadMeta
	case meta.link() != nil:
		return nil, LinkInPut
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	old, err := s.find(ctx, meta.Name)
	if err != nil {
		return nil, err
	}
	info := &Info{Meta: *meta, Bucket: s.cfg.Bucket, NUID: nuid.Next()}
	info.Opts = &Options{ChunkSize: DefaultChunk}
	if meta.Opts != nil && meta.Opts.ChunkSize > 0 {
		info.Opts.ChunkSize = meta.Opts.ChunkSize
	}
	if _, err := info.encode(); err != nil {
		return nil, err
	}
	p := newPut(s, info, progress)
	running := true
	defer func() {
		if running {
			p.abandon()
		}
	}()
	err = p.chunks(ctx, r)
	running = false
	if err == nil {
		old, err = s.storeMeta(ctx, info, old, false)
	}
	if err != nil {
		return nil, p.undo(ctx, err)
	}
	p.pub.Close()
	if err := s.dropChunks(ctx, old); err != nil {
		return info, fmt.Errorf("nats: the object is stored, but the chunks of the one it replaced could not be removed: %w", err)
	}
	return info, nil
}
