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
	n    uint16    // messages that the consumer may take; guarded as next is

	filled uint16 // messages built; the reader's
	valued uint16 // of values, handed out; the reader's
	// sizes are the bytes that each message counts for the pending limit. Not read from the messages: those belong to the user.
	sizes [chunkMsgs]uint32
	// raw are header blocks that are decoded when their message is handed out; nil: there are none. It is set when the chunk is made.
	raw *[chunkMsgs]string
	// values of headers that are few, one array for eight messages: one for each message cost 3%. The reader's.
	values *[chunkValues]string
}

const (
	chunkMsgs   = 8
	chunkValues = 2 * chunkMsgs
	// aloneFrom is the number of bytes from which a payload gets an object of its own.
	aloneFrom = 3888
	// smallMsg is the number of bytes up to which an idle subscription may hold a chunk for eight messages: 2 KiB in all.
	smallMsg = 160
)

// full reports that no message will follow those that the consumer may take.
func (c *chunk) full() bool { return int(c.n) == len(c.msgs) }

// built reports that the reader has no place for another message.
func (c *chunk) built() bool { return int(c.filled) == len(c.msgs) }

// fits reports whether there is room for another message with so many bytes.
func (c *chunk) fits(need int) bool { return !c.built() && need <= c.room.Left() }

// text is b as a string; inline: there is room for it.
func (c *chunk) text(b []byte, inline bool) string {
	if inline {
		return c.room.Text(b)
	}
	return string(b)
}

// putRaw keeps the header block of the message on top.
func (c *chunk) putRaw(block string) {
	if c.raw == nil {
		c.raw = new([chunkMsgs]string) // before it is in the queue, where others look for it
	}
	c.raw[c.filled-1] = block
}

// valueRoom is memory for n values of the headers of one message; nil: there is none.
func (c *chunk) valueRoom(n int) []string {
	from := int(c.valued)
	if len(c.msgs) == 1 || n > chunkValues-from {
		return nil
	}
	if c.values == nil {
		c.values = new([chunkValues]string)
	}
	c.valued += uint16(n)
	return c.values[from : from : from+n]
}

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
	case need <= 128:
		return newSized[eight, [128]byte]()
	case need <= 256:
		return newSized[eight, [256]byte]()
	case need <= 512:
		return newSized[eight, [512]byte]()
	case need <= 768:
		return newSized[eight, [768]byte]()
	case need <= 1024:
		return newSized[eight, [1024]byte]()
	case need <= 1280:
		return newSized[eight, [1280]byte]()
	case need <= 1536:
		return newSized[eight, [1536]byte]()
	case need <= 1920:
		return newSized[eight, [1920]byte]()
	case need <= 2304:
		return newSized[eight, [2304]byte]()
	case need <= 3328:
		return newSized[eight, [3328]byte]()
	case need <= 5376:
		return newSized[eight, [5376]byte]()
	case need <= 8704:
		return newSized[eight, [8704]byte]()
	case need <= 12800:
		return newSized[eight, [12800]byte]()
	case need <= 19712:
		return newSized[eight, [19712]byte]()
	}
	return newSized[eight, [32000]byte]()
}

// newSingle makes a chunk for one message of so many bytes, up to aloneFrom.
func newSingle(need int) *chunk {
	type one = [1]Msg
	switch {
	case need <= 56:
		return newSized[one, [56]byte]()
	case need <= 312:
		return newSized[one, [312]byte]()
	case need <= 816:
		return newSized[one, [816]byte]()
	case need <= 1840:
		return newSized[one, [1840]byte]()
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
