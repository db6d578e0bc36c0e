package run

import (
	"errors"
	"testing"

	"github.com/gannet-io/nats/internal/js/wire"
)

func TestFuture(t *testing.T) {
	t.Parallel()
	ack, failure := &wire.PubAck{Sequence: 1}, errors.New("no")
	for name, tc := range map[string]struct {
		before bool // channels are asked for first
		err    error
	}{"ok, asked before": {before: true}, "ok, asked after": {}, "error, asked before": {before: true, err: failure}, "error, asked after": {err: failure}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f Future[wire.PubAck]
			var ok <-chan *wire.PubAck
			var fail <-chan error
			if tc.before {
				ok, fail = f.Ok(), f.Err()
			}
			if _, _, done := f.Outcome(); done {
				t.Error("done before Resolve")
			}
			f.Resolve(ack, tc.err)
			f.Resolve(nil, errors.New("a second one"))
			if !tc.before {
				ok, fail = f.Ok(), f.Err()
			}
			if f.Ok() != ok || f.Err() != fail {
				t.Error("a second call returns another channel")
			}
			wantOk, wantErr := 1, 0
			if tc.err != nil {
				wantOk, wantErr = 0, 1
			}
			if len(ok) != wantOk || len(fail) != wantErr {
				t.Errorf("channels hold %d and %d values, want %d and %d", len(ok), len(fail), wantOk, wantErr)
			}
			if gotAck, err, done := f.Outcome(); gotAck != ack || err != tc.err || !done {
				t.Errorf("Outcome: %v, %v, %t", gotAck, err, done)
			}
		})
	}
}
