package scenario

import (
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
)

var fetchSilence = []stage.Scenario{
	{Name: "fetch, idle with heartbeats", Rows: []string{"9.10", "9.7", "9.11"}, Run: idleWithHeartbeats},
	{Name: "fetch, idle for 15 s", Long: true, Rows: []string{"9.25", "9.2"}, Run: idleFor15s},
	{Name: "fetch, a message between heartbeats", Rows: []string{"9.26"}, Run: messageBetweenHeartbeats},
	{Name: "fetch, heartbeats lost", Rows: []string{"9.9"}, Run: heartbeatsLost},
	{Name: "fetch for 15 s, heartbeats lost", Long: true, Rows: []string{"9.27"}, Run: heartbeatsLost15s},
	{Name: "fetch for 9 s, no heartbeats", Long: true, Rows: []string{"9.28"}, Run: noHeartbeats9s},
	{Name: "fetch, nothing comes and no heartbeats", Rows: []string{"9.6"}, Run: nothingComes,
		Differs: []stage.Difference{
			stage.Differs("9.7", "fetch: error", noAnswer), stage.Differs("9.7", "bytes: error", noAnswer), stage.Differs("9.7", "no wait: error", noAnswer),
		}},
	{Name: "fetch for 15 s, a black hole", Long: true, Rows: []string{"9.29", "2.10"}, Run: hole15s},
	{Name: "fetch for 9 s, a black hole", Long: true, Rows: []string{"9.30"}, Run: hole9s,
		Differs: []stage.Difference{stage.Differs("9.30", "error", noAnswer)}},
	{Name: "fetch, the link is gone", Rows: []string{"9.21"}, Run: linkGone,
		Differs: []stage.Difference{stage.Differs("9.21", "no heartbeats: error", noAnswer)}},
	{Name: "fetch while the server is down", Rows: []string{"9.33"}, Run: fetchWhileDown},
	{Name: "fetch for 15 s while the server is down", Long: true, Rows: []string{"9.33"}, Run: fetchWhileDown15s},
	{Name: "fetch, slow handlers", Rows: []string{"9.41", "9.8"}, Run: slowHandler},
}

// noAnswer is how jetstream.ErrNoAnswer, which nats.go does not have, is described.
const noAnswer = "is nats.ErrTimeout"

func idleWithHeartbeats(s *stage.Stage) {
	p := newPuller(s)
	start := time.Now()
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(2300*time.Millisecond), jetstream.FetchHeartbeat(500*time.Millisecond))
	})
	p.noteStatuses("100", start)
	p.noteStatuses("408", start)
	s.Timed("next", func() error {
		_, err := p.cons.Next(jetstream.FetchMaxWait(1200*time.Millisecond), jetstream.FetchHeartbeat(500*time.Millisecond))
		return err
	})
	s.Timed("next without heartbeats", func() error { _, err := p.cons.Next(jetstream.FetchMaxWait(700 * time.Millisecond)); return err })
	s.Part("no wait")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.FetchNoWait(10) })
}

func idleFor15s(s *stage.Stage) {
	p := newPuller(s)
	start := time.Now()
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(15*time.Second))
	})
	p.noteStatuses("100", start)
}

func messageBetweenHeartbeats(s *stage.Stage) {
	p := newPuller(s)
	start := time.Now()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		s.Pause(2500 * time.Millisecond)
		s.Peer().Publish("s.a", "", "", "x")
	}()
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(6*time.Second), jetstream.FetchHeartbeat(time.Second))
	})
	s.Join(sent)
	p.noteStatuses("100", start)
}

// dropHeartbeats loses them, and nothing else.
func dropHeartbeats(f stage.Frame) bool { return !f.FromClient && f.Status() == "100" }

// dropAnswers loses whatever the server sends but what keeps the connection.
func dropAnswers(f stage.Frame) bool { return !f.FromClient && (f.Op == "MSG" || f.Op == "HMSG") }

func heartbeatsLost(s *stage.Stage) {
	p := newPuller(s)
	s.Peer().Store("s.a", "x", "y")
	s.Tap().Drop(dropHeartbeats)
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(5*time.Second), jetstream.FetchHeartbeat(500*time.Millisecond))
	})
	s.Timed("next", func() error {
		_, err := p.cons.Next(jetstream.FetchMaxWait(5*time.Second), jetstream.FetchHeartbeat(500*time.Millisecond))
		return err
	})
	s.Part("bytes")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.FetchBytes(1000, jetstream.FetchMaxWait(5*time.Second), jetstream.FetchHeartbeat(500*time.Millisecond))
	})
	s.Note("status", "%v", p.nc.Status())
}

func heartbeatsLost15s(s *stage.Stage) {
	p := newPuller(s)
	s.Peer().Store("s.a", "x", "y")
	s.Tap().Drop(dropHeartbeats)
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(15*time.Second))
	})
	s.Note("status", "%v", p.nc.Status())
}

func noHeartbeats9s(s *stage.Stage) {
	p := newPuller(s)
	s.Tap().Drop(dropHeartbeats)
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(10, jetstream.FetchMaxWait(9*time.Second)) })
}

// nothingComes: the connection lives, but the consumer does not answer.
func nothingComes(s *stage.Stage) {
	p := newPuller(s)
	s.Tap().Drop(dropAnswers)
	s.Part("fetch")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(10, jetstream.FetchMaxWait(time.Second)) })
	s.Part("bytes")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.FetchBytes(1000, jetstream.FetchMaxWait(time.Second))
	})
	s.Part("no wait")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.FetchNoWait(10) })
	s.Part("")
	s.Timed("next", func() error { _, err := p.cons.Next(jetstream.FetchMaxWait(time.Second)); return err })
}

// holeIn opens a black hole after a second.
func (p *puller) holeIn(d time.Duration) (opened <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.s.Pause(d)
		p.s.Proxy().Hole(natstest.Both)
	}()
	return done
}

func hole15s(s *stage.Stage) {
	p := newPuller(s)
	opened := p.holeIn(time.Second)
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(15*time.Second))
	})
	s.Join(opened)
	s.Note("status", "%v", p.nc.Status())
}

func hole9s(s *stage.Stage) {
	p := newPuller(s)
	opened := p.holeIn(time.Second)
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(10, jetstream.FetchMaxWait(9*time.Second)) })
	s.Join(opened)
	s.Note("status", "%v", p.nc.Status())
}

// linkGone: cut in the middle of a fetch, and nobody to come back to.
func linkGone(s *stage.Stage) {
	p := newPuller(s)
	for _, tc := range []struct {
		name string
		opts []jetstream.FetchOpt
	}{
		{"heartbeats", []jetstream.FetchOpt{jetstream.FetchMaxWait(4 * time.Second), jetstream.FetchHeartbeat(time.Second)}},
		{"no heartbeats", []jetstream.FetchOpt{jetstream.FetchMaxWait(2 * time.Second)}},
	} {
		s.Part(tc.name)
		seen := len(s.Tap().Frames(pulls))
		cut := make(chan struct{})
		go func() {
			defer close(cut)
			s.Tap().Await(seen+1, pulls)
			s.Proxy().Refuse()
			s.Proxy().Cut()
		}()
		p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(10, tc.opts...) })
		s.Join(cut)
		s.Note("status", "%v", p.nc.Status())
		s.Must(s.Proxy().Heal(), "heal")
		p.connected()
	}
}

// down returns when the client knows that there is no server.
func (p *puller) down() {
	lost := p.nc.StatusChanged(nats.RECONNECTING)
	p.s.Proxy().Refuse()
	p.s.Proxy().Cut()
	stage.Take(p.s, lost, "RECONNECTING")
}

func fetchWhileDown(s *stage.Stage) {
	p := newPuller(s)
	p.down()
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(4*time.Second), jetstream.FetchHeartbeat(500*time.Millisecond))
	})
	s.Timed("next", func() error {
		_, err := p.cons.Next(jetstream.FetchMaxWait(4*time.Second), jetstream.FetchHeartbeat(500*time.Millisecond))
		return err
	})
}

func fetchWhileDown15s(s *stage.Stage) {
	p := newPuller(s)
	p.down()
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(15*time.Second))
	})
}

// slowHandler works longer on a message than two heartbeats take.
func slowHandler(s *stage.Stage) {
	p := newPuller(s)
	s.Peer().Store("s.a", "x", "y")
	start := time.Now()
	b, err := p.cons.Fetch(5, jetstream.FetchMaxWait(3*time.Second), jetstream.FetchHeartbeat(500*time.Millisecond))
	s.Must(err, "fetch")
	n := 0
	for m := range b.Messages() {
		n++
		s.Pause(2 * time.Second)
		s.Error("ack", m.Ack())
	}
	s.Note("messages", "%d", n)
	s.Error("error", b.Error())
	s.Time("took", time.Since(start))
}
