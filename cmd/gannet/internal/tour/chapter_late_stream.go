package tour

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
)

const (
	streamDelay   = 2 * time.Second
	retryWait     = 100 * time.Millisecond
	retryAttempts = 100
	publishLimit  = 20 * time.Second // of one publish with its retries
)

// lateStream uses the older API, whose options for retries are the ones that most programs know.
func lateStream(ctx context.Context, t *tour) (f Figures, err error) {
	js, err := t.link.JetStream()
	if err != nil {
		return f, err
	}
	share, _, _ := shares(len(t.pieces))
	if err := t.publishIntoNothing(js, share.from, &f); err != nil {
		return f, err
	}
	t.say("the same with RetryAttempts(%d), RetryWait(%v); the stream will be created in %v", retryAttempts, retryWait, streamDelay)
	if err := t.publishEarly(ctx, js, share, &f); err != nil {
		return f, err
	}
	last, err := t.lastSequence(ctx)
	if err != nil {
		return f, err
	}
	stored := int(last)
	f.count("lines", "lines published", share.len())
	f.count("stored", "stored", stored)
	f.count("lost", "lost", share.len()-stored)
	t.say("lines 1 to %s published", thousands(share.to))
	if stored != share.len() {
		return f, fmt.Errorf("%d lines published, %d stored", share.len(), stored)
	}
	return f, nil
}

func (t *tour) publishIntoNothing(js nats.JetStreamContext, piece int, f *Figures) error {
	began := time.Now()
	_, err := js.Publish(t.subject(), t.pieces[piece], nats.MsgId(t.id(piece)), nats.RetryAttempts(0))
	took := time.Since(began)
	if !errors.Is(err, nats.ErrNoStreamResponse) {
		return fmt.Errorf("without a stream and without retries: got %v, want %v", err, nats.ErrNoStreamResponse)
	}
	t.say("without retries, after %s: %v", inSeconds(took), err)
	f.seconds("told_without_stream", "told without a stream after", took)
	return nil
}

// publishEarly publishes while somebody else creates the stream.
func (t *tour) publishEarly(ctx context.Context, js nats.JetStreamContext, share span, f *Figures) error {
	ctx, cancel := context.WithCancelCause(ctx)
	created := make(chan struct{})
	go func() {
		defer close(created)
		if err := t.createLate(ctx); err != nil {
			cancel(err) // no use to go on trying
		}
	}()
	defer func() {
		cancel(nil)
		<-created
	}()
	before := t.link.Stats().OutMsgs
	for i := share.from; i < share.to; i++ {
		if err := t.publishPatiently(ctx, js, i); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		if i == share.from {
			attempts := int(t.link.Stats().OutMsgs - before)
			t.say("line 1 is stored, at attempt %d", attempts)
			f.number("attempts_of_first_line", "attempts of line 1", attempts)
		}
		t.report.Progress("lines", i+1-share.from, share.len())
	}
	return nil
}

func (t *tour) createLate(ctx context.Context) error {
	if err := pause(ctx, streamDelay); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if _, err := t.directJS.CreateStream(ctx, t.streamConfig()); err != nil {
		return fmt.Errorf("creating the stream: %w", err)
	}
	t.say("the stream is created")
	return nil
}

func (t *tour) publishPatiently(ctx context.Context, js nats.JetStreamContext, piece int) error {
	ctx, cancel := context.WithTimeout(ctx, publishLimit)
	defer cancel()
	_, err := js.Publish(t.subject(), t.pieces[piece],
		nats.MsgId(t.id(piece)), nats.RetryAttempts(retryAttempts), nats.RetryWait(retryWait), nats.Context(ctx))
	return err
}
