package test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/nats-io/nats-server/v2/server"
)

// numbers are the payloads from a up to b, without b.
func numbers(a, b int) (s []string) {
	for i := a; i < b; i++ {
		s = append(s, fmt.Sprint(i))
	}
	return s
}

// brief is a fetch that does not wait long.
var brief = jetstream.FetchMaxWait(100 * time.Millisecond)

func TestJetStreamFetch(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 25)
	c := g.consumer(t)
	check := func(what string, want []string, payloads []string, err error) {
		t.Helper()
		if !slices.Equal(payloads, want) || err != nil {
			t.Errorf("%s: got %v, %v, want %v and no error", what, payloads, err, want)
		}
	}
	b, err := c.Fetch(10)
	payloads, err := fetched(t, b, err)
	check("a full batch", numbers(0, 10), payloads, err)

	b, err = c.FetchNoWait(5)
	payloads, err = fetched(t, b, err)
	check("a full batch without waiting", numbers(10, 15), payloads, err)

	b, err = c.FetchBytes(1<<20, brief)
	payloads, err = fetched(t, b, err)
	check("what fits into 1 MiB", numbers(15, 25), payloads, err)

	began := time.Now()
	b, err = c.Fetch(10, brief)
	payloads, err = fetched(t, b, err)
	check("an idle stream", nil, payloads, err)
	if took := time.Since(began); took < 90*time.Millisecond || took > time.Second {
		t.Errorf("an idle stream: took %v, want 100 ms", took)
	}
	b, err = c.FetchNoWait(10)
	payloads, err = fetched(t, b, err)
	check("nothing there", nil, payloads, err)

	if m, err := c.Next(brief); m != nil || err != nats.ErrTimeout {
		t.Errorf("next of nothing: got %v, %v, want %v", m, err, nats.ErrTimeout)
	}
	g.publish(t, 1)
	m, err := c.Next()
	must(t, err)
	if string(m.Data()) != "0" || m.Subject() != "s.a" || m.Headers() != nil {
		t.Errorf("next: got %q on %s, headers %v", m.Data(), m.Subject(), m.Headers())
	}
	meta, err := m.Metadata()
	must(t, err)
	if meta.Stream != "S" || meta.Consumer != "c" || meta.Sequence != (jetstream.SequencePair{Consumer: 26, Stream: 26}) || meta.NumDelivered != 1 || meta.NumPending != 0 || time.Since(meta.Timestamp).Abs() > time.Minute {
		t.Errorf("got %+v", meta)
	}
	must(t, m.DoubleAck(t.Context()))
	info, err := c.Info(t.Context())
	must(t, err)
	if info.AckFloor.Stream != 26 || info.NumAckPending != 0 {
		t.Errorf("got ack floor %d and %d pending, want 26 and 0", info.AckFloor.Stream, info.NumAckPending)
	}
}

// TestJetStreamFetchSizes: payloads of all sizes, with and without headers, come as they were published, and stay so.
func TestJetStreamFetchSizes(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	sizes := []int{0, 1, 100, 1000, 3000, 3976, 5000, 16 << 10, 100 << 10, 900 << 10, 10, 0}
	for i, size := range sizes {
		m := nats.NewMsg(fmt.Sprintf("s.size.%d", i))
		m.Data = []byte(strings.Repeat(string(rune('a'+i)), size))
		if i%2 == 1 {
			m.Header.Set("N", fmt.Sprint(i))
			m.Header["Many"] = []string{"1", "2"}
		}
		_, err := g.js.PublishMsg(t.Context(), m)
		must(t, err)
	}
	b, err := c.Fetch(len(sizes))
	must(t, err)
	var all []jetstream.Msg
	for m := range b.Messages() {
		all = append(all, m)
	}
	must(t, b.Error())
	if len(all) != len(sizes) {
		t.Fatalf("%d messages, want %d", len(all), len(sizes))
	}
	for i, m := range all {
		if want := strings.Repeat(string(rune('a'+i)), sizes[i]); string(m.Data()) != want || m.Data() == nil {
			t.Errorf("message %d: %d bytes, want %d others", i, len(m.Data()), len(want))
		}
		h := m.Headers()
		if i%2 == 0 && h != nil || i%2 == 1 && (h.Get("N") != fmt.Sprint(i) || !slices.Equal(h.Values("Many"), []string{"1", "2"})) {
			t.Errorf("message %d: headers %v", i, h)
		}
		if want := fmt.Sprintf("s.size.%d", i); m.Subject() != want {
			t.Errorf("message %d: subject %s, want %s", i, m.Subject(), want)
		}
		must(t, m.Ack())
	}
}

func TestJetStreamFetchMaxBytes(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	for range 5 {
		_, err := g.js.Publish(t.Context(), "s.a", make([]byte, 1000))
		must(t, err)
	}
	b, err := c.Fetch(10, brief, jetstream.FetchMaxBytes(2500))
	if payloads, err := fetched(t, b, err); len(payloads) != 2 || err != nil {
		t.Errorf("fetch: got %d messages, %v, want 2", len(payloads), err)
	}
	b, err = c.FetchBytes(2500, brief)
	if payloads, err := fetched(t, b, err); len(payloads) != 2 || err != nil {
		t.Errorf("fetch bytes: got %d messages, %v, want 2", len(payloads), err)
	}
	b, err = c.FetchBytes(100, brief)
	if payloads, err := fetched(t, b, err); len(payloads) != 0 || err != nil {
		t.Errorf("one that does not fit: got %d messages, %v, want none", len(payloads), err)
	}
}

func TestJetStreamFetchRefused(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	subs := g.nc.NumSubscriptions()
	batch := func(_ jetstream.MessageBatch, err error) error { return err }
	for name, tc := range map[string]struct {
		err, want error
	}{
		"batch of 0":          {batch(c.Fetch(0)), nats.ErrInvalidArg},
		"negative batch":      {batch(c.Fetch(-1)), nats.ErrInvalidArg},
		"no wait, 0":          {batch(c.FetchNoWait(0)), nats.ErrInvalidArg},
		"no wait, negative":   {batch(c.FetchNoWait(-1)), nats.ErrInvalidArg},
		"0 bytes":             {batch(c.FetchBytes(0)), nats.ErrInvalidArg},
		"negative bytes":      {batch(c.FetchBytes(-1)), nats.ErrInvalidArg},
		"bytes twice":         {batch(c.FetchBytes(1, jetstream.FetchMaxBytes(1))), jetstream.ErrInvalidOption},
		"bytes of one":        {second(c.Next(jetstream.FetchMaxBytes(1))), jetstream.ErrInvalidOption},
		"no time":             {batch(c.Fetch(1, jetstream.FetchMaxWait(0))), jetstream.ErrInvalidOption},
		"long heartbeat":      {batch(c.Fetch(1, brief, jetstream.FetchHeartbeat(51*time.Millisecond))), jetstream.ErrInvalidOption},
		"nil context":         {batch(c.Fetch(1, jetstream.FetchContext(nil))), jetstream.ErrInvalidOption},
		"two kinds of bounds": {second(c.Next(brief, jetstream.FetchContext(t.Context()))), jetstream.ErrInvalidOption},
	} {
		if !errors.Is(tc.err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, tc.err, tc.want)
		}
	}
	if n := g.nc.NumSubscriptions(); n != subs {
		t.Errorf("%d subscriptions, before %d", n, subs)
	}
}

// TestJetStreamFetchErrors: what the server says about a request.
func TestJetStreamFetchErrors(t *testing.T) {
	g := withJetStream(t)
	for name, tc := range map[string]struct {
		cfg   jetstream.ConsumerConfig
		opts  []jetstream.FetchOpt
		want  error
		words string
	}{
		"batch above the limit":      {cfg: jetstream.ConsumerConfig{MaxRequestBatch: 5}, words: "nats: Exceeded MaxRequestBatch of 5"},
		"expiry above the limit":     {cfg: jetstream.ConsumerConfig{MaxRequestExpires: time.Second}, words: "nats: Exceeded MaxRequestExpires of 1s"},
		"bytes above the limit":      {cfg: jetstream.ConsumerConfig{MaxRequestMaxBytes: 10}, opts: []jetstream.FetchOpt{jetstream.FetchMaxBytes(11)}, words: "nats: Exceeded MaxRequestMaxBytes of 10"},
		"without its priority group": {cfg: jetstream.ConsumerConfig{PriorityPolicy: jetstream.PriorityPolicyOverflow, PriorityGroups: []string{"g"}}, want: jetstream.ErrBadRequest},
		"of another group":           {cfg: jetstream.ConsumerConfig{PriorityPolicy: jetstream.PriorityPolicyOverflow, PriorityGroups: []string{"g"}}, opts: []jetstream.FetchOpt{jetstream.FetchPriorityGroup("h")}, want: jetstream.ErrBadRequest},
	} {
		c := g.consumer(t, tc.cfg)
		b, err := c.Fetch(10, tc.opts...)
		must(t, err)
		_, err = read(b)
		if tc.want != nil && err != tc.want || tc.want == nil && (err == nil || err.Error() != tc.words) {
			t.Errorf("fetch %s: got %v, want %v%s", name, err, tc.want, tc.words)
		}
	}
}

func TestJetStreamFetchConsumerDeleted(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	b, err := c.Fetch(10)
	must(t, err)
	g.waiting(t, c, 1)
	must(t, g.s.DeleteConsumer(t.Context(), "c"))
	if _, err := read(b); err != jetstream.ErrConsumerDeleted {
		t.Errorf("got %v, want %v", err, jetstream.ErrConsumerDeleted)
	}
	for what, err := range map[string]error{
		"fetch":   second(read(got[jetstream.MessageBatch](t)(c.Fetch(10)))),
		"no wait": second(read(got[jetstream.MessageBatch](t)(c.FetchNoWait(10)))),
		"next":    second(c.Next()),
	} {
		if err != nats.ErrNoResponders {
			t.Errorf("%s afterwards: got %v, want %v", what, err, nats.ErrNoResponders)
		}
	}
	if _, err := c.Info(t.Context()); err != jetstream.ErrConsumerNotFound {
		t.Errorf("info: got %v, want %v", err, jetstream.ErrConsumerNotFound)
	}
}

// waiting waits until the server has n pull requests of the consumer.
func (g *jsStage) waiting(t testing.TB, c jetstream.Consumer, n int) {
	t.Helper()
	eventually(t, "pull requests at the server", func() bool {
		info, err := c.Info(context.Background())
		must(t, err)
		return info.NumWaiting == n
	})
}

// TestJetStreamFetchLoopWithoutConsumer: a loop of fetches that nobody answers does not spin, and its first error comes at once.
func TestJetStreamFetchLoopWithoutConsumer(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	must(t, g.s.DeleteConsumer(t.Context(), "c"))
	began := time.Now()
	n := 0
	for ; time.Since(began) < time.Second; n++ {
		if _, err := c.Next(); err != nats.ErrNoResponders {
			t.Fatalf("got %v, want %v", err, nats.ErrNoResponders)
		}
		if took := time.Since(began); n == 0 && took > time.Second {
			t.Errorf("the first error came after %v", took)
		}
	}
	if n > 20 {
		t.Errorf("%d errors in a second, want at most 20", n)
	}
	// The consumer is back: its messages come.
	g.publish(t, 1)
	c = g.consumer(t)
	if _, err := c.Next(); err != nil {
		t.Error(err)
	}
}

func TestJetStreamFetchHeartbeats(t *testing.T) {
	g, p := behindProxy(t)
	c := g.consumer(t)
	// Heartbeats keep an idle fetch alive up to its end.
	began := time.Now()
	b, err := c.Fetch(10, jetstream.FetchMaxWait(500*time.Millisecond), jetstream.FetchHeartbeat(100*time.Millisecond))
	must(t, err)
	if payloads, err := read(b); err != nil || len(payloads) != 0 || time.Since(began) < 450*time.Millisecond {
		t.Errorf("idle: got %v, %v after %v, want nothing after 500 ms", payloads, err, time.Since(began))
	}
	// The link dies without a word.
	g.publish(t, 2)
	b, err = c.Fetch(10, jetstream.FetchMaxWait(5*time.Second), jetstream.FetchHeartbeat(200*time.Millisecond))
	must(t, err)
	await(t, "the first message", b.Messages())
	await(t, "the second message", b.Messages())
	p.Hole(natstest.Both)
	began = time.Now()
	if payloads, err := read(b); err != jetstream.ErrNoHeartbeat || len(payloads) != 0 {
		t.Errorf("dead link: got %v, %v, want %v", payloads, err, jetstream.ErrNoHeartbeat)
	}
	if took := time.Since(began); took < 150*time.Millisecond || took > 2*time.Second {
		t.Errorf("dead link: took %v, want two heartbeats of 200 ms", took)
	}
	if _, err := c.Next(jetstream.FetchMaxWait(5*time.Second), jetstream.FetchHeartbeat(100*time.Millisecond)); err != jetstream.ErrNoHeartbeat {
		t.Errorf("next over a dead link: got %v, want %v", err, jetstream.ErrNoHeartbeat)
	}
	must(t, p.Heal())
	g.publish(t, 1)
	if _, err := c.Next(); err != nil {
		t.Errorf("after the link is back: %v", err)
	}
}

// TestJetStreamFetchNoAnswer: without heartbeats a dead link is told from an idle stream by the end that the server did not send.
func TestJetStreamFetchNoAnswer(t *testing.T) {
	g, p := behindProxy(t)
	c := g.consumer(t)
	for name, opts := range map[string][]jetstream.FetchOpt{
		"wait":    {jetstream.FetchMaxWait(100 * time.Millisecond)},
		"no wait": nil,
	} {
		fetch := func() (jetstream.MessageBatch, error) {
			if opts == nil {
				return c.FetchNoWait(10)
			}
			return c.Fetch(10, opts...)
		}
		if _, err := read(got[jetstream.MessageBatch](t)(fetch())); err != nil {
			t.Errorf("%s, idle: got %v, want no error", name, err)
		}
		p.Hole(natstest.Both)
		began := time.Now()
		_, err := read(got[jetstream.MessageBatch](t)(fetch()))
		if took := time.Since(began); err != jetstream.ErrNoAnswer || took < 900*time.Millisecond || took > 2*time.Second {
			t.Errorf("%s, dead link: got %v after %v, want %v after 1 s", name, err, took, jetstream.ErrNoAnswer)
		}
		if !errors.Is(err, nats.ErrTimeout) {
			t.Errorf("%s: %v does not match %v", name, err, nats.ErrTimeout)
		}
		must(t, p.Heal())
		eventually(t, "the reconnect", func() bool { return g.nc.FlushTimeout(patience) == nil })
	}
	p.Hole(natstest.Both)
	if _, err := c.Next(brief); err != nats.ErrTimeout {
		t.Errorf("next: got %v, want %v", err, nats.ErrTimeout)
	}
}

// TestJetStreamFetchOverCut: a fetch whose connection is lost goes on after the reconnect.
func TestJetStreamFetchOverCut(t *testing.T) {
	g, p := behindProxy(t)
	// What the server sends to the lost connection comes again after the ack wait.
	c := g.consumer(t, jetstream.ConsumerConfig{Durable: "c", AckWait: time.Second})
	g.publish(t, 2)
	b, err := c.Fetch(4)
	must(t, err)
	first := await(t, "the first message", b.Messages())
	must(t, first.Ack())
	must(t, await(t, "the second message", b.Messages()).Ack())
	must(t, g.nc.Flush())
	p.Cut()
	g.publish(t, 2)
	payloads, err := fetched(t, b, nil)
	slices.Sort(payloads)
	if err != nil || !slices.Equal(payloads, numbers(0, 2)) {
		t.Errorf("got %v, %v, want the two messages after the cut", payloads, err)
	}
	if err := first.Ack(); err != jetstream.ErrMsgAlreadyAckd {
		t.Errorf("got %v, want %v", err, jetstream.ErrMsgAlreadyAckd)
	}
}

// TestJetStreamFetchWhileDown: a fetch that starts without a connection waits for it, within its time.
func TestJetStreamFetchWhileDown(t *testing.T) {
	g, p := behindProxy(t)
	c := g.consumer(t)
	g.publish(t, 1)
	down := make(chan struct{}, 8)
	g.nc.SetDisconnectErrHandler(func(*nats.Conn, error) { down <- struct{}{} })
	p.Refuse()
	p.Cut()
	await(t, "the disconnect", down)
	for what, call := range map[string]func() error{
		"fetch": func() error { return second(read(got[jetstream.MessageBatch](t)(c.Fetch(1, brief)))) },
		"beats": func() error {
			return second(read(got[jetstream.MessageBatch](t)(c.Fetch(1, jetstream.FetchMaxWait(time.Second), jetstream.FetchHeartbeat(50*time.Millisecond)))))
		},
		"next": func() error { return second(c.Next(brief)) },
	} {
		want := map[string]error{"fetch": jetstream.ErrNoAnswer, "beats": jetstream.ErrNoHeartbeat, "next": nats.ErrTimeout}[what]
		if err := call(); err != want {
			t.Errorf("%s while down: got %v, want %v", what, err, want)
		}
	}
	b, err := c.Fetch(1)
	must(t, err)
	must(t, p.Heal())
	if payloads, err := fetched(t, b, nil); err != nil || len(payloads) != 1 {
		t.Errorf("after the reconnect: got %v, %v, want one message", payloads, err)
	}
}

func TestJetStreamFetchServerStops(t *testing.T) {
	g := withJetStream(t, quickly(), silent())
	c := g.consumer(t)
	g.publish(t, 1)
	b, err := c.Fetch(10)
	must(t, err)
	await(t, "the message", b.Messages())
	must(t, g.srv.Stop())
	if _, err := read(b); err != jetstream.ErrServerShutdown {
		t.Errorf("got %v, want %v", err, jetstream.ErrServerShutdown)
	}
	must(t, g.srv.Restart(true))
	began := time.Now()
	// The connection may not have noticed yet that its server is gone: with an id the publish is sent again when it has.
	_, err = g.js.Publish(t.Context(), "s.a", nil, jetstream.WithMsgID("after"))
	must(t, err)
	if _, err := c.Next(); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("after the restart: took %v, want it at once", took)
	}
}

func TestJetStreamFetchContext(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 1)
	c := g.consumer(t)
	ctx, cancel := context.WithCancel(t.Context())
	b, err := c.Fetch(10, jetstream.FetchContext(ctx))
	must(t, err)
	await(t, "the message", b.Messages())
	cancel()
	if _, err := read(b); err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	b, err = c.Fetch(10, jetstream.FetchContext(ctx))
	must(t, err)
	if _, err := read(b); err != context.Canceled {
		t.Errorf("ended context: got %v, want %v", err, context.Canceled)
	}
	if _, err := c.Next(jetstream.FetchContext(ctx)); err != context.Canceled {
		t.Errorf("next, ended context: got %v, want %v", err, context.Canceled)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := c.Next(jetstream.FetchContext(ctx)); err != context.Canceled {
		t.Errorf("next: got %v, want %v", err, context.Canceled)
	}
	// The request ends a tenth of the time before the context does.
	ctx, cancel = context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	began := time.Now()
	if _, err := read(got[jetstream.MessageBatch](t)(c.Fetch(10, jetstream.FetchContext(ctx)))); err != nil || time.Since(began) < 3500*time.Millisecond {
		t.Errorf("got %v after %v, want no error after 3.6 s", err, time.Since(began))
	}
}

// TestJetStreamSlowReader: who does not read a batch holds up nobody, and finds everything later.
func TestJetStreamSlowReader(t *testing.T) {
	g := withJetStream(t)
	const n = 20000 // more than the batch's channel holds
	for range n {
		_, err := g.js.PublishAsync("s.a", nil, jetstream.WithStallWait(patience))
		must(t, err)
	}
	await(t, "acks", g.js.PublishAsyncComplete())
	c := g.consumer(t, jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy})
	b, err := c.Fetch(n)
	must(t, err)
	eventually(t, "the deliveries", func() bool {
		info, err := c.Info(context.Background())
		must(t, err)
		return info.NumPending == 0
	})
	if _, err := g.js.Publish(t.Context(), "s.b", nil); err != nil {
		t.Errorf("meanwhile: %v", err)
	}
	if payloads, err := read(b); len(payloads) != n || err != nil {
		t.Errorf("got %d messages, %v, want %d", len(payloads), err, n)
	}
}

// TestJetStreamFetchLeavesNothing: neither batches that ended in all kinds of ways nor handles leave subscriptions behind.
func TestJetStreamFetchLeavesNothing(t *testing.T) {
	g := withJetStream(t)
	c := g.consumer(t)
	before := g.nc.NumSubscriptions()
	for range 20 {
		_, _ = c.Fetch(0)
		_, _ = read(got[jetstream.MessageBatch](t)(c.FetchNoWait(1)))
		ctx, cancel := context.WithCancel(t.Context())
		b := got[jetstream.MessageBatch](t)(c.Fetch(1, jetstream.FetchContext(ctx)))
		cancel()
		_, _ = read(b)
		_, _ = c.Next(jetstream.FetchMaxWait(time.Millisecond))
	}
	if n := g.nc.NumSubscriptions() - before; n > 4 {
		t.Errorf("%d subscriptions more than before, want at most 4", n)
	}
	must(t, g.nc.Flush())
	conns, err := g.srv.Embedded().Connz(&server.ConnzOptions{Subscriptions: true})
	must(t, err)
	if n := conns.Conns[0].NumSubs; n > 6 {
		t.Errorf("the server has %d subscriptions, want at most 6", n)
	}
}

func TestJetStreamPinnedClient(t *testing.T) {
	g := withJetStream(t)
	g.publish(t, 20)
	c := g.consumer(t, jetstream.ConsumerConfig{PriorityPolicy: jetstream.PriorityPolicyPinned, PriorityGroups: []string{"g"}, PinnedTTL: time.Minute})
	other, err := g.s.Consumer(t.Context(), c.CachedInfo().Name)
	must(t, err)
	group := jetstream.FetchPriorityGroup("g")
	for i := range 2 {
		b, err := c.Fetch(5, group)
		if payloads, err := fetched(t, b, err); len(payloads) != 5 || err != nil {
			t.Errorf("the pinned handle, %d: got %v, %v, want 5 messages", i, payloads, err)
		}
	}
	b, err := other.Fetch(5, group, brief)
	if payloads, err := fetched(t, b, err); len(payloads) != 0 || err != nil {
		t.Errorf("another handle: got %v, %v, want none", payloads, err)
	}
	must(t, g.s.UnpinConsumer(t.Context(), c.CachedInfo().Name, "g"))
	b, err = other.Fetch(5, group)
	if payloads, err := fetched(t, b, err); len(payloads) != 5 || err != nil {
		t.Errorf("another handle after the unpin: got %v, %v, want 5 messages", payloads, err)
	}
	if _, err := c.Next(group); err != jetstream.ErrPinIDMismatch {
		t.Errorf("the first handle: got %v, want %v", err, jetstream.ErrPinIDMismatch)
	}
}
