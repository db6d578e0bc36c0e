package nats

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/gannet-io/nats/internal/js/api"
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// pullSub is a pull subscription on an unlinked connection: nothing can be asked.
func pullSub(t testing.TB, cfg ConsumerConfig) *Subscription {
	nc := unlinked(t)
	j := &js{nc: nc, link: nc.eng, api: &api.Client{Conn: nc.eng, Prefix: "$JS.API."}}
	s := j.newPullSub("a", &ConsumerInfo{Stream: "S", Name: "c", NumPending: 7, Config: cfg})
	nc.list(s)
	return s
}

func TestFetchArguments(t *testing.T) {
	t.Parallel()
	s := pullSub(t, ConsumerConfig{AckPolicy: AckExplicitPolicy})
	ctx := t.Context()
	gone, cancel := context.WithCancel(ctx)
	cancel()
	past, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	core := syncSub(s.conn, "x")
	for _, tc := range []struct {
		name  string
		s     *Subscription
		batch int
		opts  []PullOpt
		want  error
	}{
		{"nil subscription", nil, 1, nil, ErrBadSubscription},
		{"zero subscription", &Subscription{}, 1, nil, ErrBadSubscription},
		{"core subscription", core, 1, nil, ErrTypeSubscription},
		{"no messages", s, 0, nil, ErrInvalidArg},
		{"less than none", s, math.MinInt, nil, ErrInvalidArg},
		{"nil context", s, 1, []PullOpt{Context(nil)}, ErrInvalidContext},
		{"context and time", s, 1, []PullOpt{Context(ctx), MaxWait(1)}, ErrContextAndTimeout},
		{"context without an end", s, 1, []PullOpt{Context(context.Background())}, ErrNoDeadlineContext},
		{"context at its end", s, 1, []PullOpt{Context(gone)}, context.Canceled},
		{"context in the past", s, 1, []PullOpt{Context(past)}, context.DeadlineExceeded},
		{"time is over", s, 1, []PullOpt{MaxWait(-1)}, ErrTimeout},
		{"no heartbeat", s, 1, []PullOpt{PullHeartbeat(0)}, ErrInvalidArg},
		{"negative heartbeat", s, 1, []PullOpt{PullHeartbeat(-1)}, ErrInvalidArg},
		{"heartbeat too long", s, 1, []PullOpt{PullHeartbeat(time.Second), MaxWait(2 * time.Second)}, ErrInvalidArg},
		{"heartbeat much too long", s, 1, []PullOpt{PullHeartbeat(math.MaxInt64)}, ErrInvalidArg},
	} {
		if got, err := tc.s.Fetch(tc.batch, tc.opts...); got != nil || !errors.Is(err, tc.want) {
			t.Errorf("Fetch, %s: got %v, %v, want %v", tc.name, got, err, tc.want)
		}
		if got, err := tc.s.FetchBatch(tc.batch, tc.opts...); got != nil || !errors.Is(err, tc.want) {
			t.Errorf("FetchBatch, %s: got %v, %v, want %v", tc.name, got, err, tc.want)
		}
	}
	if _, err := s.Fetch(-1); err != ErrInvalidArg {
		t.Errorf("got %v, want the bare value %v", err, ErrInvalidArg)
	}
}

func TestFetchRequest(t *testing.T) {
	t.Parallel()
	s := pullSub(t, ConsumerConfig{})
	for _, tc := range []struct {
		name  string
		batch int
		opts  []PullOpt
		want  wire.PullRequest
		wait  time.Duration
	}{
		{"defaults", 3, nil, wire.PullRequest{Batch: 3}, 5 * time.Second},
		{"nil option", 3, []PullOpt{nil}, wire.PullRequest{Batch: 3}, 5 * time.Second},
		{"everything", 3, []PullOpt{MaxWait(3 * time.Second), PullHeartbeat(time.Second), PullMaxBytes(9)},
			wire.PullRequest{Batch: 3, Heartbeat: time.Second, MaxBytes: 9}, 3 * time.Second},
		{"no limits", math.MaxInt, []PullOpt{MaxWait(0), PullMaxBytes(-1)}, wire.PullRequest{Batch: math.MaxInt}, 5 * time.Second},
		{"for ever", 1, []PullOpt{MaxWait(math.MaxInt64)}, wire.PullRequest{Batch: 1}, math.MaxInt64},
	} {
		f, err := s.newFetch(tc.batch, tc.opts)
		if err != nil || f.spec.Request != tc.want || f.wait != tc.wait || !f.spec.FailOnDisconnect {
			t.Errorf("%s: got %+v, %v, %v, want %+v, %v", tc.name, f.spec.Request, f.wait, err, tc.want, tc.wait)
		}
	}
	s.cons.js.opts.wait = time.Minute
	if f, err := s.newFetch(1, nil); err != nil || f.wait != time.Minute {
		t.Errorf("with a MaxWait of the context: got %v, %v, want %v", f.wait, err, time.Minute)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if f, err := s.newFetch(1, []PullOpt{Context(ctx)}); err != nil || f.wait != time.Minute {
		t.Errorf("with a context without a deadline: got %v, %v, want %v", f.wait, err, time.Minute)
	}
}

// The ends of a fetch that come from its context.
func TestFetchCanceled(t *testing.T) {
	t.Parallel()
	open := func(opts ...PullOpt) (*Subscription, fetch) {
		s := pullSub(t, ConsumerConfig{})
		f, err := s.newFetch(2, opts)
		if err != nil {
			t.Fatal(err)
		}
		return s, f
	}
	check := func(name string, f fetch, code wire.Code, want error) {
		t.Helper()
		if err := f.ended(opFetch, code, ""); err != want {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	s, f := open()
	defer f.join()()
	s.finish(0)
	<-f.spec.Context.Done()
	check("unsubscribed", f, wire.Canceled, ErrBadSubscription)
	check("unsubscribed, its consumer deleted", f, wire.ConsumerDeleted, ErrBadSubscription)

	s, f = open(Context(ctx))
	defer f.join()()
	s.finish(0)
	<-f.spec.Context.Done()
	check("unsubscribed, with a context", f, wire.Canceled, ErrBadSubscription)

	s, f = open()
	defer f.join()()
	s.finish(subConnOver)
	<-f.spec.Context.Done()
	check("connection closed", f, wire.Canceled, ErrConnectionClosed)

	_, f = open(Context(ctx))
	defer f.join()()
	cancel()
	<-f.spec.Context.Done()
	check("context ended", f, wire.Canceled, context.Canceled)
	check("time of the context over", f, wire.Timeout, context.DeadlineExceeded)

	_, f = open()
	defer f.join()()
	check("time over", f, wire.Timeout, ErrTimeout)
	check("consumer deleted", f, wire.ConsumerDeleted, ErrConsumerDeleted)
}

// What joinFor makes ends with the user's context, or when the fetch must be over.
func TestFetchContextEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := pullSub(t, ConsumerConfig{})
	f, err := s.newFetch(2, []PullOpt{Context(ctx)})
	if err != nil {
		t.Fatal(err)
	}
	f.joinFor(-time.Second) // the second of grace is over at once
	receive(t, f.spec.Context.Done(), "end of the time")
	if err := f.ended(opFetchBatch, wire.Canceled, ""); err != context.DeadlineExceeded {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	f, err = s.newFetch(2, []PullOpt{Context(ctx)})
	if err != nil {
		t.Fatal(err)
	}
	f.joinFor(time.Hour)
	cancel()
	receive(t, f.spec.Context.Done(), "end of the context")
	if err := f.ended(opFetchBatch, wire.Canceled, ""); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

const fetchedReply = "$JS.ACK.S.c.1.20.3.1700000000123456789.4"

func fetchedFrame(data string) *proto.Frame {
	return &proto.Frame{Subject: []byte("a.b"), Reply: []byte(fetchedReply), Data: []byte(data)}
}

func TestPullSubscriptionState(t *testing.T) {
	t.Parallel()
	s := pullSub(t, ConsumerConfig{AckPolicy: AckNonePolicy})
	m := s.buildFetched(fetchedFrame("x"))
	if m.Sub != s || m.Subject != "a.b" || m.Reply != fetchedReply || string(m.Data) != "x" {
		t.Errorf("got %+v", m)
	}
	if err := m.Ack(); err != ErrCantAckIfConsumerAckNone {
		t.Errorf("Ack: got %v, want %v", err, ErrCantAckIfConsumerAckNone)
	}
	if n, err := s.Delivered(); n != 1 || err != nil {
		t.Errorf("Delivered: got %d, %v, want 1", n, err)
	}
	if n, err := s.InitialConsumerPending(); n != 7 || err != nil {
		t.Errorf("InitialConsumerPending: got %d, %v, want 7", n, err)
	}
	if msgs, bytes, err := s.Pending(); msgs != 0 || bytes != 0 || err != nil {
		t.Errorf("Pending: got %d, %d, %v, want nothing", msgs, bytes, err)
	}
	if _, err := s.NextMsg(time.Second); err != ErrTypeSubscription {
		t.Errorf("NextMsg: got %v, want %v", err, ErrTypeSubscription)
	}
	if s.Type() != PullSubscription || !s.IsValid() {
		t.Errorf("type %v, valid %v", s.Type(), s.IsValid())
	}
	for name, sub := range map[string]*Subscription{"nil": nil, "zero": {}} {
		if _, err := sub.ConsumerInfo(); err != ErrBadSubscription {
			t.Errorf("ConsumerInfo of a %s subscription: got %v, want %v", name, err, ErrBadSubscription)
		}
		if _, err := sub.InitialConsumerPending(); err != ErrBadSubscription {
			t.Errorf("InitialConsumerPending of a %s subscription: got %v, want %v", name, err, ErrBadSubscription)
		}
	}
	core := syncSub(s.conn, "x")
	if _, err := core.ConsumerInfo(); err != ErrTypeSubscription {
		t.Errorf("ConsumerInfo of a core subscription: got %v, want %v", err, ErrTypeSubscription)
	}
	if _, err := core.InitialConsumerPending(); !errors.Is(err, ErrTypeSubscription) {
		t.Errorf("InitialConsumerPending of a core subscription: got %v, want %v", err, ErrTypeSubscription)
	}
	s.finish(0)
	for _, want := range []error{ErrBadSubscription, ErrSubscriptionClosed} {
		if _, err := s.Fetch(1); !errors.Is(err, want) {
			t.Errorf("Fetch on a subscription that is over: got %v, want %v", err, want)
		}
	}
	s = pullSub(t, ConsumerConfig{})
	s.finish(subConnOver)
	for _, want := range []error{ErrBadSubscription, ErrSubscriptionClosed, ErrConnectionClosed} {
		if _, err := s.FetchBatch(1); !errors.Is(err, want) {
			t.Errorf("FetchBatch on a closed connection: got %v, want %v", err, want)
		}
	}
}

func TestPullAutoUnsubscribe(t *testing.T) {
	t.Parallel()
	s := pullSub(t, ConsumerConfig{})
	if err := s.AutoUnsubscribe(3); err != nil {
		t.Fatal(err)
	}
	if f, err := s.newFetch(2, nil); err != nil || f.spec.Request.Batch != 2 {
		t.Errorf("below the limit: got %d, %v, want 2", f.spec.Request.Batch, err)
	}
	s.buildFetched(fetchedFrame("1"))
	s.buildFetched(fetchedFrame("2"))
	if f, err := s.newFetch(5, nil); err != nil || f.spec.Request.Batch != 1 {
		t.Errorf("close to the limit: got %d, %v, want 1", f.spec.Request.Batch, err)
	}
	s.buildFetched(fetchedFrame("3"))
	if _, err := s.newFetch(5, nil); !errors.Is(err, ErrSubscriptionClosed) || s.IsValid() {
		t.Errorf("at the limit: got %v, valid %v, want %v", err, s.IsValid(), ErrSubscriptionClosed)
	}
}

// A message of a fetch costs a fraction of an allocation: its chunk is shared.
func TestFetchedAllocs(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	s := pullSub(t, ConsumerConfig{})
	for name, data := range map[string]string{"small": "0123456789abcdef", "1 KiB": string(make([]byte, 1024))} {
		f := fetchedFrame(data)
		var m *Msg
		got := testing.AllocsPerRun(4000, func() { m = s.buildFetched(f) })
		if got > 0 { // AllocsPerRun rounds down: an eighth counts as none
			t.Errorf("%s: %v allocations a message, want less than one", name, got)
		}
		if string(m.Data) != data {
			t.Errorf("%s: other data", name)
		}
	}
}

func BenchmarkFetched(b *testing.B) {
	s := pullSub(b, ConsumerConfig{})
	f := fetchedFrame("0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		s.buildFetched(f)
	}
}
