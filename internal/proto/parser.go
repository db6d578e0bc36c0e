package proto

// Parser cuts what a server sends into operations. It keeps no bytes: the caller keeps what is not consumed and calls
// again with more behind it. It remembers the last message line and some subjects, so one Parser serves one connection.
// The zero Parser is ready. It is not safe for concurrent use.
//
// Consecutive messages mostly come from one subscription and on one subject, so their lines begin alike. Next compares
// with the beginning of the last one, "MSG subject sid ", and then has only digits to read: about 15 ns for a message
// without reply subject, where taking the line apart costs 50.
type Parser struct {
	prefix []byte  // the last message line up to the first byte behind its SID; empty: none, or too long to remember
	lines  uint32  // how often prefix has changed; it wraps, and only neighbours are compared
	msg    message // what prefix says, and the message at hand
	isH    bool    // prefix is of an HMSG

	arg   []byte
	need  int
	sized bool // msg describes an incomplete message at the start of the input

	names names
}

// message is a MSG or HMSG line taken apart: places in the input, and lengths.
type message struct {
	sid                 uint64
	subject, subjectEnd int
	reply, replyEnd     int // equal: none
	header, size        int // header block; header block and payload
	line                int // the line with its end, so where the body begins
}

// maxPrefix bounds what is remembered of a line.
const maxPrefix = 256

// Next reads one operation at the start of b. It returns how many bytes it consumed, 0 with OpNone: then b holds no whole
// operation. For OpMsg it fills f; otherwise f may be changed but means nothing.
//
// An error is an *[Error] and final: the connection must be given up. Errors come as soon as the bytes show them, before
// the operation is complete. Names of operations may be in any case, fields may be separated by several spaces and tabs, and a
// lone LF ends a line as CRLF does; a payload must have its CRLF.
func (p *Parser) Next(b []byte, f *Frame) (n int, op Op, err error) {
	p.need, p.sized = 0, false
	k := len(p.prefix)
	known := k > 0 && len(b) > k && string(b[:k]) == string(p.prefix) && p.again(b)
	if !known && !p.fresh(b) {
		if n, op, err = p.line(b); op != OpMsg {
			return n, op, err
		}
	}
	m := &p.msg
	total := m.line + m.size + 2
	if len(b) < total {
		p.need, p.sized = total, true
		return 0, OpNone, nil
	}
	if b[total-2] != '\r' || b[total-1] != '\n' {
		return 0, OpNone, violation(b, "no CRLF behind the payload")
	}
	p.fill(f, b, b[m.line:])
	f.Owned = false
	return total, OpMsg, nil
}

// Arg is the argument of the last OpInfo or OpErr, borrowed from the input.
func (p *Parser) Arg() []byte { return p.arg }

// Need is the total length of the operation that the last Next found incomplete, or 0 where its line is not complete. It is
// at most MaxControlLine + MaxHeader + MaxPayload + 2; a caller with a bound on memory lets its buffer grow with what
// arrives, not at once to Need.
func (p *Parser) Need() int { return p.need }

// Payload tells, after an OpNone whose line was complete, where the body of the message, header block and payload, begins
// in b and how long it is without the final CRLF, so that a reader can take a large one straight from the socket into
// a buffer of its own; ok is false otherwise. The reader keeps a copy of b[:start] for [Parser.Finish], reads the body and
// the two bytes behind it, and goes on with Next behind those.
func (p *Parser) Payload() (start, size int, ok bool) {
	if !p.sized {
		return 0, 0, false
	}
	return p.msg.line, p.msg.size, true
}

// Finish fills f from line, the bytes before the body that Payload announced, and body, header block and payload without
// the CRLF, and sets f.Owned. Whether CRLF follows is the caller's to check, with [Parser.Tail]. The error is an
// *[Error] if line is no message line or body has not the length that it says.
func (p *Parser) Finish(line, body []byte, f *Frame) (err error) {
	n, op, err := p.line(line)
	switch {
	case err != nil:
		return err
	case op != OpMsg || n != len(line) || p.msg.size != len(body):
		return violation(line, "line and body do not belong together")
	}
	p.fill(f, line, body)
	f.Owned, f.Body = true, body
	p.need, p.sized = 0, false
	return nil
}

// Tail checks the two bytes behind a body that went to Finish: anything but CRLF is an *[Error].
func (p *Parser) Tail(b []byte) error {
	if string(b) != "\r\n" {
		return violation(b, "no CRLF behind the payload")
	}
	return nil
}

// again reads the rest of a line that begins with p.prefix into p.msg. It does so only for lines as servers write them;
// false sends everything else, also incomplete lines and sizes out of bounds, to line.
func (p *Parser) again(b []byte) bool {
	m := &p.msg
	i := len(p.prefix)
	m.reply, m.replyEnd = 0, 0
	if p.sizes(b, i) {
		return true
	}
	j := word(b, i)
	if j == i || j >= len(b) || b[j] != ' ' {
		return false
	}
	m.reply, m.replyEnd = i, j
	return p.sizes(b, j+1)
}

// fresh reads a MSG line that begins otherwise than the last one, and remembers its beginning. Like again it does so only
// for lines as servers write them. Where subscriptions take turns, line cost 15% of all CPU.
func (p *Parser) fresh(b []byte) bool {
	const op = "MSG "
	if len(b) <= len(op) || string(b[:len(op)]) != op {
		return false
	}
	end := word(b, len(op))
	if end == len(op) || end >= maxPrefix-16 || end >= len(b) || b[end] != ' ' {
		return false
	}
	sid, i := digits(b, end+1)
	if i == end+1 || i >= len(b) || b[i] != ' ' {
		return false
	}
	p.msg = message{sid: uint64(sid), subject: len(op), subjectEnd: end}
	p.isH = false
	p.remember(b[:i+1])
	if p.again(b) {
		return true
	}
	p.remember(nil)
	return false
}

// remember says how lines of messages begin from now on; what is too long is not remembered.
func (p *Parser) remember(prefix []byte) {
	p.prefix = p.prefix[:0]
	if len(prefix) <= maxPrefix {
		p.prefix = append(p.prefix, prefix...)
	}
	p.lines++
}

// sizes reads "size CRLF", or "header-size size CRLF" in an HMSG, at b[i]. In a MSG header is 0 already.
func (p *Parser) sizes(b []byte, i int) bool {
	m := &p.msg
	n, j := digits(b, i)
	if p.isH {
		if j == i || j >= len(b) || b[j] != ' ' {
			return false
		}
		m.header = n
		i = j + 1
		n, j = digits(b, i)
	}
	if j == i || j+1 >= len(b) || b[j] != '\r' || b[j+1] != '\n' {
		return false
	}
	m.size, m.line = n, j+2
	return m.header <= MaxHeader && m.header <= n && n-m.header <= MaxPayload && m.line <= MaxControlLine
}
