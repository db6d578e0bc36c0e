package test

import (
	"errors"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

func TestHealth(t *testing.T) {
	srv := start(t, natstest.WithUser("joe", "secret"))
	proxy := natstest.NewProxy(t, srv.URL())
	nc := dial(t, proxy.URL(), nats.UserInfo("joe", "secret"), quickly(), silent())
	h := nc.Health()
	if !h.Ready() || h.Err() != nil || h.Status != nats.CONNECTED || h.Server != "nats://"+proxy.Addr() {
		t.Errorf("connected: %+v", h)
	}
	if ago := time.Since(h.Since); ago < 0 || ago > patience {
		t.Errorf("connected since %v ago", ago)
	}
	rtt := got[time.Duration](t)(nc.RTT())
	if h := nc.Health(); h.RTT <= 0 || h.RTT > rtt+time.Second || h.Silence > patience || h.Outstanding != 0 {
		t.Errorf("after a round trip: %+v", h)
	}

	sub := subscribeSync(t, nc, "a")
	must(t, sub.SetPendingLimits(2, -1))
	for range 5 {
		must(t, nc.Publish("a", nil))
	}
	must(t, nc.Flush())
	if h := nc.Health(); h.Subscriptions != 1 || h.SlowSubscriptions != 1 || h.Dropped != 3 || !errors.Is(h.LastError, nats.ErrSlowConsumer) {
		t.Errorf("with a slow consumer: %+v", h)
	}

	service := subscribeSync(t, nc, "service")
	go func() { _, _ = nc.Request("service", nil, time.Minute) }()
	_ = next(t, service)
	if h := nc.Health(); h.Outstanding != 1 {
		t.Errorf("with a request: %+v", h)
	}

	proxy.Refuse()
	proxy.Cut()
	eventually(t, "the disconnect", nc.IsReconnecting)
	must(t, nc.Publish("a", []byte("12345")))
	if h := nc.Health(); h.Ready() || h.Err() != nats.ErrDisconnected || h.PendingBytes != len("PUB a 5\r\n12345\r\n") || h.Server != "" || !h.Unconfirmed {
		t.Errorf("reconnecting: %+v", h)
	}
	must(t, proxy.Heal())
	eventually(t, "the reconnect", func() bool { return nc.Health().Ready() })
	if h := nc.Health(); h.Reconnects != 1 {
		t.Errorf("after the reconnect: %+v", h)
	}
	nc.Close()
	if h := nc.Health(); h.Ready() || h.Err() != nats.ErrConnectionClosed || h.Outstanding != 0 {
		t.Errorf("closed: %+v", h)
	}
	if h := (*nats.Conn)(nil).Health(); h.Ready() {
		t.Errorf("of nil: %+v", h)
	}
}

// It answers at once, whatever the network does.
func TestHealthAnswersAtOnce(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	nc := dial(t, proxy.URL(), silent())
	proxy.Stall(natstest.Both)
	for range 300 {
		must(t, nc.Publish("a", make([]byte, 20_000)))
	}
	within(t, "Health on a link that stands still", 250*time.Millisecond, func() {
		if h := nc.Health(); h.PendingBytes == 0 || !h.Unconfirmed {
			t.Errorf("%+v", h)
		}
	})
	must(t, proxy.Heal())
}

// Reports that nobody was told are counted, and that is told.
func TestDroppedReportsAreTold(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	p := newPeer(t)
	var j journal
	release, busy := make(chan struct{}), make(chan struct{}, 1)
	first := true
	nc := dial(t, p.url(), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if first {
			first = false
			busy <- struct{}{}
			<-release
		}
		j.addErr(err)
	}))
	c := p.next()
	c.send("-ERR 'Permissions Violation for Publish to \"a\"'\r\n")
	await(t, "the handler", busy)
	const errs = 5000
	for range errs {
		c.send("-ERR 'Permissions Violation for Publish to \"a\"'\r\n")
	}
	must(t, nc.Flush())
	eventually(t, "something to be dropped", func() bool { return nc.Health().DroppedReports > 0 })
	close(release)
	total := func() (told, dropped uint64) {
		for _, err := range j.errors() {
			var d *nats.DroppedReportsError
			if errors.As(err, &d) {
				dropped += d.Count
			} else {
				told++
			}
		}
		return told, dropped
	}
	eventually(t, "every report to be told or counted", func() bool { told, dropped := total(); return told+dropped == errs+1 })
	if _, dropped := total(); dropped != nc.Health().DroppedReports {
		t.Errorf("told that %d were dropped, Health says %d", dropped, nc.Health().DroppedReports)
	}
}
