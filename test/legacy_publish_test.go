package test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// legacyEnd waits for the end of a future.
func legacyEnd(t testing.TB, f nats.PubAckFuture) (*nats.PubAck, error) {
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

func TestLegacyPublish(t *testing.T) {
	g := withLegacy(t)
	ack := got[*nats.PubAck](t)(g.js.Publish("s.a", []byte("x"), nats.MsgId("1"), nil))
	if want := (nats.PubAck{Stream: "S", Sequence: 1}); *ack != want {
		t.Errorf("got %+v, want %+v", *ack, want)
	}
	ack = got[*nats.PubAck](t)(g.js.Publish("s.a", []byte("y"), nats.MsgId("1")))
	if want := (nats.PubAck{Stream: "S", Sequence: 1, Duplicate: true}); *ack != want {
		t.Errorf("the same id again: got %+v, want %+v", *ack, want)
	}
	m := &nats.Msg{Subject: "s.b", Reply: "ignored", Data: []byte("z")}
	_ = got[*nats.PubAck](t)(g.js.PublishMsg(m, nats.MsgTTL(time.Hour), nats.ExpectStream("S"), nats.ExpectLastMsgId("1"),
		nats.ExpectLastSequence(1), nats.ExpectLastSequencePerSubject(0), nats.Context(t.Context())))
	raw := got[*nats.RawStreamMsg](t)(g.js.GetMsg("S", 2))
	for key, want := range map[string]string{
		"Nats-TTL": "1h0m0s", "Nats-Expected-Stream": "S", "Nats-Expected-Last-Msg-Id": "1", "Nats-Expected-Last-Sequence": "1",
		"Nats-Expected-Last-Subject-Sequence": "0",
	} {
		if raw.Header.Get(key) != want || m.Header.Get(key) != want {
			t.Errorf("%s: stored %q, in the message %q, want %q", key, raw.Header.Get(key), m.Header.Get(key), want)
		}
	}
	for name, tc := range map[string]struct {
		opt  nats.PubOpt
		code nats.ErrorCode
		text string
	}{
		"sequence":         {nats.ExpectLastSequence(7), nats.JSErrCodeStreamWrongLastSequence, "nats: wrong last sequence: 2"},
		"subject sequence": {nats.ExpectLastSequencePerSubject(7), nats.JSErrCodeStreamWrongLastSequence, "nats: wrong last sequence: 1"},
		"stream":           {nats.ExpectStream("T"), 10060, "nats: expected stream does not match"},
		"last id":          {nats.ExpectLastMsgId("7"), 10070, "nats: wrong last msg ID: "},
	} {
		_, err := g.js.Publish("s.a", nil, tc.opt)
		var refused *nats.APIError
		if !errors.As(err, &refused) || refused.ErrorCode != tc.code || err.Error() != tc.text {
			t.Errorf("wrong %s: got %#v, want %q with code %d", name, err, tc.text, tc.code)
		}
		f := got[nats.PubAckFuture](t)(g.js.PublishAsync("s.a", nil, tc.opt))
		if _, err := legacyEnd(t, f); !errors.As(err, &refused) || refused.ErrorCode != tc.code {
			t.Errorf("wrong %s, asynchronous: got %#v, want code %d", name, err, tc.code)
		}
	}
}

// TestLegacyPublishRetries counts publishes, and the time they take, when no stream answers.
func TestLegacyPublishRetries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		opts  []nats.PubOpt
		times uint64 // 0: more than a few
		took  time.Duration
		want  error
	}{
		{"defaults", nil, 3, 500 * time.Millisecond, nats.ErrNoStreamResponse},
		{"none", []nats.PubOpt{nats.RetryAttempts(0)}, 1, 0, nats.ErrNoStreamResponse},
		{"four at once", []nats.PubOpt{nats.RetryAttempts(4), nats.RetryWait(0)}, 5, 0, nats.ErrNoStreamResponse},
		{"two with pauses", []nats.PubOpt{nats.RetryAttempts(2), nats.RetryWait(100 * time.Millisecond)}, 3, 200 * time.Millisecond, nats.ErrNoStreamResponse},
		// A pause as long as the default time leaves room for one attempt.
		{"pause of 5 s", []nats.PubOpt{nats.RetryWait(5 * time.Second), nats.RetryAttempts(10)}, 1, 5 * time.Second, nats.ErrTimeout},
		// The time of the call holds: it does not end with a whole pause.
		{"ack wait", []nats.PubOpt{nats.RetryWait(500 * time.Millisecond), nats.RetryAttempts(10), nats.AckWait(1200 * time.Millisecond)}, 3, 1200 * time.Millisecond, nats.ErrTimeout},
		{"until the time is over", []nats.PubOpt{nats.RetryWait(20 * time.Millisecond), nats.RetryAttempts(-1), nats.AckWait(500 * time.Millisecond)}, 0, 500 * time.Millisecond, nats.ErrTimeout},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := withLegacy(t)
			var err error
			began := time.Now()
			n := published(g.nc, func() { _, err = g.js.Publish("none", nil, tc.opts...) })
			wantTook(t, "publish", time.Since(began), tc.took)
			if n != tc.times && !(tc.times == 0 && n > 5) || err != tc.want {
				t.Errorf("got %d publishes, %v, want %d, %v", n, err, tc.times, tc.want)
			}
		})
	}
	t.Run("context", func(t *testing.T) {
		g := withLegacy(t)
		ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
		defer cancel()
		var err error
		began := time.Now()
		n := published(g.nc, func() {
			_, err = g.js.Publish("none", nil, nats.RetryWait(500*time.Millisecond), nats.RetryAttempts(10), nats.Context(ctx))
		})
		wantTook(t, "publish", time.Since(began), 1200*time.Millisecond)
		if n != 3 || err != context.DeadlineExceeded {
			t.Errorf("got %d publishes, %v, want 3, %v", n, err, context.DeadlineExceeded)
		}
	})
	t.Run("stream appears", func(t *testing.T) {
		g := withLegacy(t)
		js := g.admin(t)
		before := g.nc.Stats().OutMsgs
		acked := make(chan error, 1)
		go func() {
			_, err := g.js.Publish("late", nil, nats.RetryWait(200*time.Millisecond), nats.RetryAttempts(10))
			acked <- err
		}()
		eventually(t, "a second attempt", func() bool { return g.nc.Stats().OutMsgs-before == 2 })
		_, err := js.AddStream(&nats.StreamConfig{Name: "L", Subjects: []string{"late"}})
		must(t, err)
		must(t, await(t, "the ack", acked))
	})
}

// TestLegacyPublishSilent publishes where somebody listens and does not answer: nothing is tried again.
func TestLegacyPublishSilent(t *testing.T) {
	g := withLegacy(t, nats.Name("silent"))
	_ = subscribeSync(t, g.nc, "silent")
	short := legacyJS(t, g.nc, nats.MaxWait(300*time.Millisecond))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for name, tc := range map[string]struct {
		js   nats.JetStreamContext
		opts []nats.PubOpt
		want error
	}{
		"ack wait":     {g.js, []nats.PubOpt{nats.AckWait(300 * time.Millisecond)}, nats.ErrTimeout},
		"max wait":     {short, nil, nats.ErrTimeout},
		"with an id":   {short, []nats.PubOpt{nats.MsgId("1")}, nats.ErrTimeout},
		"context":      {g.js, []nats.PubOpt{nats.Context(ctx)}, context.DeadlineExceeded},
		"no time left": {g.js, []nats.PubOpt{nats.Context(ctx)}, context.DeadlineExceeded},
	} {
		if name == "no time left" {
			continue // after the others
		}
		var err error
		began := time.Now()
		n := published(g.nc, func() { _, err = tc.js.Publish("silent", nil, tc.opts...) })
		if name != "context" { // its time runs already
			wantTook(t, name, time.Since(began), 300*time.Millisecond)
		}
		if n > 1 || err != tc.want {
			t.Errorf("%s: got %d publishes, %v, want 1, %v", name, n, err, tc.want)
		}
	}
	<-ctx.Done()
	if n := published(g.nc, func() {
		_, err := g.js.Publish("silent", nil, nats.Context(ctx))
		wantError(t, "context at its end", err, context.DeadlineExceeded)
	}); n != 0 {
		t.Errorf("context at its end: %d publishes", n)
	}
	// Something else than a stream.
	_, err := g.nc.Subscribe("rude", func(m *nats.Msg) { _ = m.Respond([]byte("hello")) })
	must(t, err)
	_, err = g.js.Publish("rude", nil)
	wantError(t, "an answer that is no ack", err, nats.ErrInvalidJSAck)
}

// TestLegacyPublishCut loses the ack and then the link.
func TestLegacyPublishCut(t *testing.T) {
	g, p := withLegacyProxy(t)
	js := g.admin(t)
	for i, tc := range []struct {
		name string
		opts []nats.PubOpt
		want error
	}{
		{"with an id it is sent again", []nats.PubOpt{nats.MsgId("1"), nats.AckWait(patience)}, nil},
		{"without one it waits for its time", []nats.PubOpt{nats.AckWait(1200 * time.Millisecond)}, nats.ErrTimeout},
	} {
		eventually(t, "the link", g.nc.IsConnected)
		subject := fmt.Sprintf("s.cut%d", i)
		p.HoleOnMatch([]byte(subject), natstest.ClientToServer, natstest.ServerToClient)
		type result struct {
			ack *nats.PubAck
			err error
		}
		ended := make(chan result, 1)
		go func() {
			ack, err := g.js.Publish(subject, nil, tc.opts...)
			ended <- result{ack, err}
		}()
		eventually(t, "the message in the stream", func() bool { return stored(t, js) == uint64(i+1) })
		p.Cut() // within the hole, so that no ack slips through
		must(t, p.Heal())
		r := await(t, "the end of the publish", ended)
		wantError(t, tc.name, r.err, tc.want)
		if r.err == nil && !r.ack.Duplicate {
			t.Errorf("%s: got %+v, want a duplicate", tc.name, r.ack)
		}
		if n := stored(t, js); n != uint64(i+1) {
			t.Errorf("%s: %d messages stored, want %d", tc.name, n, i+1)
		}
	}
}

func TestLegacyPublishRefused(t *testing.T) {
	g := withLegacy(t)
	m := func(set func(*nats.Msg)) *nats.Msg {
		m := &nats.Msg{Subject: "s.a"}
		set(m)
		return m
	}
	for name, tc := range map[string]struct {
		m    *nats.Msg
		opts []nats.PubOpt
		want error
	}{
		"nil message":   {nil, nil, nats.ErrInvalidMsg},
		"no subject":    {m(func(m *nats.Msg) { m.Subject = "" }), nil, nats.ErrBadSubject},
		"line break":    {m(func(m *nats.Msg) { m.Subject = "s.a\r\nPUB s.b 0\r\n" }), nil, nats.ErrBadSubject},
		"bad key":       {m(func(m *nats.Msg) { m.Header = nats.Header{"a b": {"c"}} }), nil, nats.ErrBadHeaderMsg},
		"too large":     {m(func(m *nats.Msg) { m.Data = make([]byte, 2<<20) }), nil, nats.ErrMaxPayload},
		"nil context":   {m(func(*nats.Msg) {}), []nats.PubOpt{nats.Context(nil)}, nats.ErrInvalidContext},
		"negative wait": {m(func(*nats.Msg) {}), []nats.PubOpt{nats.RetryWait(-1)}, nats.ErrInvalidArg},
	} {
		if n := published(g.nc, func() {
			_, err := g.js.PublishMsg(tc.m, tc.opts...)
			wantError(t, name, err, tc.want)
			_, err = g.js.PublishMsgAsync(tc.m, tc.opts...)
			wantError(t, name+", asynchronous", err, tc.want)
		}); n != 0 {
			t.Errorf("%s: %d messages sent", name, n)
		}
	}
	_, err := g.js.PublishMsgAsync(&nats.Msg{Subject: "s.a", Reply: "r"})
	if err == nil || !strings.Contains(err.Error(), "reply subject should be empty") {
		t.Errorf("asynchronous with a reply subject: got %v", err)
	}
	// What is in a header cannot become protocol.
	_, err = g.js.Publish("s.a", nil, nats.MsgId("a\r\n\r\nPUB s.b 0\r\n"))
	wantError(t, "an id with line breaks", err, nats.ErrInvalidArg)
	_ = got[*nats.PubAck](t)(g.js.PublishMsg(m(func(m *nats.Msg) { m.Header = nats.Header{nats.MsgIdHdr: {"a\r\n\r\nPUB s.b 0\r\n"}} })))
	if n := stored(t, g.js); n != 1 {
		t.Errorf("%d messages stored, want 1", n)
	}
	if n := g.js.PublishAsyncPending(); n != 0 {
		t.Errorf("%d publishes pending, want none", n)
	}
	g.nc.Close()
	_, err = g.js.Publish("s.a", nil)
	wantError(t, "closed", err, nats.ErrConnectionClosed)
	_, err = g.js.PublishAsync("s.a", nil)
	wantError(t, "closed, asynchronous", err, nats.ErrConnectionClosed)
	if _, err := new(nats.Conn).JetStream(); err != nats.ErrInvalidConnection {
		t.Errorf("JetStream of a zero Conn: got %v, want %v", err, nats.ErrInvalidConnection)
	}
}
