package scenario

import (
	"encoding/json"
	"errors"

	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

// The two ways to receive without end.
const (
	consumeWay  = "consume"
	messagesWay = "messages"
)

var flowWays = []string{consumeWay, messagesWay}

// flowOpt is an option of both.
type flowOpt interface {
	jetstream.PullConsumeOpt
	jetstream.PullMessagesOpt
}

// flow is a Consume or an iterator that somebody reads, as events: "message x", "told E", and "closed" at the end.
type flow struct {
	*events
	stop, drain func()
}

// flow begins to receive. handle is called for each message; nil acks it.
func (c *client) flow(way string, cons jetstream.Consumer, handle func(jetstream.Msg), opts ...flowOpt) *flow {
	f := &flow{events: newEvents()}
	take := func(m jetstream.Msg) {
		f.add("message " + string(m.Data()))
		if handle == nil {
			_ = m.Ack()
			return
		}
		handle(m)
	}
	ended := make(chan struct{})
	if way == consumeWay {
		all := []jetstream.PullConsumeOpt{
			jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { f.add("told " + c.s.Describe(err)) }),
		}
		for _, o := range opts {
			all = append(all, o)
		}
		cc, err := cons.Consume(take, all...)
		c.s.Must(err, "consume")
		go func() {
			defer close(ended)
			<-cc.Closed()
			f.add("closed")
		}()
		f.stop, f.drain = cc.Stop, cc.Drain
	} else {
		var all []jetstream.PullMessagesOpt
		for _, o := range opts {
			all = append(all, o)
		}
		it, err := cons.Messages(all...)
		c.s.Must(err, "messages")
		go func() {
			defer close(ended)
			for {
				m, err := it.Next()
				if err == nil {
					take(m)
					continue
				}
				if !errors.Is(err, jetstream.ErrMsgIteratorClosed) || errors.Is(err, jetstream.ErrConnectionClosed) {
					f.add("told " + c.s.Describe(err))
				}
				if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
					f.add("closed")
					return
				}
			}
		}()
		f.stop, f.drain = it.Stop, it.Drain
	}
	c.s.Cleanup(func() {
		f.stop()
		stage.Wait(ended, resolved)
	})
	return f
}

// pullsOf matches the pull requests of a consumer of the stream "S".
func pullsOf(name string) func(stage.Frame) bool {
	return func(f stage.Frame) bool { return pulls(f) && f.Subject == pullSubject+"S."+name }
}

// noteRequestsOf notes all pull requests of a consumer of the stream "S".
func (c *client) noteRequestsOf(name string) {
	c.s.Must(c.nc.Flush(), "flush")
	for _, f := range c.s.Tap().Frames(pullsOf(name)) {
		text, expires := pullRequest(f.Data)
		c.s.Note("request", "%s", text)
		if expires > 0 {
			c.s.Time("request expires", expires)
		}
	}
}

// unmarshal reads JSON that has to be right.
func unmarshal(s *stage.Stage, text string, into any) {
	s.Must(json.Unmarshal([]byte(text), into), "JSON")
}
