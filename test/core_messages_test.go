package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/nats-io/nats-server/v2/server"
)

func TestPublishAndSubscribe(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	for name, tc := range map[string]struct{ subject, publish string }{
		"exact":         {"a.b", "a.b"},
		"one token":     {"x.*", "x.y"},
		"the rest":      {"r.>", "r.s.t"},
		"token between": {"p.*.q", "p.1.q"},
		"odd tokens":    {"Ünï.$cödé", "Ünï.$cödé"},
	} {
		sub := subscribeSync(t, nc, tc.subject)
		must(t, nc.PublishRequest(tc.publish, "answer.here", []byte(name)))
		m, err := sub.NextMsg(patience)
		must(t, err)
		if m.Subject != tc.publish || m.Reply != "answer.here" || string(m.Data) != name || m.Sub != sub {
			t.Errorf("%s: got %q reply %q data %q", name, m.Subject, m.Reply, m.Data)
		}
		must(t, sub.Unsubscribe())
	}
	eventually(t, "the server to forget the subscriptions", func() bool { return clientSubs(srv) == 0 })
}

// clientSubs counts the subscriptions of the server's clients.
func clientSubs(srv *natstest.Server) int {
	conns, err := srv.Embedded().Connz(nil)
	if err != nil {
		return -1
	}
	n := 0
	for _, c := range conns.Conns {
		n += int(c.NumSubs)
	}
	return n
}

func TestHeaders(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	sub := subscribeSync(t, nc, "h")
	sent := nats.NewMsg("h")
	sent.Header.Set("One", "1")
	sent.Header.Add("Two", "2")
	sent.Header.Add("Two", "zwei")
	sent.Header["case-Kept"] = []string{"yes"}
	sent.Header.Set("Breaks", "a\r\nb\nc")
	sent.Data = []byte("data\r\n\r\nPUB x 1\r\n")
	want := sent.Header
	must(t, nc.PublishMsg(sent))
	m, err := sub.NextMsg(patience)
	must(t, err)
	if string(m.Data) != string(sent.Data) || len(m.Header) != 4 {
		t.Errorf("got %q %v", m.Data, m.Header)
	}
	for key, values := range want {
		if key == "Breaks" {
			values = []string{"a  b c"}
		}
		if !slices.Equal(m.Header[key], values) {
			t.Errorf("header %s: got %q, want %q", key, m.Header[key], values)
		}
	}
	bad := nats.NewMsg("h")
	bad.Header.Set("a b", "1")
	if err := nc.PublishMsg(bad); err != nats.ErrBadHeaderMsg {
		t.Errorf("key with a space: %v, want %v", err, nats.ErrBadHeaderMsg)
	}
}

func TestPayloadSizes(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	sub := subscribeSync(t, nc, "p")
	for _, size := range []int{0, 1, 511, 512, 4096, 16383, 16384, 65535, 65536, 70000, 1<<20 - 1, 1 << 20} {
		data := []byte(strings.Repeat("x", size))
		if size > 0 {
			data[size-1] = 'y'
		}
		must(t, nc.Publish("p", data))
		if got := next(t, sub); got != string(data) {
			t.Errorf("%d bytes: got %d, ending %q", size, len(got), got[max(0, len(got)-1):])
		}
	}
	if err := nc.Publish("p", make([]byte, 1<<20+1)); err != nats.ErrMaxPayload {
		t.Errorf("one byte too many: %v, want %v", err, nats.ErrMaxPayload)
	}
	must(t, nc.Flush())
}

func TestQueueGroups(t *testing.T) {
	srv := start(t)
	const messages = 300
	var counts [3]atomic.Int32
	var all sync.WaitGroup
	all.Add(messages)
	for i := range counts {
		nc := dial(t, srv.URL())
		got[*nats.Subscription](t)(nc.QueueSubscribe("work", "workers", func(*nats.Msg) { counts[i].Add(1); all.Done() }))
		must(t, nc.Flush())
	}
	nc := dial(t, srv.URL())
	for range messages {
		must(t, nc.Publish("work", nil))
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	await(t, "every message at one worker", done)
	must(t, nc.Flush())
	for i := range counts {
		if n := counts[i].Load(); n == 0 || n == messages {
			t.Errorf("worker %d got %d of %d", i, n, messages)
		}
	}
}

func TestAsyncSubscriptionKeepsOrder(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	const messages = 20_000
	var seen []string
	done := make(chan struct{})
	got[*nats.Subscription](t)(nc.Subscribe("o", func(m *nats.Msg) {
		if seen = append(seen, string(m.Data)); len(seen) == messages {
			close(done)
		}
	}))
	for i := range messages {
		must(t, nc.Publish("o", fmt.Append(nil, i)))
	}
	await(t, "all messages", done)
	for i, s := range seen {
		if s != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, s)
		}
	}
}

// A callback that blocks holds up its own subscription and nothing else.
func TestBlockedCallback(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	release := make(chan struct{})
	entered := make(chan struct{}, 1)
	got[*nats.Subscription](t)(nc.Subscribe("block", func(*nats.Msg) { entered <- struct{}{}; <-release }))
	free := make(chan string, 10)
	got[*nats.Subscription](t)(nc.Subscribe("free", func(m *nats.Msg) { free <- string(m.Data) }))
	must(t, nc.Publish("block", nil))
	await(t, "the blocking callback", entered)
	must(t, nc.Publish("free", []byte("on")))
	if got := await(t, "the other callback", free); got != "on" {
		t.Errorf("got %q", got)
	}
	close(release)
}

func TestChanSubscription(t *testing.T) {
	srv := start(t)
	var j journal
	nc := dial(t, srv.URL(), j.handler())
	ch := make(chan *nats.Msg, 3)
	sub := got[*nats.Subscription](t)(nc.ChanSubscribe("c", ch))
	for i := range 5 {
		must(t, nc.Publish("c", fmt.Append(nil, i)))
	}
	must(t, nc.Flush())
	for i := range 3 {
		if m := await(t, "a message", ch); string(m.Data) != fmt.Sprint(i) {
			t.Errorf("got %q, want %d", m.Data, i)
		}
	}
	eventually(t, "the slow consumer's error", func() bool { return j.hasErr(nats.ErrSlowConsumer) })
	if n := got[int](t)(sub.Dropped()); n != 2 {
		t.Errorf("dropped %d, want 2", n)
	}
	if n := len(j.errors()); n != 1 {
		t.Errorf("told %d times in one episode: %v", n, j.errors())
	}
	must(t, sub.Unsubscribe())
	must(t, nc.Publish("c", nil))
	must(t, nc.Flush())
	if len(ch) != 0 {
		t.Errorf("%d messages after Unsubscribe", len(ch))
	}
}

func TestNextMsgErrors(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	sub := subscribeSync(t, nc, "n")
	took := within(t, "NextMsg(50ms)", 300*time.Millisecond, func() {
		if _, err := sub.NextMsg(50 * time.Millisecond); err != nats.ErrTimeout {
			t.Errorf("got %v, want %v", err, nats.ErrTimeout)
		}
	})
	if took < 45*time.Millisecond {
		t.Errorf("timed out after %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sub.NextMsgWithContext(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled context: %v", err)
	}
	if _, err := sub.NextMsgWithContext(nil); err != nats.ErrInvalidContext { //nolint:staticcheck // a nil context is what is tested
		t.Errorf("nil context: %v", err)
	}
	async := got[*nats.Subscription](t)(nc.Subscribe("n", func(*nats.Msg) {}))
	if _, err := async.NextMsg(time.Millisecond); err != nats.ErrSyncSubRequired {
		t.Errorf("asynchronous subscription: %v", err)
	}
	must(t, sub.Unsubscribe())
	if _, err := sub.NextMsg(time.Millisecond); err != nats.ErrBadSubscription {
		t.Errorf("after Unsubscribe: %v", err)
	}
	if err := sub.Unsubscribe(); err != nats.ErrBadSubscription {
		t.Errorf("second Unsubscribe: %v", err)
	}
}

func TestAutoUnsubscribe(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	sub := subscribeSync(t, nc, "auto")
	must(t, sub.AutoUnsubscribe(3))
	for i := range 6 {
		must(t, nc.Publish("auto", fmt.Append(nil, i)))
	}
	for i := range 3 {
		if got := next(t, sub); got != fmt.Sprint(i) {
			t.Errorf("got %q, want %d", got, i)
		}
	}
	if _, err := sub.NextMsg(time.Second); err != nats.ErrMaxMessages {
		t.Errorf("behind the limit: %v, want %v", err, nats.ErrMaxMessages)
	}
	var calls atomic.Int32
	closed := make(chan string, 1)
	async := got[*nats.Subscription](t)(nc.Subscribe("auto2", func(*nats.Msg) { calls.Add(1) }))
	async.SetClosedHandler(func(subject string) { closed <- subject })
	must(t, async.AutoUnsubscribe(2))
	for range 5 {
		must(t, nc.Publish("auto2", nil))
	}
	if got := await(t, "the closed handler", closed); got != "auto2" || calls.Load() != 2 {
		t.Errorf("closed %q after %d calls, want 2", got, calls.Load())
	}
	eventually(t, "the server to forget them", func() bool { return clientSubs(srv) == 0 })
	if n := nc.NumSubscriptions(); n != 0 {
		t.Errorf("%d subscriptions left", n)
	}
}

// The limit of AutoUnsubscribe counts messages from before a reconnect.
func TestAutoUnsubscribeAcrossReconnect(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	reconnected := make(chan struct{}, 1)
	nc := dial(t, proxy.URL(), quickly(), silent(), nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	pub := dial(t, srv.URL())
	sub := subscribeSync(t, nc, "auto")
	must(t, sub.AutoUnsubscribe(5))
	must(t, nc.Flush())
	for i := range 2 {
		must(t, pub.Publish("auto", fmt.Append(nil, i)))
	}
	for range 2 {
		next(t, sub)
	}
	proxy.Cut()
	await(t, "a reconnect", reconnected)
	must(t, nc.Flush())
	for i := range 10 {
		must(t, pub.Publish("auto", fmt.Append(nil, 2+i)))
	}
	for i := range 3 {
		if got := next(t, sub); got != fmt.Sprint(2+i) {
			t.Errorf("got %q, want %d", got, 2+i)
		}
	}
	if _, err := sub.NextMsg(time.Second); err != nats.ErrMaxMessages {
		t.Errorf("behind the limit: %v", err)
	}
	eventually(t, "the server to forget it", func() bool { return clientSubs(srv) == 0 })
}

func TestSlowConsumer(t *testing.T) {
	srv := start(t)
	var j journal
	nc := dial(t, srv.URL(), j.handler())
	release := make(chan struct{})
	entered := make(chan struct{}, 100)
	sub := got[*nats.Subscription](t)(nc.Subscribe("slow", func(*nats.Msg) { entered <- struct{}{}; <-release }))
	must(t, sub.SetPendingLimits(10, 1<<20))
	status := sub.StatusChanged(nats.SubscriptionSlowConsumer, nats.SubscriptionActive)
	must(t, nc.Publish("slow", nil))
	await(t, "the callback", entered)
	for range 30 {
		must(t, nc.Publish("slow", []byte("0123456789")))
	}
	must(t, nc.Flush())
	msgs, bytes, err := sub.Pending()
	must(t, err)
	if msgs != 10 || bytes != 90 {
		t.Errorf("pending %d messages, %d bytes, want 10 and 90", msgs, bytes)
	}
	if n := got[int](t)(sub.Dropped()); n != 21 {
		t.Errorf("dropped %d, want 21", n)
	}
	eventually(t, "the error handler", func() bool { return j.hasErr(nats.ErrSlowConsumer) })
	for _, want := range []nats.SubStatus{nats.SubscriptionActive, nats.SubscriptionSlowConsumer} {
		if got := await(t, "a status", status); got != want {
			t.Errorf("status %v, want %v", got, want)
		}
	}
	close(release)
	eventually(t, "the queue to be worked off", func() bool { n, _, _ := sub.Pending(); return n == 0 })
	must(t, nc.Publish("slow", nil))
	if got := await(t, "a status", status); got != nats.SubscriptionActive {
		t.Errorf("status %v, want active again", got)
	}
	if n := len(j.errors()); n != 1 {
		t.Errorf("told %d times in one episode", n)
	}

	lazy := got[*nats.Subscription](t)(nc.SubscribeSync("lazy"))
	must(t, lazy.SetPendingLimits(2, -1))
	for i := range 5 {
		must(t, nc.Publish("lazy", fmt.Append(nil, i)))
	}
	must(t, nc.Flush())
	if _, err := lazy.NextMsg(0); err != nats.ErrSlowConsumer {
		t.Errorf("the first NextMsg: %v, want %v", err, nats.ErrSlowConsumer)
	}
	for i := range 2 {
		if got := next(t, lazy); got != fmt.Sprint(i) {
			t.Errorf("got %q, want %d", got, i)
		}
	}
	if err := lazy.SetPendingLimits(0, 1); err != nats.ErrInvalidArg {
		t.Errorf("limit 0: %v", err)
	}
}

func TestRequests(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	responder := dial(t, srv.URL())
	got[*nats.Subscription](t)(responder.Subscribe("echo", func(m *nats.Msg) {
		answer := nats.NewMsg("ignored")
		answer.Data, answer.Header = m.Data, m.Header
		if err := m.RespondMsg(answer); err != nil {
			t.Error(err)
		}
		_ = m.Respond([]byte("late"))
	}))
	got[*nats.Subscription](t)(responder.Subscribe("mute", func(*nats.Msg) {}))
	must(t, responder.Flush())
	for _, old := range []bool{false, true} {
		c := nc
		if old {
			c = dial(t, srv.URL(), nats.UseOldRequestStyle())
		}
		m, err := c.Request("echo", []byte("hello"), patience)
		if err != nil || string(m.Data) != "hello" {
			t.Fatalf("old style %v: got %v, %v", old, m, err)
		}
		question := nats.NewMsg("echo")
		question.Header.Set("Key", "value")
		if m, err = c.RequestMsg(question, patience); err != nil || m.Header.Get("Key") != "value" {
			t.Errorf("old style %v: got %v, %v", old, m, err)
		}
		began := time.Now()
		if _, err = c.Request("nobody", nil, patience); err != nats.ErrNoResponders || time.Since(began) > time.Second {
			t.Errorf("old style %v, nobody there: %v after %v", old, err, time.Since(began))
		}
		within(t, "Request(100ms)", 350*time.Millisecond, func() {
			if _, err := c.Request("mute", nil, 100*time.Millisecond); err != nats.ErrTimeout {
				t.Errorf("old style %v, no answer: %v", old, err)
			}
		})
		if _, err = c.Request("mute", nil, 0); err != nats.ErrTimeout {
			t.Errorf("old style %v, no time: %v", old, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		within(t, "a context's deadline", 350*time.Millisecond, func() {
			if _, err := c.RequestWithContext(ctx, "mute", nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("old style %v, context: %v", old, err)
			}
		})
		cancel()
		if _, err = c.RequestWithContext(ctx, "echo", nil); err == nil {
			t.Errorf("old style %v: a context that is over, and no error", old)
		}
	}
	eventually(t, "requests to leave nothing but the reply subscription", func() bool { return clientSubs(srv) == 2+1 })
}

func TestManyRequestsAtOnce(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	got[*nats.Subscription](t)(nc.QueueSubscribe("double", "q", func(m *nats.Msg) { _ = m.Respond(append(m.Data, m.Data...)) }))
	must(t, nc.Flush())
	var all sync.WaitGroup
	for g := range 50 {
		all.Go(func() {
			for i := range 40 {
				want := fmt.Sprintf("%d.%d", g, i)
				m, err := nc.Request("double", []byte(want), patience)
				if err != nil || string(m.Data) != want+want {
					t.Errorf("got %v, %v, want %s twice", m, err, want)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestCustomInboxPrefix(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL(), nats.CustomInboxPrefix("my.inbox"))
	replies := make(chan string, 1)
	got[*nats.Subscription](t)(nc.Subscribe("q", func(m *nats.Msg) { replies <- m.Reply; _ = m.Respond(nil) }))
	if _, err := nc.Request("q", nil, patience); err != nil {
		t.Fatal(err)
	}
	if got := await(t, "the request", replies); !strings.HasPrefix(got, "my.inbox.") {
		t.Errorf("reply subject %q", got)
	}
}

func TestStats(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	sub := subscribeSync(t, nc, "s")
	for range 10 {
		must(t, nc.Publish("s", []byte("12345")))
	}
	for range 10 {
		next(t, sub)
	}
	if got, want := nc.Stats(), (nats.Statistics{InMsgs: 10, OutMsgs: 10, InBytes: 50, OutBytes: 50}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if delivered := got[int64](t)(sub.Delivered()); delivered != 10 {
		t.Errorf("delivered %d", delivered)
	}
}

func TestNoEcho(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL(), nats.NoEcho())
	sub := subscribeSync(t, nc, "e")
	must(t, nc.Publish("e", []byte("mine")))
	must(t, nc.Flush())
	must(t, dial(t, srv.URL()).Publish("e", []byte("other")))
	if got := next(t, sub); got != "other" {
		t.Errorf("got %q, want no message of its own", got)
	}
}

func TestPermissions(t *testing.T) {
	srv := start(t, natstest.WithConfig(func(o *server.Options) {
		o.Users = []*server.User{{Username: "a", Password: "b", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Deny: []string{"no.pub"}},
			Subscribe: &server.SubjectPermission{Deny: []string{"no.sub"}},
		}}}
	}))
	var j journal
	nc := dial(t, srv.URL(), nats.UserInfo("a", "b"), nats.PermissionErrOnSubscribe(true), j.handler())
	must(t, nc.Publish("no.pub", nil))
	must(t, nc.Flush())
	eventually(t, "the error handler", func() bool { return j.hasErr(nats.ErrPermissionViolation) })
	sub := got[*nats.Subscription](t)(nc.SubscribeSync("no.sub"))
	within(t, "NextMsg of a denied subscription", time.Second, func() {
		if _, err := sub.NextMsg(patience); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("got %v, want %v", err, nats.ErrPermissionViolation)
		}
	})
	if !nc.IsConnected() {
		t.Errorf("status %v: a denied subject must not cost the link", nc.Status())
	}
	if err := nc.LastError(); !errors.Is(err, nats.ErrPermissionViolation) {
		t.Errorf("last error %v", err)
	}
}

func TestBarrier(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	release := make(chan struct{})
	var worked atomic.Int32
	for i := range 3 {
		got[*nats.Subscription](t)(nc.Subscribe(fmt.Sprintf("b.%d", i), func(*nats.Msg) { <-release; worked.Add(1) }))
	}
	for i := range 30 {
		must(t, nc.Publish(fmt.Sprintf("b.%d", i%3), nil))
	}
	must(t, nc.Flush())
	passed := make(chan int32, 1)
	must(t, nc.Barrier(func() { passed <- worked.Load() }))
	if len(passed) != 0 {
		t.Error("passed before the callbacks had worked")
	}
	close(release)
	// The last callback of the queue has returned, so all 30 have.
	if got := await(t, "the barrier", passed); got != 30 {
		t.Errorf("passed after %d callbacks, want 30", got)
	}
}
