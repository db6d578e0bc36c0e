package micro

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/bridge"
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/subject"
	"github.com/nats-io/nuid"
)

// Service is a running instance. Its methods may be called concurrently, and from every handler.
type Service interface {
	// AddEndpoint has handler called for each request on an endpoint; it is in [Info] and [Stats] from now on. Several endpoints may have the
	// same name. Errors: [ErrConfigValidation], wrapped, for a bad name, subject, queue group or option, and for no handler;
	// [ErrServiceStopped]; and those of nats.Conn.QueueSubscribe.
	AddEndpoint(name string, handler Handler, opts ...EndpointOpt) error
	// AddGroup returns a group whose endpoints' subjects begin with name.
	AddGroup(name string, opts ...GroupOpt) Group
	// Info is what a control request is told.
	Info() Info
	// Stats is what a control request is told; of a stopped service the last figures. It calls the [StatsHandler].
	Stats() Stats
	// Reset sets all figures to zero, and their beginning to now.
	Reset()
	// Stop ends the instance: no new requests come, those that have arrived are handled, then the done handler is called. It does not wait, see
	// [Shutdown]. After Config.DrainTimeout what still waits is dropped, counted and told, and contexts of handlers end. Calling it again, or after the
	// connection was closed, does nothing. It returns nil.
	Stop() error
	// Stopped reports whether the instance was stopped, or ended with its connection. Handlers may still be running.
	Stopped() bool
}

// Config says what AddService starts. It is copied.
type Config struct {
	// Name of the service, the same for all instances: letters, digits, dashes and underscores. Required.
	Name string `json:"name"`
	// Endpoint is one with the name "default"; nil: none, see [Service].AddEndpoint.
	Endpoint *EndpointConfig `json:"endpoint"`
	// Version by the rules of semantic versioning 2.0.0. Required.
	Version string `json:"version"`
	// Description is shown in [Info].
	Description string `json:"description"`
	// Metadata is shown in every answer to a control request.
	Metadata map[string]string `json:"metadata,omitempty"`
	// QueueGroup of the endpoints that have no other; empty: [DefaultQueueGroup].
	QueueGroup string `json:"queue_group"`
	// QueueGroupDisabled has every instance get every request. It rules over QueueGroup.
	QueueGroupDisabled bool `json:"queue_group_disabled"`
	// StatsHandler adds to the [Stats] of each endpoint; nil: nothing.
	StatsHandler StatsHandler
	// DoneHandler is called when the last request is done, after [Service.Stop] or the end of the connection.
	DoneHandler DoneHandler
	// ErrorHandler is told what no call can return.
	ErrorHandler ErrHandler

	// Middleware is put around every endpoint's handler, the first outermost.
	Middleware []Middleware `json:"-"`
	// DrainTimeout bounds what Stop waits for; 0 or less: 30 s.
	DrainTimeout time.Duration `json:"-"`
	// PropagatePanics lets a panic in a handler or a stats handler end the process. Otherwise the caller gets an error with code 500, which is counted,
	// and the ErrorHandler a [*PanicError].
	PropagatePanics bool `json:"-"`
}

// StatsHandler returns what [EndpointStats] shall have as Data. Nothing is shown of a value without JSON. It may be called concurrently.
type StatsHandler func(*Endpoint) any

// DoneHandler is called once, when an instance is done. It may call every method.
type DoneHandler func(Service)

// ErrHandler is told of slow consumers and refused subscriptions, panics, and control requests that could not be answered. Errors of subscriptions go to the
// connection's error handler, too; the others only if the service has none. It may call every method.
type ErrHandler func(Service, *NATSError)

const defaultDrainTimeout = nats.DefaultDrainTimeout

// service is the one Service.
type service struct {
	place
	nc     *nats.Conn
	eng    *engine.Conn
	config Config // not changed
	id     string

	ctx    context.Context // of all requests; ends with the service
	cancel context.CancelCauseFunc
	joined sync.Map      // *contextHandler -> context.Context, which ends with ctx
	done   chan struct{} // closed when nothing is left

	mu        sync.Mutex
	lines     []*line     // in the order of their beginning
	endpoints []*endpoint // likewise
	started   time.Time
	open      int // lines that are not over, and one while the service starts
	stopped   bool
	failed    bool // it never started
}

// AddService starts an instance of a service on nc. Errors: [ErrConfigValidation], wrapped, with the reason; nats.ErrInvalidConnection for a nil connection;
// and those of nats.Conn.QueueSubscribe. After an error nothing is left behind.
//
// The first service of a connection puts an error handler of its own in front of the connection's, to be told of its subscriptions'
// errors; it calls the one that it found. When the last one has ended that is restored, unless another has been set meanwhile: an
// error handler that is set later replaces that of the services.
func AddService(nc *nats.Conn, config Config) (Service, error) {
	if nc == nil || bridge.EngineOf(nc) == nil {
		return nil, nats.ErrInvalidConnection
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	s := newService(nc, config)
	if err := s.start(); err != nil {
		s.abandon()
		return nil, err
	}
	s.left() // of the start
	return s, nil
}

// check finds what is wrong.
func (c Config) check() error {
	switch {
	case !validName(c.Name):
		return invalid("service name: name should not be empty and should consist of alphanumerical characters, dashes and underscores")
	case !validVersion(c.Version):
		return invalid("version: version should not be empty should match the SemVer format")
	case !validSubject(c.QueueGroup), !subject.ValidQueue(c.QueueGroup):
		return invalid("queue group: invalid queue group name")
	}
	return nil
}

func newService(nc *nats.Conn, config Config) *service {
	config.Metadata = maps.Clone(config.Metadata)
	if config.Metadata == nil {
		config.Metadata = map[string]string{} // {} on the wire
	}
	if config.DrainTimeout <= 0 {
		config.DrainTimeout = defaultDrainTimeout
	}
	s := &service{
		nc: nc, eng: bridge.EngineOf(nc), config: config, id: nuid.Next(),
		done: make(chan struct{}), started: time.Now().UTC(), open: 1,
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.place = place{svc: s, queue: config.QueueGroup, middleware: slices.Clone(config.Middleware)}
	switch {
	case config.QueueGroupDisabled:
		s.place.queue = ""
	case config.QueueGroup == "":
		s.place.queue = DefaultQueueGroup
	}
	return s
}

// start subscribes. What has begun when it fails is left to abandon.
func (s *service) start() error {
	var first *endpoint
	if cfg := s.config.Endpoint; cfg != nil {
		var err error
		if first, err = s.place.endpoint(defaultEndpoint, *cfg, nil); err != nil {
			return err
		}
	}
	intercept(s)
	if first != nil {
		if err := first.start(); err != nil {
			return err
		}
	}
	if err := s.listen(); err != nil {
		return err
	}
	s.eng.HoldDrain(s.done) // workers of endpoints answer before publishing ends
	return nil
}

func (s *service) identity() ServiceIdentity {
	return ServiceIdentity{Name: s.config.Name, ID: s.id, Version: s.config.Version, Metadata: maps.Clone(s.config.Metadata)}
}

func (s *service) Info() Info {
	info := Info{ServiceIdentity: s.identity(), Type: InfoResponseType, Description: s.config.Description}
	endpoints, _ := s.list()
	info.Endpoints = make([]EndpointInfo, len(endpoints)) // [] on the wire
	for i, ep := range endpoints {
		info.Endpoints[i] = EndpointInfo{ep.name, ep.config.Subject, ep.config.QueueGroup, maps.Clone(ep.config.Metadata)}
	}
	return info
}

func (s *service) Stats() Stats {
	endpoints, started := s.list()
	stats := Stats{ServiceIdentity: s.identity(), Type: StatsResponseType, Started: started}
	stats.Endpoints = make([]*EndpointStats, len(endpoints))
	for i, ep := range endpoints {
		stats.Endpoints[i] = ep.stats()
	}
	return stats
}

func (s *service) Reset() {
	for _, ep := range s.restart() {
		ep.reset()
	}
}

// restart lets the figures begin now.
func (s *service) restart() []*endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = time.Now().UTC()
	return slices.Clone(s.endpoints)
}

func (s *service) list() (endpoints []*endpoint, started time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.endpoints), s.started
}
