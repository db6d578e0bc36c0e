package engine

import (
	"net/url"

	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/session"
)

type greeter func(*proto.Info, *url.URL) (proto.Connect, error)

func (g greeter) Hello(info *proto.Info, server *url.URL) (proto.Connect, error) {
	return g(info, server)
}

// Events is a listener made of functions; those that are nil are skipped.
type Events struct {
	Connected, Reconnected, Closed, Discovered, LameDuck func()
	Disconnected, ReconnectFailed                        func(err error)
	Error                                                func(sink Sink, err error)
}

func (ev Events) Status(session.Status) {}
func (ev Events) Reading(bool)          {}

func (ev Events) pick(e Event) (f func(), withErr func(error)) {
	switch e {
	case Connected:
		return ev.Connected, nil
	case Disconnected:
		return nil, ev.Disconnected
	case Reconnected:
		return ev.Reconnected, nil
	case ReconnectFailed:
		return nil, ev.ReconnectFailed
	case Closed:
		return ev.Closed, nil
	case Discovered:
		return ev.Discovered, nil
	case LameDuck:
		return ev.LameDuck, nil
	}
	return nil, nil
}

func (ev Events) Listens(e Event) bool {
	f, withErr := ev.pick(e)
	return f != nil || withErr != nil
}

func (ev Events) Happened(e Event, err error) {
	switch f, withErr := ev.pick(e); {
	case f != nil:
		f()
	case withErr != nil:
		withErr(err)
	}
}

func (ev Events) Report(sink Sink, err error) {
	if ev.Error != nil {
		ev.Error(sink, err)
	}
}
