package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/big"
	"strings"
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
)

// Counter is the state of one subject of a stream of counters.
type Counter struct {
	// Subject of the counter.
	Subject string
	// Value after the last change.
	Value *big.Int
	// Last is the last change, nil if the stream has added up sources.
	Last *big.Int
	// Sources are the counters that this one adds up, by stream and subject, when the stream has sources.
	Sources map[string]map[string]*big.Int
	// Sequence and Time of the message that holds the value.
	Sequence uint64
	Time     time.Time
}

// Errors of counters. They are matched by their codes.
var (
	// ErrCountersDisabled: the stream does not have AllowMsgCounter.
	ErrCountersDisabled JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeCountersDisabled, Description: "message counters is disabled"}}
	// ErrIncrementMissing: a message without an increment was published to a stream of counters.
	ErrIncrementMissing JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeIncrementMissing, Description: "message counter increment is missing"}}
	// ErrIncrementPayload: a message with an increment has a payload.
	ErrIncrementPayload JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeIncrementPayload, Description: "message counter has payload"}}
	// ErrIncrementInvalid: the increment cannot be read, or is not allowed with the message's other headers.
	ErrIncrementInvalid JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeIncrementInvalid, Description: "message counter increment is invalid"}}
	// ErrCounterBroken: the subject's last message is no counter.
	ErrCounterBroken JetStreamError = &jsError{api: &APIError{Code: 400, ErrorCode: JSErrCodeCounterBroken, Description: "message counter is broken"}}
)

// Codes of errors of counters.
const (
	JSErrCodeCountersDisabled ErrorCode = 10168
	JSErrCodeIncrementMissing ErrorCode = 10169
	JSErrCodeIncrementPayload ErrorCode = 10170
	JSErrCodeIncrementInvalid ErrorCode = 10171
	JSErrCodeCounterBroken    ErrorCode = 10172
)

// counterErrors are the refusals that callers compare with ==.
var counterErrors = []JetStreamError{ErrCountersDisabled, ErrIncrementMissing, ErrIncrementPayload, ErrIncrementInvalid, ErrCounterBroken}

// WithIncrement makes a publish without payload add n, which may be negative, to the counter of the message's subject (ADR-49, nats-server
// 2.12). The stream must have AllowMsgCounter; Value of the ack is the counter afterwards. [ErrInvalidOption] when n is nil.
func WithIncrement(n *big.Int) PublishOpt {
	if n == nil {
		return pubRefused("increment cannot be nil")
	}
	return pubText(pubIncr, "increment", fmt.Sprintf("%+d", n))
}

// AddCounter adds n to the counter of subj and returns its new value. It publishes like Publisher.Publish: "no responders" is tried
// again, a timeout is not, since the increment may have been made; with [WithMsgID] it can be published again without being made
// twice, but a Duplicate ack has no value: then AddCounter returns nil and no error. Errors are those of Publish, and those of counters above.
func AddCounter(ctx context.Context, js JetStream, subj string, n *big.Int, opts ...PublishOpt) (*big.Int, error) {
	if own, ok := js.(*jetStream); !ok || own == nil {
		return nil, errForeignJS
	}
	ack, err := js.Publish(ctx, subj, nil, append(opts[:len(opts):len(opts)], WithIncrement(n))...)
	if err == nil && ack.Value != "" {
		return parseCount(ack.Value)
	}
	for _, e := range counterErrors {
		if errors.Is(err, e) {
			return nil, e
		}
	}
	return nil, err
}

// GetCounter reads the counter of a subject. [ErrMsgNotFound] when it was never changed, [ErrCounterBroken] when the subject's last
// message is no counter, and the errors of Stream.GetLastMsgForSubject.
func GetCounter(ctx context.Context, s Stream, subj string) (*Counter, error) {
	if own, ok := s.(*stream); !ok || own == nil {
		return nil, errForeignStream
	}
	if subj == "" || strings.ContainsAny(subj, "*>") {
		return nil, fmt.Errorf("%w: %q", ErrInvalidSubject, subj)
	}
	m, err := s.GetLastMsgForSubject(ctx, subj)
	if err != nil {
		return nil, err
	}
	return counterOf(m)
}

// GetCounters returns an iterator over the counters of subjects, which may have wildcards, as [GetLastMsgs] reads them: all values are
// those of one moment. What is no counter is ErrCounterBroken, and ends it.
func GetCounters(ctx context.Context, s Stream, subjects []string, opts ...GetManyOpt) iter.Seq2[*Counter, error] {
	return func(yield func(*Counter, error) bool) {
		for m, err := range GetLastMsgs(ctx, s, subjects, opts...) {
			var c *Counter
			if err == nil {
				c, err = counterOf(m)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// counterOf reads a message of a stream of counters.
func counterOf(m *RawStreamMsg) (*Counter, error) {
	var body struct {
		Value string `json:"val"`
	}
	if json.Unmarshal(m.Data, &body) != nil {
		return nil, ErrCounterBroken
	}
	c := &Counter{Subject: m.Subject, Sequence: m.Sequence, Time: m.Time}
	var err error
	if c.Value, err = parseCount(body.Value); err != nil {
		return nil, ErrCounterBroken
	}
	if last := m.Header.Get(wire.HdrIncr); last != "" {
		if c.Last, err = parseCount(last); err != nil {
			return nil, ErrCounterBroken
		}
	}
	if sources := m.Header.Get(wire.HdrCounterSources); sources != "" {
		if c.Sources, err = parseSources(sources); err != nil {
			return nil, ErrCounterBroken
		}
	}
	return c, nil
}

func parseSources(text string) (map[string]map[string]*big.Int, error) {
	var in map[string]map[string]string
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, err
	}
	out := make(map[string]map[string]*big.Int, len(in))
	for stream, subjects := range in {
		out[stream] = make(map[string]*big.Int, len(subjects))
		for subj, value := range subjects {
			n, err := parseCount(value)
			if err != nil {
				return nil, err
			}
			out[stream][subj] = n
		}
	}
	return out, nil
}

// longestCount bounds a number from the network: reading one takes time that grows with the square of its length.
const longestCount = 10_000

func parseCount(text string) (*big.Int, error) {
	if len(text) > longestCount {
		return nil, ErrCounterBroken
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, ErrCounterBroken
	}
	return n, nil
}
