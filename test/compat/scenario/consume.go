package scenario

import (
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var consumes = []stage.Scenario{
	{Name: "consume, stop after", Rows: []string{"9.38"}, Run: consumeStopAfter},
	{Name: "consume, stop and drain", Rows: []string{"9.39"}, Run: consumeEnds,
		Differs: []stage.Difference{stage.Differs("9.39", "handled after Stop", "[]")}},
	{Name: "consume twice with one handle", Rows: []string{"9.44"}, Run: consumeTwice},
	{Name: "consume, bad options", Rows: []string{"16.16", "16.17"}, Run: consumeInput},
}

// consumeStopAfter notes what was asked for.
func consumeStopAfter(s *stage.Stage) {
	p := newPuller(s)
	s.Peer().Store("s.a", "1", "2", "3", "4", "5", "6")
	got := newEvents()
	cc, err := p.cons.Consume(func(m jetstream.Msg) { got.add(string(m.Data())); _ = m.Ack() }, jetstream.StopAfter(4))
	s.Must(err, "consume")
	s.Note("messages", "%v", got.next(4))
	s.Note("closed", "%v", stage.Wait(cc.Closed(), resolved))
	p.noteRequests(0)
	it, err := p.cons.Messages(jetstream.StopAfter(1))
	s.Must(err, "messages")
	_, err = it.Next()
	s.Error("next", err)
	_, err = it.Next()
	s.Error("next after the last one", err)
}

func consumeEnds(s *stage.Stage) {
	p := newPuller(s, `"ack_wait":60000000000`)
	s.Peer().Store("s.a", "1", "2", "3", "4", "5", "6")
	it, err := p.cons.Messages()
	s.Must(err, "messages")
	_, err = it.Next()
	s.Error("first", err)
	s.Tap().Await(1, func(f stage.Frame) bool { return f.Op == "MSG" && f.Data == "6" })
	s.Must(p.nc.Flush(), "flush") // all have arrived
	it.Drain()
	n := 0
	for _, err = it.Next(); err == nil; _, err = it.Next() {
		n++
	}
	s.Note("drained", "%d", n)
	s.Error("after the drain", err)
	s.Peer().Store("s.a", "7", "8", "9")
	got, release := newEvents(), make(chan struct{})
	cc, err := p.cons.Consume(func(m jetstream.Msg) { got.add(string(m.Data())); <-release })
	s.Must(err, "consume")
	s.Note("begun", "%v", got.next(1))
	s.Tap().Await(1, func(f stage.Frame) bool { return f.Op == "MSG" && f.Data == "9" })
	s.Must(p.nc.Flush(), "flush") // 8 and 9 have arrived
	cc.Stop()
	close(release)
	s.Note("closed", "%v", stage.Wait(cc.Closed(), resolved))
	s.Note("handled after Stop", "%v", got.next(0))
}

func consumeTwice(s *stage.Stage) {
	p := newPuller(s)
	got := newEvents()
	for range 2 {
		cc, err := p.cons.Consume(func(m jetstream.Msg) { got.add(string(m.Data())); _ = m.Ack() }, jetstream.PullMaxMessages(1))
		s.Error("consume", err)
		s.Cleanup(cc.Stop)
	}
	it, err := p.cons.Messages()
	s.Error("messages", err)
	it.Stop()
	s.Peer().Store("s.a", "1", "2", "3", "4")
	s.Note("messages", "%s", got.sorted(4))
}

func consumeInput(s *stage.Stage) {
	p := newPuller(s)
	none := func(jetstream.Msg) {}
	_, err := p.cons.Consume(nil)
	s.Error("no handler", err)
	for _, tc := range []struct {
		name string
		opts []jetstream.PullConsumeOpt
	}{
		{"short expiry", []jetstream.PullConsumeOpt{jetstream.PullExpiry(999 * time.Millisecond)}},
		{"long heartbeat", []jetstream.PullConsumeOpt{jetstream.PullExpiry(2 * time.Second), jetstream.PullHeartbeat(1100 * time.Millisecond)}},
		{"short heartbeat", []jetstream.PullConsumeOpt{jetstream.PullHeartbeat(499 * time.Millisecond)}},
		{"messages and bytes", []jetstream.PullConsumeOpt{jetstream.PullMaxMessages(1), jetstream.PullMaxBytes(100)}},
	} {
		_, err := p.cons.Consume(none, tc.opts...)
		s.Error(tc.name, err)
	}
}
