package jetstream

import (
	"context"
	"errors"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/natserr"
)

func TestPublishOutcomes(t *testing.T) {
	t.Parallel()
	own := errors.New("own")
	refusal := &wire.APIError{Code: 400, ErrCode: 10071, Description: "wrong last sequence: 7"}
	for _, tc := range []struct {
		op      operation
		code    wire.Code
		refused *wire.APIError
		err     error
		want    error
	}{
		{op: opPublish, code: wire.NoResponders, want: ErrNoStreamResponse},
		{op: opPublish, code: wire.InvalidAck, want: ErrInvalidJSAck},
		{op: opPublish, code: wire.Timeout, want: context.DeadlineExceeded},
		{op: opPublish, code: wire.Canceled, err: context.Canceled, want: context.Canceled},
		{op: opPublish, code: wire.ConnectionClosed, err: natserr.ConnectionClosed, want: nats.ErrConnectionClosed},
		{op: opPublish, code: wire.OtherStatus, err: own, want: own},
		{op: opPublish, code: wire.Timeout, err: natserr.Timeout, want: nats.ErrTimeout},
		{op: opPublishAsync, code: wire.NoResponders, want: ErrNoStreamResponse},
		{op: opPublishAsync, code: wire.InvalidAck, want: ErrInvalidJSAck},
		{op: opPublishAsync, code: wire.AckTimeout, want: ErrAsyncPublishTimeout},
		{op: opPublishAsync, code: wire.PublisherClosed, want: ErrJetStreamPublisherClosed},
		{op: opPublishAsync, code: wire.Disconnected, err: natserr.Disconnected, want: nats.ErrDisconnected},
		{op: opPublishAsync, code: wire.ConnectionClosed, err: natserr.ConnectionClosed, want: nats.ErrConnectionClosed},
		{op: opPublishAsync, code: wire.OtherStatus, err: natserr.MaxPayload, want: nats.ErrMaxPayload},
	} {
		if got := failed(tc.op, tc.code, tc.refused, tc.err); got != tc.want {
			t.Errorf("operation %d, %v, %v: got %v, want %v", tc.op, tc.code, tc.err, got, tc.want)
		}
	}
	for _, op := range []operation{opPublish, opPublishAsync} {
		api, ok := failed(op, wire.ServerRefused, refusal, nil).(*APIError)
		if !ok || api.Code != 400 || api.ErrorCode != JSErrCodeStreamWrongLastSequence || api.Description != "wrong last sequence: 7" {
			t.Errorf("operation %d, refused: got %v, want the server's error, bare", op, api)
		}
	}
}

func TestFetchOutcomes(t *testing.T) {
	t.Parallel()
	const words = "Exceeded MaxWaiting"
	for code, want := range map[wire.Code]struct{ fetch, next error }{
		wire.NoMessages:       {nil, nats.ErrTimeout},
		wire.RequestTimeout:   {nil, nats.ErrTimeout},
		wire.MaxBytesExceeded: {nil, nats.ErrTimeout},
		wire.Timeout:          {ErrNoAnswer, nats.ErrTimeout},
		wire.NoAnswer:         {ErrNoAnswer, nats.ErrTimeout},
		wire.NoHeartbeat:      {ErrNoHeartbeat, ErrNoHeartbeat},
		wire.NoResponders:     {nats.ErrNoResponders, nats.ErrNoResponders},
		wire.ConsumerDeleted:  {ErrConsumerDeleted, ErrConsumerDeleted},
		wire.LeadershipChange: {ErrConsumerLeadershipChanged, ErrConsumerLeadershipChanged},
		wire.ServerShutdown:   {ErrServerShutdown, ErrServerShutdown},
		wire.BatchCompleted:   {ErrBatchCompleted, ErrBatchCompleted},
		wire.BadRequest:       {ErrBadRequest, ErrBadRequest},
		wire.PinIDMismatch:    {ErrPinIDMismatch, ErrPinIDMismatch},
		wire.Disconnected:     {nats.ErrDisconnected, nats.ErrDisconnected},
		wire.ConnectionClosed: {nats.ErrConnectionClosed, nats.ErrConnectionClosed},
	} {
		if got := ended(opFetch, code, words); got != want.fetch {
			t.Errorf("fetch, %v: got %v, want %v", code, got, want.fetch)
		}
		if got := ended(opNext, code, words); got != want.next {
			t.Errorf("next, %v: got %v, want %v", code, got, want.next)
		}
	}
	for _, code := range []wire.Code{wire.LimitExceeded, wire.OtherStatus} {
		for _, op := range []operation{opFetch, opNext} {
			if got, want := ended(op, code, words).Error(), "nats: "+words; got != want {
				t.Errorf("operation %d, %v: got %q, want %q", op, code, got, want)
			}
			if got := ended(op, code, ""); got == nil || got.Error() == "nats: " {
				t.Errorf("operation %d, %v without words: got %v", op, code, got)
			}
		}
	}
}

// TestEveryCodeEnds: a code that nobody thought of is an error with a text, never nil.
func TestEveryCodeEnds(t *testing.T) {
	t.Parallel()
	good := map[wire.Code]bool{wire.OK: true, wire.NoMessages: true, wire.RequestTimeout: true, wire.MaxBytesExceeded: true}
	for code := range wire.Code(255) {
		for _, op := range []operation{opPublish, opPublishAsync, opFetch, opNext} {
			if op == opFetch && good[code] || op == opNext && code == wire.OK {
				continue
			}
			if err := ended(op, code, ""); err == nil || err.Error() == "" {
				t.Errorf("operation %d, %v: got %v, want an error", op, code, err)
			}
		}
	}
}

func TestNoAnswerMatches(t *testing.T) {
	t.Parallel()
	if !errors.Is(ErrNoAnswer, nats.ErrTimeout) || ErrNoAnswer.APIError() != nil {
		t.Error("ErrNoAnswer is a timeout, and the client's own")
	}
	for _, other := range []error{ErrNoHeartbeat, ErrNoMessages, ErrAsyncPublishTimeout, nats.ErrNoResponders} {
		if errors.Is(ErrNoAnswer, other) || errors.Is(other, ErrNoAnswer) {
			t.Errorf("ErrNoAnswer matches %v", other)
		}
	}
}
