package gannet

import (
	"context"

	"github.com/gannet-io/nats/jetstream"

	"github.com/gannet-io/nats/test/bench/meter"
)

// jsOrdered reads a stream from its beginning.
func jsOrdered(r *meter.Run) error {
	nc, js, err := newJetStream(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	return measure(r, nc, func(n int) error {
		consumer, err := js.OrderedConsumer(context.Background(), r.Stream, jetstream.OrderedConsumerConfig{})
		if err != nil {
			return err
		}
		done, left := make(chan struct{}), n
		consuming, err := consumer.Consume(func(jetstream.Msg) {
			if left--; left == 0 {
				close(done)
			}
		})
		if err != nil {
			return err
		}
		defer consuming.Stop()
		return meter.Await(done, "ordered consumer")
	})
}
