package scenario

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var fetchStatuses = []stage.Scenario{
	{Name: "fetch, status messages", Rows: []string{
		"9.10", "9.11", "9.12", "9.13", "9.14", "9.15", "9.16", "9.17", "9.18", "9.19", "9.20", "10.3", "10.4", "10.5", "10.6", "10.8", "10.10",
	}, Run: scriptedStatuses, Differs: []stage.Difference{
		stage.Differs("9.20", "409, 0 before: error", noWords), stage.Differs("9.20", "409, 1 before: error", noWords),
		stage.Differs("9.20", "599, 0 before: error", noWords), stage.Differs("9.20", "599, 1 before: error", noWords),
	}},
	{Name: "next, status messages", Rows: []string{"9.11", "9.12", "9.13", "9.14", "9.15", "9.16", "9.17", "9.18", "9.19", "9.20"}, Run: scriptedStatusesNext,
		Differs: []stage.Difference{stage.Differs("9.20", "409", noWords), stage.Differs("9.20", "599", noWords)}},
}

// noWords is a status without a description; nats.go's error then has no text.
const noWords = `"nats: request ended by an unknown status"`

// statuses are what a consumer may say instead of a message, and what it never should.
var statuses = []string{
	"404 No Messages", "408 Request Timeout", "408 Interest Expired", "408 Requests Pending", "408",
	"409 Message Size Exceeds MaxBytes", "409 Batch Completed", "409 Consumer Deleted", "409 consumer deleted", "409 Leadership Change",
	"409 Server Shutdown", "409 Consumer is push based", "409 Exceeded MaxRequestBatch of 5", "409 Exceeded MaxRequestExpires of 5s",
	"409 Exceeded MaxRequestMaxBytes of 5", "409 Exceeded MaxWaiting", "409 Something else", "409",
	"400 Bad Request", "400 Bad Request - Priority Group missing", "400",
	"423 Nats-Wrong-Pin-Id", "423 Nats-Pin-Id mismatch", "503", "503 Service Unavailable",
	"412 Required Api Level", "429 Too Many Requests", "500 Trouble", "599",
	"100 Idle Heartbeat", "100 FlowControl Request", "100",
}

// script lets a consumer say status to its next request, after it has delivered what was in the stream before. Each has a
// consumer of its own: what the server really answers must not reach the next one.
func (c *client) script(i int, status string, before int) (name string, said <-chan struct{}) {
	name = fmt.Sprintf("C%d", i)
	if before == 0 {
		c.s.Peer().Consumer("S", name, `"deliver_policy":"new"`)
	} else {
		c.s.Peer().Consumer("S", name, `"deliver_policy":"last"`)
	}
	delivered := func(f stage.Frame) bool { return !f.FromClient && f.Subject == "s.a" }
	asked, had := len(c.s.Tap().Frames(pulls)), len(c.s.Tap().Frames(delivered))
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.s.Tap().Await(asked+1, pulls)
		c.s.Peer().AwaitPull("S", name)
		if before > 0 {
			c.s.Tap().Await(had+1, delivered)
		}
		all := c.s.Tap().Frames(pulls)
		c.s.Peer().Publish(all[len(all)-1].Reply, "", status, "")
	}()
	return name, done
}

func scriptedStatuses(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	s.Peer().Store("s.a", "x")
	c := newJetStreamClient(s)
	for i, status := range statuses {
		for before := range 2 {
			s.Part(fmt.Sprintf("%s, %d before", status, before))
			name, said := c.script(2*i+before, status, before)
			cons := c.handle(name)
			c.noteBatch(func() (jetstream.MessageBatch, error) {
				return cons.Fetch(10, jetstream.FetchMaxWait(400*time.Millisecond))
			})
			s.Join(said)
		}
	}
}

func scriptedStatusesNext(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	for i, status := range statuses {
		name, said := c.script(i, status, 0)
		cons := c.handle(name)
		s.Timed(status, func() error { _, err := cons.Next(jetstream.FetchMaxWait(400 * time.Millisecond)); return err })
		s.Join(said)
	}
}
