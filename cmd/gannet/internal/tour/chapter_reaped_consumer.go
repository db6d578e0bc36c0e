package tour

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

const (
	threshold = time.Second // inactive threshold
	ackWait   = time.Second
	lookEvery = 50 * time.Millisecond
	// reapLimit is far beyond ack wait, threshold, and the second that the server adds at most.
	reapLimit = 15 * time.Second
	overtime  = 200 * time.Millisecond // how much longer than the consumer the handler works
)

// reapedConsumer reads the whole stream. In the middle the handler works on one line for longer than the consumer may be inactive.
func reapedConsumer(ctx context.Context, t *tour) (f Figures, err error) {
	r := &reaper{tour: t, read: t.newReading(), size: batchSize(len(t.pieces))}
	if err := r.create(ctx); err != nil {
		return f, err
	}
	t.say("Fetch(%d) again and again, inactive threshold %v, ack wait %v", r.size, threshold, ackWait)
	for !r.read.complete() {
		if err := r.step(ctx); err != nil {
			return f, err
		}
	}
	t.aroundReaper = r.read
	f.count("lines", "lines fetched", r.read.found)
	f.seconds("handler", "one line took", r.worked)
	f.seconds("consumer_gone", "consumer gone after", r.goneAfter)
	f.seconds("told", "told by the next Fetch after", r.toldAfter)
	f.count("consumers", "consumers", r.consumers)
	f.count("handled_from_memory", "more handled from memory", r.fromMemory)
	f.number("carried_on_at", "carried on at sequence", int(r.resumed))
	f.count("redelivered", "delivered again and recognised", r.read.again)
	if !r.told {
		return f, errors.New("the consumer was deleted and nobody told")
	}
	return f, nil
}

// reaper is the state of the chapter.
type reaper struct {
	*tour
	consumer  jetstream.Consumer
	consumers int
	read      *reading
	size      int

	told                         bool
	slowAt, fromMemory           int // pieces when the slow line came, and those handled since, before the deletion was told
	worked, goneAfter, toldAfter time.Duration
	resumed                      uint64
}

// create makes a consumer that begins behind the last message up to which all have been handled and acked.
func (r *reaper) create(ctx context.Context) (err error) {
	r.consumer, err = r.newConsumer(ctx, jetstream.ConsumerConfig{
		AckPolicy:         jetstream.AckExplicitPolicy,
		AckWait:           ackWait,
		InactiveThreshold: threshold,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       r.read.floor() + 1,
	})
	if err == nil {
		r.consumers++
	}
	return err
}

// step is one round of a program's loop.
func (r *reaper) step(ctx context.Context) error {
	b, err := fetch(ctx, r.consumer, min(r.size, r.read.missing()), func(msg jetstream.Msg) error { return r.handle(ctx, msg) })
	switch {
	case err != nil:
		return err
	case b.err == nil && b.messages == 0:
		return r.mayHaveMore(ctx, r.consumer, r.read)
	case b.err == nil:
		return nil
	case errors.Is(b.err, jetstream.ErrNoHeartbeat): // nothing that the chapter does, but it happens to programs
		r.say("%v, after %s without a frame", b.err, inSeconds(b.quiet))
		return nil
	case !errors.Is(b.err, nats.ErrNoResponders):
		return fmt.Errorf("behind line %d a batch of %d messages ended, after %s of silence, with %w", r.read.found, b.messages, inSeconds(b.quiet), b.err)
	case r.told:
		return fmt.Errorf("the second consumer is gone as well: %w", b.err)
	}
	r.told, r.toldAfter = true, b.quiet
	r.say("%s had been fetched before and been handled too; a plain ack to a deleted consumer gets no answer", some(r.read.found-r.slowAt, "more line"))
	r.say("the next Fetch, after %s: %v", inSeconds(b.quiet), b.err)
	r.fromMemory = r.read.found - r.slowAt
	r.resumed = r.read.floor() + 1
	if err := r.create(ctx); err != nil {
		return err
	}
	r.say("a new consumer carries on at sequence %d, behind the last line that was handled and acked", r.resumed)
	return nil
}

func (r *reaper) handle(ctx context.Context, msg jetstream.Msg) error {
	if err := r.read.take(msg); err != nil {
		return err
	}
	r.report.Progress("lines", r.read.found, len(r.pieces))
	if r.slowAt > 0 || r.read.found <= len(r.pieces)/2 {
		return nil
	}
	r.slowAt = r.read.found
	r.say("the handler gets a line that takes long: number %d of %d", r.read.found, len(r.pieces))
	return r.workLong(ctx)
}

// workLong outlives the consumer.
func (r *reaper) workLong(ctx context.Context) error {
	began := time.Now()
	name := r.consumer.CachedInfo().Name
	for {
		_, err := r.consumerInfo(ctx, name)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			break
		}
		if err == nil && time.Since(began) > reapLimit {
			err = fmt.Errorf("the server has not deleted the consumer in %v", reapLimit)
		}
		if err == nil {
			err = pause(ctx, lookEvery)
		}
		if err != nil {
			return err
		}
	}
	r.goneAfter = time.Since(began)
	if err := pause(ctx, overtime); err != nil {
		return err
	}
	r.worked = time.Since(began)
	r.say("the handler is ready after %s; the server deleted the consumer after %s, without a word", inSeconds(r.worked), inSeconds(r.goneAfter))
	return nil
}
