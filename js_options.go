package nats

import (
	"context"
	"fmt"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/subject"
)

// Options of the JetStream calls. One value may be an option of several kinds of call: [Context] of all of them.
type (
	// JSOpt is an option of [Conn.JetStream] and of calls of [JetStreamManager].
	JSOpt interface{ configureJSContext(*jsOpts) error }
	// PubOpt is an option of a publish to a stream.
	PubOpt interface{ configurePublish(*pubOpts) error }
	// SubOpt is an option of a subscription to a stream.
	SubOpt interface{ configureSubscribe(*subOpts) error }
	// PullOpt is an option of a fetch.
	PullOpt interface{ configurePull(*pullOpts) error }
	// AckOpt is an option of an acknowledgement.
	AckOpt interface{ configureAck(*ackOpts) error }
)

type (
	jsOpts struct {
		ctx           context.Context // nil: none given
		wait          time.Duration   // 0: none given
		prefix        string          // of the API, as the user gave it
		trace         ClientTrace
		listFilter    string
		direct        bool
		directNext    string
		legacyDurable bool
		info          StreamInfoRequest
		purge         StreamPurgeRequest

		asyncMax     int           // 0: the default
		asyncTimeout time.Duration // 0: the default; negative: none
		asyncFailed  MsgErrHandler // nil: none
	}
	ackOpts struct {
		ctx  context.Context
		wait time.Duration
	}
)

// jsOptFn is a JSOpt that is nothing else.
type jsOptFn func(*jsOpts) error

func (f jsOptFn) configureJSContext(o *jsOpts) error { return f(o) }

// ContextOpt is a context as an option; [Context] makes it.
type ContextOpt struct{ context.Context }

// Context bounds a call by ctx. Without a deadline the default timeout of the JetStream context applies too, but not to a publish, which then
// waits as long as it takes. A subscription is unsubscribed when ctx ends. A nil ctx makes the call fail with [ErrInvalidContext], and a
// timeout beside it with [ErrContextAndTimeout].
func Context(ctx context.Context) ContextOpt { return ContextOpt{ctx} }

func (c ContextOpt) set(ctx *context.Context) error {
	if c.Context == nil {
		return ErrInvalidContext
	}
	*ctx = c.Context
	return nil
}

func (c ContextOpt) configureJSContext(o *jsOpts) error  { return c.set(&o.ctx) }
func (c ContextOpt) configurePublish(o *pubOpts) error   { return c.set(&o.ctx) }
func (c ContextOpt) configureSubscribe(o *subOpts) error { return c.set(&o.ctx) }
func (c ContextOpt) configurePull(o *pullOpts) error     { return c.set(&o.ctx) }
func (c ContextOpt) configureAck(o *ackOpts) error       { return c.set(&o.ctx) }

// MaxWait is the longest that a request to the JetStream API, or a fetch, may take: 5 seconds unless set, and when it is 0.
// A negative one is [ErrInvalidArg], or [ErrTimeout] for a fetch.
type MaxWait time.Duration

func (w MaxWait) set(d *time.Duration) error {
	if w < 0 {
		return fmt.Errorf("%w: MaxWait of %v", ErrInvalidArg, time.Duration(w))
	}
	*d = time.Duration(w)
	return nil
}

func (w MaxWait) configureJSContext(o *jsOpts) error { return w.set(&o.wait) }

// A program that computes what is left of its time may come to less than nothing: then the fetch is over at once.
func (w MaxWait) configurePull(o *pullOpts) error {
	o.wait = time.Duration(w)
	return nil
}

// AckWait is, of a publish, how long to wait for the stream's answer: 5 seconds, or MaxWait of [Conn.JetStream], unless set. Of an
// acknowledgement it is how long to wait for the server's confirmation, which [Msg.Ack] and its siblings otherwise do not ask for. Of a
// subscription it is how long the server waits for an ack before it delivers again: 30 seconds unless set. 0 has no effect, and a negative one is
// [ErrInvalidArg].
type AckWait time.Duration

func (w AckWait) configurePublish(o *pubOpts) error {
	o.wait = time.Duration(w)
	return nil
}

func (w AckWait) configureSubscribe(o *subOpts) error {
	if w < 0 {
		return fmt.Errorf("%w: AckWait of %v", ErrInvalidArg, time.Duration(w))
	}
	o.cfg.AckWait = time.Duration(w)
	return nil
}

func (w AckWait) configureAck(o *ackOpts) error {
	o.wait = time.Duration(w)
	return nil
}

// Domain uses the JetStream API of another domain. An empty one changes nothing; one that cannot be part of a subject is [ErrInvalidArg].
func Domain(domain string) JSOpt {
	if domain == "" {
		return APIPrefix("")
	}
	return APIPrefix(wire.DomainPrefix(domain))
}

// APIPrefix uses a JetStream API that is imported under another prefix; the final dot may be missing. An empty one changes
// nothing. One that cannot begin a subject is [ErrInvalidArg].
func APIPrefix(pre string) JSOpt {
	return jsOptFn(func(o *jsOpts) error {
		if pre == "" {
			return nil
		}
		full := wire.Prefix("", pre)
		if bare := full[:len(full)-1]; !subject.ValidSubscribe(bare) || subject.Wildcard(bare) {
			return fmt.Errorf("%w: API prefix %q", ErrInvalidArg, pre)
		}
		o.prefix = full
		return nil
	})
}

// UseLegacyDurableConsumers creates durable consumers in the manner of servers before 2.9.
func UseLegacyDurableConsumers() JSOpt {
	return jsOptFn(func(o *jsOpts) error {
		o.legacyDurable = true
		return nil
	})
}

// StreamListFilter lists only streams whose subjects overlap subject.
func StreamListFilter(subject string) JSOpt {
	return jsOptFn(func(o *jsOpts) error {
		o.listFilter = subject
		return nil
	})
}

// DirectGet makes GetMsg and GetLastMsg ask any replica or mirror instead of the leader. The stream must have AllowDirect,
// else the call fails with [ErrNoResponders].
func DirectGet() JSOpt {
	return jsOptFn(func(o *jsOpts) error {
		o.direct = true
		return nil
	})
}

// DirectGetNext is [DirectGet], and makes GetMsg return the first message at or after the sequence whose subject matches.
func DirectGetNext(subject string) JSOpt {
	return jsOptFn(func(o *jsOpts) error {
		o.direct, o.directNext = true, subject
		return nil
	})
}

// ClientTrace is called for every request to the JetStream API, on the goroutine that makes it. Functions may be nil.
type ClientTrace struct {
	// RequestSent is called before a request is sent. payload must not be changed or kept.
	RequestSent func(subj string, payload []byte)
	// ResponseReceived is called with the subject of the request when its answer came. payload must not be changed or kept.
	ResponseReceived func(subj string, payload []byte, hdr Header)
}

func (t ClientTrace) configureJSContext(o *jsOpts) error {
	o.trace = t
	return nil
}

func (r StreamInfoRequest) configureJSContext(o *jsOpts) error {
	o.info = r
	return nil
}

func (r StreamPurgeRequest) configureJSContext(o *jsOpts) error {
	o.purge = r
	return nil
}

// jsHeader decodes a header block; an empty one is a nil Header.
func jsHeader(block []byte) (Header, error) {
	if len(block) == 0 {
		return nil, nil
	}
	return proto.ParseHeader(block)
}
