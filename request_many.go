package nats

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/mono"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/subject"
)

// DefaultRequestManyTimeout bounds [Conn.RequestMany] where neither the context nor [RequestManyTimeout] does.
const DefaultRequestManyTimeout = 5 * time.Second

// RequestManyOpt refines [Conn.RequestMany]. Nil options are skipped.
type RequestManyOpt func(*requestMany) error

// requestMany is what the options say. Zero values mean that there is no such condition.
type requestMany struct {
	timeout time.Duration
	stall   time.Duration
	most    int
	last    func(*Msg) bool
}

// RequestManyTimeout bounds the waiting for answers in all; what the program does with them does not count. Without it the context's deadline
// rules alone, and without that it is [DefaultRequestManyTimeout]. 0 or less is [ErrInvalidArg].
func RequestManyTimeout(d time.Duration) RequestManyOpt {
	return func(o *requestMany) error {
		o.timeout = d
		return positive(d > 0, "RequestManyTimeout", d)
	}
}

// RequestManyStall ends the request when no further answer has come for d. The first one has the whole timeout. A stall that is not
// shorter than that has no effect. 0 or less is [ErrInvalidArg]. By default there is none.
func RequestManyStall(d time.Duration) RequestManyOpt {
	return func(o *requestMany) error {
		o.stall = d
		return positive(d > 0, "RequestManyStall", d)
	}
}

// RequestManyMax ends the request with the n-th answer. 0 or less is [ErrInvalidArg]. By default there is no limit.
func RequestManyMax(n int) RequestManyOpt {
	return func(o *requestMany) error {
		o.most = n
		return positive(n > 0, "RequestManyMax", n)
	}
}

// RequestManyUntil ends the request with the message for which last returns true, the sentinel, which is not an answer itself. nil stands for
// the standard sentinel, a message with an empty payload. By default there is none.
func RequestManyUntil(last func(*Msg) bool) RequestManyOpt {
	return func(o *requestMany) error {
		if o.last = last; last == nil {
			o.last = func(m *Msg) bool { return len(m.Data) == 0 }
		}
		return nil
	}
}

func positive(ok bool, name string, v any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%w: %s %v", ErrInvalidArg, name, v)
}

// RequestMany publishes data and iterates over all answers: the request-many pattern of ADR-47. It ends with the timeout, or earlier as the options say,
// and when the loop is left, when ctx ends, or by an error; nothing is left behind then. Each loop over the result makes a request of
// its own.
//
//	for m, err := range nc.RequestMany(ctx, "who.is.there", nil, nats.RequestManyStall(100*time.Millisecond)) {
//
// An error comes as the last value, with a nil message: [ErrNoResponders] when nobody listens; [ErrTimeout], or the context's error, when not a
// single answer has come in time (with some it is the normal end); the context's error when it was cancelled; a [*RequestError] when the link is
// lost that the request went to, or the server denies it; [ErrSlowConsumer] when answers were dropped because more of them wait than a
// synchronous subscription may hold (see [SyncQueueLen]); [ErrInvalidContext], and those of [Conn.Publish] and of the options, when nothing was
// sent. While reconnecting the request waits for the link.
func (nc *Conn) RequestMany(ctx context.Context, subj string, data []byte, opts ...RequestManyOpt) iter.Seq2[*Msg, error] {
	return nc.RequestManyMsg(ctx, &Msg{Subject: subj, Data: data}, opts...)
}

// RequestManyMsg is [Conn.RequestMany] for a message with a header. Its reply subject is not used, and nothing of it is changed. Errors
// beside those: [ErrInvalidMsg] for nil, [ErrBadHeaderMsg], [ErrHeadersNotSupported].
func (nc *Conn) RequestManyMsg(ctx context.Context, msg *Msg, opts ...RequestManyOpt) iter.Seq2[*Msg, error] {
	return func(yield func(*Msg, error) bool) {
		o, err := nc.manyOptions(ctx, msg, opts)
		if err == nil {
			err = nc.requestMany(ctx, msg, o, yield)
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func (nc *Conn) manyOptions(ctx context.Context, msg *Msg, opts []RequestManyOpt) (o requestMany, err error) {
	switch {
	case nc.engine() == nil:
		return o, ErrInvalidConnection
	case ctx == nil:
		return o, ErrInvalidContext
	case msg == nil:
		return o, ErrInvalidMsg
	case !subject.ValidPublish(msg.Subject):
		return o, ErrBadSubject
	}
	for _, set := range opts {
		if set == nil {
			continue
		}
		if err := set(&o); err != nil {
			return o, err
		}
	}
	if _, bounded := ctx.Deadline(); o.timeout == 0 {
		if o.timeout = DefaultRequestManyTimeout; bounded {
			o.timeout = forever
		}
	}
	return o, ctx.Err()
}

// requestMany returns what the last value is to be, nil if there is none: also when the loop has been left.
func (nc *Conn) requestMany(ctx context.Context, msg *Msg, o requestMany, yield func(*Msg, error) bool) error {
	a := &manyAsker{subject: msg.Subject, over: make(chan struct{})}
	a.end = sync.OnceFunc(func() { close(a.over) })
	s, token, err := nc.askMany(msg, &o, a)
	if err != nil {
		return err
	}
	defer func() {
		nc.eng.Forget(token)
		_ = s.Unsubscribe() // it is over already after the last of a number
	}()
	stop := context.AfterFunc(ctx, a.end)
	defer stop()
	left := o.timeout
	for n := 0; ; n++ {
		began := mono.Now()
		m, err := s.await(o.patience(n, left), a.over)
		if err != nil {
			return nc.manyEnded(ctx, a, err, n)
		}
		if left != forever {
			left = max(left-mono.Now().Sub(began), 0)
		}
		if o.last != nil && o.last(m) || !yield(m, nil) || n+1 == o.most {
			return nil
		}
	}
}

// patience is how long to wait behind n answers, with so much time left. What has arrived is always taken.
func (o *requestMany) patience(n int, left time.Duration) time.Duration {
	if n > 0 && o.stall > 0 {
		return min(o.stall, left)
	}
	return left
}

// serverCounts is the largest number of answers that the server is told to count: it spares the last UNSUB, no more, and numbers of many
// digits are none to nats-server 2.15.
const serverCounts = 1 << 20

// askMany subscribes and publishes.
func (nc *Conn) askMany(msg *Msg, o *requestMany, a *manyAsker) (*Subscription, engine.Token, error) {
	var buf [engine.HeaderRoom]byte
	var hdr []byte
	if len(msg.Header) > 0 {
		var err error
		if hdr, err = nc.eng.AppendHeader(buf[:0], msg.Header); err != nil {
			return nil, 0, err
		}
	}
	s, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return nil, 0, err
	}
	if o.most > 0 && o.most <= serverCounts {
		err = s.AutoUnsubscribe(o.most)
	}
	var token engine.Token
	if err == nil {
		token, err = nc.eng.Ask(msg.Subject, hdr, msg.Data, a, mono.Never, engine.AskOpts{Track: &a.track, Inbox: s.Subject})
	}
	if err != nil {
		_ = s.Unsubscribe()
		return nil, 0, requestError(msg.Subject, err)
	}
	return s, token, nil
}

// manyEnded says how a request has ended whose n answers were followed by err.
func (nc *Conn) manyEnded(ctx context.Context, a *manyAsker, err error, n int) error {
	switch {
	case err == errDone:
		if err = a.failure(); err == nil {
			err = ctx.Err()
		}
	case err == ErrMaxMessages, err == ErrTimeout && n > 0:
		return nil
	}
	if n > 0 && errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	if err == ErrTimeout || errors.Is(err, context.DeadlineExceeded) {
		nc.eng.Doubt()
	}
	return err
}

// manyAsker learns that no further answer will come.
type manyAsker struct {
	subject string
	track   engine.Tracked
	over    chan struct{}
	end     func() // closes over, once

	mu  sync.Mutex
	err error
}

// Reply is never called: answers come to a subscription.
func (a *manyAsker) Reply(*proto.Frame) {}

// Fail is called by the engine.
func (a *manyAsker) Fail(err error) {
	a.fail(requestError(a.subject, err))
	a.end()
}

func (a *manyAsker) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

func (a *manyAsker) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}
