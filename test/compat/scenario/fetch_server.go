package scenario

import (
	"fmt"
	"strings"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var fetchServer = []stage.Scenario{
	{Name: "fetch, the consumer is deleted", Rows: []string{"9.14", "9.35"}, Run: deletedMeanwhile},
	{Name: "fetch, the consumer is gone", Rows: []string{"9.19", "9.34"}, Run: deletedBefore},
	{Name: "fetch in a loop, the consumer is gone", Rows: []string{"9.34"}, Run: deletedLoop,
		Differs: []stage.Difference{stage.Lasts("9.34", "took", 1810*time.Millisecond)}},
	{Name: "fetch, the server stops", Rows: []string{"9.17", "9.32"}, Run: serverStops},
	{Name: "fetch, limits of the consumer", Rows: []string{"9.20", "16.27"}, Run: consumerLimits},
	{Name: "fetch keeps an ephemeral consumer", Rows: []string{"10.12", "10.13"}, Run: keepsEphemeral},
	{Name: "fetch, several at once", Rows: []string{"9.5"}, Run: severalAtOnce},
	{Name: "fetch leaves no subscription", Rows: []string{"9.5"}, Run: noSubscriptionLeft},
}

// during does something once a pull request waits at the consumer, and half a second later.
func (p *puller) during(do func()) (done <-chan struct{}) {
	ended := make(chan struct{})
	seen := len(p.s.Tap().Frames(pulls))
	go func() {
		defer close(ended)
		p.s.Tap().Await(seen+1, pulls)
		p.s.Peer().AwaitPull("S", "C")
		p.s.Pause(500 * time.Millisecond)
		do()
	}()
	return ended
}

func deletedMeanwhile(s *stage.Stage) {
	for _, verb := range []string{"CONSUMER.DELETE.S.C", "STREAM.DELETE.S"} {
		s.Part(verb)
		p := newPuller(s)
		done := p.during(func() { s.Peer().Request("$JS.API."+verb, "") })
		p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(10, jetstream.FetchMaxWait(5*time.Second)) })
		s.Join(done)
		s.Peer().Request("$JS.API.STREAM.DELETE.S", "")
	}
	s.Part("next")
	p := newPuller(s)
	done := p.during(func() { s.Peer().API("CONSUMER.DELETE.S.C", "") })
	s.Timed("next", func() error { _, err := p.cons.Next(jetstream.FetchMaxWait(5 * time.Second)); return err })
	s.Join(done)
}

func deletedBefore(s *stage.Stage) {
	p := newPuller(s)
	handles := map[string]jetstream.Consumer{"CONSUMER.DELETE.S.C": p.cons, "STREAM.DELETE.S": p.handle("C")}
	for _, verb := range []string{"CONSUMER.DELETE.S.C", "STREAM.DELETE.S"} {
		s.Peer().API(verb, "")
		cons := handles[verb]
		s.Part(verb + ", fetch")
		p.noteBatch(func() (jetstream.MessageBatch, error) { return cons.Fetch(10) })
		s.Part(verb + ", no wait")
		p.noteBatch(func() (jetstream.MessageBatch, error) { return cons.FetchNoWait(10) })
		s.Part(verb + ", bytes")
		p.noteBatch(func() (jetstream.MessageBatch, error) { return cons.FetchBytes(10) })
		s.Part(verb)
		s.Timed("next", func() error { _, err := cons.Next(); return err })
	}
}

// deletedLoop is what a program does that goes on all the same.
func deletedLoop(s *stage.Stage) {
	p := newPuller(s)
	s.Peer().API("CONSUMER.DELETE.S.C", "")
	start := time.Now()
	ends := map[string]int{}
	for range 12 {
		b, err := p.cons.Fetch(10)
		s.Must(err, "fetch")
		_, err = read(b)
		ends[s.Describe(err)]++
	}
	s.Note("ends", "%v", ends)
	s.Time("took", time.Since(start))
}

func serverStops(s *stage.Stage) {
	p := newPuller(s)
	done := p.during(func() { _ = s.Server().Stop() })
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(10, jetstream.FetchMaxWait(15*time.Second))
	})
	s.Join(done)
}

func consumerLimits(s *stage.Stage) {
	p := newPuller(s, `"max_batch":5,"max_expires":1000000000,"max_bytes":100,"max_waiting":1`)
	s.Part("batch")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(6, jetstream.FetchMaxWait(500*time.Millisecond))
	})
	s.Part("expires")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(5, jetstream.FetchMaxWait(2*time.Second)) })
	s.Part("bytes")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(5, jetstream.FetchMaxWait(500*time.Millisecond), jetstream.FetchMaxBytes(101))
	})
	s.Part("next, expires")
	s.Timed("next", func() error { _, err := p.cons.Next(jetstream.FetchMaxWait(2 * time.Second)); return err })
	s.Part("waiting")
	first, err := p.cons.Fetch(1, jetstream.FetchMaxWait(900*time.Millisecond))
	s.Must(err, "first")
	s.Peer().AwaitPull("S", "C")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(1, jetstream.FetchMaxWait(500*time.Millisecond))
	})
	_, err = read(first)
	s.Error("first", err)
}

// keepsEphemeral: a waiting request is activity.
func keepsEphemeral(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	cons, err := c.new.CreateOrUpdateConsumer(s.Context(resolved), "S", jetstream.ConsumerConfig{InactiveThreshold: time.Second})
	s.Must(err, "consumer")
	c.noteBatch(func() (jetstream.MessageBatch, error) { return cons.Fetch(1, jetstream.FetchMaxWait(4*time.Second)) })
	_, err = cons.Info(s.Context(resolved))
	s.Error("consumer afterwards", err)
	s.Pause(4 * time.Second)
	c.noteBatch(func() (jetstream.MessageBatch, error) { return cons.Fetch(1, jetstream.FetchMaxWait(time.Second)) })
	_, err = cons.Info(s.Context(resolved))
	s.Error("consumer after a pause", err)
}

func severalAtOnce(s *stage.Stage) {
	p := newPuller(s)
	var all []jetstream.MessageBatch
	for range 3 {
		b, err := p.cons.Fetch(2, jetstream.FetchMaxWait(5*time.Second))
		s.Must(err, "fetch")
		all = append(all, b)
	}
	s.Must(p.nc.Flush(), "flush")
	s.Peer().Store("s.a", "1", "2", "3", "4", "5", "6")
	for i, b := range all {
		subjects, err := read(b)
		s.Note(fmt.Sprint("batch ", i), "%d, %s", len(subjects), s.Describe(err))
	}
	s.Note("requests", "%d", len(s.Tap().Frames(pulls)))
}

// noSubscriptionLeft: inboxes end with their batches, or may serve again.
func noSubscriptionLeft(s *stage.Stage) {
	p := newPuller(s)
	before := p.nc.NumSubscriptions()
	for range 10 {
		b, err := p.cons.Fetch(1, jetstream.FetchMaxWait(20*time.Millisecond))
		s.Must(err, "fetch")
		_, _ = read(b)
	}
	s.Pause(500 * time.Millisecond)
	s.Note("requests", "%d", len(s.Tap().Frames(pulls)))
	s.Note("at most a few", "%v", p.nc.NumSubscriptions()-before <= 4)
	for _, f := range s.Tap().Frames(pulls) {
		if !strings.HasPrefix(f.Reply, nats.InboxPrefix) {
			s.Note("odd reply", "%s", f.Reply)
		}
	}
}
