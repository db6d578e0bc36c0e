package scenario

import (
	"context"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/test/compat/stage"
)

var requests = []stage.Scenario{
	{Name: "requests", Rows: []string{"3.8", "3.10", "4.1", "4.2", "4.3", "4.4", "4.7"}, Run: coreRequests},
	{Name: "requests, the connection is closed", Rows: []string{"4.5", "2.4"}, Run: requestClosed},
	{Name: "requests while reconnecting", Rows: []string{"4.6"}, Run: requestReconnecting},
	{Name: "requests, the connection is lost", Rows: []string{"2.4"}, Run: requestLost},
}

func coreRequests(s *stage.Stage) {
	nc := connect(s)
	s.Peer().Silence("silent")
	s.Peer().Subscribe("twice", func(f stage.Frame) {
		s.Peer().Publish(f.Reply, "", "", "one")
		s.Peer().Publish(f.Reply, "", "", "two")
	})
	ask := func(key, subject string, d time.Duration) {
		s.Timed(key, func() error { _, err := nc.Request(subject, nil, d); return err })
	}
	ask("0", "silent", 0)
	ask("-1", "silent", -1)
	ask("nobody", "nobody", time.Second)
	ask("silent", "silent", 500*time.Millisecond)
	s.Timed("context", func() error {
		_, err := nc.RequestWithContext(s.Context(500*time.Millisecond), "silent", nil)
		return err
	})
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	s.Timed("canceled", func() error { _, err := nc.RequestWithContext(gone, "silent", nil); return err })
	for range 3 {
		m, err := nc.Request("twice", nil, time.Second)
		s.Must(err, "request")
		s.Note("first reply", "%s", m.Data)
	}
	replies := s.Tap().Published("twice")
	for _, f := range replies {
		s.Note("reply subject", "%d tokens, inbox %v, length %d", strings.Count(f.Reply, ".")+1, strings.HasPrefix(f.Reply, nats.InboxPrefix), len(f.Reply))
	}
	s.Note("reply subjects share a root", "%v", replies[0].Reply[:29] == replies[1].Reply[:29])
	s.Note("inbox", "%d", len(nats.NewInbox()))
}

func requestClosed(s *stage.Stage) {
	nc := connect(s)
	s.Peer().Silence("silent")
	go func() {
		s.Tap().Await(1, stage.PublishedOn("silent"))
		nc.Close()
	}()
	s.Timed("request", func() error { _, err := nc.Request("silent", nil, 5*time.Second); return err })
}

func requestReconnecting(s *stage.Stage) {
	nc := connect(s)
	s.Peer().Respond("answered", func(stage.Frame) string { return "yes" })
	lost := nc.StatusChanged(nats.RECONNECTING)
	s.Proxy().Refuse()
	s.Proxy().Cut()
	stage.Take(s, lost, "RECONNECTING")
	s.Timed("too short", func() error { _, err := nc.Request("answered", nil, 300*time.Millisecond); return err })
	time.AfterFunc(350*time.Millisecond, func() { _ = s.Proxy().Heal() }) // between two attempts to reconnect
	s.Timed("long enough", func() error { _, err := nc.Request("answered", nil, 5*time.Second); return err })
}

func requestLost(s *stage.Stage) {
	nc := connect(s)
	s.Peer().Silence("silent")
	s.Proxy().OnMatch([]byte("silent"), 0, s.Proxy().Cut)
	s.Timed("cut", func() error { _, err := nc.Request("silent", nil, time.Second); return err })
	s.Must(nc.Flush(), "flush")
	go func() {
		s.Tap().Await(2, stage.PublishedOn("silent"))
		_ = nc.ForceReconnect()
	}()
	s.Timed("forced", func() error { _, err := nc.Request("silent", nil, 2*time.Second); return err })
}
