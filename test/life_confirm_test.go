package test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// The link is cut at random bytes under a steady publisher: what is sent again is all that had not been confirmed, so nothing is lost, and each
// message comes in order when it comes first.
func TestNothingIsLostWithResending(t *testing.T) {
	for name, tc := range map[string]struct {
		size, messages, window int
		secure                 bool
	}{
		"small":         {size: 64, messages: 40_000 / slower, window: 64 << 10},
		"large":         {size: 100_000, messages: 400, window: 256 << 10},
		"larger than w": {size: 20_000, messages: 600, window: 1000},
		"TLS":           {size: 500, messages: 8_000 / slower, window: 64 << 10, secure: true},
	} {
		t.Run(name, func(t *testing.T) {
			var serverOpts []natstest.Option
			var tlsOption nats.Option
			if tc.secure {
				forServer, forClient, err := natstest.NewTLS()
				must(t, err)
				serverOpts = append(serverOpts, natstest.WithTLS(forServer))
				tlsOption = nats.Secure(forClient)
			}
			srv := start(t, serverOpts...)
			proxy := natstest.NewProxy(t, srv.URL())
			l := newLedgerTLS(t, srv, proxy.URL(), tlsOption, nats.ResendUnconfirmed(tc.window), nats.ReconnectBufSize(64<<20))
			l.size = tc.size
			order := firstDeliveries(t, l)
			for round := range 12 {
				proxy.CutAfter(rand.Int64N(int64(tc.messages/12*tc.size)), natstest.ClientToServer)
				if refused := l.publish(tc.messages / 12); refused > 0 {
					t.Fatalf("%d refused", refused)
				}
				if round%3 > 0 { // else the next cut comes into the replay
					eventually(t, "the cut and the reconnect", func() bool { return l.nc.FlushTimeout(patience) == nil })
				}
			}
			must(t, proxy.Heal())
			l.settle(srv)
			arrived, doubles := l.count()
			if arrived != int(l.accepted) {
				t.Errorf("%d of %d arrived", arrived, l.accepted)
			}
			if unconfirmed, dropped := l.j.losses(); unconfirmed+dropped != 0 {
				t.Errorf("told that %d are unconfirmed and %d dropped, want nothing lost", unconfirmed, dropped)
			}
			h := l.nc.Health()
			if uint64(doubles) > h.Resent {
				t.Errorf("%d arrived twice, but only %d were sent again", doubles, h.Resent)
			}
			if n := order(); n != 0 {
				t.Errorf("%d messages came out of order", n)
			}
			cuts := proxy.Stats().Cut
			// Of each link at most the window, one write and one message are in doubt.
			if most := uint64(cuts+1) * uint64((tc.window+128<<10)/tc.size+2); h.Resent > most {
				t.Errorf("%d sent again in %d cuts, want %d at most", h.Resent, cuts, most)
			}
			t.Logf("%d messages, %d cuts, %d sent again, %d arrived twice", l.accepted, cuts, h.Resent, doubles)
			if cuts < 5 {
				t.Errorf("only %d cuts", cuts)
			}
		})
	}
}

// firstDeliveries watches the order of messages as they come for the first time; what it returns counts those that came too late.
func firstDeliveries(t *testing.T, l *ledger) func() int {
	t.Helper()
	type state struct {
		next uint64
		late int
		seen map[uint64]bool
	}
	s := make(chan state, 1)
	s <- state{seen: map[uint64]bool{}}
	sub := got[*nats.Subscription](t)(l.receiver.Subscribe("loss", func(m *nats.Msg) {
		if len(m.Data) == 0 {
			return
		}
		v := <-s
		n := binary.BigEndian.Uint64(m.Data)
		if !v.seen[n] {
			v.seen[n] = true
			if n < v.next {
				v.late++
			}
			v.next = n + 1
		}
		s <- v
	}))
	must(t, sub.SetPendingLimits(-1, -1))
	must(t, l.receiver.Flush())
	return func() int {
		must(t, l.receiver.Flush())
		v := <-s
		s <- v
		return v.late
	}
}

// A lost link leaves few messages unconfirmed when they are confirmed in the stream.
func TestConfirmEveryKeepsLossesSmall(t *testing.T) {
	const size = 100
	for name, tc := range map[string]struct {
		opt  nats.Option
		most int
	}{
		"bytes": {nats.ConfirmEvery(10*size, 0), 400},
		"time":  {nats.ConfirmEvery(0, 5*time.Millisecond), 400},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t)
			proxy := natstest.NewProxy(t, srv.URL())
			l := newLedger(t, srv, proxy.URL(), tc.opt)
			l.size = size
			const bursts, burst = 40, 50
			for range bursts {
				l.publish(burst)
				pause()
			}
			proxy.Cut()
			eventually(t, "the disconnect", func() bool { return l.nc.Stats().Reconnects == 1 })
			l.settle(srv)
			l.balance()
			if unconfirmed, dropped := l.j.losses(); unconfirmed > tc.most || dropped != 0 {
				t.Errorf("%d of %d unconfirmed, %d dropped; want %d and 0 at most", unconfirmed, l.accepted, dropped, tc.most)
			}
		})
	}
}

// A publisher that falls silent is confirmed as well, and so does not have a loss to report.
func TestConfirmEveryInterval(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	l := newLedger(t, srv, proxy.URL(), nats.ConfirmEvery(0, 10*time.Millisecond))
	l.publish(1)
	if !l.nc.Health().Unconfirmed {
		t.Error("confirmed before it was asked for")
	}
	eventually(t, "the confirmation", func() bool { return !l.nc.Health().Unconfirmed })
	proxy.Cut()
	eventually(t, "the reconnect", func() bool { return l.nc.Stats().Reconnects == 1 })
	l.settle(srv)
	if unconfirmed, dropped := l.j.losses(); unconfirmed+dropped != 0 || l.balance() != 0 {
		t.Errorf("told of %d unconfirmed, %d dropped", unconfirmed, dropped)
	}
}

// What cannot be sent again any more is told: as unconfirmed what was written once, as dropped what never was.
func TestResendingEndsWithClose(t *testing.T) {
	srv := start(t)
	proxy := natstest.NewProxy(t, srv.URL())
	l := newLedger(t, srv, proxy.URL(), nats.ResendUnconfirmed(1<<20), nats.ReconnectWait(time.Hour))
	proxy.Stall(natstest.ServerToClient)
	l.publish(100)
	eventually(t, "the messages", func() bool { n, _ := l.count(); return n == 100 })
	proxy.Refuse()
	proxy.Cut()
	eventually(t, "the disconnect", l.nc.IsReconnecting)
	l.publish(10)
	l.nc.Close()
	eventually(t, "the report", func() bool { u, d := l.j.losses(); return u == 100 && d == 10 })
}

func TestConfirmOptionsRefuse(t *testing.T) {
	srv := start(t)
	for name, opts := range map[string][]nats.Option{
		"negative bytes":    {nats.ConfirmEvery(-1, 0)},
		"negative interval": {nats.ConfirmEvery(0, -1)},
		"negative window":   {nats.ResendUnconfirmed(-1)},
		"no buffer":         {nats.ResendUnconfirmed(1), nats.ReconnectBufSize(-1)},
	} {
		if nc, err := nats.Connect(srv.URL(), opts...); nc != nil || !errors.Is(err, nats.ErrInvalidArg) {
			t.Errorf("%s: got %v, %v, want %v", name, nc, err, nats.ErrInvalidArg)
		}
	}
}
