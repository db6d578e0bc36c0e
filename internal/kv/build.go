package kv

import (
	"github.com/gannet-io/nats/internal/js/wire"
	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/roll"
)

// builder makes the entries of one watch out of frames, on the connection's reader only. An object for each entry and one for its bytes would
// be two allocations a key; eight of each share theirs, which makes a quarter. An entry that is kept holds its seven neighbours.
type builder struct {
	bucket  string
	prefix  int // bytes of a subject before the key
	entries []Entry
	built   int // entries that are in use
	room    roll.Roll
	each    int // bytes of a typical entry
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
	e := b.entry()
	room, alone := &b.room, roll.Roll{}
	if need < aloneFrom {
		b.makeRoom(need)
	} else {
		alone = roll.Of(make([]byte, need))
		room = &alone
	}
	*e = Entry{
		Bucket: b.bucket, Key: room.Text(key), Value: f.Data,
		Revision: at.StreamSeq, Delta: at.Pending, UnixNano: at.UnixNano, Op: opOf(f.Header),
	}
	if !f.Owned {
		e.Value = room.Bytes(f.Data)
	}
	return e
}

// entry returns the next one.
func (b *builder) entry() *Entry {
	if b.built == len(b.entries) {
		b.entries, b.built = make([]Entry, blockSize), 0
		b.room = roll.Roll{}
	}
	e := &b.entries[b.built]
	b.built++
	return e
}

// makeRoom makes sure that so many bytes fit, and those of the block's other entries if they are typical.
func (b *builder) makeRoom(need int) {
	if b.each == 0 {
		b.each = need
	}
	b.each += (need - b.each) / 4
	if need > b.room.Left() {
		left := len(b.entries) - b.built + 1 // with this one
		b.room = roll.Of(make([]byte, max(need, min(b.each+b.each/8, aloneFrom/blockSize)*left)))
	}
}
