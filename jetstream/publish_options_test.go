package jetstream

import (
	"errors"
	"maps"
	"math"
	"math/big"
	"strconv"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pubwin"
)

// publishOptions has, for each function that makes a PublishOpt, what it sets or how it is refused.
var publishOptions = map[string][]struct {
	opts    []PublishOpt
	headers map[string]string
	retry   pubwin.Retry // zero: the default
	stall   time.Duration
	refused string // text behind that of ErrInvalidOption
}{
	"none": {{}, {opts: []PublishOpt{nil, nil}}},
	"WithMsgID": {
		{opts: []PublishOpt{WithMsgID("7")}, headers: map[string]string{"Nats-Msg-Id": "7"}},
		{opts: []PublishOpt{WithMsgID("7"), WithMsgID("8")}, headers: map[string]string{"Nats-Msg-Id": "8"}},
		{opts: []PublishOpt{WithMsgID("7"), WithMsgID("")}},
		{opts: []PublishOpt{WithMsgID("7\r\nNats-TTL: 1s")}, refused: "message id must not contain a line break"},
	},
	"WithMsgTTL": {
		{opts: []PublishOpt{WithMsgTTL(90 * time.Second)}, headers: map[string]string{"Nats-TTL": "1m30s"}},
		{opts: []PublishOpt{WithMsgTTL(0)}},
		{opts: []PublishOpt{WithMsgTTL(math.MaxInt64)}, headers: map[string]string{"Nats-TTL": "2562047h47m16.854775807s"}},
		{opts: []PublishOpt{WithMsgTTL(-1)}, refused: "message TTL cannot be negative"},
		{opts: []PublishOpt{WithMsgTTL(math.MinInt64)}, refused: "message TTL cannot be negative"},
	},
	"WithExpectStream": {
		{opts: []PublishOpt{WithExpectStream("S")}, headers: map[string]string{"Nats-Expected-Stream": "S"}},
		{opts: []PublishOpt{WithExpectStream("S\n")}, refused: "expected stream must not contain a line break"},
	},
	"WithExpectLastSequence": {
		{opts: []PublishOpt{WithExpectLastSequence(0)}, headers: map[string]string{"Nats-Expected-Last-Sequence": "0"}},
		{opts: []PublishOpt{WithExpectLastSequence(math.MaxUint64)}, headers: map[string]string{"Nats-Expected-Last-Sequence": "18446744073709551615"}},
	},
	"WithExpectLastSequencePerSubject": {
		{opts: []PublishOpt{WithExpectLastSequencePerSubject(0)}, headers: map[string]string{"Nats-Expected-Last-Subject-Sequence": "0"}},
	},
	"WithExpectLastSequenceForSubject": {
		{opts: []PublishOpt{WithExpectLastSequenceForSubject(3, "s.*")}, headers: map[string]string{
			"Nats-Expected-Last-Subject-Sequence": "3", "Nats-Expected-Last-Subject-Sequence-Subject": "s.*",
		}},
		{opts: []PublishOpt{WithExpectLastSequenceForSubject(3, "")}, refused: "subject cannot be empty"},
		{opts: []PublishOpt{WithExpectLastSequenceForSubject(3, "a\rb")}, refused: "subject must not contain a line break"},
	},
	"WithExpectLastMsgID": {
		{opts: []PublishOpt{WithExpectLastMsgID("7")}, headers: map[string]string{"Nats-Expected-Last-Msg-Id": "7"}},
		{opts: []PublishOpt{WithExpectLastMsgID("7\n")}, refused: "expected last message id must not contain a line break"},
	},
	"WithRetryAttempts": {
		{opts: []PublishOpt{WithRetryAttempts(0)}, retry: pubwin.Retry{Wait: 250 * time.Millisecond}},
		{opts: []PublishOpt{WithRetryAttempts(math.MaxInt)}, retry: pubwin.Retry{Attempts: math.MaxInt, Wait: 250 * time.Millisecond}},
		{opts: []PublishOpt{WithRetryAttempts(-1)}, refused: "retry attempts cannot be negative"},
	},
	"WithRetryWait": {
		{opts: []PublishOpt{WithRetryWait(1)}, retry: pubwin.Retry{Attempts: 2, Wait: 1}},
		{opts: []PublishOpt{WithRetryWait(0)}, refused: "retry wait should be more than 0"},
		{opts: []PublishOpt{WithRetryWait(-1)}, refused: "retry wait should be more than 0"},
	},
	"WithStallWait": {
		{opts: []PublishOpt{WithStallWait(1)}, stall: 1},
		{opts: []PublishOpt{WithStallWait(0)}, refused: "stall wait should be more than 0"},
		{opts: []PublishOpt{WithStallWait(-1)}, refused: "stall wait should be more than 0"},
	},
	"WithScheduleAt": {
		{opts: []PublishOpt{WithScheduleAt(time.Date(2030, 1, 2, 3, 4, 5, 678, time.FixedZone("x", 3600)))}, headers: map[string]string{"Nats-Schedule": "@at 2030-01-02T02:04:05Z"}},
		{opts: []PublishOpt{WithScheduleAt(time.Time{})}, headers: map[string]string{"Nats-Schedule": "@at 0001-01-01T00:00:00Z"}},
	},
	"WithScheduleEvery": {
		{opts: []PublishOpt{WithScheduleEvery(90 * time.Second)}, headers: map[string]string{"Nats-Schedule": "@every 1m30s"}},
		{opts: []PublishOpt{WithScheduleCron("@daily"), WithScheduleEvery(time.Hour)}, headers: map[string]string{"Nats-Schedule": "@every 1h0m0s"}},
		{opts: []PublishOpt{WithScheduleEvery(999 * time.Millisecond)}, refused: "schedule interval must be at least 1s"},
		{opts: []PublishOpt{WithScheduleEvery(-time.Hour)}, refused: "schedule interval must be at least 1s"},
	},
	"WithScheduleCron": {
		{opts: []PublishOpt{WithScheduleCron("0 0 0 * * *")}, headers: map[string]string{"Nats-Schedule": "0 0 0 * * *"}},
		{opts: []PublishOpt{WithScheduleCron("")}, refused: "cron expression cannot be empty"},
		{opts: []PublishOpt{WithScheduleCron("@daily\r\n")}, refused: "cron expression must not contain a line break"},
	},
	"WithScheduleTarget": {
		{opts: []PublishOpt{WithScheduleTarget("s.t")}, headers: map[string]string{"Nats-Schedule-Target": "s.t"}},
		{opts: []PublishOpt{WithScheduleTarget("")}, refused: "schedule target subject cannot be empty"},
		{opts: []PublishOpt{WithScheduleTarget("\n")}, refused: "schedule target subject must not contain a line break"},
	},
	"WithScheduleSource": {
		{opts: []PublishOpt{WithScheduleSource("s.o")}, headers: map[string]string{"Nats-Schedule-Source": "s.o"}},
		{opts: []PublishOpt{WithScheduleSource("")}, refused: "schedule source subject cannot be empty"},
	},
	"WithScheduleTTL": {
		{opts: []PublishOpt{WithScheduleTTL(time.Minute)}, headers: map[string]string{"Nats-Schedule-TTL": "1m0s"}},
		{opts: []PublishOpt{WithScheduleTTL(0)}, refused: "schedule TTL must be greater than 0"},
		{opts: []PublishOpt{WithScheduleTTL(-1)}, refused: "schedule TTL must be greater than 0"},
	},
	"WithScheduleTTLNever": {
		{opts: []PublishOpt{WithScheduleTTL(time.Minute), WithScheduleTTLNever()}, headers: map[string]string{"Nats-Schedule-TTL": "never"}},
	},
	"WithScheduleTimeZone": {
		{opts: []PublishOpt{WithScheduleTimeZone("Europe/Berlin")}, headers: map[string]string{"Nats-Schedule-Time-Zone": "Europe/Berlin"}},
		{opts: []PublishOpt{WithScheduleTimeZone("")}, refused: "schedule time zone cannot be empty"},
	},
	"WithIncrement": {
		{opts: []PublishOpt{WithIncrement(big.NewInt(7))}, headers: map[string]string{"Nats-Incr": "+7"}},
		{opts: []PublishOpt{WithIncrement(big.NewInt(math.MinInt64))}, headers: map[string]string{"Nats-Incr": "-9223372036854775808"}},
		{opts: []PublishOpt{WithIncrement(new(big.Int))}, headers: map[string]string{"Nats-Incr": "+0"}},
		{opts: []PublishOpt{WithIncrement(nil)}, refused: "increment cannot be nil"},
	},
	"WithPublishAPILevel": {
		{opts: []PublishOpt{WithPublishAPILevel(math.MaxInt)}, headers: map[string]string{"Nats-Required-Api-Level": strconv.Itoa(math.MaxInt)}},
		{opts: []PublishOpt{WithPublishAPILevel(0)}, refused: "API level must be greater than 0"},
		{opts: []PublishOpt{WithPublishAPILevel(-1)}, refused: "API level must be greater than 0"},
	},
	"WithScheduleRollup": {
		{opts: []PublishOpt{WithScheduleRollup()}, headers: map[string]string{"Nats-Schedule-Rollup": "sub"}},
	},
}

func TestPublishOptions(t *testing.T) {
	t.Parallel()
	for name, cases := range publishOptions {
		for _, tc := range cases {
			o, err := newPubOpts(tc.opts)
			if tc.refused != "" {
				if want := ErrInvalidOption.Error() + ": " + tc.refused; !errors.Is(err, ErrInvalidOption) || err.Error() != want {
					t.Errorf("%s: got %v, want %q", name, err, want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: got %v, want no error", name, err)
				continue
			}
			want := tc.retry
			if want == (pubwin.Retry{}) {
				want = pubwin.Retry{Attempts: 2, Wait: 250 * time.Millisecond}
			}
			if o.retry != want || o.stall != tc.stall {
				t.Errorf("%s: got %+v and stall %v, want %+v and %v", name, o.retry, o.stall, want, tc.stall)
			}
			h := nats.Header{}
			o.write(h)
			got := make(map[string]string)
			for k, v := range h {
				if len(v) != 1 {
					t.Errorf("%s: %s has %d values, want 1", name, k, len(v))
				}
				got[k] = v[0]
			}
			if !maps.Equal(got, tc.headers) {
				t.Errorf("%s: got headers %v, want %v", name, got, tc.headers)
			}
		}
	}
}

// TestOptionTablesAreComplete: an option that is added must be added to the tables of this package's tests.
func TestOptionTablesAreComplete(t *testing.T) {
	t.Parallel()
	for result, known := range map[string]func(name string) bool{
		"PublishOpt": func(name string) bool { return len(publishOptions[name]) > 0 },
		"FetchOpt":   func(name string) bool { return len(fetchOptions[name]) > 0 },
	} {
		made := functionsThatReturn(t, result)
		if len(made) == 0 {
			t.Errorf("no function returns %s", result)
		}
		for _, name := range made {
			if !known(name) {
				t.Errorf("%s is missing in the table of %ss", name, result)
			}
		}
	}
}

// TestOptionsWriteIntoTheMessage: callers see the headers that options set, beside their own and in place of older ones.
func TestOptionsWriteIntoTheMessage(t *testing.T) {
	t.Parallel()
	js := &jetStream{eng: new(engine.Conn)}
	m := &nats.Msg{Subject: "s", Header: nats.Header{"K": {"v"}, "Nats-Msg-Id": {"old", "older"}}}
	_, block, err := js.prepare(m, []PublishOpt{WithMsgID("new"), WithExpectStream("S")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(block), "NATS/1.0\r\nK: v\r\nNats-Expected-Stream: S\r\nNats-Msg-Id: new\r\n\r\n"; got != want {
		t.Errorf("got block %q, want %q", got, want)
	}
	if got := m.Header; len(got) != 3 || got.Get("Nats-Msg-Id") != "new" || len(got.Values("Nats-Msg-Id")) != 1 || got.Get("K") != "v" {
		t.Errorf("got header %v", got)
	}
	m.Header.Add("Nats-Msg-Id", "more") // must not reach the value of another header
	if got := m.Header.Get("Nats-Expected-Stream"); got != "S" {
		t.Errorf("got expected stream %q, want S", got)
	}
	plain := &nats.Msg{Subject: "s"}
	if _, block, err := js.prepare(plain, nil); err != nil || block != nil || plain.Header != nil {
		t.Errorf("without options: got block %q, header %v, %v, want nothing", block, plain.Header, err)
	}
	refused := &nats.Msg{Subject: "s"}
	if _, _, err := js.prepare(refused, []PublishOpt{WithMsgID("x"), WithRetryWait(0)}); err == nil || refused.Header != nil {
		t.Errorf("refused options: got %v, header %v, want an error and no header", err, refused.Header)
	}
	if _, _, err := js.prepare(&nats.Msg{Subject: "s", Header: nats.Header{"a b": {"v"}}}, nil); err != nats.ErrBadHeaderMsg {
		t.Errorf("bad key: got %v, want %v", err, nats.ErrBadHeaderMsg)
	}
}

func TestAsyncOptions(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, -1, math.MinInt} {
		if _, err := newOptions(JetStreamOptions{}, []JetStreamOpt{WithPublishAsyncMaxPending(n)}); !errors.Is(err, ErrInvalidOption) {
			t.Errorf("max pending %d: got %v, want %v", n, err, ErrInvalidOption)
		}
	}
	for given, want := range map[time.Duration]time.Duration{time.Second: time.Second, 0: -1, -time.Hour: -1} {
		o, err := newOptions(JetStreamOptions{}, []JetStreamOpt{WithPublishAsyncTimeout(given), WithPublishAsyncErrHandler(nil), WithPublishAsyncAckHandler(nil)})
		if err != nil || o.async().timeout != want {
			t.Errorf("timeout %v: got %v, %v, want %v", given, o.async().timeout, err, want)
		}
	}
}
