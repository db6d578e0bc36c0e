package proto

import "bytes"

// Boundary walks operations of the client, as the Append functions write them, in buf, of which the kernel took n bytes.
// It returns the offset of the first operation that was not taken whole: len(buf) when all were. An operation that
// is cut off at the end of buf counts as not taken whole. The time depends on the number of operations, not on their payloads.
func Boundary(buf []byte, n int) int {
	n = min(n, len(buf))
	i := 0
	for i < len(buf) {
		_, length := operation(buf[i:])
		if length > n-i {
			break
		}
		i += length
	}
	return i
}

// Publishes calls keep for each PUB and HPUB operation in buf, which starts at an operation, with the whole operation;
// other operations are skipped, and so is one that is cut off at the end. hasReply tells whether a reply subject is there.
func Publishes(buf []byte, keep func(op []byte, hasReply bool)) {
	for len(buf) > 0 {
		line, length := operation(buf)
		if length > len(buf) {
			return
		}
		if without := publishSpaces(line); without > 0 {
			keep(buf[:length:length], bytes.Count(line, space) > without)
		}
		buf = buf[length:]
	}
}

// ReplyOf is the reply subject of a PUB or HPUB operation, borrowed from op; empty when there is none.
func ReplyOf(op []byte) []byte {
	line, _ := operation(op)
	if without := publishSpaces(line); without == 0 || bytes.Count(line, space) == without {
		return nil
	}
	_, line, _ = bytes.Cut(line, space)
	_, line, _ = bytes.Cut(line, space)
	reply, _, _ := bytes.Cut(line, space)
	return reply
}

var space = []byte{' '}

// publishSpaces is the number of spaces in the line of a PUB or HPUB without a reply subject; 0 for other operations.
func publishSpaces(line []byte) int {
	switch {
	case bytes.HasPrefix(line, pub):
		return 2
	case bytes.HasPrefix(line, hpub):
		return 3
	}
	return 0
}

var pub, hpub = []byte("PUB "), []byte("HPUB ")

// operation measures the operation at the start of b. A length beyond b says that it is cut off. line is without its end.
func operation(b []byte) (line []byte, length int) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return nil, len(b) + 1
	}
	line, length = b[:end], end+1
	if end > 0 && line[end-1] == '\r' {
		line = line[:end-1]
	}
	if publishSpaces(line) == 0 {
		return line, length
	}
	size, ok := parseUint(line[bytes.LastIndexByte(line, ' ')+1:])
	switch {
	case !ok: // not written by AppendPub
		return line, length
	case size > uint64(len(b)):
		return line, len(b) + 1
	}
	return line, length + int(size) + 2
}
