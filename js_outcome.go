package nats

import (
	"errors"

	"github.com/gannet-io/nats/internal/js/wire"
)

// jsOperation is what ended: the same event is another error value in each.
type jsOperation uint8

const (
	opPublish jsOperation = iota
	opPublishAsync
	opFetch
	opFetchBatch
)

type jsOutcome struct {
	op   jsOperation
	code wire.Code
}

// jsOutcomes are the errors of this API. They are returned as they are, because callers compare with ==. A code that is missing
// here comes with an error or with words of its own.
var jsOutcomes = map[jsOutcome]error{
	{opPublish, wire.NoResponders}: ErrNoStreamResponse,
	{opPublish, wire.InvalidAck}:   ErrInvalidJSAck,
	{opPublish, wire.Timeout}:      ErrTimeout,

	{opPublishAsync, wire.NoResponders}:    ErrNoResponders,
	{opPublishAsync, wire.InvalidAck}:      ErrInvalidJSAck,
	{opPublishAsync, wire.AckTimeout}:      ErrAsyncPublishTimeout,
	{opPublishAsync, wire.PublisherClosed}: ErrJetStreamPublisherClosed,

	{opFetch, wire.OK}:               nil,
	{opFetch, wire.NoMessages}:       ErrTimeout,
	{opFetch, wire.RequestTimeout}:   ErrTimeout,
	{opFetch, wire.Timeout}:          ErrTimeout,
	{opFetch, wire.NoAnswer}:         ErrTimeout,
	{opFetch, wire.NoHeartbeat}:      ErrNoHeartbeat,
	{opFetch, wire.NoResponders}:     ErrNoResponders,
	{opFetch, wire.ConsumerDeleted}:  ErrConsumerDeleted,
	{opFetch, wire.LeadershipChange}: ErrConsumerLeadershipChanged,
	{opFetch, wire.Disconnected}:     ErrFetchDisconnected,
	{opFetch, wire.ConnectionClosed}: ErrConnectionClosed,

	// A batch of messages that come one by one may be empty; only a server that does not even say so is worth an error.
	{opFetchBatch, wire.OK}:               nil,
	{opFetchBatch, wire.NoMessages}:       nil,
	{opFetchBatch, wire.RequestTimeout}:   nil,
	{opFetchBatch, wire.Timeout}:          ErrTimeout,
	{opFetchBatch, wire.NoAnswer}:         ErrTimeout,
	{opFetchBatch, wire.NoHeartbeat}:      ErrNoHeartbeat,
	{opFetchBatch, wire.NoResponders}:     ErrNoResponders,
	{opFetchBatch, wire.ConsumerDeleted}:  ErrConsumerDeleted,
	{opFetchBatch, wire.LeadershipChange}: ErrConsumerLeadershipChanged,
	{opFetchBatch, wire.Disconnected}:     ErrFetchDisconnected,
	{opFetchBatch, wire.ConnectionClosed}: ErrConnectionClosed,
}

// jsEnded is the error of a code: that of the operation, err as it is, or the server's refusal.
func jsEnded(op jsOperation, code wire.Code, refused *wire.APIError, err error) error {
	switch {
	case err != nil:
		return err
	case refused != nil:
		return &APIError{Code: refused.Code, ErrorCode: ErrorCode(refused.ErrCode), Description: refused.Description}
	}
	if err, known := jsOutcomes[jsOutcome{op, code}]; known {
		return err
	}
	return errors.New("nats: request ended: " + code.String())
}

// jsPullEnded is jsEnded for pulls, which the server may end with words that have no value here.
func jsPullEnded(op jsOperation, code wire.Code, words string) error {
	if _, known := jsOutcomes[jsOutcome{op, code}]; !known && words != "" {
		return errors.New("nats: " + words)
	}
	return jsEnded(op, code, nil, nil)
}
