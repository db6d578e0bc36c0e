package gannet

import (
	"context"

	"github.com/gannet-io/nats/jetstream"

	"github.com/gannet-io/nats/test/bench/meter"
)

// jsConsume reads with one callback. Between warm-up and measured stretch it is held up, so that only what is prefetched comes early.
func jsConsume(r *meter.Run) error {
	nc, js, err := newJetStream(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	consumer, err := js.Consumer(context.Background(), r.Stream, r.Consumer)
	if err != nil {
		return err
	}
	left, next, reached, over := 0, make(chan int), make(chan error, 1), make(chan struct{})
	defer close(over)
	consuming, err := consumer.Consume(func(m jetstream.Msg) {
		if left == 0 {
			select {
			case left = <-next:
			case <-over:
				return
			}
		}
		err := m.Ack()
		if left--; left == 0 || err != nil {
			reached <- err
		}
	})
	if err != nil {
		return err
	}
	defer consuming.Stop()
	return measure(r, nc, func(n int) error {
		next <- n
		return <-reached
	})
}

func jsMessages(r *meter.Run) error {
	nc, js, err := newJetStream(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	consumer, err := js.Consumer(context.Background(), r.Stream, r.Consumer)
	if err != nil {
		return err
	}
	it, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer it.Stop()
	return measure(r, nc, func(n int) error {
		for range n {
			m, err := it.Next()
			if err != nil {
				return err
			}
			if err := m.Ack(); err != nil {
				return err
			}
		}
		return nil
	})
}
