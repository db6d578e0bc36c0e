package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
)

// own is the bucket behind a KeyValue of this package.
func ownBucket(b KeyValue) (*keyValue, error) {
	if own, ok := b.(*keyValue); ok && own != nil {
		return own, nil
	}
	return nil, fmt.Errorf("%w: the bucket was not made by this package", nats.ErrInvalidArg)
}

// PutWithTTL is [KeyValue.Put] for an entry with a TTL of its own, in a bucket with LimitMarkerTTL: whole seconds count. 0: that of the
// bucket; a negative one is [ErrInvalidOption]. nats.ErrInvalidArg when the bucket was not made by this package.
//
// The TTL is that of the entry, not of the key (nats-server 2.15): in a bucket with History above 1 the entry before it shows again when it
// expires, and TTLs below LimitMarkerTTL are raised to it there.
func PutWithTTL(ctx context.Context, b KeyValue, key string, value []byte, ttl time.Duration) (uint64, error) {
	own, err := ownBucket(b)
	if err != nil {
		return 0, err
	}
	return own.store.Put(ctx, key, value, ttl)
}

// UpdateWithTTL is [KeyValue.Update] for an entry with a TTL of its own; see [PutWithTTL].
func UpdateWithTTL(ctx context.Context, b KeyValue, key string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	own, err := ownBucket(b)
	if err != nil {
		return 0, err
	}
	return own.store.Update(ctx, key, value, revision, ttl)
}

// GetValues reads many keys in one consistent read: all entries are those that were the last ones at the same moment (ADR-31,
// nats-server 2.11). keys may be filters, like those of [KeyValue.Watch]. Keys without a value are missing in the result. Any replica or mirror
// answers, so that it may miss what was written a moment ago.
//
// The server reads at most 1,024 keys together, else [ErrTooManyResults]. [ErrReadTorn] when values of more than 32 MiB are replaced all the time
// while they are read; [ErrInvalidKey]; nats.ErrInvalidArg when there are no keys or the bucket was not made by this package; other errors are those
// of [GetLastMsgs].
func GetValues(ctx context.Context, b KeyValue, keys ...string) (map[string]KeyValueEntry, error) {
	own, err := ownBucket(b)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: no keys", nats.ErrInvalidArg)
	}
	if err := checkFilters(keys...); err != nil {
		return nil, err
	}
	subjects, _ := own.store.Filters(keys)
	for _, bytes := range valuesPages {
		found, err := own.values(ctx, subjects, bytes)
		if !errors.Is(err, ErrReadTorn) {
			return found, err
		}
	}
	return nil, ErrReadTorn
}

// valuesPages are the bytes of a page of [GetValues], and of the same when values were replaced between two pages. A bucket's history is short, so
// what matters is that there is one page. The largest is half of what a server keeps for a client that is slow (nats-server 2.15).
var valuesPages = [...]int{DefaultGetPageBytes, 8 << 20, 32 << 20, 32 << 20}

// mostValues is how many subjects the server reads together.
const mostValues = 1024

// values reads the last entries of subjects in pages of so many bytes.
func (b *keyValue) values(ctx context.Context, subjects []string, bytes int) (map[string]KeyValueEntry, error) {
	found := make(map[string]KeyValueEntry, len(subjects))
	for m, err := range GetLastMsgs(ctx, &stream{js: b.js, name: b.store.Stream()}, subjects, GetPages(mostValues, bytes)) {
		if err != nil {
			return nil, err
		}
		block, err := b.js.eng.EncodeHeader(m.Header)
		if err != nil {
			return nil, err
		}
		e := newEntry(b.store.Stored(m.Subject, m.Sequence, block, m.Data, m.Time))
		if e != nil && e.Operation() == KeyValuePut {
			found[e.Key()] = e
		}
	}
	return found, nil
}
