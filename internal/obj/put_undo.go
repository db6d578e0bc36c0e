package obj

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
)

const (
	// cleanupTime bounds the removal of what a failed put leaves, cleanupGrace how much of it a caller waits for whose context has
	// ended, or whose stream does not answer.
	cleanupTime  = 30 * time.Second
	cleanupGrace = 25 * time.Millisecond
	// oneTry is how long a request that may be executed twice waits for its answer before it is made again.
	oneTry = time.Second
)

// undo removes the chunks of a put that failed with cause, and returns what the caller is to be told.
func (p *put) undo(ctx context.Context, cause error) error {
	p.pub.Close()
	p.dropBatch()
	if !p.began {
		return cause
	}
	done := make(chan error, 1)
	go func() { done <- p.cleanup() }() // ends with cleanupTime, or with the connection
	if cause != NoStream {
		select {
		case err := <-done:
			return p.undone(cause, err)
		case <-ctx.Done():
		}
	}
	grace := time.NewTimer(cleanupGrace)
	defer grace.Stop()
	select {
	case err := <-done:
		return p.undone(cause, err)
	case <-grace.C:
		return cause
	}
}

// undone is what the caller is told when the chunks are removed, or err says why they are not.
func (p *put) undone(cause, err error) error {
	if err != nil && err != natserr.ConnectionClosed {
		return fmt.Errorf("%w (and its chunks under %s could not be removed: %w)", cause, p.subject, err)
	}
	return cause
}

// cleanup purges the chunks. Some may still be on their way, and purges overtake publishes inside the server, so a message goes behind
// them that no stream stores: when that is refused, all is there.
func (p *put) cleanup() error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
	defer cancel()
	fence := run.SyncSpec{
		Subject: p.subject, Header: []byte("NATS/1.0\r\n" + wire.HdrExpectedStream + ": -\r\n\r\n"),
		Retry: patiently,
	}
	_, code, _, err := p.s.pub.Publish(ctx, fence)
	if err != nil {
		return err
	}
	if code == wire.NoResponders {
		return NoStream
	}
	return p.s.purge(ctx, p.subject)
}

// abandon is undo for a put that ends with a panic of the reader or of the progress function.
func (p *put) abandon() {
	p.pub.Close()
	p.dropBatch()
	if p.began {
		go func() { _ = p.cleanup() }() // ends as in undo
	}
}

// purge removes what is stored on a subject.
func (s *Store) purge(ctx context.Context, subject string) error {
	return s.purgeBelow(ctx, subject, 0)
}

// purgeBelow is purge for sequences below seq; 0: all. Nothing that is to stay can come to subject meanwhile.
func (s *Store) purgeBelow(ctx context.Context, subject string, seq uint64) error {
	type request struct {
		Filter string `json:"filter"`
		Seq    uint64 `json:"seq,omitempty"`
	}
	err := s.insist(ctx, wire.StreamPurge(s.stream), request{subject, seq})
	if refusedFor(err, wire.ErrCodeStreamNotFound) {
		return nil
	}
	return err
}

// insist makes a request that may be executed twice. One whose answer is late may have been lost with its link, and is made again.
func (s *Store) insist(ctx context.Context, subject string, req any) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.budget())
		defer cancel()
	}
	for {
		try, cancel := context.WithTimeout(ctx, oneTry)
		_, err := call[wire.Done](try, s.cfg.API, subject, req)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, context.DeadlineExceeded) && !passing(err):
			return err
		}
	}
}
