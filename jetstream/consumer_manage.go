package jetstream

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

// StreamConsumerManager creates, changes, finds and deletes consumers of any stream. Stream and consumer names are checked
// before anything is sent: ErrStreamNameRequired, ErrInvalidStreamName, ErrInvalidConsumerName.
type StreamConsumerManager interface {
	// CreateOrUpdateConsumer creates a pull consumer, or changes its configuration. Without a name it gets one. ErrStreamNotFound; the error
	// matches ErrConsumerCreate when the configuration cannot be changed so.
	CreateOrUpdateConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (Consumer, error)

	// CreateConsumer creates a pull consumer. One that exists with the same configuration is as good; with another one the
	// error matches ErrConsumerExists.
	CreateConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (Consumer, error)

	// UpdateConsumer changes the configuration of a pull consumer. The error matches ErrConsumerDoesNotExist when there is
	// none of this name.
	UpdateConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (Consumer, error)

	// OrderedConsumer returns a consumer that reads a stream in order; see [OrderedConsumerConfig] and the package documentation. Errors:
	// ErrStreamNotFound, and the server's refusals; ErrInvalidConsumerName for the prefix, ErrInvalidSubject for a filter.
	OrderedConsumer(ctx context.Context, stream string, cfg OrderedConsumerConfig) (Consumer, error)

	// Consumer returns a handle to a pull consumer. ErrConsumerNotFound; ErrNotPullConsumer for a push consumer.
	Consumer(ctx context.Context, stream string, consumer string) (Consumer, error)

	// DeleteConsumer deletes a consumer. ErrConsumerNotFound when there is none of this name.
	DeleteConsumer(ctx context.Context, stream string, consumer string) error

	// PauseConsumer stops a consumer from delivering until a time. ErrConsumerNotFound when there is none of this name.
	PauseConsumer(ctx context.Context, stream string, consumer string, pauseUntil time.Time) (*ConsumerPauseResponse, error)

	// ResumeConsumer ends a pause. ErrConsumerNotFound when there is none of this name.
	ResumeConsumer(ctx context.Context, stream string, consumer string) (*ConsumerPauseResponse, error)

	// ResetConsumer makes a consumer deliver again what comes after its ack floor. Nobody answers for a consumer that does not
	// exist (nats-server 2.15), so that the error is context.DeadlineExceeded.
	ResetConsumer(ctx context.Context, stream string, consumer string) (*ConsumerResetResponse, error)

	// ResetConsumerToSequence makes a consumer go on at a stream sequence. The error matches ErrConsumerInvalidReset where its
	// deliver policy does not allow it.
	ResetConsumerToSequence(ctx context.Context, stream string, consumer string, seq uint64) (*ConsumerResetResponse, error)

	// CreateOrUpdatePushConsumer creates a push consumer, or changes its configuration. ErrNotPushConsumer when DeliverSubject
	// is empty.
	CreateOrUpdatePushConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (PushConsumer, error)

	// CreatePushConsumer is CreateConsumer for a push consumer. ErrNotPushConsumer when DeliverSubject is empty.
	CreatePushConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (PushConsumer, error)

	// UpdatePushConsumer is UpdateConsumer for a push consumer. ErrNotPushConsumer when DeliverSubject is empty.
	UpdatePushConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (PushConsumer, error)

	// PushConsumer returns a handle to a push consumer. ErrConsumerNotFound; ErrNotPushConsumer for a pull consumer.
	PushConsumer(ctx context.Context, stream string, consumer string) (PushConsumer, error)
}

// ConsumerManager creates, changes, finds and deletes consumers of one stream. Its methods are those of
// [StreamConsumerManager] without the stream.
type ConsumerManager interface {
	// CreateOrUpdateConsumer creates a pull consumer, or changes its configuration. Without a name it gets one. ErrStreamNotFound; the error
	// matches ErrConsumerCreate when the configuration cannot be changed so.
	CreateOrUpdateConsumer(ctx context.Context, cfg ConsumerConfig) (Consumer, error)

	// CreateConsumer creates a pull consumer. One that exists with the same configuration is as good; with another one the
	// error matches ErrConsumerExists.
	CreateConsumer(ctx context.Context, cfg ConsumerConfig) (Consumer, error)

	// UpdateConsumer changes the configuration of a pull consumer. The error matches ErrConsumerDoesNotExist when there is
	// none of this name.
	UpdateConsumer(ctx context.Context, cfg ConsumerConfig) (Consumer, error)

	// OrderedConsumer returns a consumer that reads the stream in order; see [OrderedConsumerConfig] and the package documentation. Errors:
	// ErrStreamNotFound, and the server's refusals; ErrInvalidConsumerName for the prefix, ErrInvalidSubject for a filter.
	OrderedConsumer(ctx context.Context, cfg OrderedConsumerConfig) (Consumer, error)

	// Consumer returns a handle to a pull consumer. ErrConsumerNotFound; ErrNotPullConsumer for a push consumer.
	Consumer(ctx context.Context, consumer string) (Consumer, error)

	// DeleteConsumer deletes a consumer. ErrConsumerNotFound when there is none of this name.
	DeleteConsumer(ctx context.Context, consumer string) error

	// PauseConsumer stops a consumer from delivering until a time. ErrConsumerNotFound when there is none of this name.
	PauseConsumer(ctx context.Context, consumer string, pauseUntil time.Time) (*ConsumerPauseResponse, error)

	// ResumeConsumer ends a pause. ErrConsumerNotFound when there is none of this name.
	ResumeConsumer(ctx context.Context, consumer string) (*ConsumerPauseResponse, error)

	// ResetConsumer makes a consumer deliver again what comes after its ack floor. Nobody answers for a consumer that does not
	// exist (nats-server 2.15), so that the error is context.DeadlineExceeded.
	ResetConsumer(ctx context.Context, consumer string) (*ConsumerResetResponse, error)

	// ResetConsumerToSequence makes a consumer go on at a stream sequence. The error matches ErrConsumerInvalidReset where its
	// deliver policy does not allow it.
	ResetConsumerToSequence(ctx context.Context, consumer string, seq uint64) (*ConsumerResetResponse, error)

	// UnpinConsumer frees a priority group from its pinned client, so that another one is pinned. ErrConsumerNotFound; an *APIError when the
	// consumer has no such group.
	UnpinConsumer(ctx context.Context, consumer string, group string) error

	// ListConsumers lists all consumers. Of one whose servers cannot be reached there are only Config, Created and Cluster.
	ListConsumers(context.Context) ConsumerInfoLister

	// ConsumerNames lists the names of all consumers.
	ConsumerNames(context.Context) ConsumerNameLister

	// CreateOrUpdatePushConsumer creates a push consumer, or changes its configuration. ErrNotPushConsumer when DeliverSubject
	// is empty.
	CreateOrUpdatePushConsumer(ctx context.Context, cfg ConsumerConfig) (PushConsumer, error)

	// CreatePushConsumer is CreateConsumer for a push consumer. ErrNotPushConsumer when DeliverSubject is empty.
	CreatePushConsumer(ctx context.Context, cfg ConsumerConfig) (PushConsumer, error)

	// UpdatePushConsumer is UpdateConsumer for a push consumer. ErrNotPushConsumer when DeliverSubject is empty.
	UpdatePushConsumer(ctx context.Context, cfg ConsumerConfig) (PushConsumer, error)

	// PushConsumer returns a handle to a push consumer. ErrConsumerNotFound; ErrNotPushConsumer for a pull consumer.
	PushConsumer(ctx context.Context, consumer string) (PushConsumer, error)
}

// ConsumerInfoLister is a list of consumers on its way. The list ends early when its context ends or the connection is
// closed.
type ConsumerInfoLister interface {
	// Info is closed after the last consumer.
	Info() <-chan *ConsumerInfo

	// Err says why the list ended early, or what it lacks: [ErrListIncomplete]; nil when it is complete. To be asked after Info is closed.
	Err() error
}

// ConsumerNameLister is a list of consumer names on its way. The list ends early when its context ends or the connection is
// closed.
type ConsumerNameLister interface {
	// Name is closed after the last name.
	Name() <-chan string

	// Err says why the list ended early; nil when it is complete. To be asked after Name is closed.
	Err() error
}

// putConsumer creates or updates a consumer of either kind.
func (js *jetStream) putConsumer(ctx context.Context, stream string, cfg ConsumerConfig, action wire.Action) (*ConsumerInfo, error) {
	if err := checkStream(stream); err != nil {
		return nil, err
	}
	name := cfg.name()
	if name == "" {
		name = randomName()
	}
	if err := checkConsumer(name); err != nil {
		return nil, err
	}
	filter := ""
	if len(cfg.FilterSubjects) == 0 && cfg.FilterSubject != "" {
		filter = cfg.FilterSubject
		if err := checkSubject(filter); err != nil {
			return nil, err
		}
	}
	req := wire.ConsumerRequest[ConsumerConfig]{Stream: stream, Config: cfg, Action: action, Pedantic: js.opts.pedantic}
	info, err := call[ConsumerInfo](ctx, js, wire.ConsumerCreate(stream, name, filter), req, ErrStreamNotFound, ErrPedantic, ErrRequiredAPILevel)
	switch {
	case err != nil:
		return nil, err
	case !subject.ValidName(info.Name):
		return nil, ErrConsumerCreationResponseEmpty
	case len(cfg.FilterSubjects) > 0 && len(info.Config.FilterSubjects) == 0:
		return nil, ErrConsumerMultipleFilterSubjectsNotSupported
	}
	return &info, nil
}

// name is Name or Durable, empty for a consumer that has neither.
func (cfg *ConsumerConfig) name() string {
	if cfg.Name != "" {
		return cfg.Name
	}
	return cfg.Durable
}

// randomName is for consumers that the caller did not name: 8 base-62 characters.
func randomName() string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var b [8]byte
	for i := range b {
		b[i] = digits[rand.IntN(len(digits))]
	}
	return string(b[:])
}

func (js *jetStream) putPull(ctx context.Context, stream string, cfg ConsumerConfig, action wire.Action) (Consumer, error) {
	info, err := js.putConsumer(ctx, stream, cfg, action)
	if err != nil {
		return nil, err
	}
	return newConsumer(js, stream, info), nil
}

func (js *jetStream) putPush(ctx context.Context, stream string, cfg ConsumerConfig, action wire.Action) (PushConsumer, error) {
	if cfg.DeliverSubject == "" {
		return nil, ErrNotPushConsumer
	}
	info, err := js.putConsumer(ctx, stream, cfg, action)
	if err != nil {
		return nil, err
	}
	return newPushConsumer(js, stream, info), nil
}

func (js *jetStream) CreateOrUpdateConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (Consumer, error) {
	return js.putPull(ctx, stream, cfg, wire.CreateOrUpdate)
}

func (js *jetStream) CreateConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (Consumer, error) {
	return js.putPull(ctx, stream, cfg, wire.CreateOnly)
}

func (js *jetStream) UpdateConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (Consumer, error) {
	return js.putPull(ctx, stream, cfg, wire.UpdateOnly)
}

func (js *jetStream) CreateOrUpdatePushConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (PushConsumer, error) {
	return js.putPush(ctx, stream, cfg, wire.CreateOrUpdate)
}

func (js *jetStream) CreatePushConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (PushConsumer, error) {
	return js.putPush(ctx, stream, cfg, wire.CreateOnly)
}

func (js *jetStream) UpdatePushConsumer(ctx context.Context, stream string, cfg ConsumerConfig) (PushConsumer, error) {
	return js.putPush(ctx, stream, cfg, wire.UpdateOnly)
}

func (js *jetStream) OrderedConsumer(ctx context.Context, stream string, cfg OrderedConsumerConfig) (Consumer, error) {
	return newOrderedConsumer(ctx, js, stream, cfg)
}

func (js *jetStream) Consumer(ctx context.Context, stream, name string) (Consumer, error) {
	info, err := js.consumerInfo(ctx, stream, name)
	if err != nil {
		return nil, err
	}
	if info.Config.DeliverSubject != "" {
		return nil, ErrNotPullConsumer
	}
	return newConsumer(js, stream, info), nil
}

func (js *jetStream) PushConsumer(ctx context.Context, stream, name string) (PushConsumer, error) {
	info, err := js.consumerInfo(ctx, stream, name)
	if err != nil {
		return nil, err
	}
	if info.Config.DeliverSubject == "" {
		return nil, ErrNotPushConsumer
	}
	return newPushConsumer(js, stream, info), nil
}

func (js *jetStream) consumerInfo(ctx context.Context, stream, name string) (*ConsumerInfo, error) {
	if err := checkNames(stream, name); err != nil {
		return nil, err
	}
	info, err := call[ConsumerInfo](ctx, js, wire.ConsumerInfo(stream, name), nil, ErrConsumerNotFound)
	switch {
	case err != nil:
		return nil, err
	case !subject.ValidName(info.Name):
		return nil, ErrInvalidJetStreamResponse
	}
	return &info, nil
}

func (js *jetStream) DeleteConsumer(ctx context.Context, stream, name string) error {
	if err := checkNames(stream, name); err != nil {
		return err
	}
	_, err := call[wire.Done](ctx, js, wire.ConsumerDelete(stream, name), nil, ErrConsumerNotFound)
	return err
}
