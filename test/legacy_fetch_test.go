package test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

func TestLegacyFetch(t *testing.T) {
	g := withLegacy(t)
	for name, pull := range pullWays {
		s := g.pull(t, "s."+name, name)
		g.publish(t, "s."+name, 5)
		for _, tc := range []struct {
			n    int
			want []string
		}{{1, []string{"0"}}, {3, []string{"1", "2", "3"}}, {9, []string{"4"}}} {
			ms, err := pull(s, tc.n, nats.MaxWait(2*time.Second))
			wantError(t, name, err, nil)
			wantPayloads(t, ms, tc.want...)
			for _, m := range ms {
				if m.Sub != s || m.Subject != "s."+name {
					t.Errorf("%s: got %q of %p, want %q of %p", name, m.Subject, m.Sub, "s."+name, s)
				}
				must(t, m.Ack())
			}
		}
		eventually(t, name+": all acks", func() bool {
			info, err := s.ConsumerInfo()
			return err == nil && info.NumAckPending == 0 && info.NumPending == 0
		})
		if n, err := s.Delivered(); n != 5 || err != nil {
			t.Errorf("%s: %d delivered, %v, want 5", name, n, err)
		}
	}
}

// TestLegacyFetchEmpty fetches where nothing is: a Fetch says that its time is over, a batch is just empty.
func TestLegacyFetchEmpty(t *testing.T) {
	t.Parallel()
	const wait = 2 * time.Second // of which the server gets 90%, and has the rest to say that it is over
	for _, tc := range []struct {
		name string
		opts func(t *testing.T) []nats.PullOpt
		want error // of Fetch
	}{
		{"time", func(*testing.T) []nats.PullOpt { return []nats.PullOpt{nats.MaxWait(wait)} }, nats.ErrTimeout},
		{"heartbeats", func(*testing.T) []nats.PullOpt {
			return []nats.PullOpt{nats.MaxWait(wait), nats.PullHeartbeat(400 * time.Millisecond)}
		}, nats.ErrTimeout},
		{"context", func(t *testing.T) []nats.PullOpt {
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			t.Cleanup(cancel)
			return []nats.PullOpt{nats.Context(ctx)}
		}, context.DeadlineExceeded},
	} {
		for _, n := range []int{1, 5} {
			t.Run(fmt.Sprint(tc.name, n), func(t *testing.T) {
				g := withLegacy(t)
				s := g.pull(t, "s.a", "c")
				began := time.Now()
				ms, err := s.Fetch(n, tc.opts(t)...)
				wantTook(t, "Fetch", time.Since(began), wait)
				if len(ms) > 0 || err != tc.want {
					t.Errorf("Fetch: got %d messages, %v, want %v", len(ms), err, tc.want)
				}
				ms, err = pullWays["FetchBatch"](s, n, tc.opts(t)...)
				if len(ms) > 0 || err != nil {
					t.Errorf("FetchBatch: got %d messages, %v, want neither", len(ms), err)
				}
			})
		}
	}
}

// TestLegacyFetchWaits gets messages that come later: the first one ends a Fetch, a batch goes on.
func TestLegacyFetchWaits(t *testing.T) {
	g, p := withLegacyProxy(t)
	js := g.admin(t)
	for name, pull := range pullWays {
		s := g.pull(t, "s."+name, name)
		asked := p.Seen([]byte("MSG.NEXT.S."+name), natstest.ClientToServer)
		go func() {
			<-asked
			for i := range 3 {
				_, _ = js.Publish("s."+name, fmt.Append(nil, i))
			}
		}()
		ms, err := pull(s, 3, nats.MaxWait(patience), nats.PullHeartbeat(time.Second))
		wantError(t, name, err, nil)
		if name == "FetchBatch" {
			wantPayloads(t, ms, "0", "1", "2")
		} else if len(ms) == 0 || string(ms[0].Data) != "0" {
			t.Errorf("%s: got %q, want at least the first message", name, payloads(ms))
		}
	}
}

func TestLegacyFetchBytes(t *testing.T) {
	g := withLegacy(t)
	for range 6 {
		_, err := g.js.Publish("s.a", make([]byte, 5000))
		must(t, err)
	}
	for name, pull := range pullWays {
		s := g.pull(t, "s.a", "")
		ms, err := pull(s, 5, nats.PullMaxBytes(1000), nats.MaxWait(time.Second))
		if len(ms) != 0 || err == nil || err.Error() != "nats: Message Size Exceeds MaxBytes" {
			t.Errorf("%s, none fits: got %d messages, %v", name, len(ms), err)
		}
		ms, err = pull(s, 5, nats.PullMaxBytes(11000), nats.MaxWait(time.Second))
		if len(ms) != 2 || (err != nil) != (name == "FetchBatch") {
			t.Errorf("%s, two fit: got %d messages, %v", name, len(ms), err)
		}
	}
}

// awaitPull returns when a pull waits at the consumer, or the usual patience is over.
func awaitPull(js nats.JetStreamContext, consumer string) {
	for end := time.Now().Add(patience); time.Now().Before(end); pause() {
		if info, err := js.ConsumerInfo("S", consumer); err == nil && info.NumWaiting > 0 {
			return
		}
	}
}

// TestLegacyFetchStatus ends fetches by what the server says.
func TestLegacyFetchStatus(t *testing.T) {
	t.Parallel()
	for name, pull := range pullWays {
		t.Run(name, func(t *testing.T) {
			g := withLegacy(t, quickly(), silent())
			admin := legacyJS(t, dial(t, g.srv.URL(), silent()))
			missing := g.pull(t, "", "", nats.Bind("S", "missing"), nats.SkipConsumerLookup())
			within(t, "a fetch of a missing consumer", time.Second, func() {
				_, err := pull(missing, 5)
				wantError(t, "missing consumer", err, nats.ErrNoResponders)
			})
			before := g.nc.NumSubscriptions()
			for range 10 {
				_, _ = pull(missing, 5)
				_, _ = pull(missing, 0)
			}
			if n := g.nc.NumSubscriptions(); n > before {
				t.Errorf("failing fetches leave subscriptions behind: %d, then %d", before, n)
			}
			limited := g.pull(t, "s.none", "", nats.MaxRequestBatch(3))
			_, err := pull(limited, 5)
			if err == nil || err.Error() != "nats: Exceeded MaxRequestBatch of 3" {
				t.Errorf("over the limit: got %v", err)
			}
			deleted := g.pull(t, "s.none", "deleted")
			go func() {
				awaitPull(admin, "deleted")
				_ = admin.DeleteConsumer("S", "deleted")
			}()
			within(t, "a fetch of a deleted consumer", 2*time.Second, func() {
				_, err := pull(deleted, 5)
				wantError(t, "deleted consumer", err, nats.ErrConsumerDeleted)
			})
			stopped := g.pull(t, "s.none", "stopped")
			over := make(chan error, 1)
			go func() {
				awaitPull(admin, "stopped")
				over <- g.srv.Stop()
			}()
			_, err = pull(stopped, 5)
			if err == nil || err.Error() != "nats: Server Shutdown" && err != nats.ErrFetchDisconnected {
				t.Errorf("server stopped: got %v", err)
			}
			must(t, await(t, "the end of the server", over))
		})
	}
}

// TestLegacyFetchBlackHole fetches over a link that is dead without telling.
func TestLegacyFetchBlackHole(t *testing.T) {
	t.Parallel()
	for name, pull := range pullWays {
		for _, tc := range []struct {
			name string
			opts []nats.PullOpt
			took time.Duration
			want error
		}{
			{"heartbeats", []nats.PullOpt{nats.PullHeartbeat(300 * time.Millisecond), nats.MaxWait(5 * time.Second)}, 600 * time.Millisecond, nats.ErrNoHeartbeat},
			{"none", []nats.PullOpt{nats.MaxWait(700 * time.Millisecond)}, 700 * time.Millisecond, nats.ErrTimeout},
		} {
			t.Run(name+", "+tc.name, func(t *testing.T) {
				g, p := withLegacyProxy(t)
				s := g.pull(t, "s.a", "c")
				p.Hole(natstest.Both)
				began := time.Now()
				ms, err := pull(s, 5, tc.opts...)
				wantTook(t, name, time.Since(began), tc.took)
				if len(ms) != 0 || err != tc.want {
					t.Errorf("got %d messages, %v, want %v", len(ms), err, tc.want)
				}
				must(t, p.Heal())
				eventually(t, "the link", g.nc.IsConnected)
				g.publish(t, "s.a", 1)
				eventually(t, "the message", func() bool {
					ms, _ := pull(s, 5, nats.MaxWait(300*time.Millisecond))
					return len(ms) == 1
				})
			})
		}
	}
}

// TestLegacyFetchHeartbeatsAfterMessages loses the server after it has sent something: what came is good.
func TestLegacyFetchHeartbeatsAfterMessages(t *testing.T) {
	g, p := withLegacyProxy(t)
	s := g.pull(t, "s.a", "c")
	g.publish(t, "s.a", 2)
	b := got[nats.MessageBatch](t)(s.FetchBatch(5, nats.PullHeartbeat(200*time.Millisecond), nats.MaxWait(patience)))
	first := []*nats.Msg{await(t, "the first message", b.Messages()), await(t, "the second message", b.Messages())}
	p.Hole(natstest.Both)
	await(t, "the end", b.Done())
	wantPayloads(t, first, "0", "1")
	if m, open := <-b.Messages(); open {
		t.Errorf("got %q, want a closed channel", m.Data)
	}
	wantError(t, "the batch", b.Error(), nats.ErrNoHeartbeat)
}

func TestLegacyFetchDisconnected(t *testing.T) {
	t.Parallel()
	for name, pull := range pullWays {
		t.Run(name, func(t *testing.T) {
			g, p := withLegacyProxy(t)
			s := g.pull(t, "s.a", "c")
			asked := p.Seen([]byte("MSG.NEXT"), natstest.ClientToServer)
			go func() {
				<-asked
				p.Refuse()
				p.Cut()
			}()
			within(t, "a fetch whose link is cut", time.Second, func() {
				_, err := pull(s, 5)
				wantError(t, "link cut", err, nats.ErrFetchDisconnected)
			})
			within(t, "a fetch without a link", time.Second, func() {
				_, err := pull(s, 5)
				wantError(t, "no link", err, nats.ErrFetchDisconnected)
			})
			must(t, p.Heal())
			eventually(t, "the link", g.nc.IsConnected)
			g.publish(t, "s.a", 2)
			eventually(t, "messages", func() bool {
				ms, _ := pull(s, 2, nats.MaxWait(time.Second))
				return len(ms) > 0
			})
		})
	}
}

// TestLegacyFetchInterrupted ends subscriptions and connections under a fetch.
func TestLegacyFetchInterrupted(t *testing.T) {
	t.Parallel()
	for name, pull := range pullWays {
		for what, tc := range map[string]struct {
			end        func(s *nats.Subscription, nc *nats.Conn, cancel func()) error
			want       error
			after      error
			useContext bool
		}{
			"unsubscribe":          {func(s *nats.Subscription, _ *nats.Conn, _ func()) error { return s.Unsubscribe() }, nats.ErrBadSubscription, nats.ErrSubscriptionClosed, false},
			"unsubscribe, context": {func(s *nats.Subscription, _ *nats.Conn, _ func()) error { return s.Unsubscribe() }, nats.ErrBadSubscription, nats.ErrSubscriptionClosed, true},
			"drain":                {func(s *nats.Subscription, _ *nats.Conn, _ func()) error { return s.Drain() }, nats.ErrBadSubscription, nats.ErrSubscriptionClosed, false},
			"drain of connection":  {func(_ *nats.Subscription, nc *nats.Conn, _ func()) error { return nc.Drain() }, nats.ErrBadSubscription, nats.ErrBadSubscription, false},
			"close":                {func(_ *nats.Subscription, nc *nats.Conn, _ func()) error { nc.Close(); return nil }, nats.ErrConnectionClosed, nats.ErrConnectionClosed, false},
			"close, context":       {func(_ *nats.Subscription, nc *nats.Conn, _ func()) error { nc.Close(); return nil }, nats.ErrConnectionClosed, nats.ErrConnectionClosed, true},
			"cancel":               {func(_ *nats.Subscription, _ *nats.Conn, cancel func()) error { cancel(); return nil }, context.Canceled, context.Canceled, true},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				g, p := withLegacyProxy(t)
				s := g.pull(t, "s.a", "c")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				opts := []nats.PullOpt{nats.MaxWait(patience)}
				if tc.useContext {
					opts = []nats.PullOpt{nats.Context(ctx)}
				}
				asked := p.Seen([]byte("MSG.NEXT"), natstest.ClientToServer)
				ended := make(chan error, 1)
				go func() {
					<-asked
					ended <- tc.end(s, g.nc, cancel)
				}()
				within(t, "the fetch", 2*time.Second, func() {
					_, err := pull(s, 5, opts...)
					wantError(t, what, err, tc.want)
				})
				must(t, await(t, "the end", ended))
				_, err := pull(s, 1, opts...)
				if what != "drain of connection" { // which is on its way
					wantError(t, "the next fetch", err, tc.after)
				}
			})
		}
	}
}

func TestLegacyFetchAutoUnsubscribe(t *testing.T) {
	g := withLegacy(t)
	g.publish(t, "s.a", 5)
	for name, pull := range pullWays {
		s := g.pull(t, "s.a", name)
		must(t, s.AutoUnsubscribe(3))
		closed := make(chan string, 1)
		s.SetClosedHandler(func(subject string) { closed <- subject })
		ms, err := pull(s, 2)
		wantError(t, name, err, nil)
		wantPayloads(t, ms, "0", "1")
		ms, err = pull(s, 9)
		wantError(t, name, err, nil)
		wantPayloads(t, ms, "2")
		_, err = pull(s, 1)
		wantError(t, name, err, nats.ErrSubscriptionClosed)
		await(t, "the closed handler", closed)
		exists(t, g.js, name)
	}
}

// TestLegacyFetchTogether has several goroutines fetch from one subscription: each message goes to one of them.
func TestLegacyFetchTogether(t *testing.T) {
	g := withLegacy(t)
	const n = 600
	for i := range n {
		_ = got[nats.PubAckFuture](t)(g.js.PublishAsync("s.a", fmt.Append(nil, i)))
	}
	await(t, "the acks", g.js.PublishAsyncComplete())
	s := g.pull(t, "s.a", "c")
	var mu sync.Mutex
	seen := make(map[string]int)
	var all sync.WaitGroup
	for _, pull := range pullWays {
		for range 4 {
			all.Go(func() {
				for {
					ms, err := pull(s, 7, nats.MaxWait(500*time.Millisecond))
					if err != nil && !errors.Is(err, nats.ErrTimeout) {
						t.Error(err)
					}
					if len(ms) == 0 {
						return
					}
					mu.Lock()
					for _, m := range ms {
						seen[string(m.Data)]++
						if err := m.Ack(); err != nil {
							t.Error(err)
						}
					}
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	for i := range n {
		if seen[fmt.Sprint(i)] != 1 {
			t.Errorf("message %d: %d times", i, seen[fmt.Sprint(i)])
		}
	}
}

// TestLegacyFetchRestart fetches in a loop while the server restarts: it goes on within a second.
func TestLegacyFetchRestart(t *testing.T) {
	g := withLegacy(t, silent(), nats.MaxReconnects(-1))
	s := g.pull(t, "s.a", "c")
	must(t, g.srv.Restart(true))
	back := time.Now()
	published := make(chan error, 1)
	js := g.admin(t)
	go func() {
		_, err := js.Publish("s.a", nil)
		published <- err
	}()
	eventually(t, "the message", func() bool {
		ms, err := s.Fetch(5, nats.MaxWait(2*time.Second), nats.PullHeartbeat(500*time.Millisecond))
		return err == nil && len(ms) == 1
	})
	if took := time.Since(back); took > 1500*time.Millisecond {
		t.Errorf("took %v after the restart", took)
	}
	must(t, await(t, "the publish", published))
}
