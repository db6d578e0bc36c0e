package sockets

import (
	"bytes"
	"fmt"
)

type op int

const (
	opMsg op = iota
	opPing
	opPong
	opInfo
)

// frame is one of the server's. It has no pointers: while the collector works, which is often, each pointer written to memory costs
// another 5 ns.
type frame struct {
	op                           op
	sid                          int
	subject, reply, header, data span
}

// span is a part of the read buffer.
type span struct{ from, to int }

func (s span) size() int { return s.to - s.from }

// parse takes the frame that begins at in[at], and returns where the next one does; at: it is not complete.
func (f *frame) parse(in []byte, at int) (int, error) {
	end := bytes.IndexByte(in[at:], '\n')
	if end < 1 {
		return at, nil
	}
	end += at - 1
	switch line := in[at:end]; {
	case bytes.HasPrefix(line, []byte("MSG ")):
		return f.message(in, at, at+len("MSG "), end, false)
	case bytes.HasPrefix(line, []byte("HMSG ")):
		return f.message(in, at, at+len("HMSG "), end, true)
	case string(line) == "PING":
		f.op = opPing
	case string(line) == "PONG":
		f.op = opPong
	case bytes.HasPrefix(line, []byte("INFO ")):
		f.op = opInfo
	default:
		return at, fmt.Errorf("the server says %q", line)
	}
	return end + len("\r\n"), nil
}

// message is `subject sid [reply] [header size] size` in in[from:end], with the header block and the data behind it. The sizes are taken
// from the end: what is left is the reply subject.
func (f *frame) message(in []byte, at, from, end int, header bool) (int, error) {
	space := bytes.IndexByte(in[from:end], ' ')
	f.op, f.subject = opMsg, span{from, from + max(space, 0)}
	rest, size := lastNumber(in, span{f.subject.to + 1, end})
	hdr := 0
	if header {
		rest, hdr = lastNumber(in, rest)
	}
	sid := rest.from
	for sid < rest.to && in[sid] != ' ' {
		sid++
	}
	f.sid = number(in[min(rest.from, rest.to):sid])
	f.reply = span{min(sid+1, rest.to), rest.to}
	if space < 1 || f.sid < 0 || hdr < 0 || size < hdr {
		return at, fmt.Errorf("a message behind %q", in[at:end])
	}
	data := end + len("\r\n") + hdr
	f.header, f.data = span{data - hdr, data}, span{data, data + size - hdr}
	if next := f.data.to + len("\r\n"); next <= len(in) {
		return next, nil
	}
	return at, nil
}

// lastNumber takes the last word of a line, and returns what is in front of it; -1: it is no number.
func lastNumber(in []byte, line span) (rest span, n int) {
	if line.from > line.to {
		return line, -1
	}
	space := line.to
	for space > line.from && in[space-1] != ' ' {
		space--
	}
	return span{line.from, max(space-1, line.from)}, number(in[space:line.to])
}

// number is the value of digits; -1 if they are none, or more than a size can have.
func number(digits []byte) int {
	if len(digits) == 0 || len(digits) > 15 {
		return -1
	}
	n := 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			return -1
		}
		n = n*10 + int(d-'0')
	}
	return n
}
