package scenario

import (
	"context"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var publishBudgets = []stage.Scenario{
	{Name: "old publish, one wait uses up the budget", Rows: []string{"7.17"}, Run: oldBudgetOneWait},
	{
		Name: "old publish, waits and budget", Rows: []string{"7.17"}, Run: oldBudgetOvershoot,
		Differs: []stage.Difference{stage.Lasts("7.17", "old sync, AckWait 4 s: publish after", 4*time.Second)},
	},
	{Name: "old publish, waits and context", Rows: []string{"7.17"}, Run: oldBudgetContext},
	{Name: "new publish, one wait uses up the budget", Rows: []string{"7.18"}, Run: newBudgetOneWait},
	{Name: "old publish into silence", Rows: []string{"7.9 old-sync", "7.11 old-sync", "1.20 old"}, Run: oldSilence},
	{Name: "new publish into silence", Rows: []string{"7.9 new-sync", "7.11 new-sync", "1.20 new"}, Run: newSilence},
	{Name: "publish into silence with a bound", Rows: []string{"7.11 old-sync new-sync", "1.20"}, Run: boundedSilence},
	{Name: "publish with two bounds", Rows: []string{"7.11 old-sync old-async"}, Run: twoBounds},
	{Name: "publish, the context is over", Rows: []string{"7.11"}, Run: contextOver},
	{Name: "publish, the connection is lost", Rows: []string{"7.13"}, Run: publishConnectionLost},
	{
		Name: "publish with an id, the connection is lost", Rows: []string{"7.13 old-sync new-sync"}, Run: publishWithIDConnectionLost,
		Differs: []stage.Difference{
			stage.Differs("7.13", "old sync: publish", "nil"),
			stage.Lasts("7.13", "old sync: publish after", 500*time.Millisecond),
			stage.Differs("7.13", "old sync: ack", `stream=S seq=1 domain="" duplicate=true`),
			stage.Differs("7.13", "new sync: publish", "nil"),
			stage.Lasts("7.13", "new sync: publish after", 500*time.Millisecond),
			stage.Differs("7.13", "new sync: ack", `stream=S seq=2 domain="" duplicate=true value=""`),
		},
	},
}

func oldBudgetOneWait(s *stage.Stage) {
	newJetStreamClient(s).tell([]string{oldSync}, "RetryWait 5 s", "none", how{
		old: []nats.PubOpt{nats.RetryWait(5 * time.Second), nats.RetryAttempts(10)},
	})
}

// oldBudgetOvershoot: the last wait begins within AckWait and ends after it.
func oldBudgetOvershoot(s *stage.Stage) {
	newJetStreamClient(s).tell([]string{oldSync}, "AckWait 4 s", "none", how{
		old: []nats.PubOpt{nats.RetryWait(1500 * time.Millisecond), nats.RetryAttempts(10), nats.AckWait(4 * time.Second)},
	})
}

func oldBudgetContext(s *stage.Stage) {
	newJetStreamClient(s).tell([]string{oldSync}, "context of 4 s", "none", how{
		old: []nats.PubOpt{nats.RetryWait(1500 * time.Millisecond), nats.RetryAttempts(10), nats.Context(s.Context(4 * time.Second))},
	})
}

func newBudgetOneWait(s *stage.Stage) {
	newJetStreamClient(s).tell([]string{newSync}, "RetryWait 6 s", "none", how{
		new: []jetstream.PublishOpt{jetstream.WithRetryWait(6 * time.Second), jetstream.WithRetryAttempts(10)},
	})
}

func oldSilence(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	newJetStreamClient(s).tell([]string{oldSync}, "default", "silent", how{})
}

func newSilence(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	newJetStreamClient(s).tell([]string{newSync}, "default", "silent", how{})
}

func boundedSilence(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	c := newClient(s)
	c.jetStream([]nats.JSOpt{nats.MaxWait(time.Second)}, []jetstream.JetStreamOpt{jetstream.WithDefaultTimeout(time.Second)})
	c.tell(syncWays, "default of the context", "silent.a", how{})
	c.tell([]string{oldSync}, "AckWait", "silent.b", how{old: []nats.PubOpt{nats.AckWait(500 * time.Millisecond)}})
	c.tell([]string{oldSync}, "context", "silent.c", how{old: []nats.PubOpt{nats.Context(s.Context(500 * time.Millisecond))}})
	s.Timed("new, context", func() error { _, err := c.new.Publish(s.Context(500*time.Millisecond), "silent.d", nil); return err })
	c.noteSent("silent.d")
}

func twoBounds(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	c := newJetStreamClient(s)
	ctx := s.Context(time.Second)
	c.tell([]string{oldSync, oldAsync}, "AckWait and context", "silent.a", how{old: []nats.PubOpt{nats.AckWait(time.Second), nats.Context(ctx)}})
	c.tell([]string{oldAsync}, "AckWait", "silent.b", how{old: []nats.PubOpt{nats.AckWait(time.Second)}})
	c.tell([]string{oldAsync}, "context", "silent.c", how{old: []nats.PubOpt{nats.Context(ctx)}})
	s.Note("pending", "%d", c.old.PublishAsyncPending())
}

func contextOver(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	c := newJetStreamClient(s)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	s.Timed("old, canceled", func() error { _, err := c.old.Publish("silent.a", nil, nats.Context(gone)); return err })
	s.Timed("new, canceled", func() error { _, err := c.new.Publish(gone, "silent.b", nil); return err })

	late, stop := context.WithCancel(context.Background())
	time.AfterFunc(300*time.Millisecond, stop)
	s.Timed("new, canceled meanwhile", func() error { _, err := c.new.Publish(late, "silent.c", nil); return err })
	again, stop := context.WithCancel(context.Background())
	time.AfterFunc(300*time.Millisecond, stop)
	s.Timed("old, canceled meanwhile", func() error { _, err := c.old.Publish("silent.d", nil, nats.Context(again)); return err })
}

// lose cuts the link as soon as subject has been published on.
func (c *client) lose(subject string) {
	c.s.Proxy().OnMatch([]byte(subject), 0, c.s.Proxy().Cut)
}

func publishConnectionLost(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	c := newJetStreamClient(s)
	for i, way := range allWays {
		s.Part(way)
		subject := "silent." + string(rune('a'+i))
		o := how{old: []nats.PubOpt{nats.AckWait(1500 * time.Millisecond)}}
		if way == oldAsync {
			o = how{}
		}
		c.lose(subject)
		if way == newSync {
			s.Timed("publish", func() error { _, err := c.new.Publish(s.Context(1500*time.Millisecond), subject, nil); return err })
		} else {
			s.Timed("publish", func() error { _, err := c.publish(way, message(subject), o); return err })
		}
		c.noteSent(subject)
		c.connected()
	}
}

// connected waits until the link is back.
func (c *client) connected() {
	c.s.Must(c.nc.FlushTimeout(10*time.Second), "flush after a reconnect")
}

// publishWithIDConnectionLost: the server has stored the message, and the ack is lost with the link.
func publishWithIDConnectionLost(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	for i, way := range syncWays {
		s.Part(way)
		subject := "s." + string(rune('a'+i))
		s.Tap().Drop(func(f stage.Frame) bool { return !f.FromClient && f.Op == "MSG" })
		got := make(chan string, 1)
		go func() {
			var ack string
			s.Timed("publish", func() (err error) {
				if way == newSync {
					var a *jetstream.PubAck
					a, err = c.new.Publish(s.Context(1500*time.Millisecond), subject, nil, jetstream.WithMsgID(subject))
					ack = newAck(a)
					return err
				}
				ack, err = c.publish(way, message(subject), how{old: []nats.PubOpt{nats.MsgId(subject), nats.AckWait(1500 * time.Millisecond)}})
				return err
			})
			got <- ack
		}()
		s.Tap().Await(i+1, func(f stage.Frame) bool { return !f.FromClient && f.Op == "MSG" })
		s.Pause(300 * time.Millisecond)
		s.Tap().Drop(nil)
		s.Proxy().Cut()
		s.Note("ack", "%s", stage.Take(s, got, "publish"))
		c.connected()
	}
}
