package proto

import (
	"bytes"
	"fmt"
)

// line reads the line that b begins with: the whole operation, except for a message, whose line it reads into p.msg. Then
// n is the length of the line. It takes everything that the protocol allows and finds every error.
func (p *Parser) line(b []byte) (n int, op Op, err error) {
	op, hdr, length, partial := verb(b)
	switch {
	case partial:
		return 0, OpNone, nil
	case op == OpNone:
		return 0, OpNone, violation(b, "unknown operation")
	}
	bound := MaxControlLine
	if op == OpInfo {
		bound = MaxInfo
	}
	end := bytes.IndexByte(b[:min(len(b), bound)], '\n')
	if end < 0 {
		if len(b) >= bound {
			return 0, OpNone, violation(b, fmt.Sprintf("line longer than %d bytes", bound))
		}
		return 0, OpNone, nil
	}
	n = end + 1
	if b[end-1] == '\r' {
		end--
	}
	switch op {
	case OpMsg:
		err = p.message(b[:end], length, hdr)
		p.msg.line = n
	case OpInfo:
		p.arg = trim(b[length:end])
	case OpErr:
		p.arg = unquote(trim(b[length:end]))
	default:
		if len(trim(b[length:end])) != 0 {
			err = violation(b, "unexpected argument")
		}
	}
	if err != nil {
		return 0, OpNone, err
	}
	return n, op, nil
}

// unquote cuts the single quotes around the text of an error, if they are there.
func unquote(b []byte) []byte {
	if len(b) >= 2 && b[0] == '\'' && b[len(b)-1] == '\'' {
		return b[1 : len(b)-1]
	}
	return b
}

// message reads the fields of a message line, whose end is cut off, into p.msg, and remembers its beginning. The verb takes
// the first i bytes.
func (p *Parser) message(b []byte, i int, hdr bool) error {
	const most = 5 // subject, SID, reply subject and two sizes
	var at [most + 1]struct{ from, to int }
	count := 0
	for i = skip(b, i); i < len(b); i = skip(b, i) {
		if count == most {
			return violation(b, "too many fields")
		}
		end := field(b, i)
		if end < 0 {
			return violation(b, "CR in a line")
		}
		at[count].from, at[count].to = i, end
		count++
		i = end
	}
	sizes := 1
	if hdr {
		sizes = 2
	}
	if count != 2+sizes && count != 3+sizes {
		return violation(b, fmt.Sprintf("message with %d fields", count))
	}
	text := func(k int) []byte { return b[at[k].from:at[k].to] }

	sid, ok := parseUint(text(1))
	if !ok {
		return violation(b, "SID is not a number of 64 bits")
	}
	m := message{sid: sid, subject: at[0].from, subjectEnd: at[0].to}
	if count == 3+sizes {
		m.reply, m.replyEnd = at[2].from, at[2].to
	}
	if err := m.lengths(b, text(count-sizes), text(count-1)); err != nil {
		return err
	}
	p.msg = m
	p.isH = hdr
	p.remember(b[:at[2].from])
	return nil
}

// lengths reads and checks the two sizes; a MSG has one, which is then given twice.
func (m *message) lengths(line, header, size []byte) error {
	total, ok := parseUint(size)
	if !ok {
		return violation(line, "size is not a number of 64 bits")
	}
	block := uint64(0)
	if &header[0] != &size[0] {
		if block, ok = parseUint(header); !ok {
			return violation(line, "header size is not a number of 64 bits")
		}
	}
	switch {
	case block > MaxHeader:
		return violation(line, fmt.Sprintf("header of %d bytes exceeds %d", block, MaxHeader))
	case block > total:
		return violation(line, fmt.Sprintf("header of %d bytes in a message of %d", block, total))
	case total-block > MaxPayload:
		return violation(line, fmt.Sprintf("payload of %d bytes exceeds %d", total-block, MaxPayload))
	}
	m.header, m.size = int(block), int(total)
	return nil
}

// skip returns the place of the first byte that is neither space nor tab in b[i:], or len(b).
func skip(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	return i
}

// field returns where the field that begins at b[i] ends, or -1 if there is a CR in it. Other control characters may
// stand in subjects.
func field(b []byte, i int) int {
	for {
		switch i = word(b, i); {
		case i == len(b) || b[i] == ' ' || b[i] == '\t':
			return i
		case b[i] == '\r':
			return -1
		}
		i++
	}
}

// parseUint reads a decimal number without a sign; ok is false for anything else and for more than 64 bits.
func parseUint(b []byte) (n uint64, ok bool) {
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 {
			return 0, false
		}
		if n > (1<<64-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, len(b) > 0
}
