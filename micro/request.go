package micro

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/gannet-io/nats"
)

// Request is what a handler gets. It may be kept and answered later, from another goroutine, as long as the connection lives. The methods that
// answer may be called concurrently.
type Request interface {
	// Respond answers with data. Errors wrap [ErrRespond] and the reason: nats.ErrMsgNoReply when the caller wants no answer,
	// nats.ErrMaxPayload, nats.ErrBadHeaderMsg, nats.ErrConnectionClosed and so on. They count as errors of the endpoint.
	Respond([]byte, ...RespondOpt) error
	// RespondJSON answers with a value's JSON. Errors: [ErrMarshalResponse], and those of Respond.
	RespondJSON(any, ...RespondOpt) error
	// Error answers that the request has failed: with a code and a description, which go into headers, and data, which may be nil. It counts as
	// an error of the endpoint. Errors: [ErrArgRequired], wrapped, when code or description is empty, then nothing is sent; and the reasons of Respond,
	// bare.
	Error(code, description string, data []byte, opts ...RespondOpt) error
	// Data is what the caller sent. It belongs to the handler.
	Data() []byte
	// Headers are the caller's; nil when there are none.
	Headers() Headers
	// Subject is the one that the request came on, which matters for endpoints with wildcards.
	Subject() string
	// Reply is the subject for the answer; empty when the caller wants none.
	Reply() string
}

// Handler answers requests.
type Handler interface {
	// Handle answers a request, or leaves that to others: nothing is sent when it returns without an answer.
	Handle(Request)
}

// HandlerFunc is a [Handler] that is a function.
type HandlerFunc func(Request)

// Handle calls the function.
func (f HandlerFunc) Handle(r Request) { f(r) }

// Headers are the headers of a request or of an answer: values by key. Keys keep their case, and it counts. Nil can be read.
type Headers nats.Header

// Get returns the first value of key, empty when there is none.
func (h Headers) Get(key string) string { return nats.Header(h).Get(key) }

// Values returns all values of key, nil when there are none. It is no copy.
func (h Headers) Values(key string) []string { return nats.Header(h).Values(key) }

// RespondOpt changes a message before it is sent. Its header is not nil. Nil options are skipped.
type RespondOpt func(*nats.Msg)

// WithHeaders adds headers; they replace those with the same keys, also the ones that [Request].Error makes.
func WithHeaders(headers Headers) RespondOpt {
	return func(m *nats.Msg) {
		if m.Header == nil {
			m.Header = make(nats.Header, len(headers))
		}
		maps.Copy(m.Header, headers)
	}
}

func newMsg(data []byte, headers nats.Header, opts []RespondOpt) *nats.Msg {
	m := &nats.Msg{Data: data, Header: headers}
	for _, opt := range opts {
		if opt != nil {
			opt(m)
		}
	}
	return m
}

// request is one object for each message, since a handler may keep it.
type request struct {
	msg      *nats.Msg
	ep       *endpoint
	cancel   context.CancelFunc // of contexts with the caller's deadline; guarded by ep.mu
	failure  string             // what Stats will say of it; guarded by ep.mu
	over     bool               // the handler has returned; guarded by ep.mu
	answered atomic.Bool
}

func (r *request) Data() []byte     { return r.msg.Data }
func (r *request) Headers() Headers { return Headers(r.msg.Header) }
func (r *request) Subject() string  { return r.msg.Subject }
func (r *request) Reply() string    { return r.msg.Reply }

func (r *request) Respond(data []byte, opts ...RespondOpt) error {
	var err error
	if len(opts) == 0 {
		err = r.msg.Respond(data)
	} else {
		err = r.msg.RespondMsg(newMsg(data, make(nats.Header), opts))
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrRespond, err)
		r.failed(err.Error())
		return err
	}
	r.answered.Store(true)
	return nil
}

func (r *request) RespondJSON(v any, opts ...RespondOpt) error {
	data, err := json.Marshal(v)
	if err != nil {
		return ErrMarshalResponse // bare: programs compare with ==
	}
	return r.Respond(data, opts...)
}

func (r *request) Error(code, description string, data []byte, opts ...RespondOpt) error {
	switch {
	case code == "":
		return fmt.Errorf("%w: error code", ErrArgRequired)
	case description == "":
		return fmt.Errorf("%w: description", ErrArgRequired)
	}
	headers := nats.Header{ErrorHeader: {description}, ErrorCodeHeader: {code}}
	if err := r.msg.RespondMsg(newMsg(data, headers, opts)); err != nil {
		r.failed(err.Error())
		return err
	}
	r.answered.Store(true)
	r.failed(code + ":" + description)
	return nil
}

// failed notes an error. A request counts once while its handler runs, with the last one; what fails later counts by itself.
func (r *request) failed(text string) {
	r.ep.mu.Lock()
	defer r.ep.mu.Unlock()
	if r.over {
		r.ep.figures.failLocked(text)
		return
	}
	r.failure = text
}
