package scenario

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
)

var life = []stage.Scenario{
	{Name: "life, authorization errors", Rows: []string{"2.8"}, Run: authErrors},
	{Name: "life, authorization errors at first", Rows: []string{"2.8", "1.16", "17.6"}, Run: authErrorsAtFirst, Differs: []stage.Difference{
		stage.Differs("17.6", "User Authentication Expired", `is nats.ErrAuthExpired: "nats: User Authentication Expired"`),
		stage.Differs("17.6", "User Authentication Revoked", `is nats.ErrAuthRevoked: "nats: User Authentication Revoked"`),
		stage.Differs("17.6", "Maximum Connections Exceeded", `is nats.ErrMaxConnectionsExceeded: "nats: Maximum Connections Exceeded"`)}},
	{Name: "life, unanswered pings", Rows: []string{"1.12", "2.9"}, Run: unansweredPings},
	{Name: "life, errors of the server", Rows: []string{"2.11", "2.12"}, Run: serverErrors, Differs: []stage.Difference{
		stage.Differs("2.11", "Something New: told", `[error "nats: Something New"; disconnected "nats: Something New"; reconnected]`),
		stage.Differs("2.11", "Something New: status", "CONNECTED, 2 connections")}},
	{Name: "life, permissions", Rows: []string{"2.12", "1.17"}, Run: permissions},
	{Name: "life, lame duck", Rows: []string{"2.13"}, Run: lameDuck,
		Differs: []stage.Difference{stage.Differs("2.13", "again", "[]")}},
	{Name: "life, drain", Rows: []string{"2.15", "1.13"}, Run: drains, Differs: []stage.Difference{
		stage.Differs("2.15", "request", "nats.ErrNoResponders")}},
	{Name: "life, drain of a subscription", Rows: []string{"2.15"}, Run: drainSubscription},
	{Name: "life, close", Rows: []string{"2.16", "1.17"}, Run: closes},
	{Name: "life, barrier", Rows: []string{"2.20"}, Run: barriers},
	{Name: "life, callbacks in order", Rows: []string{"2.17"}, Run: callbackOrder},
}

const refusal = "-ERR 'Authorization Violation'\r\n"

func authErrors(s *stage.Stage) {
	for _, ignore := range []bool{false, true} {
		s.Part(fmt.Sprintf("ignored %v", ignore))
		h := s.Host("")
		told := newEvents()
		h.Greet(func(n int) string {
			if n > 1 && n < 6 {
				return refusal
			}
			return "PONG\r\n"
		})
		opts := []nats.Option{watch(s, told), at(nats.ReconnectWait(30*time.Millisecond), nats.ReconnectJitter(0, 0))}
		if ignore {
			opts = append(opts, nats.IgnoreAuthErrorAbort())
		}
		nc := open(s, h.URL(), opts...)
		h.Cut()
		if ignore {
			s.Note("told", "%s", told.until("reconnected"))
		} else {
			s.Note("told", "%s", told.until("closed"))
			s.ErrorText("last error", nc.LastError())
		}
		s.Note("connections", "%d", len(h.Attempts()))
		nc.Close()
	}
}

func authErrorsAtFirst(s *stage.Stage) {
	for _, retry := range []bool{false, true} {
		s.Part(fmt.Sprintf("retry %v", retry))
		h := s.Host("")
		h.Greet(func(int) string { return refusal })
		told := newEvents()
		nc, err := nats.Connect(h.URL(), watch(s, told), nats.RetryOnFailedConnect(retry), at(nats.ReconnectWait(30*time.Millisecond), nats.ReconnectJitter(0, 0)))
		s.ErrorText("connect", err)
		if retry {
			s.Note("told", "%s", told.until("closed"))
			s.ErrorText("last error", nc.LastError())
		}
		s.Note("connections", "%d", len(h.Attempts()))
	}
	s.Part("")
	for _, text := range []string{"User Authentication Expired", "User Authentication Revoked", "Account Authentication Expired", "Authentication Timeout",
		"Maximum Connections Exceeded", "Maximum Account Active Connections Exceeded", "authorization violation", "Something New"} {
		h := s.Host("")
		h.Greet(func(int) string { return "-ERR '" + text + "'\r\n" })
		_, err := nats.Connect(h.URL())
		s.ErrorText(text, err)
	}
}

func unansweredPings(s *stage.Stage) {
	for _, limit := range []int{1, 2, 4} {
		s.Part(fmt.Sprintf("limit %d", limit))
		h := s.Host("")
		told := newEvents()
		h.Mute()
		open(s, h.URL(), watch(s, told), nats.PingInterval(200*time.Millisecond), nats.MaxPingsOutstanding(limit),
			at(nats.ReconnectWait(time.Hour), nats.ReconnectJitter(0, 0)))
		start := time.Now()
		s.Note("told", "%s", told.until("disconnected"))
		s.Time("after", time.Since(start)-quiet)
		s.Note("pings", "%d", len(h.Frames(isOp("PING")))-1)
	}
	s.Part("")
	h := s.Host("")
	nc := open(s, h.URL(), nats.PingInterval(100*time.Millisecond), nats.MaxPingsOutstanding(4))
	h.Await(6, isOp("PING"))
	s.Note("answered", "%v", nc.Status())
	h.Send("PING\r\n")
	h.Await(1, isOp("PONG"))
}

func serverErrors(s *stage.Stage) {
	for _, text := range []string{
		"Stale Connection", "Maximum Connections Exceeded", "maximum account active connections exceeded", "Unknown Protocol Operation",
		`Permissions Violation for Publish to "a"`, `Permissions Violation for Subscription to "a"`, "Maximum Subscriptions Exceeded",
		"Authorization Violation", "User Authentication Expired", "User Authentication Revoked", "Account Authentication Expired", "Something New",
	} {
		s.Part(text)
		h := s.Host("")
		told := newEvents()
		nc := open(s, h.URL(), watch(s, told), at(nats.ReconnectWait(30*time.Millisecond), nats.ReconnectJitter(0, 0)))
		told.next(1)
		h.Send("-ERR '" + text + "'\r\n")
		s.Note("told", "%s", told.list(1))
		if !strings.Contains(text, "Authori") && !strings.Contains(text, "Authenti") {
			s.Note("status", "%v, %d connections", nc.Status(), len(h.Attempts()))
		}
		nc.Close()
	}
}

func permissions(s *stage.Stage) {
	s.Server(natstest.WithConfigText(`authorization { users = [
		{ user: u, password: p, permissions: { publish: ["open", "_INBOX.>"], subscribe: { allow: ["open", "_INBOX.>"] } } },
	] }`))
	for _, on := range []bool{false, true} {
		s.Part(fmt.Sprintf("told to subscriptions %v", on))
		told := newEvents()
		nc := open(s, s.URL(), nats.UserInfo("u", "p"), watch(s, told), nats.PermissionErrOnSubscribe(on))
		told.next(1)
		s.Error("publish", nc.Publish("closed", nil))
		s.Note("told", "%s", told.list(1))
		s.ErrorText("last error", nc.LastError())
		sub, err := nc.SubscribeSync("closed")
		s.Must(err, "subscribe")
		status := sub.StatusChanged(nats.SubscriptionClosed)
		s.Timed("next", func() error { _, err := sub.NextMsg(500 * time.Millisecond); return err })
		s.Note("told", "%s", told.list(1))
		s.Timed("next again", func() error { _, err := sub.NextMsg(200 * time.Millisecond); return err })
		s.Note("valid", "%v, closed %v", sub.IsValid(), stage.Wait(status, 50*time.Millisecond))
		queue, err := nc.QueueSubscribeSync("closed", "q")
		s.Must(err, "subscribe")
		s.Timed("queue, next", func() error { _, err := queue.NextMsg(300 * time.Millisecond); return err })
		s.Note("told", "%s", told.list(1))
		s.Timed("request", func() error { _, err := nc.Request("closed", nil, 400*time.Millisecond); return err })
		s.Note("told", "%s", told.list(1))
		good, err := nc.SubscribeSync("open")
		s.Must(err, "subscribe")
		s.Must(nc.Publish("open", nil), "publish")
		_, err = good.NextMsg(time.Second)
		s.Error("allowed", err)
		s.Note("status", "%v", nc.Status())
		nc.Close()
	}
}

func lameDuck(s *stage.Stage) {
	h := s.Host("")
	told := newEvents()
	nc := open(s, h.URL(), watch(s, told))
	told.next(1)
	h.Send("INFO " + informed(`"ldm":true`) + "\r\n")
	s.Note("told", "%s", told.list(1))
	h.Send("INFO " + informed(`"ldm":true`) + "\r\n")
	s.Must(nc.Flush(), "flush")
	s.Note("again", "%s", told.list(0))
	h.Send("INFO " + informed(`"ldm":false`) + "\r\n")
	s.Must(nc.Flush(), "flush")
	s.Note("no more", "%s", told.list(0))
	s.Note("status", "%v", nc.Status())
}

func drains(s *stage.Stage) {
	told := newEvents()
	nc := open(s, s.URL(), watch(s, told))
	told.next(1)
	states := nc.StatusChanged(nats.DRAINING_SUBS, nats.DRAINING_PUBS, nats.CLOSED)
	release, entered := make(chan struct{}), make(chan struct{}, 10)
	var handled sync.WaitGroup
	handled.Add(5)
	_, err := nc.Subscribe("a", func(*nats.Msg) { entered <- struct{}{}; <-release; handled.Done() })
	s.Must(err, "subscribe")
	next, err := nc.SubscribeSync("b")
	s.Must(err, "subscribe")
	s.Must(nc.Flush(), "flush")
	for range 5 {
		s.Peer().Publish("a", "", "", "x")
	}
	s.Peer().Publish("b", "", "", "x")
	s.Peer().Flush()
	s.Must(nc.Flush(), "flush")
	stage.Take(s, entered, "the callback")
	s.Error("drain", nc.Drain())
	s.Note("state", "%v", stage.Take(s, states, "a state"))
	s.Note("draining", "%v %v %v", nc.IsDraining(), nc.IsConnected(), nc.IsClosed())
	s.Error("again", nc.Drain())
	s.Error("publish", nc.Publish("c", nil))
	_, err = nc.SubscribeSync("c")
	s.Error("subscribe", err)
	_, err = nc.Request("nobody", nil, 200*time.Millisecond)
	s.Error("request", err)
	s.Error("flush", nc.Flush())
	_, err = next.NextMsg(time.Second)
	s.Error("next", err)
	close(release)
	s.Note("state", "%v", stage.Take(s, states, "a state"))
	s.Note("state", "%v", stage.Take(s, states, "a state"))
	handled.Wait()
	s.Note("told", "%s", told.until("closed"))
	s.Error("after", nc.Drain())
	s.Note("published", "%d", len(s.Tap().Published("c")))

	s.Part("time over")
	nc = open(s, s.URL(), watch(s, told), nats.DrainTimeout(300*time.Millisecond))
	told.next(1)
	stop := make(chan struct{})
	s.Cleanup(func() { close(stop) })
	_, err = nc.Subscribe("slow", func(*nats.Msg) { entered <- struct{}{}; <-stop })
	s.Must(err, "subscribe")
	s.Must(nc.Publish("slow", nil), "publish")
	<-entered
	start := time.Now()
	s.Error("drain", nc.Drain())
	s.Note("told", "%s", told.until("closed"))
	s.Time("after", time.Since(start)-quiet)

	s.Part("reconnecting")
	nc = open(s, s.URL(), watch(s, told), at(nats.ReconnectWait(time.Hour), nats.ReconnectJitter(0, 0)))
	told.next(1)
	lost := nc.StatusChanged(nats.RECONNECTING)
	s.Proxy().Cut()
	stage.Take(s, lost, "RECONNECTING")
	s.Note("told", "%s", told.list(1))
	s.Error("drain", nc.Drain())
	s.Note("told", "%s", told.until("closed"))
	s.Note("status", "%v", nc.Status())
}

func drainSubscription(s *stage.Stage) {
	nc := connect(s)
	sub, err := nc.SubscribeSync("a")
	s.Must(err, "subscribe")
	s.Must(nc.Flush(), "flush")
	flood(s, nc, 3)
	status := sub.StatusChanged()
	s.Note("first", "%v", stage.Take(s, status, "a status"))
	s.Error("drain", sub.Drain())
	s.Note("then", "%v", stage.Take(s, status, "a status"))
	for i := range 4 {
		_, err := sub.NextMsg(300 * time.Millisecond)
		s.Error(fmt.Sprintf("next %d", i), err)
	}
	s.Note("at the end", "%v", stage.Take(s, status, "a status"))
	s.Note("valid", "%v", sub.IsValid())
	s.Note("unsubscribed", "%d", len(s.Tap().Frames(isOp("UNSUB"))))
	ch := make(chan *nats.Msg, 5)
	sub, err = nc.ChanSubscribe("a", ch)
	s.Must(err, "subscribe")
	s.Must(nc.Flush(), "flush")
	flood(s, nc, 2)
	s.Error("drain of a channel", sub.Drain())
	s.Note("in the channel", "%d", len(ch))
	got := newEvents()
	sub, err = nc.Subscribe("a", func(m *nats.Msg) { got.add(string(m.Data)) })
	s.Must(err, "subscribe")
	sub.SetClosedHandler(func(subject string) { got.add("closed " + subject) })
	s.Must(nc.Flush(), "flush")
	flood(s, nc, 3)
	s.Error("drain of callbacks", sub.Drain())
	s.Note("got", "%s", got.until("closed"))
}

func closes(s *stage.Stage) {
	for _, quietly := range []bool{false, true} {
		s.Part(fmt.Sprintf("no callbacks %v", quietly))
		told := newEvents()
		opts := []nats.Option{watch(s, told)}
		if quietly {
			opts = append(opts, nats.NoCallbacksAfterClientClose())
		}
		nc := open(s, s.URL(), opts...)
		told.next(1)
		sub, err := nc.SubscribeSync("a")
		s.Must(err, "subscribe")
		s.Must(nc.Publish("last", []byte("words")), "publish")
		time.AfterFunc(300*time.Millisecond, nc.Close)
		s.Timed("next", func() error { _, err := sub.NextMsg(5 * time.Second); return err })
		s.Note("told", "%s", told.list(0))
		nc.Close()
		s.Note("twice", "%s", told.list(0))
		s.Note("valid", "%v %v %v", sub.IsValid(), nc.IsClosed(), nc.Status())
		s.Error("last error", nc.LastError())
		s.Note("written", "%d", len(s.Tap().Published("last")))
	}
	s.Part("from a callback")
	told := newEvents()
	nc := open(s, s.URL(), watch(s, told))
	told.next(1)
	_, err := nc.Subscribe("end", func(*nats.Msg) { nc.Close() })
	s.Must(err, "subscribe")
	s.Must(nc.Publish("end", nil), "publish")
	s.Note("told", "%s", told.until("closed"))
}

func barriers(s *stage.Stage) {
	nc := connect(s)
	got := newEvents()
	release := make(chan struct{})
	for _, subject := range []string{"a", "b"} {
		_, err := nc.Subscribe(subject, func(m *nats.Msg) {
			if subject == "b" {
				<-release
			}
			got.add(m.Subject)
		})
		s.Must(err, "subscribe")
	}
	s.Error("idle", nc.Barrier(func() { got.add("idle") }))
	s.Note("idle", "%s", got.list(1))
	for _, subject := range []string{"a", "b", "b"} {
		s.Must(nc.Publish(subject, nil), "publish")
	}
	s.Must(nc.Flush(), "flush")
	s.Note("first", "%s", got.list(1))
	s.Error("barrier", nc.Barrier(func() { got.add("barrier") }))
	s.Note("blocked", "%s", got.list(0))
	close(release)
	s.Note("got", "%s", got.until("barrier"))
	nc.Close()
	s.Error("closed", nc.Barrier(func() {}))
}

func callbackOrder(s *stage.Stage) {
	nc := connect(s)
	got := newEvents()
	var mu sync.Mutex // two callbacks of a subscription at once would fight for it
	in := 0
	_, err := nc.Subscribe("n", func(m *nats.Msg) {
		in++
		if !mu.TryLock() {
			got.add("at once")
			return
		}
		defer mu.Unlock()
		if string(m.Data) == "0" {
			time.Sleep(50 * time.Millisecond) // the others come meanwhile
		}
		got.add(string(m.Data))
	})
	s.Must(err, "subscribe")
	other := make(chan struct{}, 1)
	_, err = nc.Subscribe("other", func(*nats.Msg) { other <- struct{}{} })
	s.Must(err, "subscribe")
	for i := range 10 {
		s.Must(nc.Publish("n", fmt.Append(nil, i)), "publish")
	}
	s.Must(nc.Publish("other", nil), "publish")
	stage.Take(s, other, "another subscription's callback")
	s.Note("order", "%s", got.list(10))
}
