package gannet

import (
	"fmt"
	"sync/atomic"

	"github.com/gannet-io/nats"

	"github.com/gannet-io/nats/test/bench/meter"
)

func receiveAsync(r *meter.Run) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	flow, err := r.NewFlow()
	if err != nil {
		return err
	}
	c := newCounter(r, flow)
	for i := range max(r.Subs, 1) {
		handler := c.message
		if r.Subs > 1 {
			handler = c.oneOfMany()
		}
		if _, err := nc.Subscribe(meter.SubjectOf(i), handler); err != nil {
			return err
		}
	}
	return receive(r, nc, c, nil)
}

// receive has the server send the warm-up and the measured messages. Where no callback counts them, pull does.
func receive(r *meter.Run, nc *nats.Conn, c *counter, pull func(n int) error) error {
	if err := nc.FlushTimeout(meter.Timeout); err != nil {
		return err
	}
	if err := c.stretch(r.Warm, c.warmed, pull); err != nil {
		return err
	}
	if err := r.Begin(); err != nil {
		return err
	}
	if err := c.stretch(r.Ops, c.done, pull); err != nil {
		return err
	}
	r.End()
	if c.bad.Load() > 0 {
		return fmt.Errorf("%d messages were not what was sent", c.bad.Load())
	}
	return nil
}

// counter counts messages. n belongs to the one callback or loop that calls message; the rest does not change once messages come.
type counter struct {
	flow         *meter.Flow
	size         int
	headers      bool
	warm, total  int
	warmed, done chan struct{} // closed with message number warm, and total

	n   int
	all atomic.Int64 // of many callbacks
	bad atomic.Int64
}

func newCounter(r *meter.Run, flow *meter.Flow) *counter {
	return &counter{flow: flow, size: r.Size, headers: r.Headers, warm: r.Warm, total: r.Warm + r.Ops,
		warmed: make(chan struct{}), done: make(chan struct{})}
}

// stretch is n messages; all must arrive.
func (c *counter) stretch(n int, end <-chan struct{}, pull func(n int) error) error {
	c.flow.Start(n)
	if pull != nil {
		if err := pull(n); err != nil {
			return err
		}
	}
	return meter.Await(end, "receive")
}

// message is the callback, and the body of the loops.
func (c *counter) message(m *nats.Msg) {
	if len(m.Data) != c.size || c.headers && len(m.Header) != 2 {
		c.bad.Add(1)
	}
	c.count()
}

// count is for messages that somebody else has looked at.
func (c *counter) count() {
	c.n++
	if c.n%meter.FlowStep == 0 {
		c.flow.More()
	}
	if c.n == c.warm || c.n == c.total {
		c.reached(c.n)
	}
}

func (c *counter) reached(n int) {
	if n == c.warm {
		close(c.warmed)
	} else {
		close(c.done)
	}
}

// oneOfMany is a callback that runs beside others. It adds to the common number now and then only.
func (c *counter) oneOfMany() nats.MsgHandler {
	n := 0
	return func(m *nats.Msg) {
		if len(m.Data) != c.size {
			c.bad.Add(1)
		}
		n++
		if n%meter.Stride != 0 {
			return
		}
		now := int(c.all.Add(meter.Stride))
		if now%meter.FlowStep == 0 {
			c.flow.More()
		}
		if now == c.warm || now == c.total {
			c.reached(now)
		}
	}
}

func receiveSync(r *meter.Run) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	flow, err := r.NewFlow()
	if err != nil {
		return err
	}
	sub, err := nc.SubscribeSync(meter.SubjectOf(0))
	if err != nil {
		return err
	}
	c := newCounter(r, flow)
	return receive(r, nc, c, func(n int) error {
		for range n {
			m, err := sub.NextMsg(meter.Timeout)
			if err != nil {
				return err
			}
			c.message(m)
		}
		return nil
	})
}

func receiveChan(r *meter.Run) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	flow, err := r.NewFlow()
	if err != nil {
		return err
	}
	ch := make(chan *nats.Msg, 1<<16)
	if _, err := nc.ChanSubscribe(meter.SubjectOf(0), ch); err != nil {
		return err
	}
	c := newCounter(r, flow)
	return receive(r, nc, c, func(n int) error {
		for range n {
			c.message(<-ch)
		}
		return nil
	})
}
