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
)

// waiters are the calls that wait for something that never comes. prepare runs first, on a connection that works.
var waiters = map[string]func(t *testing.T, nc *nats.Conn) (wait func() error){
	"Request": func(_ *testing.T, nc *nats.Conn) func() error {
		return func() error { _, err := nc.Request("mute", nil, time.Hour); return err }
	},
	"RequestWithContext": func(_ *testing.T, nc *nats.Conn) func() error {
		return func() error { _, err := nc.RequestWithContext(context.Background(), "mute", nil); return err }
	},
	"RequestMsg": func(_ *testing.T, nc *nats.Conn) func() error {
		return func() error { _, err := nc.RequestMsg(nats.NewMsg("mute"), time.Hour); return err }
	},
	"FlushTimeout": func(_ *testing.T, nc *nats.Conn) func() error {
		return func() error { return nc.FlushTimeout(time.Hour) }
	},
	"FlushWithContext": func(_ *testing.T, nc *nats.Conn) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			return nc.FlushWithContext(ctx)
		}
	},
	"RTT": func(_ *testing.T, nc *nats.Conn) func() error {
		return func() error { _, err := nc.RTT(); return err }
	},
	"NextMsg": func(t *testing.T, nc *nats.Conn) func() error {
		sub := got[*nats.Subscription](t)(nc.SubscribeSync("a"))
		return func() error { _, err := sub.NextMsg(time.Hour); return err }
	},
	"NextMsgWithContext": func(t *testing.T, nc *nats.Conn) func() error {
		sub := got[*nats.Subscription](t)(nc.QueueSubscribeSync("a", "q"))
		return func() error { _, err := sub.NextMsgWithContext(context.Background()); return err }
	},
	"NextMsg of a channel": func(t *testing.T, nc *nats.Conn) func() error {
		sub := got[*nats.Subscription](t)(nc.ChanSubscribe("a", make(chan *nats.Msg)))
		return func() error { _, err := sub.NextMsg(time.Hour); return err }
	},
	"Msgs": func(t *testing.T, nc *nats.Conn) func() error {
		sub := got[*nats.Subscription](t)(nc.SubscribeSync("a"))
		return func() error {
			for _, err := range sub.Msgs() {
				if err != nil {
					return err
				}
			}
			return nil
		}
	},
	"closed handler of a subscription": func(t *testing.T, nc *nats.Conn) func() error {
		sub := got[*nats.Subscription](t)(nc.Subscribe("a", func(*nats.Msg) {}))
		over := make(chan struct{})
		sub.SetClosedHandler(func(string) { close(over) })
		return func() error { <-over; return nil }
	},
	"status of a subscription": func(t *testing.T, nc *nats.Conn) func() error {
		sub := got[*nats.Subscription](t)(nc.Subscribe("a", func(*nats.Msg) {}))
		news := sub.StatusChanged(nats.SubscriptionClosed)
		return func() error {
			for range news {
			}
			return nil
		}
	},
	"drain of a subscription": func(t *testing.T, nc *nats.Conn) func() error {
		sub := got[*nats.Subscription](t)(nc.Subscribe("a", func(*nats.Msg) {}))
		over := make(chan struct{})
		sub.SetClosedHandler(func(string) { close(over) })
		return func() error { must(t, sub.Drain()); <-over; return nil }
	},
	"status of the connection": func(_ *testing.T, nc *nats.Conn) func() error {
		news := nc.StatusChanged(nats.CLOSED)
		return func() error { <-news; return nil }
	},
}

// endOf are the reasons that a wait may end with.
var endOf = []error{nil, nats.ErrConnectionClosed, nats.ErrBadSubscription, nats.ErrDisconnected, nats.ErrStaleConnection, nats.ErrConnectionDraining}

// Every call that waits ends, soon, when the connection does, however that comes. The server answers no requests, and except for drains no
// PINGs either.
func TestEveryWaitEnds(t *testing.T) {
	for ending, end := range map[string]func(p *peer, nc *nats.Conn){
		"Close":        func(_ *peer, nc *nats.Conn) { nc.Close() },
		"Close, twice": func(_ *peer, nc *nats.Conn) { go nc.Close(); nc.Close() },
		"Close in a callback": func(p *peer, nc *nats.Conn) {
			nc.SetErrorHandler(func(nc *nats.Conn, _ *nats.Subscription, _ error) { nc.Close() })
			p.send("-ERR 'Permissions Violation'\r\n")
		},
		"Close in a message's callback": func(p *peer, nc *nats.Conn) {
			_, err := nc.Subscribe("end", func(*nats.Msg) { nc.Close() })
			if err != nil {
				panic(err)
			}
			p.sendMsg("end")
		},
		"Drain":                 func(_ *peer, nc *nats.Conn) { _ = nc.Drain() },
		"Drain, nobody answers": func(_ *peer, nc *nats.Conn) { _ = nc.Drain() },
		"Drain in a callback": func(p *peer, nc *nats.Conn) {
			nc.SetErrorHandler(func(nc *nats.Conn, _ *nats.Subscription, _ error) { _ = nc.Drain() })
			p.send("-ERR 'Permissions Violation'\r\n")
		},
		"the link is lost": func(p *peer, _ *nats.Conn) { p.cut() },
		"reconnecting is given up": func(p *peer, nc *nats.Conn) {
			nc.Opts.AllowReconnect = true
			p.stopListening()
			p.cut()
		},
		"Drain without a link": func(p *peer, nc *nats.Conn) {
			p.stopListening()
			p.cut()
			for nc.IsConnected() {
				pause()
			}
			_ = nc.Drain()
		},
		"Close without a link": func(p *peer, nc *nats.Conn) {
			p.stopListening()
			p.cut()
			for nc.IsConnected() {
				pause()
			}
			nc.Close()
		},
		"Close of a dialling connection": func(p *peer, nc *nats.Conn) {
			p.setGreet(func(c *peerConn) bool { _, _ = c.in.ReadByte(); return false })
			p.cut()
			for nc.IsConnected() {
				pause()
			}
			nc.Close()
		},
	} {
		t.Run(ending, func(t *testing.T) {
			t.Parallel()
			for name, prepare := range waiters {
				if ending == "Drain, nobody answers" && name != "Request" && name != "NextMsg" {
					continue // each takes 5 s, and they do not differ
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					checkLeaks(t)
					p := newPeer(t)
					if !strings.HasPrefix(ending, "Drain") || ending == "Drain, nobody answers" {
						p.mute()
					}
					opts := []nats.Option{silent(), nats.DrainTimeout(100 * time.Millisecond), nats.Timeout(time.Hour)}
					switch ending {
					case "the link is lost":
						opts = append(opts, nats.NoReconnect())
					case "reconnecting is given up":
						opts = append(opts, nats.ReconnectWait(time.Millisecond), nats.MaxReconnects(2))
					default:
						opts = append(opts, nats.ReconnectWait(time.Hour), nats.MaxReconnects(-1))
					}
					nc := dial(t, p.url(), opts...)
					p.next()
					wait := prepare(t, nc)
					began, result := make(chan struct{}), make(chan error, 1)
					go func() { close(began); result <- wait() }()
					<-began
					eventually(t, "the wait has begun", func() bool { return nc.IsConnected() })
					end(p, nc)
					limit := 5 * time.Second               // Close itself may take 2 s, and the machine be busy
					if ending == "Drain, nobody answers" { // its flush has 5 s
						limit = patience
					}
					select {
					case err := <-result:
						if !slices.ContainsFunc(endOf, func(e error) bool { return errors.Is(err, e) }) {
							t.Errorf("ended with %v", err)
						}
					case <-time.After(limit):
						t.Errorf("still waiting after %v, status %v", limit, nc.Status())
					}
				})
			}
		})
	}
}

// On a reconnect flushes end, since their PONG is gone, and so does every request when the user forces it; otherwise requests keep
// their own time.
func TestWaitsAtReconnect(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	p := newPeer(t)
	p.mute()
	reconnected := make(chan struct{}, 10)
	nc := dial(t, p.url(), quickly(), silent(), nats.ReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} }))
	c := p.next()
	results := make(chan string, 3)
	ask := func() {
		go func() { results <- fmt.Sprint("flush: ", nc.FlushTimeout(time.Hour)) }()
		go func() {
			_, err := nc.Request("mute", nil, time.Hour)
			results <- fmt.Sprint("request: ", err)
		}()
	}
	ask()
	c.awaitOp("PING")
	c.awaitOp("PUB mute")
	p.cut()
	if got := await(t, "the flush", results); got != "flush: nats: server is disconnected" && got != "flush: "+nats.ErrDisconnected.Error() {
		t.Errorf("got %q", got)
	}
	await(t, "the reconnect", reconnected)
	select {
	case got := <-results:
		t.Errorf("the request ended by a mere reconnect: %q", got)
	default:
	}
	must(t, nc.ForceReconnect())
	if got := await(t, "the request", results); got != "request: "+nats.ErrDisconnected.Error() {
		t.Errorf("got %q", got)
	}
	await(t, "the reconnect", reconnected)
}

// A Publish that waits for room ends with the connection, and in time without one.
func TestBlockedPublishEnds(t *testing.T) {
	t.Parallel()
	checkLeaks(t)
	for name, end := range map[string]func(p *peer, nc *nats.Conn){
		"Close":     func(_ *peer, nc *nats.Conn) { nc.Close() },
		"link lost": func(p *peer, _ *nats.Conn) { p.cut() },
		"Force":     func(_ *peer, nc *nats.Conn) { _ = nc.ForceReconnect() },
		"own time":  func(*peer, *nats.Conn) {},
	} {
		p := newPeer(t)
		limit := time.Hour
		if name == "own time" {
			limit = 300 * time.Millisecond
		}
		nc := dial(t, p.url(), nats.ReconnectWait(time.Hour), silent(), nats.ReconnectBufSize(1<<20), nats.FlusherTimeout(limit))
		p.next().deaf.Store(true)
		result := make(chan error)
		stuck := make(chan struct{}, 1<<16)
		go func() {
			data := make([]byte, 100_000)
			for {
				stuck <- struct{}{}
				if err := nc.Publish("a", data); err != nil {
					result <- err
					return
				}
			}
		}()
		// It is stuck when nothing has been published for a while.
		for n := -1; name != "own time" && n != len(stuck); {
			n = len(stuck)
			<-time.After(100 * time.Millisecond)
		}
		end(p, nc)
		if err := await(t, name, result); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
		nc.Close()
	}
}
