package scenario

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

var fetchRequests = []stage.Scenario{
	{Name: "fetch, requests on the wire", Rows: []string{"6.9", "9.1", "9.2", "9.4", "9.5"}, Run: requestsOnTheWire},
	{Name: "fetch, heartbeats that may be asked for", Rows: []string{"9.3", "16.14"}, Run: heartbeatsAllowed},
	{Name: "fetch, batches", Rows: []string{"9.4", "9.8", "16.13"}, Run: batches,
		Differs: []stage.Difference{stage.Differs("16.13", "-1: refused", "is nats.ErrInvalidArg")}},
	{Name: "fetch, options that do not belong together", Rows: []string{"16.14", "16.15"}, Run: fetchOptionsRefused},
	{Name: "consumer information", Rows: []string{"9.43"}, Run: consumerInformation},
	{Name: "fetch, byte limits", Rows: []string{"9.12", "9.37"}, Run: byteLimits},
}

func requestsOnTheWire(s *stage.Stage) {
	p := newPuller(s, `"ack_policy":"none"`)
	for range 40 {
		s.Peer().Store("s.a", "0123456789")
	}
	ctx := func(d time.Duration) context.Context { return s.Context(d) }
	fetches := []struct {
		name  string
		fetch func() (jetstream.MessageBatch, error)
	}{
		{"default", func() (jetstream.MessageBatch, error) { return p.cons.Fetch(1) }},
		{"9.9 s", func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchMaxWait(9900*time.Millisecond))
		}},
		{"10 s", func() (jetstream.MessageBatch, error) { return p.cons.Fetch(1, jetstream.FetchMaxWait(10*time.Second)) }},
		{"15 s", func() (jetstream.MessageBatch, error) { return p.cons.Fetch(1, jetstream.FetchMaxWait(15*time.Second)) }},
		{"20 ms", func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchMaxWait(20*time.Millisecond))
		}},
		{"5 s, heartbeat", func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchMaxWait(5*time.Second), jetstream.FetchHeartbeat(time.Second))
		}},
		{"heartbeat before 5 s", func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchHeartbeat(time.Second), jetstream.FetchMaxWait(5*time.Second))
		}},
		{"context of 5 s", func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchContext(ctx(5*time.Second)))
		}},
		{"context of 20 s", func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchContext(ctx(20*time.Second)))
		}},
		{"context of 100 s", func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchContext(ctx(100*time.Second)))
		}},
		{"context without end", func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchContext(context.Background()))
		}},
		{"minimum pending", func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchMinPending(0), jetstream.FetchMaxWait(time.Second))
		}},
		{"maximum bytes", func() (jetstream.MessageBatch, error) { return p.cons.Fetch(1, jetstream.FetchMaxBytes(1000)) }},
		{"two of two", func() (jetstream.MessageBatch, error) { return p.cons.Fetch(2) }},
		{"no wait", func() (jetstream.MessageBatch, error) { return p.cons.FetchNoWait(3) }},
		{"bytes", func() (jetstream.MessageBatch, error) {
			return p.cons.FetchBytes(120, jetstream.FetchMaxWait(time.Second))
		}},
		{"bytes, default", func() (jetstream.MessageBatch, error) { return p.cons.FetchBytes(120) }},
	}
	seen := 0
	for _, f := range fetches {
		s.Part(f.name)
		p.noteBatch(f.fetch)
		seen = p.noteRequests(seen)
	}
	s.Part("next")
	_, err := p.cons.Next()
	s.Error("error", err)
	seen = p.noteRequests(seen)
	s.Part("next, 2 s")
	_, err = p.cons.Next(jetstream.FetchMaxWait(2 * time.Second))
	s.Error("error", err)
	p.noteRequests(seen)
}

func heartbeatsAllowed(s *stage.Stage) {
	p := newPuller(s)
	const wait = 400 * time.Millisecond
	for _, hb := range []time.Duration{-time.Second, 0, 200 * time.Millisecond, 200*time.Millisecond + 1, wait, time.Minute} {
		s.Part(hb.String())
		p.noteBatch(func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(1, jetstream.FetchMaxWait(wait), jetstream.FetchHeartbeat(hb))
		})
	}
	s.Part("20 s of the default")
	p.noteBatch(func() (jetstream.MessageBatch, error) {
		return p.cons.Fetch(1, jetstream.FetchHeartbeat(20*time.Second))
	})
	s.Part("")
	s.Error("next, 1 s of 1 s", func() error {
		_, err := p.cons.Next(jetstream.FetchMaxWait(time.Second), jetstream.FetchHeartbeat(time.Second))
		return err
	}())
}

func batches(s *stage.Stage) {
	p := newPuller(s)
	for range 5 {
		s.Peer().Store("s.a", "x")
	}
	b, err := p.cons.Fetch(5, jetstream.FetchMaxWait(300*time.Millisecond))
	s.Must(err, "fetch")
	s.Note("room for five", "%d", cap(b.Messages()))
	subjects, err := read(b)
	s.Note("five", "%d, %s", len(subjects), s.Describe(err))
	b, err = p.cons.FetchNoWait(6)
	s.Must(err, "fetch")
	s.Note("room for six without waiting", "%d", cap(b.Messages()))
	subjects, err = read(b)
	s.Note("six without waiting", "%d, %s", len(subjects), s.Describe(err))
	s.Part("0")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(0) })
	s.Part("-1")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(-1) })
	s.Part("no wait, 0")
	p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.FetchNoWait(0) })
	s.Part("")
	s.Note("requests", "%d", len(s.Tap().Frames(pulls)))
}

func fetchOptionsRefused(s *stage.Stage) {
	p := newPuller(s)
	past, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	gone, stop := context.WithCancel(context.Background())
	stop()
	options := []struct {
		name string
		opts []jetstream.FetchOpt
	}{
		{"no time", []jetstream.FetchOpt{jetstream.FetchMaxWait(0)}},
		{"negative time", []jetstream.FetchOpt{jetstream.FetchMaxWait(-1)}},
		{"no heartbeat", []jetstream.FetchOpt{jetstream.FetchHeartbeat(0)}},
		{"past context", []jetstream.FetchOpt{jetstream.FetchContext(past)}},
		{"canceled context", []jetstream.FetchOpt{jetstream.FetchContext(gone)}},
		{"context and time", []jetstream.FetchOpt{jetstream.FetchContext(s.Context(time.Second)), jetstream.FetchMaxWait(time.Second)}},
		{"time and context", []jetstream.FetchOpt{jetstream.FetchMaxWait(time.Second), jetstream.FetchContext(s.Context(time.Second))}},
		{"minimum pending -1", []jetstream.FetchOpt{jetstream.FetchMinPending(-1), jetstream.FetchMaxWait(300 * time.Millisecond)}},
		{"minimum ack pending 0", []jetstream.FetchOpt{jetstream.FetchMinAckPending(0), jetstream.FetchMaxWait(300 * time.Millisecond)}},
		{"priority 10", []jetstream.FetchOpt{jetstream.FetchPrioritized(10), jetstream.FetchMaxWait(300 * time.Millisecond)}},
		{"bytes", []jetstream.FetchOpt{jetstream.FetchMaxBytes(100), jetstream.FetchMaxWait(300 * time.Millisecond)}},
		{"bytes -1", []jetstream.FetchOpt{jetstream.FetchMaxBytes(-1), jetstream.FetchMaxWait(300 * time.Millisecond)}},
	}
	for _, o := range options {
		s.Part("fetch, " + o.name)
		p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.Fetch(1, o.opts...) })
		s.Part("bytes, " + o.name)
		p.noteBatch(func() (jetstream.MessageBatch, error) { return p.cons.FetchBytes(100, o.opts...) })
		s.Part("next, " + o.name)
		s.Timed("next", func() error { _, err := p.cons.Next(o.opts...); return err })
	}
}

func consumerInformation(s *stage.Stage) {
	p := newPuller(s)
	asked := func() int { return len(s.Tap().Published("$JS.API.CONSUMER.INFO.")) }
	before := asked()
	info := p.cons.CachedInfo()
	s.Note("cached", "%s %s pending %d, %d requests", info.Stream, info.Name, info.NumPending, asked()-before)
	s.Peer().Store("s.a", "x", "y")
	s.Pause(100 * time.Millisecond) // the server counts a little later
	s.Note("cached later", "pending %d", p.cons.CachedInfo().NumPending)
	now, err := p.cons.Info(s.Context(resolved))
	s.Must(err, "info")
	s.Note("asked", "pending %d, %d requests", now.NumPending, asked()-before)
	s.Note("cached after that", "pending %d", p.cons.CachedInfo().NumPending)
	s.Peer().API("CONSUMER.DELETE.S.C", "")
	_, err = p.cons.Info(s.Context(resolved))
	s.Error("deleted", err)
	s.Note("cached all the same", "%v", p.cons.CachedInfo() != nil)
}

// byteLimits: how many messages fit tells what counts.
func byteLimits(s *stage.Stage) {
	p := newPuller(s)
	for range 20 {
		s.Peer().Store("s.a", "0123456789")
	}
	for _, limit := range []int{1, 60, 100, 150, 200, 400} {
		s.Part(strconv.Itoa(limit) + " bytes")
		p.noteBatch(func() (jetstream.MessageBatch, error) {
			return p.cons.FetchBytes(limit, jetstream.FetchMaxWait(300*time.Millisecond))
		})
		s.Part(strconv.Itoa(limit) + " bytes of a batch")
		p.noteBatch(func() (jetstream.MessageBatch, error) {
			return p.cons.Fetch(3, jetstream.FetchMaxBytes(limit), jetstream.FetchMaxWait(300*time.Millisecond))
		})
	}
	for range 8 {
		s.Peer().Publish("s.with.a.long.subject", "", "Key: "+strings.Repeat("v", 100), "0123456789")
	}
	s.Peer().Flush()
	h := p.handle("C")
	s.Peer().API("CONSUMER.DELETE.S.C", "")
	s.Peer().Consumer("S", "C", `"filter_subject":"s.with.>"`)
	for _, limit := range []int{200, 201, 420, 620} {
		s.Part(strconv.Itoa(limit) + " bytes with headers")
		p.noteBatch(func() (jetstream.MessageBatch, error) {
			return h.FetchBytes(limit, jetstream.FetchMaxWait(300*time.Millisecond))
		})
	}
}
