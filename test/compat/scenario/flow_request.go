package scenario

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var flowRequests = []stage.Scenario{
	{Name: "flow, requests on the wire", Rows: []string{"6.9 new", "9.1", "9.2", "9.3", "9.4"}, Run: flowRequestsOnTheWire},
	{Name: "flow, refills", Rows: []string{"9.5", "9.8"}, Run: flowRefills},
	{Name: "flow, bad options", Rows: []string{"9.3", "16.17"}, Run: flowInput},
	{Name: "flow, priority groups", Rows: []string{"9.40"}, Run: flowGroups},
	{Name: "flow, a pinned client", Rows: []string{"9.18", "9.42", "10.8"}, Run: flowPinned},
}

func flowRequestsOnTheWire(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	for i, tc := range []struct {
		name string
		opts []flowOpt
	}{
		{"default", nil},
		{"1 s", []flowOpt{jetstream.PullExpiry(time.Second)}},
		{"5 s", []flowOpt{jetstream.PullExpiry(5 * time.Second)}},
		{"60 s", []flowOpt{jetstream.PullExpiry(time.Minute)}},
		{"100 s", []flowOpt{jetstream.PullExpiry(100 * time.Second)}},
		{"heartbeat 500 ms", []flowOpt{jetstream.PullHeartbeat(500 * time.Millisecond)}},
		{"heartbeat 15 s", []flowOpt{jetstream.PullHeartbeat(15 * time.Second)}},
		{"heartbeat 30 s of 60 s", []flowOpt{jetstream.PullHeartbeat(30 * time.Second), jetstream.PullExpiry(time.Minute)}},
		{"ten messages", []flowOpt{jetstream.PullMaxMessages(10)}},
		{"bytes", []flowOpt{jetstream.PullMaxBytes(1000)}},
		{"messages and bytes", []flowOpt{jetstream.PullMaxMessagesWithBytesLimit(10, 1000)}},
		{"threshold", []flowOpt{jetstream.PullThresholdMessages(3)}},
	} {
		for _, way := range flowWays {
			s.Part(way + ", " + tc.name)
			name := fmt.Sprintf("C%d%s", i, way)
			s.Peer().Consumer("S", name)
			f := c.flow(way, c.handle(name), nil, tc.opts...)
			s.Tap().Await(1, pullsOf(name))
			c.noteRequestsOf(name)
			f.stop()
		}
	}
}

// flowRefills stores one message at a time, so that what is asked for is known.
func flowRefills(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	for i, tc := range []struct {
		name string
		opts []flowOpt
	}{
		{"ten", []flowOpt{jetstream.PullMaxMessages(10)}},
		{"five", []flowOpt{jetstream.PullMaxMessages(5)}},
		{"one", []flowOpt{jetstream.PullMaxMessages(1)}},
		{"threshold of 8 of 10", []flowOpt{jetstream.PullMaxMessages(10), jetstream.PullThresholdMessages(8)}},
	} {
		for _, way := range flowWays {
			s.Part(way + ", " + tc.name)
			name, subject := fmt.Sprintf("C%d%s", i, way), fmt.Sprintf("s.%d%s", i, way)
			s.Peer().Consumer("S", name, fmt.Sprintf(`"filter_subject":%q`, subject))
			f := c.flow(way, c.handle(name), nil, tc.opts...)
			s.Tap().Await(1, pullsOf(name))
			for n := range 7 {
				s.Peer().Store(subject, fmt.Sprint(n))
				stage.Take(s, f.ch, "a message")
				s.Must(c.nc.Flush(), "flush")
			}
			s.Pause(quiet)
			c.noteRequestsOf(name)
			f.stop()
		}
	}
	for _, way := range flowWays {
		s.Part(way + ", nobody takes")
		name, subject := "B"+way, "s.b"+way
		s.Peer().Consumer("S", name, fmt.Sprintf(`"filter_subject":%q`, subject))
		release := make(chan struct{})
		s.Peer().Store(subject, "1", "2", "3", "4", "5", "6", "7", "8", "9")
		f := c.flow(way, c.handle(name), func(m jetstream.Msg) { <-release; _ = m.Ack() }, jetstream.PullMaxMessages(4))
		s.Pause(2 * quiet)
		s.Note("delivered", "%d", len(s.Tap().Frames(func(f stage.Frame) bool { return !f.FromClient && f.Subject == subject })))
		close(release)
		s.Note("in the end", "%v", f.next(9))
	}
}

func flowInput(s *stage.Stage) {
	p := newPuller(s)
	for _, tc := range []struct {
		name string
		opts []flowOpt
	}{
		{"expiry 0", []flowOpt{jetstream.PullExpiry(0)}},
		{"expiry -1", []flowOpt{jetstream.PullExpiry(-1)}},
		{"short expiry", []flowOpt{jetstream.PullExpiry(999 * time.Millisecond)}},
		{"heartbeat 0", []flowOpt{jetstream.PullHeartbeat(0)}},
		{"short heartbeat", []flowOpt{jetstream.PullHeartbeat(499 * time.Millisecond)}},
		{"heartbeat of more than half", []flowOpt{jetstream.PullExpiry(2 * time.Second), jetstream.PullHeartbeat(1001 * time.Millisecond)}},
		{"heartbeat of half", []flowOpt{jetstream.PullExpiry(2 * time.Second), jetstream.PullHeartbeat(time.Second)}},
		{"heartbeat 31 s", []flowOpt{jetstream.PullExpiry(2 * time.Minute), jetstream.PullHeartbeat(31 * time.Second)}},
		{"no messages", []flowOpt{jetstream.PullMaxMessages(0)}},
		{"no bytes", []flowOpt{jetstream.PullMaxBytes(0)}},
		{"messages and bytes", []flowOpt{jetstream.PullMaxMessages(1), jetstream.PullMaxBytes(100)}},
		{"bytes and messages", []flowOpt{jetstream.PullMaxBytes(100), jetstream.PullMaxMessages(1)}},
		{"stop after 0", []flowOpt{jetstream.StopAfter(0)}},
		{"min pending 0", []flowOpt{jetstream.PullMinPending(0)}},
	} {
		var toConsume []jetstream.PullConsumeOpt
		var toRead []jetstream.PullMessagesOpt
		for _, o := range tc.opts {
			toConsume, toRead = append(toConsume, o), append(toRead, o)
		}
		cc, err := p.cons.Consume(func(jetstream.Msg) {}, toConsume...)
		s.Error("consume, "+tc.name, err)
		if err == nil {
			cc.Stop()
		}
		it, err := p.cons.Messages(toRead...)
		s.Error("messages, "+tc.name, err)
		if err == nil {
			it.Stop()
		}
	}
}

func flowGroups(s *stage.Stage) {
	p := newPuller(s, `"priority_groups":["g"],"priority_policy":"overflow"`)
	s.Peer().Consumer("S", "plain")
	for _, tc := range []struct {
		name string
		opts []flowOpt
	}{
		{"no group", nil},
		{"unknown group", []flowOpt{jetstream.PullPriorityGroup("h")}},
		{"group", []flowOpt{jetstream.PullPriorityGroup("g")}},
		{"group and limits", []flowOpt{jetstream.PullPriorityGroup("g"), jetstream.PullMinPending(3), jetstream.PullMinAckPending(4)}},
	} {
		for on, cons := range []jetstream.Consumer{p.cons, p.handle("plain")} {
			s.Part(fmt.Sprintf("%s, plain %v", tc.name, on == 1))
			before := len(s.Tap().Frames(pulls))
			var toConsume []jetstream.PullConsumeOpt
			var toRead []jetstream.PullMessagesOpt
			for _, o := range tc.opts {
				toConsume, toRead = append(toConsume, o), append(toRead, o)
			}
			cc, err := cons.Consume(func(jetstream.Msg) {}, toConsume...)
			s.Error("consume", err)
			if err == nil {
				s.Tap().Await(before+1, pulls)
				p.noteRequests(before)
				cc.Stop()
			}
			it, err := cons.Messages(toRead...)
			s.Error("messages", err)
			if err == nil {
				it.Stop()
			}
		}
	}
}

// flowPinned: the id of the pin comes with the first message and goes out with what is asked for later; a 423 makes it void.
func flowPinned(s *stage.Stage) {
	s.Peer().Stream("S", "s.>")
	c := newJetStreamClient(s)
	for _, way := range flowWays {
		s.Part(way)
		name := "C" + way
		s.Peer().Consumer("S", name, `"priority_groups":["g"],"priority_policy":"pinned_client","priority_timeout":30000000000`, fmt.Sprintf(`"filter_subject":"s.%s"`, way))
		f := c.flow(way, c.handle(name), nil, jetstream.PullPriorityGroup("g"), jetstream.PullMaxMessages(1))
		asks := func(n int) {
			request := s.Tap().Await(n, pullsOf(name)).Data
			var fields struct{ ID, Group string }
			unmarshal(s, request, &fields)
			s.Note("request", "has an id %v, group %q", fields.ID != "", fields.Group)
		}
		asks(1)
		for i := range 2 {
			s.Peer().Store("s."+way, fmt.Sprint(i))
			s.Note("got", "%v", f.next(1))
			asks(i + 2)
		}
		s.Peer().API("CONSUMER.UNPIN.S."+name, `{"group":"g"}`)
		s.Peer().Store("s."+way, "2")
		told := 0
		if way == consumeWay {
			told = 1
		}
		s.Note("unpinned", "%v", f.next(told+1))
		asks(4)
		asks(5)
		f.stop()
	}
}
