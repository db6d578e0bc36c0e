package jetstream

import (
	"unsafe"

	"github.com/gannet-io/nats/internal/proto"
	"github.com/gannet-io/nats/internal/roll"
)

// builder makes the messages of one consumer handle out of frames. It is used on the connection's reader only.
//
// A block is one object with room for eight messages and for their bytes:
//
//	block ─┬─ messages [ m0 | m1 | m2 |    ...   ]
//	       └─ bytes    [ subject reply0 header0 data0 | reply1 data1 |   ...   ]
//
// The simple version, an object for the message and one for its bytes, costs two allocations a message; this a fraction of one. Each byte is
// handed out once, as a slice without room behind it. What a program keeps holds its block, and no other one.
type builder struct {
	from     *source
	messages []message // of the current block
	built    int       // how many of them are in use
	room     roll.Roll // of the current block
	each     int       // bytes of a typical message
	subject  string    // of the last message, if its bytes are in the current block
}

const (
	blockSize = 8
	// aloneFrom is the number of bytes from which those of a message get an object of their own, so that a large payload lives no
	// longer than its message does.
	aloneFrom = 4008
)

// build makes the user's message of a borrowed frame.
func (b *builder) build(f *proto.Frame) Msg {
	if b.built == len(b.messages) {
		b.grow()
	}
	m := &b.messages[b.built]
	b.built++
	m.from = b.from
	again := b.subject != "" && string(f.Subject) == b.subject
	need := len(f.Reply)
	if !again {
		need += len(f.Subject)
	}
	if !f.Owned {
		need += len(f.Header) + len(f.Data)
	}
	if b.each == 0 {
		b.each = need
	}
	b.each += (need - b.each) / 4
	room, alone := &b.room, roll.Roll{}
	shared := need <= room.Left() && need < aloneFrom
	if !shared {
		alone = roll.Of(make([]byte, need))
		room = &alone
	}
	if again {
		m.subject = b.subject
	} else {
		m.subject = room.Text(f.Subject)
		if shared {
			b.subject = m.subject
		}
	}
	m.reply = room.Text(f.Reply)
	if f.Owned {
		m.fill(f.Header, f.Data)
	} else {
		m.fill(room.Bytes(f.Header), room.Bytes(f.Data))
	}
	return m
}

// sized is a block: messages, [1]message or [blockSize]message, and their bytes.
type sized[M, B any] struct {
	messages M
	bytes    B
}

func (b *builder) grow() {
	b.subject, b.built = "", 0
	type eight = [blockSize]message
	// The sizes fill the allocator's classes, less the 8 bytes it needs itself.
	switch need := b.each * blockSize; {
	case b.each == 0: // the first message: nothing is known
		b.messages, b.room = newBlock[[1]message, [552]byte]()
	case need <= 888:
		b.messages, b.room = newBlock[eight, [888]byte]()
	case need <= 1400:
		b.messages, b.room = newBlock[eight, [1400]byte]()
	case need <= 1656:
		b.messages, b.room = newBlock[eight, [1656]byte]()
	case need <= 2040:
		b.messages, b.room = newBlock[eight, [2040]byte]()
	case need <= 2808:
		b.messages, b.room = newBlock[eight, [2808]byte]()
	case need <= 4216:
		b.messages, b.room = newBlock[eight, [4216]byte]()
	case need <= 5496:
		b.messages, b.room = newBlock[eight, [5496]byte]()
	case need <= 7544:
		b.messages, b.room = newBlock[eight, [7544]byte]()
	case need <= 9592:
		b.messages, b.room = newBlock[eight, [9592]byte]()
	case b.each <= 1960:
		b.messages, b.room = newBlock[[1]message, [1960]byte]()
	case b.each < aloneFrom:
		b.messages, b.room = newBlock[[1]message, [aloneFrom]byte]()
	default: // the bytes are objects of their own
		b.messages, b.room = make([]message, blockSize), roll.Roll{}
	}
}

func newBlock[M, B any]() ([]message, roll.Roll) {
	s := new(sized[M, B])
	messages := unsafe.Slice((*message)(unsafe.Pointer(&s.messages)), unsafe.Sizeof(s.messages)/unsafe.Sizeof(message{}))
	return messages, roll.Of(unsafe.Slice((*byte)(unsafe.Pointer(&s.bytes)), unsafe.Sizeof(s.bytes)))
}
