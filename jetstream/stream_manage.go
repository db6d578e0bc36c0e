package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
)

// StreamManager creates, changes, finds and deletes streams.
type StreamManager interface {
	// CreateStream creates a stream and returns a handle to it. A stream that exists with the same configuration is as
	// good; with another one it is ErrStreamNameAlreadyInUse.
	CreateStream(ctx context.Context, cfg StreamConfig) (Stream, error)

	// UpdateStream changes the configuration of a stream. ErrStreamNotFound when there is none of this name.
	UpdateStream(ctx context.Context, cfg StreamConfig) (Stream, error)

	// CreateOrUpdateStream changes the configuration of a stream, or creates it. An *APIError when the configuration cannot be, or cannot be
	// changed so.
	CreateOrUpdateStream(ctx context.Context, cfg StreamConfig) (Stream, error)

	// Stream returns a handle to a stream. ErrStreamNotFound when there is none of this name.
	Stream(ctx context.Context, stream string) (Stream, error)

	// StreamNameBySubject returns the name of the stream that stores subject, which may have wildcards: then the first of
	// those that overlap. ErrStreamNotFound when there is none.
	StreamNameBySubject(ctx context.Context, subject string) (string, error)

	// DeleteStream deletes a stream with all that is in it. ErrStreamNotFound when there is none of this name.
	DeleteStream(ctx context.Context, stream string) error

	// ListStreams lists all streams. Of one whose servers cannot be reached there are only Config, Created and Cluster.
	ListStreams(context.Context, ...StreamListOpt) StreamInfoLister

	// StreamNames lists the names of all streams.
	StreamNames(context.Context, ...StreamListOpt) StreamNameLister
}

// StreamInfoLister is a list of streams on its way. The list ends early when its context ends or the connection is closed.
type StreamInfoLister interface {
	// Info is closed after the last stream.
	Info() <-chan *StreamInfo

	// Err says why the list ended early, or what it lacks: [ErrListIncomplete]; nil when it is complete. To be asked after Info is closed.
	Err() error
}

// StreamNameLister is a list of stream names on its way. The list ends early when its context ends or the connection is
// closed.
type StreamNameLister interface {
	// Name is closed after the last name.
	Name() <-chan string

	// Err says why the list ended early; nil when it is complete. To be asked after Name is closed.
	Err() error
}

// StreamListOpt restricts a list of streams.
type StreamListOpt func(*streamListOpts) error

type streamListOpts struct{ subject string }

// WithStreamListSubject lists only streams whose subjects overlap subject, which may have wildcards.
func WithStreamListSubject(subject string) StreamListOpt {
	return func(o *streamListOpts) error {
		o.subject = subject
		return nil
	}
}

func (js *jetStream) CreateStream(ctx context.Context, cfg StreamConfig) (Stream, error) {
	return js.putStream(ctx, wire.StreamCreate, cfg, ErrStreamNameAlreadyInUse)
}

func (js *jetStream) UpdateStream(ctx context.Context, cfg StreamConfig) (Stream, error) {
	return js.putStream(ctx, wire.StreamUpdate, cfg, ErrStreamNotFound)
}

func (js *jetStream) CreateOrUpdateStream(ctx context.Context, cfg StreamConfig) (Stream, error) {
	s, err := js.UpdateStream(ctx, cfg)
	if errors.Is(err, ErrStreamNotFound) {
		return js.CreateStream(ctx, cfg)
	}
	return s, err
}

func (js *jetStream) putStream(ctx context.Context, subject func(string) string, cfg StreamConfig, known JetStreamError) (Stream, error) {
	if err := checkStream(cfg.Name); err != nil {
		return nil, err
	}
	sent, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	req := struct {
		StreamConfig
		Pedantic bool `json:"pedantic,omitempty"`
	}{sent, js.opts.pedantic}
	info, err := call[StreamInfo](ctx, js, subject(cfg.Name), req, known, ErrPedantic, ErrRequiredAPILevel)
	if err != nil {
		return nil, err
	}
	if checkStream(info.Config.Name) != nil {
		return nil, ErrInvalidJetStreamResponse
	}
	if err := sent.ignoredBy(&info.Config); err != nil {
		return nil, err
	}
	return newStream(js, &info), nil
}

func (js *jetStream) Stream(ctx context.Context, name string) (Stream, error) {
	if err := checkStream(name); err != nil {
		return nil, err
	}
	info, err := js.streamInfo(ctx, name, wire.StreamInfoRequest{})
	if err != nil {
		return nil, err
	}
	return newStream(js, info), nil
}

func (js *jetStream) streamInfo(ctx context.Context, name string, req wire.StreamInfoRequest) (*StreamInfo, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	info, refused, err := api.StreamInfo(ctx, js.api, name, req, func(i *StreamInfo) *map[string]uint64 { return &i.State.Subjects })
	if err := failure(refused, err, ErrStreamNotFound); err != nil {
		return nil, err
	}
	if checkStream(info.Config.Name) != nil {
		return nil, ErrInvalidJetStreamResponse
	}
	return &info, nil
}

func (js *jetStream) DeleteStream(ctx context.Context, name string) error {
	if err := checkStream(name); err != nil {
		return err
	}
	_, err := call[wire.Done](ctx, js, wire.StreamDelete(name), nil, ErrStreamNotFound)
	return err
}

func (js *jetStream) StreamNameBySubject(ctx context.Context, subject string) (string, error) {
	if err := checkSubject(subject); err != nil {
		return "", err
	}
	if ctx == nil {
		return "", errNilContext
	}
	name := ""
	refused, err := api.List(ctx, js.api, wire.StreamNames, subject, func(names []string) bool {
		name = names[0]
		return false
	})
	if err := failure(refused, err); err != nil {
		return "", err
	}
	if name == "" {
		return "", ErrStreamNotFound
	}
	return name, nil
}

type (
	names         struct{ *api.Lister[string] }
	streamInfos   struct{ *api.Lister[*StreamInfo] }
	consumerInfos struct{ *api.Lister[*ConsumerInfo] }
)

func (l names) Name() <-chan string                { return l.Entries() }
func (l streamInfos) Info() <-chan *StreamInfo     { return l.Entries() }
func (l consumerInfos) Info() <-chan *ConsumerInfo { return l.Entries() }

func (js *jetStream) ListStreams(ctx context.Context, opts ...StreamListOpt) StreamInfoLister {
	return streamInfos{list(ctx, js, wire.StreamList, opts, func(i StreamInfo) (*StreamInfo, bool) { return &i, i.Config.Name != "" })}
}

func (js *jetStream) StreamNames(ctx context.Context, opts ...StreamListOpt) StreamNameLister {
	return names{list(ctx, js, wire.StreamNames, opts, nameEntry)}
}

func nameEntry(name string) (string, bool) { return name, name != "" }

// list starts a list of entries E, which become V.
func list[E, V any](ctx context.Context, js *jetStream, subject string, opts []StreamListOpt, entry func(E) (V, bool)) *api.Lister[V] {
	if ctx == nil {
		return api.FailedLister[V](errNilContext)
	}
	var o streamListOpts
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return api.FailedLister[V](err)
		}
	}
	return api.NewLister(ctx, js.api, api.Query[E, V]{
		Subject: subject,
		Filter:  o.subject,
		Entry:   entry,
		Fail:    func(refused *wire.APIError, err error) error { return failure(refused, err) },
	})
}

// resolve returns cfg as the server is to have it, with the domains of origins turned into API prefixes. cfg stays as it is.
func (cfg StreamConfig) resolve() (StreamConfig, error) {
	if cfg.Mirror != nil {
		m, err := cfg.Mirror.resolve("mirror")
		if err != nil {
			return cfg, err
		}
		cfg.Mirror = m
	}
	if len(cfg.Sources) > 0 {
		sources := make([]*StreamSource, len(cfg.Sources))
		for i, s := range cfg.Sources {
			r, err := s.resolve(fmt.Sprintf("sources[%d]", i))
			if err != nil {
				return cfg, err
			}
			sources[i] = r
		}
		cfg.Sources = sources
	}
	return cfg, nil
}

func (s *StreamSource) resolve(what string) (*StreamSource, error) {
	switch {
	case s == nil:
		return nil, fmt.Errorf("%w: %s is nil", ErrInvalidOption, what)
	case s.Domain == "":
		return s, nil
	case s.External != nil:
		return nil, fmt.Errorf("%w: domain and external of %s are both set", ErrInvalidOption, what)
	}
	r := *s
	r.External = &ExternalStream{APIPrefix: wire.DomainPrefix(s.Domain)}
	return &r, nil
}

// ignoredBy says what of cfg the server, which answered with got, does not know. Old servers drop what they do not know.
func (cfg *StreamConfig) ignoredBy(got *StreamConfig) error {
	switch {
	case cfg.SubjectTransform != nil && got.SubjectTransform == nil:
		return ErrStreamSubjectTransformNotSupported
	case len(got.Sources) < len(cfg.Sources):
		return ErrStreamSourceNotSupported
	}
	for i, s := range cfg.Sources {
		want, have := len(s.SubjectTransforms), 0
		if got.Sources[i] != nil {
			have = len(got.Sources[i].SubjectTransforms)
		}
		switch {
		case want > 0 && have == 0:
			return ErrStreamSourceSubjectTransformNotSupported
		case want > have:
			return ErrStreamSourceMultipleFilterSubjectsNotSupported
		}
	}
	return nil
}
