package jetstream

import (
	"context"
	"errors"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/wire"
)

// operation is what ended: the same event is another error value in each.
type operation uint8

const (
	opPublish operation = iota
	opPublishAsync
	opFetch // the whole family but Next
	opNext
)

type outcome struct {
	op   operation
	code wire.Code
}

// outcomes are the errors of this API. They are returned as they are, because callers compare with ==. A code that is missing
// here comes with an error or with words of its own.
var outcomes = map[outcome]error{
	{opPublish, wire.NoResponders}: ErrNoStreamResponse,
	{opPublish, wire.InvalidAck}:   ErrInvalidJSAck,
	{opPublish, wire.Timeout}:      context.DeadlineExceeded, // the default timeout stands in for a deadline

	{opPublishAsync, wire.NoResponders}:    ErrNoStreamResponse,
	{opPublishAsync, wire.InvalidAck}:      ErrInvalidJSAck,
	{opPublishAsync, wire.AckTimeout}:      ErrAsyncPublishTimeout,
	{opPublishAsync, wire.PublisherClosed}: ErrJetStreamPublisherClosed,

	{opFetch, wire.OK}:               nil,
	{opFetch, wire.NoMessages}:       nil,
	{opFetch, wire.RequestTimeout}:   nil,
	{opFetch, wire.MaxBytesExceeded}: nil,
	{opFetch, wire.Timeout}:          ErrNoAnswer, // a request that lives ends with a status
	{opFetch, wire.NoAnswer}:         ErrNoAnswer,
	{opFetch, wire.NoHeartbeat}:      ErrNoHeartbeat,
	{opFetch, wire.NoResponders}:     nats.ErrNoResponders,
	{opFetch, wire.ConsumerDeleted}:  ErrConsumerDeleted,
	{opFetch, wire.LeadershipChange}: ErrConsumerLeadershipChanged,
	{opFetch, wire.ServerShutdown}:   ErrServerShutdown,
	{opFetch, wire.BatchCompleted}:   ErrBatchCompleted,
	{opFetch, wire.BadRequest}:       ErrBadRequest,
	{opFetch, wire.PinIDMismatch}:    ErrPinIDMismatch,
	{opFetch, wire.Disconnected}:     nats.ErrDisconnected,
	{opFetch, wire.ConnectionClosed}: nats.ErrConnectionClosed,
	{opFetch, wire.Canceled}:         context.Canceled, // without a context: nobody does that

	{opNext, wire.NoMessages}:       nats.ErrTimeout,
	{opNext, wire.RequestTimeout}:   nats.ErrTimeout,
	{opNext, wire.Timeout}:          nats.ErrTimeout,
	{opNext, wire.NoAnswer}:         nats.ErrTimeout,
	{opNext, wire.MaxBytesExceeded}: nats.ErrTimeout,
}

// failed is the error of a code: that of the operation; for Next, what it has in common with a fetch; err as it is; or the
// server's refusal.
func failed(op operation, code wire.Code, refused *wire.APIError, err error) error {
	switch {
	case err != nil:
		return err
	case refused != nil:
		return &APIError{Code: refused.Code, ErrorCode: ErrorCode(refused.ErrCode), Description: refused.Description}
	}
	if err, known := outcomes[outcome{op, code}]; known {
		return err
	}
	if err, known := outcomes[outcome{opFetch, code}]; known && op == opNext {
		return err
	}
	return errors.New("nats: request ended: " + code.String())
}

// ended is failed for a batch, which the server may have ended with words that have no value here.
func ended(op operation, code wire.Code, words string) error {
	if code == wire.LimitExceeded || code == wire.OtherStatus {
		if words == "" {
			words = "request ended by an unknown status"
		}
		return errors.New("nats: " + words)
	}
	return failed(op, code, nil, nil)
}
