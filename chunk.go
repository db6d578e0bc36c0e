package nats

import "unsafe"

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
	n    int    // messages that the consumer may take; guarded likewise
	msgs []Msg
	buf  []byte
	// sizes are the bytes that each message counts for the pending limit. Not read from the messages: those belong to the user.
	sizes [chunkMsgs]uint32
	// raw are header blocks that are decoded when their message is handed out; nil: there are none. It is set when the chunk is made.
	raw *[chunkMsgs]string

	filled int // messages built; the reader's
	used   int // bytes of buf; the reader's
}

const (
	chunkMsgs = 8
	// aloneFrom is the number of bytes from which a payload gets an object of its own.
	aloneFrom = 3888
	// smallMsg is the number of bytes up to which an idle subscription may hold a chunk for eight messages: 2 KiB in all.
	smallMsg = 160
)

// full reports that no message will follow.
func (c *chunk) full() bool { return c.n == len(c.msgs) }

// room reports whether another message with so many bytes fits.
func (c *chunk) room(need int) bool {
	return c.filled < len(c.msgs) && need <= len(c.buf)-c.used
}

// text copies b into the chunk as a string.
func (c *chunk) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(unsafe.SliceData(c.bytes(b)), len(b)) // nobody else gets these bytes
}

// bytes copies b into the chunk.
func (c *chunk) bytes(b []byte) []byte {
	from := c.used
	c.used += len(b)
	copy(c.buf[from:], b)
	return c.buf[from:c.used:c.used]
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
	s.chunk.buf = unsafe.Slice((*byte)(unsafe.Pointer(&s.buf)), unsafe.Sizeof(s.buf))
	return &s.chunk
}

// newChunk makes a chunk for eight messages of so many bytes each. The buffers fill the allocator's size classes. They are so many that
// less than half of a buffer stays empty.
func newChunk(each int) *chunk {
	type eight = [chunkMsgs]Msg
	switch need := each * chunkMsgs; {
	case need <= 256:
		return newSized[eight, [256]byte]()
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
	case need <= 9472:
		return newSized[eight, [9472]byte]()
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
