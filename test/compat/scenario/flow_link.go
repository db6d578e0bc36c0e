package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
)

var flowLinks = []stage.Scenario{
	{Name: "flow, the link is gone", Rows: []string{"9.21"}, Run: flowGone},
	{Name: "flow, a short cut", Rows: []string{"9.22"}, Run: flowCut},
	{Name: "flow, the server stops", Rows: []string{"9.17", "9.32"}, Run: flowServerStops},
	{Name: "flow, the connection is closed", Rows: []string{"9.23"}, Run: flowClosed},
	{Name: "flow, the context of a next is over", Rows: []string{"9.24"}, Run: flowNextOver},
	{Name: "flow, a black hole", Long: true, Rows: []string{"9.31"}, Run: flowHole, Differs: []stage.Difference{
		stage.Lasts("9.31", "something is told after", 15*time.Second),
		stage.Differs("9.31", "consume", ""), stage.Differs("9.31", "connection", "disconnected"),
	}},
	{Name: "flow keeps an ephemeral consumer", Rows: []string{"9.36"}, Run: flowKeepsEphemeral},
}

// flows begins one of each kind, with a consumer and a subject of its own.
func (c *client) flows(opts ...flowOpt) map[string]*flow {
	all := map[string]*flow{}
	for _, way := range flowWays {
		c.s.Peer().Consumer("S", "C"+way, fmt.Sprintf(`"filter_subject":"s.%s"`, way))
		all[way] = c.flow(way, c.handle("C"+way), nil, opts...)
		c.s.Peer().AwaitPull("S", "C"+way)
	}
	return all
}

// flowGone: for longer than two heartbeats there is no link.
func flowGone(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	p := &puller{client: newJetStreamClient(s)}
	all := p.flows(jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(500*time.Millisecond))
	p.down()
	s.Pause(2500 * time.Millisecond)
	for _, way := range flowWays {
		s.Note(way+", meanwhile", "%v", all[way].next(0))
		s.Peer().Store("s."+way, "1")
	}
	s.Must(s.Proxy().Heal(), "heal")
	p.connected()
	for _, way := range flowWays {
		s.Note(way+", afterwards", "%v", all[way].next(1))
	}
}

func flowCut(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	back := make(chan struct{}, 1)
	c := newClient(s, nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} })).jetStream(nil, nil)
	all := c.flows()
	for _, way := range flowWays {
		s.Peer().Store("s."+way, "1")
		s.Note(way+", before", "%v", all[way].next(1))
	}
	s.Proxy().Cut()
	stage.Take(s, back, "reconnect")
	for _, way := range flowWays {
		s.Tap().Await(2, pullsOf("C"+way))
		s.Peer().Store("s."+way, "2", "3")
		s.Note(way+", afterwards", "%v", all[way].next(2))
		s.Part(way)
		c.noteRequestsOf("C" + way)
		s.Part("")
	}
}

func flowServerStops(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	all := c.flows()
	_ = s.Server().Stop()
	for _, way := range flowWays {
		s.Note(way, "%v", all[way].next(0))
	}
}

func flowClosed(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	all := c.flows()
	it, err := c.handle("Cconsume").Messages()
	s.Must(err, "messages")
	c.nc.Close()
	for _, way := range flowWays {
		s.Note(way, "%s", all[way].sorted(2))
	}
	_, err = it.Next()
	s.Error("next afterwards", err)
	_, err = c.new.Consumer(context.Background(), "S", "C")
	s.Error("consumer", err)
}

func flowNextOver(s *stage.Stage) {
	p := newPuller(s)
	it, err := p.cons.Messages()
	s.Must(err, "messages")
	s.Timed("no time", func() error { _, err := it.Next(jetstream.NextMaxWait(500 * time.Millisecond)); return err })
	s.Timed("deadline", func() error {
		_, err := it.Next(jetstream.NextContext(s.Context(500 * time.Millisecond)))
		return err
	})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(500*time.Millisecond, cancel)
	s.Timed("canceled", func() error { _, err := it.Next(jetstream.NextContext(ctx)); return err })
	s.Timed("canceled before", func() error { _, err := it.Next(jetstream.NextContext(ctx)); return err })
	s.Timed("both", func() error {
		_, err := it.Next(jetstream.NextMaxWait(time.Second), jetstream.NextContext(s.Context(time.Second)))
		return err
	})
	s.Timed("both, the other way round", func() error {
		_, err := it.Next(jetstream.NextContext(s.Context(time.Second)), jetstream.NextMaxWait(time.Second))
		return err
	})
	s.Peer().Store("s.a", "1")
	s.Timed("a message", func() error { _, err := it.Next(jetstream.NextMaxWait(2 * time.Second)); return err })
	s.Note("requests", "%d", len(s.Tap().Frames(pulls)))
	it.Stop()
	s.Timed("stopped", func() error { _, err := it.Next(jetstream.NextMaxWait(time.Second)); return err })
}

// flowHole: by default 15 s pass between heartbeats.
func flowHole(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	lost := newEvents()
	c := newClient(s, nats.DisconnectErrHandler(func(*nats.Conn, error) { lost.add("disconnected") })).jetStream(nil, nil)
	s.Peer().Consumer("S", "C")
	f := c.flow(consumeWay, c.handle("C"), nil)
	s.Peer().AwaitPull("S", "C")
	start := time.Now()
	s.Proxy().Hole(natstest.Both)
	for len(f.ch)+len(lost.ch) == 0 && time.Since(start) < 33*time.Second {
		s.Pause(20 * time.Millisecond)
	}
	s.Time("something is told after", time.Since(start))
	s.Note("consume", "%s", strings.Join(f.next(0), " "))
	s.Note("connection", "%s", strings.Join(lost.next(0), " "))
}

func flowKeepsEphemeral(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	cons, err := c.new.CreateOrUpdateConsumer(s.Context(resolved), "S", jetstream.ConsumerConfig{InactiveThreshold: time.Second})
	s.Must(err, "consumer")
	f := c.flow(messagesWay, cons, nil)
	s.Pause(4 * time.Second)
	_, err = cons.Info(s.Context(resolved))
	s.Error("while it waits", err)
	s.Note("told", "%v", f.next(0))
	f.stop()
	s.Pause(3500 * time.Millisecond)
	_, err = cons.Info(s.Context(resolved))
	s.Error("afterwards", err)
}
