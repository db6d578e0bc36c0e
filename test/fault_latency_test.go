package test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
)

// quickCalls must answer at once whatever the network does. The promise is 10 ms. It holds for the median; single calls get the time that a
// busy machine may take to schedule a goroutine.
var quickCalls = map[string]func(nc *nats.Conn, sub *nats.Subscription){
	"Status": func(nc *nats.Conn, _ *nats.Subscription) { nc.Status() },
	"IsConnected": func(nc *nats.Conn, _ *nats.Subscription) {
		nc.IsConnected()
		nc.IsClosed()
		nc.IsReconnecting()
		nc.IsDraining()
	},
	"LastError":        func(nc *nats.Conn, _ *nats.Subscription) { _ = nc.LastError() },
	"Stats":            func(nc *nats.Conn, _ *nats.Subscription) { nc.Stats() },
	"Buffered":         func(nc *nats.Conn, _ *nats.Subscription) { _, _ = nc.Buffered() },
	"NumSubscriptions": func(nc *nats.Conn, _ *nats.Subscription) { nc.NumSubscriptions() },
	"Servers":          func(nc *nats.Conn, _ *nats.Subscription) { nc.Servers(); nc.DiscoveredServers(); nc.ServerPool() },
	"Connected...": func(nc *nats.Conn, _ *nats.Subscription) {
		nc.ConnectedUrl()
		nc.ConnectedAddr()
		nc.ConnectedServerId()
		nc.LocalAddr()
	},
	"GetClientID":        func(nc *nats.Conn, _ *nats.Subscription) { _, _ = nc.GetClientID(); _, _ = nc.GetClientIP() },
	"TLSConnectionState": func(nc *nats.Conn, _ *nats.Subscription) { _, _ = nc.TLSConnectionState() },
	"MaxPayload":         func(nc *nats.Conn, _ *nats.Subscription) { nc.MaxPayload(); nc.HeadersSupported(); nc.AuthRequired() },
	"StatusChanged":      func(nc *nats.Conn, _ *nats.Subscription) { nc.RemoveStatusListener(nc.StatusChanged()) },
	"handlers": func(nc *nats.Conn, _ *nats.Subscription) {
		nc.SetErrorHandler(nc.ErrorHandler())
		nc.SetClosedHandler(nc.ClosedHandler())
	},
	"NewInbox":  func(nc *nats.Conn, _ *nats.Subscription) { nc.NewInbox(); nc.NewRespInbox() },
	"Barrier":   func(nc *nats.Conn, _ *nats.Subscription) { _ = nc.Barrier(func() {}) },
	"JetStream": func(nc *nats.Conn, _ *nats.Subscription) { _, _ = nc.JetStream() },
	"Pending": func(_ *nats.Conn, sub *nats.Subscription) {
		_, _, _ = sub.Pending()
		_, _ = sub.Delivered()
		_, _ = sub.Dropped()
	},
	"SetPendingLimits": func(_ *nats.Conn, sub *nats.Subscription) { _ = sub.SetPendingLimits(1000, 1000) },
	"NextMsg(0)":       func(_ *nats.Conn, sub *nats.Subscription) { _, _ = sub.NextMsg(0) },
	"Request without time": func(nc *nats.Conn, _ *nats.Subscription) {
		_, _ = nc.Request("a", nil, 0)
	},
	"Subscribe and Unsubscribe": func(nc *nats.Conn, _ *nats.Subscription) {
		s, err := nc.Subscribe("a", func(*nats.Msg) {})
		if err != nil {
			panic(err)
		}
		_ = s.AutoUnsubscribe(5)
		if err := s.Unsubscribe(); err != nil {
			panic(err)
		}
	},
	"Drain of a subscription": func(nc *nats.Conn, _ *nats.Subscription) {
		s, err := nc.Subscribe("a", func(*nats.Msg) {})
		if err != nil {
			panic(err)
		}
		_ = s.Drain()
	},
}

// timeCall calls f many times and checks the median and the longest.
func timeCall(t *testing.T, name string, f func()) {
	t.Helper()
	took := make([]time.Duration, 25)
	for i := range took {
		began := time.Now()
		f()
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	if median, most := took[len(took)/2], took[len(took)-1]; median > 10*time.Millisecond || most > 250*time.Millisecond {
		t.Errorf("%s: median %v, longest %v, want 10ms and 250ms at most", name, median, most)
	}
}

// troubles are what the network does meanwhile.
var troubles = map[string]func(t *testing.T, proxy *natstest.Proxy, ncs ...*nats.Conn){
	"dialling a silent server": func(t *testing.T, proxy *natstest.Proxy, ncs ...*nats.Conn) {
		proxy.HalfHandshake(natstest.NoInfo)
		proxy.Cut()
		eventually(t, "the disconnect", ncs[0].IsReconnecting)
		eventually(t, "the dial", func() bool { return proxy.Conns() > 0 })
	},
	"dialling a server without PONG": func(t *testing.T, proxy *natstest.Proxy, ncs ...*nats.Conn) {
		proxy.HalfHandshake(natstest.NoPong)
		proxy.Cut()
		eventually(t, "the disconnect", ncs[0].IsReconnecting)
		eventually(t, "the dial", func() bool { return proxy.Conns() > 0 })
	},
	"pausing": func(t *testing.T, proxy *natstest.Proxy, ncs ...*nats.Conn) {
		proxy.Refuse()
		proxy.Cut()
		eventually(t, "the disconnect", ncs[0].IsReconnecting)
	},
	"a black hole": func(_ *testing.T, proxy *natstest.Proxy, _ ...*nats.Conn) { proxy.Hole(natstest.Both) },
	"a link that stands still, publishers blocked": func(t *testing.T, proxy *natstest.Proxy, ncs ...*nats.Conn) {
		proxy.Stall(natstest.Both)
		for i := range 3 * len(ncs) {
			go func() {
				for ncs[i/3].Publish("a", make([]byte, 50_000)) == nil {
				}
			}()
		}
		for _, nc := range ncs {
			awaitFull(t, nc)
		}
	},
}

// awaitFull waits until publishers fill no more: the buffer is full and they are blocked.
func awaitFull(t *testing.T, nc *nats.Conn) {
	t.Helper()
	last, since := 0, time.Now()
	eventually(t, "the buffer to be full", func() bool {
		n, err := nc.Buffered()
		must(t, err)
		if n != last {
			last, since = n, time.Now()
		}
		return n > 900_000 && time.Since(since) > 100*time.Millisecond
	})
}

func TestCallsAnswerAtOnce(t *testing.T) {
	for trouble, begin := range troubles {
		t.Run(trouble, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			nc := dial(t, proxy.URL(), nats.Timeout(time.Minute), nats.ReconnectBufSize(1<<20), silent(), nats.NoEcho())
			sub := subscribeSync(t, nc, "quick")
			begin(t, proxy, nc)
			for name, call := range quickCalls {
				timeCall(t, name, func() { call(nc, sub) })
			}
			if trouble != "a link that stands still, publishers blocked" {
				timeCall(t, "Publish", func() { _ = nc.Publish("a", make([]byte, 1000)) })
				m := nats.NewMsg("a")
				m.Header.Set("k", "v")
				timeCall(t, "PublishMsg", func() { _ = nc.PublishMsg(m) })
			}
			began := time.Now()
			nc.Close()
			if took := time.Since(began); took > 2500*time.Millisecond {
				t.Errorf("Close took %v", took)
			}
		})
	}
}

// Publishing into a link that stands still does not wait before everything is full.
func TestPublishOnAStalledLink(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	nc := dial(t, proxy.URL(), silent())
	proxy.Stall(natstest.Both)
	var longest, sum time.Duration
	data := make([]byte, 10_000)
	const n = 600 // less than ReconnectBufSize
	for range n {
		began := time.Now()
		must(t, nc.Publish("a", data))
		took := time.Since(began)
		longest, sum = max(longest, took), sum+took
	}
	if longest > 250*time.Millisecond || sum/n > 10*time.Millisecond {
		t.Errorf("longest %v, mean %v", longest, sum/n)
	}
	t.Logf("longest %v, mean %v", longest, sum/n)
	must(t, proxy.Heal())
}

// Deadlines are met whatever the network does: within 50 ms, and the time that a busy machine takes to run a goroutine. What
// the machine owed to a bare timer of the same length is not held against the client.
func TestDeadlinesAreMet(t *testing.T) {
	const patient, late = 300 * time.Millisecond, 250 * time.Millisecond
	calls := map[string]func(nc *nats.Conn, sub *nats.Subscription) error{
		"Request": func(nc *nats.Conn, _ *nats.Subscription) error {
			_, err := nc.Request("mute", nil, patient)
			return err
		},
		"Request, 1 MB": func(nc *nats.Conn, _ *nats.Subscription) error {
			_, err := nc.Request("mute", make([]byte, 1_000_000), patient)
			return err
		},
		"RequestWithContext": func(nc *nats.Conn, _ *nats.Subscription) error {
			ctx, cancel := context.WithTimeout(context.Background(), patient)
			defer cancel()
			_, err := nc.RequestWithContext(ctx, "mute", nil)
			return err
		},
		"NextMsg": func(_ *nats.Conn, sub *nats.Subscription) error { _, err := sub.NextMsg(patient); return err },
		"NextMsgWithContext": func(_ *nats.Conn, sub *nats.Subscription) error {
			ctx, cancel := context.WithTimeout(context.Background(), patient)
			defer cancel()
			_, err := sub.NextMsgWithContext(ctx)
			return err
		},
		"FlushTimeout": func(nc *nats.Conn, _ *nats.Subscription) error { return nc.FlushTimeout(patient) },
		"FlushWithContext": func(nc *nats.Conn, _ *nats.Subscription) error {
			ctx, cancel := context.WithTimeout(context.Background(), patient)
			defer cancel()
			return nc.FlushWithContext(ctx)
		},
	}
	for trouble, begin := range troubles {
		t.Run(trouble, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			nc := dial(t, proxy.URL(), nats.Timeout(time.Minute), nats.ReconnectBufSize(4<<20), nats.MaxReconnects(-1), silent())
			old := dial(t, proxy.URL(), nats.Timeout(time.Minute), nats.ReconnectBufSize(4<<20), nats.MaxReconnects(-1), silent(), nats.UseOldRequestStyle())
			got[*nats.Subscription](t)(dial(t, srv.URL()).Subscribe("mute", func(*nats.Msg) {}))
			sub := subscribeSync(t, nc, "quick")
			begin(t, proxy, nc, old)
			results := make(chan string, 100)
			machine := make(chan time.Duration, 1)
			go func() {
				began := time.Now()
				<-time.After(patient)
				machine <- time.Since(began) - patient
			}()
			bare := sync.OnceValue(func() time.Duration { return <-machine })
			measure := func(name string, nc *nats.Conn, call func(nc *nats.Conn, sub *nats.Subscription) error) {
				began := time.Now()
				err := call(nc, sub)
				took := time.Since(began)
				switch {
				case took > patient+late && took > patient+late+bare():
					results <- name + " took " + took.String()
				case err == nil:
					results <- name + ": no error"
				case took < patient-time.Millisecond && (errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)):
					results <- name + " gave up after " + took.String()
				default:
					results <- ""
				}
			}
			n := 0
			for name, call := range calls {
				n += 2
				go measure(name, nc, call)
				go measure("old style "+name, old, call)
			}
			for range n {
				if got := await(t, "a call", results); got != "" {
					t.Error(got)
				}
			}
		})
	}
}

// Whoever publishes to a stream waits for its answer, and so for room, too; but not longer than it was told to.
func TestPublishDeadlinesWithoutRoom(t *testing.T) {
	const patient, late = 300 * time.Millisecond, 500 * time.Millisecond
	g, proxy := behindProxy(t, nats.ReconnectBufSize(1<<20), nats.Timeout(time.Minute), nats.PingInterval(time.Minute))
	g.atomicStream(t)
	own := batch(t, g.js)
	must(t, own.Add(t.Context(), "b.a", nil))
	older := legacyJS(t, g.nc)
	proxy.Stall(natstest.Both)
	full := make(chan error, 3)
	for range cap(full) {
		go func() {
			err := error(nil)
			for err == nil {
				err = g.nc.Publish("x", make([]byte, 50_000))
			}
			full <- err
		}()
	}
	awaitFull(t, g.nc)
	for { // and the reserve
		if _, err := g.nc.Request("x", make([]byte, 100_000), time.Millisecond); errors.Is(err, nats.ErrReconnectBufExceeded) {
			break
		}
	}
	data := make([]byte, 200_000)
	var calls sync.WaitGroup // at a time: after some seconds the link is taken for dead
	for name, call := range map[string]func(ctx context.Context) error{
		"Publish": func(ctx context.Context) error { _, err := g.js.Publish(ctx, "s.a", data); return err },
		"Publish with an id": func(ctx context.Context) error {
			_, err := g.js.Publish(ctx, "s.a", data, jetstream.WithMsgID("1"))
			return err
		},
		"a message of a batch": func(ctx context.Context) error { return own.Add(ctx, "b.a", data) },
		"the older API's":      func(ctx context.Context) error { _, err := older.Publish("s.a", data, nats.Context(ctx)); return err },
	} {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), patient)
			defer cancel()
			began := time.Now()
			err := call(ctx)
			if took := time.Since(began); took < patient-time.Millisecond || took > patient+late || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v after %v, want the end of its time after %v", name, err, took, patient)
			}
			ctx, cancel = context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(patient, cancel)
			if err := call(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, canceled: got %v", name, err)
			}
		})
	}
	calls.Go(func() {
		began := time.Now()
		if _, err := older.Publish("s.a", data, nats.AckWait(patient)); !errors.Is(err, nats.ErrTimeout) || time.Since(began) > patient+late {
			t.Errorf("the older API's, with a time: %v after %v", err, time.Since(began))
		}
	})
	for name, publish := range map[string]func() error{
		"an asynchronous publish": func() error {
			_, err := g.js.PublishAsync("s.a", data, jetstream.WithStallWait(patient))
			return err
		},
		"the older API's": func() error { _, err := older.PublishAsync("s.a", data, nats.StallWait(patient)); return err },
	} {
		calls.Go(func() {
			began := time.Now()
			err := publish()
			if took := time.Since(began); took < patient-time.Millisecond || took > patient+late ||
				!errors.Is(err, jetstream.ErrTooManyStalledMsgs) && !errors.Is(err, nats.ErrTooManyStalledMsgs) {
				t.Errorf("%s with a stall wait of %v: %v after %v", name, patient, err, took)
			}
		})
	}
	calls.Wait()
	g.nc.Close()
	for range cap(full) {
		await(t, "the publishers", full)
	}
}
