package jetstream

import (
	"context"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
)

func (js *jetStream) PauseConsumer(ctx context.Context, stream, name string, until time.Time) (*ConsumerPauseResponse, error) {
	return js.pause(ctx, stream, name, wire.PauseRequest{Until: &until})
}

func (js *jetStream) ResumeConsumer(ctx context.Context, stream, name string) (*ConsumerPauseResponse, error) {
	return js.pause(ctx, stream, name, wire.PauseRequest{})
}

func (js *jetStream) pause(ctx context.Context, stream, name string, req wire.PauseRequest) (*ConsumerPauseResponse, error) {
	if err := checkNames(stream, name); err != nil {
		return nil, err
	}
	answer, err := call[ConsumerPauseResponse](ctx, js, wire.ConsumerPause(stream, name), req, ErrConsumerNotFound)
	if err != nil {
		return nil, err
	}
	return &answer, nil
}

func (js *jetStream) ResetConsumer(ctx context.Context, stream, name string) (*ConsumerResetResponse, error) {
	return js.ResetConsumerToSequence(ctx, stream, name, 0)
}

func (js *jetStream) ResetConsumerToSequence(ctx context.Context, stream, name string, seq uint64) (*ConsumerResetResponse, error) {
	if err := checkNames(stream, name); err != nil {
		return nil, err
	}
	answer, err := call[ConsumerResetResponse](ctx, js, wire.ConsumerReset(stream, name), wire.ResetRequest{Seq: seq}, ErrConsumerNotFound)
	switch {
	case err != nil:
		return nil, err
	case answer.ConsumerInfo == nil:
		return nil, ErrConsumerResetResponseEmpty
	}
	return &answer, nil
}

func (js *jetStream) unpin(ctx context.Context, stream, name, group string) error {
	if err := checkNames(stream, name); err != nil {
		return err
	}
	_, err := call[wire.Envelope](ctx, js, wire.ConsumerUnpin(stream, name), wire.UnpinRequest{Group: group}, ErrConsumerNotFound)
	return err
}

// A stream's consumers are those that the JetStream manages under its name.

func (s *stream) CreateOrUpdateConsumer(ctx context.Context, cfg ConsumerConfig) (Consumer, error) {
	return s.js.CreateOrUpdateConsumer(ctx, s.name, cfg)
}

func (s *stream) CreateConsumer(ctx context.Context, cfg ConsumerConfig) (Consumer, error) {
	return s.js.CreateConsumer(ctx, s.name, cfg)
}

func (s *stream) UpdateConsumer(ctx context.Context, cfg ConsumerConfig) (Consumer, error) {
	return s.js.UpdateConsumer(ctx, s.name, cfg)
}

func (s *stream) OrderedConsumer(ctx context.Context, cfg OrderedConsumerConfig) (Consumer, error) {
	return s.js.OrderedConsumer(ctx, s.name, cfg)
}

func (s *stream) Consumer(ctx context.Context, name string) (Consumer, error) {
	return s.js.Consumer(ctx, s.name, name)
}

func (s *stream) DeleteConsumer(ctx context.Context, name string) error {
	return s.js.DeleteConsumer(ctx, s.name, name)
}

func (s *stream) PauseConsumer(ctx context.Context, name string, until time.Time) (*ConsumerPauseResponse, error) {
	return s.js.PauseConsumer(ctx, s.name, name, until)
}

func (s *stream) ResumeConsumer(ctx context.Context, name string) (*ConsumerPauseResponse, error) {
	return s.js.ResumeConsumer(ctx, s.name, name)
}

func (s *stream) ResetConsumer(ctx context.Context, name string) (*ConsumerResetResponse, error) {
	return s.js.ResetConsumer(ctx, s.name, name)
}

func (s *stream) ResetConsumerToSequence(ctx context.Context, name string, seq uint64) (*ConsumerResetResponse, error) {
	return s.js.ResetConsumerToSequence(ctx, s.name, name, seq)
}

func (s *stream) UnpinConsumer(ctx context.Context, name, group string) error {
	return s.js.unpin(ctx, s.name, name, group)
}

func (s *stream) CreateOrUpdatePushConsumer(ctx context.Context, cfg ConsumerConfig) (PushConsumer, error) {
	return s.js.CreateOrUpdatePushConsumer(ctx, s.name, cfg)
}

func (s *stream) CreatePushConsumer(ctx context.Context, cfg ConsumerConfig) (PushConsumer, error) {
	return s.js.CreatePushConsumer(ctx, s.name, cfg)
}

func (s *stream) UpdatePushConsumer(ctx context.Context, cfg ConsumerConfig) (PushConsumer, error) {
	return s.js.UpdatePushConsumer(ctx, s.name, cfg)
}

func (s *stream) PushConsumer(ctx context.Context, name string) (PushConsumer, error) {
	return s.js.PushConsumer(ctx, s.name, name)
}

func (s *stream) ListConsumers(ctx context.Context) ConsumerInfoLister {
	entry := func(i ConsumerInfo) (*ConsumerInfo, bool) {
		if i.Name == "" { // none of its servers can be reached: the leader of the cluster lists what it knows itself
			i.Stream, i.Name = s.name, i.Config.name()
		}
		return &i, i.Name != ""
	}
	return consumerInfos{list(ctx, s.js, wire.ConsumerList(s.name), nil, entry)}
}

func (s *stream) ConsumerNames(ctx context.Context) ConsumerNameLister {
	return names{list(ctx, s.js, wire.ConsumerNames(s.name), nil, nameEntry)}
}
