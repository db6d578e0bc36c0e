package run

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pubwin"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/natserr"
	"github.com/gannet-io/nats/internal/proto"
)

// SyncSpec is one message to publish and to wait for.
type SyncSpec struct {
	Subject      string
	Header, Data []byte // Header is an encoded block, or empty
	Retry        pubwin.Retry
	// Budget bounds the whole call: attempts and the waits between them. 0 or less: only the context does.
	Budget time.Duration
}

// verdict is how an attempt, or the whole publish, ended.
type verdict struct {
	ack     wire.PubAck
	code    wire.Code
	refused *wire.APIError
	err     error
}

// Publish publishes and waits for the ack. After "no responders" it tries again while s.Retry allows it; never because an ack is
// late. With s.Retry.Repeat it sends again when the link was lost, until the stream says whether it has the first copy, also when it is the first copy
// that makes the second one's expectations fail; otherwise the attempt waits for its time.
//
// The code is OK, with the ack; ServerRefused, with the API error; InvalidAck; NoResponders; Timeout: s.Budget is used
// up. With Canceled, err is the context's; with any other code it is the connection's, and to be told as it is.
func (p *Publisher) Publish(ctx context.Context, s SyncSpec) (wire.PubAck, wire.Code, *wire.APIError, error) {
	v := p.publish(ctx, &s)
	return v.ack, v.code, v.refused, v.err
}

func (p *Publisher) publish(ctx context.Context, s *SyncSpec) verdict {
	limit := limitOf(ctx, s.Budget)
	for repeated := false; ; {
		if ctx.Err() != nil {
			return verdict{code: wire.Canceled, err: ctx.Err()}
		}
		v := p.attempt(ctx, s, &limit)
		switch {
		case v.code == wire.Disconnected && s.Retry.Repeat:
			repeated = true // as soon as there is a link
		case repeated && inProcess(v.refused):
			if v, over := p.pause(ctx, inProcessPause, &limit); over {
				return v
			}
		case repeated && expectedElse(v.refused):
			return p.recognise(ctx, s, &limit, v)
		case repeated && v.code == wire.NoResponders: // who would know whether the first copy is stored is not there yet
			if v, over := p.pause(ctx, max(s.Retry.Wait, inProcessPause), &limit); over {
				return v
			}
		case v.code != wire.NoResponders || !s.Retry.Again():
			return v
		case s.Retry.Wait > 0:
			if v, over := p.pause(ctx, s.Retry.Wait, &limit); over {
				return v
			}
		}
		if limit.passed() {
			return limit.verdict()
		}
	}
}

// inProcessPause is the time before a message is sent once more whose first copy, from before the link was lost, the stream is about to store.
const inProcessPause = 20 * time.Millisecond

// inProcess reports that a stream has a message with this id already, and cannot say yet where.
func inProcess(refused *wire.APIError) bool {
	return refused != nil && refused.ErrCode == wire.ErrCodeDuplicateInProcess
}

// limit is when a sync publish is over, and what ends it.
type limit struct {
	at      mono.Time
	context bool // the context's deadline comes before the budget's
}

func limitOf(ctx context.Context, budget time.Duration) limit {
	l := limit{at: mono.Never}
	if budget > 0 {
		l.at = mono.Now().Add(budget)
	}
	if end, ok := ctx.Deadline(); ok {
		if at := mono.Now().Add(time.Until(end)); at < l.at {
			l = limit{at: at, context: true}
		}
	}
	return l
}

func (l *limit) passed() bool { return l.at <= mono.Now() }

func (l *limit) verdict() verdict {
	if l.context {
		// The context's own timer may be a moment behind.
		return verdict{code: wire.Canceled, err: context.DeadlineExceeded}
	}
	return verdict{code: wire.Timeout}
}

// attempt sends the message once and waits for the answer.
func (p *Publisher) attempt(ctx context.Context, s *SyncSpec, l *limit) verdict {
	w := p.idle.Get().(*syncWaiter)
	o := engine.AskOpts{Now: true, FailOnDisconnect: s.Retry.Repeat}
	t, err := p.link.Ask(s.Subject, s.Header, s.Data, w, l.at, o)
	if err == natserr.ReconnectBufExceeded {
		// The caller waits anyway, but it should wait for the ack, and only with all of the reserve used up for room.
		o.Now, o.Patient, o.Quit = false, true, ctx.Done()
		t, err = p.link.Ask(s.Subject, s.Header, s.Data, w, l.at, o)
	}
	switch {
	case err == nil:
	case err == natserr.Timeout && ctx.Err() != nil:
		p.idle.Put(w)
		return verdict{code: wire.Canceled, err: ctx.Err()}
	case err == natserr.Timeout && l.passed():
		p.idle.Put(w)
		return l.verdict()
	default:
		p.idle.Put(w)
		return verdict{code: codeOf(err), err: err}
	}
	select {
	case <-w.told:
	case <-ctx.Done():
		if v, over := p.abandon(ctx, w, t); over {
			return v
		}
	}
	v := w.take()
	p.idle.Put(w)
	if v.code == wire.Timeout {
		return l.verdict()
	}
	return v
}

// abandon gives up an attempt whose context has ended; over is false when its answer came in the same moment.
func (p *Publisher) abandon(ctx context.Context, w *syncWaiter, t engine.Token) (v verdict, over bool) {
	if p.link.Forget(t) {
		p.idle.Put(w)
		if ctx.Err() == context.DeadlineExceeded {
			p.link.Doubt()
		}
		return verdict{code: wire.Canceled, err: ctx.Err()}, true
	}
	<-w.told // somebody is telling it right now
	return verdict{}, false
}

// pause waits for the next attempt; over: something ended the publish meanwhile.
func (p *Publisher) pause(ctx context.Context, wait time.Duration, l *limit) (v verdict, over bool) {
	timer := time.NewTimer(min(wait, l.at.Sub(mono.Now())))
	defer timer.Stop()
	select {
	case <-timer.C:
		return verdict{}, false
	case <-ctx.Done():
		return verdict{code: wire.Canceled, err: ctx.Err()}, true
	case <-p.link.Done():
		return verdict{code: wire.ConnectionClosed, err: natserr.ConnectionClosed}, true
	}
}

// syncWaiter is one attempt. It goes back to the pool only when nobody can tell it anything any more.
type syncWaiter struct {
	pub  *Publisher
	told chan struct{} // one place
	v    verdict
}

// take empties w for the next user.
func (w *syncWaiter) take() verdict {
	v := w.v
	w.v = verdict{}
	return v
}

// Reply takes the answer, on the reader, which reads the ack: the caller's goroutine has only to wake.
func (w *syncWaiter) Reply(f *proto.Frame) {
	if len(f.Header) != 0 && noStream(f) {
		w.v.code = wire.NoResponders
	} else {
		w.v.ack, w.v.code, w.v.refused = w.pub.parse(f.Data)
	}
	w.told <- struct{}{}
}

// Fail says that no answer will come.
func (w *syncWaiter) Fail(err error) {
	if w.v.code = codeOf(err); w.v.code != wire.Timeout {
		w.v.err = err
	}
	w.told <- struct{}{}
}
