package nats

import (
	"bytes"

	"github.com/gannet-io/nats/internal/proto"
)

// build makes the user's message of a borrowed frame.
func (s *Subscription) build(f *proto.Frame) *Msg {
	in := &s.in
	own := string(f.Subject) == s.Subject
	again := !own && in.fill != nil && string(f.Subject) == in.last
	text := len(f.Reply)
	if !own {
		text += len(f.Subject)
	}
	if text > maxText {
		text = 0
	}
	inline := len(f.Header) + len(f.Data)
	if f.Owned || text+inline > aloneFrom {
		inline = 0
	}
	if in.each == 0 {
		in.each = int32(text + inline)
	}
	in.each += (int32(text+inline) - in.each) / chunkMsgs
	later := s.decodesLater(f.Header)
	if in.fill == nil || !in.fill.fits(text+inline) || in.single && len(in.fill.msgs) > 1 || later && in.fill.raw == nil {
		s.grow(text + inline)
		again = false
	}
	c := in.fill
	if later && c.raw == nil {
		c.raw = new([chunkMsgs]string) // before it is in the queue, where others look for it
	}
	m := &c.msgs[c.filled]
	c.sizes[c.filled] = uint32(len(f.Header) + len(f.Data))
	c.filled++
	m.Sub = s
	m.size = uint32(len(f.Subject) + len(f.Reply) + len(f.Header) + len(f.Data))
	switch {
	case own:
		m.Subject = s.Subject
	case again:
		m.Subject = in.last
	case text == 0:
		m.Subject = f.SubjectString()
	default:
		in.last = c.room.Text(f.Subject)
		m.Subject = in.last
	}
	switch {
	case len(f.Reply) == 0:
	case text == 0:
		m.Reply = string(f.Reply)
	default:
		m.Reply = c.room.Text(f.Reply)
	}
	s.fillBody(m, f, inline > 0, later)
	return m
}

// fillBody gives the message on top of the chunk its header and data. inline: the chunk has room for both. later: the header is decoded when
// the message is handed out.
func (s *Subscription) fillBody(m *Msg, f *proto.Frame, inline, later bool) {
	c := s.in.fill
	if len(f.Header) > 0 {
		block := ""
		if inline {
			block = c.room.Text(f.Header)
		} else {
			block = string(f.Header)
		}
		if later {
			c.raw[c.filled-1] = block
		} else {
			m.Header = s.conn.parseHeader(s, block)
		}
	}
	switch {
	case f.Owned:
		m.Data = f.Data
	case !inline && len(f.Data) > 0:
		m.Data = append(make([]byte, 0, len(f.Data)), f.Data...)
	default:
		m.Data = c.room.Bytes(f.Data)
	}
}

// eagerLines is the number of lines up to which a header block is decoded by the reader.
const eagerLines = 12

// decodesLater reports whether a header block stays as it is until its message is handed out: decoded, a block of tiny headers takes twenty
// times its length, and pending limits count what came on the wire.
func (s *Subscription) decodesLater(block []byte) bool {
	return len(block) > 0 && s.ch == nil && !s.isPull() && bytes.Count(block, newLine) > eagerLines
}

var newLine = []byte{'\n'}

// maxText is the length of subject and reply from which they get objects of their own.
const maxText = 512

// grow makes a chunk for a message of so many bytes. A subscription on which messages come one at a time gets room for one, unless
// they are small: an idle subscription shall not hold much.
func (s *Subscription) grow(need int) {
	in := &s.in
	var c *chunk
	each := max(int(in.each), need)
	switch {
	case in.single, in.msgs <= 1 && (s.arrived == 0 || each > smallMsg && !in.burst): // only the reader writes arrived
		c = newSingle(need)
	default:
		c = newChunk(each)
		if !c.fits(need) {
			c = newSingle(need)
		}
	}
	switch {
	case s.ch != nil, s.isPull(): // its messages are not queued here
	case in.first == nil:
		in.first = c
	default:
		in.fill.next = c
	}
	in.fill, in.last = c, ""
}

// parseHeader decodes a header block for a message of s. An unreadable one is told to the error handler, and the message goes on without: it
// was paid for.
func (nc *Conn) parseHeader(s *Subscription, block string) Header {
	h, err := proto.ParseHeaderText(block)
	if err == nil {
		return h
	}
	// One report at a time: a broken server must not fill the memory with them.
	if !nc.badHeader.Swap(true) {
		nc.eng.SetLastError(ErrBadHeaderMsg)
		nc.eng.Callback(func() {
			nc.badHeader.Store(false)
			nc.tellError(s, ErrBadHeaderMsg)
		})
	}
	return nil
}
