package nats

import (
	"context"
	"errors"
	"fmt"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

// JetStreamManager manages streams and consumers.
//
// A call takes 5 seconds at most unless [MaxWait] or [Context] say otherwise; the error at the end is
// [context.DeadlineExceeded]. Names are checked before anything is sent: [ErrStreamNameRequired], [ErrInvalidStreamName],
// [ErrConsumerNameRequired], [ErrInvalidConsumerName]. Refusals by the server hold an [*APIError].
type JetStreamManager interface {
	// AddStream creates a stream. One that exists with the same configuration is as good; with another one it is
	// ErrStreamNameAlreadyInUse. ErrStreamConfigRequired when cfg is nil.
	AddStream(cfg *StreamConfig, opts ...JSOpt) (*StreamInfo, error)

	// UpdateStream changes the configuration of a stream. ErrStreamNotFound when there is none of this name.
	UpdateStream(cfg *StreamConfig, opts ...JSOpt) (*StreamInfo, error)

	// DeleteStream deletes a stream with all that is in it. ErrStreamNotFound when there is none of this name.
	DeleteStream(name string, opts ...JSOpt) error

	// StreamInfo returns the state of a stream; a StreamInfoRequest among opts asks for more of it. ErrStreamNotFound when
	// there is none of this name.
	StreamInfo(stream string, opts ...JSOpt) (*StreamInfo, error)

	// PurgeStream removes all messages of a stream, or those that a StreamPurgeRequest among opts selects. ErrStreamNotFound when there is
	// none of this name.
	PurgeStream(name string, opts ...JSOpt) error

	// StreamsInfo lists all streams.
	//
	// Deprecated: use Streams.
	StreamsInfo(opts ...JSOpt) <-chan *StreamInfo

	// Streams lists all streams, or those that StreamListFilter selects. The channel is closed after the last one, and early when something goes
	// wrong; those that no server answers for are left out. The error handler is told of either.
	Streams(opts ...JSOpt) <-chan *StreamInfo

	// StreamNames is Streams for names only.
	StreamNames(opts ...JSOpt) <-chan string

	// GetMsg returns the message with a sequence; ErrMsgNotFound when there is none.
	GetMsg(name string, seq uint64, opts ...JSOpt) (*RawStreamMsg, error)

	// GetLastMsg returns the last message of a subject, which may have wildcards; ErrMsgNotFound when there is none.
	GetLastMsg(name, subject string, opts ...JSOpt) (*RawStreamMsg, error)

	// DeleteMsg removes a message. An *APIError with the code 10057 when there is none with this sequence, ErrStreamNotFound without the stream.
	DeleteMsg(name string, seq uint64, opts ...JSOpt) error

	// SecureDeleteMsg is DeleteMsg that overwrites the message with random bytes first.
	SecureDeleteMsg(name string, seq uint64, opts ...JSOpt) error

	// AddConsumer creates a consumer. A named one that exists is returned when its configuration does not contradict cfg,
	// else the error matches ErrConsumerNameAlreadyInUse. A nil cfg is the zero one.
	AddConsumer(stream string, cfg *ConsumerConfig, opts ...JSOpt) (*ConsumerInfo, error)

	// UpdateConsumer changes the configuration of a consumer, or creates it. ErrConsumerConfigRequired when cfg is nil,
	// ErrConsumerNameRequired when it has no name.
	UpdateConsumer(stream string, cfg *ConsumerConfig, opts ...JSOpt) (*ConsumerInfo, error)

	// DeleteConsumer deletes a consumer. ErrConsumerNotFound when there is none of this name.
	DeleteConsumer(stream, consumer string, opts ...JSOpt) error

	// ConsumerInfo returns the state of a consumer. ErrConsumerNotFound or ErrStreamNotFound when there is none.
	ConsumerInfo(stream, name string, opts ...JSOpt) (*ConsumerInfo, error)

	// ConsumersInfo lists all consumers of a stream.
	//
	// Deprecated: use Consumers.
	ConsumersInfo(stream string, opts ...JSOpt) <-chan *ConsumerInfo

	// Consumers lists all consumers of a stream. The channel is closed after the last one, and early when something goes wrong; those that no
	// server answers for are left out. The error handler is told of either.
	Consumers(stream string, opts ...JSOpt) <-chan *ConsumerInfo

	// ConsumerNames is Consumers for names only.
	ConsumerNames(stream string, opts ...JSOpt) <-chan string

	// AccountInfo returns what the account uses of JetStream and may use. ErrJetStreamNotEnabled or
	// ErrJetStreamNotEnabledForAccount where there is none.
	AccountInfo(opts ...JSOpt) (*AccountInfo, error)

	// StreamNameBySubject returns the name of the one stream that stores subject; ErrNoMatchingStream when there is none, or
	// more than one.
	StreamNameBySubject(subject string, opts ...JSOpt) (string, error)
}

// Names become tokens of API subjects, so nothing is sent before they are checked.

func checkStreamName(name string) error {
	if name == "" {
		return ErrStreamNameRequired
	}
	if !subject.ValidName(name) {
		return ErrInvalidStreamName
	}
	return nil
}

func checkConsumerName(name string) error {
	if name == "" {
		return ErrConsumerNameRequired
	}
	if !subject.ValidName(name) {
		return ErrInvalidConsumerName
	}
	return nil
}

// streamCall prepares a call about a stream, and consumerCall one about a consumer.
func (j *js) streamCall(stream string, opts []JSOpt) (*jsCall, error) {
	if err := checkStreamName(stream); err != nil {
		return nil, err
	}
	return j.call(opts)
}

func (j *js) consumerCall(stream, consumer string, opts []JSOpt) (*jsCall, error) {
	if err := checkStreamName(stream); err != nil {
		return nil, err
	}
	if err := checkConsumerName(consumer); err != nil {
		return nil, err
	}
	return j.call(opts)
}

func (j *js) AccountInfo(opts ...JSOpt) (*AccountInfo, error) {
	c, err := j.call(opts)
	if err != nil {
		return nil, err
	}
	info, err := jsAsk[AccountInfo](c, wire.AccountInfo, nil, ErrJetStreamNotEnabled, ErrJetStreamNotEnabledForAccount)
	if err != nil {
		return nil, notEnabled(err)
	}
	return &info, nil
}

// jsList starts a list of entries E, which become V. A call that failed already is an empty list.
func jsList[E, V any](j *js, c *jsCall, err error, subject, filter string, entry func(E) (V, bool)) <-chan V {
	if err != nil {
		return api.FailedLister[V](j.listFailure(nil, err)).Entries()
	}
	return api.NewLister(c.ctx, c.api, api.Query[E, V]{
		Subject: subject,
		Filter:  filter,
		Entry:   entry,
		Fail:    j.listFailure,
	}).Entries()
}

// listFailure is why a list ended early, or what it lacks. A channel of entries cannot say so: the error handler is told, unless the caller's own
// context, or the end of the connection, is why.
func (j *js) listFailure(refused *wire.APIError, err error) error {
	err = jsFailure(refused, err)
	if j.nc != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrConnectionClosed) {
		j.nc.reportError(nil, fmt.Errorf("nats: list is incomplete: %w", err))
	}
	return err
}

func nameEntry(name string) (string, bool) { return name, name != "" }
