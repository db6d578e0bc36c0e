package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var fetchEnds = []stage.Scenario{
	{Name: "fetch, it runs out", Rows: []string{"9.7"}, Run: runsOut},
	{Name: "fetch, a short cut", Rows: []string{"9.22"}, Run: shortCut},
	{Name: "fetch, the connection is closed", Rows: []string{"9.23"}, Run: closedMeanwhile, Differs: []stage.Difference{
		stage.Differs("9.23", "heartbeats: error", "nats.ErrConnectionClosed"), stage.Lasts("9.23", "heartbeats: took", 0),
		stage.Differs("9.23", "no heartbeats: error", "nats.ErrConnectionClosed"), stage.Lasts("9.23", "no heartbeats: took", 0),
		stage.Differs("9.23", "next: next", "nats.ErrConnectionClosed"), stage.Lasts("9.23", "next: next after", 0),
	}},
	{Name: "fetch on a closed connection", Rows: []string{"9.23", "16.10"}, Run: closedBefore},
	{Name: "fetch, the context is over", Rows: []string{"9.24"}, Run: fetchContextOver},
}

func runsOut(s *stage.Stage) {
	p := newPuller(s)
	s.Peer().Store("s.a", "x", "y")
	s.Part("fetch")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(500*time.Millisecond))
	})
	s.Peer().Store("s.a", "x", "y")
	s.Part("no wait")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.FetchNoWait(10) })
	s.Part("no wait, nothing")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.FetchNoWait(10) })
	s.Peer().Store("s.a", "x", "y")
	s.Part("bytes")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.FetchBytes(10_000, jetstream.FetchMaxWait(500*time.Millisecond))
	})
	s.Part("")
	s.Timed("next", func() error { _, err := p.cons.Next(jetstream.FetchMaxWait(500 * time.Millisecond)); return err })
	s.Peer().Store("s.a", "x")
	s.Timed("next with a message", func() error { _, err := p.cons.Next(jetstream.FetchMaxWait(500 * time.Millisecond)); return err })
}

// shortCut: the link is back long before the request has expired.
func shortCut(s *stage.Stage) {
	p := newPuller(s)
	back := make(chan struct{}, 1)
	p.nc.SetReconnectHandler(func(*nats.Conn) { back <- struct{}{} })
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Tap().Await(1, pulls)
		s.Pause(500 * time.Millisecond)
		s.Proxy().Cut()
		stage.Take(s, back, "reconnect")
		s.Pause(300 * time.Millisecond)
		for i := range 3 {
			s.Peer().Publish(fmt.Sprintf("s.%d", i), "", "", "x")
		}
	}()
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(10, jetstream.FetchMaxWait(3*time.Second)) })
	s.Join(done)
}

func closedMeanwhile(s *stage.Stage) {
	for _, tc := range []struct {
		name string
		opts []jetstream.FetchOpt
	}{
		{"heartbeats", []jetstream.FetchOpt{jetstream.FetchMaxWait(4 * time.Second), jetstream.FetchHeartbeat(time.Second)}},
		{"no heartbeats", []jetstream.FetchOpt{jetstream.FetchMaxWait(2 * time.Second)}},
	} {
		s.Part(tc.name)
		s.Peer().Request("$JS.API.STREAM.DELETE.S", "")
		p := newPuller(s)
		seen := len(s.Tap().Frames(pulls))
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.Tap().Await(seen+1, pulls)
			p.nc.Close()
		}()
		p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(10, tc.opts...) })
		s.Join(done)
	}
	s.Part("next")
	s.Peer().Request("$JS.API.STREAM.DELETE.S", "")
	p := newPuller(s)
	seen := len(s.Tap().Frames(pulls))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Tap().Await(seen+1, pulls)
		p.nc.Close()
	}()
	s.Timed("next", func() error {
		_, err := p.cons.Next(jetstream.FetchMaxWait(4*time.Second), jetstream.FetchHeartbeat(time.Second))
		return err
	})
	s.Join(done)
}

func closedBefore(s *stage.Stage) {
	p := newPuller(s)
	p.nc.Close()
	s.Part("fetch")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(10, jetstream.FetchMaxWait(time.Second)) })
	s.Part("no wait")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.FetchNoWait(10) })
	s.Part("bytes")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.FetchBytes(10) })
	s.Part("")
	s.Timed("next", func() error { _, err := p.cons.Next(); return err })
	s.Timed("info", func() error { _, err := p.cons.Info(s.Context(resolved)); return err })
}

func fetchContextOver(s *stage.Stage) {
	p := newPuller(s)
	s.Part("canceled")
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(500*time.Millisecond, cancel)
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(10, jetstream.FetchContext(ctx)) })
	s.Part("deadline")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchContext(s.Context(time.Second)))
	})
	s.Part("deadline, nothing comes")
	s.Tap().Drop(dropAnswers)
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchContext(s.Context(time.Second)))
	})
	s.Part("")
	s.Timed("next, deadline, nothing comes", func() error {
		_, err := p.cons.Next(jetstream.FetchContext(s.Context(time.Second)))
		return err
	})
	s.Tap().Drop(nil)
	s.Timed("next, deadline", func() error { _, err := p.cons.Next(jetstream.FetchContext(s.Context(time.Second))); return err })
	again, cancel := context.WithCancel(context.Background())
	time.AfterFunc(500*time.Millisecond, cancel)
	s.Timed("next, canceled", func() error { _, err := p.cons.Next(jetstream.FetchContext(again)); return err })
}
