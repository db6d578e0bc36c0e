package kv

import (
	"unsafe"

	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
)

// builder makes the entries of one watch out of frames, on the connection's reader only. An object for each entry and one for its bytes would
// be two allocations a key; eight of each share theirs, which makes a quarter. An entry that is kept holds its seven neighbours.
type builder struct {
	bucket  string
	prefix  int // bytes of a subject before the key
	entries []Entry
	room    []byte
	// How much of both is in use. Numbers, because shorter slices would be pointers, whose every change the collector may want to know of.
	built, used int
	each        int // bytes of a typical entry
}

const (
	blockSize = 8
	// aloneFrom is the number of bytes from which those of an entry get an object of their own.
	aloneFrom = 4096
)

func (b *builder) build(f *proto.Frame, at wire.Place) *Entry {
	key := f.Subject[min(b.prefix, len(f.Subject)):]
	need := len(key)
	if !f.Owned {
		need += len(f.Data)
	}
	e, mem := b.take(need)
	n := copy(mem, key)
	value := f.Data
	if !f.Owned {
		v := n + copy(mem[n:], f.Data)
		value = mem[n:v:v]
	}
	*e = Entry{
		Bucket: b.bucket, Key: unsafe.String(unsafe.SliceData(mem), n), Value: value,
		Revision: at.StreamSeq, Delta: at.Pending, UnixNano: at.UnixNano, Op: opOf(f.Header),
	}
	return e
}

// take returns room for an entry and for so many bytes.
func (b *builder) take(need int) (*Entry, []byte) {
	if b.built == len(b.entries) {
		b.entries, b.built = make([]Entry, blockSize), 0
		b.room, b.used = nil, 0
	}
	left := len(b.entries) - b.built // with this one
	e := &b.entries[b.built]
	b.built++
	if need >= aloneFrom {
		return e, make([]byte, need)
	}
	if b.each == 0 {
		b.each = need
	}
	b.each += (need - b.each) / 4
	if need > len(b.room)-b.used {
		b.room, b.used = make([]byte, max(need, min(b.each+b.each/8, aloneFrom/blockSize)*left)), 0
	}
	from := b.used
	b.used += need
	return e, b.room[from:b.used:b.used]
}
