package test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// TestDropOldKeepsTheLatest has a callback that misses most of a stream of values, but not the last.
func TestDropOldKeepsTheLatest(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL(), silent())
	entered, release := make(chan struct{}, 1), make(chan struct{})
	last := make(chan string, 10)
	sub := got[*nats.Subscription](t)(nc.Subscribe("price", func(m *nats.Msg) {
		last <- string(m.Data)
		if string(m.Data) == "first" {
			entered <- struct{}{}
			<-release
		}
	}))
	must(t, sub.SetSlowPolicy(nats.SlowPolicy{DropOld: true}))
	must(t, sub.SetPendingLimits(2, -1))
	must(t, nc.Publish("price", []byte("first")))
	await(t, "the callback", entered)
	for i := range 1000 {
		must(t, nc.Publish("price", fmt.Append(nil, i)))
	}
	must(t, nc.Flush())
	st, err := sub.SlowStats()
	must(t, err)
	if st.DroppedOld != 999 || st.DroppedNew != 0 {
		t.Errorf("got %+v, want 999 old ones dropped", st)
	}
	close(release)
	for _, want := range []string{"first", "999"} {
		if got := await(t, "a value", last); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestWaitReachesTheServer has more on its way than the subscription may hold: the rest waits in the sockets and at the server.
func TestWaitReachesTheServer(t *testing.T) {
	srv := start(t)
	nc := dial(t, srv.URL())
	const n, size = 4000, 4 << 10
	for name, subscribe := range map[string]func(subject string) (*nats.Subscription, func() string){
		"async": func(subject string) (*nats.Subscription, func() string) {
			ch := make(chan string)
			return got[*nats.Subscription](t)(nc.Subscribe(subject, func(m *nats.Msg) { ch <- string(m.Data[:8]) })),
				func() string { return await(t, "a message", ch) }
		},
		"sync": func(subject string) (*nats.Subscription, func() string) {
			s := got[*nats.Subscription](t)(nc.SubscribeSync(subject))
			return s, func() string { return next(t, s)[:8] }
		},
		"chan": func(subject string) (*nats.Subscription, func() string) {
			ch := make(chan *nats.Msg, 10)
			return got[*nats.Subscription](t)(nc.ChanSubscribe(subject, ch)), func() string { return string(await(t, "a message", ch).Data[:8]) }
		},
	} {
		sub, take := subscribe(name)
		must(t, sub.SetSlowPolicy(nats.SlowPolicy{Wait: 5 * time.Second}))
		if name != "chan" {
			must(t, sub.SetPendingLimits(10, -1))
		}
		must(t, nc.Flush())
		other := dial(t, srv.URL())
		body := make([]byte, size)
		for i := range n {
			copy(body, fmt.Sprintf("%08d", i))
			must(t, other.Publish(name, body))
		}
		must(t, other.Flush())
		for i := range n {
			if got, want := take(), fmt.Sprintf("%08d", i); got != want {
				t.Fatalf("%s: message %s, want %s", name, got, want)
			}
		}
		st, err := sub.SlowStats()
		must(t, err)
		if st.Waits == 0 || st.DroppedNew+st.DroppedOld > 0 {
			t.Errorf("%s: got %+v, want waits and nothing dropped", name, st)
		}
		must(t, sub.Unsubscribe())
	}
}

// TestWaitIsShort shows what others pay for a subscription that takes nothing: one wait.
func TestWaitIsShort(t *testing.T) {
	srv := start(t)
	var j journal
	nc := dial(t, srv.URL(), j.handler(), nats.SlowConsumerErrors())
	const wait = 200 * time.Millisecond
	slow := got[*nats.Subscription](t)(nc.SubscribeSync("slow"))
	must(t, slow.SetSlowPolicy(nats.SlowPolicy{Wait: wait}))
	must(t, slow.SetPendingLimits(1, -1))
	quick := subscribeSync(t, nc, "quick")
	began := time.Now()
	for range 100 {
		must(t, nc.Publish("slow", nil))
	}
	must(t, nc.Publish("quick", nil))
	next(t, quick)
	if d := time.Since(began); d < wait || d > 10*wait { // one for each message would be 20 s
		t.Errorf("the other subscription waited %v, want %v", d, wait)
	}
	eventually(t, "the error handler", func() bool { return j.hasErr(nats.ErrSlowConsumer) })
	var told *nats.SlowConsumerError
	if err := j.errors()[0]; !errors.As(err, &told) || told.Subject != "slow" || told.SID == 0 || told.PendingMsgs != 1 || told.Dropped != 1 {
		t.Errorf("told %+v (%v)", told, err)
	}
}

// TestWaitHoldsUpNobody: neither Close, nor Unsubscribe, nor the reconnect wait for a reader that waits.
func TestWaitHoldsUpNobody(t *testing.T) {
	srv := start(t)
	p := natstest.NewProxy(t, srv.URL())
	stuck := func() (*nats.Conn, *nats.Subscription) {
		nc := dial(t, p.URL(), silent(), quickly())
		s := got[*nats.Subscription](t)(nc.SubscribeSync("slow"))
		must(t, s.SetSlowPolicy(nats.SlowPolicy{Wait: nats.MaxSlowWait}))
		must(t, s.SetPendingLimits(1, -1))
		for range 50 {
			must(t, nc.Publish("slow", nil))
		}
		eventually(t, "the reader to wait", func() bool { st, _ := s.SlowStats(); return st.Waits > 0 })
		return nc, s
	}
	nc, _ := stuck()
	within(t, "Close", time.Second, nc.Close)
	nc, s := stuck()
	within(t, "Unsubscribe", time.Second, func() {
		must(t, s.Unsubscribe())
		must(t, nc.FlushTimeout(patience))
	})
	nc, _ = stuck()
	within(t, "a reconnect", time.Second, func() {
		must(t, nc.ForceReconnect())
		eventually(t, "the link", func() bool { return nc.Stats().Reconnects == 1 })
	})
	nc, _ = stuck()
	before := nc.Stats().Reconnects
	p.Cut()
	// The reader does not read, so only the next write finds out.
	within(t, "a reconnect after a cut", 2*time.Second, func() {
		for ; nc.Stats().Reconnects == before; pause() {
			must(t, nc.Publish("x", nil))
		}
	})
}
