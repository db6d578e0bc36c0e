package jetstream

import (
	"context"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/subject"
)

// Publisher publishes messages to streams.
//
// A message is tried again when no stream answers, see [WithRetryAttempts]: nothing was stored then. It is never sent again
// because an ack is late. After a publish that ended with the context's error, [ErrAsyncPublishTimeout] or nats.ErrDisconnected the message
// may be stored or not; with [WithMsgID] it can be published once more without being stored twice.
//
// All methods refuse, and send nothing: a nil message with nats.ErrInvalidMsg, a subject that is empty or has white space with
// nats.ErrBadSubject, a header key that is none with nats.ErrBadHeaderMsg, what exceeds the server's limit with nats.ErrMaxPayload,
// and bad options with [ErrInvalidOption]. Other errors of the connection come out as they are: nats.ErrConnectionClosed,
// nats.ErrReconnectBufExceeded and so on. The server's refusal is an [*APIError].
type Publisher interface {
	// Publish publishes payload on subject and waits for the stream's ack. A context without a deadline is given 5 seconds, or what
	// [WithDefaultTimeout] says; attempts and the waits between them count. Errors beside those above: the context's,
	// nats.ErrInvalidContext when ctx is nil, [ErrNoStreamResponse] when no stream answered any attempt, [ErrInvalidJSAck] when
	// something else than a stream did.
	Publish(ctx context.Context, subject string, payload []byte, opts ...PublishOpt) (*PubAck, error)

	// PublishMsg is Publish for a message with headers. Options write their headers into msg. Its reply subject is not used.
	PublishMsg(ctx context.Context, msg *nats.Msg, opts ...PublishOpt) (*PubAck, error)

	// PublishAsync publishes payload on subject and returns a future for the ack. payload must not be changed before the future
	// has ended. While [WithPublishAsyncMaxPending] futures are pending it waits for room, up to [WithStallWait]; then it returns
	// [ErrTooManyStalledMsgs]. While the connection's own buffer is full, because the link takes nothing, it waits as nats.Conn.Publish does, up to
	// nats.FlusherTimeout, or until the end of a WithStallWait that was given. Any error means that there is no future and nothing was published.
	PublishAsync(subject string, payload []byte, opts ...PublishOpt) (PubAckFuture, error)

	// PublishMsgAsync is PublishAsync for a message with headers. Options write their headers into msg, which must not be
	// changed before the future has ended. [ErrAsyncPublishReplySubjectSet] when it has a reply subject.
	PublishMsgAsync(msg *nats.Msg, opts ...PublishOpt) (PubAckFuture, error)

	// PublishAsyncPending is the number of futures that have not ended.
	PublishAsyncPending() int

	// PublishAsyncComplete returns a channel that is closed when no future is pending and the handlers of those that ended have
	// returned; at once when that is so now.
	PublishAsyncComplete() <-chan struct{}

	// CleanupPublisher ends all pending futures with [ErrJetStreamPublisherClosed]. Their messages may be stored or not. The
	// JetStream can be used again.
	CleanupPublisher()
}

// PubAck is the stream's answer to a publish: the message is stored.
type PubAck struct {
	// Stream that stored the message.
	Stream string `json:"stream"`
	// Sequence of the message in the stream.
	Sequence uint64 `json:"seq"`
	// Duplicate: the stream had a message with this id already, at Sequence, and has not stored this one.
	Duplicate bool `json:"duplicate,omitempty"`
	// Domain of the stream, if the server names it.
	Domain string `json:"domain,omitempty"`
	// Value of the subject's counter after the publish, in a stream of counters.
	Value string `json:"val,omitempty"`
}

func (js *jetStream) Publish(ctx context.Context, subj string, payload []byte, opts ...PublishOpt) (*PubAck, error) {
	o, err := newPubOpts(opts)
	if err != nil {
		return nil, err
	}
	defer o.free()
	return js.publish(ctx, subj, o.block(), payload, o, o.values[pubMsgID] != "")
}

func (js *jetStream) PublishMsg(ctx context.Context, msg *nats.Msg, opts ...PublishOpt) (*PubAck, error) {
	o, block, err := js.prepare(msg, opts)
	if err != nil {
		return nil, err
	}
	return js.publish(ctx, msg.Subject, block, msg.Data, o, msg.Header.Get(MsgIDHeader) != "")
}

// duplicateWindow is the time for which streams recognise message ids, unless they are configured otherwise.
const duplicateWindow = 2 * time.Minute

// publish publishes and waits. known says that the message has an id.
func (js *jetStream) publish(ctx context.Context, subj string, block, payload []byte, o *pubOpts, known bool) (*PubAck, error) {
	switch {
	case ctx == nil:
		return nil, errNilContext
	case o.stall > 0:
		return nil, fmt.Errorf("%w: stall wait cannot be set to sync publish", ErrInvalidOption)
	case !subject.ValidPublish(subj):
		return nil, nats.ErrBadSubject
	}
	spec := run.SyncSpec{Subject: subj, Header: block, Data: payload, Retry: o.retry}
	spec.Budget, _ = js.budget(ctx)
	end, bounded := ctx.Deadline()
	// A stream that has forgotten the id would store a second copy.
	spec.Retry.Repeat = known && (!bounded && spec.Budget <= duplicateWindow || bounded && time.Until(end) <= duplicateWindow)
	ack, code, refused, err := js.pub.Publish(ctx, spec)
	if code == wire.OK && err == nil {
		return (*PubAck)(&ack), nil
	}
	return nil, failed(opPublish, code, refused, err)
}

func (js *jetStream) PublishAsync(subj string, payload []byte, opts ...PublishOpt) (PubAckFuture, error) {
	o, err := newPubOpts(opts)
	if err != nil {
		return nil, err
	}
	defer o.free()
	return js.publishAsync(new(future), subj, o.block(), payload, o)
}

func (js *jetStream) PublishMsgAsync(msg *nats.Msg, opts ...PublishOpt) (PubAckFuture, error) {
	if msg != nil && msg.Reply != "" {
		return nil, ErrAsyncPublishReplySubjectSet
	}
	o, block, err := js.prepare(msg, opts)
	if err != nil {
		return nil, err
	}
	f := new(future)
	f.msg.Store(msg)
	return js.publishAsync(f, msg.Subject, block, msg.Data, o)
}

func (js *jetStream) publishAsync(f *future, subj string, block, data []byte, o *pubOpts) (PubAckFuture, error) {
	if !subject.ValidPublish(subj) {
		return nil, nats.ErrBadSubject
	}
	spec := run.AsyncSpec{Subject: subj, Header: block, Data: data, Retry: o.retry, Stall: o.stall}
	switch err := js.pub.PublishAsync(&spec, f); err {
	case nil:
		return f, nil
	case run.ErrStalled:
		return nil, ErrTooManyStalledMsgs
	default:
		return nil, err
	}
}

func (js *jetStream) PublishAsyncPending() int              { return js.pub.Pending() }
func (js *jetStream) PublishAsyncComplete() <-chan struct{} { return js.pub.Complete() }
func (js *jetStream) CleanupPublisher()                     { js.pub.Close() }

// prepare checks a message, writes the options' headers into its own, and encodes them.
func (js *jetStream) prepare(msg *nats.Msg, opts []PublishOpt) (o *pubOpts, block []byte, err error) {
	if msg == nil {
		return nil, nil, nats.ErrInvalidMsg
	}
	if o, err = newPubOpts(opts); err != nil {
		return nil, nil, err
	}
	if o.headers() {
		if msg.Header == nil {
			msg.Header = make(nats.Header)
		}
		o.write(msg.Header)
	}
	block, err = js.eng.EncodeHeader(msg.Header)
	return o, block, err
}

// block is the header block of the options alone, without the detour of a map.
func (o *pubOpts) block() []byte {
	if !o.headers() {
		return nil
	}
	var few [8]string
	pairs, size := few[:0], len("NATS/1.0\r\n\r\n")
	for i := range o.values {
		if value := o.values[i]; value != "" {
			pairs = append(pairs, pubHeaderNames[i], value)
			size += len(pubHeaderNames[i]) + len(": \r\n") + len(value)
		}
	}
	return proto.AppendPairs(make([]byte, 0, size), pairs...)
}

// publisherOptions are the settings of a JetStream's asynchronous publishes.
type publisherOptions struct {
	maxPending int           // 0: the default
	timeout    time.Duration // 0: the default; negative: none
	onAck      MsgAckHandler
	onErr      MsgErrHandler
}

// async returns the settings of asynchronous publishes, to read or to change.
func (o *JetStreamOptions) async() *publisherOptions {
	if o.publisher == nil {
		o.publisher = new(publisherOptions)
	}
	return o.publisher
}

// newPublisher makes the publisher of js.
func (js *jetStream) newPublisher() *run.Publisher {
	o := js.opts.async()
	cfg := run.PublisherConfig{Conn: js.eng, MaxPending: o.maxPending, AckTimeout: o.timeout}
	if cfg.MaxPending == 0 {
		cfg.MaxPending = run.DefaultMaxPending
	}
	if cfg.AckTimeout == 0 {
		cfg.AckTimeout = run.DefaultAckTimeout
	}
	if o.onAck != nil {
		cfg.OnAck = func(r run.Result) {
			f := r.(*future)
			ack, _, _ := f.end.Outcome(publicAck)
			o.onAck(js, f.Msg(), ack)
		}
	}
	if o.onErr != nil {
		cfg.OnError = func(r run.Result) {
			f := r.(*future)
			_, err, _ := f.end.Outcome(publicAck)
			o.onErr(js, f.Msg(), err)
		}
	}
	return run.NewPublisher(cfg)
}
