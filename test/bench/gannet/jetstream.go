package gannet

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"

	"github.com/gannet-io/nats/test/bench/meter"
)

func jsPublish(r *meter.Run) error {
	nc, js, err := newJetStream(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	data := r.Payload()
	return measureCalls(r, func() error {
		_, err := js.Publish(context.Background(), r.Stream, data)
		return err
	})
}

func newJetStream(r *meter.Run, opts ...jetstream.JetStreamOpt) (*nats.Conn, jetstream.JetStream, error) {
	nc, err := connect(r)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc, opts...)
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return nc, js, nil
}

func jsPublishAsync(r *meter.Run) error {
	nc, js, err := newJetStream(r, jetstream.WithPublishAsyncMaxPending(r.Window),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, _ *nats.Msg, err error) {
			panic(fmt.Sprintf("asynchronous publish: %v", err))
		}))
	if err != nil {
		return err
	}
	defer nc.Close()
	data := r.Payload()
	ids := messageIDs(r)
	return measure(r, nc, func(n int) error {
		for i := 0; i < n; i++ {
			var err error
			if r.MsgID {
				_, err = js.PublishAsync(r.Stream, data, jetstream.WithMsgID(ids[i]))
			} else {
				_, err = js.PublishAsync(r.Stream, data)
			}
			switch {
			case errors.Is(err, jetstream.ErrTooManyStalledMsgs):
				i-- // the server had no turn for a while: once more
			case err != nil:
				return err
			}
		}
		if r.MsgID {
			ids = ids[n:]
		}
		return meter.Await(js.PublishAsyncComplete(), "asynchronous publish")
	})
}

// messageIDs are made beforehand: making them is not the library's work.
func messageIDs(r *meter.Run) []string {
	if !r.MsgID {
		return nil
	}
	ids := make([]string, r.Warm+r.Ops)
	for i := range ids {
		ids[i] = "order-" + strconv.Itoa(i)
	}
	return ids
}

func jsFetch(r *meter.Run) error {
	return fetch(r, func(c jetstream.Consumer, n int) (jetstream.MessageBatch, error) { return c.Fetch(n) })
}

func jsFetchNoWait(r *meter.Run) error {
	return fetch(r, func(c jetstream.Consumer, n int) (jetstream.MessageBatch, error) { return c.FetchNoWait(n) })
}

func fetch(r *meter.Run, get func(jetstream.Consumer, int) (jetstream.MessageBatch, error)) error {
	nc, js, err := newJetStream(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	consumer, err := js.Consumer(context.Background(), r.Stream, r.Consumer)
	if err != nil {
		return err
	}
	return measure(r, nc, func(n int) error {
		for n > 0 {
			batch, err := get(consumer, min(n, r.Batch))
			if err != nil {
				return err
			}
			got := 0
			for m := range batch.Messages() {
				if err := m.Ack(); err != nil {
					return err
				}
				got++
			}
			if err := batch.Error(); err != nil {
				return err
			}
			if got == 0 {
				return fmt.Errorf("an empty batch with %d messages to come", n)
			}
			n -= got
		}
		return nil
	})
}
