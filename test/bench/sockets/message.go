package sockets

import (
	"errors"
	"strings"
	"unsafe"
)

// message is what a program gets, and may keep.
type message struct {
	subject, reply string
	header         map[string][]string
	data           []byte
}

// memory is where messages and their bytes come from. They are cut from pieces, so a program that keeps one message keeps the others of its
// pieces, 16 KiB of bytes: a library had better take smaller ones.
type memory struct {
	messages []message
	bytes    []byte
	values   []string // of headers

	nMessages, nBytes, nValues int // of each, used
}

const (
	pieceMessages = 64
	pieceBytes    = 16 << 10
	pieceValues   = 64
)

const headerLine = "NATS/1.0\r\n"

// message copies the frame that c has found. Its subject need not be copied if it is that of the subscription.
func (m *memory) message(c *conn, subscribed string) (*message, error) {
	if m.nMessages == len(m.messages) {
		m.messages, m.nMessages = make([]message, pieceMessages), 0
	}
	msg := &m.messages[m.nMessages]
	m.nMessages++
	f := &c.frame
	if subject := c.bytes(f.subject); string(subject) == subscribed {
		msg.subject = subscribed
	} else {
		msg.subject = m.text(subject)
	}
	if f.reply.size() > 0 {
		msg.reply = m.text(c.bytes(f.reply))
	}
	msg.data = m.copy(c.bytes(f.data))
	if f.header.size() == 0 {
		return msg, nil
	}
	var err error
	msg.header, err = m.header(m.text(c.bytes(f.header)))
	return msg, err
}

// copy cuts bytes off the present piece, without room behind them.
func (m *memory) copy(b []byte) []byte {
	if m.nBytes+len(b) > len(m.bytes) {
		m.bytes, m.nBytes = make([]byte, max(pieceBytes, len(b))), 0
	}
	from := m.nBytes
	m.nBytes += copy(m.bytes[from:], b)
	return m.bytes[from:m.nBytes:m.nBytes]
}

func (m *memory) text(b []byte) string {
	c := m.copy(b)
	return unsafe.String(unsafe.SliceData(c), len(c)) // nobody else has these bytes
}

var errHeader = errors.New("not a header block of the scenario")

// header decodes a block to the map that a program wants. The names in it differ.
func (m *memory) header(block string) (map[string][]string, error) {
	rest, ok := strings.CutPrefix(block, headerLine)
	if !ok {
		return nil, errHeader
	}
	h := make(map[string][]string, 2)
	n := 0
	for ; rest != "\r\n"; n++ {
		colon, end := strings.IndexByte(rest, ':'), strings.IndexByte(rest, '\n')
		if colon < 0 || end < colon+len(": \r") {
			return nil, errHeader
		}
		h[rest[:colon]] = m.value(rest[colon+len(": ") : end-1])
		rest = rest[end+1:]
	}
	if len(h) != n {
		return nil, errHeader
	}
	return h, nil
}

// value is a list of one.
func (m *memory) value(v string) []string {
	if m.nValues == len(m.values) {
		m.values, m.nValues = make([]string, pieceValues), 0
	}
	i := m.nValues
	m.nValues++
	m.values[i] = v
	return m.values[i : i+1 : i+1]
}
