package tour

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

const ackPatience = 1500 * time.Millisecond

// lostAck swallows everything that the server says from just before one publish until the client has given up.
func lostAck(ctx context.Context, t *tour) (f Figures, err error) {
	_, share, _ := shares(len(t.pieces))
	victim := share.middle()
	for i := share.from; i < share.to; i++ {
		if i == victim {
			err = t.loseAck(ctx, i, &f)
		} else {
			_, err = t.publish(ctx, i)
		}
		if err != nil {
			return f, fmt.Errorf("line %d: %w", i+1, err)
		}
		t.report.Progress("lines", i+1-share.from, share.len())
	}
	f.count("lines", "lines published", share.len())
	last, err := t.lastSequence(ctx)
	if err != nil {
		return f, err
	}
	f.count("stored_twice", "stored twice", int(last)-share.to)
	if int(last) != share.to {
		return f, fmt.Errorf("%d lines published so far, %d stored", share.to, last)
	}
	return f, nil
}

func (t *tour) publish(ctx context.Context, piece int) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, publishLimit)
	defer cancel()
	return t.js.Publish(ctx, t.subject(), t.pieces[piece], jetstream.WithMsgID(t.id(piece)))
}

// loseAck publishes one line twice: once without hearing of it, and once to learn what became of the first.
func (t *tour) loseAck(ctx context.Context, piece int, f *Figures) error {
	before, err := t.lastSequence(ctx)
	if err != nil {
		return err
	}
	outages := t.log.count()
	t.proxy.Hole(natstest.ServerToClient)
	t.say("the proxy swallows what the server says; line %d is published, with %v of patience", piece+1, ackPatience)
	sent, took, err := t.publishInVain(ctx, piece)
	if err != nil {
		return err
	}
	f.seconds("timeout", "timeout after", took)
	f.count("sent_before_timeout", "copy sent until then", sent)
	stored, err := t.lastSequence(ctx)
	if err != nil {
		return err
	}
	t.say("asked over the direct connection, the server has it as sequence %d; the client cannot know", stored)
	if sent != 1 || stored != before+1 {
		return fmt.Errorf("sent %d times and stored %d times before the timeout, want once", sent, stored-before)
	}

	if err := t.proxy.Heal(); err != nil {
		return err
	}
	if _, err := t.log.over(ctx, outages); err != nil {
		return err
	}
	ack, err := t.publish(ctx, piece)
	if err != nil {
		return fmt.Errorf("sent again: %w", err)
	}
	t.say("the link is healed, the line sent again with the same Nats-Msg-Id: sequence %d, duplicate %v", ack.Sequence, ack.Duplicate)
	if !ack.Duplicate || ack.Sequence != stored {
		return fmt.Errorf("sent again: sequence %d, duplicate %v, want %d, true", ack.Sequence, ack.Duplicate, stored)
	}
	f.count("answered_as_duplicate", "answered as duplicate", 1)
	return nil
}

// publishInVain returns how often the line left, and after what time the client was told.
func (t *tour) publishInVain(ctx context.Context, piece int) (sent int, took time.Duration, err error) {
	short, cancel := context.WithTimeout(ctx, ackPatience)
	defer cancel()
	out, began := t.link.Stats().OutMsgs, time.Now()
	ack, err := t.js.Publish(short, t.subject(), t.pieces[piece], jetstream.WithMsgID(t.id(piece)))
	sent, took = int(t.link.Stats().OutMsgs-out), time.Since(began)
	switch {
	case ctx.Err() != nil:
		return 0, 0, ctx.Err()
	case err == nil:
		return 0, 0, fmt.Errorf("an ack came through the hole: %+v", ack)
	case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout):
		return 0, 0, fmt.Errorf("without an ack: %w, want a timeout", err)
	}
	t.say("after %s: %v; not sent again by itself", inSeconds(took), err)
	return sent, took, nil
}
