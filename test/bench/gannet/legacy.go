package gannet

import (
	"errors"
	"fmt"

	"github.com/gannet-io/nats"

	"github.com/gannet-io/nats/test/bench/meter"
)

func oldPublishAsync(r *meter.Run) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := nc.JetStream(nats.PublishAsyncMaxPending(r.Window),
		nats.PublishAsyncErrHandler(func(_ nats.JetStream, _ *nats.Msg, err error) {
			panic(fmt.Sprintf("asynchronous publish: %v", err))
		}))
	if err != nil {
		return err
	}
	data := r.Payload()
	return measure(r, nc, func(n int) error {
		for i := 0; i < n; i++ {
			_, err := js.PublishAsync(r.Stream, data)
			switch {
			case errors.Is(err, nats.ErrTooManyStalledMsgs):
				i-- // the server had no turn for a while: once more
			case err != nil:
				return err
			}
		}
		return meter.Await(js.PublishAsyncComplete(), "asynchronous publish")
	})
}

func oldFetch(r *meter.Run) error {
	nc, err := connect(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		return err
	}
	sub, err := js.PullSubscribe("", r.Consumer, nats.Bind(r.Stream, r.Consumer))
	if err != nil {
		return err
	}
	return measure(r, nc, func(n int) error {
		for n > 0 {
			batch, err := sub.Fetch(min(n, r.Batch), nats.MaxWait(meter.Timeout))
			if err != nil {
				return err
			}
			for _, m := range batch {
				if err := m.Ack(); err != nil {
					return err
				}
			}
			n -= len(batch)
		}
		return nil
	})
}
