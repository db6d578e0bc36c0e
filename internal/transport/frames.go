package transport

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"
)

// frames is the connection that the WebSocket library sees. It writes through a buffer of 4 KiB and reads through another:
// the bytes of one frame are collected here into a single write, and read ahead in larger pieces. A message of 16 KiB costs
// one system call instead of five.
type frames struct {
	net.Conn // beneath
	from     *source
	in       *bufio.Reader
	handed   int // bytes that the library has in its own buffer at least
	ended    atomic.Bool

	out  []byte // the beginning of a frame
	left int    // bytes that this frame lacks
}

const (
	readAhead   = 32 << 10
	maxResponse = 64 << 10 // bytes of the server's answer to the opening request
	maxHeader   = 10       // bytes of the header of a server's frame
	// minRead is what a read may wait for within a frame whose end is not here yet.
	minRead = 512
)

func newFrames(nc net.Conn) *frames {
	from := &source{r: nc, left: maxResponse}
	return &frames{Conn: nc, from: from, in: bufio.NewReaderSize(from, readAhead)}
}

// upgraded ends the time of the opening request. What has come behind the answer stays.
func (f *frames) upgraded() { f.from.left = -1 }

// Read is the library's. It asks when its own buffer is empty.
func (f *frames) Read(p []byte) (int, error) {
	n, err := f.in.Read(p)
	f.handed = n
	if err == io.EOF {
		f.ended.Store(true)
	}
	return n, err
}

// took says that up to n bytes were taken out of the library.
func (f *frames) took(n int) { f.handed = max(0, f.handed-n) }

// ready is how many bytes may be asked of the library without waiting for more than a few.
func (f *frames) ready() int { return max(minRead, f.handed+f.in.Buffered()) }

// Write is the library's, which lets one frame follow the other. It starts each with a header that is whole, and ends it with a
// write of its own.
func (f *frames) Write(p []byte) (int, error) {
	if len(f.out) == 0 {
		f.left = frameSize(p)
		if f.left <= len(p) {
			return f.Conn.Write(p)
		}
	}
	f.out = append(f.out, p...)
	if len(f.out) < f.left {
		return len(p), nil
	}
	_, err := f.Conn.Write(f.out)
	f.out = f.out[:0]
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// frameSize is the size of the client's frame that begins with p (RFC 6455, section 5.2): header, mask, payload.
func frameSize(p []byte) int {
	const mask = 4
	if len(p) < 2 {
		return 0
	}
	switch n := int(p[1] & 0x7f); {
	case n < 126:
		return 2 + mask + n
	case n == 126 && len(p) >= 4:
		return 4 + mask + int(binary.BigEndian.Uint16(p[2:]))
	case n == 127 && len(p) >= 10:
		return 10 + mask + int(binary.BigEndian.Uint64(p[2:]))
	}
	return 0
}

// Close is called by the library, on a goodbye or on a breach of the protocol.
func (f *frames) Close() error { return Shut(f.Conn) }

var errLongResponse = errors.New("nats: websocket: the server's answer is too long")

// source is what is read ahead from.
type source struct {
	r    io.Reader
	left int // bytes that it may still bring; negative: any number
}

func (s *source) Read(p []byte) (int, error) {
	switch {
	case s.left < 0:
		return s.r.Read(p)
	case s.left == 0:
		return 0, errLongResponse
	}
	n, err := s.r.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}
