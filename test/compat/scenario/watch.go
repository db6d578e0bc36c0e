package scenario

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/test/compat/stage"
)

// kind is Describe for errors of the network, whose texts name addresses.
func kind(s *stage.Stage, err error) string {
	var dial *net.OpError
	switch {
	case err == nil:
		return "nil"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.As(err, &dial):
		return "network"
	}
	return s.Describe(err)
}

// watch has every callback of a connection tell.
func watch(s *stage.Stage, told *events) nats.Option {
	plain := func(name string) nats.ConnHandler { return func(*nats.Conn) { told.add(name) } }
	return func(o *nats.Options) error {
		o.ConnectedCB, o.ReconnectedCB, o.ClosedCB = plain("connected"), plain("reconnected"), plain("closed")
		o.DiscoveredServersCB, o.LameDuckModeHandler = plain("discovered"), plain("lame duck")
		o.DisconnectedErrCB = func(_ *nats.Conn, err error) { told.add("disconnected " + kind(s, err)) }
		o.ReconnectErrCB = func(_ *nats.Conn, err error) { told.add("attempt " + kind(s, err)) }
		o.AsyncErrorCB = func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if strings.Contains(fmt.Sprintf("%T", err), "LossError") {
				return // what may be lost is told by one library only
			}
			where := ""
			if sub != nil {
				where = " of " + sub.Subject
			}
			told.add("error " + kind(s, err) + where)
		}
		return nil
	}
}

// list is next in one line.
func (e *events) list(n int) string { return "[" + strings.Join(e.next(n), "; ") + "]" }

// until waits for an event that begins with prefix and a quiet while, and returns all that came, in one line.
func (e *events) until(prefix string) string {
	var got []string
	for {
		more := e.next(1)
		got = append(got, more...)
		for _, text := range more {
			if strings.HasPrefix(text, prefix) || strings.HasPrefix(text, "(") {
				return "[" + strings.Join(got, "; ") + "]"
			}
		}
	}
}

// open connects to url with these options and no others.
func open(s *stage.Stage, url string, opts ...nats.Option) *nats.Conn {
	nc, err := nats.Connect(url, opts...)
	s.Must(err, "connect")
	s.Cleanup(nc.Close)
	return nc
}

// at returns options that reconnect for ever at this pace.
func at(wait, jitter nats.Option) nats.Option {
	return func(o *nats.Options) error {
		for _, set := range []nats.Option{wait, jitter, nats.MaxReconnects(-1)} {
			if err := set(o); err != nil {
				return err
			}
		}
		return nil
	}
}

// isOp matches operations of the client.
func isOp(ops ...string) func(stage.Frame) bool {
	return func(f stage.Frame) bool {
		for _, op := range ops {
			if f.FromClient && f.Op == op {
				return true
			}
		}
		return false
	}
}
