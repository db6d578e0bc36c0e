package scenario

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
)

var input = []stage.Scenario{
	{Name: "input, subjects", Rows: []string{"3.5", "3.6", "3.7", "16.1", "16.2", "16.3", "16.4", "16.5", "16.6", "16.7"}, Run: inputSubjects},
	{Name: "input, calls", Rows: []string{"16.8", "16.9", "1.15", "4.4"}, Run: inputCalls},
	{Name: "input, after close", Rows: []string{"16.10"}, Run: inputAfterClose},
	{Name: "input, connecting", Rows: []string{"16.11", "16.12", "17.6"}, Run: inputConnecting},
}

func inputSubjects(s *stage.Stage) {
	nc := connect(s)
	for _, subject := range []string{"", "a b", "a\tb", "a\r\nb", "a..b", "a.*", "a.>", ".a", "a.", ">", "ä"} {
		s.Part(strconv.Quote(subject))
		s.Error("publish", nc.Publish(subject, nil))
		s.Error("publish message", nc.PublishMsg(&nats.Msg{Subject: subject}))
		s.Error("publish request", nc.PublishRequest("a", subject, nil))
		_, err := nc.Request(subject, nil, time.Millisecond)
		s.Note("request refused", "%v", err == nats.ErrBadSubject)
		sub, err := nc.SubscribeSync(subject)
		s.Error("subscribe", err)
		if err == nil {
			s.Error("unsubscribe", sub.Unsubscribe())
		}
		_, err = nc.QueueSubscribeSync("a", subject)
		s.Error("queue", err)
	}
	s.Part("")
	_, err := nc.Subscribe("a", nil)
	s.Error("no callback", err)
	_, err = nc.ChanSubscribe("a", nil)
	s.Error("no channel", err)
	s.Error("no message", s.Try(func() error { return nc.PublishMsg(nil) }))
	s.Error("2 MiB", nc.Publish("a", make([]byte, 2<<20)))
	s.Error("exactly the maximum", nc.Publish("a", make([]byte, nc.MaxPayload())))
	m := &nats.Msg{Subject: "a", Header: nats.Header{"k": {strings.Repeat("x", 100)}}, Data: make([]byte, nc.MaxPayload()-50)}
	s.Error("header and data", nc.PublishMsg(m))
	s.Error("still connected", nc.Flush())
}

func inputCalls(s *stage.Stage) {
	nc := connect(s)
	s.Error("flush 0", nc.FlushTimeout(0))
	s.Error("flush -1", nc.FlushTimeout(-1))
	s.Error("flush without deadline", nc.FlushWithContext(context.Background()))
	s.Error("flush without context", s.Try(func() error { return nc.FlushWithContext(nil) })) //lint:ignore SA1012 that is the case
	sub, err := nc.Subscribe("a", func(*nats.Msg) {})
	s.Must(err, "subscribe")
	_, err = sub.NextMsg(time.Millisecond)
	s.Error("next of a callback", err)
	s.Error("limits 0", sub.SetPendingLimits(0, 1))
	s.Error("limits 0 bytes", sub.SetPendingLimits(1, 0))
	s.Error("limits", sub.SetPendingLimits(-1, -1))
	s.Error("unsubscribe", sub.Unsubscribe())
	s.Error("unsubscribe again", sub.Unsubscribe())
	s.Error("auto-unsubscribe", sub.AutoUnsubscribe(1))
	s.Error("drain", sub.Drain())
	_, _, err = sub.Pending()
	s.Error("pending", err)
	next, err := nc.SubscribeSync("b")
	s.Must(err, "subscribe")
	messages, bytes, err := next.PendingLimits()
	s.Note("default limits", "%d, %d, %s", messages, bytes, s.Describe(err))
	s.Timed("next", func() error { _, err := next.NextMsg(200 * time.Millisecond); return err })
	s.Timed("next 0", func() error { _, err := next.NextMsg(0); return err })
	s.Timed("next -1", func() error { _, err := next.NextMsg(-1); return err })
	s.Timed("next with context", func() error { _, err := next.NextMsgWithContext(s.Context(200 * time.Millisecond)); return err })
	s.Must(next.Unsubscribe(), "unsubscribe")
	_, err = next.NextMsg(time.Second)
	s.Error("next of an ended one", err)
	_, err = nc.RequestMsg(nil, time.Second)
	s.Error("request without a message", err)
	_, err = nc.RequestWithContext(nil, "a", nil) //lint:ignore SA1012 that is the case
	s.Error("request without a context", err)
	m := &nats.Msg{Subject: "x"}
	s.Error("respond to nothing", m.Respond(nil))
}

func inputAfterClose(s *stage.Stage) {
	nc := connect(s)
	sub, err := nc.SubscribeSync("a")
	s.Must(err, "subscribe")
	nc.Close()
	s.Error("publish", nc.Publish("a", nil))
	_, err = nc.Subscribe("a", func(*nats.Msg) {})
	s.Error("subscribe", err)
	_, err = nc.Request("a", nil, time.Second)
	s.Error("request", err)
	s.Error("flush", nc.Flush())
	_, err = nc.RTT()
	s.Error("RTT", err)
	s.Error("drain", nc.Drain())
	s.Error("force reconnect", nc.ForceReconnect())
	_, err = sub.NextMsg(time.Second)
	s.Error("next", err)
	s.Error("unsubscribe", sub.Unsubscribe())
	_, err = nc.Buffered()
	s.Error("buffered", err)
	_, err = nc.GetClientID()
	s.Error("client id", err)
	s.Note("status", "%v %v", nc.Status(), nc.IsClosed())
}

func inputConnecting(s *stage.Stage) {
	s.Server(natstest.WithUser("me", "secret"))
	s.Proxy()
	_, err := nats.Connect(s.URL())
	s.ErrorText("no credentials", err)
	_, err = nats.Connect(s.URL(), nats.UserInfo("me", "wrong"))
	s.ErrorText("wrong password", err)
	nc, err := nats.Connect(s.URL(), nats.UserInfo("me", "secret"))
	s.Error("right password", err)
	if err == nil {
		nc.Close()
	}
	_, err = nats.Connect("nats://127.0.0.1:1")
	s.Error("nobody listens", err)
}
