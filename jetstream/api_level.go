package jetstream

import (
	"fmt"
	"strconv"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// Errors of strict servers. They are matched by their codes.
var (
	// ErrRequiredAPILevel: the server is older than [WithRequiredAPILevel] or [WithPublishAPILevel] demands.
	ErrRequiredAPILevel JetStreamError = &jsError{api: &APIError{Code: 412, ErrorCode: JSErrCodeRequiredAPILevel, Description: "JetStream minimum api level required"}}
	// ErrPedantic: the server would have changed a configuration; an [*APIError] with its words matches it.
	ErrPedantic JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodePedantic, Description: "pedantic mode"}}
)

// Codes of these errors.
const (
	JSErrCodePedantic         ErrorCode = 10157
	JSErrCodeRequiredAPILevel ErrorCode = 10185
)

// WithPedanticConfigs makes the server refuse a configuration of a stream or consumer that it would otherwise adjust without a word,
// such as a duplicate window that is longer than the maximum age (ADR-44, nats-server 2.11): [ErrPedantic].
func WithPedanticConfigs() JetStreamOpt {
	return func(o *JetStreamOptions) error {
		o.pedantic = true
		return nil
	}
}

// WithRequiredAPILevel makes servers whose API level is below level refuse every request to the API, instead of ignoring what they do not know of
// it (ADR-44, nats-server 2.12): [ErrRequiredAPILevel]. The level of a server stands in [AccountInfo]; 2.11 has 1, 2.12 has 2. It must be above
// 0, else [ErrInvalidOption]. Pull requests and publishes are not requests to the API; see [WithPublishAPILevel].
func WithRequiredAPILevel(level int) JetStreamOpt {
	return func(o *JetStreamOptions) error {
		if level <= 0 {
			return fmt.Errorf("%w: API level must be greater than 0", ErrInvalidOption)
		}
		o.level = level
		return nil
	}
}

// WithPublishAPILevel makes a server whose API level is below level refuse the message of a [Batch] or an [Ingest], instead of ignoring
// headers that it does not know (ADR-44): an error that matches [ErrRequiredAPILevel]. nats-server 2.15 does not look at it in other publishes.
// It must be above 0, else [ErrInvalidOption].
func WithPublishAPILevel(level int) PublishOpt {
	if level <= 0 {
		return pubRefused("API level must be greater than 0")
	}
	return func(o *pubOpts) error {
		o.number(pubAPILevel, uint64(level))
		return nil
	}
}

// levelHeader is the header block of requests that need a level.
func levelHeader(level int) []byte {
	return proto.AppendPairs(nil, wire.HdrRequiredAPILevel, strconv.Itoa(level))
}
