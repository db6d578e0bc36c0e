package jetstream

import (
	"fmt"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/subject"
)

// JetStreamOptions are the settings of a [JetStream].
type JetStreamOptions struct {
	// APIPrefix precedes the API's subjects instead of DefaultAPIPrefix; the final dot may be missing. Not together with
	// Domain.
	APIPrefix string
	// Domain whose API is used.
	Domain string
	// DefaultTimeout of calls whose context has no deadline; 5 seconds unless set.
	DefaultTimeout time.Duration
	// ClientTrace is called for requests and answers; nil: nothing is traced.
	ClientTrace *ClientTrace

	publisher *publisherOptions // nil: the defaults
	pedantic  bool
	level     int // that servers must have; 0: any
}

// JetStreamOpt sets one of the [JetStreamOptions]. A nil option is skipped.
type JetStreamOpt func(*JetStreamOptions) error

// ClientTrace is called for every request to the JetStream API, on the goroutine that makes it. Functions may be nil.
type ClientTrace struct {
	// RequestSent is called before a request is sent. payload must not be changed or kept.
	RequestSent func(subj string, payload []byte)
	// ResponseReceived is called with the subject of the request when its answer came. payload must not be changed or kept.
	ResponseReceived func(subj string, payload []byte, hdr nats.Header)
}

// WithClientTrace traces requests to the API.
func WithClientTrace(ct *ClientTrace) JetStreamOpt {
	return func(o *JetStreamOptions) error {
		o.ClientTrace = ct
		return nil
	}
}

// WithDefaultTimeout bounds calls whose context has no deadline. It must be above 0, else [ErrInvalidOption].
func WithDefaultTimeout(timeout time.Duration) JetStreamOpt {
	return func(o *JetStreamOptions) error {
		if timeout <= 0 {
			return fmt.Errorf("%w: timeout value must be greater than 0", ErrInvalidOption)
		}
		o.DefaultTimeout = timeout
		return nil
	}
}

// newOptions applies opts and checks the result.
func newOptions(o JetStreamOptions, opts []JetStreamOpt) (JetStreamOptions, error) {
	for _, opt := range opts {
		if opt == nil {
			continue
		}
		if err := opt(&o); err != nil {
			return o, err
		}
	}
	if o.DefaultTimeout <= 0 {
		o.DefaultTimeout = api.DefaultTimeout
	}
	switch {
	case o.Domain != "" && o.APIPrefix != "":
		return o, fmt.Errorf("%w: domain and API prefix are both set", ErrInvalidOption)
	case o.Domain != "" && !validPrefix(o.Domain):
		return o, fmt.Errorf("%w: domain %q", ErrInvalidOption, o.Domain)
	case o.APIPrefix != "" && !validPrefix(strings.TrimSuffix(o.APIPrefix, ".")):
		return o, fmt.Errorf("%w: API prefix %q", ErrInvalidOption, o.APIPrefix)
	}
	return o, nil
}

// validPrefix reports whether p can begin subjects: a valid one without wildcards.
func validPrefix(p string) bool { return subject.ValidSubscribe(p) && !subject.Wildcard(p) }

func (o *JetStreamOptions) client(conn api.Link) *api.Client {
	c := &api.Client{Conn: conn, Prefix: wire.Prefix(o.Domain, o.APIPrefix), Timeout: o.DefaultTimeout}
	if o.level > 0 {
		c.Header = levelHeader(o.level)
	}
	if t := o.ClientTrace; t != nil {
		c.Sent = t.RequestSent
		if t.ResponseReceived != nil {
			c.Received = func(subject string, payload, hdr []byte) {
				h, _ := headerOf(hdr) // the trace shows what can be read
				t.ResponseReceived(subject, payload, h)
			}
		}
	}
	return c
}
