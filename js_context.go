package nats

import (
	"context"
	"errors"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

// JetStream publishes messages to streams, and subscribes to them.
//
// A publish is tried again when no stream answers, see [RetryAttempts]: nothing was stored then. It is never tried again because an ack is
// late. After a publish that ended with a timeout, the context's error or [ErrDisconnected] the message may be stored or not; with a [MsgId]
// it can be published once more without being stored twice.
//
// All publishes refuse, and send nothing: a nil message with [ErrInvalidMsg], a subject that is empty or has white space with
// [ErrBadSubject], a header key that is none with [ErrBadHeaderMsg], what exceeds the server's limit with [ErrMaxPayload], bad options with
// [ErrInvalidArg] or an error of the option. The stream's refusal is an [*APIError].
type JetStream interface {
	// Publish publishes data on subj and waits for the stream's ack: 5 seconds, what MaxWait of Conn.JetStream or AckWait among opts
	// says, or as long as a Context among opts lasts. Attempts, and the pauses between them, count. Errors beside those above: ErrTimeout,
	// the context's own, ErrNoStreamResponse when no stream answered any attempt, ErrInvalidJSAck when something else than a stream
	// did, ErrContextAndTimeout, ErrConnectionClosed.
	Publish(subj string, data []byte, opts ...PubOpt) (*PubAck, error)

	// PublishMsg is Publish for a message with headers. Options write their headers into m. Its reply subject is not used.
	PublishMsg(m *Msg, opts ...PubOpt) (*PubAck, error)

	// PublishAsync publishes data on subj and returns a future for the ack. data must not be changed before the future has ended.
	// While PublishAsyncMaxPending futures are pending it waits for room, up to StallWait; then it returns ErrTooManyStalledMsgs. While the connection's
	// own buffer is full, because the link takes nothing, it waits as Conn.Publish does, up to FlusherTimeout, or until the end of a StallWait that was given. Any
	// error means that there is no future and nothing was published. AckWait and Context are refused with ErrContextAndTimeout: see
	// PublishAsyncTimeout.
	PublishAsync(subj string, data []byte, opts ...PubOpt) (PubAckFuture, error)

	// PublishMsgAsync is PublishAsync for a message with headers. Options write their headers into m, which must not be changed before
	// the future has ended. A reply subject is an error.
	PublishMsgAsync(m *Msg, opts ...PubOpt) (PubAckFuture, error)

	// PublishAsyncPending is the number of futures that have not ended.
	PublishAsyncPending() int

	// PublishAsyncComplete returns a channel that is closed when no future is pending and the handlers of those that failed have
	// returned; at once when that is so now.
	PublishAsyncComplete() <-chan struct{}

	// CleanupPublisher ends all pending futures with ErrJetStreamPublisherClosed. Their messages may be stored or not. The context can
	// be used again.
	CleanupPublisher()

	// PullSubscribe returns a subscription for Fetch and FetchBatch. The stream is the one that stores subj, unless BindStream or Bind
	// name it. The consumer is durable with that name, or the one that Bind names: it is looked up first, and must deliver subj and
	// not contradict opts. One that does not exist, and one without a name, is created, and deleted again by Unsubscribe and when a
	// Drain is through; Close of the connection asks for that only if the consumer is ephemeral and InactiveThreshold is not among opts.
	// An existing consumer with the name of ConsumerName is changed to what opts say, and not deleted.
	//
	// Errors: ErrNoMatchingStream, ErrStreamNotFound, ErrConsumerNotFound with Bind, ErrSubjectMismatch, ErrPullSubscribeToPushConsumer, one
	// that names the setting in which the consumer differs, ErrJetStreamNotEnabled, ErrBadSubject, those of names, and those of the connection.
	PullSubscribe(subj, durable string, opts ...SubOpt) (*Subscription, error)

	// Subscribe has cb called for each message that a push consumer delivers, one after the other, and acknowledges it afterwards, unless
	// ManualAck or AckNone is among opts, or cb has done so.
	//
	// The stream is the one that stores subj, unless BindStream or Bind name it; then subj may be empty, for all messages or those of
	// ConsumerFilterSubjects. A consumer that Bind, Durable or ConsumerName name is looked up first: it must be a push consumer
	// that nobody is subscribed to, deliver subj and not contradict opts. One that does not exist, and one without a name, is created, and deleted
	// again by Unsubscribe and when a Drain is through; Close of the connection asks for that only if the consumer is ephemeral and
	// InactiveThreshold is not among opts. When a Context among opts is done, the subscription ends as by Unsubscribe.
	//
	// With IdleHeartbeat the error handler gets ErrConsumerNotActive when two of them are missing, and again after two more, and
	// *ErrConsumerSequenceMismatch when messages are missing. Without it nobody notices that a push consumer is gone.
	//
	// With OrderedConsumer each message comes once and in order, whatever becomes of consumers, servers and links: the subscription makes a
	// consumer without acks, with heartbeats (5 s) and flow control, and another one behind the last message whenever it is in
	// doubt. A message for which there is no room comes again. It ends when the stream is gone, which the error handler is told.
	//
	// Errors: ErrNoMatchingStream, ErrStreamNotFound, ErrConsumerNotFound with Bind, ErrSubjectMismatch, ErrPullSubscribeRequired, one
	// that names the setting in which the consumer differs or the deliver group that it has, ErrBadSubscription when cb is nil,
	// ErrJetStreamNotEnabled, ErrBadSubject, the server's *APIError, those of names, and those of the connection. After one nothing is left behind.
	Subscribe(subj string, cb MsgHandler, opts ...SubOpt) (*Subscription, error)

	// QueueSubscribe is Subscribe as a member of a queue group: each message goes to one of them. Without a name among opts the consumer is durable and has
	// that of the group, so that members find it; the one that created it deletes it. White space in queue is ErrBadQueueName, and IdleHeartbeat,
	// EnableFlowControl and OrderedConsumer are errors.
	QueueSubscribe(subj, queue string, cb MsgHandler, opts ...SubOpt) (*Subscription, error)

	// SubscribeSync is Subscribe for NextMsg of the subscription. Messages are not acknowledged by themselves. Without MaxAckPending among opts as
	// many may wait for their acks as SyncQueueLen says.
	SubscribeSync(subj string, opts ...SubOpt) (*Subscription, error)

	// QueueSubscribeSync is SubscribeSync as a member of a queue group, see QueueSubscribe.
	QueueSubscribeSync(subj, queue string, opts ...SubOpt) (*Subscription, error)

	// ChanSubscribe is Subscribe for a channel, which is never closed and must not be while the subscription is active. Messages are not
	// acknowledged by themselves. Without MaxAckPending among opts as many may wait for their acks as the channel has room for. A nil channel is
	// ErrBadSubscription.
	ChanSubscribe(subj string, ch chan *Msg, opts ...SubOpt) (*Subscription, error)

	// ChanQueueSubscribe is ChanSubscribe as a member of a queue group, see QueueSubscribe.
	ChanQueueSubscribe(subj, queue string, ch chan *Msg, opts ...SubOpt) (*Subscription, error)
}

// JetStreamContext is the older JetStream API of one account and domain; package jetstream has the newer one. It may be used
// concurrently, and need not be closed.
type JetStreamContext interface {
	JetStream
	JetStreamManager
	KeyValueManager
	ObjectStoreManager
}

// js is the JetStreamContext.
type js struct {
	nc   *Conn
	link api.Link // the engine of nc
	opts jsOpts
	api  *api.Client // as opts say
	pub  *run.Publisher
}

// JetStream returns the older JetStream API of the account that nc is connected to. It asks the server nothing. The options
// are defaults of every call; nil ones are skipped. Errors: [ErrInvalidConnection] when [Connect] has not made nc, and that of an option.
func (nc *Conn) JetStream(opts ...JSOpt) (JetStreamContext, error) {
	if nc.engine() == nil {
		return nil, ErrInvalidConnection
	}
	j := &js{nc: nc, link: nc.eng}
	if err := j.opts.apply(opts); err != nil {
		return nil, err
	}
	j.api = j.opts.client(j.link)
	j.pub = j.newPublisher()
	return j, nil
}

func (o *jsOpts) apply(opts []JSOpt) error {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureJSContext(o); err != nil {
			return err
		}
	}
	return nil
}

func (o *jsOpts) client(link api.Link) *api.Client {
	c := &api.Client{Conn: link, Prefix: wire.Prefix("", o.prefix), Timeout: o.wait, Sent: o.trace.RequestSent}
	if received := o.trace.ResponseReceived; received != nil {
		c.Received = func(subject string, payload, hdr []byte) {
			h, _ := jsHeader(hdr) // the trace shows what can be read
			received(subject, payload, h)
		}
	}
	return c
}

// jsCall is one call with its options: those of the context, and its own on top.
type jsCall struct {
	ctx  context.Context
	api  *api.Client
	opts jsOpts
}

// call prepares a call. A context or timeout of its own replaces both of the JetStream context's.
func (j *js) call(opts []JSOpt) (*jsCall, error) {
	c := &jsCall{ctx: context.Background(), api: j.api, opts: j.opts}
	if len(opts) > 0 {
		c.opts.ctx, c.opts.wait = nil, 0
		if err := c.opts.apply(opts); err != nil {
			return nil, err
		}
		if c.opts.ctx != nil && c.opts.wait > 0 {
			return nil, ErrContextAndTimeout
		}
		if c.opts.ctx == nil && c.opts.wait == 0 {
			c.opts.ctx = j.opts.ctx
		}
		if c.opts.wait == 0 {
			c.opts.wait = j.opts.wait
		}
		c.api = c.opts.client(j.link)
	}
	if c.opts.ctx != nil {
		c.ctx = c.opts.ctx
	}
	return c, nil
}

// jsAsk asks the API; known is as for [jsFailure].
func jsAsk[T any](c *jsCall, subject string, req any, known ...JetStreamError) (T, error) {
	answer, refused, err := api.Call[T](c.ctx, c.api, subject, req)
	return answer, jsFailure(refused, err, known...)
}

// jsFailure is what a call returns: nil, the error of the connection or the context as it is, or the server's refusal. A
// refusal with the error code of one of known is that very value, because callers compare with ==.
func jsFailure(refused *wire.APIError, err error, known ...JetStreamError) error {
	switch {
	case err != nil:
		return err
	case refused == nil:
		return nil
	}
	for _, e := range known {
		if e.APIError().ErrorCode == ErrorCode(refused.ErrCode) {
			return e
		}
	}
	return &APIError{Code: refused.Code, ErrorCode: ErrorCode(refused.ErrCode), Description: refused.Description}
}

// notEnabled is for calls where nobody answering means that there is no JetStream.
func notEnabled(err error) error {
	if errors.Is(err, ErrNoResponders) {
		return ErrJetStreamNotEnabled
	}
	return err
}
