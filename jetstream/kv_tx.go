package jetstream

import (
	"context"
	"errors"
	"fmt"

	"github.com/gannet-io/nats"
	"github.com/gannet-io/nats/internal/kv"
)

// KeyValueTx collects writes to keys of one bucket, which are stored together or not at all (ADR-50): each with its revision, one behind
// the other. The bucket needs AllowAtomicPublish, the server 2.12.
//
//	tx := jetstream.NewKeyValueTx(accounts)
//	tx.Update("alice", []byte("70"), alice.Revision())
//	tx.Update("bob", []byte("130"), bob.Revision())
//	revisions, err := tx.Commit(ctx)
//
// Nothing is sent before Commit. What is wrong with an argument is told by Commit. A KeyValueTx is used by one goroutine at a time.
// The zero value is no transaction: its Commit fails.
type KeyValueTx struct {
	b    *keyValue
	msgs []*nats.Msg
	err  error // the first bad argument
	over bool
}

// NewKeyValueTx begins a transaction. It sends nothing.
func NewKeyValueTx(b KeyValue) *KeyValueTx {
	own, err := ownBucket(b)
	return &KeyValueTx{b: own, err: err}
}

// Put stores a value, whatever the key has.
func (tx *KeyValueTx) Put(key string, value []byte) { tx.add(kv.Change{Key: key}, value) }

// Create stores a value if the key was never written, or nothing is left of it. Unlike [KeyValue.Create] it does not look behind deletions: of a
// deleted key, use Update with the revision of the deletion.
func (tx *KeyValueTx) Create(key string, value []byte) {
	tx.add(kv.Change{Key: key, Expect: true}, value)
}

// Update stores a value if revision is the key's last one.
func (tx *KeyValueTx) Update(key string, value []byte, revision uint64) {
	tx.add(kv.Change{Key: key, Expect: true, Last: revision}, value)
}

// Delete marks a key as deleted; its history stays. revision is the last one that it must have; 0: any.
func (tx *KeyValueTx) Delete(key string, revision uint64) {
	tx.add(kv.Change{Key: key, Op: kv.Delete, Expect: revision != 0, Last: revision}, nil)
}

// Len is the number of writes.
func (tx *KeyValueTx) Len() int { return len(tx.msgs) }

func (tx *KeyValueTx) add(c kv.Change, value []byte) {
	if tx.b == nil || tx.err != nil {
		return
	}
	subject, headers, err := tx.b.store.Message(c)
	if err != nil {
		tx.err = fmt.Errorf("%w: %q", err, c.Key)
		return
	}
	m := &nats.Msg{Subject: subject, Data: value, Header: make(nats.Header, len(headers)/2)}
	for i := 0; i+1 < len(headers); i += 2 {
		m.Header.Set(headers[i], headers[i+1])
	}
	tx.msgs = append(tx.msgs, m)
}

// Commit sends the writes and returns their revisions, in the order of the calls. An error that matches [ErrKeyRevisionMismatch] says that a
// key has another revision than expected; nothing was stored then. A [*BatchError] says whether everything may be stored or nothing is.
// Other errors: [ErrInvalidKey], [ErrBatchDisabled] when the bucket does not allow transactions, [ErrBatchTooLarge] for more than 1,000
// writes, [ErrBatchClosed] when it was committed before, nats.ErrInvalidArg when there are no writes, and those of the connection.
func (tx *KeyValueTx) Commit(ctx context.Context) ([]uint64, error) {
	switch {
	case tx.err != nil:
		return nil, tx.err
	case tx.b == nil:
		return nil, fmt.Errorf("%w: the transaction has no bucket", nats.ErrInvalidArg)
	case tx.over:
		return nil, ErrBatchClosed
	}
	ack, err := PublishBatch(ctx, tx.b.js, tx.msgs...)
	if err != nil {
		return nil, txError(err)
	}
	tx.over = true
	n := uint64(len(tx.msgs))
	revisions := make([]uint64, n)
	for i := range revisions {
		revisions[i] = ack.Sequence - n + 1 + uint64(i)
	}
	return revisions, nil
}

// txError adds the meaning of a wrong revision.
func txError(err error) error {
	var refused *APIError
	if errors.As(err, &refused) && (refused.ErrorCode == JSErrCodeStreamWrongLastSequence || refused.ErrorCode == JSErrCodeStreamWrongLastSequenceConstant) {
		return fmt.Errorf("%w: %w", err, ErrKeyRevisionMismatch)
	}
	return err
}
