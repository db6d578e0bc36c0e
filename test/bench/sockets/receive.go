package sockets

import (
	"fmt"

	"github.com/gannet-io/nats/test/bench/meter"
	"github.com/gannet-io/nats/test/bench/peer"
)

// subscription is found by its number.
type subscription struct {
	subject string
	got     int
}

func receive(r *meter.Run) error {
	return receiving(r, nil)
}

// reply answers each message of one read, and writes the answers together.
func reply(r *meter.Run) error {
	data := r.Payload()
	r.Sent((r.Warm + r.Ops) * (len("PUB  16\r\n\r\n") + peer.ReplyLen + len(data)))
	return receiving(r, func(c *conn, m *message) error { return c.publish(m.reply, nil, nil, data) })
}

// receiving has the server send, and gives each message to answer, if there is one.
func receiving(r *meter.Run, answer func(*conn, *message) error) error {
	c, err := dial(r.URL)
	if err != nil {
		return err
	}
	defer c.Close()
	flow, err := r.NewFlow()
	if err != nil {
		return err
	}
	subs := make([]subscription, max(r.Subs, 1))
	for i := range subs {
		subs[i].subject = meter.SubjectOf(i)
		c.subscribe(subs[i].subject, i)
	}
	if err := c.settle(); err != nil {
		return err
	}
	var mem memory
	bad := 0
	if err := measure(r, func(n int, _ bool) error {
		flow.Start(n)
		for i := 1; i <= n; i++ {
			if err := c.message(); err != nil {
				return err
			}
			if c.frame.sid >= len(subs) {
				return fmt.Errorf("a message for subscription %d of %d", c.frame.sid, len(subs))
			}
			s := &subs[c.frame.sid]
			s.got++
			m, err := mem.message(c, s.subject)
			if err != nil {
				return err
			}
			if len(m.data) != r.Size || r.Headers && len(m.header) != 2 {
				bad++
			}
			if answer != nil {
				if err := answer(c, m); err != nil {
					return err
				}
			}
			if i%meter.FlowStep == 0 {
				flow.More()
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, s := range subs {
		bad += max(s.got-(r.Warm+r.Ops)/len(subs), 0)
	}
	if bad > 0 {
		return fmt.Errorf("%d messages were not what was sent", bad)
	}
	return c.settle() // the last answers: the server counts them
}
