package micro

import (
	"context"
	"time"

	"github.com/gannet-io/nats"
)

// DeadlineHeader says until when an answer is of use to the caller: a time of RFC 3339 with fractions of a second, such as
// 2026-11-21T09:30:00.25Z. It is this library's own; services of other libraries do not look at it. It compares clocks of two machines, so it is
// as exact as they agree. What cannot be read as a time is no deadline.
const DeadlineHeader = "Gannet-Deadline"

// SetDeadline puts the deadline of ctx into a request that is about to be sent; without one nothing is changed. A nil ctx or m is without effect.
func SetDeadline(ctx context.Context, m *nats.Msg) {
	if ctx == nil || m == nil {
		return
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return
	}
	if m.Header == nil {
		m.Header = make(nats.Header)
	}
	m.Header.Set(DeadlineHeader, deadline.UTC().Format(time.RFC3339Nano))
}

// maxDeadlineText is longer than every time that makes sense.
const maxDeadlineText = 64

// deadlineOf reads the header.
func deadlineOf(m *nats.Msg) (t time.Time, ok bool) {
	if len(m.Header) == 0 {
		return t, false
	}
	text := m.Header.Get(DeadlineHeader)
	if text == "" || len(text) > maxDeadlineText {
		return t, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t, err == nil
}

// RequestContext is the context of a request. It ends
//   - at the deadline that the caller has sent, see [DeadlineHeader], and then with the handler's return;
//   - when the connection is closed;
//   - when the service was stopped and Config.DrainTimeout is over, or its last handler has returned. [context.Cause] is
//     [ErrServiceStopped] then.
//
// A request that was not made by this package, or is wrapped by middleware, has context.Background.
func RequestContext(r Request) context.Context {
	if own, ok := r.(*request); ok && own != nil {
		return own.within(own.ep.svc.ctx)
	}
	return context.Background()
}

// within is parent with the caller's deadline.
func (r *request) within(parent context.Context) context.Context {
	deadline, ok := deadlineOf(r.msg)
	if !ok {
		return parent
	}
	ctx, cancel := context.WithDeadline(parent, deadline)
	r.ep.mu.Lock()
	defer r.ep.mu.Unlock()
	switch before := r.cancel; {
	case r.over:
		cancel()
	case before == nil:
		r.cancel = cancel
	default: // a handler and its middleware have asked
		r.cancel = func() { before(); cancel() }
	}
	return ctx
}

// contextHandler is what ContextHandler makes. Its address names it, see service.joined.
type contextHandler struct {
	ctx    context.Context
	handle func(context.Context, Request)
}

// ContextHandler is a [Handler] that calls handler with a context: it has the values of ctx, and ends with ctx as well as for the reasons that
// [RequestContext] has. A nil ctx is context.Background.
func ContextHandler(ctx context.Context, handler func(context.Context, Request)) Handler {
	if ctx == nil {
		ctx = context.Background()
	}
	return &contextHandler{ctx, handler}
}

// Handle calls the function.
func (h *contextHandler) Handle(r Request) {
	own, ok := r.(*request)
	if !ok {
		h.handle(h.ctx, r)
		return
	}
	h.handle(own.within(own.ep.svc.join(h)), r)
}

// join is the handler's context, which ends with the service, too. There is one for each handler, so a request without a deadline costs nothing.
func (s *service) join(h *contextHandler) context.Context {
	if ctx, ok := s.joined.Load(h); ok {
		return ctx.(context.Context)
	}
	ctx, cancel := context.WithCancelCause(h.ctx)
	first, again := s.joined.LoadOrStore(h, ctx)
	if again {
		cancel(nil)
		return first.(context.Context)
	}
	context.AfterFunc(s.ctx, func() { cancel(context.Cause(s.ctx)) })
	return ctx
}
