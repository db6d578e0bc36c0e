package test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// ledger compares what was published with what arrived and with what the publisher was told.
type ledger struct {
	t        *testing.T
	nc       *nats.Conn // through the proxy
	receiver *nats.Conn
	j        journal
	accepted uint64 // publishes without an error; their numbers are 0 to accepted-1
	size     int

	mu      sync.Mutex
	arrived map[uint64]bool
	doubles int
	marks   chan struct{}
}

// newLedger connects a publisher through url, and a receiver directly to the server.
func newLedger(t *testing.T, srv *natstest.Server, url string, opts ...nats.Option) *ledger {
	t.Helper()
	return newLedgerTLS(t, srv, url, nil, opts...)
}

// newLedgerTLS has an option that the receiver needs too.
func newLedgerTLS(t *testing.T, srv *natstest.Server, url string, secure nats.Option, opts ...nats.Option) *ledger {
	t.Helper()
	l := &ledger{t: t, size: 64, arrived: make(map[uint64]bool), marks: make(chan struct{}, 100)}
	receiver := dial(t, srv.URL(), secure)
	sub, err := receiver.Subscribe("loss", l.receive)
	must(t, err)
	must(t, sub.SetPendingLimits(-1, -1))
	must(t, receiver.Flush())
	l.receiver = receiver
	l.nc = dial(t, url, append([]nats.Option{secure, quickly(), l.j.handler()}, opts...)...)
	return l
}

func (l *ledger) receive(m *nats.Msg) {
	if len(m.Data) == 0 {
		l.marks <- struct{}{}
		return
	}
	n := binary.BigEndian.Uint64(m.Data)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.arrived[n] {
		l.doubles++
	}
	l.arrived[n] = true
}

// publish sends n numbered messages, and returns how many were refused.
func (l *ledger) publish(n int) (refused int) {
	data := make([]byte, l.size)
	for range n {
		binary.BigEndian.PutUint64(data, l.accepted)
		if err := l.nc.Publish("loss", data); err != nil {
			refused++
			continue
		}
		l.accepted++
	}
	return refused
}

// settle waits until everything that can arrive has.
func (l *ledger) settle(srv *natstest.Server) {
	l.t.Helper()
	if !l.nc.IsClosed() {
		eventually(l.t, "a flush", func() bool { return l.nc.FlushTimeout(patience) == nil })
	}
	// The end of what the publisher wrote is at the server: either its PONG has come, or its socket is closed.
	eventually(l.t, "the server to be done with closed links", func() bool {
		want := 2
		if l.nc.IsClosed() {
			want = 1
		}
		return srv.Embedded().NumClients() == want
	})
	must(l.t, l.receiver.Publish("loss", nil))
	await(l.t, "the last message", l.marks)
}

func (l *ledger) count() (arrived, doubles int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.arrived), l.doubles
}

// balance checks that what did not arrive was told. It returns the number of messages that did not.
func (l *ledger) balance() (missing int) {
	l.t.Helper()
	arrived, doubles := l.count()
	missing = int(l.accepted) - arrived
	var unconfirmed, dropped int
	for end := time.Now().Add(patience); ; pause() {
		if unconfirmed, dropped = l.j.losses(); missing <= unconfirmed+dropped || time.Now().After(end) {
			break
		}
	}
	if missing > unconfirmed+dropped {
		l.t.Errorf("%d of %d did not arrive, told: %d unconfirmed at most, %d dropped", missing, l.accepted, unconfirmed, dropped)
	}
	if missing < dropped {
		l.t.Errorf("told that %d were dropped, but only %d did not arrive", dropped, missing)
	}
	if doubles > 0 {
		l.t.Errorf("%d messages arrived twice", doubles)
	}
	l.t.Logf("accepted %d, arrived %d, unconfirmed at most %d, dropped %d", l.accepted, arrived, unconfirmed, dropped)
	return missing
}

// A steady publisher, and a link that is cut again and again, mostly in the middle of a message.
func TestNothingIsLostSilentlyInCuts(t *testing.T) {
	for name, size := range map[string]int{"small": 64, "large": 100_000} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			l := newLedger(t, srv, proxy.URL())
			l.size = size
			n := 40_000 / slower
			if size > 1000 {
				n = 400
			}
			for range 12 {
				proxy.CutAfter(rand.Int64N(int64(n/12*size)), natstest.ClientToServer)
				l.publish(n / 12)
				eventually(t, "the cut and the reconnect", func() bool { return l.nc.FlushTimeout(patience) == nil })
			}
			l.settle(srv)
			l.balance()
			if cuts := proxy.Stats().Cut; cuts < 10 {
				t.Errorf("only %d cuts", cuts)
			}
		})
	}
}

// The link is cut once more while the buffered messages are being replayed, several times.
func TestNothingIsLostSilentlyInTheReplay(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			var serverOpts []natstest.Option
			var tlsOption nats.Option
			if secure {
				forServer, forClient, err := natstest.NewTLS()
				must(t, err)
				serverOpts = append(serverOpts, natstest.WithTLS(forServer))
				tlsOption = nats.Secure(forClient)
			}
			srv := start(t, serverOpts...)
			proxy := natstest.NewProxy(t, srv.URL())
			l := newLedgerTLS(t, srv, proxy.URL(), tlsOption, nats.ReconnectWait(time.Hour), nats.ReconnectBufSize(64<<20), nats.Timeout(patience))
			proxy.Cut()
			eventually(t, "the disconnect", l.nc.IsReconnecting)
			l.size = 1000
			for _, n := range []int64{500, 20_000, 70_000, 150_000, 1_000_000, 1} {
				if refused := l.publish(2000); refused > 0 {
					t.Fatalf("%d refused", refused)
				}
				before := proxy.Stats().Cut
				proxy.CutAfter(n, natstest.ClientToServer)
				must(t, l.nc.ForceReconnect())
				eventually(t, "the cut in the replay", func() bool {
					return proxy.Stats().Cut > before && proxy.Conns() == 0 && l.nc.IsReconnecting()
				})
			}
			eventually(t, "the last reconnect", func() bool { return l.nc.IsConnected() || l.nc.ForceReconnect() != nil })
			l.settle(srv)
			l.balance()
		})
	}
}

// The replay keeps the order, and repeats nothing that a server has read whole: a server that goes away after so many messages, leaving
// unread what was sent behind them.
func TestReplayKeepsOrder(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	p := newPeer(t)
	var j journal
	nc := dial(t, p.url(), quickly(), j.handler(), nats.ReconnectBufSize(64<<20))
	p.next()
	var mu sync.Mutex
	var read []string
	pubs := 0
	p.setGreet(func(c *peerConn) bool {
		c.answer = func(c *peerConn, _, _ string, data []byte) {
			mu.Lock()
			defer mu.Unlock()
			read = append(read, string(data[:8]))
			if pubs++; pubs%997 == 0 && len(read) < 9000 {
				_ = c.Close()
			}
		}
		return c.shake()
	})
	p.with(func() { p.ignorePub = true })
	p.cut()
	const messages = 10_000
	data := make([]byte, 3000)
	for i := range messages {
		copy(data, fmt.Sprintf("%08d", i))
		must(t, nc.Publish("o", data))
	}
	eventually(t, "a flush", func() bool { return nc.FlushTimeout(patience) == nil })
	mu.Lock()
	defer mu.Unlock()
	if !slices.IsSorted(read) || len(slices.Compact(slices.Clone(read))) != len(read) {
		t.Errorf("messages out of order or twice")
	}
	unconfirmed, dropped := j.losses()
	if missing := messages - len(read); dropped != 0 || missing > unconfirmed {
		t.Errorf("%d missing, told %d unconfirmed, %d dropped", missing, unconfirmed, dropped)
	}
	t.Logf("read %d of %d, told %d unconfirmed at most", len(read), messages, unconfirmed)
}

// Bytes vanish for a while, without any error.
func TestNothingIsLostSilentlyInABlackHole(t *testing.T) {
	for name, direction := range map[string]natstest.Direction{"both": natstest.Both, "to the server": natstest.ClientToServer, "to the client": natstest.ServerToClient} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			l := newLedger(t, srv, proxy.URL(), nats.PingInterval(200*time.Millisecond), nats.MaxPingsOutstanding(1))
			l.publish(1000)
			must(t, l.nc.Flush())
			proxy.Hole(direction)
			l.publish(1000)
			eventually(t, "the link to be found dead", func() bool { return !l.nc.IsConnected() })
			l.publish(1000)
			must(t, proxy.Heal())
			eventually(t, "the reconnect", l.nc.IsConnected)
			l.publish(1000)
			l.settle(srv)
			if missing := l.balance(); missing > 1000 {
				t.Errorf("%d missing, only 1000 went into the hole", missing)
			}
			if unconfirmed, dropped := l.j.losses(); unconfirmed > 1000 || dropped > 0 {
				t.Errorf("told %d unconfirmed, %d dropped; at most 1000 can have been in doubt", unconfirmed, dropped)
			}
		})
	}
}

// What is buffered when the connection ends was never written: it is told with its exact number.
func TestLossIsToldExactlyAtTheEnd(t *testing.T) {
	for name, end := range map[string]func(nc *nats.Conn){
		"close": func(nc *nats.Conn) { nc.Close() },
		"drain": func(nc *nats.Conn) { _ = nc.Drain() },
		"given up": func(nc *nats.Conn) {
			if nc.ForceReconnect() != nil {
				panic("closed already")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			l := newLedger(t, srv, proxy.URL(), nats.ReconnectWait(time.Hour), nats.MaxReconnects(1))
			proxy.Refuse()
			proxy.Cut()
			eventually(t, "the disconnect", l.nc.IsReconnecting)
			l.publish(1234)
			end(l.nc)
			eventually(t, "the end", l.nc.IsClosed)
			eventually(t, "the report", func() bool { u, d := l.j.losses(); return u == 0 && d == 1234 })
		})
	}
}

// A link that stands still while more is published than anybody takes, and then Close: what could not be written is told.
func TestLossIsToldWhenCloseGivesUp(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	l := newLedger(t, srv, proxy.URL(), nats.ReconnectBufSize(32<<20))
	l.size = 10_000
	proxy.Stall(natstest.ClientToServer)
	l.publish(2000)
	within(t, "Close on a link that stands still", 2500*time.Millisecond, l.nc.Close)
	must(t, proxy.Heal())
	l.settle(srv)
	if missing := l.balance(); missing == 0 {
		t.Error("everything arrived: the link did not stand still")
	}
}

// A buffer that is full refuses: the message is not accepted, and neither lost nor told.
func TestFullBufferRefuses(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	l := newLedger(t, srv, proxy.URL(), nats.ReconnectBufSize(100_000))
	proxy.Refuse()
	proxy.Cut()
	eventually(t, "the disconnect", l.nc.IsReconnecting)
	if refused := l.publish(5000); refused == 0 {
		t.Fatal("nothing was refused")
	}
	must(t, proxy.Heal())
	l.settle(srv)
	if missing := l.balance(); missing != 0 {
		t.Errorf("%d accepted messages are missing", missing)
	}
}

// A flush that began without a link ends when the server has what was published before it, not when there is a link.
func TestFlushCoversWhatWasBuffered(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	p := newPeer(t)
	nc := dial(t, p.url(), nats.ReconnectWait(time.Hour), silent())
	p.next()
	p.cut()
	eventually(t, "the disconnect", nc.IsReconnecting)
	var read atomic.Int32
	p.setGreet(func(c *peerConn) bool {
		c.answer = func(*peerConn, string, string, []byte) { read.Add(1) }
		return c.shake()
	})
	p.with(func() { p.ignorePub = true })
	const messages = 2000
	for range messages {
		must(t, nc.Publish("a", make([]byte, 3000)))
	}
	// A drain ends with the same round trip as a flush, and has begun it when it returns.
	sub := got[*nats.Subscription](t)(nc.SubscribeSync("x"))
	drained := make(chan int32, 1)
	sub.SetClosedHandler(func(string) { drained <- read.Load() })
	must(t, sub.Drain())
	must(t, nc.ForceReconnect())
	if n := await(t, "the round trip", drained); n != messages {
		t.Errorf("it ended when %d of %d had arrived", n, messages)
	}
	must(t, nc.Flush())
}

// Close writes what was accepted.
func TestCloseWritesWhatWasAccepted(t *testing.T) {
	srv := start(t)
	l := newLedger(t, srv, srv.URL())
	l.publish(100_000 / slower)
	l.nc.Close()
	l.settle(srv)
	if missing := l.balance(); missing != 0 {
		t.Errorf("%d are missing", missing)
	}
	if errs := l.j.errors(); len(errs) != 0 {
		t.Errorf("told %v", errs)
	}
}

// The reason of a loss can be asked for.
func TestLossErrorUnwraps(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	l := newLedger(t, srv, proxy.URL(), nats.PingInterval(200*time.Millisecond), nats.MaxPingsOutstanding(1))
	proxy.Hole(natstest.Both)
	l.publish(10)
	eventually(t, "the report", func() bool {
		for _, err := range l.j.errors() {
			var loss *nats.LossError
			if errors.As(err, &loss) && errors.Is(err, nats.ErrStaleConnection) && loss.Unconfirmed == 10 {
				return true
			}
		}
		return false
	})
	must(t, proxy.Heal())
}
