package jetstream

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/js/pull"
	"github.com/gannet-io/nats/internal/js/wire"
)

func TestPullOptions(t *testing.T) {
	t.Parallel()
	flow := func(batch, bytes int, expires, beat time.Duration) pull.FlowConfig {
		return pull.FlowConfig{Request: wire.PullRequest{Batch: batch, MaxBytes: bytes, Expires: expires, Heartbeat: beat}}
	}
	with := func(cfg pull.FlowConfig, change func(*pull.FlowConfig)) pull.FlowConfig { change(&cfg); return cfg }
	usual := flow(500, 0, 30*time.Second, 15*time.Second)
	grouped := &ConsumerInfo{Config: ConsumerConfig{PriorityPolicy: PriorityPolicyOverflow, PriorityGroups: []string{"g"}}}
	for name, tc := range map[string]struct {
		opts []PullMessagesOpt
		info *ConsumerInfo
		want pull.FlowConfig
		bad  bool
	}{
		"none":               {want: usual},
		"nil":                {opts: []PullMessagesOpt{nil}, want: usual},
		"messages":           {opts: []PullMessagesOpt{PullMaxMessages(1)}, want: flow(1, 0, 30*time.Second, 15*time.Second)},
		"no messages":        {opts: []PullMessagesOpt{PullMaxMessages(0)}, bad: true},
		"fewer messages":     {opts: []PullMessagesOpt{PullMaxMessages(math.MinInt)}, bad: true},
		"bytes":              {opts: []PullMessagesOpt{PullMaxBytes(1024)}, want: flow(1_000_000, 1024, 30*time.Second, 15*time.Second)},
		"no bytes":           {opts: []PullMessagesOpt{PullMaxBytes(0)}, bad: true},
		"messages and bytes": {opts: []PullMessagesOpt{PullMaxMessages(3), PullMaxBytes(3)}, bad: true},
		"bytes and messages": {opts: []PullMessagesOpt{PullMaxBytes(3), PullMaxMessages(3)}, bad: true},
		"both":               {opts: []PullMessagesOpt{PullMaxMessagesWithBytesLimit(3, 1024)}, want: flow(3, 1024, 30*time.Second, 15*time.Second)},
		"both, no messages":  {opts: []PullMessagesOpt{PullMaxMessagesWithBytesLimit(0, 1)}, bad: true},
		"both, no bytes":     {opts: []PullMessagesOpt{PullMaxMessagesWithBytesLimit(1, 0)}, bad: true},
		"both twice":         {opts: []PullMessagesOpt{PullMaxMessages(3), PullMaxMessagesWithBytesLimit(3, 1024)}, bad: true},
		"both, then more":    {opts: []PullMessagesOpt{PullMaxMessagesWithBytesLimit(3, 1024), PullMaxMessages(3)}, bad: true},
		"expiry":             {opts: []PullMessagesOpt{PullExpiry(2 * time.Second)}, want: flow(500, 0, 2*time.Second, time.Second)},
		"long expiry":        {opts: []PullMessagesOpt{PullExpiry(2 * time.Minute)}, want: flow(500, 0, 2*time.Minute, 30*time.Second)},
		"short expiry":       {opts: []PullMessagesOpt{PullExpiry(999 * time.Millisecond)}, bad: true},
		"negative expiry":    {opts: []PullMessagesOpt{PullExpiry(math.MinInt64)}, bad: true},
		"heartbeat":          {opts: []PullMessagesOpt{PullHeartbeat(500 * time.Millisecond)}, want: flow(500, 0, 30*time.Second, 500*time.Millisecond)},
		"short heartbeat":    {opts: []PullMessagesOpt{PullHeartbeat(499 * time.Millisecond)}, bad: true},
		"long heartbeat":     {opts: []PullMessagesOpt{PullHeartbeat(31 * time.Second), PullExpiry(time.Hour)}, bad: true},
		"more than half":     {opts: []PullMessagesOpt{PullHeartbeat(600 * time.Millisecond), PullExpiry(time.Second)}, bad: true},
		"the other order":    {opts: []PullMessagesOpt{PullExpiry(time.Second), PullHeartbeat(600 * time.Millisecond)}, bad: true},
		"stop":               {opts: []PullMessagesOpt{StopAfter(7)}, want: with(usual, func(f *pull.FlowConfig) { f.StopAfter = 7 })},
		"stop at once":       {opts: []PullMessagesOpt{StopAfter(0)}, bad: true},
		"thresholds": {opts: []PullMessagesOpt{PullThresholdMessages(400), PullThresholdBytes(-1)}, want: with(usual, func(f *pull.FlowConfig) {
			f.ThresholdMessages, f.ThresholdBytes = 400, -1
		})},
		"minimums": {opts: []PullMessagesOpt{PullMinPending(3), PullMinAckPending(4)}, want: with(usual, func(f *pull.FlowConfig) {
			f.Request.MinPending, f.Request.MinAckPending = 3, 4
		})},
		"no pending":     {opts: []PullMessagesOpt{PullMinPending(0)}, bad: true},
		"no ack pending": {opts: []PullMessagesOpt{PullMinAckPending(-1)}, bad: true},
		"priority":       {opts: []PullMessagesOpt{PullPrioritized(9)}, want: with(usual, func(f *pull.FlowConfig) { f.Request.Priority = 9 })},
		"low priority":   {opts: []PullMessagesOpt{PullPrioritized(10)}, bad: true},
		"group":          {opts: []PullMessagesOpt{PullPriorityGroup("g")}, info: grouped, want: with(usual, func(f *pull.FlowConfig) { f.Request.Group = "g" })},
		"no group":       {info: grouped, bad: true},
		"another group":  {opts: []PullMessagesOpt{PullPriorityGroup("h")}, info: grouped, bad: true},
		"no groups":      {opts: []PullMessagesOpt{PullPriorityGroup("g")}, info: &ConsumerInfo{}, bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			var o pullOpts
			var err error
			for _, opt := range tc.opts {
				if opt == nil {
					continue
				}
				if err = opt.configureMessages(&o); err != nil {
					break
				}
			}
			var got pull.FlowConfig
			if err == nil {
				got, err = o.newFlow(tc.info)
			}
			if errors.Is(err, ErrInvalidOption) != tc.bad || !tc.bad && err != nil {
				t.Errorf("got %v, want an error: %v", err, tc.bad)
			}
			if !tc.bad && got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

// TestTroubles: the errors of Consume, of Next at the end, and what a Next that waits returns.
func TestTroubles(t *testing.T) {
	t.Parallel()
	for code, want := range map[wire.Code]error{
		wire.NoHeartbeat:      ErrNoHeartbeat,
		wire.NoAnswer:         ErrNoAnswer,
		wire.NoResponders:     nats.ErrNoResponders,
		wire.ConsumerDeleted:  ErrConsumerDeleted,
		wire.LeadershipChange: ErrConsumerLeadershipChanged,
		wire.ServerShutdown:   ErrServerShutdown,
		wire.MaxBytesExceeded: ErrMaxBytesExceeded,
		wire.BadRequest:       ErrBadRequest,
		wire.PinIDMismatch:    ErrPinIDMismatch,
		wire.ConnectionClosed: ErrConnectionClosed,
	} {
		if got := trouble(code, "words"); got != want {
			t.Errorf("%v: got %v, want %v", code, got, want)
		}
	}
	if got := trouble(wire.LimitExceeded, "Exceeded MaxWaiting"); got.Error() != "nats: Exceeded MaxWaiting" {
		t.Errorf("a limit: got %v", got)
	}
	for code, want := range map[wire.Code]error{wire.OK: ErrMsgIteratorClosed, wire.Canceled: ErrMsgIteratorClosed, wire.ConsumerDeleted: ErrConsumerDeleted, wire.BadRequest: ErrBadRequest} {
		if got := errOver(code, ""); got != want {
			t.Errorf("over with %v: got %v, want %v", code, got, want)
		}
	}
	if got := errOver(wire.ConnectionClosed, ""); !errors.Is(got, ErrMsgIteratorClosed) || !errors.Is(got, ErrConnectionClosed) {
		t.Errorf("over with the connection: got %v", got)
	}
	for code, want := range map[wire.Code]bool{wire.NoHeartbeat: true, wire.NoResponders: false, wire.ServerShutdown: false, wire.LimitExceeded: false} {
		if got := disturbs(code, false); got != want {
			t.Errorf("%v disturbs: %v, want %v", code, got, want)
		}
		if !disturbs(code, true) {
			t.Errorf("%v that lasts does not disturb", code)
		}
	}
}

func TestNextOptions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, tc := range map[string]struct {
		opts []NextOpt
		want nextOpts
		bad  bool
	}{
		"nil":         {opts: []NextOpt{nil}},
		"wait":        {opts: []NextOpt{NextMaxWait(time.Second)}, want: nextOpts{wait: time.Second, limited: true}},
		"no wait":     {opts: []NextOpt{NextMaxWait(math.MinInt64)}, want: nextOpts{wait: 1, limited: true}},
		"context":     {opts: []NextOpt{NextContext(ctx)}, want: nextOpts{ctx: ctx}},
		"nil context": {opts: []NextOpt{NextContext(nil)}, bad: true},
		"both":        {opts: []NextOpt{NextContext(ctx), NextMaxWait(time.Second)}, bad: true},
	} {
		got, err := newNext(tc.opts)
		if errors.Is(err, ErrInvalidOption) != tc.bad || !tc.bad && got != tc.want {
			t.Errorf("%s: got %+v, %v, want %+v, an error: %v", name, got, err, tc.want, tc.bad)
		}
	}
}
