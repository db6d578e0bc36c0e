package scenario

import (
	"context"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/test/compat/stage"
)

var oldFetch = []stage.Scenario{
	{Name: "old fetch, requests on the wire", Rows: []string{"12.1", "6.9 old"}, Run: oldRequests},
	{Name: "old fetch, time", Long: true, Rows: []string{"12.2", "12.4", "1.20"}, Run: oldTime},
	{Name: "old fetch, the default time", Rows: []string{"12.2", "12.4"}, Run: oldDefaultTime},
	{Name: "old fetch, heartbeats", Rows: []string{"12.3"}, Run: oldHeartbeats, Differs: []stage.Difference{
		stage.Differs("12.3", "batch, lost: error", "nats.ErrNoHeartbeat"),
		stage.Lasts("12.3", "batch, lost: took", time.Second),
	}},
	{Name: "old fetch, messages", Rows: []string{"12.5"}, Run: oldMessages},
	{Name: "old fetch, arguments", Rows: []string{"12.9", "12.2"}, Run: oldArguments},
}

// newOldPuller is newPuller for the older API.
func newOldPuller(s *stage.Stage, config ...string) (*puller, *nats.Subscription) {
	p := newPuller(s, config...)
	return p, p.bind("C")
}

// bind is handle for the older API.
func (c *client) bind(name string) *nats.Subscription {
	sub, err := c.old.PullSubscribe("", name, nats.Bind("S", name))
	c.s.Must(err, "bind "+name)
	return sub
}

// noteOld notes how a Fetch went.
func (c *client) noteOld(fetch func() ([]*nats.Msg, error)) {
	start := time.Now()
	var msgs []*nats.Msg
	err := c.s.Try(func() (err error) { msgs, err = fetch(); return err })
	took := time.Since(start)
	c.s.Note("messages", "%d", len(msgs))
	c.s.Error("error", err)
	c.s.Time("took", took)
}

// noteOldBatch notes how a FetchBatch went.
func (c *client) noteOldBatch(fetch func() (nats.MessageBatch, error)) {
	start := time.Now()
	var b nats.MessageBatch
	err := c.s.Try(func() (err error) { b, err = fetch(); return err })
	if err != nil || b == nil {
		c.s.Error("refused", err)
		return
	}
	n := 0
	limit := time.After(longest)
	for open := true; open; {
		select {
		case _, open = <-b.Messages():
			if open {
				n++
			}
		case <-limit:
			c.s.Error("error", errUnresolved)
			return
		}
	}
	took := time.Since(start)
	c.s.Note("messages", "%d", n)
	c.s.Error("error", b.Error())
	c.s.Note("done", "%v", stage.Wait(b.Done(), time.Second))
	c.s.Time("took", took)
}

func oldRequests(s *stage.Stage) {
	p, sub := newOldPuller(s)
	seen := 0
	each := func(name string, store int, fetch func() ([]*nats.Msg, error)) {
		s.Part(name)
		for range store {
			s.Peer().Store("s.a", "x")
		}
		p.noteOld(fetch)
		seen = p.noteRequests(seen)
	}
	each("one, waiting", 1, func() ([]*nats.Msg, error) { return sub.Fetch(1, nats.MaxWait(time.Second)) })
	each("one, none", 0, func() ([]*nats.Msg, error) { return sub.Fetch(1, nats.MaxWait(time.Second)) })
	each("five, none", 0, func() ([]*nats.Msg, error) { return sub.Fetch(5, nats.MaxWait(time.Second)) })
	each("five, two waiting", 2, func() ([]*nats.Msg, error) { return sub.Fetch(5, nats.MaxWait(time.Second)) })
	each("two of two", 2, func() ([]*nats.Msg, error) { return sub.Fetch(2, nats.MaxWait(100*time.Second)) })
	each("maximum bytes", 2, func() ([]*nats.Msg, error) { return sub.Fetch(2, nats.MaxWait(time.Second), nats.PullMaxBytes(1000)) })
	each("heartbeat", 1, func() ([]*nats.Msg, error) {
		return sub.Fetch(1, nats.MaxWait(2*time.Second), nats.PullHeartbeat(500*time.Millisecond))
	})
	each("context", 1, func() ([]*nats.Msg, error) { return sub.Fetch(1, nats.Context(s.Context(20*time.Second))) })

	s.Part("batch, none")
	p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(5, nats.MaxWait(time.Second)) })
	seen = p.noteRequests(seen)
	s.Part("batch, two waiting")
	s.Peer().Store("s.a", "x", "y")
	p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(5, nats.MaxWait(time.Second)) })
	seen = p.noteRequests(seen)
	s.Part("batch, bytes and heartbeat")
	s.Peer().Store("s.a", "x")
	p.noteOldBatch(func() (nats.MessageBatch, error) {
		return sub.FetchBatch(1, nats.MaxWait(2*time.Second), nats.PullMaxBytes(1000), nats.PullHeartbeat(500*time.Millisecond))
	})
	p.noteRequests(seen)
}

func oldTime(s *stage.Stage) {
	p, sub := newOldPuller(s)
	for _, tc := range []struct {
		name string
		opts []nats.PullOpt
	}{
		{"1 s", []nats.PullOpt{nats.MaxWait(time.Second)}},
		{"context of 1 s", []nats.PullOpt{nats.Context(s.Context(3 * time.Second))}},
		{"no deadline", []nats.PullOpt{nats.Context(context.Background())}},
		{"both", []nats.PullOpt{nats.MaxWait(time.Second), nats.Context(s.Context(time.Minute))}},
		{"0 s", []nats.PullOpt{nats.MaxWait(0)}},
		{"-1 s", []nats.PullOpt{nats.MaxWait(-time.Second)}},
	} {
		if tc.name == "context of 1 s" {
			tc.opts = []nats.PullOpt{nats.Context(s.Context(time.Second))}
		}
		s.Part("fetch, " + tc.name)
		p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, tc.opts...) })
		if tc.name == "context of 1 s" {
			tc.opts = []nats.PullOpt{nats.Context(s.Context(time.Second))}
		}
		s.Part("batch, " + tc.name)
		p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(5, tc.opts...) })
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	s.Part("fetch, canceled")
	time.AfterFunc(500*time.Millisecond, cancel)
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, nats.Context(ctx)) })
	ctx, cancel = context.WithTimeout(context.Background(), time.Minute)
	s.Part("batch, canceled")
	time.AfterFunc(500*time.Millisecond, cancel)
	p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(5, nats.Context(ctx)) })
}

func oldDefaultTime(s *stage.Stage) {
	p, sub := newOldPuller(s)
	s.Part("fetch")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5) })
	s.Part("batch")
	p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(5) })
}

func oldHeartbeats(s *stage.Stage) {
	p, sub := newOldPuller(s)
	opts := func(wait, heartbeat time.Duration) []nats.PullOpt {
		return []nats.PullOpt{nats.MaxWait(wait), nats.PullHeartbeat(heartbeat)}
	}
	s.Part("fetch, too long")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, opts(time.Second, 500*time.Millisecond)...) })
	s.Part("batch, too long")
	p.noteOldBatch(func() (nats.MessageBatch, error) {
		return sub.FetchBatch(5, opts(time.Second, 500*time.Millisecond)...)
	})
	s.Part("fetch, none")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, opts(time.Second, 0)...) })
	s.Part("fetch, negative")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, opts(time.Second, -1)...) })
	s.Part("fetch")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, opts(1700*time.Millisecond, 500*time.Millisecond)...) })
	s.Part("batch")
	p.noteOldBatch(func() (nats.MessageBatch, error) {
		return sub.FetchBatch(5, opts(1700*time.Millisecond, 500*time.Millisecond)...)
	})
	s.Tap().Drop(dropAnswers)
	s.Part("fetch, lost")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(5, opts(3*time.Second, 500*time.Millisecond)...) })
	s.Part("batch, lost")
	p.noteOldBatch(func() (nats.MessageBatch, error) {
		return sub.FetchBatch(5, opts(3*time.Second, 500*time.Millisecond)...)
	})
}

func oldMessages(s *stage.Stage) {
	p, sub := newOldPuller(s)
	for i, tc := range []struct{ there, later, want int }{{5, 0, 5}, {2, 0, 5}, {2, 2, 5}, {0, 3, 3}} {
		for _, kind := range []string{"fetch", "batch"} {
			s.Part(fmt.Sprintf("%s %d: %d there, %d later, %d wanted", kind, i, tc.there, tc.later, tc.want))
			for range tc.there {
				s.Peer().Store("s.a", "x")
			}
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				s.Pause(400 * time.Millisecond)
				for range tc.later {
					s.Peer().Publish("s.a", "", "", "x")
				}
			}()
			if kind == "fetch" {
				p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(tc.want, nats.MaxWait(1500*time.Millisecond)) })
			} else {
				p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(tc.want, nats.MaxWait(1500*time.Millisecond)) })
			}
			s.Join(sent)
		}
	}
}

func oldArguments(s *stage.Stage) {
	p, sub := newOldPuller(s)
	for _, n := range []int{0, -1} {
		s.Part(fmt.Sprint("fetch ", n))
		p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(n, nats.MaxWait(300*time.Millisecond)) })
		s.Part(fmt.Sprint("batch ", n))
		p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(n, nats.MaxWait(300*time.Millisecond)) })
	}
	core, err := p.nc.SubscribeSync("x")
	s.Must(err, "subscribe")
	s.Part("not a pull subscription")
	p.noteOld(func() ([]*nats.Msg, error) { return core.Fetch(1, nats.MaxWait(300*time.Millisecond)) })
	p.noteOldBatch(func() (nats.MessageBatch, error) { return core.FetchBatch(1, nats.MaxWait(300*time.Millisecond)) })
	s.Must(sub.Unsubscribe(), "unsubscribe")
	s.Part("unsubscribed")
	p.noteOld(func() ([]*nats.Msg, error) { return sub.Fetch(1, nats.MaxWait(300*time.Millisecond)) })
	p.noteOldBatch(func() (nats.MessageBatch, error) { return sub.FetchBatch(1, nats.MaxWait(300*time.Millisecond)) })
}
