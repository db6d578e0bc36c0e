package scenario

import (
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var publishWindow = []stage.Scenario{
	{Name: "publish, stall wait where it has no meaning", Rows: []string{"7.14"}, Run: stallRefused},
	{Name: "async publish, the window is full", Rows: []string{"7.14"}, Run: stalled},
	{Name: "async publish, the default window is full", Rows: []string{"1.21"}, Run: stalledDefault},
	{Name: "async publish, a place becomes free", Rows: []string{"7.14"}, Run: stallEnds, Differs: []stage.Difference{
		stage.Differs("7.14", "old async: third", "nil"), stage.Lasts("7.14", "old async: third after", 500*time.Millisecond),
		stage.Differs("7.14", "old async: publishes", "3"),
	}},
	{Name: "async publish on a closed connection", Rows: []string{"16.10"}, Run: publishClosed, Differs: []stage.Difference{
		stage.Differs("16.10", "old async", "nats.ErrConnectionClosed"), stage.Differs("16.10", "new async", "nats.ErrConnectionClosed"),
	}},
}

func stallRefused(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	c.tell(syncWays, "stall wait", "s.a", how{
		old: []nats.PubOpt{nats.StallWait(time.Second)}, new: []jetstream.PublishOpt{jetstream.WithStallWait(time.Second)},
	})
	c.tell(asyncWays, "no stall wait", "s.b", how{
		old: []nats.PubOpt{nats.StallWait(0)}, new: []jetstream.PublishOpt{jetstream.WithStallWait(0)},
	})
	c.tell(asyncWays, "negative stall wait", "s.c", how{
		old: []nats.PubOpt{nats.StallWait(-1)}, new: []jetstream.PublishOpt{jetstream.WithStallWait(-1)},
	})
}

// narrow is a client with a window of two.
func narrow(s *stage.Stage) *client {
	return newClient(s).jetStream(
		[]nats.JSOpt{nats.PublishAsyncMaxPending(2)}, []jetstream.JetStreamOpt{jetstream.WithPublishAsyncMaxPending(2)})
}

func stalled(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	c := narrow(s)
	for range 2 {
		_, err := c.old.PublishAsync("silent.a", nil)
		s.Must(err, oldAsync)
		_, err = c.new.PublishAsync("silent.b", nil)
		s.Must(err, newAsync)
	}
	s.Timed("old, third", func() error { _, err := c.old.PublishAsync("silent.a", nil); return err })
	s.Timed("new, third", func() error { _, err := c.new.PublishAsync("silent.b", nil); return err })
	s.Timed("old, 800 ms", func() error {
		_, err := c.old.PublishAsync("silent.a", nil, nats.StallWait(800*time.Millisecond))
		return err
	})
	s.Timed("new, 800 ms", func() error {
		_, err := c.new.PublishAsync("silent.b", nil, jetstream.WithStallWait(800*time.Millisecond))
		return err
	})
	s.Must(c.nc.Flush(), "flush")
	s.Note("pending", "%d, %d", c.old.PublishAsyncPending(), c.new.PublishAsyncPending())
	s.Note("publishes", "%d, %d", len(s.Tap().Published("silent.a")), len(s.Tap().Published("silent.b")))
}

func stalledDefault(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	c := newJetStreamClient(s)
	n := 0
	var err error
	for start := time.Now(); n < 5000; n, start = n+1, time.Now() {
		if _, err = c.old.PublishAsync("silent.a", nil); err != nil {
			s.Note("old", "%d, then %s", n, s.Describe(err))
			s.Time("old, after", time.Since(start))
			break
		}
	}
	n = 0
	for start := time.Now(); n < 5000; n, start = n+1, time.Now() {
		if _, err = c.new.PublishAsync("silent.b", nil); err != nil {
			s.Note("new", "%d, then %s", n, s.Describe(err))
			s.Time("new, after", time.Since(start))
			break
		}
	}
	s.Note("pending", "%d, %d", c.old.PublishAsyncPending(), c.new.PublishAsyncPending())
}

// stallEnds answers one of two while a third waits.
func stallEnds(s *stage.Stage) {
	replies := make(chan string, 16)
	s.Peer().Subscribe("slow.>", func(f stage.Frame) { replies <- f.Reply })
	c := narrow(s)
	for _, way := range asyncWays {
		s.Part(way)
		publish := func(wait time.Duration) error {
			if way == oldAsync {
				_, err := c.old.PublishAsync("slow.a", nil, nats.StallWait(wait))
				return err
			}
			_, err := c.new.PublishAsync("slow.b", nil, jetstream.WithStallWait(wait))
			return err
		}
		s.Must(publish(time.Second), way)
		s.Must(publish(time.Second), way)
		first := stage.Take(s, replies, "first publish")
		time.AfterFunc(500*time.Millisecond, func() { s.Peer().Publish(first, "", "", `{"stream":"S","seq":1}`) })
		s.Timed("third", func() error { return publish(3 * time.Second) })
		s.Must(c.nc.Flush(), "flush")
		s.Note("publishes", "%d", len(s.Tap().Published(map[string]string{oldAsync: "slow.a", newAsync: "slow.b"}[way])))
		for len(replies) > 0 {
			<-replies
		}
	}
}

func publishClosed(s *stage.Stage) {
	s.Peer().Stream("S", "s")
	c := newJetStreamClient(s)
	c.nc.Close()
	for _, way := range allWays {
		s.Timed(way, func() error { _, err := c.publish(way, message("s"), how{}); return err })
	}
	s.Note("pending", "%d, %d", c.old.PublishAsyncPending(), c.new.PublishAsyncPending())
}
