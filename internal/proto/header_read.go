package proto

import "bytes"

// The functions below read single things out of a raw block, without decoding or allocating. They take any bytes: what
// they do not understand is absent.

// Status reads the inline status of a block: 0 when there is none, or when it is not of three digits.
func Status(hdr []byte) int {
	line, ok := versionLine(hdr)
	if !ok {
		return 0
	}
	status, _, ok := inline(line)
	if !ok || len(status) == 0 {
		return 0
	}
	n, end := digits(status, 0)
	if end != 3 {
		return 0
	}
	return n
}

// Description is the text behind the inline status, borrowed from hdr; empty when there is none.
func Description(hdr []byte) []byte {
	line, ok := versionLine(hdr)
	if !ok {
		return nil
	}
	_, description, ok := inline(line)
	if !ok || len(description) == 0 {
		return nil
	}
	return description
}

// HeaderValue finds the first value of key, in exactly this case, borrowed from hdr: nil when absent, empty but not nil when
// there is nothing behind the colon. It does not see the inline status. Of a value of several lines it is the first.
func HeaderValue(hdr []byte, key string) []byte {
	if _, ok := versionLine(hdr); !ok || key == "" {
		return nil
	}
	for {
		next := bytes.IndexByte(hdr, '\n') + 1
		if next == 0 {
			return nil
		}
		hdr = hdr[next:]
		if len(hdr) > len(key) && hdr[len(key)] == ':' && string(hdr[:len(key)]) == key {
			value, ok := firstLine(hdr[len(key)+1:])
			if !ok {
				return nil
			}
			return trimLeft(value)
		}
		if len(hdr) > 0 && (hdr[0] == '\n' || hdr[0] == '\r' && len(hdr) > 1 && hdr[1] == '\n') {
			return nil // the end of the block
		}
	}
}

// versionLine is the first line of a block.
func versionLine(hdr []byte) (line []byte, ok bool) {
	if len(hdr) < len(version) || string(hdr[:len(version)]) != version {
		return nil, false
	}
	return firstLine(hdr)
}

// firstLine is b up to its first CRLF or LF; ok is false if there is none.
func firstLine(b []byte) (line []byte, ok bool) {
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return nil, false
	}
	if end > 0 && b[end-1] == '\r' {
		end--
	}
	return b[:end], true
}
