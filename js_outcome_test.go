package nats

import (
	"context"
	"errors"
	"testing"

	"github.com/gannet-io/nats/internal/js/wire"
)

// allCodes are all that there are.
func allCodes() (codes []wire.Code) {
	for c := wire.OK; c <= wire.OtherStatus; c++ {
		codes = append(codes, c)
	}
	return codes
}

func TestPullOutcomes(t *testing.T) {
	t.Parallel()
	words := errors.New("the server's words")
	type pair struct{ fetch, batch error }
	want := map[wire.Code]pair{
		wire.OK:               {nil, nil},
		wire.NoMessages:       {ErrTimeout, nil},
		wire.RequestTimeout:   {ErrTimeout, nil},
		wire.Timeout:          {ErrTimeout, ErrTimeout},
		wire.NoAnswer:         {ErrTimeout, ErrTimeout},
		wire.NoHeartbeat:      {ErrNoHeartbeat, ErrNoHeartbeat},
		wire.NoResponders:     {ErrNoResponders, ErrNoResponders},
		wire.ConsumerDeleted:  {ErrConsumerDeleted, ErrConsumerDeleted},
		wire.LeadershipChange: {ErrConsumerLeadershipChanged, ErrConsumerLeadershipChanged},
		wire.Disconnected:     {ErrFetchDisconnected, ErrFetchDisconnected},
		wire.ConnectionClosed: {ErrConnectionClosed, ErrConnectionClosed},
	}
	for _, code := range allCodes() {
		w, known := want[code]
		if !known {
			w = pair{words, words}
		}
		for _, op := range []jsOperation{opFetch, opFetchBatch} {
			wanted := w.fetch
			if op == opFetchBatch {
				wanted = w.batch
			}
			err := jsPullEnded(op, code, "Server Shutdown")
			switch {
			case wanted == words:
				if err == nil || err.Error() != "nats: Server Shutdown" {
					t.Errorf("%v, %v: got %v, want the server's words", op, code, err)
				}
			case err != wanted:
				t.Errorf("%v, %v: got %v, want %v", op, code, err, wanted)
			}
			if err := jsPullEnded(op, code, ""); !known && err == nil {
				t.Errorf("%v, %v without words: no error", op, code)
			}
		}
	}
}

func TestPublishOutcomes(t *testing.T) {
	t.Parallel()
	for _, op := range []jsOperation{opPublish, opPublishAsync} {
		for _, code := range allCodes() {
			if err := jsEnded(op, code, nil, nil); err == nil {
				t.Errorf("%v, %v: no error", op, code)
			}
		}
	}
	for code, want := range map[wire.Code]error{wire.NoResponders: ErrNoStreamResponse, wire.InvalidAck: ErrInvalidJSAck, wire.Timeout: ErrTimeout} {
		if err := jsEnded(opPublish, code, nil, nil); err != want {
			t.Errorf("%v: got %v, want %v", code, err, want)
		}
	}
	if err := jsEnded(opPublish, wire.Canceled, nil, context.Canceled); err != context.Canceled {
		t.Errorf("got %v, want the context's error as it is", err)
	}
	err := jsEnded(opPublish, wire.ServerRefused, &wire.APIError{Code: 503, ErrCode: uint16(JSErrCodeJetStreamNotEnabled)}, nil)
	if !errors.Is(err, ErrJetStreamNotEnabled) {
		t.Errorf("got %v, want it to match by its code", err)
	}
}
