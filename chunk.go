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
	msgs []Msg
	rest uncut  // of buf; the reader's
	n    uint32 // messages that the consumer may take; guarded as next is

	filled uint32 // messages built; the reader's
	// sizes are the bytes that each message counts for the pending limit. Not read from the messages: those belong to the user.
	sizes [chunkMsgs]uint32
	// raw are header blocks that are decoded when their message is handed out; nil: there are none. It is set when the chunk is made.
	raw *[chunkMsgs]string
}

const (
	chunkMsgs = 8
	// aloneFrom is the number of bytes from which a payload gets an object of its own.
	aloneFrom = 3904
	// smallMsg is the number of bytes up to which an idle subscription may hold a chunk for eight messages: 2 KiB in all.
	smallMsg = 160
)

// full reports that no message will follow those that the consumer may take.
func (c *chunk) full() bool { return int(c.n) == len(c.msgs) }

// built reports that the reader has no place for another message.
func (c *chunk) built() bool { return int(c.filled) == len(c.msgs) }

// room reports whether another message with so many bytes fits.
func (c *chunk) room(need int) bool { return !c.built() && need <= len(c.rest) }

// uncut is memory that nobody has yet. What it hands out must fit.
type uncut []byte

// text copies b into a string.
func (u *uncut) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(unsafe.SliceData(u.bytes(b)), len(b)) // nobody else gets these bytes
}

// bytes copies b.
func (u *uncut) bytes(b []byte) []byte {
	n := copy(*u, b)
	own := (*u)[:n:n]
	*u = (*u)[n:]
	return own
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
	s.chunk.rest = unsafe.Slice((*byte)(unsafe.Pointer(&s.buf)), unsafe.Sizeof(s.buf))
	return &s.chunk
}

// newChunk makes a chunk for eight messages of so many bytes each. The buffers fill the allocator's size classes. They are so many that
// less than half of a buffer stays empty.
func newChunk(each int) *chunk {
	type eight = [chunkMsgs]Msg
	switch need := each * chunkMsgs; {
	case need <= 144:
		return newSized[eight, [144]byte]()
	case need <= 272:
		return newSized[eight, [272]byte]()
	case need <= 528:
		return newSized[eight, [528]byte]()
	case need <= 784:
		return newSized[eight, [784]byte]()
	case need <= 1040:
		return newSized[eight, [1040]byte]()
	case need <= 1296:
		return newSized[eight, [1296]byte]()
	case need <= 1552:
		return newSized[eight, [1552]byte]()
	case need <= 1936:
		return newSized[eight, [1936]byte]()
	case need <= 2320:
		return newSized[eight, [2320]byte]()
	case need <= 3344:
		return newSized[eight, [3344]byte]()
	case need <= 5392:
		return newSized[eight, [5392]byte]()
	case need <= 8720:
		return newSized[eight, [8720]byte]()
	case need <= 12816:
		return newSized[eight, [12816]byte]()
	case need <= 19728:
		return newSized[eight, [19728]byte]()
	}
	return newSized[eight, [32016]byte]()
}

// newSingle makes a chunk for one message of so many bytes, up to aloneFrom.
func newSingle(need int) *chunk {
	type one = [1]Msg
	switch {
	case need <= 56:
		return newSized[one, [56]byte]()
	case need <= 328:
		return newSized[one, [328]byte]()
	case need <= 832:
		return newSized[one, [832]byte]()
	case need <= 1856:
		return newSized[one, [1856]byte]()
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
