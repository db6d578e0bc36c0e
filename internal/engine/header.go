package engine

import (
	"bytes"
	"sync/atomic"

	"github.com/gannet-io/nats/internal/proto"
)

// headerKeys remembers the keys of headers that were encoded, one set for each number of keys. The zero value is ready.
type headerKeys struct {
	sets   [4]atomic.Pointer[proto.HeaderKeys] // by the number of keys, modulo their own number
	missed atomic.Uint32
}

// learnEvery is how many headers with other keys it takes until one of them replaces what is remembered: a program where keys take turns shall not
// make a new set for each message.
const learnEvery = 256

// HeaderRoom is the size of buffers on the stack that header blocks are written to. Longer blocks cost an allocation.
const HeaderRoom = 512

// AppendHeader is [proto.AppendHeader] that is faster for the keys of headers before h.
func (c *Conn) AppendHeader(dst []byte, h map[string][]string) ([]byte, error) {
	set := &c.keys.sets[len(h)%len(c.keys.sets)]
	known := set.Load()
	if known != nil {
		if out, ok := known.Append(dst, h); ok {
			return out, nil
		}
	}
	out, err := proto.AppendHeader(dst, h)
	if err == nil && (known == nil || c.keys.missed.Add(1)%learnEvery == 0) {
		set.Store(proto.NewHeaderKeys(h))
	}
	return out, err
}

// EncodeHeader is AppendHeader into memory of the block's own, for those who keep it; nil for an h without keys.
func (c *Conn) EncodeHeader(h map[string][]string) ([]byte, error) {
	if len(h) == 0 {
		return nil, nil
	}
	var room [HeaderRoom]byte // copying is cheaper than measuring first
	block, err := c.AppendHeader(room[:0], h)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(block), nil
}
