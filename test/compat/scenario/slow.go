package scenario

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/test/compat/stage"
)

var slow = []stage.Scenario{
	{Name: "slow consumer, synchronous", Rows: []string{"1.14", "2.14"}, Run: slowSync},
	{Name: "slow consumer, channel", Rows: []string{"1.15", "2.14"}, Run: slowChannel},
	{Name: "slow consumer, limits", Rows: []string{"1.15", "2.14"}, Run: slowLimits},
}

// flood publishes n messages and returns when the client has received them.
func flood(s *stage.Stage, nc *nats.Conn, n int) {
	for range n {
		s.Peer().Publish("a", "", "", "0123456789")
	}
	s.Peer().Flush()
	s.Must(nc.Flush(), "flush")
	s.Must(nc.Flush(), "flush")
}

func slowSync(s *stage.Stage) {
	told := newEvents()
	nc := connect(s, nats.SyncQueueLen(100), nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
		told.add(sub.Subject + " " + s.Describe(err))
	}))
	sub, err := nc.SubscribeSync("a")
	s.Must(err, "subscribe")
	s.Must(nc.Flush(), "flush")
	flood(s, nc, 150)
	noteCounts(s, sub, "after 150")
	s.Note("told", "%s", told.sorted(1))
	next := func(key string) {
		_, err := sub.NextMsg(time.Second)
		s.Error(key, err)
	}
	next("first next")
	next("second next")
	flood(s, nc, 1)
	noteCounts(s, sub, "after one more")
	flood(s, nc, 50)
	s.Note("told again", "%s", told.sorted(1))
	noteCounts(s, sub, "at the end")
}

func noteCounts(s *stage.Stage, sub *nats.Subscription, key string) {
	messages, bytes, err := sub.Pending()
	s.Note(key+", pending", "%d, %d, %s", messages, bytes, s.Describe(err))
	dropped, err := sub.Dropped()
	s.Note(key+", dropped", "%d, %s", dropped, s.Describe(err))
}

func slowChannel(s *stage.Stage) {
	told := newEvents()
	nc := connect(s, nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { told.add(sub.Subject + " " + s.Describe(err)) }))
	ch := make(chan *nats.Msg, 10)
	sub, err := nc.ChanSubscribe("a", ch)
	s.Must(err, "subscribe")
	s.Must(nc.Flush(), "flush")
	_, _, err = sub.PendingLimits()
	s.Error("limits", err)
	s.Error("set limits", sub.SetPendingLimits(5, 5))
	flood(s, nc, 25)
	s.Note("in the channel", "%d", len(ch))
	dropped, err := sub.Dropped()
	s.Note("dropped", "%d, %s", dropped, s.Describe(err))
	s.Note("told", "%s", told.sorted(1))
}

// slowLimits floods subscriptions of which one message is being handled.
func slowLimits(s *stage.Stage) {
	for _, limits := range [][2]int{{5, -1}, {-1, 50}, {5, 25}, {-1, -1}, {-7, -7}} {
		s.Part(fmt.Sprint(limits))
		told := newEvents()
		nc := connect(s, nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) { told.add(sub.Subject + " " + s.Describe(err)) }))
		entered, release := make(chan struct{}, 100), make(chan struct{})
		sub, err := nc.Subscribe("a", func(*nats.Msg) { entered <- struct{}{}; <-release })
		s.Must(err, "subscribe")
		s.Error("limits", sub.SetPendingLimits(limits[0], limits[1]))
		s.Must(nc.Flush(), "flush")
		flood(s, nc, 1)
		stage.Take(s, entered, "the callback")
		flood(s, nc, 20)
		dropped, err := sub.Dropped()
		s.Note("dropped", "%d, %s", dropped, s.Describe(err))
		messages, bytes, err := sub.PendingLimits()
		s.Note("limits are", "%d, %d, %s", messages, bytes, s.Describe(err))
		s.Note("told", "%s", told.sorted(min(dropped, 1)))
		close(release)
		for range 20 - dropped {
			stage.Take(s, entered, "the callback")
		}
		s.Note("handled", "%d", 21-dropped)
		nc.Close()
	}
}
