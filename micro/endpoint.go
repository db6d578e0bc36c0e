package micro

import (
	"maps"
	"slices"
	"strings"

	"github.com/gannet-io/nats"
)

// DefaultQueueGroup is the queue group of endpoints for which nobody chose one.
const DefaultQueueGroup = "q"

// defaultEndpoint is the name of the endpoint in [Config].
const defaultEndpoint = "default"

// Endpoint is what a [StatsHandler] is told of an endpoint. It is a copy.
type Endpoint struct {
	EndpointConfig
	// Name that AddEndpoint got.
	Name string
}

// EndpointConfig is the endpoint that a [Config] may have. Others are added with [Service.AddEndpoint].
type EndpointConfig struct {
	// Subject of the requests; empty: the endpoint's name. Wildcards are allowed.
	Subject string
	// Handler is required.
	Handler Handler
	// Metadata is shown in [Info].
	Metadata map[string]string `json:"metadata,omitempty"`
	// QueueGroup is the endpoint's own; empty: that of its group, or the service's, or [DefaultQueueGroup].
	QueueGroup string `json:"queue_group"`
	// QueueGroupDisabled has every instance get every request. It rules over QueueGroup.
	QueueGroupDisabled bool `json:"queue_group_disabled"`
	// Concurrency is as [WithEndpointConcurrency] says; 0: one handler at a time.
	Concurrency int `json:"-"`
	// Middleware is as [WithEndpointMiddleware] says.
	Middleware []Middleware `json:"-"`
}

// EndpointOpt is an option of AddEndpoint. Nil options are skipped.
type EndpointOpt func(*endpointOpts) error

// endpointOpts are an endpoint before it is checked.
type endpointOpts struct {
	EndpointConfig
	limited     bool
	msgs, bytes int // pending limits
}

// WithEndpointSubject sets the subject; empty: the endpoint's name. A group's prefix comes before it either way.
func WithEndpointSubject(subject string) EndpointOpt {
	return func(o *endpointOpts) error {
		o.Subject = subject
		return nil
	}
}

// WithEndpointMetadata sets what [Info] shows of the endpoint, in place of what earlier options have set.
func WithEndpointMetadata(metadata map[string]string) EndpointOpt {
	return func(o *endpointOpts) error {
		o.Metadata = maps.Clone(metadata)
		return nil
	}
}

// WithEndpointMetadataKey adds to what [Info] shows of the endpoint.
func WithEndpointMetadataKey(key, value string) EndpointOpt {
	return func(o *endpointOpts) error {
		if o.Metadata == nil {
			o.Metadata = make(map[string]string)
		}
		o.Metadata[key] = value
		return nil
	}
}

// WithEndpointQueueGroup sets the queue group; empty: that of the group or the service.
func WithEndpointQueueGroup(queueGroup string) EndpointOpt {
	return func(o *endpointOpts) error {
		o.QueueGroup = queueGroup
		return nil
	}
}

// WithEndpointQueueGroupDisabled has every instance get every request. It rules over [WithEndpointQueueGroup].
func WithEndpointQueueGroupDisabled() EndpointOpt {
	return func(o *endpointOpts) error {
		o.QueueGroupDisabled = true
		return nil
	}
}

// WithEndpointPendingLimits bounds the requests that wait for the handler, by number and by bytes, as nats.Subscription.SetPendingLimits does. What comes
// beyond them is dropped, counted as an error, and told as nats.ErrSlowConsumer. Negative: no limit. The default is 500,000 and 64 MiB.
// Two zeros are [ErrConfigValidation], one is nats.ErrInvalidArg.
func WithEndpointPendingLimits(msgLimit, bytesLimit int) EndpointOpt {
	return func(o *endpointOpts) error {
		switch {
		case msgLimit == 0 && bytesLimit == 0:
			return invalid("at least one pending limit must be non-zero")
		case msgLimit == 0 || bytesLimit == 0:
			return nats.ErrInvalidArg
		}
		o.limited, o.msgs, o.bytes = true, msgLimit, bytesLimit
		return nil
	}
}

// maxConcurrency bounds what is surely a mistake.
const maxConcurrency = 1 << 20

// WithEndpointConcurrency has up to n handlers of the endpoint run at a time, each on a goroutine of its own; requests are begun in the order of
// arrival, but may end in any. Those for which no handler is free wait within the pending limits. 1, the default, keeps the order. Errors:
// [ErrConfigValidation] for n below 1 or above 1,048,576.
func WithEndpointConcurrency(n int) EndpointOpt {
	return func(o *endpointOpts) error {
		if n < 1 {
			return invalid("concurrency must be at least 1")
		}
		o.Concurrency = n
		return nil
	}
}

// WithEndpointMiddleware puts middleware around the endpoint's handler, the first outermost, inside that of its group and service.
func WithEndpointMiddleware(middleware ...Middleware) EndpointOpt {
	middleware = slices.Clone(middleware)
	return func(o *endpointOpts) error {
		o.Middleware = append(slices.Clip(o.Middleware), middleware...)
		return nil
	}
}

// Middleware makes a handler of another one: it may look at requests, answer them in its place, or wrap them. It is called once, when the endpoint is
// added. Nil middleware is skipped.
type Middleware func(Handler) Handler

// wrap puts middleware around h, the first outermost. A middleware that returns nil is an error, and a panic in it is one too.
func wrap(h Handler, middleware []Middleware) (wrapped Handler, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = invalid("middleware: %w", newPanicError(v))
		}
	}()
	for _, m := range slices.Backward(middleware) {
		if m == nil {
			continue
		}
		if h = m(h); isNil(h) {
			return nil, invalid("middleware returned no handler")
		}
	}
	return h, nil
}

// isNil also knows the nil functions that this package can make a handler of.
func isNil(h Handler) bool {
	switch h := h.(type) {
	case nil:
		return true
	case HandlerFunc:
		return h == nil
	case *contextHandler:
		return h == nil || h.handle == nil
	}
	return false
}

// place is where endpoints are added: a service, or a group in it.
type place struct {
	svc        *service
	prefix     string // without the last dot; empty: none
	queue      string // empty: none is used
	middleware []Middleware
}

// endpoint checks an endpoint and makes it, without starting it.
func (p place) endpoint(name string, cfg EndpointConfig, opts []EndpointOpt) (*endpoint, error) {
	if !validName(name) {
		return nil, invalid("invalid endpoint name")
	}
	cfg.Metadata, cfg.Middleware = maps.Clone(cfg.Metadata), slices.Clone(cfg.Middleware)
	o := endpointOpts{EndpointConfig: cfg}
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if o.Subject == "" {
		o.Subject = name
	}
	if p.prefix != "" {
		o.Subject = p.prefix + "." + o.Subject
	}
	switch {
	case o.QueueGroupDisabled:
		o.QueueGroup = ""
	case o.QueueGroup == "":
		o.QueueGroup = p.queue
	}
	switch {
	case !validSubject(o.Subject):
		return nil, invalid("invalid endpoint subject")
	case !validSubject(o.QueueGroup):
		return nil, invalid("invalid endpoint queue group")
	case len(o.Subject)+len(o.QueueGroup) > maxLine:
		return nil, invalid("endpoint subject and queue group have more than %d bytes", maxLine)
	case isNil(o.Handler):
		return nil, invalid("endpoint %q has no handler", name)
	case o.Concurrency < 0, o.Concurrency > maxConcurrency:
		return nil, invalid("concurrency must be from 1 to %d", maxConcurrency)
	}
	handler, err := wrap(o.Handler, append(slices.Clip(p.middleware), o.Middleware...))
	if err != nil {
		return nil, err
	}
	return newEndpoint(p.svc, name, handler, o), nil
}

// add starts an endpoint.
func (p place) add(name string, h Handler, opts []EndpointOpt) error {
	ep, err := p.endpoint(name, EndpointConfig{Handler: h}, opts)
	if err != nil {
		return err
	}
	return ep.start()
}

// A server ends a connection, again after each reconnect, whose lines are too long.
const (
	maxLine = nats.MAX_CONTROL_LINE_SIZE - 64 // bytes of a subject and a queue group
	maxName = maxLine / 2
)

// validName reports whether s can name a service or an endpoint.
func validName(s string) bool {
	if len(s) > maxName {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-':
		default:
			return false
		}
	}
	return s != ""
}

// validSubject leaves to Subscribe what Subscribe checks: this is what a service refuses beside. Queue groups follow the same rule; empty is fine.
func validSubject(s string) bool {
	return !strings.Contains(s, " ") && !strings.Contains(strings.TrimSuffix(s, ">"), ">")
}
