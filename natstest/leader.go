package natstest

import (
	"errors"
	"fmt"
)

// Leader waits for a meta leader, the server that answers JetStream's API, and returns it. If there is none within the
// timeout, the test ends (FailNow, so call it from the test's goroutine); outside of tests the result is nil.
func (c *ClusterT) Leader() *Server {
	return c.found("meta leader", c.waitLeader(query{Verb: askState}, nil))
}

// StreamLeader waits for a leader of the stream and returns it; for one replica that is the server that has it. If there is
// none within the timeout (or no such stream), it behaves as [ClusterT.Leader].
func (c *ClusterT) StreamLeader(stream string) *Server {
	return c.found("leader of stream "+stream, c.waitLeader(c.onStream(stream), nil))
}

// ConsumerLeader is [ClusterT.StreamLeader] for a consumer.
func (c *ClusterT) ConsumerLeader(stream, consumer string) *Server {
	return c.found("leader of consumer "+stream+" > "+consumer, c.waitLeader(c.onConsumer(stream, consumer), nil))
}

// StepDown makes the stream's leader hand over to another server, and waits until one leads. It fails for a stream that has
// only one replica on running servers.
func (c *ClusterT) StepDown(stream string) error {
	return c.report("step down of stream "+stream, c.stepDown(stepDownStream, c.onStream(stream)))
}

// StepDownConsumer is [ClusterT.StepDown] for a consumer.
func (c *ClusterT) StepDownConsumer(stream, consumer string) error {
	return c.report("step down of consumer "+stream+" > "+consumer, c.stepDown(stepDownConsumer, c.onConsumer(stream, consumer)))
}

// WaitCurrent waits until the stream has a leader and every running server that has a replica of the stream is level with it.
func (c *ClusterT) WaitCurrent(stream string) error {
	if poll(c.timeout, func() bool { return c.current(stream) }) {
		return nil
	}
	return c.report("wait for the replicas of "+stream, fmt.Errorf("not level after %v", c.timeout))
}

func (c *ClusterT) onStream(stream string) query {
	return query{Verb: askStream, Account: c.account, Stream: stream}
}

func (c *ClusterT) onConsumer(stream, consumer string) query {
	return query{Verb: askConsumer, Account: c.account, Stream: stream, Consumer: consumer}
}

func (c *ClusterT) current(stream string) bool {
	led := false
	for _, s := range c.servers {
		a, err := s.ask(c.onStream(stream))
		if err != nil {
			continue // not running
		}
		if a.Assigned && !a.Current {
			return false
		}
		led = led || a.Leader
	}
	return led
}

func (c *ClusterT) stepDown(how verb, who query) error {
	old := c.waitLeader(who, nil)
	if old == nil {
		return fmt.Errorf("no leader within %v", c.timeout)
	}
	if c.replicas(who.Stream) < 2 {
		return errors.New("no other running server has a replica")
	}
	order := who
	order.Verb = how
	if _, err := old.ask(order); err != nil {
		return err
	}
	if c.waitLeader(who, old) == nil {
		return fmt.Errorf("no leader other than %s within %v", old.Name(), c.timeout)
	}
	return nil
}

func (c *ClusterT) replicas(stream string) (n int) {
	for _, s := range c.servers {
		if a, err := s.ask(c.onStream(stream)); err == nil && a.Assigned {
			n++
		}
	}
	return n
}

// waitLeader polls until a server other than not says that it leads; nil if none does in time.
func (c *ClusterT) waitLeader(who query, not *Server) (leader *Server) {
	poll(c.timeout, func() bool {
		for _, s := range c.servers {
			if s == not {
				continue
			}
			if a, err := s.ask(who); err == nil && a.Leader {
				leader = s
				return true
			}
		}
		return false
	})
	return leader
}

// found ends the test if there is nothing to return.
func (c *ClusterT) found(what string, s *Server) *Server {
	if s == nil && c.tb != nil {
		c.tb.Helper()
		c.tb.Fatalf("natstest: no %s within %v", what, c.timeout)
	}
	return s
}
