package outbox

import (
	"slices"

	"github.com/gannet-io/nats/internal/proto"
)

// batch is a buffer of whole operations. The zero value is empty.
type batch struct {
	buf  []byte
	ops  int    // how many were appended
	cut  int    // start of the last piece: the last of cuts, or 0
	cuts []int  // starts of operations, WriteSize or less apart where the operations allow it: writes end there
	next int    // index in cuts of the first one that may lie ahead of the writing
	vol  []span // publishes that are not kept; ascending, neighbours merged
}

// span is a range of bytes of whole operations.
type span struct{ from, to int }

// firstBuffer is the size in which a buffer begins: enough for a connection that only asks now and then.
const firstBuffer = 4 << 10

// reserve makes room for size more bytes.
func (a *batch) reserve(size int) {
	if cap(a.buf)-len(a.buf) < size {
		a.grow(size)
	}
}

// grow makes the buffer small, of WriteSize, or as large as it must be.
func (a *batch) grow(size int) {
	switch need := len(a.buf) + size; {
	case need <= firstBuffer:
		a.buf = append(make([]byte, 0, firstBuffer), a.buf...)
	case need <= WriteSize:
		a.buf = append(make([]byte, 0, WriteSize), a.buf...)
	default:
		a.buf = slices.Grow(a.buf, size)
	}
}

// appended records that one operation was appended at start.
func (a *batch) appended(start int) {
	a.ops++
	if len(a.buf)-a.cut > WriteSize && start > a.cut {
		a.cut = start
		a.cuts = append(a.cuts, start)
	}
}

// volatile records that the operation at start is not worth keeping.
func (a *batch) volatile(start int) {
	if n := len(a.vol); n > 0 && a.vol[n-1].to == start {
		a.vol[n-1].to = len(a.buf)
		return
	}
	a.vol = append(a.vol, span{start, len(a.buf)})
}

// add appends one operation.
func (a *batch) add(op []byte) {
	start := len(a.buf)
	a.buf = append(a.buf, op...)
	a.appended(start)
}

// piece returns what to write next when sent bytes are written: at most most bytes, up to the next cut.
func (a *batch) piece(sent, most int) []byte {
	end := min(len(a.buf), sent+most)
	for a.next < len(a.cuts) && a.cuts[a.next] <= sent {
		a.next++
	}
	if a.next < len(a.cuts) {
		end = min(end, a.cuts[a.next])
	}
	return a.buf[sent:end]
}

// publishes calls keep for each publish from the offset on, which must be that of an operation; volatile ones are
// left out.
func (a *batch) publishes(from int, keep func(op []byte, hasReply bool)) {
	for _, v := range a.vol {
		if v.to <= from {
			continue
		}
		if v.from > from {
			proto.Publishes(a.buf[from:v.from], keep)
		}
		from = v.to
	}
	proto.Publishes(a.buf[from:], keep)
}

// emptied returns the batch with its memory and without its contents. What a link that stood still has made of it is given back.
func (a *batch) emptied() batch {
	if c := cap(a.buf); c > keepCapacity || c > busyCapacity && len(a.buf) < c/4 {
		return batch{}
	}
	return batch{buf: a.buf[:0], cuts: a.cuts[:0], vol: a.vol[:0]}
}
