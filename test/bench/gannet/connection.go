package gannet

import (
	"fmt"
	"time"

	"github.com/gannet-io/nats"

	"github.com/gannet-io/nats/test/bench/meter"
)

func connectAndClose(r *meter.Run) error {
	return measureCalls(r, func() error {
		nc, err := nats.Connect(r.URL)
		if err != nil {
			return err
		}
		nc.Close()
		return nil
	})
}

func subscribeAsync(r *meter.Run) error {
	return subscribeMany(r, func(nc *nats.Conn, subject string) error {
		_, err := nc.Subscribe(subject, func(*nats.Msg) {})
		return err
	})
}

func subscribeSync(r *meter.Run) error {
	return subscribeMany(r, func(nc *nats.Conn, subject string) error {
		_, err := nc.SubscribeSync(subject)
		return err
	})
}

func subscribeMany(r *meter.Run, subscribe func(*nats.Conn, string) error) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	subjects := make([]string, r.Warm+r.Ops)
	for i := range subjects {
		subjects[i] = meter.SubjectOf(i)
	}
	err = measure(r, nc, func(n int) error {
		for _, s := range subjects[:n] {
			if err := subscribe(nc, s); err != nil {
				return err
			}
		}
		subjects = subjects[n:]
		return nil
	})
	r.Hold()
	return err
}

// reconnect has the fake server close the connection again and again. An operation ends with the PONG behind the subscriptions.
func reconnect(r *meter.Run) error {
	back := make(chan struct{}, 1)
	nc, err := connect(r, nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0), nats.MaxReconnects(-1),
		nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	if err != nil {
		return err
	}
	defer nc.Close()
	flow, err := r.NewFlow()
	if err != nil {
		return err
	}
	for i := range r.Subs {
		if _, err := nc.Subscribe(meter.SubjectOf(i), func(*nats.Msg) {}); err != nil {
			return err
		}
	}
	return measure(r, nc, func(n int) error {
		for range n {
			flow.Kick()
			if err := meter.Await(back, "reconnect"); err != nil {
				return err
			}
			if err := nc.FlushTimeout(meter.Timeout); err != nil {
				return fmt.Errorf("after a reconnect: %w", err)
			}
		}
		return nil
	})
}
