package test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	server "github.com/nats-io/nats-server/v2/server"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
)

// requestForms are all ways to make a request.
var requestForms = map[string]func(nc *nats.Conn, subject string) (*nats.Msg, error){
	"Request": func(nc *nats.Conn, s string) (*nats.Msg, error) { return nc.Request(s, nil, patience) },
	"RequestWithContext": func(nc *nats.Conn, s string) (*nats.Msg, error) {
		return nc.RequestWithContext(context.Background(), s, nil)
	},
	"RequestMsg": func(nc *nats.Conn, s string) (*nats.Msg, error) {
		return nc.RequestMsg(&nats.Msg{Subject: s, Header: nats.Header{"A": {"b"}}}, patience)
	},
	"RequestMsgWithContext": func(nc *nats.Conn, s string) (*nats.Msg, error) {
		return nc.RequestMsgWithContext(context.Background(), nats.NewMsg(s))
	},
}

// eachStyle runs a test for the shared reply subscription and for one for each request.
func eachStyle(t *testing.T, run func(t *testing.T, style nats.Option)) {
	for name, style := range map[string]nats.Option{"new": nil, "old": nats.UseOldRequestStyle()} {
		t.Run(name, func(t *testing.T) { run(t, style) })
	}
}

// wantRequestError checks what a request ended with.
func wantRequestError(t *testing.T, err, is error, subject string, mayHaveRun bool) {
	t.Helper()
	var told *nats.RequestError
	if !errors.As(err, &told) || !errors.Is(err, is) {
		t.Errorf("got %v (%T), want a *RequestError that matches %v", err, err, is)
		return
	}
	if told.Subject != subject || told.MayHaveRun != mayHaveRun {
		t.Errorf("got subject %q, may have run %t, want %q, %t", told.Subject, told.MayHaveRun, subject, mayHaveRun)
	}
}

func TestRequestIsToldOfADisconnect(t *testing.T) {
	eachStyle(t, func(t *testing.T, style nats.Option) {
		for form, request := range requestForms {
			t.Run(form, func(t *testing.T) {
				srv := start(t)
				p := natstest.NewProxy(t, srv.URL())
				nc := dial(t, p.URL(), nats.FailFastRequests(), quickly(), silent(), style)
				arrived := make(chan struct{}, 1)
				other := dial(t, srv.URL())
				_, err := other.Subscribe("slow", func(*nats.Msg) { arrived <- struct{}{} })
				must(t, err)
				must(t, other.Flush())
				result := make(chan error, 1)
				go func() { _, err := request(nc, "slow"); result <- err }()
				await(t, "the request at the responder", arrived)
				began := time.Now()
				p.Cut()
				wantRequestError(t, await(t, "the end of the request", result), nats.ErrDisconnected, "slow", true)
				if d := time.Since(began); d > time.Second {
					t.Errorf("told after %v", d)
				}
			})
		}
	})
}

// TestUnsentRequestIsTakenBack has a link that takes nothing: the request is still in the buffer when it breaks.
func TestUnsentRequestIsTakenBack(t *testing.T) {
	eachStyle(t, func(t *testing.T, style nats.Option) {
		for form, request := range requestForms {
			t.Run(form, func(t *testing.T) {
				srv := start(t)
				p := natstest.NewProxy(t, srv.URL())
				nc := dial(t, p.URL(), nats.FailFastRequests(), quickly(), silent(), style)
				var j journal
				other := dial(t, srv.URL())
				_, err := other.Subscribe("work", func(m *nats.Msg) { j.add("work"); _ = m.Respond(nil) })
				must(t, err)
				last := subscribeSync(t, other, "last")
				p.Stall(natstest.ClientToServer)
				block := make([]byte, 256<<10)
				for n, _ := nc.Buffered(); n < 1<<20; n, _ = nc.Buffered() {
					must(t, nc.Publish("ballast", block))
				}
				must(t, nc.Publish("last", []byte("kept")))
				before := nc.Stats().OutMsgs
				result := make(chan error, 1)
				go func() { _, err := request(nc, "work"); result <- err }()
				eventually(t, "the request", func() bool { return nc.Stats().OutMsgs > before })
				p.Cut()
				wantRequestError(t, await(t, "the end of the request", result), nats.ErrDisconnected, "work", false)
				must(t, p.Heal())
				if got := next(t, last); got != "kept" {
					t.Errorf("got %q", got)
				}
				if _, err := request(nc, "work"); err != nil {
					t.Errorf("the request, made again: %v", err)
				}
				if got := len(j.all()); got != 1 {
					t.Errorf("executed %d times, want once", got)
				}
			})
		}
	})
}

// TestRequestsInCuts compares what requests were told with what the responder has seen.
func TestRequestsInCuts(t *testing.T) {
	eachStyle(t, func(t *testing.T, style nats.Option) {
		srv := start(t)
		p := natstest.NewProxy(t, srv.URL())
		nc := dial(t, p.URL(), nats.FailFastRequests(), quickly(), silent(), style)
		var mu sync.Mutex
		seen := map[string]int{}
		other := dial(t, srv.URL())
		_, err := other.Subscribe("work", func(m *nats.Msg) {
			mu.Lock()
			defer mu.Unlock()
			seen[string(m.Data[:8])]++
			_ = m.Respond(nil)
		})
		must(t, err)
		must(t, other.Flush())
		stop := make(chan struct{})
		var cuts sync.WaitGroup
		cuts.Go(func() {
			for n := int64(1); ; n++ {
				p.CutAfter(20_000+7919*n%30_000, natstest.ClientToServer)
				select {
				case <-stop:
					return
				case <-time.After(3 * time.Millisecond):
				}
			}
		})
		const workers, each = 16, 100
		outcomes := make([]map[string]bool, workers) // requests that failed, and whether they may have run
		var wg sync.WaitGroup
		for w := range workers {
			outcomes[w] = map[string]bool{}
			wg.Go(func() {
				body := make([]byte, 2000)
				for i := range each {
					id := fmt.Sprintf("%03d-%04d", w, i)
					copy(body, id)
					_, err := nc.Request("work", body, patience)
					var told *nats.RequestError
					switch {
					case err == nil:
					case errors.As(err, &told):
						outcomes[w][id] = told.MayHaveRun
					default:
						t.Errorf("request %s: %v", id, err)
					}
				}
			})
		}
		wg.Wait()
		close(stop)
		cuts.Wait()
		must(t, p.Heal())
		must(t, nc.FlushTimeout(patience))
		if _, err := nc.Request("work", make([]byte, 8), patience); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		unsent, unknown := 0, 0
		for _, failed := range outcomes {
			for id, mayHaveRun := range failed {
				if mayHaveRun {
					unknown++
					continue
				}
				unsent++
				if seen[id] > 0 {
					t.Errorf("request %s was told not to have run, and ran %d times", id, seen[id])
				}
			}
		}
		for id, n := range seen {
			if n > 1 {
				t.Errorf("request %s ran %d times", id, n)
			}
		}
		t.Logf("%d requests, %d cuts; failed: %d that may have run, %d that have not", workers*each, p.Stats().Cut, unknown, unsent)
		if unknown == 0 {
			t.Error("no request was cut: the test shows nothing")
		}
	})
}

// TestRequestWithoutALinkWaitsForOne is about requests that begin while there is none.
func TestRequestWithoutALinkWaitsForOne(t *testing.T) {
	eachStyle(t, func(t *testing.T, style nats.Option) {
		srv := start(t)
		p := natstest.NewProxy(t, srv.URL())
		nc := dial(t, p.URL(), nats.FailFastRequests(), quickly(), silent(), style)
		other := dial(t, srv.URL())
		_, err := other.Subscribe("work", func(m *nats.Msg) { _ = m.Respond([]byte("done")) })
		must(t, err)
		must(t, other.Flush())
		p.Refuse()
		p.Cut()
		eventually(t, "the loss", nc.IsReconnecting)
		before := nc.Stats().OutMsgs
		result := make(chan error, 1)
		go func() { _, err := nc.Request("work", nil, patience); result <- err }()
		eventually(t, "the request", func() bool { return nc.Stats().OutMsgs > before })
		must(t, p.Heal())
		must(t, await(t, "the answer", result))
	})
}

func TestForceReconnectTellsRequests(t *testing.T) {
	eachStyle(t, func(t *testing.T, style nats.Option) {
		srv := start(t)
		nc := dial(t, srv.URL(), nats.FailFastRequests(), quickly(), silent(), style)
		arrived := make(chan struct{}, 1)
		other := dial(t, srv.URL())
		_, err := other.Subscribe("slow", func(*nats.Msg) { arrived <- struct{}{} })
		must(t, err)
		must(t, other.Flush())
		result := make(chan error, 1)
		go func() { _, err := nc.Request("slow", nil, patience); result <- err }()
		await(t, "the request at the responder", arrived)
		must(t, nc.ForceReconnect())
		wantRequestError(t, await(t, "the end of the request", result), nats.ErrDisconnected, "slow", true)
	})
}

func TestCloseEndsFailFastRequests(t *testing.T) {
	eachStyle(t, func(t *testing.T, style nats.Option) {
		srv := start(t)
		nc := dial(t, srv.URL(), nats.FailFastRequests(), style)
		arrived := make(chan struct{}, 1)
		other := dial(t, srv.URL())
		_, err := other.Subscribe("slow", func(*nats.Msg) { arrived <- struct{}{} })
		must(t, err)
		must(t, other.Flush())
		result := make(chan error, 1)
		go func() { _, err := nc.Request("slow", nil, patience); result <- err }()
		await(t, "the request at the responder", arrived)
		nc.Close()
		if err := await(t, "the end of the request", result); err != nats.ErrConnectionClosed {
			t.Errorf("got %v, want %v", err, nats.ErrConnectionClosed)
		}
	})
}

func TestRequestIsToldOfDenial(t *testing.T) {
	eachStyle(t, func(t *testing.T, style nats.Option) {
		for form, request := range requestForms {
			t.Run(form, func(t *testing.T) {
				srv := start(t, natstest.WithConfig(func(o *server.Options) {
					o.Users = []*server.User{
						{Username: "a", Password: "b", Permissions: &server.Permissions{
							Publish: &server.SubjectPermission{Deny: []string{`no."pub"`}},
						}},
						{Username: "mute", Password: "b", Permissions: &server.Permissions{
							Subscribe: &server.SubjectPermission{Deny: []string{"_INBOX.>"}},
						}},
						{Username: "all", Password: "b"},
					}
				}))
				other := dial(t, srv.URL(), nats.UserInfo("all", "b"))
				_, err := other.Subscribe("work", func(m *nats.Msg) { _ = m.Respond(nil) })
				must(t, err)
				must(t, other.Flush())

				nc := dial(t, srv.URL(), nats.UserInfo("a", "b"), nats.FailFastRequests(), silent(), style)
				within(t, "a request on a denied subject", time.Second, func() {
					_, err := request(nc, `no."pub"`)
					wantRequestError(t, err, nats.ErrPermissionViolation, `no."pub"`, false)
				})
				if _, err := request(nc, "work"); err != nil {
					t.Errorf("a request on an allowed subject: %v", err)
				}

				mute := dial(t, srv.URL(), nats.UserInfo("mute", "b"), nats.FailFastRequests(), silent(), style)
				within(t, "a request whose answer is denied", time.Second, func() {
					_, err := request(mute, "work")
					wantRequestError(t, err, nats.ErrPermissionViolation, "work", true)
				})
				if style == nil {
					within(t, "the next one", time.Second, func() {
						_, err := request(mute, "work")
						wantRequestError(t, err, nats.ErrPermissionViolation, "work", false)
					})
				}
			})
		}
	})
}
