package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gannet-io/nats"
)

// KeyValueCodec turns values into bytes and back. Its functions may be called concurrently.
type KeyValueCodec[T any] struct {
	// Encode makes the bytes of a value. When it fails nothing is sent, and the error is wrapped.
	Encode func(v T) ([]byte, error)
	// Decode makes a value of bytes, which it must not keep or change. Its error is wrapped, see [TypedEntry].
	Decode func(data []byte) (T, error)
}

// JSONCodec writes values as JSON, as encoding/json does: its errors are those of json.Marshal and json.Unmarshal.
func JSONCodec[T any]() KeyValueCodec[T] {
	return KeyValueCodec[T]{
		Encode: func(v T) ([]byte, error) { return json.Marshal(v) },
		Decode: func(data []byte) (v T, err error) {
			err = json.Unmarshal(data, &v)
			return v, err
		},
	}
}

// TypedKV is a bucket whose values are Ts. It may be used concurrently. [NewTypedKV] makes it; the zero value
// reads and writes nothing, with nats.ErrInvalidArg.
type TypedKV[T any] struct {
	b     KeyValue
	codec KeyValueCodec[T]
}

// errNoTypedKV is for the zero value.
var errNoTypedKV = fmt.Errorf("%w: the typed bucket was not made by NewTypedKV", nats.ErrInvalidArg)

// TypedEntry is an entry of a [TypedKV]. Value is the zero value for deletions, and when Err is not nil: then what is stored cannot be
// decoded, and can be had from Entry.
type TypedEntry[T any] struct {
	Key      string    // without the bucket's prefix
	Value    T         // decoded
	Revision uint64    // the sequence of the bucket's stream
	Created  time.Time // when the server stored it
	// Operation says what the entry records.
	Operation KeyValueOp
	// Err is the codec's, wrapped.
	Err error
	// Entry as it is stored.
	Entry KeyValueEntry
}

// NewTypedKV makes a typed view of a bucket. nats.ErrInvalidArg when the bucket is nil or a function of the codec is missing.
func NewTypedKV[T any](b KeyValue, codec KeyValueCodec[T]) (*TypedKV[T], error) {
	if b == nil || codec.Encode == nil || codec.Decode == nil {
		return nil, fmt.Errorf("%w: a typed bucket needs a bucket and a codec", nats.ErrInvalidArg)
	}
	return &TypedKV[T]{b, codec}, nil
}

// KeyValue is the bucket itself.
func (kv *TypedKV[T]) KeyValue() KeyValue { return kv.b }

// Get returns the last value of a key. Errors are those of [KeyValue.Get], and the codec's, wrapped.
func (kv *TypedKV[T]) Get(ctx context.Context, key string) (TypedEntry[T], error) {
	if kv.b == nil {
		return TypedEntry[T]{}, errNoTypedKV
	}
	e, err := kv.b.Get(ctx, key)
	if err != nil {
		return TypedEntry[T]{}, err
	}
	t := kv.entry(e)
	return t, t.Err
}

// Put stores a value and returns its revision. Errors are those of [KeyValue.Put], and the codec's, wrapped.
func (kv *TypedKV[T]) Put(ctx context.Context, key string, v T) (uint64, error) {
	data, err := kv.encode(key, v)
	if err != nil {
		return 0, err
	}
	return kv.b.Put(ctx, key, data)
}

// Create stores a value if the key has none or was deleted; see [KeyValue.Create]. Errors are those of it,
// [ErrKeyExists] among them, and the codec's, wrapped.
func (kv *TypedKV[T]) Create(ctx context.Context, key string, v T, opts ...KVCreateOpt) (uint64, error) {
	data, err := kv.encode(key, v)
	if err != nil {
		return 0, err
	}
	return kv.b.Create(ctx, key, data, opts...)
}

// Update stores a value if revision is the key's last one; see [KeyValue.Update]. Errors are those of it, [ErrKeyRevisionMismatch]
// among them, and the codec's, wrapped.
func (kv *TypedKV[T]) Update(ctx context.Context, key string, v T, revision uint64) (uint64, error) {
	data, err := kv.encode(key, v)
	if err != nil {
		return 0, err
	}
	return kv.b.Update(ctx, key, data, revision)
}

// Modify stores what change makes of the last value, or of the zero value for a key that has none, with found false. When somebody else writes
// meanwhile it begins anew, until ctx ends; change may so be called several times. An error of change ends it and is returned as it is.
func (kv *TypedKV[T]) Modify(ctx context.Context, key string, change func(v T, found bool) (T, error)) (uint64, error) {
	switch {
	case kv.b == nil:
		return 0, errNoTypedKV
	case change == nil:
		return 0, ErrHandlerRequired
	}
	return modifyKey(ctx, kv.b, key, func(e KeyValueEntry) ([]byte, error) {
		var t TypedEntry[T]
		if e != nil {
			if t = kv.entry(e); t.Err != nil {
				return nil, t.Err
			}
		}
		v, err := change(t.Value, e != nil)
		if err != nil {
			return nil, err
		}
		return kv.encode(key, v)
	})
}

// Watch calls each with the entries of a watch, see [KeyValue.Watch], and with nil where the initial ones are over, until ctx or the watch
// ends, or each returns an error. It returns that error, or why the watch ended.
func (kv *TypedKV[T]) Watch(ctx context.Context, keys string, each func(*TypedEntry[T]) error, opts ...WatchOpt) error {
	switch {
	case kv.b == nil:
		return errNoTypedKV
	case each == nil:
		return ErrHandlerRequired
	}
	w, err := kv.b.Watch(ctx, keys, opts...)
	if err != nil {
		return err
	}
	defer w.Stop()
	for e := range w.Updates() {
		var t *TypedEntry[T]
		if e != nil {
			one := kv.entry(e)
			t = &one
		}
		if err := each(t); err != nil {
			return err
		}
	}
	return KeyWatcherErr(w)
}

func (kv *TypedKV[T]) entry(e KeyValueEntry) TypedEntry[T] {
	t := TypedEntry[T]{Key: e.Key(), Revision: e.Revision(), Created: e.Created(), Operation: e.Operation(), Entry: e}
	if t.Operation != KeyValuePut {
		return t
	}
	v, err := kv.codec.Decode(e.Value())
	if err != nil {
		t.Err = fmt.Errorf("nats: decoding %s of bucket %s: %w", t.Key, e.Bucket(), err)
		return t
	}
	t.Value = v
	return t
}

func (kv *TypedKV[T]) encode(key string, v T) ([]byte, error) {
	if kv.b == nil {
		return nil, errNoTypedKV
	}
	data, err := kv.codec.Encode(v)
	if err != nil {
		return nil, fmt.Errorf("nats: encoding %s of bucket %s: %w", key, kv.b.Bucket(), err)
	}
	return data, nil
}
