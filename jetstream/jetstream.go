package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/bridge"
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// JetStream is the JetStream API of one account and domain. It may be used concurrently, and need not be closed.
type JetStream interface {
	// AccountInfo returns what the account uses of JetStream and may use. ErrJetStreamNotEnabled or
	// ErrJetStreamNotEnabledForAccount where there is none.
	AccountInfo(ctx context.Context) (*AccountInfo, error)

	// Conn returns the connection.
	Conn() *nats.Conn

	// Options returns the settings that are in force.
	Options() JetStreamOptions

	StreamConsumerManager
	StreamManager
	Publisher
	KeyValueManager
	ObjectStoreManager
}

type jetStream struct {
	nc   *nats.Conn
	opts JetStreamOptions
	api  *api.Client
	eng  *engine.Conn
	conn connection // eng, or what stands in for it in tests
	pub  *run.Publisher
}

// New returns the JetStream of the account and domain that nc is connected to. It asks the server nothing, so nc need not
// be connected at the moment. nats.ErrInvalidConnection when nc is nil; [ErrInvalidOption], or what an option returned.
func New(nc *nats.Conn, opts ...JetStreamOpt) (JetStream, error) {
	return newJetStream(nc, JetStreamOptions{}, opts)
}

// NewWithAPIPrefix is [New] for an API that is imported under another prefix, whose final dot may be missing. [ErrInvalidOption] for one that is
// empty or cannot begin a subject.
func NewWithAPIPrefix(nc *nats.Conn, apiPrefix string, opts ...JetStreamOpt) (JetStream, error) {
	if apiPrefix == "" {
		return nil, fmt.Errorf("%w: API prefix cannot be empty", ErrInvalidOption)
	}
	return newJetStream(nc, JetStreamOptions{APIPrefix: apiPrefix}, opts)
}

// NewWithDomain is [New] for another domain. [ErrInvalidOption] for one that is empty or cannot be part of a subject. Whether it exists is told by
// the first call: [ErrJetStreamNotEnabled] of AccountInfo, nats.ErrNoResponders of others.
func NewWithDomain(nc *nats.Conn, domain string, opts ...JetStreamOpt) (JetStream, error) {
	if domain == "" {
		return nil, fmt.Errorf("%w: domain cannot be empty", ErrInvalidOption)
	}
	return newJetStream(nc, JetStreamOptions{Domain: domain}, opts)
}

func newJetStream(nc *nats.Conn, o JetStreamOptions, opts []JetStreamOpt) (JetStream, error) {
	if nc == nil {
		return nil, nats.ErrInvalidConnection
	}
	eng := bridge.EngineOf(nc)
	if eng == nil { // not made by nats.Connect
		return nil, nats.ErrInvalidConnection
	}
	o, err := newOptions(o, opts)
	if err != nil {
		return nil, err
	}
	js := &jetStream{nc: nc, opts: o, api: o.client(eng), eng: eng, conn: eng}
	js.pub = js.newPublisher()
	return js, nil
}

func (js *jetStream) Conn() *nats.Conn          { return js.nc }
func (js *jetStream) Options() JetStreamOptions { return js.opts }

func (js *jetStream) AccountInfo(ctx context.Context) (*AccountInfo, error) {
	info, err := call[AccountInfo](ctx, js, wire.AccountInfo, nil, ErrJetStreamNotEnabled, ErrJetStreamNotEnabledForAccount)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, ErrJetStreamNotEnabled
	}
	if err != nil {
		return nil, err
	}
	return &info, nil
}

// errNilContext is for contexts that are nil.
var errNilContext = nats.ErrInvalidContext

// call asks the API; known is as for [failure].
func call[T any](ctx context.Context, js *jetStream, subject string, req any, known ...JetStreamError) (T, error) {
	if ctx == nil {
		var none T
		return none, errNilContext
	}
	answer, refused, err := api.Call[T](ctx, js.api, subject, req)
	return answer, failure(refused, err, known...)
}

// failure is what a call returns: nil, the error of the connection or the context as it is, or the server's refusal. A
// refusal with the error code of one of known is that very value, because callers compare with ==.
func failure(refused *wire.APIError, err error, known ...JetStreamError) error {
	switch {
	case err != nil:
		return unanswered(err)
	case refused == nil:
		return nil
	}
	for _, e := range known {
		if e.APIError().ErrorCode == ErrorCode(refused.ErrCode) {
			return e
		}
	}
	return &APIError{Code: refused.Code, ErrorCode: ErrorCode(refused.ErrCode), Description: refused.Description}
}

// unanswered is failure of a call without a whole answer.
func unanswered(err error) error {
	var lacks *api.IncompleteError
	switch {
	case errors.As(err, &lacks):
		return fmt.Errorf("%w: %w", ErrListIncomplete, err)
	case errors.Is(err, api.ErrBadAnswer):
		return fmt.Errorf("%w: %w", ErrInvalidJetStreamResponse, err)
	}
	return err
}

// headerOf decodes a header block; an empty one is a nil Header.
func headerOf(block []byte) (nats.Header, error) {
	if len(block) == 0 {
		return nil, nil
	}
	return proto.ParseHeader(block)
}
