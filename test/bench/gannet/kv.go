package gannet

import (
	"context"
	"errors"
	"fmt"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"

	"github.com/gannet-io/nats/test/bench/meter"
)

// benchBucket is the bucket of a run.
const benchBucket = "bench"

// newBucket makes a connection and an empty bucket; end deletes it and closes the connection.
func newBucket(r *meter.Run) (nc *nats.Conn, js jetstream.JetStream, b jetstream.KeyValue, end func(), err error) {
	nc, js, err = newJetStream(r, jetstream.WithPublishAsyncMaxPending(1000))
	if err != nil {
		return nil, nil, nil, nil, err
	}
	ctx := context.Background()
	_ = js.DeleteKeyValue(ctx, benchBucket) // there is none, unless a run was broken off
	b, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: benchBucket, Storage: jetstream.MemoryStorage})
	if err != nil {
		nc.Close()
		return nil, nil, nil, nil, err
	}
	return nc, js, b, func() {
		_ = js.DeleteKeyValue(ctx, benchBucket)
		nc.Close()
	}, nil
}

func kvGet(r *meter.Run) error {
	_, _, b, end, err := newBucket(r)
	if err != nil {
		return err
	}
	defer end()
	ctx := context.Background()
	if _, err := b.Put(ctx, "orders.created", r.Payload()); err != nil {
		return err
	}
	return measureCalls(r, func() error {
		e, err := b.Get(ctx, "orders.created")
		if err == nil && len(e.Value()) != r.Size {
			err = fmt.Errorf("a value of %d bytes, want %d", len(e.Value()), r.Size)
		}
		return err
	})
}

func kvWatch(r *meter.Run) error {
	_, js, b, end, err := newBucket(r)
	if err != nil {
		return err
	}
	defer end()
	data := r.Payload()
	for i := 0; i < r.Ops; i++ {
		_, err := js.PublishAsync(fmt.Sprintf("$KV.%s.orders.%d", benchBucket, i), data)
		switch {
		case errors.Is(err, jetstream.ErrTooManyStalledMsgs):
			i-- // the server had no turn for a while: once more
		case err != nil:
			return err
		}
	}
	if err := meter.Await(js.PublishAsyncComplete(), "filling a bucket"); err != nil {
		return err
	}
	if err := watchAll(b, r.Ops); err != nil {
		return err
	}
	if err := r.Begin(); err != nil {
		return err
	}
	if err := watchAll(b, r.Ops); err != nil {
		return err
	}
	r.End()
	return nil
}

// watchAll reads the n keys that a bucket has.
func watchAll(b jetstream.KeyValue, n int) error {
	w, err := b.WatchAll(context.Background())
	if err != nil {
		return err
	}
	defer w.Stop()
	for e := range w.Updates() {
		if e == nil {
			break
		}
		n--
	}
	if n != 0 {
		return fmt.Errorf("%d keys more or less than there are", n)
	}
	return nil
}
