package nats

import "github.com/gannet-io/nats/internal/proto"

// build makes the user's message of a borrowed frame.
func (s *Subscription) build(f *proto.Frame) *Msg {
	in := &s.in
	own := s.ownSubject(f)
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
	need := text + inline
	if in.each == 0 {
		in.each = int32(need)
	}
	in.each += (int32(need) - in.each) >> 3
	values := 0
	if len(f.Header) > 0 {
		values = proto.CountValues(f.Header)
	}
	later := values > eagerValues && s.decodesLater()
	c := in.fill
	if c == nil || !c.fits(need) || in.single && len(c.msgs) > 1 || later && c.raw == nil {
		c = s.grow(need)
	}
	m := &c.msgs[c.filled]
	c.sizes[c.filled] = uint32(len(f.Header) + len(f.Data))
	c.filled++
	m.Sub = s
	m.size = uint32(len(f.Subject) + len(f.Reply) + len(f.Header) + len(f.Data))
	switch {
	case f.Owned:
		m.Data = f.Data
	case inline == 0 && len(f.Data) > 0:
		m.Data = append(make([]byte, 0, len(f.Data)), f.Data...)
	default:
		m.Data = c.room.Bytes(f.Data)
	}
	if own {
		m.Subject = s.Subject
	} else {
		m.Subject = in.subject(f, text > 0)
	}
	if len(f.Reply) > 0 {
		m.Reply = c.text(f.Reply, text > 0)
	}
	switch {
	case len(f.Header) == 0:
	case later:
		c.putRaw(c.text(f.Header, inline > 0))
	default:
		m.Header = s.conn.parseHeader(s, c.text(f.Header, inline > 0), c.valueRoom(values))
	}
	return m
}

// ownSubject reports whether a message's subject is that of the subscription. Messages of one run mostly have the same, and are not compared.
func (s *Subscription) ownSubject(f *proto.Frame) bool {
	in := &s.in
	if line := f.Line(); line == 0 || line != in.line || in.msgs <= 1 {
		in.line, in.own = line, string(f.Subject) == s.Subject
	}
	return in.own
}

// subject is that of a message which is not the subscription's own. inline: the chunk has room for it.
func (in *intake) subject(f *proto.Frame, inline bool) string {
	switch {
	case in.last != "" && string(f.Subject) == in.last:
	case !inline:
		return f.SubjectString()
	default:
		in.last = in.fill.room.Text(f.Subject)
	}
	return in.last
}

// eagerValues is the number of values up to which a header block is decoded by the reader.
const eagerValues = 10

// decodesLater reports whether a block with more stays as it is until its message is handed out: decoded, a block of tiny headers takes twenty
// times its length, and pending limits count what came on the wire.
func (s *Subscription) decodesLater() bool { return s.ch == nil && !s.isPull() }

// maxText is the length of subject and reply from which they get objects of their own.
const maxText = 512

// grow makes a chunk for a message of so many bytes. A subscription on which messages come one at a time gets room for one, unless
// they are small: an idle subscription shall not hold much.
func (s *Subscription) grow(need int) (c *chunk) {
	in := &s.in
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
	case s.isPull(): // its messages are not queued here
	case s.ch != nil:
		if s.out.n > 0 {
			in.fill.next = c
		}
	case in.first == nil:
		in.first = c
	default:
		in.fill.next = c
	}
	in.fill, in.last = c, ""
	return c
}

// parseHeader decodes a header block for a message of s, see [proto.ParseHeaderText]. An unreadable one is told to the error handler, and the message goes on without: it
// was paid for.
func (nc *Conn) parseHeader(s *Subscription, block string, values []string) Header {
	h, err := proto.ParseHeaderText(block, values)
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
