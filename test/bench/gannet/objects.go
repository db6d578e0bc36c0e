package gannet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/jetstream"

	"github.com/gannet-io/nats/test/bench/meter"
)

const objectName = "object"

// withBucket makes a bucket in memory for one run.
func withBucket(r *meter.Run, work func(ctx context.Context, nc *nats.Conn, b jetstream.ObjectStore) error) error {
	nc, js, err := newJetStream(r)
	if err != nil {
		return err
	}
	defer nc.Close()
	ctx, cancel := context.WithTimeout(context.Background(), meter.Timeout)
	defer cancel()
	name := strconv.FormatInt(time.Now().UnixNano(), 36)
	b, err := js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: name, Storage: jetstream.MemoryStorage})
	if err != nil {
		return err
	}
	err = work(ctx, nc, b)
	if gone := js.DeleteObjectStore(ctx, name); err == nil {
		err = gone
	}
	return err
}

// objectPut puts one object of as many payloads as there are operations.
func objectPut(r *meter.Run) error {
	return withBucket(r, func(ctx context.Context, nc *nats.Conn, b jetstream.ObjectStore) error {
		data := r.Payload()
		return measure(r, nc, func(n int) error {
			parts := make([]io.Reader, n)
			for i := range parts {
				parts[i] = bytes.NewReader(data)
			}
			_, err := b.Put(ctx, jetstream.ObjectMeta{Name: objectName}, io.MultiReader(parts...))
			return err
		})
	})
}

// objectGet reads one object of as many payloads as there are operations.
func objectGet(r *meter.Run) error {
	return withBucket(r, func(ctx context.Context, nc *nats.Conn, b jetstream.ObjectStore) error {
		for _, n := range []int{r.Warm, r.Ops} {
			if _, err := b.PutBytes(ctx, strconv.Itoa(n), bytes.Repeat(r.Payload(), n)); err != nil {
				return err
			}
		}
		return measure(r, nc, func(n int) error {
			o, err := b.Get(ctx, strconv.Itoa(n))
			if err != nil {
				return err
			}
			defer o.Close()
			got, err := io.Copy(io.Discard, o)
			if err == nil && got != int64(n*r.Size) {
				err = fmt.Errorf("%d bytes came, want %d", got, n*r.Size)
			}
			return err
		})
	})
}
