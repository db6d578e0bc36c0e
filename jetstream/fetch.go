package jetstream

import (
	"context"
	"fmt"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

// MessageBatch is the answer to one fetch. It ends by itself; nothing has to be closed. Its methods may be called concurrently.
type MessageBatch interface {
	// Messages are the messages as they come. The channel is closed when no more will come. What is not read costs memory only: the
	// connection does not wait for it.
	Messages() <-chan Msg

	// Error says why the batch ended, once Messages is closed. It is nil when the batch is full, and when the server said that
	// there are no more messages now, or none that fit. Otherwise:
	//
	//   - [ErrNoHeartbeat]: two heartbeats were missing;
	//   - [ErrNoAnswer]: without heartbeats, the server did not answer;
	//   - nats.ErrNoResponders: the consumer does not exist, or has no leader at the moment;
	//   - [ErrConsumerDeleted], [ErrConsumerLeadershipChanged], [ErrServerShutdown], [ErrBatchCompleted], [ErrPinIDMismatch];
	//   - [ErrBadRequest]: the server refused the request;
	//   - the error of the context of [FetchContext];
	//   - nats.ErrConnectionClosed, nats.ErrDisconnected;
	//   - an error with the server's words: a limit of the consumer was exceeded.
	//
	// Messages that came before are good all the same.
	Error() error
}

// ErrNoAnswer says that a fetch without heartbeats was over one second after its time and the server had not ended it, as it always
// does: the connection, or the consumer's leader, is lost. So the stream may hold messages, while a batch that is empty without an
// error has none. With [errors.Is] it matches nats.ErrTimeout.
var ErrNoAnswer JetStreamError = noAnswer{}

type noAnswer struct{}

func (noAnswer) Error() string       { return "nats: no answer to the pull request" }
func (noAnswer) APIError() *APIError { return nil }
func (noAnswer) Unwrap() error       { return nats.ErrTimeout }

// pullHandle is the part of a consumer handle that fetches.
type pullHandle struct {
	puller *run.Puller[Msg]
}

// newPullHandle makes the part of a handle that fetches. Nothing of it has to be closed.
func newPullHandle(js *jetStream, stream, name string) pullHandle {
	b := &builder{from: &source{js: js, stream: stream, consumer: name}}
	return pullHandle{puller: run.NewPuller(run.PullerConfig[Msg]{
		Link:    js.eng,
		Subject: js.api.Prefix + wire.PullSubject(stream, name),
		Build:   b.build,
		Surplus: func(m Msg) { _ = m.Nak() }, // best effort: what is not asked for once more now, is after the ack wait
	})}
}

func (h *pullHandle) Fetch(batch int, opts ...FetchOpt) (MessageBatch, error) {
	spec, err := newFetch(batch, opts)
	if err != nil {
		return nil, err
	}
	return h.fetch(spec)
}

func (h *pullHandle) FetchBytes(maxBytes int, opts ...FetchOpt) (MessageBatch, error) {
	spec, err := newFetchBytes(maxBytes, opts)
	if err != nil {
		return nil, err
	}
	return h.fetch(spec)
}

func (h *pullHandle) FetchNoWait(batch int) (MessageBatch, error) {
	spec, err := newFetchNoWait(batch)
	if err != nil {
		return nil, err
	}
	return h.fetch(spec)
}

func (h *pullHandle) Next(opts ...FetchOpt) (Msg, error) {
	spec, err := newNextFetch(opts)
	if err != nil {
		return nil, err
	}
	m, ok, code, words, err := h.puller.Next(spec)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return m, nil
	case code == wire.Canceled:
		return nil, contextError(spec.Context)
	}
	return nil, ended(opNext, code, words)
}

// fetch starts a batch. One whose context has ended already asks the server nothing.
func (h *pullHandle) fetch(spec run.FetchSpec) (MessageBatch, error) {
	if err := contextError(spec.Context); err != nil {
		return newEmptyBatch(err), nil
	}
	b, err := h.puller.Fetch(spec)
	if err != nil {
		return nil, err
	}
	return &messageBatch{batch: b, ctx: spec.Context}, nil
}

func newFetchBytes(maxBytes int, opts []FetchOpt) (run.FetchSpec, error) {
	if maxBytes < 1 {
		return run.FetchSpec{}, fmt.Errorf("%w: max bytes must be at least 1", nats.ErrInvalidArg)
	}
	spec, err := newFetch(fetchBytesBatch, opts)
	if err != nil {
		return spec, err
	}
	if err := withoutMaxBytes(spec); err != nil {
		return spec, err
	}
	spec.Request.MaxBytes = maxBytes
	return spec, nil
}

func newFetchNoWait(batch int) (run.FetchSpec, error) {
	if batch < 1 {
		return run.FetchSpec{}, fmt.Errorf("%w: batch size must be at least 1", nats.ErrInvalidArg)
	}
	request := wire.PullRequest{Batch: batch, NoWait: true}
	return run.FetchSpec{Config: pull.Config{Request: request, Deadline: mono.Never}}, nil
}

// newNextFetch is for one message. A context that has ended already is an error.
func newNextFetch(opts []FetchOpt) (run.FetchSpec, error) {
	spec, err := newFetch(1, opts)
	if err != nil {
		return spec, err
	}
	if err := withoutMaxBytes(spec); err != nil {
		return spec, err
	}
	return spec, contextError(spec.Context)
}

func withoutMaxBytes(spec run.FetchSpec) error {
	if spec.Request.MaxBytes > 0 {
		return fmt.Errorf("%w: FetchMaxBytes is only supported by Fetch", ErrInvalidOption)
	}
	return nil
}

// contextError is ctx.Err, and nil without a context.
func contextError(ctx context.Context) error {
	if ctx == nil {
		return nil
	}
	return ctx.Err()
}

// messageBatch is the MessageBatch of a fetch.
type messageBatch struct {
	batch *run.Batch[Msg]
	ctx   context.Context // nil: none
}

func (b *messageBatch) Messages() <-chan Msg { return b.batch.Messages() }

func (b *messageBatch) Error() error {
	code, words := b.batch.Result()
	if code == wire.Canceled && b.ctx != nil {
		return b.ctx.Err()
	}
	return ended(opFetch, code, words)
}

// emptyBatch is the MessageBatch of a fetch that was over before it began.
type emptyBatch struct {
	messages chan Msg
	err      error
}

func newEmptyBatch(err error) *emptyBatch {
	b := &emptyBatch{messages: make(chan Msg), err: err}
	close(b.messages)
	return b
}

func (b *emptyBatch) Messages() <-chan Msg { return b.messages }
func (b *emptyBatch) Error() error         { return b.err }
