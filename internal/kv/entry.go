package kv

import (
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// Op is what an entry records. The values are those of the public packages.
type Op uint8

const (
	Put    Op = iota // a value
	Delete           // the key was deleted, its history is kept
	Purge            // the key was deleted with its history
)

// The header that records an operation other than a put, and its values.
const (
	hdrOperation = "KV-Operation"
	opDelete     = "DEL"
	opPurge      = "PURGE"
)

// OpNames are what the operations are called.
var OpNames = []string{"KeyValuePutOp", "KeyValueDeleteOp", "KeyValuePurgeOp"}

// Entry is one revision of one key. It does not change once it is handed out.
type Entry struct {
	Bucket, Key string
	Value       []byte
	Revision    uint64
	Delta       uint64 // of a watch: how many more entries there were when this one was sent
	UnixNano    int64  // when it was stored
	Op          Op
}

// opOf reads what a message records from its header block. Markers of the server have their own header (ADR-43).
func opOf(hdr []byte) Op {
	if len(hdr) == 0 {
		return Put
	}
	switch string(proto.HeaderValue(hdr, hdrOperation)) {
	case opDelete:
		return Delete
	case opPurge:
		return Purge
	}
	switch string(proto.HeaderValue(hdr, wire.HdrMarkerReason)) {
	case wire.MarkerMaxAge, wire.MarkerPurge:
		return Purge
	case wire.MarkerRemove:
		return Delete
	}
	return Put
}
