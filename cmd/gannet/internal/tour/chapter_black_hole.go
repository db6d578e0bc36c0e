package tour

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

const (
	redelivery = time.Second            // ack wait: what has vanished in the hole comes again after it
	holdOn     = 300 * time.Millisecond // between two looks at what the server still waits for

	// machineSlack forgives a machine that has something else to do.
	machineSlack = 5 * time.Second
)

// blackHole reads the whole stream. In the middle of a batch the link starts to swallow everything, in both directions: the acks
// from there on, and the next request.
func blackHole(ctx context.Context, t *tour) (f Figures, err error) {
	consumer, err := t.newConsumer(ctx, jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, AckWait: redelivery})
	if err != nil {
		return f, err
	}
	h := &hole{tour: t, consumer: consumer, read: t.newReading()}
	if err := h.readAll(ctx); err != nil {
		return f, err
	}
	t.throughHole = h.read
	f.count("lines", "lines fetched", h.read.found)
	f.count("requests", "requests", h.requests)
	f.count("missed_heartbeats", "ended by ErrNoHeartbeat", h.missed)
	f.seconds("silence", "silence until told", h.silence)
	f.seconds("recovery", "first new line after healing", h.recovery)
	f.count("redelivered", "delivered again and recognised", h.read.again)
	f.count("unacked", "unacked in the end", h.unacked)
	switch {
	case h.missed == 0:
		return f, errors.New("the hole was not noticed")
	case h.silence < 2*heartbeat-heartbeat/10 || h.silence > 2*heartbeat+machineSlack:
		return f, fmt.Errorf("told after %s of silence, want two intervals of %v", inSeconds(h.silence), heartbeat)
	}
	return f, nil
}

// hole is the state of the chapter.
type hole struct {
	*tour
	consumer jetstream.Consumer
	read     *reading

	requests, missed, unacked int
	opened, healed            time.Time
	silence, recovery         time.Duration
	foundBefore               int // pieces, when the link was healed
	outages                   int
}

// readAll fetches until every piece is there and the server has every ack.
func (h *hole) readAll(ctx context.Context) error {
	size := batchSize(len(h.pieces))
	h.say("Fetch(%d) again and again, with a heartbeat of %v", size, heartbeat)
	for {
		if h.read.complete() {
			done, err := h.settled(ctx)
			if done || err != nil {
				return err
			}
		}
		b, err := fetch(ctx, h.consumer, min(size, max(h.read.missing(), h.unacked)), h.handle)
		h.requests++
		if err != nil {
			return err
		}
		if err := h.judge(ctx, b); err != nil {
			return err
		}
	}
}

// handle opens the hole when half of the lines are there.
func (h *hole) handle(msg jetstream.Msg) error {
	if err := h.read.take(msg); err != nil {
		return err
	}
	if h.opened.IsZero() && h.read.found > len(h.pieces)/2 {
		h.outages = h.log.count()
		h.opened = time.Now()
		h.proxy.Hole(natstest.Both)
		h.say("behind line %d of %d the link turns into a hole, both ways; the connection stays open", h.read.found, len(h.pieces))
	}
	if !h.healed.IsZero() && h.recovery == 0 && h.read.found > h.foundBefore {
		h.recovery = time.Since(h.healed)
		h.say("the first new line arrives %s after healing", inSeconds(h.recovery))
	}
	h.report.Progress("lines", h.read.found, len(h.pieces))
	return nil
}

// judge reacts to the end of a batch as a program would: it goes on. Only the healing is the tour's.
func (h *hole) judge(ctx context.Context, b batch) error {
	switch {
	case b.err == nil && b.messages == 0:
		return h.mayHaveMore(ctx, h.consumer, h.read)
	case b.err == nil:
		return nil
	case !errors.Is(b.err, jetstream.ErrNoHeartbeat):
		h.say("a batch ends with: %v", b.err)
		return pause(ctx, holdOn) // a batch may fail at once while the link is away
	}
	h.missed++
	h.say("%v, after %s without a frame; status %v", b.err, inSeconds(b.quiet), h.link.Status())
	if !h.healed.IsZero() || h.opened.IsZero() {
		return nil
	}
	h.silence, h.foundBefore = b.quiet, h.read.found
	if err := h.proxy.Heal(); err != nil {
		return err
	}
	h.healed = time.Now()
	h.say("the link is healed")
	_, err := h.log.over(ctx, h.outages)
	return err
}

// settled asks the server whether it waits for acks. Acks are not answered, so the last ones may be under way.
func (h *hole) settled(ctx context.Context) (bool, error) {
	for range 3 {
		info, err := h.consumerInfo(ctx, h.consumer.CachedInfo().Name)
		if err != nil {
			return false, err
		}
		if h.unacked = info.NumAckPending; h.unacked == 0 && info.NumPending == 0 {
			return true, nil
		}
		if err := pause(ctx, holdOn/3); err != nil {
			return false, err
		}
	}
	return false, nil
}
