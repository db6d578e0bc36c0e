package scenario

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/natstest"
	"github.com/gannet-io/nats/test/compat/stage"
)

var oldFetchEnds = []stage.Scenario{
	{Name: "old fetch, the connection is lost", Rows: []string{"12.6"}, Run: oldLost},
	{Name: "old fetch, status messages", Long: true, Rows: []string{"12.7", "10.3", "10.4", "10.5", "10.6", "10.10"}, Run: oldStatuses, Differs: oldStatusesDiffer()},
	{Name: "old fetch, the consumer is deleted", Rows: []string{"12.7", "12.8"}, Run: oldDeleted},
	{Name: "old fetch, the server stops", Rows: []string{"12.7"}, Run: oldServerStops},
	{Name: "old fetch, the connection is closed", Rows: []string{"16.10"}, Run: oldClosed, Differs: []stage.Difference{
		stage.Differs("16.10", "before: error", "is nats.ErrBadSubscription, nats.ErrConnectionClosed, nats.ErrSubscriptionClosed"),
		stage.Differs("16.10", "before: refused", "is nats.ErrBadSubscription, nats.ErrConnectionClosed, nats.ErrSubscriptionClosed"),
	}},
	{Name: "old fetch, a black hole", Rows: []string{"12.3", "12.4"}, Run: oldHole},
}

// oldStatusesDiffer: statuses without words have some here, and a 404 means here that there is nothing.
func oldStatusesDiffer() []stage.Difference {
	all := []stage.Difference{
		stage.Differs("12.7", "batch, 404 No Messages, 0 before: error", "nil"),
		stage.Differs("12.7", "batch, 404 No Messages, 1 before: error", "nil"),
	}
	for status, words := range map[string]string{"409": "LimitExceeded", "400": "BadRequest", "599": "OtherStatus"} {
		for _, key := range []string{"fetch, %s, 0 before: error", "batch, %s, 0 before: error", "batch, %s, 1 before: error"} {
			all = append(all, stage.Differs("12.7", fmt.Sprintf(key, status), fmt.Sprintf("%q", "nats: request ended: "+words)))
		}
	}
	return all
}

func oldLost(s *stage.Stage) {
	p, sub := newOldPuller(s)
	for _, kind := range []string{"fetch", "batch"} {
		s.Part(kind)
		done := p.during(s.Proxy().Cut)
		if kind == "fetch" {
			p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, nats.MaxWait(3*time.Second)) })
		} else {
			p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(5, nats.MaxWait(3*time.Second)) })
		}
		s.Join(done)
		p.connected()
	}
	s.Part("afterwards")
	s.Peer().Store("s.a", "x", "y")
	got := 0
	for try := 0; got < 2 && try < 5; try++ { // what the server says to a request of the old link may end one here
		msgs, _ := sub.Fetch(2-got, nats.MaxWait(time.Second))
		got += len(msgs)
	}
	s.Note("messages", "%d", got)
}

func oldStatuses(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.a", "x")
	c := newJetStreamClient(s)
	i := 0
	for _, status := range statuses {
		for before := range 2 {
			for _, kind := range []string{"fetch", "batch"} {
				if kind == "fetch" && before > 0 {
					continue // Fetch is content with what is there
				}
				i++
				s.Part(fmt.Sprintf("%s, %s, %d before", kind, status, before))
				name, said := c.script(i, status, before)
				sub := c.bind(name)
				if kind == "fetch" {
					c.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(10, nats.MaxWait(time.Second)) })
				} else {
					c.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(10, nats.MaxWait(time.Second)) })
				}
				s.Join(said)
			}
		}
	}
}

func oldDeleted(s *stage.Stage) {
	p, sub := newOldPuller(s)
	s.Part("fetch")
	done := p.during(func() { s.Peer().Request("$JS.API.CONSUMER.DELETE.S.C", "") })
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, nats.MaxWait(3*time.Second)) })
	s.Join(done)
	s.Part("fetch, gone")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, nats.MaxWait(3*time.Second)) })
	s.Part("fetch of one, gone")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(1, nats.MaxWait(3*time.Second)) })
	s.Part("batch, gone")
	p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(5, nats.MaxWait(3*time.Second)) })
	s.Peer().Consumer("S", "C")
	again := p.bind("C")
	s.Part("batch")
	done = p.during(func() { s.Peer().Request("$JS.API.STREAM.DELETE.S", "") })
	p.noteOldBatch(func() (nats.MessageBatch, error) { return again.FetchBatch(5, nats.MaxWait(3*time.Second)) })
	s.Join(done)
	_, err := p.old.PullSubscribe("", "C", nats.Bind("S", "C"))
	s.Part("")
	s.Error("bind", err)
}

func oldServerStops(s *stage.Stage) {
	p, sub := newOldPuller(s)
	done := p.during(func() { _ = s.Server().Stop() })
	start := time.Now()
	_, err := sub.Fetch(5, nats.MaxWait(10*time.Second))
	s.ErrorText("fetch", err)
	s.Time("took", time.Since(start))
	s.Join(done)
}

func oldClosed(s *stage.Stage) {
	p, sub := newOldPuller(s)
	s.Part("meanwhile")
	done := p.during(p.nc.Close)
	start := time.Now()
	_, err := sub.Fetch(5, nats.MaxWait(2*time.Second))
	s.Note("the end is told", "%v", err == nats.ErrConnectionClosed || err == nats.ErrFetchDisconnected) // nats.go: one or the other
	s.Time("took", time.Since(start))
	s.Join(done)
	s.Part("before")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, nats.MaxWait(2*time.Second)) })
	p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(5, nats.MaxWait(2*time.Second)) })
}

func oldHole(s *stage.Stage) {
	p, sub := newOldPuller(s)
	s.Part("no heartbeats")
	done := p.during(func() { s.Proxy().Hole(natstest.Both) })
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, nats.MaxWait(2*time.Second)) })
	s.Join(done)
	s.Part("heartbeats")
	p.noteOld(func() ([]*nats.Msg, error) {
		return sub.Fetch(5, nats.MaxWait(4*time.Second), nats.PullHeartbeat(500*time.Millisecond))
	})
}
