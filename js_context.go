package nats

import (
	"context"
	"errors"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
)

// JetStreamContext is the older JetStream API of one account and domain; package jetstream has the newer one. It may be used
// concurrently, and need not be closed.
type JetStreamContext interface {
	JetStreamManager
}

// js is the JetStreamContext.
type js struct {
	nc   *Conn
	link api.Link // the engine of nc
	opts jsOpts
	api  *api.Client // as opts say
}

// JetStream returns the older JetStream API of the account that nc is connected to. It asks the server nothing. The options
// are defaults of every call; nil ones are skipped. Errors: [ErrInvalidConnection] when nc is nil, and that of an option.
func (nc *Conn) JetStream(opts ...JSOpt) (JetStreamContext, error) {
	if nc == nil {
		return nil, ErrInvalidConnection
	}
	j := &js{nc: nc, link: nc.eng}
	if err := j.opts.apply(opts); err != nil {
		return nil, err
	}
	j.api = j.opts.client(j.link)
	return j, nil
}

func (o *jsOpts) apply(opts []JSOpt) error {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt.configureJSContext(o); err != nil {
			return err
		}
	}
	return nil
}

func (o *jsOpts) client(link api.Link) *api.Client {
	c := &api.Client{Conn: link, Prefix: wire.Prefix("", o.prefix), Timeout: o.wait, Sent: o.trace.RequestSent}
	if received := o.trace.ResponseReceived; received != nil {
		c.Received = func(subject string, payload, hdr []byte) {
			h, _ := jsHeader(hdr) // the trace shows what can be read
			received(subject, payload, h)
		}
	}
	return c
}

// jsCall is one call with its options: those of the context, and its own on top.
type jsCall struct {
	ctx  context.Context
	api  *api.Client
	opts jsOpts
}

// call prepares a call. A context or timeout of its own replaces both of the JetStream context's.
func (j *js) call(opts []JSOpt) (*jsCall, error) {
	c := &jsCall{ctx: context.Background(), api: j.api, opts: j.opts}
	if len(opts) > 0 {
		c.opts.ctx, c.opts.wait = nil, 0
		if err := c.opts.apply(opts); err != nil {
			return nil, err
		}
		if c.opts.ctx != nil && c.opts.wait > 0 {
			return nil, ErrContextAndTimeout
		}
		if c.opts.ctx == nil && c.opts.wait == 0 {
			c.opts.ctx = j.opts.ctx
		}
		if c.opts.wait == 0 {
			c.opts.wait = j.opts.wait
		}
		c.api = c.opts.client(j.link)
	}
	if c.opts.ctx != nil {
		c.ctx = c.opts.ctx
	}
	return c, nil
}

// jsAsk asks the API; known is as for [jsFailure].
func jsAsk[T any](c *jsCall, subject string, req any, known ...JetStreamError) (T, error) {
	answer, refused, err := api.Call[T](c.ctx, c.api, subject, req)
	return answer, jsFailure(refused, err, known...)
}

// jsFailure is what a call returns: nil, the error of the connection or the context as it is, or the server's refusal. A
// refusal with the error code of one of known is that very value, because callers compare with ==.
func jsFailure(refused *wire.APIError, err error, known ...JetStreamError) error {
	switch {
	case err != nil:
		return err
	case refused == nil:
		return nil
	case refused.ErrCode == 0: // a status of a direct get has no error code
		return errors.New("nats: " + refused.Description)
	}
	for _, e := range known {
		if e.APIError().ErrorCode == ErrorCode(refused.ErrCode) {
			return e
		}
	}
	return &APIError{Code: refused.Code, ErrorCode: ErrorCode(refused.ErrCode), Description: refused.Description}
}

// notEnabled is for calls where nobody answering means that there is no JetStream.
func notEnabled(err error) error {
	if errors.Is(err, ErrNoResponders) {
		return ErrJetStreamNotEnabled
	}
	return err
}
