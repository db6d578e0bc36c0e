package scenario

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var publishAsync = []stage.Scenario{
	{Name: "async publish into silence with a timeout", Rows: []string{"7.9 old-async new-async", "7.11 old-async new-async", "7.22"}, Run: asyncTimeout},
	{
		Name: "async publish into silence", Long: true, Rows: []string{"7.9", "1.21"}, Run: asyncSilence,
		Differs: []stage.Difference{
			stage.Differs("7.9", "old async: after 34 s", "nats.ErrAsyncPublishTimeout"),
			stage.Lasts("7.9", "old async: took", 30*time.Second),
			stage.Differs("7.9", "new async: after 34 s", "jetstream.ErrAsyncPublishTimeout"),
			stage.Lasts("7.9", "new async: took", 30*time.Second),
		},
	},
	{
		Name: "async publish, handlers may ask", Rows: []string{"7.16"}, Run: asyncHandlerAsks,
		Differs: []stage.Difference{
			stage.Differs("7.16", "old async: the handler has returned", "true"),
			stage.Differs("7.16", "new async: the handler has returned", "true"),
		},
	},
	{Name: "async publish, futures", Rows: []string{"7.20"}, Run: asyncFutures},
	{Name: "async publish, complete", Rows: []string{"7.21"}, Run: asyncComplete},
	{Name: "async publish, handlers", Rows: []string{"7.22"}, Run: asyncHandlers},
	{Name: "async publish, cleanup", Rows: []string{"7.23"}, Run: asyncCleanup},
}

func asyncTimeout(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	c := newClient(s)
	told := newEvents()
	c.jetStream([]nats.JSOpt{
		nats.PublishAsyncTimeout(time.Second),
		nats.PublishAsyncErrHandler(func(_ nats.JetStream, m *nats.Msg, err error) { told.add(m.Subject + " " + s.Describe(err)) }),
	}, []jetstream.JetStreamOpt{
		jetstream.WithPublishAsyncTimeout(time.Second),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, m *nats.Msg, err error) { told.add(m.Subject + " " + s.Describe(err)) }),
	})
	c.tell(asyncWays, "timeout", "silent.a", how{})
	s.Note("handlers", "%s", told.sorted(2))
	s.Note("pending", "%d, %d", c.old.PublishAsyncPending(), c.new.PublishAsyncPending())
}

// asyncSilence takes longer than any default.
func asyncSilence(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	c := newJetStreamClient(s)
	start := time.Now()
	limit := start.Add(34 * time.Second)
	old, err := c.old.PublishAsync("silent.a", nil)
	s.Must(err, oldAsync)
	fresh, err := c.new.PublishAsync("silent.b", nil)
	s.Must(err, newAsync)
	s.Part(oldAsync)
	_, err = await(old.Ok(), old.Err(), time.Until(limit))
	s.Error("after 34 s", err)
	s.Time("took", time.Since(start))
	s.Part(newAsync)
	_, err = await(fresh.Ok(), fresh.Err(), time.Until(limit))
	s.Error("after 34 s", err)
	s.Time("took", min(time.Since(start), 34*time.Second))
}

func asyncHandlerAsks(s *stage.Stage) {
	s.Peer().Silence("silent.>")
	c := newClient(s)
	done := map[string]chan struct{}{oldAsync: make(chan struct{}), newAsync: make(chan struct{})}
	c.jetStream([]nats.JSOpt{
		nats.PublishAsyncTimeout(300 * time.Millisecond),
		nats.PublishAsyncErrHandler(func(js nats.JetStream, _ *nats.Msg, _ error) {
			js.PublishAsyncPending()
			close(done[oldAsync])
		}),
	}, []jetstream.JetStreamOpt{
		jetstream.WithPublishAsyncTimeout(300 * time.Millisecond),
		jetstream.WithPublishAsyncErrHandler(func(js jetstream.JetStream, _ *nats.Msg, _ error) {
			js.PublishAsyncPending()
			close(done[newAsync])
		}),
	})
	_, err := c.old.PublishAsync("silent.a", nil)
	s.Must(err, oldAsync)
	_, err = c.new.PublishAsync("silent.b", nil)
	s.Must(err, newAsync)
	for _, way := range asyncWays {
		s.Part(way)
		s.Note("the handler has returned", "%v", stage.Wait(done[way], 2*time.Second))
	}
}

func asyncFutures(s *stage.Stage) {
	s.Peer().Stream("S", "s")
	c := newJetStreamClient(s)
	m := message("s")
	old, err := c.old.PublishMsgAsync(m)
	s.Must(err, oldAsync)
	s.Note("old, message is mine", "%v", old.Msg() == m)
	ok, again := old.Ok(), old.Ok()
	s.Note("old, channels", "%d, %d, %v", cap(ok), cap(old.Err()), ok == again)
	a, err := await(old.Ok(), old.Err(), resolved)
	s.Note("old, first", "%s, %s", s.Describe(err), oldAck(a))
	_, err = await(old.Ok(), old.Err(), 200*time.Millisecond)
	s.Error("old, second", err)

	fresh, err := c.new.PublishMsgAsync(m)
	s.Must(err, newAsync)
	s.Note("new, message is mine", "%v", fresh.Msg() == m)
	freshOk, freshAgain := fresh.Ok(), fresh.Ok()
	s.Note("new, channels", "%d, %d, %v", cap(freshOk), cap(fresh.Err()), freshOk == freshAgain)
	// The channels are made late: what came before must be in them all the same.
	late, err := c.new.PublishMsgAsync(m)
	s.Must(err, newAsync)
	s.Note("complete", "%v", stage.Wait(c.new.PublishAsyncComplete(), resolved))
	b, err := await(fresh.Ok(), fresh.Err(), resolved)
	s.Note("new, first", "%s, %s", s.Describe(err), newAck(b))
	b, err = await(late.Ok(), late.Err(), resolved)
	s.Note("new, late", "%s, %s", s.Describe(err), newAck(b))
	_, err = await(late.Ok(), late.Err(), 200*time.Millisecond)
	s.Error("new, second", err)
}

func asyncComplete(s *stage.Stage) {
	s.Peer().Stream("S", "s")
	s.Peer().Silence("silent")
	c := newJetStreamClient(s)
	s.Note("nothing pending", "%v, %v", stage.Wait(c.old.PublishAsyncComplete(), time.Second), stage.Wait(c.new.PublishAsyncComplete(), time.Second))
	for range 100 {
		_, err := c.old.PublishAsync("s", nil)
		s.Must(err, oldAsync)
		_, err = c.new.PublishAsync("s", nil)
		s.Must(err, newAsync)
	}
	s.Note("acked", "%v, %v", stage.Wait(c.old.PublishAsyncComplete(), resolved), stage.Wait(c.new.PublishAsyncComplete(), resolved))
	s.Note("pending", "%d, %d", c.old.PublishAsyncPending(), c.new.PublishAsyncPending())
	_, err := c.old.PublishAsync("silent", nil)
	s.Must(err, oldAsync)
	_, err = c.new.PublishAsync("silent", nil)
	s.Must(err, newAsync)
	s.Note("one silent", "%v, %v", stage.Wait(c.old.PublishAsyncComplete(), 200*time.Millisecond), stage.Wait(c.new.PublishAsyncComplete(), 200*time.Millisecond))
	s.Note("pending with one silent", "%d, %d", c.old.PublishAsyncPending(), c.new.PublishAsyncPending())
}

// asyncHandlers notes what the handlers are told, by cause.
func asyncHandlers(s *stage.Stage) {
	s.Peer().Stream("S", "s")
	s.Peer().Silence("silent")
	c := newClient(s)
	oldTold, newTold := newEvents(), newEvents()
	c.jetStream([]nats.JSOpt{
		nats.PublishAsyncErrHandler(func(_ nats.JetStream, m *nats.Msg, err error) { oldTold.add(m.Subject + " " + s.Describe(err)) }),
	}, []jetstream.JetStreamOpt{
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, m *nats.Msg, err error) { newTold.add(m.Subject + " " + s.Describe(err)) }),
		jetstream.WithPublishAsyncAckHandler(func(_ jetstream.JetStream, m *nats.Msg, a *jetstream.PubAck) {
			newTold.add(m.Subject + " " + newAck(a))
		}),
	})
	publish := func(subject string) {
		_, err := c.old.PublishAsync(subject, nil)
		s.Must(err, oldAsync)
		_, err = c.new.PublishAsync(subject, nil, jetstream.WithRetryAttempts(0))
		s.Must(err, newAsync)
	}
	note := func(key string, old, fresh int) {
		s.Note(key+", old", "%s", oldTold.sorted(old))
		s.Note(key+", new", "%s", newTold.sorted(fresh))
	}
	publish("s")
	note("ack", 0, 1)
	publish("nobody")
	note("nobody listens", 1, 1)
	publish("silent")
	publish("silent")
	s.Must(c.nc.Flush(), "flush")
	s.Proxy().Cut()
	note("cut", 2, 2)
	c.connected()
	publish("silent")
	c.old.CleanupPublisher()
	c.new.CleanupPublisher()
	note("cleanup", 1, 1)
}

func asyncCleanup(s *stage.Stage) {
	s.Peer().Stream("S", "s")
	s.Peer().Silence("silent")
	c := newJetStreamClient(s)
	s.Timed("old, cleanup of nothing", func() error { c.old.CleanupPublisher(); return nil })
	s.Timed("new, cleanup of nothing", func() error { c.new.CleanupPublisher(); return nil })
	old, err := c.old.PublishAsync("silent", nil)
	s.Must(err, oldAsync)
	fresh, err := c.new.PublishAsync("silent", nil)
	s.Must(err, newAsync)
	c.old.CleanupPublisher()
	c.new.CleanupPublisher()
	s.Timed("old, pending", func() error { _, err := await(old.Ok(), old.Err(), resolved); return err })
	s.Timed("new, pending", func() error { _, err := await(fresh.Ok(), fresh.Err(), resolved); return err })
	s.Note("pending", "%d, %d", c.old.PublishAsyncPending(), c.new.PublishAsyncPending())
	for i, way := range asyncWays {
		ack, err := c.publish(way, message("s"), how{})
		s.Note(fmt.Sprintf("again %d", i), "%s, %s", s.Describe(err), ack)
	}
}
