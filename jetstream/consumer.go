package jetstream

import (
	"context"
	"sync"
)

// Consumer is a handle to a pull consumer. It may be used concurrently, and need not be closed.
type Consumer interface {
	// Info asks for the consumer's state and caches the answer. ErrConsumerNotFound when it was deleted.
	Info(ctx context.Context) (*ConsumerInfo, error)

	// CachedInfo returns the last answer without asking. It is shared: do not change it.
	CachedInfo() *ConsumerInfo

	// Fetch asks for a batch of messages and returns at once; they come through the batch's channel, at most so many. The batch is over
	// when it is full or its time is, see [FetchMaxWait], or earlier with an error. While the connection is down it waits for it,
	// and when the connection was lost it asks again for what is missing. Errors, after which nothing was asked: nats.ErrInvalidArg when
	// batch is less than 1, [ErrInvalidOption], nats.ErrConnectionClosed, nats.ErrConnectionDraining.
	Fetch(batch int, opts ...FetchOpt) (MessageBatch, error)

	// FetchBytes is Fetch for as many messages as fit into so many bytes of subjects, reply subjects, headers and payloads.
	// nats.ErrInvalidArg when maxBytes is less than 1.
	FetchBytes(maxBytes int, opts ...FetchOpt) (MessageBatch, error)

	// FetchNoWait is Fetch for messages that are there now; without any the batch ends without an error. Errors: those of Fetch.
	FetchNoWait(batch int) (MessageBatch, error)

	// Next waits for one message. nats.ErrTimeout when there was none in time; otherwise the errors of Fetch and those that its
	// batch would have had.
	Next(opts ...FetchOpt) (Msg, error)

	// Consume calls handler for each message until it is stopped, and keeps messages on their way: by default 500, and asks for more when fewer
	// than half are left. It survives the loss of the connection, of the server and of the consumer's leader; [ConsumeErrHandler] is told. A
	// handle may Consume several times at once. Errors, after which nothing was asked: [ErrHandlerRequired], [ErrInvalidOption],
	// nats.ErrConnectionClosed, nats.ErrConnectionDraining.
	Consume(handler MessageHandler, opts ...PullConsumeOpt) (ConsumeContext, error)

	// Messages is Consume with an iterator instead of a handler. Errors, after which nothing was asked: [ErrInvalidOption],
	// nats.ErrConnectionClosed, nats.ErrConnectionDraining.
	Messages(opts ...PullMessagesOpt) (MessagesContext, error)
}

// PushConsumer is a handle to a push consumer. It may be used concurrently, and need not be closed.
type PushConsumer interface {
	// Info asks for the consumer's state and caches the answer. ErrConsumerNotFound when it was deleted.
	Info(ctx context.Context) (*ConsumerInfo, error)

	// CachedInfo returns the last answer without asking. It is shared: do not change it.
	CachedInfo() *ConsumerInfo

	// Consume calls handler for each message that the server delivers, until it is stopped. [ConsumeErrHandler] is told [ErrNoHeartbeat] when two
	// heartbeats are missing, and again after two more: the link, the leader or the consumer is gone, and a consumer without IdleHeartbeat never
	// tells. It goes on all the same. With FlowControl a handler that is slow slows the server down; without, what cannot be held is
	// dropped, which is nats.ErrSlowConsumer. Errors, after which nothing was asked: [ErrHandlerRequired]; [ErrConsumerAlreadyConsuming] while
	// the handle has another Consume; nats.ErrConnectionClosed, nats.ErrConnectionDraining.
	Consume(handler MessageHandler, opts ...PushConsumeOpt) (ConsumeContext, error)
}

// consumer is what handles to either kind have in common.
type consumer struct {
	js           *jetStream
	stream, name string

	mu   sync.Mutex
	info *ConsumerInfo
}

// pullConsumer is the handle to a pull consumer.
type pullConsumer struct {
	consumer
	pullHandle
}

func newConsumer(js *jetStream, stream string, info *ConsumerInfo) *pullConsumer {
	return &pullConsumer{
		consumer:   consumer{js: js, stream: stream, name: info.Name, info: info},
		pullHandle: newPullHandle(js, stream, info.Name),
	}
}

func (c *consumer) Info(ctx context.Context) (*ConsumerInfo, error) {
	info, err := c.js.consumerInfo(ctx, c.stream, c.name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.info = info
	return info, nil
}

func (c *consumer) CachedInfo() *ConsumerInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.info
}
