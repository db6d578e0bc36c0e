package nats

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/engine"
	"github.com/gannet-io/nats/internal/js/pubwin"
)

func TestPubOptions(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	type want struct {
		header Header
		retry  pubwin.Retry // of a synchronous publish
		stall  time.Duration
		ctx    context.Context
		wait   time.Duration
	}
	for _, tc := range []struct {
		name  string
		opts  []PubOpt
		async bool
		want  want
	}{
		{name: "none", want: want{retry: syncRetry}},
		{name: "nil", opts: []PubOpt{nil}, want: want{retry: syncRetry}},
		{name: "all headers", opts: []PubOpt{
			MsgId("id"), MsgTTL(90 * time.Second), ExpectStream("S"), ExpectLastMsgId("before"), ExpectLastSequence(7), ExpectLastSequencePerSubject(8),
		}, want: want{retry: syncRetry, header: Header{
			"Nats-Msg-Id": {"id"}, "Nats-TTL": {"1m30s"}, "Nats-Expected-Stream": {"S"}, "Nats-Expected-Last-Msg-Id": {"before"},
			"Nats-Expected-Last-Sequence": {"7"}, "Nats-Expected-Last-Subject-Sequence": {"8"},
		}}},
		{name: "sequences of zero count", opts: []PubOpt{ExpectLastSequence(0), ExpectLastSequencePerSubject(0)}, want: want{retry: syncRetry, header: Header{
			"Nats-Expected-Last-Sequence": {"0"}, "Nats-Expected-Last-Subject-Sequence": {"0"},
		}}},
		{name: "empty texts do not", opts: []PubOpt{MsgId(""), MsgTTL(0), MsgTTL(-1), ExpectStream(""), ExpectLastMsgId("")}, want: want{retry: syncRetry}},
		{name: "retries", opts: []PubOpt{RetryAttempts(5), RetryWait(time.Second)}, want: want{retry: pubwin.Retry{Attempts: 5, Wait: time.Second}}},
		{name: "no retries", opts: []PubOpt{RetryAttempts(0)}, want: want{retry: pubwin.Retry{Wait: DefaultPubRetryWait}}},
		{name: "retries without a wait", opts: []PubOpt{RetryWait(0)}, want: want{retry: pubwin.Retry{Attempts: DefaultPubRetryAttempts}}},
		{name: "retries for ever", opts: []PubOpt{RetryAttempts(-2)}, want: want{retry: pubwin.Retry{Attempts: -2, Wait: DefaultPubRetryWait}}},
		{name: "ack wait", opts: []PubOpt{AckWait(time.Second)}, want: want{retry: syncRetry, wait: time.Second}},
		{name: "no ack wait", opts: []PubOpt{AckWait(0), Context(ctx)}, want: want{retry: syncRetry, ctx: ctx}},
		{name: "stall", opts: []PubOpt{StallWait(1)}, async: true, want: want{retry: syncRetry, stall: 1}},
	} {
		check := (*pubOpts).forSync
		if tc.async {
			check = (*pubOpts).forAsync
		}
		o, err := newPubOpts(tc.opts, check)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		h := Header{}
		o.write(h)
		if !maps.EqualFunc(h, tc.want.header, slices.Equal) || o.headers() != (len(tc.want.header) > 0) {
			t.Errorf("%s: headers %v (any: %v), want %v", tc.name, h, o.headers(), tc.want.header)
		}
		if got := (want{tc.want.header, o.retry(syncRetry), o.stall, o.ctx, o.wait}); got.retry != tc.want.retry || got.stall != tc.want.stall ||
			got.ctx != tc.want.ctx || got.wait != tc.want.wait {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
	o, err := newPubOpts([]PubOpt{RetryWait(time.Second)}, (*pubOpts).forAsync)
	if want := (pubwin.Retry{Wait: time.Second}); err != nil || o.retry(asyncRetry) != want {
		t.Errorf("an asynchronous publish without attempts: got %+v, %v, want %+v", o.retry(asyncRetry), err, want)
	}
}

func TestPubOptionsRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, tc := range []struct {
		name        string
		opts        []PubOpt
		sync, async error // nil: allowed
	}{
		{"negative ack wait", []PubOpt{AckWait(-1)}, ErrInvalidArg, ErrInvalidArg},
		{"negative retry wait", []PubOpt{RetryWait(-1)}, ErrInvalidArg, ErrInvalidArg},
		{"line break in the id", []PubOpt{MsgId("a\r\nb")}, ErrInvalidArg, ErrInvalidArg},
		{"line break in the stream", []PubOpt{ExpectStream("a\nb")}, ErrInvalidArg, ErrInvalidArg},
		{"line break in the last id", []PubOpt{ExpectLastMsgId("a\rb")}, ErrInvalidArg, ErrInvalidArg},
		{"nil context", []PubOpt{Context(nil)}, ErrInvalidContext, ErrInvalidContext},
		{"context and ack wait", []PubOpt{Context(ctx), AckWait(1)}, ErrContextAndTimeout, ErrContextAndTimeout},
		{"context", []PubOpt{Context(ctx)}, nil, ErrContextAndTimeout},
		{"ack wait", []PubOpt{AckWait(1)}, nil, ErrContextAndTimeout},
		{"retries for ever", []PubOpt{RetryAttempts(-1)}, nil, ErrInvalidArg},
		{"stall", []PubOpt{StallWait(1)}, errStallSync, nil},
		{"no stall", []PubOpt{StallWait(0)}, errStallWait, errStallWait},
		{"negative stall", []PubOpt{StallWait(-1)}, errStallWait, errStallWait},
	} {
		if _, err := newPubOpts(tc.opts, (*pubOpts).forSync); !errors.Is(err, tc.sync) {
			t.Errorf("%s, synchronous: got %v, want %v", tc.name, err, tc.sync)
		}
		if _, err := newPubOpts(tc.opts, (*pubOpts).forAsync); !errors.Is(err, tc.async) {
			t.Errorf("%s, asynchronous: got %v, want %v", tc.name, err, tc.async)
		}
	}
}

func TestPubBlocks(t *testing.T) {
	t.Parallel()
	o, err := newPubOpts([]PubOpt{MsgId("id")}, (*pubOpts).forSync)
	if err != nil {
		t.Fatal(err)
	}
	const want = "NATS/1.0\r\nNats-Msg-Id: id\r\n\r\n"
	for range 2 {
		if block, err := o.block("s"); string(block) != want || err != nil {
			t.Errorf("block: got %q, %v, want %q", block, err, want)
		}
	}
	m := &Msg{Subject: "s"}
	if block, err := o.seal(new(engine.Conn), m); string(block) != want || err != nil || m.Header.Get(MsgIdHdr) != "id" {
		t.Errorf("seal: got %q, %v, header %v, want %q and the id in the header", block, err, m.Header, want)
	}
	for name, tc := range map[string]struct {
		m    *Msg
		want error
	}{
		"nil":         {nil, ErrInvalidMsg},
		"no subject":  {&Msg{}, ErrBadSubject},
		"white space": {&Msg{Subject: "a\r\nPUB x 0"}, ErrBadSubject},
		"bad key":     {&Msg{Subject: "s", Header: Header{"a b": {"c"}}}, ErrBadHeaderMsg},
	} {
		if block, err := o.seal(new(engine.Conn), tc.m); len(block) > 0 || !errors.Is(err, tc.want) {
			t.Errorf("%s: got %q, %v, want %v", name, block, err, tc.want)
		}
	}
	if block, err := o.block("a b"); block != nil || err != ErrBadSubject {
		t.Errorf("block for a bad subject: got %q, %v, want %v", block, err, ErrBadSubject)
	}
}

// What a message with an id costs before it is published.
func TestPubOptionsAllocs(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	publish := func(opts ...PubOpt) {
		o, err := newPubOpts(opts, (*pubOpts).forAsync)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.block("s"); err != nil {
			t.Fatal(err)
		}
		o.free()
	}
	if got := testing.AllocsPerRun(1000, func() { publish() }); got != 0 {
		t.Errorf("without options: %v allocations, want none", got)
	}
	// The option, the slice it is in, the block.
	if got := testing.AllocsPerRun(1000, func() { publish(MsgId("id")) }); got > 3 {
		t.Errorf("with an id: %v allocations, want 3", got)
	}
}

func TestBoundedBy(t *testing.T) {
	t.Parallel()
	soon, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	late, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, tc := range []struct {
		name   string
		ctx    context.Context
		budget time.Duration
		want   bool
	}{
		{"nothing", t.Context(), 0, false},
		{"budget", t.Context(), time.Second, true},
		{"large budget", t.Context(), time.Hour, false},
		{"context", soon, 0, true},
		{"late context", late, 0, false},
		{"late context, budget", late, time.Second, true},
	} {
		if got := boundedBy(tc.ctx, tc.budget, time.Minute); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}
