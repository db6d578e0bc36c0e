package nats

import (
	"errors"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/run"
	"github.com/gannet-io/nats/internal/js/wire"
)

func TestPubFuture(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for _, tc := range []struct {
		name    string
		code    wire.Code
		refused *wire.APIError
		err     error
		want    error
	}{
		{name: "ack"},
		{name: "no stream", code: wire.NoResponders, want: ErrNoResponders},
		{name: "no ack", code: wire.InvalidAck, want: ErrInvalidJSAck},
		{name: "late", code: wire.AckTimeout, want: ErrAsyncPublishTimeout},
		{name: "cleanup", code: wire.PublisherClosed, want: ErrJetStreamPublisherClosed},
		{name: "link lost", code: wire.Disconnected, err: ErrDisconnected, want: ErrDisconnected},
		{name: "connection closed", code: wire.ConnectionClosed, err: ErrConnectionClosed, want: ErrConnectionClosed},
		{name: "not sent again", code: wire.OtherStatus, err: boom, want: boom},
		{name: "refused", code: wire.ServerRefused, refused: &wire.APIError{Code: 400, ErrCode: 10071, Description: "wrong last sequence: 1"}},
	} {
		f := new(pubFuture)
		var r run.Result = f
		like := &wire.PubAck{Stream: "S", Sequence: 1, Domain: "d", Value: "v"}
		r.Resolved(wire.StreamAck{Like: like, Sequence: 3, Duplicate: true}, tc.code, tc.refused, tc.err)
		select {
		case ack := <-f.Ok():
			if want := (PubAck{Stream: "S", Sequence: 3, Duplicate: true, Domain: "d"}); tc.code != wire.OK || *ack != want {
				t.Errorf("%s: got %+v, want %+v", tc.name, ack, want)
			}
		case err := <-f.Err():
			var refused *APIError
			switch {
			case tc.refused == nil && err != tc.want:
				t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
			case tc.refused != nil && (!errors.As(err, &refused) || *refused != APIError{400, 10071, "wrong last sequence: 1"}):
				t.Errorf("%s: got %#v", tc.name, err)
			}
		}
	}
}

func TestPubFutureMsg(t *testing.T) {
	t.Parallel()
	theirs, f := &Msg{}, new(pubFuture)
	f.msg.Store(theirs)
	if got := f.Msg(); got != theirs {
		t.Errorf("got %p, want the caller's %p", got, theirs)
	}
}

func TestAsyncOptions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		opt     JSOpt
		want    error
		max     int
		timeout time.Duration
	}{
		{"window", PublishAsyncMaxPending(1), nil, 1, 0},
		{"no window", PublishAsyncMaxPending(0), errMaxPending, 0, 0},
		{"negative window", PublishAsyncMaxPending(-1), errMaxPending, 0, 0},
		{"timeout", PublishAsyncTimeout(time.Second), nil, 0, time.Second},
		{"no timeout", PublishAsyncTimeout(0), nil, 0, -1},
		{"negative timeout", PublishAsyncTimeout(-time.Hour), nil, 0, -1},
		{"no handler", PublishAsyncErrHandler(nil), nil, 0, 0},
	} {
		var o jsOpts
		err := o.apply([]JSOpt{tc.opt})
		if err != tc.want || o.asyncMax != tc.max || o.asyncTimeout != tc.timeout || o.asyncFailed != nil {
			t.Errorf("%s: got %d, %v, %v, want %d, %v, %v", tc.name, o.asyncMax, o.asyncTimeout, err, tc.max, tc.timeout, tc.want)
		}
	}
}
