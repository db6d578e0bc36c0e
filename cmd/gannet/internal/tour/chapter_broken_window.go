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
	windowLatency = 25 * time.Millisecond // each way, so that publishes are on their way when the link breaks
	downTime      = 600 * time.Millisecond
	stallLimit    = 20 * time.Second // a publish waits for room in the window
	futureLimit   = 20 * time.Second // after which an unresolved future counts as forgotten
	maxRounds     = 5
)

// round is what became of one pass over lines that were not known to be stored, or of several.
type round struct {
	acked, duplicates int
	disconnected      int // futures that failed with ErrDisconnected
	refused           int // failed in the call already
	other, unresolved int
	republished       int

	again   []int // disconnected and refused pieces
	failure error // the last one that is not ErrDisconnected
}

// brokenWindow publishes its share through a window, breaks the link in the middle, and publishes again what failed.
func brokenWindow(ctx context.Context, t *tour) (f Figures, err error) {
	_, _, share := shares(len(t.pieces))
	window := windowFor(share)
	js, err := jetstream.New(t.link, jetstream.WithPublishAsyncMaxPending(window))
	if err != nil {
		return f, err
	}
	outages := t.log.count()
	t.proxy.Delay(windowLatency, 0)
	t.say("%s go out through a window of %d, over a link of %v latency", some(share.len(), "line"), window, windowLatency)

	heal := make(chan error, 1)
	inFlight, broken := 0, false
	waitAt, breakAt := breakingPoint(share, window)
	first, err := t.publishRound(ctx, js, share.pieces(), func(piece int) error {
		switch piece {
		case waitAt:
			return pause(ctx, windowLatency*6/5)
		case breakAt:
			err := pause(ctx, windowLatency/3)
			inFlight, broken = t.breakLink(js, piece, heal), true
			return err
		}
		return nil
	})
	if broken {
		err = errors.Join(err, <-heal)
	}
	if err != nil {
		return f, err
	}
	offline, err := t.log.over(ctx, outages)
	if err != nil {
		return f, err
	}
	t.say("the link was away for %s; %s acked, %d of them as duplicates, %d failed with ErrDisconnected, %d unresolved; %d refused in the call",
		inSeconds(offline), some(first.acked, "future"), first.duplicates, first.disconnected, first.unresolved, first.refused)

	total, err := t.publishAgain(ctx, js, first)
	if err != nil {
		return f, err
	}
	f.count("lines", "lines", share.len())
	f.count("in_flight", "in flight at the break", inFlight)
	f.seconds("offline", "offline", offline)
	total.tell(&f)
	return f, t.judgeWindow(ctx, total, share, inFlight)
}

// publishAgain repeats what failed until nothing does.
func (t *tour) publishAgain(ctx context.Context, js jetstream.JetStream, total round) (round, error) {
	for n := 1; len(total.again) > 0 && n < maxRounds; n++ {
		t.say("published again with the same message id: %s", some(len(total.again), "line"))
		next, err := t.publishRound(ctx, js, total.again, func(int) error { return nil })
		if err != nil {
			return total, err
		}
		total.republished += len(total.again)
		total.add(next)
		t.say("%d acked, %d of them as duplicates", next.acked, next.duplicates)
	}
	return total, nil
}

func (r *round) tell(f *Figures) {
	f.count("acked", "acked", r.acked)
	f.count("failed_disconnected", "failed with ErrDisconnected", r.disconnected)
	f.count("refused", "refused in the call", r.refused)
	f.count("republished", "published again", r.republished)
	f.count("duplicates", "answered as duplicates", r.duplicates)
	f.count("unresolved", "unresolved", r.unresolved)
}

// windowFor is a quarter of the share, within reason.
func windowFor(share span) int { return min(max(share.len()/4, 4), 1024) }

// breakingPoint returns the piece behind which publishing pauses, until what is on its way has reached the server, and the one
// behind which the link breaks, shortly after that one has left. In between a quarter of the window goes out. So the break hits acks
// on their way back, whose lines are stored, as well as lines that the server never sees.
func breakingPoint(share span, window int) (waitAt, breakAt int) {
	windows := share.len() / window / 2
	waitAt = share.from + windows*window + window/2 - 1
	return waitAt, waitAt + max(window/4, 1)
}

func (r *round) add(next round) {
	r.acked += next.acked
	r.duplicates += next.duplicates
	r.disconnected += next.disconnected
	r.refused += next.refused
	r.other += next.other
	r.unresolved += next.unresolved
	r.again, r.failure = next.again, errors.Join(r.failure, next.failure)
}

func (t *tour) judgeWindow(ctx context.Context, total round, share span, inFlight int) error {
	last, err := t.lastSequence(ctx)
	switch {
	case err != nil:
		return err
	case total.other > 0:
		return fmt.Errorf("%d futures failed otherwise: %w", total.other, total.failure)
	case total.unresolved > 0 || len(total.again) > 0 || total.acked != share.len():
		return errors.Join(fmt.Errorf("%d of %d lines acked", total.acked, share.len()), total.failure)
	case inFlight == 0:
		return errors.New("nothing was in flight when the link broke")
	case int(last) != share.to:
		return fmt.Errorf("%d lines published so far, %d stored", share.to, last)
	}
	return nil
}

// breakLink resets the connection and keeps it away for a while. It returns how many publishes had no ack yet. The end of the fault, or its
// error, goes to healed.
func (t *tour) breakLink(js jetstream.JetStream, piece int, healed chan<- error) int {
	inFlight := js.PublishAsyncPending()
	t.proxy.Refuse()
	t.proxy.Cut()
	t.say("behind line %d the link breaks, %d acks outstanding; nobody gets in for %v", piece+1, inFlight, downTime)
	time.AfterFunc(downTime, func() {
		t.say("the link may come back")
		healed <- t.proxy.Heal()
	})
	return inFlight
}

// publishRound publishes the pieces and waits for all futures. after is called behind each publish.
func (t *tour) publishRound(ctx context.Context, js jetstream.JetStream, pieces []int, after func(piece int) error) (r round, err error) {
	futures := make([]jetstream.PubAckFuture, 0, len(pieces))
	asked := make([]int, 0, len(pieces)) // the pieces of the futures
	for i, piece := range pieces {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		future, err := js.PublishAsync(t.subject(), t.pieces[piece], jetstream.WithMsgID(t.id(piece)), jetstream.WithStallWait(stallLimit))
		if err == nil {
			futures, asked = append(futures, future), append(asked, piece)
		} else {
			r.refused, r.failure, r.again = r.refused+1, err, append(r.again, piece)
		}
		if err := after(piece); err != nil {
			return r, err
		}
		t.report.Progress("lines", i+1, len(pieces))
	}
	return r, r.await(ctx, futures, asked)
}

// await adds what became of the futures of the pieces.
func (r *round) await(ctx context.Context, futures []jetstream.PubAckFuture, pieces []int) error {
	patience := time.NewTimer(futureLimit)
	defer patience.Stop()
	for i, future := range futures {
		select {
		case ack := <-future.Ok():
			r.acked++
			if ack.Duplicate {
				r.duplicates++
			}
		case err := <-future.Err():
			r.fail(pieces[i], err)
		case <-patience.C:
			r.unresolved = len(futures) - i
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fail takes an error other than a lost connection as final.
func (r *round) fail(piece int, err error) {
	if errors.Is(err, nats.ErrDisconnected) {
		r.disconnected++
		r.again = append(r.again, piece)
		return
	}
	r.other++
	r.failure = err
}
