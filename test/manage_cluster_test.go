package test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// Streams and consumers whose only server is down are listed all the same, by both APIs, and say that nobody leads them.
func TestManageListsWithServersDown(t *testing.T) {
	cl := startJSCluster(t)
	nc := dial(t, cl.URL(), quickly(), silent())
	js, old := newJS(t, nc), legacyJS(t, nc)
	ctx := t.Context()
	const each = 6
	s := got[jetstream.Stream](t)(js.CreateStream(ctx, jetstream.StreamConfig{Name: "T", Subjects: []string{"t"}, Replicas: 3}))
	for i := range each {
		got[jetstream.Stream](t)(js.CreateStream(ctx, jetstream.StreamConfig{Name: fmt.Sprint("R", i), Subjects: []string{fmt.Sprint("r", i)}}))
		got[jetstream.Consumer](t)(s.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: fmt.Sprint("c", i), Replicas: 1}))
	}
	leaderless := func() (n int) {
		t.Helper()
		streams, consumers := map[string]bool{}, map[string]bool{}
		all := js.ListStreams(ctx)
		for i := range all.Info() {
			if streams[i.Config.Name] = true; i.Cluster.Leader == "" {
				n++
			}
		}
		errs := all.Err()
		list := s.ListConsumers(ctx)
		for i := range list.Info() {
			if consumers[i.Name] = true; i.Cluster.Leader == "" {
				n++
			}
			if i.Stream != "T" {
				t.Errorf("%s is of the stream %q", i.Name, i.Stream)
			}
		}
		if errs = errors.Join(errs, list.Err()); errs != nil {
			if !errors.Is(errs, jetstream.ErrListIncomplete) { // the leader does not know yet that a server is down
				t.Error(errs)
			}
			return 0
		}
		if len(streams) != each+1 || len(consumers) != each {
			t.Errorf("got the streams %v and the consumers %v", streams, consumers)
		}
		older := map[string]*nats.ConsumerInfo{}
		for i := range old.Consumers("T") {
			older[i.Name] = i
		}
		if len(older) != each {
			t.Errorf("older API: got %v", older)
		}
		return n
	}
	if n := leaderless(); n != 0 {
		t.Errorf("%d without a leader, all servers are there", n)
	}
	for _, srv := range cl.Servers() { // T goes on with two
		if srv != cl.Leader() {
			must(t, srv.Stop())
			break
		}
	}
	eventually(t, "streams and consumers without a leader", func() bool { return leaderless() > 0 })
}
