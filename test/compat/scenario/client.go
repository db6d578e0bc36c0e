package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
	"github.com/gannet-io/nats/test/compat/stage"
)

// reconnectWait is short, and set by hand: then no library has other ideas.
const reconnectWait = 200 * time.Millisecond

// connect returns a connection that reconnects as long as the scenario lasts.
func connect(s *stage.Stage, opts ...nats.Option) *nats.Conn {
	all := []nats.Option{
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(0, 0), nats.MaxReconnects(-1),
	}
	nc, err := nats.Connect(s.URL(), append(all, opts...)...)
	s.Must(err, "connect")
	s.Cleanup(nc.Close)
	return nc
}

// client is a connection with both JetStream APIs.
type client struct {
	s   *stage.Stage
	nc  *nats.Conn
	old nats.JetStreamContext
	new jetstream.JetStream
}

// how are options for both APIs.
type how struct {
	old []nats.PubOpt
	new []jetstream.PublishOpt
}

func newClient(s *stage.Stage, opts ...nats.Option) *client {
	return &client{s: s, nc: connect(s, opts...)}
}

// jetStream makes the contexts of both APIs anew, as far as they need options.
func (c *client) jetStream(old []nats.JSOpt, opts []jetstream.JetStreamOpt) *client {
	var err error
	c.old, err = c.nc.JetStream(old...)
	c.s.Must(err, "old context")
	c.new, err = jetstream.New(c.nc, opts...)
	c.s.Must(err, "new context")
	return c
}

// newJetStreamClient is a client whose contexts have no options.
func newJetStreamClient(s *stage.Stage) *client { return newClient(s).jetStream(nil, nil) }

// The four ways to publish into a stream.
const (
	oldSync  = "old sync"
	newSync  = "new sync"
	oldAsync = "old async"
	newAsync = "new async"
)

var (
	allWays   = []string{oldSync, newSync, oldAsync, newAsync}
	syncWays  = []string{oldSync, newSync}
	asyncWays = []string{oldAsync, newAsync}
)

var errUnresolved = errors.New("unresolved")

// resolved bounds the wait for a future.
const resolved = 10 * time.Second

// publish publishes in one of the four ways and waits for the result.
func (c *client) publish(way string, m *nats.Msg, o how) (ack string, err error) {
	switch way {
	case oldSync:
		a, err := c.old.PublishMsg(m, o.old...)
		return oldAck(a), err
	case newSync:
		a, err := c.new.PublishMsg(context.Background(), m, o.new...)
		return newAck(a), err
	case oldAsync:
		f, err := c.old.PublishMsgAsync(m, o.old...)
		if err != nil {
			return "", err
		}
		a, err := await(f.Ok(), f.Err(), resolved)
		return oldAck(a), err
	default:
		f, err := c.new.PublishMsgAsync(m, o.new...)
		if err != nil {
			return "", err
		}
		a, err := await(f.Ok(), f.Err(), resolved)
		return newAck(a), err
	}
}

// await returns what a future gets within d.
func await[A any](ok <-chan *A, failed <-chan error, d time.Duration) (*A, error) {
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case a := <-ok:
		return a, nil
	case err := <-failed:
		return nil, err
	case <-limit.C:
		return nil, errUnresolved
	}
}

func oldAck(a *nats.PubAck) string {
	if a == nil {
		return "none"
	}
	return fmt.Sprintf("stream=%s seq=%d domain=%q duplicate=%v", a.Stream, a.Sequence, a.Domain, a.Duplicate)
}

func newAck(a *jetstream.PubAck) string {
	if a == nil {
		return "none"
	}
	return fmt.Sprintf("stream=%s seq=%d domain=%q duplicate=%v value=%q", a.Stream, a.Sequence, a.Domain, a.Duplicate, a.Value)
}

// message is a small message.
func message(subject string) *nats.Msg { return &nats.Msg{Subject: subject, Data: []byte("x")} }

// tell publishes in each of the ways, on a subject of its own below base, and notes the error, the time, and how often and at
// what intervals the message went out.
func (c *client) tell(ways []string, part, base string, o how) {
	for i, way := range ways {
		c.s.Part(way + ", " + part)
		subject := fmt.Sprintf("%s.%d", base, i)
		c.s.Timed("publish", func() error { _, err := c.publish(way, message(subject), o); return err })
		c.noteSent(subject)
	}
	c.s.Part("")
}

// noteSent notes the publishes on a subject.
func (c *client) noteSent(subject string) {
	sent := c.s.Tap().Published(subject)
	c.s.Note("publishes", "%d", len(sent))
	for i := 1; i < len(sent); i++ {
		c.s.Time(fmt.Sprintf("publish %d follows after", i+1), sent[i].At.Sub(sent[i-1].At))
	}
}
