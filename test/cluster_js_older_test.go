package test

import (
	"context"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"
)

// subscribed adds a subscription of the older API. What disturbs it is told its connection's error handler.
func (c *convoy) subscribed(name, durable string, opts ...nats.SubOpt) {
	c.t.Helper()
	r := &reader{name: name, durable: durable}
	r.nc = c.dial(r.errors())
	var sub *nats.Subscription
	js := legacyJS(c.t, r.nc)
	ready := make(chan struct{})
	c.insist(name, func(context.Context) (err error) {
		sub, err = js.Subscribe("l.>", func(m *nats.Msg) {
			<-ready
			r.take(older{m})
		}, opts...)
		return err
	})
	r.work = func(r *reader) {
		close(ready)
		<-r.c.quit
		if err := sub.Unsubscribe(); err != nil {
			r.c.t.Errorf("%s: %v", r.name, err)
		}
	}
	c.addReader(r)
}

// nextMsg adds a subscription of the older API that is asked for each message.
func (c *convoy) nextMsg() {
	c.t.Helper()
	c.pusher(c.js, "old-sync")
	r := &reader{name: "old sync", durable: "old-sync"}
	r.nc = c.dial(r.errors())
	var sub *nats.Subscription
	c.insist(r.name, func(context.Context) (err error) {
		sub, err = legacyJS(c.t, r.nc).SubscribeSync("l.>", nats.Bind(convoyStream, r.durable), nats.ManualAck())
		return err
	})
	r.work = func(r *reader) {
		for !r.ended() {
			began := time.Now()
			m, err := sub.NextMsg(fetchFor)
			r.overruns.bounded(began, fetchFor)
			if err != nil {
				r.tells(err)
				continue
			}
			r.take(older{m})
		}
		if err := sub.Unsubscribe(); err != nil {
			r.c.t.Errorf("%s: %v", r.name, err)
		}
	}
	c.addReader(r)
}

// errors is an option for a connection that r has for itself.
func (r *reader) errors() nats.Option {
	return nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { r.tells(err) })
}

func (r *reader) oldFetch(sub *nats.Subscription) {
	for !r.ended() {
		began := time.Now()
		ms, err := sub.Fetch(50, nats.MaxWait(fetchFor), nats.PullHeartbeat(beat))
		r.overruns.bounded(began, fetchFor)
		r.tells(err)
		for _, m := range ms {
			r.take(older{m})
		}
	}
	if err := sub.Unsubscribe(); err != nil {
		r.c.t.Errorf("%s: %v", r.name, err)
	}
}

// older is a message of the older API.
type older struct{ *nats.Msg }

func (m older) Ack() error { return m.Msg.Ack() }

func (m older) Metadata() (*jetstream.MsgMetadata, error) {
	meta, err := m.Msg.Metadata()
	if err != nil {
		return nil, err
	}
	return &jetstream.MsgMetadata{Sequence: jetstream.SequencePair(meta.Sequence)}, nil
}
