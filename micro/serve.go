package micro

import (
	"context"
	"encoding/json"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/mono"
)

// endpoint is a running endpoint.
//
//	subscription's callback ──► handle                        one at a time
//	                        └─► slots ──► goroutine: handle   up to cap(slots) at a time
//
// A callback that finds no slot free blocks. What comes then waits in the subscription, within its pending limits.
type endpoint struct {
	line
	name    string
	config  EndpointConfig // what became of options and defaults; not changed
	limits  *extent        // nil: the default
	handler Handler        // with its middleware
	slots   chan struct{}  // nil: one handler at a time

	mu      sync.Mutex
	figures figures
}

// figures are counted since the last reset.
type figures struct {
	requests, errors int
	last             string
	time             time.Duration
}

func (f *figures) failLocked(text string) {
	f.errors++
	f.last = text
}

func newEndpoint(s *service, name string, handler Handler, o endpointOpts) *endpoint {
	ep := &endpoint{name: name, config: o.EndpointConfig, handler: handler}
	ep.line.svc, ep.line.ep = s, ep
	if o.limited {
		ep.limits = &extent{o.msgs, o.bytes}
	}
	if o.Concurrency > 1 {
		ep.slots = make(chan struct{}, o.Concurrency)
	}
	return ep
}

func (ep *endpoint) start() error {
	cb := ep.handle
	if ep.slots != nil {
		cb = ep.dispatch
	}
	return ep.begin(ep.config.Subject, ep.config.QueueGroup, ep.limits, cb)
}

// dispatch handles a request on a goroutine of its own, which ends with it.
func (ep *endpoint) dispatch(m *nats.Msg) {
	select {
	case ep.slots <- struct{}{}:
	default:
		select {
		case ep.slots <- struct{}{}:
		case <-ep.svc.ctx.Done(): // the service has been given up, or its connection is closed
			ep.fail(1, context.Cause(ep.svc.ctx).Error()+": request dropped")
			return
		}
	}
	ep.hold()
	go func() {
		defer ep.release()
		defer func() { <-ep.slots }()
		ep.handle(m)
	}()
}

// handle calls the handler, and counts.
func (ep *endpoint) handle(m *nats.Msg) {
	r := &request{msg: m, ep: ep}
	began := mono.Now()
	if ep.svc.config.PropagatePanics {
		defer ep.finish(r, began)
	} else {
		defer ep.catch(r, began)
	}
	ep.handler.Handle(r)
}

// catch is finish that also ends a panic. It must be deferred itself.
func (ep *endpoint) catch(r *request, began mono.Time) {
	if v := recover(); v != nil {
		if !r.answered.Load() && r.msg.Reply != "" {
			_ = r.Error(panicCode, panicDescription, nil) // a caller that cannot be answered is one more error, but the panic is told
		}
		r.failed(panicCode + ":" + panicDescription)
		ep.svc.tell(ep.config.Subject, newPanicError(v))
	}
	ep.finish(r, began)
}

// What the caller of a handler that panics is told.
const (
	panicCode        = "500"
	panicDescription = "internal error: the handler panicked"
)

// newPanicError is for the function that has recovered.
func newPanicError(v any) *PanicError { return &PanicError{Value: v, Stack: debug.Stack()} }

// finish counts a request whose handler has returned, or has ended its goroutine.
func (ep *endpoint) finish(r *request, began mono.Time) {
	took := mono.Now().Sub(began)
	if cancel := ep.count(r, took); cancel != nil {
		cancel()
	}
}

func (ep *endpoint) count(r *request, took time.Duration) (cancel func()) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.figures.requests++
	ep.figures.time += took
	if r.failure != "" {
		ep.figures.failLocked(r.failure)
	}
	r.over = true
	return r.cancel
}

// fail counts n errors of the subscription.
func (ep *endpoint) fail(n int, text string) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.figures.failLocked(text)
	ep.figures.errors += n - 1
}

func (ep *endpoint) reset() {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	ep.figures = figures{}
}

func (ep *endpoint) now() figures {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return ep.figures
}

func (ep *endpoint) stats() *EndpointStats {
	f := ep.now()
	stats := &EndpointStats{
		Name: ep.name, Subject: ep.config.Subject, QueueGroup: ep.config.QueueGroup,
		NumRequests: f.requests, NumErrors: f.errors, LastError: f.last, ProcessingTime: f.time,
	}
	if f.requests > 0 {
		stats.AverageProcessingTime = f.time / time.Duration(f.requests)
	}
	if ep.svc.config.StatsHandler != nil {
		stats.Data = ep.ask()
	}
	return stats
}

// ask has the user's function add to the figures.
func (ep *endpoint) ask() (data json.RawMessage) {
	if !ep.svc.config.PropagatePanics {
		defer func() {
			if v := recover(); v != nil {
				data = nil
				ep.svc.tell(ep.config.Subject, newPanicError(v))
			}
		}()
	}
	data, err := json.Marshal(ep.svc.config.StatsHandler(ep.public()))
	if err != nil {
		return nil
	}
	return data
}

// public is the endpoint as users see it.
func (ep *endpoint) public() *Endpoint {
	e := &Endpoint{EndpointConfig: ep.config, Name: ep.name}
	e.Metadata, e.Middleware = maps.Clone(e.Metadata), slices.Clone(e.Middleware)
	return e
}
