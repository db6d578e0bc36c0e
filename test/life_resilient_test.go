package test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// What other options say stands, in any order.
func TestResilientMerges(t *testing.T) {
	for name, tc := range map[string]struct {
		opts  []nats.Option
		check func(o *nats.Options) bool
	}{
		"alone": {nil, func(o *nats.Options) bool {
			return o.MaxReconnect == -1 && o.RetryOnFailedConnect && o.IgnoreAuthErrorAbort && o.AllowReconnect
		}},
		"a number of attempts":         {[]nats.Option{nats.MaxReconnects(7)}, func(o *nats.Options) bool { return o.MaxReconnect == 7 }},
		"the default number":           {[]nats.Option{nats.MaxReconnects(60)}, func(o *nats.Options) bool { return o.MaxReconnect == 60 }},
		"no retry of the first":        {[]nats.Option{nats.RetryOnFailedConnect(false)}, func(o *nats.Options) bool { return !o.RetryOnFailedConnect }},
		"no reconnect":                 {[]nats.Option{nats.NoReconnect()}, func(o *nats.Options) bool { return !o.AllowReconnect }},
		"other options are left alone": {[]nats.Option{nats.PingInterval(time.Second), nats.ReconnectWait(time.Minute)}, func(o *nats.Options) bool { return o.PingInterval == time.Second && o.ReconnectWait == time.Minute }},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			before := dial(t, srv.URL(), append([]nats.Option{nats.Resilient()}, tc.opts...)...)
			after := dial(t, srv.URL(), append(tc.opts, nats.Resilient())...)
			if !tc.check(&before.Opts) || !tc.check(&after.Opts) {
				t.Errorf("Resilient first: %+v\nResilient last: %+v", before.Opts, after.Opts)
			}
		})
	}
}

// A link that takes bytes and answers nothing is found dead in seconds, also by somebody who only publishes.
func TestResilientFindsDeadLinks(t *testing.T) {
	for name, traffic := range map[string]func(nc *nats.Conn){
		"publishes only": func(nc *nats.Conn) { _ = nc.Publish("a", []byte("x")) },
		"a request":      func(nc *nats.Conn) { go func() { _, _ = nc.Request("nobody", nil, time.Minute) }() },
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			lost := make(chan error, 1)
			nc := dial(t, proxy.URL(), nats.Resilient(), silent(), nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
				select {
				case lost <- err:
				default:
				}
			}))
			must(t, nc.Flush())
			proxy.Hole(natstest.Both)
			began := time.Now()
			traffic(nc)
			if err := await(t, "the disconnect", lost); err != nats.ErrStaleConnection {
				t.Errorf("disconnected by %v, want %v", err, nats.ErrStaleConnection)
			}
			if took := time.Since(began); took < 2900*time.Millisecond || took > 3600*time.Millisecond {
				t.Errorf("found after %v, want 3 s", took)
			}
			must(t, proxy.Heal())
			eventually(t, "the reconnect", nc.IsConnected)
		})
	}
}

// Credentials that are refused, in the first connect and later, end nothing.
func TestResilientBearsRefusals(t *testing.T) {
	srv := start(t, natstest.WithUser("joe", "secret"))
	var password atomic.Value
	password.Store("wrong")
	var j journal
	nc := dial(t, srv.URL(), nats.Resilient(), recordEvents(&j),
		nats.UserInfoHandler(func() (string, string) { return "joe", password.Load().(string) }))
	eventually(t, "three refusals", func() bool { return strings.Count(strings.Join(j.all(), ","), "attempt failed") >= 3 })
	if nc.IsClosed() {
		t.Fatal("closed")
	}
	password.Store("secret")
	eventually(t, "the connection", nc.IsConnected)
}

// A server in lame duck mode is left for another one before it cuts, and nothing that was published gets lost.
func TestResilientLeavesALameDuck(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cluster := natstest.Cluster(t, 3, natstest.WithoutJetStream(), natstest.WithLameDuck(5*time.Second, 3*time.Second))
	servers := cluster.Servers()
	receiver := dial(t, servers[1].URL())
	const senders = 3
	var seen [senders]atomic.Int64
	var disorder, twice atomic.Int64
	var had [senders]map[int64]bool
	sub := got[*nats.Subscription](t)(receiver.Subscribe("duck.*", func(m *nats.Msg) {
		var who, n int64
		_, _ = fmt.Sscanf(string(m.Data), "%d %d", &who, &n)
		if n == 0 {
			_ = m.Respond(nil) // a question for interest, which may come late
			return
		}
		if had[who] == nil {
			had[who] = make(map[int64]bool)
		}
		if had[who][n] {
			twice.Add(1)
		}
		had[who][n] = true
		if seen[who].Add(1) != n {
			disorder.Add(1)
		}
	}))
	must(t, sub.SetPendingLimits(-1, -1))
	must(t, receiver.Flush())
	var j journal
	left := make(chan error, 10)
	nc := dial(t, servers[0].URL(), nats.Resilient(), recordEvents(&j), func(o *nats.Options) error {
		o.DisconnectedErrCB = func(_ *nats.Conn, err error) { left <- err }
		return nil
	})
	eventually(t, "the servers to be known", func() bool { return len(nc.Servers()) == 3 })
	eventually(t, "interest", func() bool {
		_, err := nc.Request("duck.0", []byte("0 0"), time.Second)
		return err == nil
	})
	stop := make(chan struct{})
	done := make(chan int64, senders)
	for who := range senders {
		go func() {
			n := int64(0)
			for {
				select {
				case <-stop:
					done <- n
					return
				default:
				}
				if n++; nc.Publish(fmt.Sprintf("duck.%d", who), fmt.Appendf(nil, "%d %d", who, n)) != nil {
					t.Error("a publish was refused")
				}
				if n%100 == 0 {
					pause()
				}
			}
		}()
	}
	eventually(t, "traffic", func() bool { return seen[0].Load() > 500 })
	asked := time.Now()
	must(t, servers[0].LameDuck())
	if err := await(t, "the leave", left); err != nats.ErrLameDuck {
		t.Errorf("left because of %v, want %v", err, nats.ErrLameDuck)
	}
	if took := time.Since(asked); took > 2*time.Second {
		t.Errorf("left after %v", took)
	}
	eventually(t, "the other server", func() bool { return nc.IsConnected() && nc.ConnectedAddr() != servers[0].Addr() })
	from := seen[0].Load()
	eventually(t, "traffic over the other server", func() bool { return seen[0].Load() > from+500 })
	close(stop)
	total := int64(0)
	for range senders {
		n := await(t, "a sender", done)
		total += n
	}
	must(t, nc.Flush())
	eventually(t, "all messages", func() bool {
		sum := int64(0)
		for i := range senders {
			sum += seen[i].Load()
		}
		return sum >= total
	})
	if n := twice.Load(); n != 0 {
		t.Errorf("%d messages came twice", n)
	}
	// Two ways through a cluster may differ in time: where servers are slowed down the second one may be the faster.
	if n := disorder.Load(); n != 0 && slower == 1 {
		t.Errorf("%d messages out of order", n)
	}
	if errs := j.errors(); len(errs) != 0 {
		t.Errorf("told of %v, want nothing lost", errs)
	}
	if n := nc.Stats().Reconnects; n != 1 {
		t.Errorf("%d reconnects, want 1", n)
	}
}

// Members of a queue group and those who wait for replies do not notice that their server goes.
func TestResilientLeavesWithoutAGap(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	cluster := natstest.Cluster(t, 3, natstest.WithoutJetStream(), natstest.WithLameDuck(5*time.Second, 3*time.Second))
	servers := cluster.Servers()
	var j journal
	nc := dial(t, servers[0].URL(), nats.Resilient(), recordEvents(&j))
	other := dial(t, servers[1].URL())
	var worked atomic.Int64
	for _, member := range []*nats.Conn{nc, other} {
		got[*nats.Subscription](t)(member.QueueSubscribe("work", "q", func(*nats.Msg) { worked.Add(1) }))
		must(t, member.Flush())
	}
	got[*nats.Subscription](t)(other.Subscribe("echo", func(m *nats.Msg) { _ = m.Respond(m.Data) }))
	must(t, other.Flush())
	eventually(t, "the service", func() bool { _, err := nc.Request("echo", nil, patience); return err == nil })
	stop, asked := make(chan struct{}), make(chan error, 1)
	sent := make(chan int64, 1)
	go func() {
		for {
			select {
			case <-stop:
				asked <- nil
				return
			default:
			}
			if _, err := nc.Request("echo", []byte("x"), 5*time.Second); err != nil {
				asked <- err
				return
			}
		}
	}()
	publisher := dial(t, servers[2].URL())
	eventually(t, "interest", func() bool {
		return publisher.Publish("work", nil) == nil && publisher.Flush() == nil && worked.Load() > 0
	})
	before := int64(publisher.Stats().OutMsgs)
	go func() {
		n := before
		for {
			select {
			case <-stop:
				sent <- n
				return
			default:
			}
			_ = publisher.Publish("work", nil)
			if n++; n%50 == 0 {
				pause()
			}
		}
	}()
	must(t, servers[0].LameDuck())
	eventually(t, "the other server", func() bool { return j.has("reconnected") })
	from := worked.Load()
	eventually(t, "work after it", func() bool { return worked.Load() > from+500 })
	close(stop)
	if err := await(t, "the requests", asked); err != nil {
		t.Errorf("a request failed: %v", err)
	}
	total := await(t, "the publisher", sent)
	eventually(t, "all work", func() bool { return worked.Load() >= total })
	if n := worked.Load(); n > total {
		t.Errorf("%d messages worked off, %d were sent", n, total)
	}
}
