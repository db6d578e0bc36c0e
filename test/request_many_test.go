package test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	server "github.com/nats-io/nats-server/v2/server"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// manyStage is a server, and a responder that answers a request with the messages that answers says, one for each of its lines.
type manyStage struct {
	srv   *natstest.Server
	p     *natstest.Proxy
	nc    *nats.Conn // through the proxy
	other *nats.Conn
}

func newManyStage(t *testing.T, opts ...nats.Option) *manyStage {
	t.Helper()
	srv := start(t)
	p := natstest.NewProxy(t, srv.URL())
	return &manyStage{srv, p, dial(t, p.URL(), append(opts, quickly(), silent())...), dial(t, srv.URL())}
}

// answer has requests to many answered by these payloads.
func (g *manyStage) answer(t *testing.T, payloads ...string) {
	t.Helper()
	_, err := g.other.Subscribe("many", func(m *nats.Msg) {
		for _, p := range payloads {
			_ = m.Respond([]byte(p))
		}
	})
	must(t, err)
	must(t, g.other.Flush())
}

// collect takes all values of a request. Errors come as their text.
func collect(t *testing.T, nc *nats.Conn, ctx context.Context, subject string, opts ...nats.RequestManyOpt) (payloads []string, err error) {
	t.Helper()
	for m, e := range nc.RequestMany(ctx, subject, []byte("?"), opts...) {
		if err != nil {
			t.Errorf("a value behind the error %v", err)
		}
		if err = e; e != nil {
			if m != nil {
				t.Errorf("error %v with a message", e)
			}
			continue
		}
		payloads = append(payloads, string(m.Data))
	}
	return payloads, err
}

// leavesNothing checks that no subscription is left behind.
func leavesNothing(t *testing.T, g *manyStage) {
	t.Helper()
	if n := g.nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions are left", n)
	}
	must(t, g.nc.FlushTimeout(patience))
	conns := got[*server.Connz](t)(g.srv.Embedded().Connz(nil))
	n := 0
	for _, c := range conns.Conns {
		n += int(c.NumSubs)
	}
	if want := g.other.NumSubscriptions(); n != want {
		t.Errorf("the server has %d subscriptions, want %d", n, want)
	}
}

func TestRequestMany(t *testing.T) {
	three := []string{"a", "b", "c"}
	tests := []struct {
		name    string
		answers []string
		opts    []nats.RequestManyOpt
		want    []string
		quick   bool // before the timeout
	}{
		{name: "timeout", answers: three, opts: []nats.RequestManyOpt{nats.RequestManyTimeout(100 * time.Millisecond)}, want: three},
		{name: "max", answers: three, opts: []nats.RequestManyOpt{nats.RequestManyMax(2)}, want: three[:2], quick: true},
		{name: "max, all", answers: three, opts: []nats.RequestManyOpt{nats.RequestManyMax(3)}, want: three, quick: true},
		{name: "stall", answers: three, opts: []nats.RequestManyOpt{nats.RequestManyStall(50 * time.Millisecond)}, want: three, quick: true},
		{name: "standard sentinel", answers: []string{"a", "b", "", "c"}, opts: []nats.RequestManyOpt{nats.RequestManyUntil(nil)}, want: three[:2], quick: true},
		{name: "sentinel", answers: three, opts: []nats.RequestManyOpt{nats.RequestManyUntil(func(m *nats.Msg) bool { return string(m.Data) == "c" })}, want: three[:2], quick: true},
		{name: "nothing but the sentinel", answers: []string{""}, opts: []nats.RequestManyOpt{nats.RequestManyUntil(nil), nil}, quick: true},
		{name: "stall beyond the timeout", answers: three, opts: []nats.RequestManyOpt{nats.RequestManyTimeout(100 * time.Millisecond), nats.RequestManyStall(time.Hour)}, want: three},
		{name: "max beyond", answers: three, opts: []nats.RequestManyOpt{nats.RequestManyTimeout(100 * time.Millisecond), nats.RequestManyMax(5)}, want: three},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newManyStage(t)
			g.answer(t, tt.answers...)
			began := time.Now()
			got, err := collect(t, g.nc, t.Context(), "many", tt.opts...)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			if d := time.Since(began); tt.quick && d > time.Second {
				t.Errorf("took %v", d)
			}
			leavesNothing(t, g)
		})
	}
}

func TestRequestManyEnds(t *testing.T) {
	short := nats.RequestManyTimeout(50 * time.Millisecond)
	tests := []struct {
		name string
		opts []nats.RequestManyOpt
		// run is called with the first answer; on subject many there is one, and no end.
		run     func(g *manyStage, cancel func())
		subject string
		want    error
		answers int
	}{
		{name: "nobody listens", subject: "nobody", want: nats.ErrNoResponders},
		{name: "nobody answers", subject: "silent", opts: []nats.RequestManyOpt{short}, want: nats.ErrTimeout},
		{name: "cancelled", subject: "many", run: func(_ *manyStage, cancel func()) { cancel() }, want: context.Canceled, answers: 1},
		{name: "closed", subject: "many", run: func(g *manyStage, _ func()) { g.nc.Close() }, want: nats.ErrConnectionClosed, answers: 1},
		{name: "link lost", subject: "many", run: func(g *manyStage, _ func()) { g.p.Cut() }, want: nats.ErrDisconnected, answers: 1},
		{name: "bad subject", subject: "a b", want: nats.ErrBadSubject},
		{name: "no timeout", subject: "many", opts: []nats.RequestManyOpt{nats.RequestManyTimeout(0)}, want: nats.ErrInvalidArg},
		{name: "negative stall", subject: "many", opts: []nats.RequestManyOpt{nats.RequestManyStall(-1)}, want: nats.ErrInvalidArg},
		{name: "no messages", subject: "many", opts: []nats.RequestManyOpt{nats.RequestManyMax(0)}, want: nats.ErrInvalidArg},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newManyStage(t)
			g.answer(t, "a")
			_, err := g.other.Subscribe("silent", func(*nats.Msg) {})
			must(t, err)
			must(t, g.other.Flush())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			answers := 0
			for m, e := range g.nc.RequestMany(ctx, tt.subject, nil, tt.opts...) {
				if err = e; m == nil {
					continue
				}
				if answers++; tt.run != nil {
					tt.run(g, cancel)
				}
			}
			if !errors.Is(err, tt.want) || answers != tt.answers {
				t.Errorf("got %d answers, then %v, want %d, then %v", answers, err, tt.answers, tt.want)
			}
			if tt.name == "link lost" {
				wantRequestError(t, err, nats.ErrDisconnected, "many", true)
			}
			if !g.nc.IsClosed() {
				leavesNothing(t, g)
			}
		})
	}
}

// TestRequestManyIsLeft breaks out of the loop.
func TestRequestManyIsLeft(t *testing.T) {
	g := newManyStage(t)
	g.answer(t, "a", "b", "c")
	for m, err := range g.nc.RequestMany(t.Context(), "many", nil) {
		must(t, err)
		if string(m.Data) != "a" {
			t.Errorf("got %q, want the first", m.Data)
		}
		break
	}
	leavesNothing(t, g)
}

// TestRequestManyKeepsTime has a program that takes longer for each answer than it is willing to wait for one.
func TestRequestManyKeepsTime(t *testing.T) {
	g := newManyStage(t)
	g.answer(t, "a", "b", "c")
	n := 0
	for _, err := range g.nc.RequestMany(t.Context(), "many", nil, nats.RequestManyTimeout(300*time.Millisecond), nats.RequestManyStall(100*time.Millisecond)) {
		must(t, err)
		n++
		<-time.After(350 * time.Millisecond) // its work
	}
	if n != 3 {
		t.Errorf("%d answers, want 3", n)
	}
}

func TestRequestManyMsgAndDeadline(t *testing.T) {
	g := newManyStage(t)
	_, err := g.other.Subscribe("many", func(m *nats.Msg) { _ = m.Respond([]byte(m.Header.Get("A"))) })
	must(t, err)
	must(t, g.other.Flush())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	msg := &nats.Msg{Subject: "many", Header: nats.Header{"A": {"b"}}}
	seq := g.nc.RequestManyMsg(ctx, msg)
	for range 2 { // each loop is a request, until the deadline is over
		var got []string
		for m, e := range seq {
			if err = e; e == nil {
				got = append(got, string(m.Data))
			}
		}
		if ctx.Err() == nil {
			t.Error("ended before the deadline")
		}
		if err == nil && !slices.Equal(got, []string{"b"}) {
			t.Errorf("got %q", got)
		}
	}
	if err != context.DeadlineExceeded {
		t.Errorf("the second: got %v, want %v", err, context.DeadlineExceeded)
	}
	for _, err := range g.nc.RequestManyMsg(t.Context(), nil) {
		if err != nats.ErrInvalidMsg {
			t.Errorf("nil message: %v", err)
		}
	}
	for _, err := range g.nc.RequestMany(nil, "many", nil) { //nolint:staticcheck // a nil context is the point
		if err != nats.ErrInvalidContext {
			t.Errorf("nil context: %v", err)
		}
	}
}

// TestRequestManyIsBounded gets more answers than it may hold.
func TestRequestManyIsBounded(t *testing.T) {
	g := newManyStage(t, nats.SyncQueueLen(10))
	var answers []string
	for i := range 100 {
		answers = append(answers, fmt.Sprint(i))
	}
	g.answer(t, answers...)
	n := 0
	var last error
	for m, err := range g.nc.RequestMany(t.Context(), "many", nil, nats.RequestManyStall(time.Second)) {
		if last = err; m == nil {
			continue
		}
		if n++; n == 1 {
			must(t, g.other.Flush())
			must(t, g.nc.Flush()) // all have come, or were dropped
		}
	}
	if !errors.Is(last, nats.ErrSlowConsumer) || n > 11 {
		t.Errorf("%d answers, then %v, want about 10, then %v", n, last, nats.ErrSlowConsumer)
	}
}

// TestRequestManyHostileArguments has odd subjects, headers and options: an error or an orderly end, and the connection stays.
func TestRequestManyHostileArguments(t *testing.T) {
	g := newManyStage(t)
	short := nats.RequestManyTimeout(time.Millisecond)
	each := func(msg *nats.Msg, opts ...nats.RequestManyOpt) {
		for m, err := range g.nc.RequestManyMsg(t.Context(), msg, append(opts, nil)...) {
			if m != nil || err == nil {
				t.Errorf("%.40q: got %v, %v, want an error", fmt.Sprint(msg), m, err)
			}
		}
	}
	for _, s := range hostileStrings {
		if len(s) > 4096 {
			continue // the server closes a connection that sends such a subject
		}
		each(&nats.Msg{Subject: s}, short)
		each(&nats.Msg{Subject: "nobody", Reply: s, Header: nats.Header{s: {s}}}, short)
	}
	each(&nats.Msg{Subject: "nobody", Data: make([]byte, 2<<20)}, short)
	for _, d := range []time.Duration{0, -1, -1 << 63} {
		each(nats.NewMsg("nobody"), nats.RequestManyTimeout(d))
		each(nats.NewMsg("nobody"), nats.RequestManyStall(d))
		each(nats.NewMsg("nobody"), nats.RequestManyMax(int(d)))
	}
	each(nats.NewMsg("nobody"), nats.RequestManyTimeout(1<<63-1), nats.RequestManyStall(1<<63-1), nats.RequestManyMax(math.MaxInt))
	for _, nc := range []*nats.Conn{nil, {}} {
		for _, err := range nc.RequestMany(t.Context(), "a", nil) {
			if err != nats.ErrInvalidConnection {
				t.Errorf("got %v, want %v", err, nats.ErrInvalidConnection)
			}
		}
	}
	leavesNothing(t, g)
	if n := g.nc.Stats().Reconnects; n != 0 {
		t.Errorf("%d reconnects", n)
	}
}
