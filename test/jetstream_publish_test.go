package test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// published counts what f publishes.
func published(nc *nats.Conn, f func()) uint64 {
	before := nc.Stats().OutMsgs
	f()
	return nc.Stats().OutMsgs - before
}

// settle waits for the end of a future.
func settle(t testing.TB, f jetstream.PubAckFuture) (*jetstream.PubAck, error) {
	t.Helper()
	select {
	case ack := <-f.Ok():
		return ack, nil
	case err := <-f.Err():
		return nil, err
	case <-time.After(patience):
		t.Fatalf("a future has not ended after %v", patience)
		return nil, nil
	}
}

// publishWays are the ways to publish and to wait for the end.
func publishWays(t testing.TB, js jetstream.JetStream) map[string]func(subject string, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	async := func(f jetstream.PubAckFuture, err error) (*jetstream.PubAck, error) {
		if err != nil {
			return nil, err
		}
		return settle(t, f)
	}
	ctx := context.Background()
	return map[string]func(string, ...jetstream.PublishOpt) (*jetstream.PubAck, error){
		"Publish": func(s string, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
			return js.Publish(ctx, s, []byte("x"), opts...)
		},
		"PublishMsg": func(s string, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
			return js.PublishMsg(ctx, &nats.Msg{Subject: s, Data: []byte("x")}, opts...)
		},
		"PublishAsync": func(s string, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
			return async(js.PublishAsync(s, []byte("x"), opts...))
		},
		"PublishMsgAsync": func(s string, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
			return async(js.PublishMsgAsync(&nats.Msg{Subject: s, Data: []byte("x")}, opts...))
		},
	}
}

func TestJetStreamPublishRetries(t *testing.T) {
	g := withJetStream(t)
	for name, publish := range publishWays(t, g.js) {
		for _, tc := range []struct {
			opts        []jetstream.PublishOpt
			attempts    uint64
			least, most time.Duration
			named       string
		}{
			{nil, 3, 500 * time.Millisecond, 1500 * time.Millisecond, "default"},
			{[]jetstream.PublishOpt{jetstream.WithRetryAttempts(0)}, 1, 0, 400 * time.Millisecond, "no retry"},
			{[]jetstream.PublishOpt{jetstream.WithRetryAttempts(4), jetstream.WithRetryWait(20 * time.Millisecond)}, 5, 80 * time.Millisecond, time.Second, "4 x 20 ms"},
		} {
			began := time.Now()
			var err error
			attempts := published(g.nc, func() { _, err = publish("nobody.listens", tc.opts...) })
			took := time.Since(began)
			if err != jetstream.ErrNoStreamResponse || attempts != tc.attempts || took < tc.least || took > tc.most {
				t.Errorf("%s, %s: got %v after %d attempts and %v, want %v after %d and %v to %v", name, tc.named, err, attempts, took, jetstream.ErrNoStreamResponse, tc.attempts, tc.least, tc.most)
			}
		}
	}
}

// TestJetStreamStreamAppears: a stream that is made while a publish is being retried gets the message.
func TestJetStreamStreamAppears(t *testing.T) {
	g := withJetStream(t)
	n := 0
	for name, publish := range publishWays(t, g.js) {
		n++
		subject := fmt.Sprintf("late.%d", n)
		var ack *jetstream.PubAck
		done := make(chan error, 1)
		before := g.nc.Stats().OutMsgs
		go func() {
			var err error
			ack, err = publish(subject)
			done <- err
		}()
		eventually(t, "the first attempt", func() bool { return g.nc.Stats().OutMsgs > before })
		_, err := g.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: fmt.Sprintf("LATE%d", n), Subjects: []string{subject}})
		must(t, err)
		err = await(t, "the publish", done)
		if err != nil || ack.Sequence != 1 {
			t.Errorf("%s: got %+v, %v, want sequence 1", name, ack, err)
		}
	}
}

// TestJetStreamSilentSubscriber: where somebody listens who never answers there is one publish, and an end in time.
func TestJetStreamSilentSubscriber(t *testing.T) {
	g := withJetStream(t)
	_ = subscribeSync(t, g.nc, "silent")
	quick := newJS(t, g.nc, jetstream.WithDefaultTimeout(100*time.Millisecond), jetstream.WithPublishAsyncTimeout(100*time.Millisecond))
	for name, publish := range publishWays(t, quick) {
		var err error
		began := time.Now()
		attempts := published(g.nc, func() { _, err = publish("silent", jetstream.WithMsgID(name)) })
		want := context.DeadlineExceeded
		if name == "PublishAsync" || name == "PublishMsgAsync" {
			want = jetstream.ErrAsyncPublishTimeout
		}
		if took := time.Since(began); err != want || attempts != 1 || took < 90*time.Millisecond || took > 2*time.Second {
			t.Errorf("%s: got %v after %d attempts and %v, want %v after 1 and 100 ms", name, err, attempts, took, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := g.js.Publish(ctx, "silent", nil); err != context.DeadlineExceeded {
		t.Errorf("with a deadline: got %v, want %v", err, context.DeadlineExceeded)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := g.js.Publish(ctx, "silent", nil); err != context.Canceled {
		t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
	// A wait between two attempts that is longer than the time ends with the time.
	began := time.Now()
	if _, err := quick.Publish(t.Context(), "nobody", nil, jetstream.WithRetryWait(time.Hour)); err != context.DeadlineExceeded || time.Since(began) > 2*time.Second {
		t.Errorf("retry wait of an hour: got %v after %v, want %v after 100 ms", err, time.Since(began), context.DeadlineExceeded)
	}
	// Without a timeout a future stays until somebody ends it.
	patient := newJS(t, g.nc, jetstream.WithPublishAsyncTimeout(0))
	f, err := patient.PublishAsync("silent", nil)
	must(t, err)
	select {
	case err := <-f.Err():
		t.Errorf("got %v, want no end", err)
	case <-time.After(150 * time.Millisecond):
	}
	patient.CleanupPublisher()
	if _, err := settle(t, f); err != jetstream.ErrJetStreamPublisherClosed {
		t.Errorf("got %v, want %v", err, jetstream.ErrJetStreamPublisherClosed)
	}
	if _, err := publishWays(t, patient)["PublishAsync"]("s.a"); err != nil {
		t.Errorf("after CleanupPublisher: got %v, want an ack", err)
	}
}

// TestJetStreamBadAcks: whatever answers a publish, it is an error and no panic.
func TestJetStreamBadAcks(t *testing.T) {
	g := withJetStream(t)
	for i, tc := range []struct {
		answer string
		want   error
		code   jetstream.ErrorCode
	}{
		{answer: "junk", want: jetstream.ErrInvalidJSAck},
		{answer: "{}", want: jetstream.ErrInvalidJSAck},
		{answer: "", want: jetstream.ErrInvalidJSAck},
		{answer: `{"seq":1}`, want: jetstream.ErrInvalidJSAck},
		{answer: `[1]`, want: jetstream.ErrInvalidJSAck},
		{answer: `{"stream":"X","seq":-1}`, want: jetstream.ErrInvalidJSAck},
		{answer: `{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}`, code: 10077},
	} {
		subject := fmt.Sprintf("answered.%d", i)
		_, err := g.nc.Subscribe(subject, func(m *nats.Msg) { _ = m.Respond([]byte(tc.answer)) })
		must(t, err)
		for name, publish := range publishWays(t, g.js) {
			_, err := publish(subject)
			if tc.want != nil {
				if err != tc.want {
					t.Errorf("%s, answer %q: got %v, want %v", name, tc.answer, err, tc.want)
				}
				continue
			}
			if refused, ok := err.(*jetstream.APIError); !ok || refused.ErrorCode != tc.code {
				t.Errorf("%s, answer %q: got %v, want the server's error %d", name, tc.answer, err, tc.code)
			}
		}
	}
}

func TestJetStreamExpectations(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 3)
	n := 0
	for name, publish := range publishWays(t, g.js) {
		n++
		first, err := publish("s.id", jetstream.WithMsgID(name))
		must(t, err)
		again, err := publish("s.id", jetstream.WithMsgID(name))
		if err != nil || !again.Duplicate || again.Sequence != first.Sequence || again.Stream != "S" {
			t.Errorf("%s, same id: got %+v, %v, want a duplicate of %d", name, again, err, first.Sequence)
		}
		for _, tc := range []struct {
			opt  jetstream.PublishOpt
			code jetstream.ErrorCode // 0: it is stored
		}{
			{jetstream.WithExpectStream("S"), 0},
			{jetstream.WithExpectStream("T"), 10060},
			{jetstream.WithExpectLastSequence(1), 10071},
			{jetstream.WithExpectLastSequencePerSubject(99), 10071},
			{jetstream.WithExpectLastSequenceForSubject(99, "s.a"), 10071},
			{jetstream.WithExpectLastSequenceForSubject(3, "s.a"), 0},
			{jetstream.WithExpectLastMsgID("other"), 10070},
			{jetstream.WithMsgTTL(time.Hour), 0},
			{jetstream.WithMsgTTL(time.Millisecond), 10165},
			{jetstream.WithScheduleEvery(time.Hour), jetstream.JSErrCodeScheduleTargetInvalid},
		} {
			_, err := publish(fmt.Sprintf("s.expect%d", n), tc.opt)
			var refused *jetstream.APIError
			switch {
			case tc.code == 0 && err != nil:
				t.Errorf("%s: got %v, want it stored", name, err)
			case tc.code != 0 && (!errors.As(err, &refused) || refused.ErrorCode != tc.code):
				t.Errorf("%s: got %v, want error %d", name, err, tc.code)
			}
		}
		if _, err := publish(fmt.Sprintf("s.expect%d", n), jetstream.WithScheduleEvery(time.Hour)); !errors.Is(err, jetstream.ErrScheduleTargetInvalid) {
			t.Errorf("%s: got %v, want it to match %v", name, err, jetstream.ErrScheduleTargetInvalid)
		}
		if _, err := publish(fmt.Sprintf("s.every%d", n), jetstream.WithScheduleEvery(time.Hour), jetstream.WithScheduleTarget("s.target"), jetstream.WithScheduleTTLNever()); err != nil {
			t.Errorf("%s, schedule: %v", name, err)
		}
	}
}

func TestJetStreamRefusedArguments(t *testing.T) {
	g := withJetStream(t)
	subs := g.nc.NumSubscriptions()
	msg := func(m *nats.Msg) func() error {
		return func() error {
			_, err := g.js.PublishMsg(context.Background(), m)
			if _, async := g.js.PublishMsgAsync(m); !errors.Is(async, err) && !errors.Is(err, async) {
				t.Errorf("synchronously %v, asynchronously %v, want the same", err, async)
			}
			return err
		}
	}
	for name, tc := range map[string]struct {
		call func() error
		want error
	}{
		"nil context":   {func() error { _, err := g.js.Publish(nil, "s.a", nil); return err }, nats.ErrInvalidContext},
		"nil message":   {msg(nil), nats.ErrInvalidMsg},
		"empty subject": {msg(&nats.Msg{}), nats.ErrBadSubject},
		"two words":     {msg(&nats.Msg{Subject: "a b"}), nats.ErrBadSubject},
		"line break":    {msg(&nats.Msg{Subject: "a\r\nPUB x 0\r\n"}), nats.ErrBadSubject},
		"header key":    {msg(&nats.Msg{Subject: "s.a", Header: nats.Header{"a b": {"x"}}}), nats.ErrBadHeaderMsg},
		"large payload": {msg(&nats.Msg{Subject: "s.a", Data: make([]byte, 2<<20)}), nats.ErrMaxPayload},
		"stall wait": {func() error {
			_, err := g.js.Publish(context.Background(), "s.a", nil, jetstream.WithStallWait(1))
			return err
		}, jetstream.ErrInvalidOption},
		"reply subject": {func() error { _, err := g.js.PublishMsgAsync(&nats.Msg{Subject: "s.a", Reply: "r"}); return err }, jetstream.ErrAsyncPublishReplySubjectSet},
		"negative wait": {func() error { _, err := g.js.PublishAsync("s.a", nil, jetstream.WithRetryWait(-1)); return err }, jetstream.ErrInvalidOption},
		"ended context": {func() error {
			c, stop := context.WithCancel(context.Background())
			stop()
			_, err := g.js.Publish(c, "s.a", nil)
			return err
		}, context.Canceled},
		"no max pending":  {func() error { _, err := jetstream.New(g.nc, jetstream.WithPublishAsyncMaxPending(0)); return err }, jetstream.ErrInvalidOption},
		"nil connection":  {func() error { _, err := jetstream.New(nil); return err }, nats.ErrInvalidConnection},
		"zero connection": {func() error { _, err := jetstream.New(&nats.Conn{}); return err }, nats.ErrInvalidConnection},
	} {
		var err error
		if n := published(g.nc, func() { err = tc.call() }); !errors.Is(err, tc.want) || n != 0 {
			t.Errorf("%s: got %v and %d publishes, want %v and none", name, err, n, tc.want)
		}
	}
	if n := g.js.PublishAsyncPending(); n != 0 {
		t.Errorf("%d pending, want 0", n)
	}
	if n := g.nc.NumSubscriptions(); n != subs {
		t.Errorf("%d subscriptions, before %d", n, subs)
	}
	if ack, err := g.js.Publish(t.Context(), "s.a", nil); err != nil || ack.Sequence != 1 {
		t.Errorf("afterwards: got %+v, %v, want sequence 1", ack, err)
	}
}

func TestJetStreamAsyncInOrder(t *testing.T) {
	g := withJetStream(t)
	const n = 5000
	js := newJS(t, g.nc, jetstream.WithPublishAsyncMaxPending(100))
	futures := make([]jetstream.PubAckFuture, n)
	for i := range futures {
		f, err := js.PublishAsync("s.a", fmt.Append(nil, i), jetstream.WithStallWait(patience))
		must(t, err)
		futures[i] = f
		if pending := js.PublishAsyncPending(); pending > 100 {
			t.Fatalf("%d pending, want at most 100", pending)
		}
	}
	await(t, "all acks", js.PublishAsyncComplete())
	if pending := js.PublishAsyncPending(); pending != 0 {
		t.Errorf("%d pending, want 0", pending)
	}
	for i, f := range futures {
		select {
		case ack := <-f.Ok():
			if ack.Sequence != uint64(i+1) {
				t.Fatalf("message %d: sequence %d, want %d", i, ack.Sequence, i+1)
			}
		default:
			t.Fatalf("message %d has no ack, but all are complete", i)
		}
	}
	await(t, "completion without anything pending", js.PublishAsyncComplete())
}

func TestJetStreamFutureMessage(t *testing.T) {
	g := withJetStream(t)
	own := nats.NewMsg("s.a")
	f, err := g.js.PublishMsgAsync(own, jetstream.WithMsgID("1"))
	must(t, err)
	if f.Msg() != own || own.Header.Get("Nats-Msg-Id") != "1" || own.Reply != "" {
		t.Errorf("got %p %+v, want the caller's own %p with the id", f.Msg(), f.Msg(), own)
	}
	f, err = g.js.PublishAsync("s.b", []byte("data"), jetstream.WithMsgID("2"))
	must(t, err)
	if m := f.Msg(); m.Subject != "s.b" || string(m.Data) != "data" || m.Header.Get("Nats-Msg-Id") != "2" {
		t.Errorf("got %+v", m)
	}
	if m, ok, fail := f.Msg(), f.Ok(), f.Err(); f.Msg() != m || f.Ok() != ok || f.Err() != fail {
		t.Error("different answers to the same question")
	}
	f, err = g.js.PublishAsync("s.c", nil)
	must(t, err)
	if m := f.Msg(); m.Header != nil {
		t.Errorf("got header %v, want none", m.Header)
	}
	await(t, "acks", g.js.PublishAsyncComplete())
}

func TestJetStreamStall(t *testing.T) {
	g := withJetStream(t)
	_ = subscribeSync(t, g.nc, "silent")
	js := newJS(t, g.nc, jetstream.WithPublishAsyncMaxPending(5))
	for range 5 {
		_, err := js.PublishAsync("silent", nil)
		must(t, err)
	}
	for _, tc := range []struct {
		opts []jetstream.PublishOpt
		want time.Duration
	}{{nil, 200 * time.Millisecond}, {[]jetstream.PublishOpt{jetstream.WithStallWait(20 * time.Millisecond)}, 20 * time.Millisecond}} {
		began := time.Now()
		f, err := js.PublishAsync("silent", nil, tc.opts...)
		if took := time.Since(began); err != jetstream.ErrTooManyStalledMsgs || f != nil || took < tc.want || took > tc.want+time.Second {
			t.Errorf("got %v, %v after %v, want %v after %v", f, err, took, jetstream.ErrTooManyStalledMsgs, tc.want)
		}
	}
	if pending := js.PublishAsyncPending(); pending != 5 {
		t.Errorf("%d pending, want 5", pending)
	}
	js.CleanupPublisher()
}

// TestJetStreamHandlersMayDoAnything: the handlers of asynchronous publishes call every method that could wait for them.
func TestJetStreamHandlersMayDoAnything(t *testing.T) {
	g := withJetStream(t)
	_ = subscribeSync(t, g.nc, "silent")
	acked, failed := make(chan uint64, 10), make(chan error, 10)
	anything := func(js jetstream.JetStream) {
		_ = js.PublishAsyncPending()
		_ = js.PublishAsyncComplete()
		if _, err := js.Publish(context.Background(), "s.handler", nil); err != nil {
			t.Errorf("publish in a handler: %v", err)
		}
		if f, err := js.PublishAsync("s.handler", nil, jetstream.WithMsgID("handled")); err != nil {
			t.Errorf("async publish in a handler: %v", err)
		} else if _, err := settle(t, f); err != nil {
			t.Errorf("async publish in a handler: %v", err)
		}
		_, _ = js.Stream(context.Background(), "S")
	}
	js := newJS(t, g.nc,
		jetstream.WithPublishAsyncTimeout(500*time.Millisecond),
		jetstream.WithPublishAsyncAckHandler(func(js jetstream.JetStream, m *nats.Msg, ack *jetstream.PubAck) {
			if m.Subject == "s.a" {
				anything(js)
				js.CleanupPublisher()
				acked <- ack.Sequence
			}
		}),
		jetstream.WithPublishAsyncErrHandler(func(js jetstream.JetStream, m *nats.Msg, err error) {
			if err == jetstream.ErrAsyncPublishTimeout {
				anything(js)
			}
			failed <- err
		}))
	_, err := js.PublishAsync("s.a", nil)
	must(t, err)
	if seq := await(t, "the ack handler", acked); seq != 1 {
		t.Errorf("sequence %d, want 1", seq)
	}
	_, err = js.PublishAsync("silent", nil)
	must(t, err)
	if err := await(t, "the error handler", failed); err != jetstream.ErrAsyncPublishTimeout {
		t.Errorf("got %v, want %v", err, jetstream.ErrAsyncPublishTimeout)
	}
	_, err = js.PublishAsync("silent", nil)
	must(t, err)
	js.CleanupPublisher()
	if err := await(t, "the error handler", failed); err != jetstream.ErrJetStreamPublisherClosed {
		t.Errorf("got %v, want %v", err, jetstream.ErrJetStreamPublisherClosed)
	}
	await(t, "completion", js.PublishAsyncComplete())
	js2 := newJS(t, g.nc, jetstream.WithPublishAsyncAckHandler(func(jetstream.JetStream, *nats.Msg, *jetstream.PubAck) {
		g.nc.Close()
		acked <- 0
	}))
	_, err = js2.PublishAsync("s.b", nil)
	must(t, err)
	await(t, "Close in a handler", acked)
}

// TestJetStreamDisconnect: a lost connection ends every pending future at once, and what was stored stays acknowledged.
func TestJetStreamDisconnect(t *testing.T) {
	g, p := behindProxy(t)
	_ = subscribeSync(t, g.nc, "silent")
	var futures []jetstream.PubAckFuture
	for range 50 {
		f, err := g.js.PublishAsync("silent", nil)
		must(t, err)
		futures = append(futures, f)
	}
	must(t, g.nc.Flush())
	began := time.Now()
	p.Cut()
	for _, f := range futures {
		if _, err := settle(t, f); err != nats.ErrDisconnected {
			t.Fatalf("got %v, want %v", err, nats.ErrDisconnected)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v, want it at once", took)
	}
	await(t, "completion", g.js.PublishAsyncComplete())
	if _, err := g.js.Publish(t.Context(), "s.a", nil); err != nil {
		t.Errorf("after the reconnect: %v", err)
	}
}

// TestJetStreamLostAck: an ack gets lost with its connection. With a message id the publish is sent again and stored once;
// without one it is not sent again.
func TestJetStreamLostAck(t *testing.T) {
	g, p := behindProxy(t)
	direct, err := g.steady.Stream(t.Context(), "S")
	must(t, err)
	stored := func() uint64 {
		info, err := direct.Info(context.Background())
		must(t, err)
		return info.State.Msgs
	}
	for _, tc := range []struct {
		name    string
		opts    []jetstream.PublishOpt
		subject string
		verb    string
	}{
		{"with an id", []jetstream.PublishOpt{jetstream.WithMsgID("1")}, "s.id", "HPUB s.id"},
		{"without", nil, "s.plain", "PUB s.plain"},
	} {
		lost := p.Stats().Lost
		p.HoleOnMatch([]byte(tc.verb), natstest.ClientToServer, natstest.ServerToClient)
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		type result struct {
			ack *jetstream.PubAck
			err error
		}
		done := make(chan result, 1)
		go func() {
			ack, err := g.js.Publish(ctx, tc.subject, []byte("x"), tc.opts...)
			done <- result{ack, err}
		}()
		eventually(t, "a lost ack", func() bool { return p.Stats().Lost > lost })
		must(t, p.Heal()) // cuts the connection, which has lost bytes
		r := await(t, "the publish", done)
		if tc.opts != nil && (r.err != nil || !r.ack.Duplicate) {
			t.Errorf("%s: got %+v, %v, want a duplicate", tc.name, r.ack, r.err)
		}
		if tc.opts == nil && r.err != context.DeadlineExceeded {
			t.Errorf("%s: got %+v, %v, want %v", tc.name, r.ack, r.err, context.DeadlineExceeded)
		}
		if n := stored(); n != 1 {
			t.Errorf("%s: %d messages stored, want 1", tc.name, n)
		}
		must(t, direct.Purge(t.Context()))
	}
}

// TestJetStreamEverythingEnds: Close and Drain end every future, publish, fetch and next, at once.
func TestJetStreamEverythingEnds(t *testing.T) {
	for name, end := range map[string]func(nc *nats.Conn) error{
		"Close": func(nc *nats.Conn) error { nc.Close(); return nil },
		"Drain": (*nats.Conn).Drain,
	} {
		t.Run(name, func(t *testing.T) {
			g := withJetStream(t)
			_ = subscribeSync(t, dial(t, g.srv.URL()), "silent")
			c := g.consumer(t)
			errs := make(chan error, 200)
			for range 50 {
				f, err := g.js.PublishAsync("silent", nil)
				must(t, err)
				go func() { errs <- <-f.Err() }()
			}
			complete := g.js.PublishAsyncComplete()
			for range 3 {
				go func() { _, err := g.js.Publish(context.Background(), "silent", nil); errs <- err }()
				go func() { _, err := c.Next(); errs <- err }()
				go func() { errs <- fetchEnd(c) }()
			}
			eventually(t, "three fetches and three nexts at the server", func() bool {
				info, err := c.Info(t.Context())
				must(t, err)
				return info.NumWaiting == 6
			})
			began := time.Now()
			must(t, end(g.nc))
			for range 50 + 9 {
				if err := await(t, "an end", errs); err != nats.ErrConnectionClosed {
					t.Errorf("got %v, want %v", err, nats.ErrConnectionClosed)
				}
			}
			await(t, "completion", complete)
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			for call, err := range map[string]error{
				"Publish":      second(g.js.Publish(context.Background(), "s.a", nil)),
				"PublishAsync": second(g.js.PublishAsync("s.a", nil)),
				"Fetch":        fetchEnd(c),
				"Next":         second(c.Next()),
			} {
				if err != nats.ErrConnectionClosed {
					t.Errorf("%s afterwards: got %v, want %v", call, err, nats.ErrConnectionClosed)
				}
			}
		})
	}
}

// fetchEnd is how a fetch ends, whether it tells before or after its beginning.
func fetchEnd(c jetstream.Consumer) error {
	b, err := c.Fetch(10)
	if err != nil {
		return err
	}
	_, err = read(b)
	return err
}

func second[T any](_ T, err error) error { return err }
