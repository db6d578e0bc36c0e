package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/natserr"
)

// fragile is a fake that tells of lost links.
type fragile struct{ *fake }

func (f fragile) RequestOnce(ctx context.Context, timeout time.Duration, subject string, hdr, data []byte) (engine.Reply, error) {
	return f.Request(ctx, timeout, subject, hdr, data)
}

func TestMayRepeat(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]bool{
		"INFO": true, "STREAM.INFO.S": true, "STREAM.NAMES": true, "STREAM.MSG.GET.S": true, "DIRECT.GET.S": true, "DIRECT.GET.S.a.b": true,
		"STREAM.CREATE.S": true, "STREAM.UPDATE.S": true, "CONSUMER.CREATE.S.c": true, "CONSUMER.CREATE.S.c.a.b": true, "CONSUMER.DURABLE.CREATE.S.c": true,
		"CONSUMER.CREATE.S": false, "STREAM.DELETE.S": false, "STREAM.PURGE.S": false, "STREAM.MSG.DELETE.S": false, "CONSUMER.DELETE.S.c": false,
		"CONSUMER.UNPIN.S.c": false, "CONSUMER.RESET.S.c": false, "": false,
	} {
		if got := mayRepeat(subject); got != want {
			t.Errorf("%s: got %t, want %t", subject, got, want)
		}
	}
}

// TestRepeat loses links, and has a JetStream that is late behind them.
func TestRepeat(t *testing.T) {
	t.Parallel()
	lost, none := natserr.Disconnected, natserr.NoResponders
	for name, tc := range map[string]struct {
		subject string
		fails   []error // the first answers; then it answers
		want    error
		asked   int
		took    time.Duration
	}{
		"answered":             {"INFO", nil, nil, 1, 0},
		"lost twice":           {"INFO", []error{lost, lost}, nil, 3, 0},
		"late behind a loss":   {"INFO", []error{lost, none, none}, nil, 4, 2 * wakeUp},
		"never there":          {"INFO", []error{none}, none, 1, 0},
		"gone behind a loss":   {"INFO", []error{lost, none, none, none, none, none, none, none, none, none, none, none}, none, 12, 10 * wakeUp},
		"refused for its size": {"INFO", []error{natserr.MaxPayload}, natserr.MaxPayload, 1, 0},
		"a deletion":           {"STREAM.DELETE.S", []error{lost}, lost, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(func(n int, _ request) (engine.Reply, error) {
					if n < len(tc.fails) {
						return engine.Reply{}, tc.fails[n]
					}
					return engine.Reply{Data: []byte("{}")}, nil
				})
				c := &Client{Conn: fragile{f}, Prefix: "$JS.API."}
				began := time.Now()
				_, _, err := Call[struct{}](t.Context(), c, tc.subject, nil)
				if err != tc.want || len(f.requests()) != tc.asked || time.Since(began) != tc.took {
					t.Errorf("got %v after %d requests and %v, want %v, %d, %v", err, len(f.requests()), time.Since(began), tc.want, tc.asked, tc.took)
				}
			})
		})
	}
}

// The time of a call is that of all its repetitions.
func TestRepeatIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(func(_ int, r request) (engine.Reply, error) {
			if r.timeout > time.Second {
				time.Sleep(time.Second)
				return engine.Reply{}, natserr.Disconnected
			}
			time.Sleep(r.timeout)
			return engine.Reply{}, natserr.Timeout
		})
		c := &Client{Conn: fragile{f}, Prefix: "$JS.API."}
		began := time.Now()
		_, _, err := Call[struct{}](context.Background(), c, "INFO", nil)
		if err != context.DeadlineExceeded || time.Since(began) != DefaultTimeout {
			t.Errorf("got %v after %v, want %v after %v", err, time.Since(began), context.DeadlineExceeded, DefaultTimeout)
		}
	})
}
