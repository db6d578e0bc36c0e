package nats

import (
	"unsafe"

	"github.com/gannet-io/nats/internal/roll"
)

// A chunk is one object with room for up to eight received messages and for their bytes. The simple version, an object for the message and
// one for its bytes, cost 2 allocations and 31 ns more for each message of 128 bytes.
//
//	chunk ─┬─ msgs   [ m0 | m1 | m2 |    ...   ]
//	       └─ buf    [ reply0 data0 | reply1 data1 |   ...   ]
//
// Each byte of buf is handed out once, as a slice without room behind it. The reader fills chunks, the subscription's
// queue links them, and the consumer leaves them behind; what a program keeps holds its chunk, but not the next one.
type chunk struct {
	next *chunk // set when there is one; guarded by Subscription.mu once the chunk is in the queue, cleared when it is left
	msgs []Msg
	room roll.Roll // the reader's
	n    uint32    // messages that the consumer may take; guarded as next is

	filled uint32 // messages built; the reader's
	// sizes are the bytes that each message counts for the pending limit. Not read from the messages: those belong to the user.
	sizes [chunkMsgs]uint32
	// raw are header blocks that are decoded when their message is handed out; nil: there are none. It is set when the chunk is made.
	raw *[chunkMsgs]string
}

const (
	chunkMsgs = 8
	// aloneFrom is the number of bytes from which a payload gets an object of its own.
	aloneFrom = 3896
	// smallMsg is the number of bytes up to which an idle subscription may hold a chunk for eight messages: 2 KiB in all.
	smallMsg = 160
)

// full reports that no message will follow those that the consumer may take.
func (c *chunk) full() bool { return int(c.n) == len(c.msgs) }

// built reports that the reader has no place for another message.
func (c *chunk) built() bool { return int(c.filled) == len(c.msgs) }

// fits reports whether there is room for another message with so many bytes.
func (c *chunk) fits(need int) bool { return !c.built() && need <= c.room.Left() }

// sized is a chunk with its messages, [1]Msg or [chunkMsgs]Msg, and its buffer, an array of bytes, in one object.
type sized[M, B any] struct {
	chunk
	msgs M
	buf  B
}

func newSized[M, B any]() *chunk {
	s := new(sized[M, B])
	s.chunk.msgs = unsafe.Slice((*Msg)(unsafe.Pointer(&s.msgs)), unsafe.Sizeof(s.msgs)/unsafe.Sizeof(Msg{}))
	s.chunk.room = roll.Of(unsafe.Slice((*byte)(unsafe.Pointer(&s.buf)), unsafe.Sizeof(s.buf)))
	return &s.chunk
}

// newChunk makes a chunk for eight messages of so many bytes each. The buffers fill the allocator's size classes. They are so many that
// less than half of a buffer stays empty.
func newChunk(each int) *chunk {
	type eight = [chunkMsgs]Msg
	switch need := each * chunkMsgs; {
	case need <= 136:
		return newSized[eight, [136]byte]()
	case need <= 264:
		return newSized[eight, [264]byte]()
	case need <= 520:
		return newSized[eight, [520]byte]()
	case need <= 776:
		return newSized[eight, [776]byte]()
	case need <= 1032:
		return newSized[eight, [1032]byte]()
	case need <= 1288:
		return newSized[eight, [1288]byte]()
	case need <= 1544:
		return newSized[eight, [1544]byte]()
	case need <= 1928:
		return newSized[eight, [1928]byte]()
	case need <= 2312:
		return newSized[eight, [2312]byte]()
	case need <= 3336:
		return newSized[eight, [3336]byte]()
	case need <= 5384:
		return newSized[eight, [5384]byte]()
	case need <= 8712:
		return newSized[eight, [8712]byte]()
	case need <= 12808:
		return newSized[eight, [12808]byte]()
	case need <= 19720:
		return newSized[eight, [19720]byte]()
	}
	return newSized[eight, [32008]byte]()
}

// newSingle makes a chunk for one message of so many bytes, up to aloneFrom.
func newSingle(need int) *chunk {
	type one = [1]Msg
	switch {
	case need <= 64:
		return newSized[one, [64]byte]()
	case need <= 320:
		return newSized[one, [320]byte]()
	case need <= 824:
		return newSized[one, [824]byte]()
	case need <= 1848:
		return newSized[one, [1848]byte]()
	}
	return newSized[one, [aloneFrom]byte]()
}

// solo is one message with its bytes: the answer to a request.
type solo[B any] struct {
	msg Msg
	buf B
}

func newSolo[B any]() (*Msg, []byte) {
	s := new(solo[B])
	return &s.msg, unsafe.Slice((*byte)(unsafe.Pointer(&s.buf)), unsafe.Sizeof(s.buf))
}

// newReply makes a message and a buffer of at least so many bytes in one object, or in two when they are many.
func newReply(need int) (*Msg, []byte) {
	switch {
	case need <= 64:
		return newSolo[[64]byte]()
	case need <= 176:
		return newSolo[[176]byte]()
	case need <= 432:
		return newSolo[[432]byte]()
	case need <= 936:
		return newSolo[[936]byte]()
	case need <= 1960:
		return newSolo[[1960]byte]()
	case need <= aloneFrom:
		return newSolo[[4008]byte]()
	}
	return new(Msg), make([]byte, need)
}
