package nats

import (
	"time"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/kv"
)

// KeyValueOp is what an entry records.
type KeyValueOp uint8

const (
	// KeyValuePut is a value.
	KeyValuePut KeyValueOp = 0
	// KeyValueDelete is the deletion of a key whose history is kept.
	KeyValueDelete KeyValueOp = 1
	// KeyValuePurge is the deletion of a key with its history, also by its TTL.
	KeyValuePurge KeyValueOp = 2
)

// String is the name of the operation; "Unknown Operation" for a value that is none.
func (op KeyValueOp) String() string { return wire.EnumName(kv.OpNames, op, "Unknown Operation") }

// KeyValueEntry is one revision of one key. It does not change.
type KeyValueEntry interface {
	// Bucket that the entry was read from.
	Bucket() string

	// Key of the entry.
	Key() string

	// Value of the entry: empty for deletions, and with MetaOnly.
	Value() []byte

	// Revision is the sequence of the bucket's stream.
	Revision() uint64

	// Created is when the server stored the entry.
	Created() time.Time

	// Delta is, in a watch, how many more entries there were when the server sent this one. Else 0.
	Delta() uint64

	// Operation says what the entry records.
	Operation() KeyValueOp
}

// kvEntry is the KeyValueEntry. An interface holds its one pointer as it is: no allocation.
type kvEntry struct{ e *kv.Entry }

func (e kvEntry) Bucket() string        { return e.e.Bucket }
func (e kvEntry) Key() string           { return e.e.Key }
func (e kvEntry) Value() []byte         { return e.e.Value }
func (e kvEntry) Revision() uint64      { return e.e.Revision }
func (e kvEntry) Created() time.Time    { return time.Unix(0, e.e.UnixNano) }
func (e kvEntry) Delta() uint64         { return e.e.Delta }
func (e kvEntry) Operation() KeyValueOp { return KeyValueOp(e.e.Op) }

// newKVEntry is e as callers see it; nil stays nil.
func newKVEntry(e *kv.Entry) KeyValueEntry {
	if e == nil {
		return nil
	}
	return kvEntry{e}
}
