package test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/gannet-io/nats/jetstream"
)

// GetValues shows one moment of a bucket without history, however many keys there are and whatever is written meanwhile: transactions move
// amounts from key to key, and the sum stays what it is.
func TestKVGetValuesIsOneMoment(t *testing.T) {
	nc, _ := withAtomicBucket(t)
	js := newJS(t, nc)
	ctx := t.Context()
	b := got[jetstream.KeyValue](t)(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "sums", AllowAtomicPublish: true, Storage: jetstream.MemoryStorage}))
	const keys, each = 600, 10
	var fill [keys]int
	for i := range fill {
		got[uint64](t)(b.PutString(ctx, fmt.Sprint("k.", i), strconv.Itoa(each)))
		fill[i] = each
	}
	var wg sync.WaitGroup
	over, cancel := context.WithCancel(ctx)
	wg.Go(func() { // pages are read in the order of the stream: what is far behind moves to the end
		for n := 0; over.Err() == nil; n++ {
			from, to := keys-1-n%50, keys/2+n%50
			fill[from]--
			fill[to]++
			tx := jetstream.NewKeyValueTx(b)
			tx.Put(fmt.Sprint("k.", from), []byte(strconv.Itoa(fill[from])))
			tx.Put(fmt.Sprint("k.", to), []byte(strconv.Itoa(fill[to])))
			if _, err := tx.Commit(over); err != nil && over.Err() == nil {
				t.Errorf("transaction: %v", err)
				return
			}
		}
	})
	defer wg.Wait()
	defer cancel()
	for range 30 {
		found := got[map[string]jetstream.KeyValueEntry](t)(jetstream.GetValues(ctx, b, "k.*"))
		sum := 0
		for _, e := range found {
			n, err := strconv.Atoi(string(e.Value()))
			must(t, err)
			sum += n
		}
		if len(found) != keys || sum != keys*each {
			t.Fatalf("got %d keys with %d together, want %d with %d", len(found), sum, keys, keys*each)
		}
	}
}

// Pages of last messages that were replaced between them end in an error, and not in fewer messages.
func TestGetLastMsgsThatAreGone(t *testing.T) {
	g := withJetStream(t)
	s := directStream(t, g.js, 1)
	ctx := t.Context()
	for i := range 20 {
		got[*jetstream.PubAck](t)(g.js.Publish(ctx, fmt.Sprint("d.", i), nil))
	}
	var last error
	n := 0
	for m, err := range jetstream.GetLastMsgs(ctx, s, []string{"d.*"}, jetstream.GetPages(5, 1<<20)) {
		if last = err; err != nil {
			continue
		}
		if n++; m.Sequence == 5 {
			got[*jetstream.PubAck](t)(g.js.Publish(ctx, "d.19", nil))
		}
	}
	if !errors.Is(last, jetstream.ErrReadTorn) || n != 5 {
		t.Errorf("got %d messages and %v, want 5 and %v", n, last, jetstream.ErrReadTorn)
	}
	if have := len(seqsOf(t, jetstream.GetLastMsgs(ctx, s, []string{"d.*"}, jetstream.GetPages(5, 1<<20)))); have != 20 {
		t.Errorf("got %d messages where nothing changes", have)
	}
}
