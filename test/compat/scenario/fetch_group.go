package scenario

import (
	"strings"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var fetchGroups = []stage.Scenario{
	{Name: "fetch, priority groups", Rows: []string{"9.40", "9.15"}, Run: priorityGroups},
	{Name: "fetch, a pinned client", Rows: []string{"9.18", "9.42"}, Run: pinnedClient,
		Differs: []stage.Difference{stage.Differs("9.42", "no group named: request", "map[has an id:false]")}},
}

func priorityGroups(s *stage.Stage) {
	p := newPuller(s, `"priority_groups":["g"],"priority_policy":"overflow"`)
	s.Peer().Store("s.a", "x", "y", "z")
	cases := []struct {
		name string
		opts []jetstream.FetchOpt
	}{
		{"no group", nil},
		{"unknown group", []jetstream.FetchOpt{jetstream.FetchPriorityGroup("h")}},
		{"empty group", []jetstream.FetchOpt{jetstream.FetchPriorityGroup("")}},
		{"group", []jetstream.FetchOpt{jetstream.FetchPriorityGroup("g")}},
		{"group, enough pending", []jetstream.FetchOpt{jetstream.FetchPriorityGroup("g"), jetstream.FetchMinPending(1)}},
		{"group, not enough pending", []jetstream.FetchOpt{jetstream.FetchPriorityGroup("g"), jetstream.FetchMinPending(100)}},
		{"group, ack pending", []jetstream.FetchOpt{jetstream.FetchPriorityGroup("g"), jetstream.FetchMinAckPending(2)}},
	}
	seen := 0
	for _, tc := range cases {
		s.Part(tc.name)
		opts := append([]jetstream.FetchOpt{jetstream.FetchMaxWait(300 * time.Millisecond)}, tc.opts...)
		p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(1, opts...) })
		seen = p.noteRequests(seen)
	}
	s.Part("")
	s.Timed("next without a group", func() error { _, err := p.cons.Next(jetstream.FetchMaxWait(300 * time.Millisecond)); return err })
}

// pinnedClient: the id of the pin comes with the first message, goes out with each request, and is forgotten when it is wrong.
func pinnedClient(s *stage.Stage) {
	p := newPuller(s, `"priority_groups":["g"],"priority_policy":"pinned_client","priority_timeout":30000000000`)
	s.Peer().Store("s.a", "1", "2", "3", "4", "5")
	fetch := func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(1, jetstream.FetchPriorityGroup("g"), jetstream.FetchMaxWait(500*time.Millisecond))
	}
	request := func(n int) map[string]bool {
		data := s.Tap().Await(n, pulls).Data
		return map[string]bool{"has an id": strings.Contains(data, `"id":"`)}
	}
	s.Part("first")
	p.noteBatch(fetch)
	s.Note("request", "%v", request(1))
	s.Part("second")
	p.noteBatch(fetch)
	s.Note("request", "%v", request(2))
	s.Part("another handle")
	other := p.handle("C")
	b, err := other.Fetch(1, jetstream.FetchPriorityGroup("g"), jetstream.FetchMaxWait(500*time.Millisecond))
	s.Must(err, "fetch")
	subjects, err := read(b)
	s.Note("batch", "%d, %s", len(subjects), s.Describe(err))
	s.Note("request", "%v", request(3))
	s.Peer().Request("$JS.API.CONSUMER.UNPIN.S.C", `{"group":"g"}`)
	s.Part("unpinned")
	p.noteBatch(fetch)
	s.Note("request", "%v", request(4))
	s.Part("afterwards")
	p.noteBatch(fetch)
	s.Note("request", "%v", request(5))
	s.Part("no group named")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(1, jetstream.FetchMaxWait(300*time.Millisecond))
	})
	s.Note("request", "%v", request(6))
}
