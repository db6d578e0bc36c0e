package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var flowStatuses = []stage.Scenario{
	{Name: "flow, status messages", Rows: []string{
		"9.10", "9.11", "9.12", "9.13", "9.14", "9.15", "9.16", "9.17", "9.18", "9.19", "9.20",
	}, Run: flowStatus, Differs: flowStatusDiffer()},
	{Name: "flow, idle with heartbeats", Rows: []string{"9.7", "9.10", "9.11"}, Run: flowIdle},
	{Name: "flow, heartbeats lost", Rows: []string{"9.9"}, Run: flowHeartbeats},
	{Name: "flow, the consumer is deleted", Rows: []string{"9.14"}, Run: flowDeleted},
	{Name: "flow, the consumer is gone", Rows: []string{"9.19"}, Run: flowGoneBefore, Differs: []stage.Difference{
		stage.Differs("9.19", "consume, told", "no responders true, no heartbeat false"),
		stage.Differs("9.19", "consume, deleted", "true, closed true"), stage.Differs("9.19", "messages, deleted", "true, closed true"),
	}},
	{Name: "flow, a message that is too large", Rows: []string{"9.12"}, Run: flowTooLarge, Differs: []stage.Difference{
		stage.Differs("9.12", "consume", "told true, messages false"),
		stage.Differs("9.12", "again and again", "false"),
	}},
	{Name: "flow, slow handlers", Rows: []string{"9.41"}, Run: flowSlow},
}

// flowStatusDiffer: nats.go waits for missing heartbeats before it asks again.
func flowStatusDiffer() []stage.Difference {
	all := []stage.Difference{
		stage.Differs("9.11", "consume, 404 No Messages: events", "[]"),
		stage.Differs("9.12", "consume, 409 Message Size Exceeds MaxBytes: events", "[told jetstream.ErrMaxBytesExceeded]"),
		stage.Differs("9.20", "consume, 409: events", "[told "+noWords+"]"),
		stage.Differs("9.20", "consume, 599: events", "[told "+noWords+"]"),
	}
	for _, way := range flowWays {
		for _, status := range []string{
			"404 No Messages", "409 Server Shutdown", "409 Consumer is push based", "409 Exceeded MaxRequestBatch of 5", "409 Exceeded MaxRequestExpires of 5s",
			"409 Exceeded MaxRequestMaxBytes of 5", "409 Exceeded MaxWaiting", "409 Something else", "409", "503", "503 Service Unavailable",
			"412 Required Api Level", "429 Too Many Requests", "500 Trouble", "599",
		} {
			all = append(all, stage.Differs("9.20", way+", "+status+": asks again", "true"))
		}
	}
	return all
}

// flowStatus lets each of the statuses answer the request of a flow of its own, all at the same time.
func flowStatus(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	type try struct {
		key, name string
		*flow
	}
	var all []try
	for _, way := range flowWays {
		for i, status := range statuses {
			name := fmt.Sprintf("C%d%s", i, way)
			s.Peer().Consumer("S", name, fmt.Sprintf(`"filter_subject":"s.%s"`, name))
			all = append(all, try{way + ", " + status, name, c.flow(way, c.handle(name), nil)})
		}
	}
	s.Must(c.nc.Flush(), "flush") // the server knows the inboxes
	for _, t := range all {
		request := s.Tap().Await(1, pullsOf(t.name))
		_, status, _ := strings.Cut(t.key, ", ")
		if strings.HasPrefix(status, "408") || status == "409 Message Size Exceeds MaxBytes" || status == "409 Batch Completed" {
			status += "\nNats-Pending-Messages: 500\nNats-Pending-Bytes: 0"
		}
		s.Peer().Publish(request.Reply, "", status, "")
	}
	s.Pause(time.Second)
	for _, t := range all {
		s.Part(t.key)
		s.Note("events", "%v", t.soFar())
		s.Note("asks again", "%v", len(s.Tap().Frames(pullsOf(t.name))) > 1)
	}
	for _, t := range all {
		s.Peer().Publish("s."+t.name, "", "", "x")
	}
	s.Peer().Flush()
	s.Pause(time.Second)
	for _, t := range all {
		s.Part(t.key)
		s.Note("afterwards", "%v", t.soFar())
	}
}

func flowIdle(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	var all []*flow
	for _, way := range flowWays {
		s.Peer().Consumer("S", "C"+way)
		all = append(all, c.flow(way, c.handle("C"+way), nil, jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(500*time.Millisecond)))
	}
	s.Pause(5 * time.Second)
	for i, way := range flowWays {
		s.Part(way)
		s.Note("events", "%v", all[i].next(0))
		requests := s.Tap().Frames(pullsOf("C" + way))
		s.Note("requests", "%d", len(requests))
		for n := 1; n < len(requests); n++ {
			s.Time(fmt.Sprintf("request %d follows after", n+1), requests[n].At.Sub(requests[n-1].At))
		}
	}
	s.Part("")
	s.Note("heartbeats", "%v", len(s.Tap().Frames(func(f stage.Frame) bool { return f.Status() == "100" })) >= 12)
}

func flowHeartbeats(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	s.Tap().Drop(dropAnswersButAPI)
	for _, way := range flowWays {
		s.Part(way)
		s.Peer().Consumer("S", "C"+way, fmt.Sprintf(`"filter_subject":"s.%s"`, way))
		start := time.Now()
		f := c.flow(way, c.handle("C"+way), nil, jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(500*time.Millisecond))
		for i := range 3 {
			s.Note("event", "%s", stage.Take(s, f.ch, "an event"))
			s.Time(fmt.Sprintf("event %d after", i+1), time.Since(start))
		}
		s.Tap().Drop(nil)
		s.Peer().Store("s."+way, "1")
		got := ""
		for got != "message 1" { // one more may have been on its way
			got = stage.Take(s, f.ch, "the message")
		}
		s.Note("afterwards", "%s", got)
		f.stop()
		s.Tap().Drop(dropAnswersButAPI)
	}
	s.Part("not told")
	s.Peer().Consumer("S", "Q")
	it, err := c.handle("Q").Messages(jetstream.PullExpiry(5*time.Second), jetstream.PullHeartbeat(500*time.Millisecond), jetstream.WithMessagesErrOnMissingHeartbeat(false))
	s.Must(err, "messages")
	s.Timed("next", func() error { _, err := it.Next(jetstream.NextMaxWait(2500 * time.Millisecond)); return err })
	it.Stop()
}

// dropAnswersButAPI loses what consumers send.
func dropAnswersButAPI(f stage.Frame) bool {
	return dropAnswers(f) && (f.Status() != "" || strings.HasPrefix(f.Subject, "s."))
}

func flowDeleted(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	for _, way := range flowWays {
		for _, what := range []string{"CONSUMER.DELETE.S.C" + way, "STREAM.DELETE.S"} {
			s.Part(way + ", " + what)
			if way == messagesWay && what == "CONSUMER.DELETE.S.C"+way {
				s.Peer().Stream("S", "s.>")
			}
			s.Peer().Consumer("S", "C"+way)
			f := c.flow(way, c.handle("C"+way), nil)
			s.Peer().AwaitPull("S", "C"+way)
			start := time.Now()
			s.Peer().API(what, "")
			s.Note("events", "%v", f.until("closed"))
			s.Time("after", time.Since(start)-quiet)
		}
	}
}

// flowSlow works longer on a message than two heartbeats take.
func flowSlow(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	var all []*flow
	for _, way := range flowWays {
		s.Peer().Consumer("S", "C"+way)
		all = append(all, c.flow(way, c.handle("C"+way), func(m jetstream.Msg) { s.Pause(2 * time.Second); _ = m.Ack() },
			jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(500*time.Millisecond)))
	}
	s.Peer().Store("s.a", "1", "2")
	s.Pause(5 * time.Second)
	for i, way := range flowWays {
		s.Note(way, "%v", all[i].next(0))
	}
}

// flowGoneBefore: nobody listens to the first request nor to any other.
func flowGoneBefore(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	var all []*flow
	for _, way := range flowWays {
		s.Peer().Consumer("S", "C"+way)
		cons := c.handle("C" + way)
		s.Peer().API("CONSUMER.DELETE.S.C"+way, "")
		all = append(all, c.flow(way, cons, nil, jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(700*time.Millisecond)))
	}
	s.Pause(3500 * time.Millisecond)
	for i, way := range flowWays {
		events := all[i].soFar()
		s.Note(way+", first", "%s", events[0])
		s.Note(way+", told", "no responders %v, no heartbeat %v", slices.Contains(events, "told nats.ErrNoResponders"), slices.Contains(events, "told jetstream.ErrNoHeartbeat"))
		s.Note(way+", deleted", "%v, closed %v", slices.Contains(events, "told jetstream.ErrConsumerDeleted"), slices.Contains(events, "closed"))
	}
}

func flowTooLarge(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.a", strings.Repeat("x", 1000))
	c := newJetStreamClient(s)
	for _, way := range flowWays {
		s.Peer().Consumer("S", "C"+way)
		f := c.flow(way, c.handle("C"+way), nil, jetstream.PullMaxBytes(500))
		s.Pause(300 * time.Millisecond) // nats.go asks as fast as it can
		events := f.soFar()
		s.Note(way, "told %v, messages %v", slices.Contains(events, "told jetstream.ErrMaxBytesExceeded"), slices.Contains(events, "message"))
		if way == consumeWay {
			s.Note("again and again", "%v", len(s.Tap().Frames(pullsOf("C"+way))) > 10)
		}
		f.stop()
	}
}
