package jetstream

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/mono"
)

type fetchCase struct {
	opts    []FetchOpt
	want    wire.PullRequest // without Batch
	refused string
}

// fetchOptions has, for each function that makes a FetchOpt, what it asks for or how it is refused.
var fetchOptions = map[string][]fetchCase{
	"none": {
		{want: wire.PullRequest{Expires: 30 * time.Second, Heartbeat: 5 * time.Second}},
		{opts: []FetchOpt{nil}, want: wire.PullRequest{Expires: 30 * time.Second, Heartbeat: 5 * time.Second}},
	},
	"FetchMaxWait": {
		{opts: []FetchOpt{FetchMaxWait(10 * time.Second)}, want: wire.PullRequest{Expires: 10 * time.Second, Heartbeat: 5 * time.Second}},
		{opts: []FetchOpt{FetchMaxWait(9999 * time.Millisecond)}, want: wire.PullRequest{Expires: 9999 * time.Millisecond}},
		{opts: []FetchOpt{FetchMaxWait(1)}, want: wire.PullRequest{Expires: 1}},
		{opts: []FetchOpt{FetchMaxWait(math.MaxInt64)}, want: wire.PullRequest{Expires: math.MaxInt64, Heartbeat: 5 * time.Second}},
		{opts: []FetchOpt{FetchMaxWait(0)}, refused: "timeout value must be greater than 0"},
		{opts: []FetchOpt{FetchMaxWait(-1)}, refused: "timeout value must be greater than 0"},
	},
	"FetchContext": {
		{opts: []FetchOpt{FetchContext(context.Background())}, want: wire.PullRequest{Expires: 30 * time.Second, Heartbeat: 5 * time.Second}},
		{opts: []FetchOpt{FetchContext(nil)}, refused: nats.ErrInvalidContext.Error()},
		{opts: []FetchOpt{FetchContext(past())}, refused: "context deadline already exceeded"},
		{opts: []FetchOpt{FetchContext(context.Background()), FetchMaxWait(1)}, refused: "cannot specify both FetchContext and FetchMaxWait"},
		{opts: []FetchOpt{FetchMaxWait(1), FetchContext(context.Background())}, refused: "cannot specify both FetchContext and FetchMaxWait"},
	},
	"FetchHeartbeat": {
		{opts: []FetchOpt{FetchHeartbeat(time.Second), FetchMaxWait(2 * time.Second)}, want: wire.PullRequest{Expires: 2 * time.Second, Heartbeat: time.Second}},
		{opts: []FetchOpt{FetchHeartbeat(15 * time.Second)}, want: wire.PullRequest{Expires: 30 * time.Second, Heartbeat: 15 * time.Second}},
		{opts: []FetchOpt{FetchHeartbeat(15*time.Second + 1)}, refused: "expiry time should be at least 2 times the heartbeat"},
		{opts: []FetchOpt{FetchHeartbeat(math.MaxInt64)}, refused: "expiry time should be at least 2 times the heartbeat"},
		{opts: []FetchOpt{FetchHeartbeat(0)}, refused: "timeout value must be greater than 0"},
		{opts: []FetchOpt{FetchHeartbeat(-1)}, refused: "timeout value must be greater than 0"},
	},
	"FetchMaxBytes": {
		{opts: []FetchOpt{FetchMaxWait(1), FetchMaxBytes(7)}, want: wire.PullRequest{Expires: 1, MaxBytes: 7}},
		{opts: []FetchOpt{FetchMaxBytes(0)}, refused: "max bytes must be greater than 0"},
		{opts: []FetchOpt{FetchMaxBytes(-1)}, refused: "max bytes must be greater than 0"},
	},
	"FetchMinPending": {
		{opts: []FetchOpt{FetchMaxWait(1), FetchMinPending(7)}, want: wire.PullRequest{Expires: 1, MinPending: 7}},
		{opts: []FetchOpt{FetchMinPending(0)}, refused: "min pending should be more than 0"},
		{opts: []FetchOpt{FetchMinPending(-1)}, refused: "min pending should be more than 0"},
	},
	"FetchMinAckPending": {
		{opts: []FetchOpt{FetchMaxWait(1), FetchMinAckPending(7)}, want: wire.PullRequest{Expires: 1, MinAckPending: 7}},
		{opts: []FetchOpt{FetchMinAckPending(0)}, refused: "min ack pending should be more than 0"},
	},
	"FetchPriorityGroup": {
		{opts: []FetchOpt{FetchMaxWait(1), FetchPriorityGroup("g")}, want: wire.PullRequest{Expires: 1, Group: "g"}},
	},
	"FetchPrioritized": {
		{opts: []FetchOpt{FetchMaxWait(1), FetchPrioritized(9)}, want: wire.PullRequest{Expires: 1, Priority: 9}},
	},
}

func past() context.Context {
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	cancel()
	return ctx
}

func TestFetchOptions(t *testing.T) {
	t.Parallel()
	for name, cases := range fetchOptions {
		for i, tc := range cases {
			spec, err := newFetch(3, tc.opts)
			if tc.refused != "" {
				if want := ErrInvalidOption.Error() + ": " + tc.refused; !errors.Is(err, ErrInvalidOption) || err.Error() != want {
					t.Errorf("%s %d: got %v, want %q", name, i, err, want)
				}
				continue
			}
			tc.want.Batch = 3
			if err != nil || spec.Request != tc.want || spec.Deadline != mono.Never {
				t.Errorf("%s %d: got %+v until %v, %v, want %+v for ever", name, i, spec.Request, spec.Deadline, err, tc.want)
			}
		}
	}
	for _, batch := range []int{0, -1, math.MinInt} {
		if _, err := newFetch(batch, nil); !errors.Is(err, nats.ErrInvalidArg) {
			t.Errorf("batch %d: got %v, want %v", batch, err, nats.ErrInvalidArg)
		}
	}
}

func TestFetchContextExpiry(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]time.Duration{
		time.Second:      900 * time.Millisecond,
		10 * time.Second: 9 * time.Second,
		time.Minute:      59 * time.Second,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		defer cancel()
		o := fetchOpts{ctx: ctx}
		got, err := o.expires()
		if err != nil || got > want || got < want-500*time.Millisecond {
			t.Errorf("%v left: got %v, %v, want %v", left, got, err, want)
		}
	}
}

// functionsThatReturn lists the exported functions of this package with one result of a type.
func functionsThatReturn(t *testing.T, result string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !fn.Name.IsExported() || fn.Type.Results == nil || len(fn.Type.Results.List) != 1 {
				continue
			}
			if id, ok := fn.Type.Results.List[0].Type.(*ast.Ident); ok && id.Name == result {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}
